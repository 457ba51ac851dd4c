"""Running analyses on one specimen: each sees what it declared, and its result says how it came about.

What they need is held until the last that needs it has run, so that they share one pass over the evidence. An analysis
that says there is not enough data for it, or that the model cannot serve, is left out with its reason.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from wonderland.errors import NotEnoughData, PluginError, Unsupported
from wonderland.lab.choosing import Runnable, of_several, parameters_of, with_used
from wonderland.lab.names import NOT_EVERY_MODEL
from wonderland.lab.observed import Observed
from wonderland.lab.result import Provenance, Result
from wonderland.memory import give_back
from wonderland.version import __version__

__all__ = ["LATE", "Watching", "checked", "provenance", "run_alone", "run_each"]

R = TypeVar("R", bound=Result)
LATE = "The time that was given was used up before it began."


@dataclasses.dataclass(frozen=True)
class Watching:
    """Who looks on while analyses run, and where they may write.

    Attributes:
        on_start: Called with the name of each analysis before it runs.
        on_progress: Called with (name, done, total) by an analysis that takes long.
        scratch: Gives the scratch folder of an analysis by its name; None for a temporary one.
        on_result: Called with (name, result, whole) as soon as there is one, so that a run that is stopped later has
            kept it: not whole while its control is still to come.
        deadline: Moment of `time.monotonic` after which no further analysis begins; None for no end.
    """

    on_start: Callable[[str], None] | None = None
    on_progress: Callable[[str, int, int], None] | None = None
    scratch: Callable[[str], Path] | None = None
    on_result: Callable[[str, Result, bool], None] | None = None
    deadline: float | None = None

    @property
    def late(self) -> bool:
        """Whether the time is used up."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def begin(self, name: str) -> tuple[Callable[[int, int], None] | None, Path | None]:
        """Say that an analysis starts; return whom it tells of its progress, and its scratch folder."""
        if self.on_start:
            self.on_start(name)
        tell = self.on_progress
        told = None if tell is None else lambda done, total: tell(name, done, total)
        return told, None if self.scratch is None else self.scratch(name)

    def end(self, name: str, result: Result, *, whole: bool) -> None:
        """Say that there is a result."""
        if self.on_result:
            self.on_result(name, result, whole)


def run_alone(
    specimen: Observed, analysis: Runnable[R], *, control: bool, on_progress: Callable[[int, int], None] | None
) -> R:
    """Run one analysis and those it uses; see `Specimen.run`."""
    told = None if on_progress is None else lambda name, done, total: on_progress(done, total)
    chosen = with_used([analysis])
    found, _ = run_each(specimen, chosen, [analysis], {}, control=control, watching=Watching(on_progress=told))
    result: Any = found[analysis.name]
    return result  # type: ignore[no-any-return]


def run_each(
    specimen: Observed,
    chosen: Sequence[Runnable],
    asked: Sequence[Runnable],
    given: Mapping[str, Result],
    *,
    control: bool,
    watching: Watching,
    begun: Mapping[str, Result] | None = None,
    baseline: Observed | None = None,
) -> tuple[dict[str, Result], dict[str, str]]:
    """Run analyses on a specimen, with one shared forward pass; see `wonderland.lab.analysis.analyze`.

    Args:
        specimen: The model with its evidence.
        chosen: What to run, each after those it uses.
        asked: Those of them that were asked for; if it is one only, that it declines is an error.
        given: Results that are there already.
        control: Also run each on the untrained baseline.
        watching: Who looks on.
        begun: Results of some of `chosen` that are there already but for their control.
        baseline: The untrained baseline; the specimen's own by default. Members of a cohort have one each, of a seed
            of its own: with one seed for all they would be one model.

    Returns:
        The results by name, and why others were left out.
    """
    for analysis in chosen:
        if of := getattr(analysis, "of", ""):
            raise of_several(analysis.name, of)
    results: dict[str, Result] = {}
    declined: dict[str, str] = {}
    begun = begun or {}
    # An analysis that the model cannot serve has no part in the shared pass.
    served = [one for one in chosen if one.name not in begun and not specimen.lacks(one.needs)]
    with specimen.holding(_needs(served)):
        for at, analysis in enumerate(chosen):
            specimen.let_go(but=_needs([one for one in chosen[at:] if one in served]))
            if analysis.name in begun:
                results[analysis.name] = begun[analysis.name]
                continue
            if watching.late:
                declined[analysis.name] = LATE
                continue
            try:
                result = _run(analysis, specimen, {**given, **results}, watching, analysis.name)
            except (NotEnoughData, Unsupported) as error:
                if len(asked) == 1 and analysis in asked:
                    raise
                declined[analysis.name] = error.message
            else:
                results[analysis.name] = result
                watching.end(analysis.name, result, whole=not control)
    if control:
        baseline = specimen.untrained() if baseline is None else baseline
        before = {name: result.control for name, result in given.items() if result.control is not None}
        served = [one for one in chosen if one.name in results]
        with baseline.holding(_needs(served)):
            for at, analysis in enumerate(served):
                baseline.let_go(but=_needs(served[at:]))
                if watching.late:
                    declined[f"{analysis.name} of the untrained baseline"] = LATE
                    continue
                try:
                    before[analysis.name] = _run(analysis, baseline, before, watching, f"{analysis.name} (untrained)")
                except (NotEnoughData, Unsupported) as error:
                    declined[f"{analysis.name} of the untrained baseline"] = error.message
                else:
                    results[analysis.name] = dataclasses.replace(results[analysis.name], control=before[analysis.name])
                watching.end(analysis.name, results[analysis.name], whole=True)
    return results, declined


def _needs(analyses: Sequence[Runnable]) -> set[str]:
    return {need for analysis in analyses for need in analysis.needs}


def _run(
    analysis: Runnable, specimen: Observed, results: Mapping[str, Result], watching: Watching, called: str
) -> Result:
    started = time.perf_counter()
    used = {name: results[name] for name in getattr(analysis, "uses", ()) if name in results}
    view = specimen.restricted_to(analysis.needs, used).running(*watching.begin(called))
    give_back()  # what the one before needed
    try:
        if missing := specimen.lacks(analysis.needs):
            raise Unsupported(missing, hint=NOT_EVERY_MODEL)
        result = checked(analysis, analysis.run(view))
    except Unsupported as error:
        raise Unsupported(f"{analysis.name} cannot be run on this model. {error.message}", hint=error.hint) from error
    about = provenance(analysis, view.fingerprints, specimen.evidence.describe(), started)
    return dataclasses.replace(result, provenance=about)


def checked(analysis: Runnable, result: Any) -> Result:
    """Return what an analysis returned, which must be a `Result`."""
    if not isinstance(result, Result):
        raise PluginError(f"The analysis {analysis.name!r} returned a {type(result).__name__}, not a Result.")
    return result


def provenance(
    analysis: Runnable, fingerprints: Mapping[str, str], evidence: Mapping[str, Any], started: float
) -> Provenance:
    """Return how a result of an analysis came about that began at a moment of `time.perf_counter`."""
    return Provenance(
        analysis=analysis.name,
        version=analysis.version,
        parameters={name: getattr(analysis, name) for name in parameters_of(type(analysis))},
        fingerprints=fingerprints,
        evidence=evidence,
        seconds=round(time.perf_counter() - started, 3),
        wonderland=__version__,
    )
