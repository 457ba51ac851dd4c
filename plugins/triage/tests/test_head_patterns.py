"""Pattern scores on heads whose patterns are known, and on one that has none."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.halves import first_half
from wonderland.report.encode import encode
from wonderland.report.schema import characters
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.testing.optimism import optimism
from wonderland.views import percent
from wonderland_triage.head_patterns import PATTERNS, HeadPatterns


@pytest.fixture(scope="module")
def result(specimen):
    return wl.analyze(specimen, HeadPatterns())["head-patterns"]


@pytest.mark.parametrize("pattern", ["previous", "self", "first", "speaker"])
def test_a_planted_pattern_has_score_one_and_its_label(result, pattern):
    layer, head = HEADS[pattern]
    one = result.scores[pattern][layer, head]
    assert (one.value, one.low, one.high) == pytest.approx((1, 1, 1), abs=1e-6)
    assert result.labels[layer][head] == pattern
    assert result.heads_with(pattern) == [Head(layer, head)]


def test_the_uniform_head_has_no_pattern_and_every_score_at_chance(result):
    layer, head = HEADS["uniform"]
    assert result.labels[layer][head] == "diffuse"
    for pattern in PATTERNS:
        score = result.scores[pattern]
        assert score.value[layer, head] == pytest.approx(score.chance, abs=1e-6), pattern


def rows_by_hand(specimen):
    """The rows that count, of every window: tokens, position, position of the latest speaker token."""
    for tokens, length in zip(specimen.evidence.tokens, specimen.evidence.lengths, strict=True):
        speaker = 0
        for i in range(int(length)):
            if tokens[i] in (1, 2):
                speaker = i
            if i >= 4:
                yield tokens, i, speaker


@pytest.mark.parametrize("margin", [4.0, 5.0])
@pytest.mark.parametrize("errors", [3.9, 4.1, 4.9, 5.1])
def test_a_label_takes_a_score_that_many_standard_errors_above_chance(margin, errors):
    """A 95% interval is 2 × 1.96 standard errors wide; the score is over the threshold either way."""
    error, chance = 0.02, 0.45
    value = np.full((1, 1), chance + errors * error)
    one = wl.Estimate(value, value - 1.96 * error, value + 1.96 * error, n=30, chance=chance)
    labels = HeadPatterns(margin=margin)._labels({"previous": one})
    assert labels == [["previous" if errors > margin else "diffuse"]]


def test_chance_levels_are_those_counted_by_hand(result, specimen):
    rows = list(rows_by_hand(specimen))
    later = [row for row in rows if row[2] > 0]  # first token and speaker token are two different ones

    def share(rows, targets):
        return np.mean([targets(*row) / (row[1] + 1) for row in rows])

    assert result.scores["previous"].chance == pytest.approx(share(rows, lambda *row: 1), rel=1e-5)
    assert result.scores["self"].chance == pytest.approx(share(rows, lambda *row: 1), rel=1e-5)
    assert result.scores["first"].chance == pytest.approx(share(later, lambda *row: 1), rel=1e-5)
    assert result.scores["speaker"].chance == pytest.approx(share(later, lambda *row: 1), rel=1e-5)
    separators = share(rows, lambda tokens, i, _: np.isin(tokens[: i + 1], (0, 3)).sum())
    assert result.scores["separator"].chance == pytest.approx(separators, rel=1e-5)
    copies = share(rows, lambda tokens, i, _: (tokens[:i] == tokens[i]).sum())
    assert result.scores["duplicate"].chance == pytest.approx(copies, rel=1e-5)


def test_what_a_known_head_gives_to_other_patterns_is_what_overlaps(result, specimen):
    rows = list(rows_by_hand(specimen))
    on_separator = np.mean([tokens[i - 1] in (0, 3) for tokens, i, _ in rows])
    got = result.scores["separator"].value[HEADS["previous"]]
    assert got == pytest.approx(on_separator, rel=1e-5)  # a token after a separator looks at one
    on_speaker = np.mean([tokens[i] in (1, 2) for tokens, i, speaker in rows if speaker > 0])
    assert result.scores["speaker"].value[HEADS["self"]] == pytest.approx(on_speaker, rel=1e-5)
    assert result.scores["first"].value[HEADS["previous"]] == pytest.approx(0, abs=1e-6)
    assert result.scores["duplicate"].value[HEADS["self"]] == pytest.approx(0, abs=1e-6)


def test_a_head_that_looks_at_earlier_copies_is_a_duplicate_head():
    model = handwritten_model()
    layer, head = HEADS["induction"]
    attn, unit = model.blocks[layer].attn, 48**0.5
    attn.W_Q[head, :24, :24] = torch.eye(24) * 2000 * unit  # this token asks for the same token,
    attn.W_K[head] = 0
    attn.W_K[head, :24, :24] = torch.eye(24)
    attn.b_Q[head] = 0
    attn.b_Q[head, 47] = -10 * unit  # and rather for an early one than for itself
    attn.W_K[head, 24:72, 47] = torch.arange(48.0)
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(40, shortest=10))
    result = wl.analyze(specimen, HeadPatterns())["head-patterns"]
    repeated = np.mean([tokens[i] in tokens[:i] for tokens, i, _ in rows_by_hand(specimen)])
    assert result.scores["duplicate"].value[layer, head] == pytest.approx(repeated, rel=1e-5)
    assert result.scores["self"].value[layer, head] == pytest.approx(1 - repeated, rel=1e-5)
    assert result.labels[layer][head] == "duplicate"


def test_a_threshold_above_every_score_leaves_no_label(specimen):
    result = wl.analyze(specimen, HeadPatterns(threshold=1.1))["head-patterns"]
    assert {label for row in result.labels for label in row} == {"diffuse"}
    assert result.summary().startswith("0 of 6 heads have a pattern")


def test_the_number_of_a_named_head_says_on_which_conversations_it_is(result):
    lines = [line for line in result.summary().splitlines() if line.startswith("To ")]
    assert lines
    ends = re.compile(r", on other conversations than it was chosen on, over all conversations (\S+)\.$")
    said = [ends.search(line) for line in lines]
    assert all(said)
    whole = {percent(result.scores[pattern].value[Head.parse(head)]) for pattern, head in result.highest.items()}
    assert {one[1] for one in said} == whole
    table = next(view for view in result.views() if view.id == "head-patterns")
    assert "on the half of the conversations that it was not chosen on" in characters(table.caption)


def test_without_another_half_the_number_of_all_conversations_is_the_only_one(result):
    result = replace(result, highest_apart={name: wl.Estimate.missing() for name in result.highest})
    lines = [line for line in result.summary().splitlines() if line.startswith("To ")]
    assert lines
    assert all(line.endswith(", on the text it was chosen on.") for line in lines)
    assert "over all conversations" not in " ".join(finding.sentence for finding in result.findings())
    assert not any("not chosen on" in characters(view.caption) for view in result.views())


def test_two_patterns_on_one_head_are_called_mixed():
    model = handwritten_model()
    layer, head = HEADS["self"]
    attn = model.blocks[layer].attn
    attn.W_K[head] += attn.W_K[HEADS["previous"][1]]
    result = wl.analyze(
        wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(40, shortest=10)), HeadPatterns()
    )["head-patterns"]
    assert result.labels[layer][head] == "mixed: previous, self"
    assert result.scores["previous"].value[layer, head] == pytest.approx(0.5, abs=1e-5)


def test_rows_before_skip_do_not_count():
    # A single message of a speaker and three words: position 4, its separator, is the only row from 4 on.
    corpus = wl.Corpus.of([message._replace(text="a b c") for message in list(handwritten_corpus(1))[:1]])
    one = wl.Specimen(handwritten_model(), handwritten_tokenizer(), corpus)
    chance = {}
    for skip in (1, 4):
        scores = wl.analyze(one, HeadPatterns(skip=skip))["head-patterns"].scores
        chance[skip] = scores["previous"].chance
    assert chance[4] == pytest.approx(1 / 5)
    assert chance[1] == pytest.approx(np.mean([1 / 2, 1 / 3, 1 / 4, 1 / 5]))


def test_what_is_shown_is_what_the_heads_did(result):
    assert len(result.conversations) == len(result.attention) == 6
    for about, attention in zip(result.conversations, result.attention, strict=True):
        length = len(about["tokens"])
        assert attention.shape == (6, length, length)
        previous = attention[HEADS["previous"][0] * 3 + HEADS["previous"][1]]
        assert (previous.diagonal(-1) == 65535).all()
        assert set(about["speakers"]) <= {"me", "them"}
        assert about["speakers"][0] == about["tokens"][0].strip("<|>")


def test_findings_say_the_share_and_what_chance_would_give(result):
    texts = [finding.text for finding in result.findings()]
    assert any(text.startswith("L1H2 gives 100% of its attention to the latest speaker token") for text in texts)
    assert any("L0H0 gives 100% of its attention to the previous token" in text for text in texts)


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.labels == result.labels
    assert again.summary() == result.summary()
    np.testing.assert_array_equal(again.attention[0], result.attention[0])


def test_its_views_are_ones_the_report_can_draw(result):
    for view in result.views():
        encode(view.data)
    assert result.figure() is not None


def test_the_most_of_noise_is_worth_nothing_on_the_other_half():
    (choice,) = HeadPatterns.choices()
    found = optimism(HeadPatterns, choice)
    assert found.faults == []
    assert abs(found.share) < 1e-3


def test_only_a_head_with_the_label_is_named_for_it(result):
    assert result.highest == {"previous": "L0H0", "self": "L0H1", "first": "L0H2", "speaker": "L1H2"} | {
        pattern: head for pattern, head in result.highest.items() if pattern in ("separator", "duplicate")
    }
    for pattern, head in result.highest.items():
        assert Head.parse(head) in result.heads_with(pattern)


def test_chance_beside_the_named_head_is_that_of_the_half_it_is_measured_on():
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(9, shortest=10))
    result = wl.analyze(specimen, HeadPatterns())["head-patterns"]
    evidence = specimen.evidence
    other = ~first_half(evidence.conversation, evidence.seed)
    by_hand = [1 / (i + 1) for n in evidence.lengths[other] for i in range(4, int(n))]
    apart = result.highest_apart["previous"]
    assert apart.chance == pytest.approx(np.mean(by_hand), rel=1e-6)
    assert apart.chance != pytest.approx(result.scores["previous"].chance, rel=1e-6)
    assert apart.n == len(np.unique(evidence.conversation[other]))
