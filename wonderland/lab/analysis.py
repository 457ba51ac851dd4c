"""Analyses: what one is, and how several of them are run on one specimen or on several models.

An analysis is a frozen dataclass whose fields are its parameters, with class attributes ``name``, ``version`` and
``needs`` and one method, ``run``. `analyze` collects what all of them need, makes one cached forward pass over the
evidence for it, and runs each on a specimen that hands out only what was declared: an analysis that reads more would
otherwise work alone and fail in company.

An analysis that draws other analyses together names them in ``uses``. They run before it, and it finds their results in
``specimen.results``: so no number of a synthesis is computed a second time in a second way.
"""

from __future__ import annotations

import dataclasses
import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from wonderland.errors import NotEnoughData, Unsupported, UsageError
from wonderland.lab.choosing import R_co, Runnable, make, no_argument, parameters_of, select, with_used
from wonderland.lab.cohort import Cohort
from wonderland.lab.names import NOT_EVERY_MODEL
from wonderland.lab.result import Result, result_class
from wonderland.lab.results import Results
from wonderland.lab.running import Watching, checked, provenance, run_each
from wonderland.lab.specimen import Specimen

__all__ = [
    "Analysis",
    "CohortAnalysis",
    "analyze",
    "analyze_cohort",
    "make",
    "parameters_of",
    "result_class",
    "select",
    "with_used",
]


@runtime_checkable
class Analysis(Protocol[R_co]):
    """Something to compute about a trained model. Write it as a frozen dataclass: its fields are its parameters.

    Attributes:
        name: How people call it: lower-case words joined by ``-``.
        version: Raise it when the same parameters give other numbers, so that stored results are recomputed.
        needs: Activations by their TransformerLens short names ("pattern", "z", "resid_post"), or "loss", "logits",
            "contrasts", "background".
        groups: Names of groups it belongs to, such as "triage".
        uses: Optional: names of analyses whose results it reads in ``specimen.results``. They run before it. One that
            is not installed, or declined, is not there: say so in the result.
        on_request: Optional: True if it runs when its name or a group of it is asked for, and not with "all".
        forecast: Optional, a method: given the specimen and, by name, the analyses it uses with their parameters, what
            it will take on this machine, a `wl.Forecast`; told before the first begins (`wonderland.lab.forecast`).
        choices: Optional, a class method: what it chooses on one half of its data and measures on the other, for
            `wonderland.testing.optimism` to hold it to.
        no_choices: Optional, a string: why it has no ``choices``, in one sentence, if it names heads or other parts.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    needs: ClassVar[tuple[str, ...]]

    def run(self, specimen: Specimen, /) -> R_co:
        """Compute the result. The return annotation names its class, by which a stored result is read back."""
        ...


@runtime_checkable
class CohortAnalysis(Protocol[R_co]):
    """Something to compute about several models, written as an `Analysis` is.

    Attributes:
        of: What its models differ in: "seeds", "snapshots" or "corpora".
        needs: What it reads of every member.
        uses: Optional: analyses of one specimen, run on each member before it; ``cohort.results[name][member]``.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    needs: ClassVar[tuple[str, ...]]
    of: ClassVar[str]

    def run(self, cohort: Cohort, /) -> R_co:
        """Compute the result."""
        ...


def analyze(
    subject: Specimen | Cohort,
    *wanted: str | Runnable,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    control: bool = False,
    on_start: Callable[[str], None] | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
    given: Mapping[str, Result] | None = None,
    scratch: Callable[[str], Path] | None = None,
    minutes: float | None = None,
    **others: Any,
) -> Results:
    """Run analyses on a specimen, with one shared forward pass; or on a cohort, on each member and then on all.

    Args:
        subject: The model with its evidence, or several of them.
        *wanted: Names of analyses or of groups ("triage", "all"), or analyses themselves; all if none is given.
        parameters: Parameters by analysis name, for those given by name.
        control: Also run each on the untrained baseline and attach its result as ``control``.
        on_start: Called with the name of each analysis before it runs.
        on_progress: Called with (name, done, total) by an analysis that takes long.
        given: Results that are there already, for analyses that use them; they are not computed again.
        scratch: Gives the folder in which an analysis may write on the way, by its name; a temporary one if None.
        minutes: Begin no further analysis after so long; those left are named in ``declined``.
        **others: Refused: a parameter is of one analysis.

    Returns:
        The results by name, in the order they ran, with those of analyses that were used. An analysis that says there
        is not enough data for it is left out and named, with its reason, in ``declined``. Of a cohort, the results of
        analyses of one specimen are in ``members``.

    Raises:
        NotEnoughData: The only analysis that was asked for says so.
        Unsupported: The only analysis that was asked for needs what this model cannot give truthfully.
        UsageError: A name or a parameter does not exist, or an analysis is of another kind of subject.
        PluginError: An analysis reads an activation it did not declare or does not return a `Result`.
    """
    if not hasattr(subject, "lacks") and not isinstance(subject, Cohort):
        raise UsageError(
            f"Analyses are run on a wl.Specimen or a wl.Cohort, not on {type(subject).__name__}.",
            hint="wl.Specimen(model, tokenizer, held_out)",
        )
    if others:
        raise no_argument(next(iter(others)), wanted, [*inspect.signature(analyze).parameters][2:-1])
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    watching = Watching(on_start, on_progress, scratch, deadline=deadline)
    kind = subject.kind if isinstance(subject, Cohort) else ""
    asked = select(wanted or ("all",), parameters or {}, kind)
    given = given or {}
    chosen = [one for one in with_used(asked, parameters or {}) if one.name not in given or one in asked]
    if isinstance(subject, Cohort):
        if given:
            raise UsageError("Results that are there already are of one specimen.", hint="Leave given out.")
        return analyze_cohort(subject, chosen, asked, {}, control=control, watching=watching)
    results, declined = run_each(subject, chosen, asked, given, control=control, watching=watching)
    return Results(results, subject, declined)


