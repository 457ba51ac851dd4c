"""Running analyses on one specimen: each sees what it declared, and its result says how it came about.

What they need is held until the last that needs it has run, so that they share one pass over the evidence. An analysis
that says there is not enough data for it, or that the model cannot serve, is left out with its reason. One that fails
keeps no other from running: where results are kept, the error that names it comes after the others.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from wonderland import plugins
from wonderland.advice import Command, Hint, of_command
from wonderland.errors import NotEnoughData, PluginError, Unsupported, WonderlandError
from wonderland.lab.choosing import Runnable, of_several, parameters_of, with_used
from wonderland.lab.forecast import UNTRAINED
from wonderland.lab.names import NOT_EVERY_MODEL
from wonderland.lab.observed import Observed
from wonderland.lab.result import Provenance, Result
from wonderland.memory import give_back
from wonderland.paths import lack_of_room
from wonderland.report.findings import Finding
from wonderland.report.schema import View
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
        on_failed: Called with (name, why) for each analysis that fails, before the error is raised.
        deadline: Moment of `time.monotonic` after which no further analysis begins; None for no end.
        least: Units that a result must rest on in one of its numbers at least; with one there is no interval.
    """

    on_start: Callable[[str], None] | None = None
    on_progress: Callable[[str, int, int], None] | None = None
    scratch: Callable[[str], Path] | None = None
    on_result: Callable[[str, Result, bool], None] | None = None
    on_failed: Callable[[str, str], None] | None = None
    deadline: float | None = None
    least: int = 1

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

    def fail(self, name: str, error: PluginError) -> None:
        """Say that an analysis failed."""
        if self.on_failed:
            self.on_failed(name, error.message)

    def must_rest_on_enough(self, analysis: Runnable, result: Result) -> None:
        """Refuse a result of which no number that was measured rests on enough units.

        Numbers of weights alone, and what could not be measured and says so, need none; nor does who asks about a pair
        of prompts of their own, of which the result says that it is one.

        Raises:
            NotEnoughData: It rests on fewer.
        """
        there = [one for one in result.estimates().values() if one.n and one.resampled_over != "models"]
        most = max(there, key=lambda one: one.n, default=None)
        if most is not None and most.n < self.least and not getattr(analysis, "contrasts", ()):
            raise NotEnoughData(
                f"{analysis.name} would rest on {most.over}, and no interval can be told of fewer than {self.least}.",
                hint=Hint("Read more messages, or hold more out: ", Command("tokenize", held_out=0.2)),
            )

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
    failed: list[PluginError] = []
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
                with _named(analysis, watching):
                    result = _run(analysis, specimen, {**given, **results}, watching, analysis.name)
                    watching.must_rest_on_enough(analysis, result)
                    watching.end(analysis.name, result, whole=not control)
            except PluginError as error:
                watching.fail(analysis.name, error)
                if watching.on_result is None or len(chosen) == 1:
                    raise
                failed.append(error)
            except (NotEnoughData, Unsupported) as error:
                if len(asked) == 1 and analysis in asked:
                    raise
                declined[analysis.name] = error.message
            else:
                results[analysis.name] = result
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
                    with _named(analysis, watching):
                        called = f"{analysis.name}{UNTRAINED}"
                        before[analysis.name] = _run(analysis, baseline, before, watching, called)
                except PluginError as error:
                    watching.fail(analysis.name, error)
                    if watching.on_result is None or len(chosen) == 1:
                        raise
                    failed.append(error)
                    continue
                except (NotEnoughData, Unsupported) as error:
                    declined[f"{analysis.name} of the untrained baseline"] = error.message
                else:
                    results[analysis.name] = dataclasses.replace(results[analysis.name], control=before[analysis.name])
                watching.end(analysis.name, results[analysis.name], whole=True)
    if failed:
        told = "\n".join(error.message for error in failed)
        after = "\n" if len(failed) > 1 else " "  # of several each has a line
        raise PluginError(f"{told}{after}What other analyses found is kept.", hint=failed[0].hint) from (
            failed[0].__cause__
        )
    return results, declined


@contextlib.contextmanager
def _named(analysis: Runnable, watching: Watching) -> Iterator[None]:
    """Turn what fails within an analysis into an error that names it and its plugin.

    The words of the error are not told, as they may quote a message. Where nobody keeps results, a person runs it from
    Python and sees the error itself.
    """
    if watching.on_result is None:
        yield
        return
    plugin = plugins.load().provider(type(analysis))
    whose = f"The analysis {analysis.name!r}{'' if plugin == '?' else f' of the plugin {plugin!r}'}"
    hint = "Tell its authors; WONDERLAND_DEBUG=1 shows the whole story. The same command goes on with what is missing."
    try:
        yield
    except PluginError as error:
        raise PluginError(f"{whose} failed: {error.message}", hint=error.hint or hint) from error
    except WonderlandError as error:
        error.hint = of_command(error.hint, "analyze", analysis.name)
        raise
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        if lack_of_room(error) is not None or "OutOfMemory" in type(error).__name__:
            raise
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f" at {_short(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""
        raise PluginError(f"{whose} failed: {type(error).__name__}{where}.", hint=hint) from error


def _short(path: str) -> str:
    """Return the path of a module without the folder that packages are installed into."""
    return re.split(r"[/\\](?:site|dist)-packages[/\\]", path)[-1]


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
    result = dataclasses.replace(result, provenance=about)
    if not isinstance(said := result.summary(), str) or not said.strip():
        wrong = "empty" if isinstance(said, str) else f"a {type(said).__name__}, not text"
        raise PluginError(f"The summary of the result of {analysis.name!r} is {wrong}.")
    _can_be_shown(analysis, result)
    return result


def _can_be_shown(analysis: Runnable, result: Result) -> None:
    """Ask a result once for what a report shows of it, while it can still be said whose fault it is."""
    asked: tuple[tuple[str, Sequence[object], type], ...] = (
        ("views", result.views(), View), ("findings", result.findings(), Finding),
    )  # fmt: skip
    for what, found, kind in asked:
        for one in found:
            if not isinstance(one, kind):
                strange = f"a {type(one).__name__}, no {kind.__name__}"
                raise PluginError(f"Among the {what} of the result of {analysis.name!r} is {strange}.")


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
