"""``analyze``: look inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wonderland import plugins
from wonderland.advice import Hint, Options
from wonderland.cli import contrasts, time_left
from wonderland.cli.console import Console, plain
from wonderland.cli.context import command, next_report, open_workspace, redaction_of_report
from wonderland.cli.options import Whole
from wonderland.cli.plugin_command import EVERY, Group, PluginCommand, group_of
from wonderland.errors import UsageError
from wonderland.memory import keep_freed
from wonderland.nearby import did_you_mean
from wonderland.workspace.catalogue import KINDS, Parameters, Sketch, analyses, chosen, groups_of

if TYPE_CHECKING:
    from wonderland.lab.results import Results
    from wonderland.workspace.kept import Kept
    from wonderland.workspace.workspace import Workspace

_LISTED = "`wonderland analyze --help` lists them."


def _further(ctx: click.Context, words: list[str], seen: Mapping[str, Any]) -> Sequence[Group]:
    """Return the parameters of the analyses that the words name, without importing those if they can be read."""
    first = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    flags = [word for word in words if word.startswith("-")]
    sketches = analyses()
    names = words[:first]
    if sketches is not None:
        names = names or [word for word in words if word in sketches or word in groups_of(sketches)]
        _refuse_unknown(names, sketches)
        if "help" in seen and not names and not seen.get("cohort"):
            rows = tuple((name, sketch.about) for name, sketch in sketches.items() if not sketch.of)
            compared = tuple((name, f"{of.about} (--cohort {of.of})") for name, of in sketches.items() if of.of)
            return [Group("Analyses", rows=rows), *([Group("Of several models", rows=compared)] if compared else [])]
    ctx.meta[EVERY] = lambda: [
        group_of(name, about)
        for name, about in _parameters_by_name(names, sketches, str(seen.get("cohort") or "")).items()
    ]
    if not (flags or "help" in seen):
        return []
    parameters = _parameters_by_name(names, sketches, str(seen.get("cohort") or ""))
    groups = [group_of(f"Parameters of {name}", about) for name, about in parameters.items()]
    if any("contrasts" in about for about in parameters.values()):
        groups.append(contrasts.GROUP)
    if "help" not in seen:
        what = (
            next(iter(parameters))
            if len(parameters) == 1
            else "None of the analyses named"
            if names
            else "None of the analyses"
        )
        assert isinstance(ctx.command, PluginCommand)
        ctx.command.refuse_unknown(ctx, words, what, groups)
    return groups


def _parameters_by_name(
    names: Sequence[str], sketches: Mapping[str, Sketch] | None, cohort: str
) -> dict[str, Parameters]:
    """Return the parameters of each analysis that is meant."""
    meant = chosen(names, sketches or {}, cohort)
    known = {name: sketch.parameters for name, sketch in meant.items() if sketch.parameters is not None}
    if sketches is not None and len(known) == len(meant):
        return known
    return {name: _parameters_of(name) for name in _meant(names, cohort)}


def _parameters_of(name: str) -> Parameters:
    from wonderland.lab.analysis import parameters_of

    return parameters_of(plugins.load().analyses[name])


def _meant(names: Sequence[str], cohort: str) -> list[str]:
    """Return the names of the analyses that names and groups mean."""
    from wonderland.lab.choosing import comparing, select

    return [one.name for one in select(names or (comparing(cohort) if cohort else ("all",)), kind=cohort)]


def _refuse_unknown(names: Sequence[str], sketches: Mapping[str, Sketch]) -> None:
    known = [*sketches, *sorted(groups_of(sketches))]
    for name in names:
        if name not in known:
            raise UsageError(f"There is no analysis named {name!r}.", hint=did_you_mean(name, known, _LISTED))


@click.argument("names", nargs=-1)
@click.option(
    "--cohort",
    type=click.Choice(KINDS),
    help="Of several models: those that train --seeds left, or train --snapshots. An analysis of one model is run on "
    "each; without names, those that compare them.",
)
@click.option(
    "--jobs",
    type=Whole(0, 1000),
    default=1,
    show_default=True,
    help="With --cohort, analyze so many models at a time; 0 for one per core.",
)
def analyze(
    console: Console, folder: Path | None, names: tuple[str, ...], cohort: str | None, jobs: int, extras: dict[str, Any]
) -> None:
    """Run analyses: names or groups; by default triage, weights and circuits. sparse, on request, is slow.

    With --cohort the groups are stability (of seeds) and development (of snapshots).

    Parameters of an analysis follow its name, for example: wonderland analyze head-patterns --threshold 0.5

    wonderland analyze NAME --help lists the parameters of one.
    """
    if jobs != 1 and not cohort:
        raise UsageError(
            "--jobs is of several models.",
            hint=Hint("Leave it out, or say of which: ", Options("analyze", cohort="seeds")),
        )
    workspace = open_workspace(folder, examined=True)
    own = contrasts.taken_from(workspace, extras)
    parameters = _parameters(names, {**extras, **({"contrasts": own} if own else {})}, cohort or "")
    results = run_analyses(console, workspace, names, parameters, cohort=cohort or "", jobs=jobs)
    if results or not cohort:  # what was run on each member alone is in no report
        latest = f"wonderland report --latest{redaction_of_report(workspace)}" if parameters else ""
        console.next(latest) if latest else next_report(console, workspace)


def _parameters(names: Sequence[str], given: Mapping[str, Any], cohort: str) -> dict[str, dict[str, Any]]:
    """Return what was given for each analysis."""
    if not given:
        return {}
    return {
        one: {name: value for name, value in given.items() if name in _parameters_of(one)}
        for one in _meant(names, cohort)
    }


def run_analyses(
    console: Console,
    workspace: Workspace,
    names: tuple[str, ...] = (),
    parameters: dict[str, dict[str, Any]] | None = None,
    *,
    cohort: str = "",
    tell: bool = True,
    minutes: float | None = None,
    jobs: int = 1,
) -> Results:
    """Run the analyses and print what each found.

    Args:
        console: Where to print.
        workspace: The workspace.
        names: Analyses or groups; those of the settings if there are none.
        parameters: Parameters by analysis.
        cohort: Run them on the models of this cohort; "" for the workspace's own.
        tell: Whether to print the summaries.
        minutes: Begin no further analysis after so long.
        jobs: Of a cohort, so many models at a time; 0 for one per core.
    """
    keep_freed()
    todo = workspace.missing(*names, parameters=parameters, cohort=cohort)
    begins_untrained = cohort == "snapshots" and 0 in workspace.snapshots()  # its first model is the baseline of all
    passes = 2 if workspace.settings.analysis.control and not begins_untrained else 1
    removed: list[Kept] = []
    forecasts = workspace.forecast(*names, parameters=parameters) if not cohort and time_left.able(todo) else {}
    if told := time_left.before(todo, passes, forecasts):
        console.note(told)
    with console.progress("Analysing") as meter:
        begin, go_on = time_left.counting(meter, len(todo) * passes, forecasts)
        results = workspace.analyze(
            *names,
            parameters=parameters,
            on_start=begin,
            on_removed=removed.append,
            on_progress=go_on,
            cohort=cohort,
            minutes=minutes,
            jobs=jobs,
        )
    members = {name: _said(one) for name, one in results.members.items()}
    console.result(**_said(results), **({"members": members} if members else {}))
    for name, result in results.items() if tell else ():
        console.say(f"\n{name}")
        for line in result.summary().splitlines():
            console.say(f"  {plain(line)}")
    for name in _meant(names, cohort) if tell and results.members else ():
        _say_of_each(console, name, results.members)
    for name, why in results.declined.items():
        console.say(f"\n{name} was left out: {plain(why)}")
    for one in removed:
        console.note(f"Deleted the result of {one.analysis} used longest ago: a dozen of each analysis are kept.")
    return results


def _said(results: Results) -> dict[str, Any]:
    """Return what is printed of results, as JSON values."""
    told = {name: {"summary": result.summary().splitlines()} for name, result in results.items()}
    return {"results": told, "declined": dict(results.declined)}


def _say_of_each(console: Console, name: str, members: Mapping[str, Results]) -> None:
    """Print what an analysis of one model found in each member of a cohort, or why it found nothing."""
    said = {
        member: results[name].summary() if name in results else f"left out: {results.declined.get(name, '')}"
        for member, results in members.items()
        if name in results or name in results.declined
    }
    if said:
        console.say(f"\n{name}")
    for member, summary in said.items():
        console.say(f"  {member}")
        for line in summary.splitlines():
            console.say(f"    {plain(line)}")


def with_others(workspace: Workspace, results: Results) -> Results:
    """Return results with those nobody asked for now: of analyses on request, and of several models."""
    others = {name: one for name, one in workspace.results().items() if name not in results}
    return replace(results, by_name={**results, **others})


analyze_command = command("analyze", further=_further)(analyze)
