"""Running the analyses that are asked for and not up to date, and finding the results of those that are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.errors import NotEnoughData, Unsupported
from wonderland.workspace.declined import forget_declined, load_declined, load_failed, save_declined, save_failed
from wonderland.workspace.kept import (
    Kept,
    claimed,
    damaged,
    kept,
    latest,
    load_begun,
    load_done,
    move_old,
    save,
    save_begun,
    scratch_of,
    touch,
)
from wonderland.workspace.layout import Layout
from wonderland.workspace.stage import Stage

if TYPE_CHECKING:
    from wonderland.lab.choosing import Runnable
    from wonderland.lab.forecast import Forecast
    from wonderland.lab.result import Result
    from wonderland.lab.results import Results
    from wonderland.lab.running import Watching
    from wonderland.lab.specimen import Specimen

__all__ = ["Asked", "Keeping", "deadline_in", "requested", "scratch_in"]


@dataclass(frozen=True)
class Asked:
    """Analyses with their parameters, those they use among them.

    Attributes:
        layout: The workspace.
        analyses: The analyses, each after those it uses.
        stages: Where the result of each lies or will lie, by its name.
        by_name: Whether analyses were named, rather than groups or none.
    """

    layout: Layout
    analyses: Sequence[Runnable]
    stages: Mapping[str, Stage]
    by_name: bool = False

    @classmethod
    def of(cls, layout: Layout, wanted: Sequence[str], parameters: Mapping[str, Mapping[str, Any]] | None) -> Asked:
        """Choose analyses by name or group, with parameters over those of the settings; see `Workspace.analyze`."""
        from wonderland.lab.analysis import select, with_used

        move_old(layout.folder)
        given = {**layout.settings.analysis.parameters, **(parameters or {})}
        chosen = with_used(select(wanted or layout.settings.analysis.run, given), given)
        by_name = any(one.name in wanted for one in chosen)
        return cls(layout, chosen, layout.analysis_stages(chosen), by_name)

    @property
    def missing(self) -> list[str]:
        """Names of those that can have a result and have none that is up to date and can be read.

        One that declined with just these inputs can have none (`declined`).
        """
        done = load_done(self.analyses, self.stages)
        return [one.name for one in self.analyses if one.name not in done and one.name not in self.declined]

    @property
    def damaged(self) -> list[str]:
        """Names of those whose result is there, but not as it was written."""
        return [name for name, stage in self.stages.items() if damaged(stage.folder)]

    @property
    def declined(self) -> dict[str, str]:
        """Why those declined that cannot have a result; none of those asked for by name, which are tried again."""
        return {} if self.by_name else load_declined(self.analyses, self.stages)

    @property
    def failed(self) -> dict[str, str]:
        """Why those that are missing failed when they were last tried."""
        known = load_failed(self.analyses, self.stages)
        return {name: known[name] for name in self.missing if name in known} if known else {}

    def forecast(self, specimen: Specimen) -> dict[str, Forecast]:
        """Return what each run that is missing will take, of those that can say so (`wonderland.lab.forecast`)."""
        from wonderland.lab.forecast import forecasts

        control, todo = self.layout.settings.analysis.control, set(self.missing)
        begun = load_begun([one for one in self.analyses if one.name in todo], self.stages) if control else {}
        return forecasts(specimen, self.analyses, todo, control=control, begun=begun)

    def there(self, specimen: Specimen, *, last: bool) -> Results:
        """Return the results that are up to date, or of each analysis the one that was asked for last."""
        from wonderland.lab.results import Results

        stages = self.stages
        if last:
            stages = {name: latest(self.layout.folder, stage) for name, stage in stages.items()}
        return Results(load_done(self.analyses, stages), specimen)

    def run(
        self,
        specimen: Specimen,
        on_start: Callable[[str], None] | None = None,
        on_removed: Callable[[Kept], None] | None = None,
        on_progress: Callable[[str, int, int], None] | None = None,
        minutes: float | None = None,
    ) -> Results:
        """Run those that are not up to date, keep what each found as soon as it ends, and return the results of all."""
        from wonderland.lab.results import Results

        keeping = Keeping(self.stages, on_start, on_progress, on_removed, deadline=deadline_in(minutes))
        control = self.layout.settings.analysis.control
        known = self.declined
        trying = [one for one in self.analyses if one.name not in known]
        found, declined = keeping.run(specimen, trying, control=control, alone=len(self.analyses) == 1)
        return Results({name: found[name] for name in self.stages if name in found}, specimen, {**known, **declined})


@dataclass(frozen=True)
class Keeping:
    """Runs analyses of one model and keeps each result where it belongs.

    Attributes:
        stages: Where the result of each lies or will lie, by its name.
        on_start: Called with the name of each analysis before it runs.
        on_progress: Called with (name, done, total) by an analysis that takes long.
        on_removed: Called with each result that was deleted to make room.
        most: Results kept of each analysis, if more than usual.
        deadline: Moment of `time.monotonic` after which no further analysis begins; None for no end.
        baseline: The untrained baseline, if not the specimen's own; a result with another one is made again.
    """

    stages: Mapping[str, Stage]
    on_start: Callable[[str], None] | None = None
    on_progress: Callable[[str, int, int], None] | None = None
    on_removed: Callable[[Kept], None] | None = None
    most: int = 0
    deadline: float | None = None
    baseline: Specimen | None = None

    @property
    def watching(self) -> Watching:
        """Whom an analysis tells how far it is and what it found, and where it may write."""
        from wonderland.lab.running import Watching

        scratch = scratch_in(self.stages)
        return Watching(
            self.on_start, self.on_progress, scratch, self._keep, self._failed, deadline=self.deadline, least=2
        )

    def _failed(self, name: str, why: str) -> None:
        save_failed(self.stages[name], why)

    def _keep(self, name: str, result: Result, whole: bool) -> None:
        if not whole:
            save_begun(self.stages[name], result)
            return
        for removed in save(self.stages[name], result, self.most):
            if self.on_removed:
                self.on_removed(removed)

    def run(
        self, specimen: Specimen, analyses: Sequence[Runnable], *, control: bool, alone: bool = False
    ) -> tuple[dict[str, Result], dict[str, str]]:
        """Run those of the analyses that are not up to date; return the results of all, and why others are left out.

        Args:
            specimen: The model with its evidence.
            analyses: The analyses, each after those it uses.
            control: Also run each on the untrained baseline.
            alone: That an analysis declines is an error.

        Raises:
            UsageError: Another process runs one of them.
        """
        done = self._done(analyses)
        todo = [analysis for analysis in analyses if analysis.name not in done]
        if not todo:
            return done, {}
        with claimed(self.stages[one.name] for one in todo):
            done |= self._done(todo)  # which another process made while this one began
            todo = [analysis for analysis in todo if analysis.name not in done]
            asked = analyses if alone else ()
            fresh, declined = self._run(specimen, todo, asked, done, control=control)
        return {**done, **fresh}, declined

    def _done(self, analyses: Sequence[Runnable]) -> dict[str, Result]:
        done = _with_own_untrained(load_done(analyses, self.stages), self.baseline)
        for name in done:
            touch(self.stages[name])
        return done

    def _run(
        self,
        specimen: Specimen,
        todo: Sequence[Runnable],
        asked: Sequence[Runnable],
        done: Mapping[str, Result],
        *,
        control: bool,
    ) -> tuple[dict[str, Result], dict[str, str]]:
        from wonderland.lab.running import LATE, run_each

        begun = load_begun(todo, self.stages) if control else {}
        watching = self.watching
        try:
            fresh, declined = run_each(
                specimen, todo, asked, done, control=control, watching=watching, begun=begun, baseline=self.baseline
            )
        except (NotEnoughData, Unsupported) as error:
            if asked:
                save_declined(self.stages[todo[0].name], error.message)
            raise
        for name, why in declined.items():
            if name in self.stages and why != LATE:
                save_declined(self.stages[name], why)
        for name in fresh:
            forget_declined(self.stages[name])
        return fresh, declined


def deadline_in(minutes: float | None) -> float | None:
    """Return the moment of `time.monotonic` that is so far away; None for none."""
    return None if minutes is None else time.monotonic() + 60 * minutes


def _with_own_untrained(results: dict[str, Result], untrained: Specimen | None) -> dict[str, Result]:
    """Return the results whose untrained baseline is the one this member has in the cohort, or that have none."""
    if untrained is None:
        return results
    wanted = untrained.fingerprints["model"]

    def fits(result: Result) -> bool:
        about = None if result.control is None else result.control.provenance
        return about is None or about.fingerprints.get("model") == wanted

    return {name: result for name, result in results.items() if fits(result)}


def scratch_in(stages: Mapping[str, Stage]) -> Callable[[str], Path]:
    """Return what gives the scratch folder of an analysis by its name, and of its run on the untrained baseline."""

    from wonderland.lab.forecast import UNTRAINED

    def of(name: str) -> Path:
        analysis = name.removesuffix(UNTRAINED)
        return scratch_of(stages[analysis]) / ("trained" if name == analysis else "untrained")

    return of


def requested(folder: Path) -> list[str]:
    """Return the names of the analyses of one model that run only on request and of which a workspace has a result."""
    from wonderland import plugins

    on_request = {
        name
        for name, cls in plugins.load().analyses.items()
        if getattr(cls, "on_request", False) and not getattr(cls, "of", "")
    }
    return [name for name in dict.fromkeys(one.analysis for one in kept(folder)) if name in on_request]
