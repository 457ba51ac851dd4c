"""A parameter of an analysis is of the type it is annotated with, or is refused before anything runs."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pytest

import wonderland as wl
from wonderland import plugins
from wonderland.errors import UsageError
from wonderland.lab.analysis import make, select
from wonderland.lab.parameters import must_be_ready
from wonderland.testing.truth import repeating_specimen


@dataclass(frozen=True)
class Asked:
    """What was asked?"""

    name: ClassVar[str] = "asked"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()

    count: Annotated[int, "how many"] = 3
    share: Annotated[float, "how large a part"] = 0.5
    least: Annotated[float | None, "from where on"] = None
    whole: Annotated[bool, "all of it"] = False
    kind: Annotated[Literal["one", "other"], "which"] = "one"
    words: Annotated[tuple[str, ...], "what to look for"] = ()
    pair: Annotated[wl.Contrast | None, "a contrast"] = None
    anything: Annotated[Any, "whatever it is"] = None

    def run(self, specimen: wl.Specimen) -> wl.Result:
        raise AssertionError("it is refused before it runs")


WRONG = [
    ("count", "3", "a whole number"),
    ("count", 3.0, "a whole number"),
    ("count", True, "a whole number"),
    ("count", None, "a whole number"),
    ("share", "0.5", "a finite number"),
    ("share", float("nan"), "a finite number"),
    ("share", np.float32("inf"), "a finite number"),
    ("share", False, "a finite number"),
    ("least", float("nan"), "a finite number or None"),
    ("whole", 1, "true or false"),
    ("kind", "another", "'one' or 'other'"),
    ("words", "word", "a list, each a text"),
    ("words", ("word", 3), "a list, each a text"),
    ("pair", "text", "a Contrast or None"),
]


@pytest.mark.parametrize(("name", "value", "wanted"), WRONG)
def test_a_value_of_another_type_is_refused_by_name_with_what_to_give(name, value, wanted):
    with pytest.raises(UsageError) as caught:
        must_be_ready(Asked(**{name: value}))
    assert caught.value.message == f"The parameter {name!r} of asked is {value!r}, and should be {wanted}."
    default = getattr(Asked(), name)
    assert caught.value.hint == f"Give {wanted}: Asked({name}=…). Its default is {default!r}."


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"count": np.int64(2), "share": 1, "least": np.float32(0.5), "whole": np.bool_(True)},
        {"kind": "other", "words": ["a", "b"], "anything": float("nan")},
        {"pair": wl.Contrast("<|me|> a", "<|them|> a", " c", " d")},
    ],
)
def test_a_value_of_its_type_is_taken(given):
    must_be_ready(Asked(**given))


def test_a_long_value_is_told_in_short():
    with pytest.raises(UsageError, match=r"is 'x{56}…, and should be a whole number\."):
        must_be_ready(Asked(count="x" * 10_000))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: repeating_specimen().run(Asked(count="3")),
        lambda: wl.analyze(repeating_specimen(), Asked(count="3")),
        lambda: wl.analyze(repeating_specimen(), "induction", parameters={"induction": {"sequences": "3"}}),
        lambda: select([Asked(count="3")]),
        lambda: make(Asked, {"count": "3"}),
    ],
    ids=["run", "analyze", "analyze by name", "select", "make"],
)
def test_whichever_way_an_analysis_is_asked_for_it_is_refused_before_it_runs(ask):
    with pytest.raises(UsageError, match="is '3', and should be a whole number"):
        ask()


@pytest.mark.parametrize("given", [Asked, 5, None])
def test_what_is_no_analysis_is_none_to_analyze_either(given):
    with pytest.raises(UsageError, match="is no analysis with its parameters"):
        wl.analyze(repeating_specimen(), given)


def test_the_defaults_of_every_analysis_are_of_their_types():
    for cls in plugins.load().analyses.values():
        must_be_ready(cls())
