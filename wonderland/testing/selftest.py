"""The self-test: every analysis is asked, on this machine, to find what is known to be there.

The truths come with the analyses (`wonderland.testing.truth`); here they are run, one after another, through the same
`analyze` as everything else. An analysis without truths is named, because a word nobody has tested is worth less. One
that raises has failed, with what it raised, and the others go on.

Cost: seconds an analysis; the models are tiny. What would fool it: the models it runs on are small and clean, so that
passing is needed, not enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from wonderland.errors import WonderlandError
from wonderland.lab.analysis import Analysis, analyze, make, select
from wonderland.lab.jobs import in_processes
from wonderland.testing.truth import Truth

__all__ = ["Outcome", "Selftest", "prove", "selftest", "truths_of"]


@dataclass(frozen=True)
class Outcome:
    """What became of one truth.

    Attributes:
        analysis: Name of the analysis.
        planted: What was planted.
        nothing: Whether nothing was, so that nothing had to be found.
        found: What was found, in words.
        passed: Whether that is what had to be found.
        seconds: How long it took.
    """

    analysis: str
    planted: str
    nothing: bool
    found: str
    passed: bool
    seconds: float


@dataclass(frozen=True)
class Selftest:
    """What a self-test found out.

    Attributes:
        outcomes: One for each truth.
        untested: Names of analyses that offer no truths.
    """

    outcomes: tuple[Outcome, ...]
    untested: tuple[str, ...]

    @property
    def failed(self) -> list[Outcome]:
        """The outcomes that are not what had to be found."""
        return [one for one in self.outcomes if not one.passed]


def truths_of(analysis: Analysis | type[Any]) -> list[Truth]:
    """Return the truths an analysis offers, none if it has no ``truths``."""
    offered = getattr(analysis, "truths", None)
    return list(offered()) if offered else []


def selftest(*wanted: str | Analysis, on_outcome: Callable[[Outcome], None] | None = None, jobs: int = 1) -> Selftest:
    """Run the truths of analyses.

    Args:
        *wanted: Names of analyses or of groups, or analyses themselves; all that are installed if none is given.
        on_outcome: Called with each outcome as it is there.
        jobs: How many to run at a time, each in a process of its own; 0 for one per core. joblib hands them out, so
            that ``joblib.parallel_config(backend="dask")`` hands them to a cluster.

    Raises:
        UsageError: There is no analysis or group of a name.
    """
    chosen = select(wanted or ("all",))
    counts = {analysis.name: len(list(_offered(analysis))) for analysis in chosen}
    tasks = [(analysis, number) for analysis in chosen for number in range(counts[analysis.name])]
    outcomes = []
    for outcome in starmap(_prove_one, tasks) if jobs == 1 else in_processes(_prove_one, tasks, jobs):
        outcomes.append(outcome)
        if on_outcome:
            on_outcome(outcome)
    return Selftest(tuple(outcomes), tuple(name for name, count in counts.items() if not count))


def _prove_one(analysis: Analysis, number: int) -> Outcome:
    """Run the truth of an analysis that has this number; made anew, because truths hold functions."""
    truth = list(_offered(analysis))[number]
    return truth if isinstance(truth, Outcome) else prove(analysis, truth)


def prove(analysis: Analysis | type[Any], truth: Truth) -> Outcome:
    """Run one truth of an analysis."""
    started = time.perf_counter()
    cls = analysis if isinstance(analysis, type) else type(analysis)
    try:
        result = analyze(truth.specimen(), make(cls, truth.parameters), parameters=truth.used)[cls.name]
        passed, found = truth.check(result)
    except Exception as error:  # noqa: BLE001 - whatever a plugin does, the others are tested
        passed, found = False, _raised(error)
    seconds = round(time.perf_counter() - started, 3)
    return Outcome(cls.name, truth.planted, truth.nothing, found, bool(passed), seconds)


def _offered(analysis: Analysis) -> Iterable[Truth | Outcome]:
    try:
        return truths_of(analysis)
    except Exception as error:  # noqa: BLE001 - whatever a plugin does, the others are tested
        return [Outcome(analysis.name, "its truths", False, _raised(error), False, 0.0)]


def _raised(error: Exception) -> str:
    if isinstance(error, WonderlandError):
        return f"it refused: {error.message}"
    return f"it raised {type(error).__name__}: {error}"
