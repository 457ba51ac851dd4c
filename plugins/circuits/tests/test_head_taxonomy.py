"""The taxonomy: a role with its rule where something depends on the head, and no role where nothing does."""

from types import SimpleNamespace

import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS
from wonderland_circuits.head_taxonomy import HeadTaxonomy, _partners, _role
from wonderland_circuits.taxonomy_result import LEAST

NAMES = {what: "L{}H{}".format(*at) for what, at in HEADS.items()}


def estimate(value):
    value = np.asarray(value, float)
    return wl.Estimate(value, value - 0.01, value + 0.01, n=20, chance=0.0)


def results(label="diffuse", verdict="needed", *, first=0.0, cost=0.2, **others):
    """What the taxonomy reads, for a model of one head."""
    scores = {name: estimate([[0.0]]) for name in ("previous", "self", "speaker", "separator", "duplicate")}
    found = {
        "head-patterns": SimpleNamespace(labels=[[label]], scores=scores | {"first": estimate([[first]])}),
        "head-ablation": SimpleNamespace(verdicts=[[verdict]], cost={"resample": estimate([[cost]])}),
    }
    return found | others


@pytest.fixture(scope="module")
def found(repeating):
    return wl.analyze(repeating, HeadTaxonomy(), control=True, parameters={"composition": {"rotations": 500}})


def test_the_planted_heads_have_their_roles_and_the_others_none(found):
    result = found["head-taxonomy"]
    assert result.role(NAMES["previous"]) == "relays the previous token"
    assert result.role(NAMES["induction"]) == "induction"
    assert {result.role(NAMES[idle]) for idle in ("self", "uniform", "speaker")} == {"no role found"}
    assert result.summary().startswith(
        "2 of 6 heads have a role that an intervention supports; no role was found for 4."
    )
    assert "Before training 0 had one." in result.summary()


def test_the_results_it_read_stand_beside_it(found):
    assert set(HeadTaxonomy.uses) - {"speaker-tracking"} <= set(found)


def test_a_pattern_without_an_effect_is_no_role():
    role, rule, causal = _role(results("previous", "no effect found"), (0, 0))
    assert (role, causal) == ("no role found", False)
    assert "the pattern previous, which alone is no role" in rule


def test_a_role_has_the_numbers_it_went_by():
    role, rule, causal = _role(results("previous"), (0, 0))
    assert (role, causal) == ("relays the previous token", True)
    assert "without it the loss changes by 0.2 [0.19, 0.21]" in rule


@pytest.mark.parametrize(
    ("verdict", "role"),
    [
        ("needed", "needed for something not named"),
        ("harmful", "harmful"),
        ("only when zeroed", "no role found"),
        ("depends on the ablation", "no role found"),
    ],
)
def test_a_head_without_a_pattern_is_called_what_ablation_shows_and_no_more(verdict, role):
    assert _role(results(verdict=verdict), (0, 0))[0] == role


@pytest.mark.parametrize(("label", "verdict"), [("previous", "needed"), ("diffuse", "needed"), ("diffuse", "harmful")])
@pytest.mark.parametrize(("cost", "named"), [(0.009, False), (0.01, True), (float("nan"), False)])
def test_a_role_by_ablation_takes_a_least_change_of_the_loss(label, verdict, cost, named):
    cost = -cost if verdict == "harmful" else cost
    role, rule, causal = _role(results(label, verdict, cost=cost), (0, 0))
    assert (role != "no role found", causal) == (named, named)
    assert ("by less than 0.01 nats a token, which gives no role" in rule) is not named
    assert _role(results(label, verdict, cost=cost), (0, 0), 0.001)[2] is (cost == cost)


def test_copying_is_a_role_only_beyond_chance_and_if_needed():
    copier = SimpleNamespace(copiers=[(0, 0)], copying=np.array([[0.7]]))
    none = SimpleNamespace(copiers=[], copying=np.array([[0.7]]))
    assert _role(results(**{"ov-circuits": copier}), (0, 0))[0] == "copies what it looks at"
    assert _role(results(**{"ov-circuits": none}), (0, 0))[0] == "needed for something not named"
    assert _role(results(verdict="no effect found", **{"ov-circuits": copier}), (0, 0))[0] == "no role found"


def test_induction_needs_a_model_that_gains_and_loses_without_the_head():
    def induction(behaves=True, lost=0.5, over=True):
        return SimpleNamespace(
            behaves=behaves,
            over_threshold=over,
            candidates=["L0H0"],
            lost=estimate([[lost]]),
            scores={"uniform": estimate([[0.9]])},
        )

    def role(**options):
        return _role(results(verdict="no effect found", induction=induction(**options)), (0, 0))[0]

    assert role() == "induction"
    assert {role(behaves=False), role(lost=0.0), role(over=False)} == {"no role found"}


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("current-speaker", ("says who speaks", True)),
        ("first-speaker", ("says who spoke first", True)),
        ("sink", ("sink", False)),
        ("none", ("relays the previous token", True)),
        ("undetermined", ("relays the previous token", True)),
    ],
)
def test_who_says_the_speaker_is_told_by_six_tests_before_anything_else(verdict, expected):
    asked = []

    def through(head, side):
        asked.append((head, side))
        return estimate(0.7)

    tracking = SimpleNamespace(verdicts=[[verdict]], reasons=[["all agree"]], through=through)
    role, rule, causal = _role(results("previous", **{"speaker-tracking": tracking}), (0, 0))
    assert (role, causal) == expected
    if role.startswith("says"):
        assert asked == [("L0H0", verdict.split("-")[0])]
        assert "70% [69%, 71%] of what swapping it changes" in rule


def test_nothing_is_said_to_reach_position_0_from_later_tokens():
    composition = SimpleNamespace(pairs=[("K", "L2H3", "L0H0"), ("Q", "L2H1", "L0H0")])
    assert _partners(results(composition=composition), (0, 0)) == "L2H3 (K), L2H1 (Q)"
    told = _partners(results(first=0.99, composition=composition), (0, 0))
    assert told == "L2H1 (Q); keys and values left out: nothing reaches position 0 from later tokens"


def test_without_patterns_and_ablations_there_are_no_roles(repeating):
    bare = repeating.restricted_to((), {})
    with pytest.raises(NotEnoughData, match="head-patterns or head-ablation"):
        HeadTaxonomy().run(bare)


def test_it_can_be_drawn_kept_and_read_back(found, tmp_path):
    result = found["head-taxonomy"]
    view, why = result.views()
    encode(view.data)
    encode(why.data)
    assert [row["before"] for row in why.data["rows"]] == ["no role found"] * 6
    result.save(tmp_path)
    assert type(result).load(tmp_path).roles == result.roles
    assert result.cards()[HEADS["induction"]][0].role == "induction"
    assert result.findings()[0].view == view.id


def test_the_least_effect_that_is_asked_for_is_that_of_the_result():
    assert HeadTaxonomy().least == LEAST  # written as a number there, which is read without loading torch
