"""A sentence says no more than its number: every result is asked at extremes, with numbers written here.

Zero, nothing measured, all alike, below zero, few pairs, one head, and a chance level above the value.
"""

from dataclasses import replace

import numpy as np
import pytest

import wonderland as wl
from wonderland.report.encode import encode
from wonderland.views import Role
from wonderland_circuits.ablation_result import KINDS, HeadAblationResult
from wonderland_circuits.attribution_result import MEASURES, METHODS, EdgeAttributionResult
from wonderland_circuits.circuit_result import CircuitGraphResult
from wonderland_circuits.patching_result import MODES, WAYS, ActivationPatchingResult
from wonderland_circuits.path_result import PathPatchingResult
from wonderland_circuits.scrubbing import FEATURES
from wonderland_circuits.scrubbing_result import CausalScrubbingResult
from wonderland_circuits.sufficiency_result import CircuitSufficiencyResult
from wonderland_circuits.taxonomy_result import HeadTaxonomyResult

PAIRS = {"kind": "speaker", "confirming": 32, "refused": []}
NAN = float("nan")
# value, low, high of the number that is claimed
NUMBERS = {
    "strong": (0.63, 0.56, 0.70),
    "whole": (1.0, 1.0, 1.0),
    "zero": (0.0, 0.0, 0.0),
    "around zero": (0.02, -0.03, 0.07),
    "negative": (-0.20, -0.30, -0.10),
    "nothing measured": (NAN, NAN, NAN),
}


def estimate(number, shape=(), n=30, **parts):
    arrays = [np.full(shape, part) if shape else part for part in number]
    return wl.Estimate(*arrays, n=n, **{"unit": "recovery", "chance": 0.0, **parts})


def patching(number, **parts):
    one = estimate(number)
    by_head = estimate(number, (1, 1), dims=("layer", "head"))
    made = ActivationPatchingResult(
        grid={way: {mode: estimate(number, (1, 3)) for mode in MODES} for way in WAYS},
        by_head=dict.fromkeys(WAYS, by_head),
        per_pair={way: np.full((2, 1, 1), number[0]) for way in WAYS},
        best="L0H0",
        confirmed=dict.fromkeys(WAYS, one),
        held_back=True,
        gap=estimate((2.0, 1.0, 3.0), unit="logits"),
        pairs=[{"clean": "a", "corrupted": "b", "target": "c", "foil": "d", "gap": 2.0}] * 2,
        shown=[],
        words=[],
        **PAIRS,
    )
    return replace(made, **parts)


def path(number, **parts):
    made = PathPatchingResult(
        senders=["embed", "L0H0"],
        whole={way: estimate(number, (2,)) for way in WAYS},
        direct={way: estimate(number, (2,)) for way in WAYS},
        receivers=["L0H0"],
        into={"L0H0": estimate(number, (3, 2))},
        grid=[1, 1],
        held_back=True,
        **PAIRS,
    )
    return replace(made, **parts)


def test_an_mlp_has_the_role_that_both_ways_show_on_enough_pairs():
    strong, small, around, negative = (
        NUMBERS["strong"],
        (0.02, 0.01, 0.03),
        *map(NUMBERS.get, ("around zero", "negative")),
    )

    def role(whole, direct, noised=None, **parts):
        made = path(NUMBERS["strong"], senders=["embed", "MLP0"], **parts)
        effects = [{way: estimate(one, (2,)) for way in WAYS} for one in (whole, direct)]
        if noised is not None:
            effects[0]["noising"] = estimate(noised, (2,))
        (blocks,) = replace(made, whole=effects[0], direct=effects[1]).cards().values()
        return blocks[0]

    assert str(role(strong, strong).role) == "acts on the answer itself"
    assert str(role(strong, around).role) == "acts on the answer through later parts"
    assert str(role(strong, (0.3, 0.2, 0.4)).role) == "acts on the answer itself and through later parts"
    assert str(role(strong, (0.5, -0.1, 0.9)).role) == "acts on the answer, by no path that is shown"
    assert str(role(negative, negative).role) == "works against the answer"
    named = [role(strong, strong), role(negative, around)]
    nothing = [
        role(around, strong),
        role(small, small),
        role(strong, strong, noised=around),
        role(strong, negative, (NAN,) * 3),
    ]
    nothing += [role(strong, strong, confirming=3), role((NAN,) * 3, (NAN,) * 3)]
    assert all(one.named for one in named)
    assert {(str(one.role), one.named) for one in nothing} == {("no role found", False)}
    assert "63% [56%, 70%] of the difference in all, 2% [−3%, 7%] directly into the logits, over 32 pairs" in str(
        role(strong, around).rule
    )
    assert path(NUMBERS["strong"], receivers=[]).cards() == {}


