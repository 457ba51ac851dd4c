"""analyze: names and groups become analyses, each with its parameters, its provenance and its control."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import pluggy
import pytest

import wonderland as wl
from wonderland import hookspecs
from wonderland.errors import NotEnoughData, PluginError, UsageError
from wonderland.lab.analysis import Analysis, analyze, parameters_of, result_class, select
from wonderland.plugins import Plugins


@dataclass(frozen=True)
class Counted(wl.Result):
    number: int
    weight: float


@dataclass(frozen=True)
class Tokens:
    """How many tokens are there, times a factor?"""

    name: ClassVar[str] = "tokens"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("loss",)
    groups: ClassVar[tuple[str, ...]] = ("counting",)

    times: Annotated[int, "multiply by this"] = 1
    plain: float = 0.5

    def run(self, specimen: wl.Specimen) -> Counted:
        number = sum(int(batch.mask.sum()) for batch in specimen.batches())
        return Counted(number * self.times, float(specimen.model.W_O.norm()))


@dataclass(frozen=True)
class Windows:
    """How many windows are there?"""

    name: ClassVar[str] = "windows"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    groups: ClassVar[tuple[str, ...]] = ("counting", "other")

    def run(self, specimen: wl.Specimen) -> Counted:
        return Counted(sum(len(batch["pattern"][0]) for batch in specimen.batches()), 0.0)


@dataclass(frozen=True)
class Wrong:
    """Returns something else."""

    name: ClassVar[str] = "wrong"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()

    def run(self, specimen: wl.Specimen):
        return 42


@dataclass(frozen=True)
class Greedy(Wrong):
    """Reads what it did not declare."""

    name: ClassVar[str] = "greedy"
    needs: ClassVar[tuple[str, ...]] = ("loss",)

    def run(self, specimen: wl.Specimen) -> Counted:
        return Counted(len([batch["z"] for batch in specimen.batches()]), 0.0)


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """Two analyses, registered as a plugin would."""

    class Plugin:
        @staticmethod
        @wl.hookimpl
        def wonderland_analyses():
            return [Tokens, Windows]

    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(Plugin, name="counting")
    found = Plugins(manager)
    monkeypatch.setattr("wonderland.plugins.load", lambda: found)


def names(chosen):
    return [analysis.name for analysis in chosen]


# --- choosing


def test_names_groups_and_analyses_are_chosen_each_once():
    assert names(select(["windows"])) == ["windows"]
    assert names(select(["counting"])) == ["tokens", "windows"]
    assert names(select(["other", "counting"])) == ["windows", "tokens"]
    assert names(select(["all"])) == ["tokens", "windows"]
    assert names(select(["windows", Wrong(), "windows"])) == ["windows", "wrong"]


def test_without_names_everything_runs(specimen):
    assert list(analyze(specimen)) == ["tokens", "windows"]


def test_an_unknown_name_is_answered_with_the_one_that_is_near(specimen):
    with pytest.raises(UsageError, match="no analysis named 'token'") as error:
        analyze(specimen, "token")
    assert error.value.hint.startswith("Did you mean tokens? ")


def test_parameters_reach_the_analysis_by_its_name():
    (chosen,) = select(["tokens"], {"tokens": {"times": 5}, "windows": {}})
    assert chosen == Tokens(times=5)


def test_an_unknown_parameter_is_answered_with_the_known_ones(specimen):
    with pytest.raises(UsageError, match="'tokens' has no parameter 'time'") as error:
        analyze(specimen, "tokens", parameters={"tokens": {"time": 5}})
    assert "times, plain" in error.value.hint


def test_parameters_for_an_analysis_that_does_not_exist_are_refused(specimen):
    with pytest.raises(UsageError, match="no analysis named 'tokns'"):
        analyze(specimen, "tokens", parameters={"tokns": {"times": 5}})


def test_parameters_are_read_from_the_fields():
    assert parameters_of(Tokens) == {"times": (int, "multiply by this", 1), "plain": (float, "", 0.5)}
    assert parameters_of(Windows) == {}


def test_an_analysis_is_whatever_has_the_attributes_of_one():
    assert isinstance(Tokens(), Analysis)
    assert not isinstance(Counted(1, 1.0), Analysis)


# --- running


def test_results_come_by_name_with_the_truth(specimen):
    results = analyze(specimen, "tokens", "windows", parameters={"tokens": {"times": 2}})
    assert results["tokens"].number == 2 * int(specimen.evidence.lengths.sum())
    assert results["windows"].number == 40
    assert results.specimen is specimen


def test_several_analyses_share_one_pass_over_the_evidence(specimen, monkeypatch):
    asked = []
    run = specimen.model.run_with_cache

    def counted(tokens, names_filter):
        asked.append(set(names_filter))
        return run(tokens, names_filter=names_filter)

    monkeypatch.setattr(specimen.model, "run_with_cache", counted)
    analyze(specimen, "tokens", "windows")
    assert len(asked) == 3  # 40 windows, 16 at a time
    assert asked[0] == {"blocks.0.attn.hook_pattern", "blocks.1.attn.hook_pattern"}


def test_every_result_says_how_it_came_about(specimen):
    about = analyze(specimen, Tokens(times=2))["tokens"].provenance
    assert (about.analysis, about.version, about.wonderland) == ("tokens", 3, wl.__version__)
    assert about.parameters == {"times": 2, "plain": 0.5}
    assert about.fingerprints == specimen.fingerprints
    assert about.evidence == specimen.evidence.describe()
    assert about.seconds >= 0


def test_the_control_is_the_same_analysis_of_the_untrained_baseline(specimen):
    result = analyze(specimen, "tokens", control=True, parameters={"tokens": {"times": 3}})["tokens"]
    control = result.control
    assert control.number == result.number  # the same evidence
    assert result.weight > 0
    assert control.weight == 0  # before training, heads write nothing
    assert control.provenance.parameters == {"times": 3, "plain": 0.5}
    assert control.provenance.fingerprints["model"] == specimen.untrained().fingerprints["model"]
    assert analyze(specimen, "tokens")["tokens"].control is None


def test_each_start_is_announced(specimen):
    said = []
    analyze(specimen, "counting", control=True, on_start=said.append)
    assert said == ["tokens", "windows", "tokens (untrained)", "windows (untrained)"]


def test_what_is_not_a_result_is_refused_by_name(specimen):
    with pytest.raises(PluginError, match="'wrong' returned a int, not a Result"):
        analyze(specimen, Wrong())


def test_an_analysis_that_reads_more_than_it_declared_fails_alone_as_in_company(specimen):
    for wanted in ([Greedy()], ["windows", Greedy()]):
        with pytest.raises(PluginError, match="'z' was read but not declared"):
            analyze(specimen, *wanted)


def test_an_error_lets_go_of_what_was_held(specimen):
    with pytest.raises(PluginError):
        analyze(specimen, Wrong())
    assert specimen._held is None


def test_the_class_of_a_result_is_known_without_running():
    assert result_class(Tokens) is Counted
    with pytest.raises(PluginError, match="'wrong' does not say which Result"):
        result_class(Wrong)


@dataclass(frozen=True)
class Modest:
    """An analysis that says what it lacks."""

    name: ClassVar[str] = "modest"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()

    def run(self, specimen: wl.Specimen) -> wl.Result:
        raise NotEnoughData("It wants a hundred conversations.")


def test_an_analysis_that_lacks_data_is_left_out_by_name_and_the_others_run(specimen):
    results = analyze(specimen, Modest(), Tokens())
    assert list(results) == ["tokens"]
    assert results.declined == {"modest": "It wants a hundred conversations."}
    assert "modest was left out: It wants a hundred conversations." in str(results)


def test_asked_for_alone_it_says_so_as_an_error(specimen):
    with pytest.raises(NotEnoughData, match="a hundred conversations"):
        analyze(specimen, Modest())


# --- analyses that draw others together


@dataclass(frozen=True)
class Told(wl.Result):
    heard: str


@dataclass(frozen=True)
class Synthesis:
    """Says what others found."""

    name: ClassVar[str] = "synthesis"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    uses: ClassVar[tuple[str, ...]] = ("tokens", "not-installed")

    def run(self, specimen: wl.Specimen) -> Told:
        missing = specimen.results.get("not-installed")
        return Told(f"{specimen.results['tokens'].number}, {missing}")


@dataclass(frozen=True)
class Circle(Synthesis):
    """Uses itself by way of another."""

    name: ClassVar[str] = "circle"
    uses: ClassVar[tuple[str, ...]] = ("circle",)


@dataclass(frozen=True)
class Nosy(Synthesis):
    """Reads a result it did not declare."""

    name: ClassVar[str] = "nosy"
    uses: ClassVar[tuple[str, ...]] = ()


def test_what_an_analysis_uses_runs_before_it_and_is_handed_to_it(specimen):
    results = analyze(specimen, Synthesis())
    assert list(results) == ["tokens", "synthesis"]
    assert results["synthesis"].heard == f"{results['tokens'].number}, None"


def test_the_parameters_of_a_used_analysis_count(specimen):
    once = analyze(specimen, Synthesis())["tokens"].number
    twice = analyze(specimen, Synthesis(), parameters={"tokens": {"times": 2}})
    assert twice["tokens"].number == 2 * once
    assert twice["synthesis"].heard == f"{2 * once}, None"
    assert analyze(specimen, Tokens(times=3), Synthesis())["synthesis"].heard == f"{3 * once}, None"


def test_results_given_are_used_and_not_computed_again(specimen):
    given = {"tokens": Counted(42, 0.0, control=Counted(7, 0.0))}
    results = analyze(specimen, Synthesis(), given=given, control=True)
    assert list(results) == ["synthesis"]
    assert results["synthesis"].heard == "42, None"
    assert results["synthesis"].control.heard == "7, None"  # the baseline's synthesis reads the baseline's results


def test_an_untrained_baseline_made_inside_of_an_analysis_has_no_results_of_the_trained_model(specimen):
    assert specimen.restricted_to((), {"tokens": Counted(1, 0.0)}).untrained().results == {}


def test_a_result_that_was_not_declared_cannot_be_read(specimen):
    with pytest.raises(PluginError, match="no result of 'tokens'"):
        analyze(specimen, "tokens", Nosy())


def test_analyses_that_use_each_other_in_a_circle_are_refused(specimen):
    with pytest.raises(PluginError, match="circle → circle"):
        analyze(specimen, Circle())
