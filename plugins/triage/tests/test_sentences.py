"""Whatever the numbers are, a sentence stays true: zero, nothing, all alike, negative, few, one head, chance above."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import wonderland as wl
from wonderland.components import Head
from wonderland.report.findings import Finding
from wonderland_triage.attention_entropy import AttentionEntropyResult
from wonderland_triage.head_clusters import HeadClusters
from wonderland_triage.head_patterns import HeadPatterns, HeadPatternsResult
from wonderland_triage.induction_result import InductionResult
from wonderland_triage.logit_lens import LogitLensResult
from wonderland_triage.neurons_result import nothing, vocabulary
from wonderland_triage.residual_pca import ResidualPCAResult
from wonderland_triage.token_loss import TokenLossResult

NAN = float("nan")


def of(value, error=0.0, n=40, **parts):
    value = np.asarray(value, dtype=float)
    return wl.Estimate(value, value - error, value + error, n, **parts)


def entropy(value, error=0.0, n=40, *, elsewhere=None):
    """Of all heads; and, if it is another, of the lowest one on the other half of the conversations."""
    one = of(np.atleast_2d(value), error, n, chance=1.0, dims=("layer", "head"))
    measured = np.isfinite(one.value).any()
    lowest = str(Head(*np.unravel_index(np.nanargmin(one.value), one.shape))) if measured else ""
    apart = of(elsewhere or np.nanmin(one.value), error, n, chance=1.0) if measured else wl.Estimate.missing()
    return AttentionEntropyResult(one, one, one, one.value, np.ones((*one.shape, 5)), lowest, apart)


def patterns(previous, error=0.0, n=40, chance=0.1, **others):
    scores = {"previous": of(np.atleast_2d(previous), error, n, chance=chance)}
    scores |= {name: of(np.atleast_2d(value), error, n, chance=chance) for name, value in others.items()}
    labels = HeadPatterns()._labels(scores)
    result = HeadPatternsResult(scores, labels, 0.4, 5.0, [], [])
    named = {name: heads[0] for name in scores if (heads := result.heads_with(name))}
    apart = {name: scores[name][head] for name, head in named.items()}
    return replace(result, highest={name: str(head) for name, head in named.items()}, highest_apart=apart)


def loss(value, error=0.1, n=40, me=(2.0, 0.1), them=(2.0, 0.1), chance=3.0):
    speakers = {name: of(*one, n, unit="nats a token") for name, one in (("me", me), ("them", them))}
    overall = of(value, error, n, unit="nats a token", chance=chance)
    apart = of(me[0] - them[0], float(np.hypot(me[1], them[1])), n, unit="nats a token", chance=0.0)
    return TokenLossResult(overall, speakers, apart, {"first word": overall}, of([value], error, n), [], [], [])


def lens(kl, error=0.01, n=40, *, common=0.1):
    one = of(kl, error, n, unit="nats", chance=2.0)
    levels = ["embed", *(f"L{i}" for i in range(len(kl) - 1))]
    agrees = of(np.linspace(0, 1, len(kl)), 0, n, chance=common)
    return LogitLensResult(levels, one, agrees, agrees, agrees, agrees, [], [], [], [], [], {}, {}, n, 0)


def pca(relative, error=0.01, n=40):
    steps = of(relative, error, n)
    levels = ["embed", *(f"L{i}" for i in range(len(relative)))]
    plane, norm = of(np.full(len(relative), 0.5), 0, n, chance=0.1), of(np.ones(len(levels)), 0, n)
    return ResidualPCAResult(levels, of([0.6, 0.3], 0, n, chance=0.1), 2.0, 20, steps, steps, norm, plane, [], [], 1)


def induction(order, error=0.0, n=40, *, lost=0.0, intact=1.0, sets=4):
    one = of(order, error, n, unit="nats", chance=0.0)
    heads = of([[0.5, 0.1]], 0, n, chance=0.1)
    parts = {"gain": one, "order": one, "curve": of(np.ones(9), 0, n), "scores": heads}
    cause = {way: of(lost, 0.01, n, unit="nats", chance=0.0) for way in ("mean", "zero")}
    behaves = bool(one.low > 0 and one.value >= 0.05)
    return InductionResult(
        length=4, **{name: {"unigram": part, "uniform": part} for name, part in parts.items()}, previous=heads,
        candidates=["L0H0"], over_threshold=True, lost=heads if behaves else None,
        lost_together=cause if behaves else {}, intact=of(intact, 0, n) if behaves else None,
        lost_random=dict.fromkeys(cause, np.zeros(sets)) if behaves else {}, threshold=0.3, least_gain=0.05,
    )  # fmt: skip


def neurons(probability, error=0.05, n=40, before=None):
    layers, grid = len(probability), np.full((len(probability), 3), 0.5)
    about = {"chance": 0.5, "resampled_over": "neurons"}
    specific, mixed = of(probability, error, n, **about), of(probability, error, n)
    result = replace(
        nothing(layers), kind_entropy=grid, specific=specific, mixed=mixed,
        nulls={name: np.full((2, layers), 0.5) for name in ("random directions", "shuffled kinds")},
        sweep={"neurons": np.ones(41)},
    )  # fmt: skip
    return result if before is None else replace(result, control=neurons(before, error, n))


def clusters(groups=2, p=1.0, farthest=1.0):
    table = np.random.default_rng(0).normal(size=(8, 3))
    features = [(f"feature {i}", of(column.reshape(2, 4))) for i, column in enumerate(table.T)]
    result = HeadClusters(clouds=4).group(features)
    count = 2000
    below, beyond = np.full(count, -1.0), np.full(count, 99.0)
    null = np.where(np.arange(count) < p * count, beyond, below)
    return replace(result, null=null, null_farthest=np.where(np.arange(count) < farthest * count, beyond, below))


CASES = [
    # what, result, kind, trust, what its sentence says, what it must not say
    ("focused", entropy([[0.2, 0.9]]), "effect", "solid", "1 of 2 heads is focused", None),
    ("not surely focused", entropy([[0.45]], 0.2), "effect", "weak", "1 of 1 heads is focused", None),
    ("less elsewhere", entropy([[0.4]], elsewhere=0.7), "effect", "weak", "on the other half it has 0.70", "0.40"),
    ("none focused", entropy([[0.8, 0.9]]), "null", "solid", "No head is focused", "most focused"),
    ("perhaps focused", entropy([[0.55]], 0.2), "null", "weak", "No head is focused", None),
    ("all alike", entropy([[1.0, 1.0]]), "null", "solid", "No head is focused", None),
    ("no entropy at all", entropy([[0.0]]), "effect", "solid", "1 of 1 heads is focused", None),
    ("few", entropy([[0.2]], n=4), "effect", "weak", "too few to trust the interval", None),
    ("one not measured", entropy([[NAN, 0.2]]), "effect", "solid", "1 of 1 heads is focused", None),
    ("none measured", entropy([[NAN]]), "description", "anecdotal", "could not be measured", "focused"),
    ("a pattern", patterns([[0.9, 0.1]]), "description", "solid", "1 of 2 heads has a pattern", None),
    ("no pattern", patterns([[0.3, 0.1]], 0.02), "null", "solid", "0 of 2 heads have a pattern", None),
    ("perhaps a pattern", patterns([[0.39]], 0.1), "null", "weak", "0 of 1 heads have a pattern", None),
    ("chance above", patterns([[0.6]], chance=0.8), "null", "weak", "0 of 1 heads have a pattern", None),
    ("few with a pattern", patterns([[0.9]], n=3), "description", "weak", "1 of 1 heads has a pattern", None),
    ("nothing to count", patterns([[NAN]]), "null", "weak", "0 of 1 heads have a pattern", None),
    ("a loss", loss(1.0), "effect", "solid", "predicts better than a uniform guess", "not shown"),
    ("a loss like chance", loss(2.95), "effect", "weak", "is not shown to predict better", None),
    (
        "chance below",
        loss(3.5),
        "null",
        "solid",
        "no better than a uniform guess",
        "better than a uniform guess: a loss of 3.5 nats, ",
    ),
    ("no loss at all", loss(0.0, 0), "effect", "solid", "predicts better than a uniform guess", None),
    ("a giant loss", loss(2000.0), "null", "solid", "no better than a uniform guess", "inf"),
    ("few losses", loss(1.0, n=2), "effect", "weak", "rests on 2 conversations, too few to say", "not shown"),
    ("few and far", loss(4.9, n=3, chance=7.6), "effect", "weak", "rests on 3 conversations, too few", "not shown"),
    ("few and worse", loss(3.5, n=9), "null", "weak", "rests on 9 conversations, too few to say", "no better"),
    ("just enough", loss(1.0, n=10), "effect", "solid", "predicts better than a uniform guess", "too few"),
    ("no loss known", loss(NAN), "description", "anecdotal", "could not be measured", "unsure"),
    ("a step", lens([2.0, 0.5, 0.0]), "effect", "solid", "L0 takes the largest step", "closest"),
    ("a step back first", lens([1.0, 2.0, 0.0]), "effect", "solid", "L1 takes the largest step", None),
    ("a step no nearer than frequencies", lens([6.0, 4.0, 3.0]), "description", "solid", "L0 takes the largest", None),
    ("an unsure step", lens([2.0, 1.0, 0.0], 1.0), "description", "weak", "L0 takes the largest step", None),
    ("no step", lens([0.0, 0.0], 0.0), "null", "solid", "No layer brings the stream closer", "largest"),
    ("a step of rounding", lens([1e-7, 0.0], 0.0), "null", "solid", "No layer brings", "0.00 to 0.00"),
    ("few steps", lens([2.0, 0.0], n=3), "effect", "weak", "L0 takes the largest step", None),
    ("hardly a step", lens([0.09, 0.03, 0.0]), "description", "weak", "0.09 nats from its final answer", "largest"),
    ("a step at last", lens([0.11, 0.03, 0.0]), "effect", "solid", "L0 takes the largest step", "little"),
    ("one answer", lens([2.0, 0.0], common=0.5), "description", "weak", "its first choice at 50%", "largest"),
    ("answers", lens([2.0, 0.0], common=0.49), "effect", "solid", "L0 takes the largest step", "little"),
    ("no step known", lens([NAN, NAN]), "description", "anecdotal", "could not be measured", "largest"),
    ("a move", pca([0.5, 0.1]), "description", "solid", "L0 takes the longest step", None),
    ("like moves", pca([0.5, 0.5]), "description", "weak", "longest step", None),
    ("one layer", pca([0.5]), "description", "solid", "L0 takes the longest step", None),
    ("no move", pca([0.0, 0.0], 0.0), "null", "solid", "No layer moves the residual stream", "longest"),
    ("one move known", pca([NAN, 0.2]), "description", "weak", "L1 takes the longest step", None),
    ("no move known", pca([NAN]), "description", "anecdotal", "could not be measured", "longest"),
    ("induction", induction(1.0, lost=0.9), "effect", "solid", "it needs head L0H0 for that", None),
    ("without heads for it", induction(1.0), "effect", "weak", "no head or set of heads was found", "needs"),
    ("without others", induction(1.0, lost=0.9, sets=0), "effect", "weak", "no head or set of heads", "needs"),
    ("few sequences", induction(1.0, n=3, lost=0.9), "effect", "weak", "too few to trust the interval", None),
    ("no induction", induction(-0.0107, 0.016), "null", "solid", "(no induction): ", "continues"),
    ("no order at all", induction(0.0), "null", "solid", "under the 0.05 nats that count", "continues"),
    ("induction not clear", induction(0.2, 0.3), "null", "weak", "not shown to continue", "under"),
    ("a little induction", induction(0.04, 0.02), "null", "weak", "not shown to continue", "under"),
    ("no induction known", induction(NAN), "description", "anecdotal", "could not be measured", "no induction"),
    ("pure neurons", neurons([0.9], before=[0.5]), "effect", "solid", "In L0 single neurons fire for fewer", None),
    ("pure but untested", neurons([0.9]), "effect", "weak", "In L0 single neurons fire for fewer", "before training"),
    ("mixed neurons", neurons([0.5, 0.1]), "null", "solid", "at most 0.55 by the intervals", None),
    ("pure before, too", neurons([0.9], before=[0.9]), "null", "weak", "In no layer", "In L0 single"),
    ("few neurons", neurons([0.5], n=4), "null", "weak", "too few to trust the intervals", None),
    ("a dead layer", neurons([NAN, 0.9]), "effect", "weak", "unknown, 0.90 by layer", "L0"),
    ("no neuron fires", neurons([NAN]), "description", "anecdotal", "could not be measured", "fewer"),
    ("no groups", clusters(), "null", "weak", "No groups of heads beyond chance", "fits better"),
    ("one conversation", entropy([[0.2]], n=1), "effect", "weak", "n=1 conversation,", None),
    ("one sequence", induction(1.0, n=1, lost=0.9), "effect", "weak", "n=1 conversation,", None),
    ("groups", clusters(p=0.0), "effect", "weak", "p < 0.001", "No groups"),
]


NAMES = [case[0] for case in CASES]


@pytest.mark.parametrize(("result", "kind", "trust", "says", "never"), [case[1:] for case in CASES], ids=NAMES)
def test_the_claim_is_supported_by_its_number(result, kind, trust, says, never):
    first = result.findings()[0]
    assert says in first.sentence
    assert (first.kind, first.trust) == (kind, trust)
    assert never is None or never not in first.sentence


@pytest.mark.parametrize("result", [case[1] for case in CASES], ids=NAMES)
def test_no_sentence_says_a_number_that_is_none(result):
    for finding in result.findings():
        assert not re.search(
            r"\bnan\b|\binf\b|[pq]\s?=\s?0(\.0+)?\b(?!\.)|\b1 (conversation|sequence|neuron)s", finding.sentence
        )
        assert supported(finding)
    assert result.views()
    assert result.summary()


def supported(finding: Finding) -> bool:
    """What is called solid has a number, on enough units, and an effect an interval away from its chance level."""
    one = finding.estimate
    if one is None:
        return finding.kind != "effect"
    if finding.trust != "solid":
        return True
    apart = one.chance is None or finding.kind != "effect" or one.low > one.chance or one.high < one.chance
    return bool(np.isfinite(one.value) and one.trusted and apart)


@pytest.mark.parametrize(
    ("me", "them", "kind", "trust", "says"),
    [
        (
            (1.0, 0.1),
            (2.0, 0.1),
            "effect",
            "solid",
            "It predicts words of me better than of them: 1.00 nats a token for me",
        ),
        ((2.0, 0.1), (1.0, 0.1), "effect", "solid", "It predicts words of them better than of me"),
        ((2.0, 0.02), (2.01, 0.02), "null", "solid", "at most 0.038 nats apart"),
        ((2.0, 0.3), (2.0, 0.3), "null", "weak", "at most 0.42 nats apart"),
    ],
)
def test_who_is_predicted_better_is_only_said_if_the_intervals_are_apart(me, them, kind, trust, says):
    found = loss(1.0, me=me, them=them).findings()[1]
    assert says in found.sentence
    assert (found.kind, found.trust) == (kind, trust)


@pytest.mark.parametrize(
    ("halves", "selectivity", "says"),
    [
        (
            [3, 1],
            of(0.91, NAN, 1),
            "; its selectivity on 1 other conversation is 0.91 (n=1 conversation, no interval).",
        ),
        (
            [21, 21],
            of(0.9, 0.05),
            "; its selectivity on 21 other conversations is 0.9 [0.85, 0.95] (n=40 conversations).",
        ),
        ([2, 1], of(NAN), "; on 1 other conversation it does not fire."),
        ([1, 0], of(NAN), "; there is no other conversation to measure its selectivity on."),
    ],
)
def test_the_clearest_neuron_is_told_with_what_its_number_is_of(halves, selectivity, says):
    listed = [{"neuron": "L0N1", "kind": "emoji"}]
    one = selectivity.map(np.atleast_1d, dims=("neuron",))
    result = replace(neurons([0.5]), conversations=halves, listed=listed, listed_selectivity=one)
    told = "conversation" if halves[0] == 1 else "conversations"
    last = result.summary().splitlines()[-1]
    assert last == f"The neuron most selective on {halves[0]} {told} is L0N1, for emoji{says}"


def test_how_widely_the_stream_is_spread_is_a_number_of_dimensions_unless_it_has_no_variance():
    one = replace(pca([0.5]), variance=of([1.0, 0.0], chance=0.1), dimensions=1.0).summary()
    assert "show 100% of the variance" in one
    assert "It is spread as widely as 1.0 dimensions of equal variance would be (participation ratio)." in one
    none = replace(pca([0.0]), variance=of([NAN, NAN], chance=0.1), dimensions=0.0).summary()
    assert none.startswith("The residual stream is the same everywhere: it has no variance.")
    assert "unknown" not in none
    assert "spread" not in none


@pytest.mark.parametrize(("before", "told"), [(0.0, True), (0.09, True), (0.2, False), (NAN, False)])
def test_that_an_untrained_model_is_near_its_final_answer_is_explained_only_where_it_is(before, told):
    last = replace(lens([2.0, 1.0, 0.0]), control=lens([before, before, 0.0])).summary().splitlines()[-1]
    assert last.startswith("Before training the KL one before the end was ")
    assert ("a low KL alone does not show that anything was learned" in last) == told


def test_nothing_is_said_of_a_speaker_without_words():
    assert len(loss(1.0, me=(NAN, 0)).findings()) == 1


def test_the_farthest_head_is_a_finding_only_beyond_single_clouds():
    assert len(clusters(farthest=1.0).findings()) == 1
    assert "is the head least like the others" in clusters(farthest=0.0).findings()[1].sentence


@pytest.mark.parametrize(
    ("scores", "told", "short"),
    [
        ({"previous": [[0.25]], "self": [[0.2]]}, "no pattern over 0.4; most: previous 0.25", "most: previous 0.25"),
        ({"previous": [[0.1]], "self": [[0.1]]}, "no pattern above chance", "no pattern"),
        ({"previous": [[0.05]], "self": [[0.0]]}, "no pattern above chance", "no pattern"),
        ({"previous": [[NAN]], "self": [[0.2]]}, "no pattern over 0.4; most: self 0.20", "most: self 0.20"),
        ({"previous": [[0.9]], "self": [[0.2]]}, "previous", "previous"),
        ({"previous": [[0.9]], "self": [[0.9]]}, "mixed: previous, self", "mixed: previous, self"),
    ],
)
def test_a_head_without_a_pattern_is_told_by_its_highest_score_above_chance(scores, told, short):
    result = patterns(**scores)
    assert (result.told(Head(0, 0)), result.told(Head(0, 0), short=True)) == (told, short)


def test_a_score_over_the_threshold_that_is_not_clear_is_not_said_to_be_under_it():
    result = patterns([[0.45]], 0.2, chance=0.2)
    assert result.told(Head(0, 0)) == "no pattern clear of 0.4; most: previous 0.45"


@pytest.mark.parametrize(("numbers", "kept"), [((0.0, 0.0), 0), ((0.5, 0.0), 1), ((-0.5, -0.1), 0), ((NAN, 1.0), 1)])
def test_only_tokens_that_are_raised_are_said_to_be(numbers, kept):
    block = vocabulary("raises", [["a", numbers[0]], ["b", numbers[1]]], 1)
    assert len(block.tokens) == kept
    assert (block.text == "No token.") == (kept == 0)