def attribution(number, **parts):
    made = EdgeAttributionResult(
        edges=["embed → L0H0.v", "L0H0 → logits"],
        exact=estimate(number, (2,)),
        estimated={method: estimate(number, (2,)) for method in METHODS},
        agreement={method: {name: estimate(number, unit="1") for name in MEASURES} for method in METHODS},
        strongest=["embed → L0H0.v", "L0H0 → logits"],
        count=2,
        held_back=True,
        **PAIRS,
    )
    return replace(made, **parts)


def sufficiency(number, others=(0.1, 0.2), **parts):
    one = estimate(number)
    made = CircuitSufficiencyResult(
        circuit=["L0H0", "L0H1"],
        recovery=one,
        damage=one,
        alone={"L0H0": one, "L0H1": one},
        without={"L0H0": one, "L0H1": one},
        every=one,
        others=np.array(others, dtype=float),
        exhaustive=True,
        enough=0.8,
        chosen="other conversations",
        **PAIRS,
    )
    return replace(made, **parts)


def graph(number, others=(0.1,) * 40, **parts):
    made = CircuitGraphResult(
        edges=["embed → L0H0.v", "L0H0 → logits"],
        weights=estimate(number, (2,)),
        faithfulness=estimate(number),
        without=estimate(number, (2,)),
        incompleteness=np.array([0.1, 0.2]),
        taken=[1, 1],
        others=np.array(others, dtype=float),
        kept=np.array([0.5, 1.0]),
        curve=estimate(number, (2,)),
        senders=["embed", "L0H0"],
        count=3,
        enough=0.8,
        reached=True,
        held_back=True,
        **PAIRS,
    )
    return replace(made, **parts)


def scrubbing(number, dealt=(0.1,) * 40, **parts):
    by_head = estimate(number, (1, 2), unit="share", dims=("layer", "head"))
    made = CausalScrubbingResult(
        hypothesis={"L0H0": "speaker", "L0H1": "token"},
        given=False,
        recovered=estimate(number, unit="share"),
        covered=0.9,
        dealt=np.array(dealt, dtype=float),
        explained=dict.fromkeys(FEATURES, by_head),
        coverage=dict.fromkeys(FEATURES, 0.9),
        loss=estimate((3.0, 2.9, 3.1), unit="nats a token", chance=None),
        random_loss=estimate((6.0, 5.9, 6.1), unit="nats a token", chance=None),
        enough=0.8,
        windows=18,
        places=900,
    )
    return replace(made, **parts)


def ablation(number, verdict="no effect found", **parts):
    cost = estimate(number, (1, 1), unit="nats a token", dims=("layer", "head"))
    made = HeadAblationResult(
        cost=dict.fromkeys(KINDS, cost),
        q=dict.fromkeys(KINDS, np.array([[0.0]])),
        verdicts=[[verdict]],
        dearest="L0H0",
        dearest_cost=estimate(number, unit="nats a token"),
        conversations=[20, 20],
        loss=estimate((3.0, 2.9, 3.1), unit="nats a token", chance=7.6),
        level=0.05,
        windows=48,
        enough=True,
        pairs=[],
        interaction=estimate(number, (0,)),
        pair_explored=np.zeros(0),
        pair_q=np.zeros(0),
        pair_windows=0,
        pairs_left_out=0,
        tried=np.ones((1, 1), dtype=bool),
        expected=np.full((1, 1), np.nan),
    )
    return replace(made, **parts)


MAKERS = {
    "patching": patching,
    "path": path,
    "attribution": attribution,
    "sufficiency": sufficiency,
    "graph": graph,
    "scrubbing": scrubbing,
    "ablation": ablation,
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", MAKERS)
def test_every_result_can_be_told_and_drawn_at_every_extreme(name, number):
    result = MAKERS[name](NUMBERS[number])
    sentences = "\n".join([result.summary(), *(finding.sentence for finding in result.findings())])
    assert "nan" not in sentences.lower().replace("nats", "")
    for view in result.views():
        encode(view.data)
        for words in (view.caption, view.subtitle, view.how_to_read):
            assert "nan" not in str(words).lower().replace("nats", "")


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "ablation"])
@pytest.mark.parametrize("number", ["zero", "around zero", "negative", "nothing measured"])
def test_what_is_not_above_its_chance_level_is_no_solid_effect(name, number):
    (finding,) = MAKERS[name](NUMBERS[number]).findings()
    assert (finding.kind, finding.trust) != ("effect", "solid")
    if number != "nothing measured":
        assert finding.kind == "null"


