"""Plugins are found, named and kept apart; a broken one is a warning, never the end of the program."""

from __future__ import annotations

import os
import types
from dataclasses import dataclass, field

import pytest

import wonderland as wl
from wonderland import hookspecs, plugins
from wonderland.errors import PluginError, UsageError


@dataclass
class Distribution:
    """What an entry point knows of the distribution it came with."""

    name: str
    version: str = "1.0"


@dataclass
class EntryPoint:
    """An entry point that loads what the test planted, or raises it."""

    name: str
    planted: object
    value: str = ""
    dist: Distribution | None = field(default_factory=lambda: Distribution("some-distribution"))

    def load(self) -> object:
        if isinstance(self.planted, BaseException):
            raise self.planted
        return self.planted


def plugin(**hooks: object) -> types.ModuleType:
    """A plugin module whose hooks return, or raise, what is given."""

    def hook(answer):
        def call():
            if isinstance(answer, Exception):
                raise answer
            return answer

        return wl.hookimpl(call)

    return module(**{f"wonderland_{name}": hook(answer) for name, answer in hooks.items()})


def module(**contents: object) -> types.ModuleType:
    made = types.ModuleType("planted")
    vars(made).update(contents)
    return made


def analysis(title: object) -> type:
    return type("Planted", (), {"name": title, "version": 1})


@pytest.fixture
def load(monkeypatch):
    """Load a given set of entry points, as if those were the installed ones."""

    def load(*entries: EntryPoint, chosen: str | None = None) -> plugins.Plugins:
        monkeypatch.setattr(
            plugins.metadata, "entry_points", lambda *, group: [*entries] if group == "wonderland" else []
        )
        if chosen is None:
            monkeypatch.delenv(plugins.ENVIRONMENT_VARIABLE, raising=False)
        else:
            monkeypatch.setenv(plugins.ENVIRONMENT_VARIABLE, chosen)
        return plugins.load.__wrapped__()

    return load


def test_what_plugins_register_is_looked_up_by_name(load):
    vowels, words = analysis("vowels"), analysis("words")
    found = load(EntryPoint("b", plugin(analyses=[words])), EntryPoint("a", plugin(analyses=[vowels])))
    assert found.analyses == {"vowels": vowels, "words": words}
    assert found.analysis("words") is words
    assert found.provider(words) == "b"


def test_a_plugin_may_register_sources_filters_and_analyses_at_once(load):
    shout = wl.Filter("shout", lambda message: "loud" if message.text.isupper() else None)
    found = load(EntryPoint("all", plugin(filters=[shout], sources=[analysis("chat")], analyses=[analysis("vowels")])))
    assert [*found.filters, *found.sources, *found.analyses] == ["shout", "chat", "vowels"]


def test_an_unknown_analysis_names_those_that_are_near(load):
    found = load(EntryPoint("a", plugin(analyses=[analysis("vowels"), analysis("words")])))
    with pytest.raises(UsageError, match="no analysis named 'vowel'") as caught:
        found.analysis("vowel")
    assert caught.value.hint.startswith("Did you mean vowels? ")
    with pytest.raises(UsageError) as caught:
        found.analysis("xyz")
    assert caught.value.hint.startswith("There are: vowels, words. ")


@pytest.mark.parametrize(
    "error", [ImportError("no module named x"), SyntaxError("bad"), ValueError(), AttributeError()]
)
def test_a_plugin_that_cannot_be_imported_is_one_warning_and_the_others_work(load, error):
    with pytest.warns(RuntimeWarning, match="'broken' was left out: it could not be imported") as warned:
        found = load(EntryPoint("broken", error), EntryPoint("fine", plugin(analyses=[analysis("vowels")])))
    assert len(warned) == 1
    assert [*found.analyses] == ["vowels"]
    assert {one.name: bool(one.error) for one in found.found} == {"broken": True, "fine": False}


@pytest.mark.parametrize("answer", [ValueError("oops"), None, 5])
def test_a_hook_that_raises_or_returns_no_list_is_one_warning_and_the_others_work(load, answer):
    found = load(
        EntryPoint("broken", plugin(analyses=answer)), EntryPoint("fine", plugin(analyses=[analysis("vowels")]))
    )
    with pytest.warns(RuntimeWarning, match="'broken' was left out: its analysis hook raised") as warned:
        assert [*found.analyses] == ["vowels"]
    assert len(warned) == 1
    assert "its analysis hook" in found.found[0].error


@pytest.mark.parametrize("name", [None, 5])
def test_a_thing_without_a_name_is_one_warning_and_the_others_work(load, name):
    found = load(EntryPoint("a", plugin(analyses=[analysis(name), analysis("vowels")])))
    with pytest.warns(RuntimeWarning, match="has no name") as warned:
        assert [*found.analyses] == ["vowels"]
    assert len(warned) == 1


