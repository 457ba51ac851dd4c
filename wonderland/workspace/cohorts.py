"""Several models of a workspace as one cohort: those of other seeds, or those kept on the way; and analyses of them.

A result of one member lies where one of the workspace's model does, under a key with that member's model in it, so
that a member is analysed once however many cohorts it is in. A result of all of them has the keys of all in its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wonderland.errors import InputError, UsageError
from wonderland.workspace import models
from wonderland.workspace.analysing import scratch_in
from wonderland.workspace.fingerprint import hash_value
from wonderland.workspace.kept import Kept, load_done, save, touch
from wonderland.workspace.layout import Layout

if TYPE_CHECKING:
    from wonderland.lab.cohort import Cohort
    from wonderland.lab.result import Result
    from wonderland.lab.results import Results
    from wonderland.lab.specimen import Specimen

__all__ = ["analyze_cohort", "cohort"]

_KINDS = ("seeds", "snapshots")
Open = Callable[[int | None, int | None], "Specimen"]
"""Opens the specimen of a seed and a snapshot."""


def cohort(layout: Layout, kind: str, open_one: Open) -> tuple[Cohort, dict[str, str]]:
    """Return the models that training left, and the key of each; see `Workspace.cohort`."""
    from wonderland.lab.cohort import Cohort
    from wonderland.model.chat_transformer import ChatTransformer

    if kind not in _KINDS:
        raise UsageError(f"A workspace has no cohort of {kind!r}.", hint=f"Choose from: {', '.join(_KINDS)}.")
    at: list[int] | None = None
    if kind == "seeds":
        found = models.trained_seeds(layout)
        keys = {f"seed-{seed}": key for seed, key in found.items()}
        seeds = list(found)
        hint = "Train some, for example: wonderland train --seeds 3"
    else:
        paths = models.snapshots(layout)
        whole = layout.snapshots_stage(layout.settings.training.seed).key
        keys = {f"tokens-{tokens}": hash_value([whole, tokens]) for tokens in paths}
        at = list(paths)
        hint = "Keep some while training, for example: wonderland train --snapshots 10"
    if len(keys) < 2:
        raise InputError(f"The workspace has {len(keys)} models to compare, and it takes two.", hint=hint)
    members: dict[str, Specimen] = {}
    for name, number in zip(keys, seeds if at is None else at, strict=True):
        if not members:
            members[name] = open_one(number, None) if at is None else open_one(None, number)
            continue
        first = next(iter(members.values()))  # the evidence is laid out once
        model, _ = models.load_model(layout, number) if at is None else models.load_model(layout, None, number)
        assert isinstance(model, ChatTransformer)
        members[name] = first.with_model(model)
    import numpy as np

    return Cohort(kind, members, None if at is None else np.array(at)), keys


def analyze_cohort(
    layout: Layout,
    of: Cohort,
    keys: Mapping[str, str],
    wanted: Sequence[str],
    parameters: Mapping[str, Mapping[str, Any]] | None,
    on_start: Callable[[str], None] | None,
    on_progress: Callable[[str, int, int], None] | None,
    on_removed: Callable[[Kept], None] | None,
) -> Results:
    """Run what is not up to date, keep what was found, and return the results of all; see `Workspace.analyze`."""
    from wonderland.lab import analysis as lab
    from wonderland.lab.results import Results
    from wonderland.lab.running import Watching, run_each

    given = {**layout.settings.analysis.parameters, **(parameters or {})}
    asked = lab.select(wanted or layout.settings.analysis.run, given, of.kind)
    chosen = lab.with_used(asked, given)
    single = [one for one in chosen if not getattr(one, "of", "")]
    joint = [one for one in chosen if getattr(one, "of", "")]
    control, most = layout.settings.analysis.control and not of.begins_untrained, 2 * len(of)

    def keep(stage: Any, result: Any) -> None:
        for removed in save(stage, result, most):
            if on_removed:
                on_removed(removed)

    stages = {member: layout.analysis_stages(single, key) for member, key in keys.items()}
    twins = of.untrained().members if control else {}
    members: dict[str, Results] = {}
    for name, member in of.members.items() if single else ():
        there = _with_own_twin(load_done(single, stages[name]), twins.get(name))
        for analysis in there:
            touch(stages[name][analysis])
        todo = [one for one in single if one.name not in there]
        tell = None if on_start is None else _with_member(on_start, name)
        watching = Watching(tell, on_progress, scratch_in(stages[name]))
        fresh, declined = run_each(
            member, todo, asked, there, control=control, watching=watching, baseline=twins.get(name)
        )
        for analysis, result in fresh.items():
            keep(stages[name][analysis], result)
        members[name] = Results({**there, **fresh}, member, declined)
    of_all = {
        one.name: layout.analysis_stage(
            one,
            [stages[name][use] for name in keys for use in getattr(one, "uses", ()) if use in stages[name]],
            list(keys.values()),
        )
        for one in joint
    }
    done = load_done(joint, of_all)
    found = lab.analyze_cohort(
        of,
        [*single, *(one for one in joint if one.name not in done)],
        asked,
        {name: results.by_name for name, results in members.items()},
        control=control,
        watching=Watching(on_start, on_progress, scratch_in(of_all)),
    )
    for name, result in found.items():
        keep(of_all[name], result)
    return replace(found, by_name={**done, **found.by_name}, members=members)


def _with_own_twin(results: dict[str, Result], twin: Specimen | None) -> dict[str, Result]:
    """Return the results whose untrained baseline is the one this member has in the cohort, or that have none."""
    if twin is None:
        return results
    wanted = twin.fingerprints["model"]

    def fits(result: Result) -> bool:
        about = None if result.control is None else result.control.provenance
        return about is None or about.fingerprints.get("model") == wanted

    return {name: result for name, result in results.items() if fits(result)}


def _with_member(on_start: Callable[[str], None], member: str) -> Callable[[str], None]:
    return lambda name: on_start(f"{name} ({member})")