@pytest.mark.parametrize("name", ["patching", "path", "attribution"])
def test_a_head_that_brings_nothing_back_is_not_said_to(name):
    for number in ("zero", "around zero", "negative"):
        text = MAKERS[name](NUMBERS[number]).findings()[0].sentence
        assert "shown to bring" in text
        assert ("not shown" in text) or ("No head alone is shown" in text) or ("none is shown" in text)
    strong = MAKERS[name](NUMBERS["strong"]).findings()[0]
    assert "63% [56%, 70%]" in strong.sentence
    assert (strong.kind, strong.trust, strong.estimate.value) == ("effect", "solid", 0.63)


@pytest.mark.parametrize("name", ["patching", "path", "attribution", "sufficiency", "graph"])
def test_few_pairs_are_an_anecdote_whatever_they_show(name):
    result = MAKERS[name](NUMBERS["whole"], confirming=3)
    assert result.findings()[0].trust == "anecdotal"
    assert "anecdotal: fewer than 20 pairs" in result.summary()


def test_a_circuit_is_sufficient_insufficient_or_undecided_by_its_interval():
    many = (0.1,) * 60
    cases = {
        (0.95, 0.9, 1.0): (many, "sufficient (80% is needed)", "effect", "solid"),
        (0.85, 0.7, 0.9): (many, "though its interval reaches below", "effect", "weak"),
        (0.63, 0.56, 0.70): (
            many,
            "more than most other sets bring back, but not sufficient: 80% would be",
            "effect",
            "solid",
        ),
        (0.75, 0.6, 0.9): (many, "which is inside the interval", "effect", "weak"),
        (0.64, 0.56, 0.70): ((0.63, 0.65) * 30, ": not sufficient: 80% would be", "null", "solid"),
        (0.90, 0.85, 0.95): ((0.95,) * 60, "too many other sets do as well", "null", "weak"),
    }
    for number, (others, words, kind, trust) in cases.items():
        (finding,) = sufficiency(number, others).findings()
        assert words in finding.sentence
        assert (finding.kind, finding.trust) == (kind, trust)
        assert finding.estimate.chance == pytest.approx(np.mean(others))
    (alone,) = sufficiency(NUMBERS["strong"], ()).findings()  # with no other set there is nothing to compare with
    assert (alone.kind, alone.estimate.chance) == ("description", None)


def test_only_the_bar_of_the_circuit_has_the_chance_level_of_sets_of_its_size():
    (bars,) = sufficiency(NUMBERS["strong"]).views()[0].figure.series
    assert bars.chance[0] == pytest.approx(0.15)
    assert np.isnan(bars.chance[1:]).all()
    (alone,) = sufficiency(NUMBERS["strong"], ()).views()[0].figure.series
    assert alone.chance is None  # there is no other set


def test_a_hypothesis_no_better_than_a_random_one_is_a_null_result():
    close = scrubbing((0.99, 0.97, 1.0), dealt=(0.98,) * 40)
    (finding,) = close.findings()
    assert close.p < 0.05
    assert (finding.kind, finding.trust) == ("null", "solid")  # whichever is more, the two are within five points
    assert "not shown to recover more than they do, at most 2 points more" in finding.sentence
    hardly = scrubbing((0.99, 0.987, 0.993), dealt=(0.983,) * 40).findings()[0]
    assert (hardly.kind, hardly.trust) == ("null", "solid")
    assert (
        "it recovers more than by chance (p = 0.024), but by at most 1 points, too little to count" in hardly.sentence
    )
    unsure = scrubbing((0.5, 0.3, 0.7), dealt=(0.4,) * 40).findings()[0]
    assert (unsure.kind, unsure.trust) == ("null", "weak")
    assert "more than by chance" not in unsure.sentence
    assert scrubbing((0.99, 0.97, 1.0)).findings()[0].trust == "solid"
    (alone,) = scrubbing((0.99, 0.97, 1.0), dealt=()).findings()
    assert alone.kind == "description"
    assert "no other assignment to compare with" in alone.sentence