def analyze_cohort(
    cohort: Cohort,
    chosen: Sequence[Runnable],
    asked: Sequence[Runnable],
    given: Mapping[str, Mapping[str, Result]],
    *,
    control: bool,
    watching: Watching,
) -> Results:
    """Run analyses of one specimen on each member in turn, so that one member's activations are held; then the rest.

    Args:
        cohort: The models.
        chosen: What to run, each after those it uses.
        asked: Those of them that were asked for.
        given: Results of members that are there already, by member and name: nothing is run on such a member.
        control: Also run each on the untrained baselines; not of snapshots whose first is the untrained model itself.
        watching: Who looks on.
    """
    single = [one for one in chosen if not getattr(one, "of", "")]
    control = control and not cohort.begins_untrained
    baselines = cohort.untrained().members if control and any(name not in given for name in cohort.members) else {}
    members: dict[str, Results] = {}
    for name, member in cohort.members.items() if single else ():
        if name in given:
            members[name] = Results(given[name], member)
            continue
        there = dataclasses.replace(watching, on_start=_prefixed(watching.on_start, name), on_result=None)
        found, why = run_each(member, single, asked, {}, control=control, watching=there, baseline=baselines.get(name))
        members[name] = Results(found, member, why)
    results: dict[str, Result] = {}
    declined: dict[str, str] = {}
    joint = [one for one in chosen if getattr(one, "of", "")]
    widest_first = sorted(joint, key=lambda one: -len(one.needs))  # its pass has what the others need, too
    with _holding_losses(cohort, joint):
        _run_joint(cohort, widest_first, asked, members, results, declined, control=control, watching=watching)
    results = {one.name: results[one.name] for one in joint if one.name in results}
    return Results(results, cohort, declined, members)


@contextmanager
def _holding_losses(cohort: Cohort, joint: Sequence[Runnable]) -> Iterator[None]:
    """Hold the losses of every member, which are small, where more than one analysis reads them."""
    with ExitStack() as stack:
        if sum("loss" in one.needs for one in joint) > 1:
            for member in cohort.members.values():
                stack.enter_context(member.holding({"loss"}))
        yield


def _run_joint(
    cohort: Cohort,
    joint: Sequence[Runnable],
    asked: Sequence[Runnable],
    members: Mapping[str, Results],
    results: dict[str, Result],
    declined: dict[str, str],
    *,
    control: bool,
    watching: Watching,
) -> None:
    """Run analyses of all members together, and add to the results and to why others were left out."""
    for analysis in joint:
        used = _used(analysis, members)
        try:
            result = _run(analysis, cohort, used, watching)
            watching.must_rest_on_enough(analysis, result)
        except (NotEnoughData, Unsupported) as error:
            if len(asked) == 1 and analysis in asked:
                raise
            declined[analysis.name] = error.message
            continue
        if control:
            of_baselines = {
                name: {key: one.control for key, one in by_member.items() if one.control is not None}
                for name, by_member in used.items()
            }
            try:
                result = dataclasses.replace(result, control=_run(analysis, cohort.untrained(), of_baselines, watching))
            except (NotEnoughData, Unsupported) as error:
                declined[f"{analysis.name} of the untrained baselines"] = error.message
        results[analysis.name] = result
        watching.end(analysis.name, result, whole=True)


def _prefixed(on_start: Callable[[str], None] | None, member: str) -> Callable[[str], None] | None:
    return None if on_start is None else lambda name: on_start(f"{name} ({member})")


def _used(analysis: Runnable, members: Mapping[str, Results]) -> dict[str, dict[str, Result]]:
    """Return the results an analysis uses, by name and member; without the names that no member has a result of."""
    found = {
        name: {member: results[name] for member, results in members.items() if name in results}
        for name in getattr(analysis, "uses", ())
    }
    return {name: by_member for name, by_member in found.items() if by_member}


def _run(analysis: Runnable, cohort: Cohort, used: Mapping[str, Mapping[str, Result]], watching: Watching) -> Result:
    if (of := getattr(analysis, "of", "")) != cohort.kind:
        raise Unsupported(f"{analysis.name} is of {of}, and these models differ in {cohort.kind}.")
    started = time.perf_counter()
    told, scratch = watching.begin(analysis.name)
    if missing := cohort.lacks(analysis.needs):
        raise Unsupported(f"{analysis.name} cannot be run on these models. {missing}", hint=NOT_EVERY_MODEL)
    view = cohort.restricted_to(analysis.needs, used).running(told, scratch)
    result = checked(analysis, analysis.run(view))
    one = next(iter(view.members.values()))
    about = provenance(analysis, view.fingerprints, one.evidence.describe(), started)
    return dataclasses.replace(result, provenance=about)
