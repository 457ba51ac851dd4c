"""Every analysis finds what was planted; and a self-test that could not fail would be seen here."""

import json
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

import wonderland as wl
from wonderland import plugins
from wonderland.cli.main import run
from wonderland.errors import NotEnoughData
from wonderland.testing.selftest import prove, selftest, truths_of
from wonderland.testing.truth import Truth, handwritten_specimen, untrained

pytestmark = pytest.mark.slow

ANALYSES = sorted((name, cls) for name, cls in plugins.load().analyses.items() if not getattr(cls, "of", ""))
TRUTHS = [pytest.param(cls, truth, id=f"{name}: {truth.planted}") for name, cls in ANALYSES for truth in truths_of(cls)]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("cls", "truth"), TRUTHS)
def test_what_was_planted_is_found(cls, truth):
    outcome = prove(cls, truth)
    assert outcome.passed, outcome.found


# The audit reads training text, which no specimen of a truth has: `tests/audit` plants what it must find, and nothing.
@pytest.mark.parametrize(("name", "cls"), [one for one in ANALYSES if one[0] != "memorisation"])
def test_every_analysis_is_tested_on_something_and_on_nothing(name, cls):
    assert {truth.nothing for truth in truths_of(cls)} == {True, False}, f"{name} needs truths of both kinds"


@dataclass(frozen=True)
class CountResult(wl.Result):
    heads: int


@dataclass(frozen=True)
class Count:
    """How many heads are there?"""

    name: ClassVar[str] = "count"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    most: int = 100

    def run(self, specimen: wl.Specimen) -> CountResult:
        heads = specimen.cfg.n_layers * specimen.cfg.n_heads
        if heads > self.most:
            raise NotEnoughData("There are too many.")
        return CountResult(heads)


def six(result):
    return result.heads == 6, f"{result.heads} heads"


def offering(*truths):
    return type("Offering", (Count,), {"truths": classmethod(lambda cls: list(truths))})


def test_an_outcome_says_what_was_planted_and_what_was_found():
    outcome = prove(Count, Truth("six heads", handwritten_specimen, six))
    assert (outcome.analysis, outcome.planted, outcome.found, outcome.passed) == ("count", "six heads", "6 heads", True)
    wrong = prove(Count, Truth("seven heads", handwritten_specimen, lambda result: (result.heads == 7, "too few")))
    assert (wrong.found, wrong.passed) == ("too few", False)


def test_a_truth_may_set_parameters_and_a_refusal_is_a_failure_in_words():
    outcome = prove(Count, Truth("six heads", handwritten_specimen, six, {"most": 5}))
    assert not outcome.passed
    assert outcome.found == "it refused: There are too many."


def test_a_truth_may_set_parameters_of_what_its_analysis_uses(monkeypatch):
    given = {}
    monkeypatch.setattr(
        "wonderland.testing.selftest.analyze",
        lambda specimen, analysis, parameters: given.update(parameters) or {"count": CountResult(6)},
    )
    used = {"sparse-dictionaries": {"latents": 8}}
    assert prove(Count, Truth("six heads", handwritten_specimen, six, used=used)).passed
    assert given == used


def test_whatever_goes_wrong_in_one_the_others_are_tested():
    def broken(result):
        return result.tails, ""

    cls = offering(
        Truth("a", handwritten_specimen, broken), Truth("b", untrained(handwritten_specimen), six, nothing=True)
    )
    done = selftest(cls())
    assert [one.passed for one in done.outcomes] == [False, True]
    assert done.failed[0].found.startswith("it raised AttributeError")
    cls.truths = classmethod(lambda cls: 1 / 0)
    assert selftest(cls()).failed[0].found.startswith("it raised ZeroDivisionError")


def test_an_analysis_without_truths_is_named():
    done = selftest(Count())
    assert done.untested == ("count",)
    assert not done.outcomes


@pytest.fixture
def installed(monkeypatch):
    """Make one analysis the only one that is installed."""

    def install(cls):
        monkeypatch.setattr(plugins.load(), "analyses", {"count": cls})

    return install


def test_the_command_prints_what_was_planted_and_what_was_found(installed, capsys):
    installed(offering(Truth("six heads", handwritten_specimen, six)))
    assert run(["selftest", "-q"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[:3] == ["count", "✓ planted: six heads", "  found:   6 heads"]
    assert "All was found: 1 truth, in" in out


def test_the_command_ends_with_1_if_something_was_not_found_and_says_what(installed, capsys):
    installed(offering(Truth("five heads", handwritten_specimen, lambda result: (False, "six"))))
    assert run(["selftest", "-q"]) == 1
    told = capsys.readouterr()
    assert "✗ planted: five heads" in told.out
    assert "Not found: 1 of 1 truth, of count." in told.err
    assert "wonderland selftest count" in told.err


def test_the_command_as_json(installed, capsys):
    installed(offering(Truth("six heads", handwritten_specimen, six)))
    assert run(["selftest", "-q", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["failed"] == 0
    assert told["outcomes"][0] | {"seconds": 0} == {
        "analysis": "count",
        "planted": "six heads",
        "nothing": False,
        "found": "6 heads",
        "passed": True,
        "seconds": 0,
    }


def test_an_unknown_name_is_refused_with_the_name_that_is_near(capsys):
    assert run(["selftest", "-q", "head-paterns"]) == 2
    assert "Did you mean head-patterns?" in capsys.readouterr().err


def test_analyses_without_truths_are_named_by_the_command(installed, capsys):
    installed(Count)
    assert run(["selftest", "-q"]) == 0
    out = capsys.readouterr().out
    assert "No analysis was tested, as none of these says what it should find: count" in out
    assert "All was found" not in out