def test_a_circuit_below_random_ones_is_a_null_result_and_small_p_are_not_zero():
    below = graph((0.3, 0.2, 0.4), others=(0.9,) * 40)
    (finding,) = below.findings()
    assert (finding.kind, finding.trust) == ("null", "solid")
    assert "not shown to be special" in finding.sentence
    assert "p < 0.001" in graph(NUMBERS["whole"], others=(0.1,) * 2000).summary()
    assert graph(NUMBERS["whole"], others=()).findings()[0].kind == "effect"
    assert "no random circuits" in graph(NUMBERS["whole"], others=()).summary()


def test_of_ablation_needed_heads_and_none_are_told_with_their_bound():
    (finding,) = ablation(NUMBERS["around zero"]).findings()
    assert (finding.kind, finding.trust) == ("null", "weak")
    assert "at most 0.07 nats a token" in finding.sentence
    (needed,) = ablation(NUMBERS["strong"], "needed").findings()
    assert needed.sentence.startswith("1 of 1 heads is needed")
    assert (needed.kind, needed.trust) == ("effect", "solid")
    assert not any(
        isinstance(block, Role) for blocks in ablation(NUMBERS["strong"]).cards().values() for block in blocks
    )


def test_a_verdict_of_ablation_is_no_role():
    cost = estimate(NUMBERS["strong"], (1, 3), dims=("layer", "head"))
    roles = ["induction", "needed for something not named", "no role found"]
    result = HeadTaxonomyResult(
        heads=["L0H0", "L0H1", "L0H2"],
        roles=roles,
        rules=["a", "b", "c"],
        causal=[True, True, False],
        patterns=["diffuse"] * 3,
        ablation=["needed"] * 3,
        partners=["none"] * 3,
        numbers={"Ablation": cost, "Entropy": cost, "Speaker through it": cost},
        absent=[],
        shape=[1, 3],
    )
    cards = result.cards()
    assert [str(head) for head in cards] == ["L0H0", "L0H1", "L0H2"]
    told = [block for (block,) in cards.values()]
    assert [str(one.role) for one in told] == roles  # the words of the table
    assert [one.named for one in told] == [True, False, False]  # and no sign on the map
    columns = [column.label for column in result.views()[0].figure.columns]
    assert columns[:4] == ["Head", "Role", "Ablation", "Speaker through it"]  # what a role stands on is seen first
    none = replace(result, roles=["no role found"] * 3, causal=[False] * 3)
    assert none.findings()[0].kind == "null"
    # Ablation shows that a head is needed; that it copies is read off its weights, so it is counted apart.
    copies = replace(
        result, roles=["induction", "copies what it looks at", "copies what it looks at"], causal=[True] * 3
    )
    assert copies.findings()[0].sentence == (
        "1 of 3 heads has a role that an intervention supports; 2 others are needed, each by 0.01 nats a token or "
        "more, and copy what they look at by the weights alone."
    )
    assert result.findings()[0].sentence == (
        "1 of 3 heads has a role that an intervention supports; 1 is needed for something not named; no role was found "
        "for 1."
    )
    mixed = ["harmful", "harmful", "copies what it looks at", *roles[1:], *roles[1:2]]
    all_told = replace(result, heads=[f"L0H{i}" for i in range(6)], roles=mixed, causal=[True] * 6, shape=[1, 6])
    assert all_told.summary().splitlines()[0] == (
        "0 of 6 heads have a role that an intervention supports; 1 is needed by 0.01 nats a token or more, and copies "
        "what it looks at by the weights alone; 2 are needed for something not named; 2 are harmful; no role was found "
        "for 1."
    )
    said = "needed, and copies what it looks at"  # more heads copy by their weights
    assert [str(blocks[0].role) for blocks in copies.cards().values()] == ["induction", said, said]
    assert str(copies.views()[0].figure.rows[1][1]) == said
    assert f"{said.capitalize()}: L0H1, L0H2." in copies.summary()


def test_the_half_that_may_be_cited_is_shown_beside_the_picture():
    heads = next(view for view in patching(NUMBERS["strong"]).views() if view.id == "patching-heads")
    (block,) = heads.figure.aside
    assert block.title == "L0H0, to cite"
    assert "32 pairs that were not used to choose" in block.text
    assert block.rows[0].value.value == 0.63
    assert "cite the numbers beside the picture" in heads.caption
    given = next(view for view in patching(NUMBERS["strong"], held_back=False).views() if view.id == "patching-heads")
    assert "to cite" not in given.figure.aside[0].title
