"""Several models of a workspace as one cohort: those of other seeds, or those kept on the way; and analyses of them.

A result of one member lies where one of the workspace's model does, under a key with that member's model in it, so
that a member is analysed once however many cohorts it is in. Contrasts are those that suffice in every member, so what
asks them has the keys of all members in its own, and so has a result of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from wonderland import plugins
from wonderland.advice import Command, Hint
from wonderland.errors import InputError, NotEnoughData, UsageError
from wonderland.workspace import models
from wonderland.workspace.analysing import Keeping, deadline_in
from wonderland.workspace.catalogue import KINDS
from wonderland.workspace.fingerprint import hash_value
from wonderland.workspace.kept import Kept, claimed, latest, load_done
from wonderland.workspace.layout import Layout
from wonderland.workspace.stage import Stage

if TYPE_CHECKING:
    from wonderland.lab.choosing import Runnable
    from wonderland.lab.cohort import Cohort
    from wonderland.lab.result import Result
    from wonderland.lab.results import Results
    from wonderland.lab.specimen import Specimen

__all__ = ["KINDS", "AskedOfCohort", "Members", "cohort", "shown"]

Open = Callable[[int | None, int | None], "Specimen"]
"""Opens the specimen of a seed and a snapshot."""
Apart = Callable[[list[str], float | None], Iterable[tuple[dict[str, str], list[Kept]]]]
"""Runs members by name within so many minutes elsewhere; gives why analyses declined, and what made room."""


@dataclass(frozen=True)
class Members:
    """The models that training left of one kind.

    Attributes:
        kind: What they differ in, one of `KINDS`.
        numbers: The seed of each, or how many tokens it had seen, in order.
        keys: The key of each by its name.
    """

    kind: str
    numbers: tuple[int, ...]
    keys: Mapping[str, str]

    @classmethod
    def of(cls, layout: Layout, kind: str) -> Members:
        """Find them.

        Raises:
            UsageError: There is no such kind.
            InputError: There are fewer than two.
        """
        if kind not in KINDS:
            raise UsageError(f"A workspace has no cohort of {kind!r}.", hint=f"Choose from: {', '.join(KINDS)}.")
        if kind == "seeds":
            seeds = models.trained_seeds(layout)
            found = cls(kind, tuple(seeds), {f"seed-{seed}": key for seed, key in seeds.items()})
            what, advice = "of the settings of now, each of another seed", Command("train", seeds=3)
        else:
            kept = models.snapshots(layout)
            whole = layout.snapshots_stage(layout.settings.training.seed).key
            found = cls(kind, tuple(kept), {f"tokens-{tokens}": hash_value([whole, tokens]) for tokens in kept})
            what, advice = "kept while training", Command("train", snapshots=10)
        if len(found.keys) < 2:
            there = ", ".join(found.keys)
            raise InputError(
                f"It takes two models {what}, to compare them, and there is {f'only {there}' if there else 'none'}.",
                hint=Hint("Train some, for example: ", advice),
            )
        return found


def cohort(layout: Layout, members: Members, open_one: Open) -> Cohort:
    """Return the models that training left; see `Workspace.cohort`."""
    from wonderland.lab.cohort import Cohort
    from wonderland.model.chat_transformer import ChatTransformer

    of_seeds = members.kind == "seeds"
    found: dict[str, Specimen] = {}
    for name, number in zip(members.keys, members.numbers, strict=True):
        which = (number, None) if of_seeds else (None, number)
        if not found:
            found[name] = open_one(*which)
            continue
        first = next(iter(found.values()))  # the evidence is laid out once
        model, _ = models.load_model(layout, *which)
        assert isinstance(model, ChatTransformer)
        found[name] = first.with_model(model)
    import numpy as np

    return Cohort(members.kind, found, None if of_seeds else np.array(members.numbers))


@dataclass(frozen=True)
class AskedOfCohort:
    """Analyses of the models of a cohort, with their parameters, those they use among them.

    Attributes:
        layout: The workspace.
        members: The models.
        asked: What was asked for.
        single: Analyses of one model, each after those it uses.
        joint: Analyses of all of them.
        stages: Where the results of each member lie or will lie, by its name and the analysis'.
        of_all: Where the results of all lie or will lie, by the analysis' name.
    """

    layout: Layout
    members: Members
    asked: Sequence[Runnable]
    single: Sequence[Runnable]
    joint: Sequence[Runnable]
    stages: Mapping[str, Mapping[str, Stage]]
    of_all: Mapping[str, Stage]

    @classmethod
    def of(
        cls, layout: Layout, kind: str, wanted: Sequence[str], parameters: Mapping[str, Mapping[str, Any]] | None
    ) -> AskedOfCohort:
        """Choose analyses by name or group; those that compare models of this kind if there are no names.

        Raises:
            UsageError: There is no such kind, or no such analysis.
            InputError: There are fewer than two models.
        """
        from wonderland.lab.choosing import comparing, select, with_used

        members = Members.of(layout, kind)
        given = {**layout.settings.analysis.parameters, **(parameters or {})}
        if not (wanted := wanted or comparing(kind)):
            raise UsageError(
                f"No analysis that is installed compares {kind}.",
                hint=Hint(
                    "Name one to run it on each model, for example: ",
                    Command("analyze", "--cohort", kind, "head-patterns"),
                ),
            )
        asked = select(wanted, given, kind)
        chosen = with_used(asked, given)
        single = [one for one in chosen if not getattr(one, "of", "")]
        joint = [one for one in chosen if getattr(one, "of", "")]
        keys = [*members.keys.values()]
        stages = {member: layout.analysis_stages(single, key, keys) for member, key in members.keys.items()}
        of_all = {one.name: layout.analysis_stage(one, _used(one, stages), keys) for one in joint}
        return cls(layout, members, asked, single, joint, stages, of_all)

    @property
    def missing(self) -> list[str]:
        """What would be run: names of analyses, those of one model with the member's name behind."""
        found = []
        for member, stages in self.stages.items():
            done = load_done(self.single, stages)
            found += [f"{one.name} ({member})" for one in self.single if one.name not in done]
        done = load_done(self.joint, self.of_all)
        return [*found, *(one.name for one in self.joint if one.name not in done)]

    def there(self, *, last: bool = False) -> dict[str, Result]:
        """Return the results of all members that are up to date, or of each analysis the one asked for last."""
        stages, count = dict(self.of_all), len(self.members.keys)
        if last:
            stages = {name: latest(self.layout.folder, stage, count) for name, stage in stages.items()}
        return load_done(self.joint, stages)

    def run(
        self,
        of: Cohort,
        on_start: Callable[[str], None] | None = None,
        on_removed: Callable[[Kept], None] | None = None,
        on_progress: Callable[[str, int, int], None] | None = None,
        minutes: float | None = None,
        apart: Apart | None = None,
    ) -> Results:
        """Run what is not up to date, keep each result as soon as it is there, and return the results of all.

        Args:
            of: The models.
            on_start: Called with the name of each analysis before it runs.
            on_removed: Called with each result that was deleted to make room.
            on_progress: Called with (name, done, total) by an analysis that takes long.
            minutes: Begin no further analysis after so long.
            apart: Runs the analyses of one model in processes of their own (`run_member`), several models at a time;
                they are run here, one model after the other, if None.

        Raises:
            NotEnoughData: There is too little for any of them.
        """
        from wonderland.lab.analysis import analyze_cohort
        from wonderland.lab.forecast import UNTRAINED
        from wonderland.lab.results import Results

        control = self.layout.settings.analysis.control and not of.begins_untrained
        deadline = deadline_in(minutes)
        results: dict[str, Results] = {}
        if self.single and apart is not None:
            before = {name: load_done(self.single, stages) for name, stages in self.stages.items()}
            for name, (declined, removed) in zip(of.members, apart([*of.members], minutes), strict=True):
                ended = [one.name for one in self.single if one.name not in before[name]]
                for called in (f"{one}{behind}" for one in ended for behind in ("", UNTRAINED)[: 1 + control]):
                    if on_start is not None:  # as they end: who runs them is another process
                        _with_member(on_start, name)(called)
                    if on_progress is not None:
                        on_progress(f"{called} ({name})", 1, 1)
                if on_removed is not None:
                    for one in removed:
                        on_removed(one)
                results[name] = Results(load_done(self.single, self.stages[name]), of.members[name], declined)
        elif self.single:
            baselines = of.untrained().members if control else {}
            for name in of.members:
                tell = None if on_start is None else _with_member(on_start, name)
                results[name] = self._of_member(of, name, baselines, tell, on_removed, on_progress, deadline)
        done = load_done(self.joint, self.of_all)
        keeping = Keeping(self.of_all, on_start, on_progress, on_removed, 2 * len(of), deadline)
        todo = [one for one in self.joint if one.name not in done]
        with claimed(self.of_all[one.name] for one in todo):
            compared = analyze_cohort(
                of,
                [*self.single, *todo],
                self.asked,
                {name: one.by_name for name, one in results.items()},
                control=control,
                watching=keeping.watching,
            )
        whys = [why for one in (compared, *results.values()) for why in one.declined.values()]
        if whys and not any((done, compared, *results.values())):
            raise NotEnoughData(whys[0])
        return replace(compared, by_name={**done, **compared.by_name}, members=results)

    def run_member(self, of: Cohort, name: str, minutes: float | None = None) -> tuple[dict[str, str], list[Kept]]:
        """Run analyses of one model on a member and keep what they find; return what declined, and what made room."""
        control = self.layout.settings.analysis.control and not of.begins_untrained
        baselines = of.untrained().members if control else {}
        removed: list[Kept] = []
        found = self._of_member(of, name, baselines, None, removed.append, None, deadline_in(minutes))
        return dict(found.declined), removed

    def _of_member(
        self,
        of: Cohort,
        name: str,
        baselines: Mapping[str, Specimen],
        on_start: Callable[[str], None] | None,
        on_removed: Callable[[Kept], None] | None,
        on_progress: Callable[[str, int, int], None] | None,
        deadline: float | None,
    ) -> Results:
        from wonderland.lab.results import Results

        control = self.layout.settings.analysis.control and not of.begins_untrained
        keeping = Keeping(
            self.stages[name],
            on_start,
            on_progress,
            on_removed,
            2 * len(of),
            deadline=deadline,
            baseline=baselines.get(name),
        )
        found, declined = keeping.run(of.members[name], self.single, control=control)
        return Results(found, of.members[name], declined)


def shown(layout: Layout, *, last: bool = False) -> dict[str, Result]:
    """Return the results of analyses of several models that there are, for a report; nothing is run.

    Args:
        layout: The workspace.
        last: Of each analysis the result that was asked for last, whatever its parameters.
    """
    found: dict[str, Result] = {}
    there = {name: cls for name, cls in plugins.load().analyses.items() if (layout.folder / "results" / name).is_dir()}
    for kind in KINDS:
        if names := [name for name, cls in there.items() if getattr(cls, "of", "") == kind]:
            try:
                asked = AskedOfCohort.of(layout, kind, names, None)
            except InputError:  # the models are gone, or of other settings: so are the results
                continue
            found |= asked.there(last=last)
    return found


def _used(joint: Runnable, stages: Mapping[str, Mapping[str, Stage]]) -> list[Stage]:
    uses = getattr(joint, "uses", ())
    return [of_member[use] for of_member in stages.values() for use in uses if use in of_member]


def _with_member(on_start: Callable[[str], None], member: str) -> Callable[[str], None]:
    return lambda name: on_start(f"{name} ({member})")
