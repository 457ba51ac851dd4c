"""An analysis that fails is named with its plugin, and keeps no other from running where results are kept."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

import wonderland as wl
from wonderland.errors import NotEnoughData, PluginError
from wonderland.estimate import exact
from wonderland.lab.running import Watching, run_each


@dataclass(frozen=True)
class Said(wl.Result):
    text: object

    def summary(self):
        return self.text


@dataclass(frozen=True)
class Shows(Said):
    """A result whose views or findings are what it is given."""

    shown: object = None
    found: object = ()

    def views(self):
        return self.shown() if callable(self.shown) else ()

    def findings(self):
        return self.found


@dataclass(frozen=True)
class Fine:
    """Finds something."""

    name: ClassVar[str] = "fine"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()

    def run(self, specimen: wl.Specimen) -> Said:
        return Said("It is so.")


@dataclass(frozen=True)
class Fails(Fine):
    """Does what it is given."""

    name: ClassVar[str] = "fails"
    does: object = None

    def run(self, specimen: wl.Specimen) -> Said:
        return self.does(specimen)


class Stop(Exception):
    pass


def raises(error):
    def does(specimen):
        raise error

    return does


FAILURES = {
    "raises": (raises(KeyError("somebody's words")), r"failed: KeyError at .*test_failing\.py:\d+"),
    "exits": (raises(SystemExit(3)), "failed: SystemExit at"),
    "nothing": (lambda specimen: None, "returned a NoneType, not a Result"),
    "no summary": (lambda specimen: Said(None), "summary .* is a NoneType, not text"),
    "no picture": (
        lambda specimen: Shows("So.", shown=lambda: {}["view"]),
        r"failed: KeyError at .*test_failing\.py:\d+",
    ),
    "no view": (lambda specimen: Shows("So.", shown=lambda: ["view"]), "mong the views .* is a str, no View"),
    "no finding": (lambda specimen: Shows("So.", found=[None]), "mong the findings .* is a NoneType, no Finding"),
    "empty": (lambda specimen: Said(" "), "summary .* is empty"),
}


@pytest.mark.parametrize("control", [False, True])
@pytest.mark.parametrize(("does", "told"), FAILURES.values(), ids=FAILURES)
def test_what_fails_is_named_and_the_others_are_kept(specimen, does, told, control):
    kept = {}
    watching = Watching(on_result=lambda name, result, whole: kept.update({name: whole}))
    chosen = [Fails(does), Fine()]
    with pytest.raises(PluginError, match=f"The analysis 'fails' failed: .*{told.removeprefix('failed: ')}") as caught:
        run_each(specimen, chosen, chosen, {}, control=control, watching=watching)
    assert "What other analyses found is kept." in caught.value.message
    assert "somebody" not in str(caught.value)
    assert caught.value.hint
    assert kept == {"fine": True}


def test_one_that_fails_on_the_untrained_baseline_alone_is_named_and_the_others_are_kept(specimen):
    kept, seen = {}, []

    def second_time(view):
        seen.append(view)
        if len(seen) > 1:
            raise Stop
        return Said("Once.")

    chosen = [Fails(second_time), Fine()]
    watching = Watching(on_result=lambda name, result, whole: kept.update({name: whole}))
    with pytest.raises(PluginError, match="The analysis 'fails' failed: Stop"):
        run_each(specimen, chosen, chosen, {}, control=True, watching=watching)
    assert kept == {"fails": False, "fine": True}


def test_a_result_that_cannot_be_stored_is_told_with_its_analysis(specimen):
    def refuse(name, result, whole):
        if name == "fails":
            raise PluginError("A result's field cannot be stored.")

    chosen = [Fails(lambda view: Said("It is so.")), Fine()]
    with pytest.raises(PluginError, match="The analysis 'fails' failed: A result's field cannot be stored"):
        run_each(specimen, chosen, chosen, {}, control=False, watching=Watching(on_result=refuse))


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_is_no_fault_of_the_analysis_stops_all(specimen, error):
    chosen = [Fails(raises(error)), Fine()]
    with pytest.raises(type(error)):
        run_each(specimen, chosen, chosen, {}, control=False, watching=Watching(on_result=lambda *_: None))


def test_from_python_the_error_itself_is_seen(specimen):
    chosen = [Fails(raises(Stop())), Fine()]
    with pytest.raises(Stop):
        run_each(specimen, chosen, chosen, {}, control=False, watching=Watching())


def test_of_several_that_fail_each_has_a_line_without_the_folder_of_packages(specimen):
    code = compile("def does(view):\n    raise KeyError", "/opt/env/lib/site-packages/plugin/of_it.py", "exec")
    names = {}
    exec(code, names)
    other = type("Other", (Fails,), {"name": "other"})
    chosen = [Fails(names["does"]), other(names["does"])]
    with pytest.raises(PluginError) as caught:
        run_each(specimen, chosen, chosen, {}, control=False, watching=Watching(on_result=lambda *_: None))
    lines = caught.value.message.splitlines()
    assert [line.partition(" failed: ")[2] for line in lines[:2]] == ["KeyError at plugin/of_it.py:2."] * 2
    assert lines[2:] == ["What other analyses found is kept."]


@dataclass(frozen=True)
class Measured(Said):
    """A result with two numbers."""

    one: wl.Estimate
    other: wl.Estimate


MEASURED = {
    "one": (wl.Estimate(1.0, 1.0, 1.0, n=1), exact(2.0)),
    "two": (wl.Estimate(1.0, 1.0, 1.0, n=1), wl.Estimate(1.0, 0.0, 2.0, n=2)),
    "weights": (exact(1.0), exact(2.0)),  # their n of one model is no sample of anything
    "none": (wl.Estimate.missing(), exact(1.0)),  # which its sentence says
}


@pytest.mark.parametrize("least", [1, 2])
@pytest.mark.parametrize("name", MEASURED)
def test_a_result_that_rests_on_one_unit_is_refused_where_so_many_are_asked_for(specimen, name, least):
    chosen = [Fails(does=lambda _: Measured("So.", *MEASURED[name])), Fine()]
    results, declined = run_each(specimen, chosen, chosen, {}, control=True, watching=Watching(least=least))
    refused = name == "one" and least == 2
    assert [*results] == (["fine"] if refused else ["fails", "fine"])
    assert [*declined] == (["fails"] if refused else [])
    if refused:
        assert "would rest on 1 conversation, and no interval" in declined["fails"]
        with pytest.raises(NotEnoughData) as error:
            run_each(specimen, chosen[:1], chosen[:1], {}, control=True, watching=Watching(least=least))
        assert "wonderland tokenize --held-out" in error.value.hint
