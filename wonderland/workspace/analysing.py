"""Running the analyses that are asked for and not up to date, and finding the results of those that are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.errors import NotEnoughData
from wonderland.workspace.kept import Kept, kept, latest, load_done, move_old, save, scratch_of, touch
from wonderland.workspace.layout import Layout
from wonderland.workspace.stage import Stage

if TYPE_CHECKING:
    from wonderland.lab.choosing import Runnable
    from wonderland.lab.results import Results
    from wonderland.lab.specimen import Specimen

__all__ = ["Asked", "requested", "scratch_in"]


@dataclass(frozen=True)
class Asked:
    """Analyses with their parameters, those they use among them.

    Attributes:
        layout: The workspace.
        analyses: The analyses, each after those it uses.
        stages: Where the result of each lies or will lie, by its name.
    """

    layout: Layout
    analyses: Sequence[Runnable]
    stages: Mapping[str, Stage]

    @classmethod
    def of(cls, layout: Layout, wanted: Sequence[str], parameters: Mapping[str, Mapping[str, Any]] | None) -> Asked:
        """Choose analyses by name or group, with parameters over those of the settings; see `Workspace.analyze`."""
        from wonderland.lab.analysis import select, with_used

        move_old(layout.folder)
        given = {**layout.settings.analysis.parameters, **(parameters or {})}
        chosen = with_used(select(wanted or layout.settings.analysis.run, given), given)
        return cls(layout, chosen, layout.analysis_stages(chosen))

    @property
    def missing(self) -> list[str]:
        """Names of those whose result is not there, not up to date, or cannot be read."""
        done = load_done(self.analyses, self.stages)
        return [analysis.name for analysis in self.analyses if analysis.name not in done]

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
        """Run those that are not up to date, keep what they found, and return the results of all."""
        from wonderland.lab.analysis import analyze
        from wonderland.lab.results import Results

        done = load_done(self.analyses, self.stages)
        for name in done:
            touch(self.stages[name])
        todo = [analysis for analysis in self.analyses if analysis.name not in done]
        fresh = Results({}, specimen)
        if todo:
            try:
                control = self.layout.settings.analysis.control
                fresh = analyze(
                    specimen,
                    *todo,
                    control=control,
                    on_start=on_start,
                    on_progress=on_progress,
                    given=done,
                    scratch=scratch_in(self.stages),
                    minutes=minutes,
                )
            except NotEnoughData as error:
                if len(self.analyses) == 1:
                    raise
                fresh = Results({}, specimen, {todo[0].name: error.message})
        for name, result in fresh.items():
            for removed in save(self.stages[name], result):
                if on_removed:
                    on_removed(removed)
        found = {**done, **fresh}
        return Results({name: found[name] for name in self.stages if name in found}, specimen, fresh.declined)


def scratch_in(stages: Mapping[str, Stage]) -> Callable[[str], Path]:
    """Return what gives the scratch folder of an analysis by its name, and of its run on the untrained baseline."""

    def of(name: str) -> Path:
        analysis = name.removesuffix(" (untrained)")
        return scratch_of(stages[analysis]) / ("trained" if name == analysis else "untrained")

    return of


def requested(folder: Path) -> list[str]:
    """Return the names of the analyses that run only on request and of which a workspace has a result."""
    from wonderland import plugins

    known = plugins.load().analyses
    names = dict.fromkeys(one.analysis for one in kept(folder))
    return [name for name in names if getattr(known.get(name), "on_request", False)]
