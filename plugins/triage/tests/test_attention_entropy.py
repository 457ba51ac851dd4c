"""Entropy of attention on heads whose entropy is known: uniform 1, one token 0, two tokens ln 2."""

import math

import numpy as np
import pytest

import wonderland as wl
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.testing.optimism import optimism
from wonderland_triage.attention_entropy import AttentionEntropy


def entropy_of(model, **corpus):
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(**{"conversations": 12, **corpus}))
    return wl.analyze(specimen, AttentionEntropy())["attention-entropy"]


@pytest.fixture(scope="module")
def result(specimen):
    return wl.analyze(specimen, AttentionEntropy())["attention-entropy"]


def test_the_uniform_head_has_all_the_entropy_there_is(result, specimen):
    uniform = HEADS["uniform"]
    one = result.normalised[uniform]
    assert (one.value, one.low, one.high) == pytest.approx((1, 1, 1), abs=1e-6)
    assert result.spread[uniform] == pytest.approx(0, abs=1e-3)
    visible = np.concatenate([np.arange(2, length + 1) for length in specimen.evidence.lengths])
    assert result.nats.value[uniform] == pytest.approx(np.log(visible).mean(), rel=1e-6)
    assert result.effective.value[uniform] == pytest.approx(visible.mean(), rel=1e-5)


@pytest.mark.parametrize("name", ["previous", "self", "first", "speaker"])
def test_a_head_that_looks_at_one_token_has_none(result, name):
    head = HEADS[name]
    assert result.normalised.value[head] == pytest.approx(0, abs=1e-6)
    assert result.nats.value[head] == pytest.approx(0, abs=1e-6)
    assert result.effective.value[head] == pytest.approx(1, abs=1e-6)


def test_chance_is_what_the_uniform_head_has(result):
    for estimate in (result.normalised, result.nats, result.effective):
        assert estimate.value[HEADS["uniform"]] == pytest.approx(estimate.chance, rel=1e-5)


def test_a_head_that_looks_at_two_tokens_has_the_logarithm_of_two():
    model = handwritten_model()
    layer, head = HEADS["self"]
    keys = model.blocks[layer].attn.W_K[head]
    keys += model.blocks[layer].attn.W_K[HEADS["previous"][1]]  # itself and the token before, alike
    result = entropy_of(model)
    assert result.nats.value[layer, head] == pytest.approx(math.log(2), abs=1e-5)
    assert result.effective.value[layer, head] == pytest.approx(2, abs=1e-4)
    by_hand = np.mean([math.log(2) / math.log(row + 1) for row in range(1, 48)])
    assert result.normalised.value[layer, head] == pytest.approx(by_hand, abs=1e-5)
    assert result.by_position[layer, head, 1] == pytest.approx(1, abs=1e-5)  # two of two tokens
    assert result.by_position[layer, head, 31] == pytest.approx(math.log(2) / math.log(32), abs=1e-5)


def test_the_induction_head_has_the_entropy_of_the_copies_there_are(result, specimen):
    nats = []
    for tokens, length in zip(specimen.evidence.tokens, specimen.evidence.lengths, strict=True):
        for i in range(1, int(length)):
            copies = sum(tokens[j - 1] == tokens[i] for j in range(1, i + 1))
            nats.append(math.log(copies or i))  # without a copy it looks at all tokens but the first
    assert result.nats.value[HEADS["induction"]] == pytest.approx(np.mean(nats), rel=1e-5)


def test_the_first_row_which_sees_one_token_only_is_left_out():
    # With it, the mean nats of uniform attention over six tokens would be ln(6!)/6 = 1.097.
    corpus = wl.Corpus.of([message._replace(text="a b c d") for message in list(handwritten_corpus(1))[:1]])
    short = wl.Specimen(handwritten_model(), handwritten_tokenizer(), corpus)
    result = wl.analyze(short, AttentionEntropy())["attention-entropy"]
    assert result.nats.value[HEADS["uniform"]] == pytest.approx(math.log(720) / 5, rel=1e-5)


def test_the_curve_by_position_counts_each_window_as_far_as_it_reaches(result, specimen):
    uniform = result.by_position[HEADS["uniform"]]
    longest = specimen.evidence.lengths.max()
    assert longest > 1.5 * specimen.evidence.lengths.min()
    assert uniform[1:] == pytest.approx(np.ones(longest - 1), abs=1e-5)  # where few windows reach, too


def test_the_claim_names_the_most_focused_head_and_counts_them(result):
    first, *rest = result.summary().splitlines()
    assert first.startswith("5 of 6 heads are focused")
    assert rest == ["Focused: L0H0, L0H1, L0H2, L1H1, L1H2."]  # all but the uniform one
    (finding,) = result.findings()
    assert finding.trust == "solid"


def test_before_training_no_head_is_focused(specimen):
    controlled = wl.analyze(specimen, AttentionEntropy(), control=True)["attention-entropy"]
    assert controlled.control.normalised.value.min() > 0.9
    assert "Before training the lowest was" in controlled.summary()


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    np.testing.assert_array_equal(again.by_position, result.by_position)
    assert again.summary() == result.summary()


def test_its_views_are_ones_the_report_can_draw(result):
    for view in result.views():
        encode(view.data)
    assert result.figure() is not None


def test_the_lowest_of_noise_is_worth_nothing_on_the_other_half():
    (choice,) = AttentionEntropy.choices()
    found = optimism(AttentionEntropy, choice)
    assert found.faults == []
    assert abs(found.share) < 1e-3


def test_of_one_conversation_the_lowest_is_named_where_it_was_found_and_that_is_said():
    result = entropy_of(handwritten_model(), conversations=1)
    assert result.lowest_apart.n == 0
    (finding,) = result.findings()
    assert "on the text it was found on, 0.00 of" in finding.text
    assert finding.trust == "weak"
