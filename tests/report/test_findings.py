"""A finding says what kind of claim it is, and its number; numbers are said and drawn with what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from wonderland.components import Head
from wonderland.errors import PluginError
from wonderland.estimate import Estimate
from wonderland.lab.result import Result
from wonderland.lab.results import Results
from wonderland.report.findings import Check, Finding, Replicated, with_runs
from wonderland.report.gather import gather
from wonderland.report.page import Page
from wonderland.report.page_data import page_data
from wonderland.report.schema import Bars, Lines, Quoted, Wording, digits, percent, told_p
from wonderland.report.stories import FOUND, stories


def _told(finding: Finding) -> dict[str, object]:
    told: dict[str, object] = page_data(Page("a", {}, [], {}, [finding]), [])["findings"][0]
    return told


def test_the_page_holds_the_kind_and_the_number_of_a_finding():
    estimate = Estimate(0.5, 0.4, 0.6, 12, "nats", 0.1)
    told = _told(Finding("A", kind="null", estimate=estimate))
    numbers = {"value": 0.5, "low": 0.4, "high": 0.6, "chance": 0.1, "n": 12, "unit": "nats", "of": "conversations"}
    assert (told["kind"], told["estimate"]) == ("null", numbers)


def test_a_finding_without_a_number_is_an_effect_without_a_number():
    told = _told(Finding("A"))
    assert (told["kind"], told["estimate"]) == ("effect", None)


def test_a_description_has_no_chance_level_as_the_legend_says():
    with pytest.raises(PluginError, match="A description has a chance level: A"):
        Finding("A", kind="description", estimate=Estimate(0.5, 0.4, 0.6, 12, "nats", 0.1))
    Finding("A", kind="description", estimate=Estimate(0.5, 0.4, 0.6, 12, "nats"))


@pytest.mark.parametrize("wrong", [{"kind": "rumour"}, {"estimate": 0.5}, {"estimate": Estimate(*np.ones((3, 2)), 5)}])
def test_a_finding_refuses_other_kinds_and_what_is_not_one_number(wrong):
    with pytest.raises(PluginError, match=next(iter(wrong))):
        Finding("A", **wrong)


@pytest.mark.parametrize(
    ("share", "told"),
    [
        *((0, "0%"), (1, "100%"), (0.066, "6.6%"), (0.0994, "9.9%"), (0.0996, "10%"), (0.634, "63%"), (1e-5, "< 0.1%")),
        *((-0.25, "−25%"), (-0.021, "−2.1%"), (-1e-5, "> −0.1%"), (float("nan"), "unknown"), (1.2, "120%")),
    ],
)
def test_shares_are_said_as_percents(share, told):
    assert percent(share) == told


def test_p_is_never_said_to_be_zero():
    assert [told_p(p) for p in (0, 0.00099, 0.001, 0.0478, 1)] == [
        "p < 0.001", "p < 0.001", "p = 0.001", "p = 0.048", "p = 1",
    ]  # fmt: skip
    assert told_p(float("nan"), "q") == "q unknown"


def test_numbers_have_two_digits_that_mean_something():
    told = [digits(number) for number in (0, 0.0107, -0.0266, 3.14159, 12.3, -1234.5, float("nan"), float("inf"))]
    assert told == ["0", "0.011", "−0.027", "3.1", "12", "−1,234", "unknown", "∞"]


def test_lines_and_bars_of_estimates_bring_interval_unit_and_chance():
    one = Estimate([1.0, 2.0], [0.5, 1.5], [1.5, 2.5], 12, "nats", 0.1, dims=("place",))
    lines = Lines.of({"a": one, Head(0, 1): [3, 4]}, "place", "loss", at=[1, 2])
    assert [(curve.name, list(curve.x), list(curve.y)) for curve in lines.series] == [
        (Wording("a"), [1, 2], [1, 2]), (Wording("L0H1"), [1, 2], [3, 4]),
    ]  # fmt: skip
    assert (list(lines.series[0].low), lines.series[1].low, lines.y.unit) == ([0.5, 1.5], None, "nats")
    assert list(Lines.of({"a": one}, "place", "loss").series[0].x) == [0, 1]
    bars = Bars.by_place(["now", Quoted("then")], {"a": one, "b": [3, 4]}, "loss")
    assert (bars.series[0].chance, list(bars.series[0].high), bars.y.unit) == (0.1, [1.5, 2.5], "nats")
    assert (bars.x, bars.series[1].chance) == ((Wording("now"), Quoted("then")), None)
    assert isinstance(bars.series[0].name, Wording)
    assert isinstance(lines.series[0].name, Wording)


SCORE = Estimate(0.4, 0.3, 0.5, n=20, chance=0.1)
CLAIMS = {"Score: largest over heads": SCORE, "other": Estimate(0.4, 0.3, 0.6, n=20, chance=0.1)}


@pytest.mark.parametrize(
    ("known", "runs", "trust"),
    [
        ({}, "one training run", "solid"),
        ({"mine: other": Replicated(3, 3, True)}, "one training run", "solid"),  # another number is another claim
        ({"theirs: Score: largest over heads": Replicated(3, 3, True)}, "one training run", "solid"),
        ({"mine: Score: largest over heads": Replicated(5, 5, True)}, "5 of 5 seeds", "solid"),
        ({"mine: Score: largest over heads": Replicated(3, 5, False)}, "3 of 5 seeds", "weak"),
    ],
)
def test_a_finding_about_a_head_says_on_how_many_runs_it_rests(known, runs, trust):
    finding = Finding("L2H0 scores 0.4.", "scores", Head(2, 0), "solid", "effect", SCORE)
    found = with_runs(finding, CLAIMS, known, "mine")
    assert (found.runs, found.trust) == (runs, trust)
    assert with_runs(found, CLAIMS, {}, "mine") == found  # it is said once


def test_a_finding_about_no_head_says_nothing_of_runs():
    finding = Finding("The loss is 4.1.", "loss", (), "solid", "effect", SCORE)
    assert with_runs(finding, CLAIMS, {"mine: Score: largest over heads": Replicated(1, 3, False)}, "mine") == finding


@dataclass(frozen=True)
class Claims(Result):
    def findings(self):
        return [
            Finding("L2H0 scores 0.4.", "scores", Head(2, 0), "solid", "effect", SCORE),
            Finding("There is nothing.", "scores", (), "solid", "null", SCORE),
            Finding("Perhaps.", "scores", (), "weak", "effect", SCORE),
        ]

    def summary(self):
        return "L2H0 scores 0.4."


def test_of_a_model_that_failed_a_check_nothing_is_called_solid_and_the_page_says_why():
    results = Results({"mine": Claims()}, specimen=None)
    fine, failed = (gather(results, None, checks=[Check("causal", passed)]) for passed in (True, False))
    assert [found.trust for found in fine.findings] == ["solid", "solid", "weak"]
    assert [found.trust for found in failed.findings] == ["weak"] * 3
    assert [found.runs for found in failed.findings] == ["one training run; a check failed", "a check failed", ""]
    (told,) = (story for story in stories(failed, []) if story["ask"] == FOUND)
    assert told["text"] == "As a check failed, no effect that was found is called solid."
    (told,) = (story for story in stories(fine, []) if story["ask"] == FOUND)
    assert told["text"] == "L2H0 scores 0.4."


def test_on_a_page_an_effect_of_too_few_conversations_is_called_anecdotal_and_comes_last():
    few = Finding("It is far.", "scores", (), "weak", "effect", replace(SCORE, n=3))
    near = Finding("It is near.", "scores", (), "weak", "effect", replace(SCORE, n=3, chance=SCORE.value))

    class Few(Claims):
        def findings(self):
            return [few, near]

    page = gather(Results({"mine": Few()}, specimen=None), None, checks=[])
    assert [(found.sentence, found.trust) for found in page.findings] == [
        ("It is near.", "weak"),
        ("It is far.", "anecdotal"),
    ]
