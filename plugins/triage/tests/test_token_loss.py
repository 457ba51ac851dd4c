"""Loss by token against a computation by hand: what the known model predicts can be written down without it."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.report.encode import encode
from wonderland.tokenizer import END, ME, SEP, THEM
from wonderland.views import digits
from wonderland_triage.apart import mean_apart
from wonderland_triage.token_loss import TokenLoss


def predictions_by_hand(tokens):
    """Log-probabilities of the next token after each of ``tokens``, [pos, token].

    The known model gives one logit to the token at hand and ten, by induction, to what came after its earlier copies
    (or, if there were none, to the mean of all tokens but the first).
    """
    rows = []
    for i, token in enumerate(tokens):
        after_a_copy = [j for j in range(1, i + 1) if tokens[j - 1] == token]
        sources = after_a_copy or list(range(1, i + 1)) or [0]
        logits = np.zeros(24)
        logits[token] += 1
        for j in sources:
            logits[tokens[j]] += 10 / len(sources)
        rows.append(logits - np.log(np.exp(logits).sum()))
    return np.array(rows)


@pytest.fixture(scope="module")
def by_hand(specimen):
    """Of every predicted token: window, position, loss, rank, entropy."""
    rows = []
    for window, (tokens, length) in enumerate(zip(specimen.evidence.tokens, specimen.evidence.lengths, strict=True)):
        for position, log_probs in enumerate(predictions_by_hand(tokens[: int(length) - 1]), 1):
            loss = -log_probs[tokens[position]]
            rank = 1 + (log_probs > -loss + 1e-9).sum()
            rows.append((window, position, loss, rank, -(np.exp(log_probs) * log_probs).sum()))
    return np.array(rows)


@pytest.fixture(scope="module")
def result(specimen):
    return wl.analyze(specimen, TokenLoss())["token-loss"]


def select(by_hand, specimen, wanted):
    """The losses of the tokens for which ``wanted(tokens, position)`` holds."""
    return np.array([row[2] for row in by_hand if wanted(specimen.evidence.tokens[int(row[0])], int(row[1]))])


def speaker_of(tokens, position):
    return next(tokens[i] for i in range(position, -1, -1) if tokens[i] in (ME, THEM))


def is_word(tokens, position):
    return tokens[position] > 4


def test_the_overall_loss_is_the_mean_over_tokens(result, by_hand):
    assert result.overall.value == pytest.approx(by_hand[:, 2].mean(), rel=1e-5)
    assert result.overall.chance == pytest.approx(np.log(24))
    assert result.overall.n == 40


def test_each_kind_of_token_has_its_mean(result, by_hand, specimen):
    kinds = {
        "first word": lambda tokens, i: is_word(tokens, i) and tokens[i - 1] in (ME, THEM),
        "later words": lambda tokens, i: is_word(tokens, i) and tokens[i - 1] not in (ME, THEM),
        "end of message": lambda tokens, i: tokens[i] in (SEP, END),
        "next speaker": lambda tokens, i: tokens[i] in (ME, THEM),
    }
    assert list(result.by_kind) == list(kinds)
    counted = 0
    for name, wanted in kinds.items():
        losses = select(by_hand, specimen, wanted)
        assert result.by_kind[name].value == pytest.approx(losses.mean(), rel=1e-5), name
        counted += len(losses)
    assert counted == len(by_hand)  # every token is of one kind


def test_words_are_counted_for_who_wrote_them(result, by_hand, specimen):
    for name, token in (("me", ME), ("them", THEM)):
        losses = select(by_hand, specimen, lambda tokens, i, t=token: is_word(tokens, i) and speaker_of(tokens, i) == t)
        assert result.by_speaker[name].value == pytest.approx(losses.mean(), rel=1e-5)


def test_the_loss_by_place_counts_from_the_first_word(result, by_hand, specimen):
    def place(tokens, position):
        return position - max(i for i in range(position + 1) if tokens[i] in (ME, THEM)) - 1

    for wanted in (0, 1, 5):
        losses = select(by_hand, specimen, lambda tokens, i, w=wanted: is_word(tokens, i) and place(tokens, i) == w)
        assert result.by_place.value[wanted] == pytest.approx(losses.mean(), rel=1e-5)


def test_the_last_place_holds_all_later_words(specimen, by_hand):
    result = wl.analyze(specimen, TokenLoss(places=1))["token-loss"]
    losses = select(by_hand, specimen, is_word)
    assert result.by_place.value == pytest.approx([losses.mean()], rel=1e-5)


def test_a_place_no_message_reaches_has_no_number_and_no_warning(specimen, recwarn):
    result = wl.analyze(specimen, TokenLoss(places=40))["token-loss"]
    assert np.isnan(result.by_place.value[39])
    assert not recwarn.list


def test_what_is_shown_token_by_token_is_loss_rank_and_entropy(result, by_hand, specimen):
    assert len(result.conversations) == len(result.values) == 6
    for about, values in zip(result.conversations, result.values, strict=True):
        window = int(about["title"].removeprefix("Held-out window ")) - 1
        expected = by_hand[by_hand[:, 0] == window]
        assert np.isnan(values[:, 0]).all()  # the first token is given
        np.testing.assert_allclose(values[0, 1:], expected[:, 2], rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(values[1, 1:], expected[:, 3])
        np.testing.assert_allclose(values[2, 1:], expected[:, 4], rtol=1e-4, atol=1e-4)
        assert len(about["tokens"]) == len(about["speakers"]) == len(about["messages"]) == values.shape[1]


def test_alternatives_are_the_likeliest_tokens_with_their_probabilities(result, specimen):
    about = result.conversations[0]
    window = int(about["title"].removeprefix("Held-out window ")) - 1
    tokens = specimen.evidence.tokens[window, : len(about["tokens"])]
    log_probs = predictions_by_hand(tokens)
    assert about["alternatives"][0] == []  # nothing was predicted for the first token
    for position in (1, 5, 20):
        said, probabilities = zip(*about["alternatives"][position], strict=True)
        best = np.sort(np.exp(log_probs[position - 1]))[::-1][:5]
        assert list(probabilities) == pytest.approx(best, abs=1e-4)
        first = specimen.tokenizer.pieces([log_probs[position - 1].argmax()])[0]
        if best[0] > best[1] + 1e-3:
            assert said[0] == first


def test_the_most_surprising_tokens_are_words_in_order_of_their_loss(result, by_hand):
    losses = [row["loss"] for row in result.surprising]
    assert len(losses) == 20
    assert losses == sorted(losses, reverse=True)
    for row in result.surprising:
        about = result.conversations[row["conversation"]]
        assert about["tokens"][row["position"]] == row["piece"]
        assert about["speakers"][row["position"]] == row["speaker"]
        assert not row["piece"].startswith("<|")


def test_the_claim_is_the_loss_with_its_interval_and_of_which_windows(result):
    first = result.summary().splitlines()[0]
    assert str(result.overall) in first
    assert "windows that are examined" in first
    assert "windows that are examined" in result.findings()[0].text


def test_the_number_of_choices_is_left_to_the_loss_of_all_held_out_tokens(result):
    # The same number of other tokens would stand beside it: a page must not say both.
    said = [result.summary(), *(finding.text for finding in result.findings())]
    assert not any("perplexity" in text or "equally likely" in text for text in said)


@pytest.mark.parametrize(("low", "high"), [(-0.05, 0.09), (-0.6, 0.2)])
def test_a_difference_within_its_interval_is_called_none(result, low, high):
    apart = replace(result.apart, value=(low + high) / 2, low=low, high=high)
    found = replace(result, apart=apart).findings()[1]
    most = max(-low, high)
    assert found.text.startswith("No clear difference between how well it predicts words of me and of them")
    assert f"at most {digits(most)} nats apart" in found.text
    assert (found.kind, found.trust) == ("null", "solid" if most <= 0.1 else "weak")


def test_nineteen_of_twenty_intervals_hold_that_words_drawn_alike_cost_the_same():
    random = np.random.default_rng(0)
    evidence = SimpleNamespace(conversation=np.repeat(np.arange(30), 2), seed=0)
    held = 0
    for _ in range(100):
        mine = random.random((60, 20)) < 0.4
        loss = random.exponential(2, (60, 20)) + random.normal(0, 1, 30)[evidence.conversation, None]
        apart = mean_apart(loss, [mine, ~mine], evidence)
        held += apart.low <= 0 <= apart.high
    assert 87 <= held <= 99


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    np.testing.assert_array_equal(again.values[2], result.values[2])


def test_its_views_are_ones_the_report_can_draw(result):
    for view in result.views():
        encode(view.data)
    assert result.figure() is not None


def test_each_class_of_tokens_is_selected_by_its_bar_and_has_a_card_with_its_loss(result):
    bars = next(view for view in result.views() if view.id == "loss-by-kind").figure
    cards = {str(key): blocks for key, blocks in result.cards().items()}
    assert [str(key) for key in bars.keys] == list(cards)
    assert cards["class:words-by-me"][0].rows[0].value.value == float(result.by_speaker["me"].value)


def test_where_nobody_says_who_speaks_the_model_is_not_run(specimen, monkeypatch):
    silent = copy.copy(specimen)
    silent.evidence = replace(specimen.evidence, speakers=False)
    monkeypatch.setattr(silent, "batches", lambda *names: pytest.fail("the model was run"))
    with pytest.raises(NotEnoughData, match="needs to know who speaks"):
        TokenLoss().run(silent)


def test_the_difference_of_speakers_is_paired_within_conversations(result):
    me, them = result.by_speaker["me"], result.by_speaker["them"]
    assert result.apart.value == pytest.approx(me.value - them.value)
    assert result.findings()[1].estimate is result.apart
    for sign in (1, -1):  # the sentence has the sign of the value beside it
        found = replace(
            result, apart=replace(result.apart, value=sign * 0.22, low=sign * 0.22 - 0.1, high=0.1 + sign * 0.22)
        )
        told = {1: "me less them: 0.22 [0.12, 0.32]", -1: "me less them: −0.22 [−0.32, −0.12]"}[sign]
        assert told in found.findings()[1].text
    # Each conversation is hard for both or for neither, and its own words cost me a little more: only pairing sees it.
    evidence = SimpleNamespace(conversation=np.arange(40), seed=0)
    hard = np.linspace(0, 4, 40)[:, None]
    mine = np.tile([True, False], (40, 1))
    loss = hard + np.where(mine, 0.2, 0.1)
    apart = mean_apart(loss, [mine, ~mine], evidence)
    assert (apart.value, apart.low, apart.high) == pytest.approx((0.1, 0.1, 0.1))
    assert apart.n == 40
    assert mean_apart(loss, [mine, mine & False], evidence) is None
    alone = mean_apart(loss[:1], [mine[:1], ~mine[:1]], SimpleNamespace(conversation=np.zeros(1), seed=0))
    assert np.isnan(alone.low)
    assert replace(result, apart=alone).findings()[1:] == []