def test_an_analysis_whose_version_is_no_number_is_one_warning_and_the_others_work(load):
    odd = type("Odd", (), {"name": "odd", "version": "two"})
    found = load(EntryPoint("a", plugin(analyses=[odd, analysis("vowels")])))
    with pytest.warns(RuntimeWarning, match="the version of its analysis 'odd' is 'two'") as warned:
        assert [*found.analyses] == ["vowels"]
    assert len(warned) == 1


def test_a_hook_that_takes_arguments_is_one_warning(load):
    @wl.hookimpl
    def wonderland_analyses(surprise):
        return [analysis("vowels")]

    with pytest.warns(RuntimeWarning, match="'odd' was left out"):
        found = load(EntryPoint("odd", module(wonderland_analyses=wonderland_analyses)))
    assert "surprise" in found.found[0].error


def test_a_misspelt_hook_is_one_warning_because_nothing_would_ever_call_it(load):
    with pytest.warns(RuntimeWarning, match="'wonderland_analysis', which is no hook"):
        found = load(EntryPoint("misspelt", plugin(analysis=[analysis("vowels")], analyses=[analysis("words")])))
    assert [*found.analyses] == ["words"]


def test_two_things_of_one_name_are_an_error_that_names_both_plugins(load):
    found = load(
        EntryPoint("ada", plugin(analyses=[analysis("x")])), EntryPoint("bob", plugin(analyses=[analysis("x")]))
    )
    with pytest.raises(PluginError, match=r"analysis named 'x': '(ada' and 'bob|bob' and 'ada)'") as caught:
        _ = found.analyses
    assert plugins.ENVIRONMENT_VARIABLE in caught.value.hint


def test_one_name_may_be_a_source_and_an_analysis(load):
    found = load(EntryPoint("a", plugin(analyses=[analysis("x")], sources=[analysis("x")])))
    assert [*found.analyses] == [*found.sources] == ["x"]


def test_two_distributions_of_one_plugin_name_are_an_error_that_names_both(load):
    with pytest.raises(PluginError, match=r"'x': (here and there|there and here)"):
        load(EntryPoint("x", plugin(), "here"), EntryPoint("x", plugin(), "there"))


def test_one_plugin_installed_twice_is_one_plugin(load):
    one = EntryPoint("x", plugin(analyses=[analysis("vowels")]), "here")
    assert len(load(one, one).found) == 1


@pytest.mark.parametrize(
    ("chosen", "loaded"),
    [
        (None, ["a", "b", "core"]),
        ("a", ["a", "core"]),
        (" b , a ", ["a", "b", "core"]),
        ("", ["core"]),
        ("x", ["core"]),
    ],
)
def test_the_environment_variable_restricts_which_load_and_core_always_does(load, chosen, loaded):
    entries = [EntryPoint(name, plugin(analyses=[analysis(f"of-{name}")])) for name in ("core", "b", "a")]
    found = load(*entries, chosen=chosen)
    assert [one.name for one in found.found] == loaded
    assert [*found.analyses] == [f"of-{name}" for name in loaded]


def test_a_plugin_that_is_not_chosen_is_not_even_imported(load):
    assert [one.name for one in load(EntryPoint("broken", ImportError()), chosen="fine").found] == []


def test_a_plugin_is_listed_with_its_distribution_and_version(load):
    found = load(
        EntryPoint("a", plugin(), dist=Distribution("wonderland-a", "2.1")), EntryPoint("b", plugin(), dist=None)
    )
    assert [(one.distribution, one.version) for one in found.found] == [("wonderland-a", "2.1"), ("?", "?")]


def test_the_core_registers_its_own_through_the_same_hooks():
    ours = plugins.load()
    assert {"jsonl", "csv"} <= {*ours.sources}
    assert {"automated", "short-codes", "urls", "emoji", "profanity"} <= {*ours.filters}
    assert ours.provider(ours.sources["jsonl"]) == "core"


def test_tests_see_no_plugin_but_our_own():
    allowed = {"core", *os.environ[plugins.ENVIRONMENT_VARIABLE].split(",")}
    assert {one.name for one in plugins.load().found} <= allowed
    assert [one for one in plugins.load().found if one.error] == []


def test_there_are_three_hooks_each_documented_and_without_arguments():
    hooks = {name: value for name, value in vars(hookspecs).items() if name.startswith("wonderland_")}
    assert [*hooks] == ["wonderland_sources", "wonderland_filters", "wonderland_analyses"]
    assert all(hook.__doc__ and hook.__code__.co_argcount == 0 for hook in hooks.values())
