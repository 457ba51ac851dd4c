"""Analyses: what one is, and how several of them are run on one specimen.

An analysis is a frozen dataclass whose fields are its parameters, with class attributes ``name``, ``version`` and
``needs`` and one method, ``run``. `analyze` collects what all of them need, makes one cached forward pass over the
evidence for it, and runs each on a specimen that hands out only what was declared: an analysis that reads more would
otherwise work alone and fail in company.

An analysis that draws other analyses together names them in ``uses``. They run before it, and it finds their results in
``specimen.results``: so no number of a synthesis is computed a second time in a second way.
"""

from __future__ import annotations

import dataclasses
import time
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from wonderland import plugins
from wonderland.errors import NotEnoughData, PluginError, Unsupported, UsageError
from wonderland.lab.names import NOT_EVERY_MODEL
from wonderland.lab.result import Provenance, Result
from wonderland.lab.results import Results
from wonderland.lab.specimen import Specimen

__all__ = ["Analysis", "analyze", "parameters_of", "result_class", "select", "with_used"]


@runtime_checkable
class Analysis(Protocol):
    """Something to compute about a trained model. Write it as a frozen dataclass: its fields are its parameters.

    Attributes:
        name: How people call it: lower-case words joined by ``-``.
        version: Raise it when the same parameters give other numbers, so that stored results are recomputed.
        needs: Activations by their TransformerLens short names ("pattern", "z", "resid_post"), or "loss", "logits".
        groups: Names of groups it belongs to, such as "triage".
        uses: Optional: names of analyses whose results it reads in ``specimen.results``. They run before it. One that
            is not installed, or declined, is not there: say so in the result.
        choices: Optional, a class method: what it chooses on one half of its data and measures on the other, for
            `wonderland.testing.optimism` to hold it to.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    needs: ClassVar[tuple[str, ...]]

    def run(self, specimen: Specimen) -> Result:
        """Compute the result. The return annotation names its class, by which a stored result is read back."""
        ...


def analyze(
    specimen: Specimen,
    *wanted: str | Analysis,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    control: bool = False,
    on_start: Callable[[str], None] | None = None,
    given: Mapping[str, Result] | None = None,
) -> Results:
    """Run analyses on a specimen, with one shared forward pass.

    Args:
        specimen: The model with its evidence.
        *wanted: Names of analyses or of groups ("triage", "all"), or analyses themselves; all if none is given.
        parameters: Parameters by analysis name, for those given by name.
        control: Also run each on the untrained baseline and attach its result as ``control``.
        on_start: Called with the name of each analysis before it runs.
        given: Results that are there already, for analyses that use them; they are not computed again.

    Returns:
        The results by name, in the order they ran, with those of analyses that were used. An analysis that says there
        is not enough data for it is left out and named, with its reason, in ``declined``.

    Raises:
        NotEnoughData: The only analysis that was asked for says so.
        Unsupported: The only analysis that was asked for needs what this model cannot give truthfully.
        UsageError: A name or a parameter does not exist.
        PluginError: An analysis reads an activation it did not declare or does not return a `Result`.
    """
    given = given or {}
    asked = select(wanted or ("all",), parameters or {})
    chosen = [one for one in with_used(asked, parameters or {}) if one.name not in given or one in asked]
    # An analysis that the model cannot serve has no part in the shared pass.
    needs = {need for analysis in chosen if not specimen.lacks(analysis.needs) for need in analysis.needs}
    results: dict[str, Result] = {}
    declined: dict[str, str] = {}
    with specimen.holding(needs):
        for analysis in chosen:
            if on_start:
                on_start(analysis.name)
            try:
                results[analysis.name] = _run(analysis, specimen, {**given, **results})
            except (NotEnoughData, Unsupported) as error:
                if len(asked) == 1 and analysis in asked:
                    raise
                declined[analysis.name] = error.message
    if control:
        baseline = specimen.untrained()
        before = {name: result.control for name, result in given.items() if result.control is not None}
        with baseline.holding(needs):
            for analysis in (one for one in chosen if one.name in results):
                if on_start:
                    on_start(f"{analysis.name} (untrained)")
                try:
                    before[analysis.name] = _run(analysis, baseline, before)
                except (NotEnoughData, Unsupported) as error:
                    declined[f"{analysis.name} of the untrained baseline"] = error.message
                else:
                    results[analysis.name] = dataclasses.replace(results[analysis.name], control=before[analysis.name])
    return Results(results, specimen, declined)


def select(
    wanted: Iterable[str | Analysis], parameters: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Analysis]:
    """Turn names, groups and analyses into analyses with their parameters, each once."""
    known = plugins.load().analyses
    for name in parameters or {}:
        plugins.load().analysis(name)  # parameters for an analysis that does not exist would be passed over in silence
    chosen: dict[str, Analysis] = {}
    for item in wanted:
        if not isinstance(item, str):
            chosen[item.name] = item
            continue
        members = [name for name, cls in known.items() if item == "all" or item in getattr(cls, "groups", ())]
        for name in members or [item]:
            if name not in chosen:
                chosen[name] = make(plugins.load().analysis(name), (parameters or {}).get(name, {}))
    return list(chosen.values())


def with_used(chosen: Iterable[Analysis], parameters: Mapping[str, Mapping[str, Any]] | None = None) -> list[Analysis]:
    """Add the analyses that these use, each before the first that uses it; those not installed are left out.

    Raises:
        PluginError: Analyses use each other in a circle.
    """
    given = {analysis.name: analysis for analysis in chosen}
    known = plugins.load().analyses
    ordered: dict[str, Analysis] = {}

    def add(analysis: Analysis, path: tuple[str, ...]) -> None:
        if analysis.name in path:
            raise PluginError(f"Analyses use each other in a circle: {' → '.join((*path, analysis.name))}.")
        for name in getattr(analysis, "uses", ()):
            if name in given or name in known:
                add(given.get(name) or make(known[name], (parameters or {}).get(name, {})), (*path, analysis.name))
        ordered.setdefault(analysis.name, analysis)

    for analysis in given.values():
        add(analysis, ())
    return list(ordered.values())


def make(cls: type[Any], parameters: Mapping[str, Any]) -> Analysis:
    """Make an analysis with parameters, naming the ones there are if one does not exist."""
    known = parameters_of(cls)
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise UsageError(
            f"The analysis {cls.name!r} has no parameter {unknown[0]!r}.",
            hint=f"Its parameters: {', '.join(known) or 'none'}.",
        )
    analysis: Analysis = cls(**parameters)
    return analysis


def parameters_of(cls: type[Any]) -> dict[str, tuple[Any, str, Any]]:
    """Return {name: (type, help text, default)} of the parameters of an analysis class."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found: dict[str, tuple[Any, str, Any]] = {}
    for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
        hint = hints[field.name]
        kind, help_text = hint, ""
        if typing.get_origin(hint) is typing.Annotated:
            kind, *notes = typing.get_args(hint)
            help_text = next((note for note in notes if isinstance(note, str)), "")
        found[field.name] = (kind, help_text, field.default)
    return found


def result_class(cls: type[Any]) -> type[Result]:
    """Return the class of result an analysis returns, by the annotation of its ``run``."""
    returned = typing.get_type_hints(cls.run).get("return")
    if not (isinstance(returned, type) and issubclass(returned, Result)):
        raise PluginError(
            f"The analysis {cls.name!r} does not say which Result its run returns.",
            hint="Annotate it: def run(self, specimen: Specimen) -> MyResult.",
        )
    return returned


def _run(analysis: Analysis, specimen: Specimen, results: Mapping[str, Result]) -> Result:
    import wonderland

    started = time.perf_counter()
    used = {name: results[name] for name in getattr(analysis, "uses", ()) if name in results}
    view = specimen.restricted_to(analysis.needs, used)
    try:
        if missing := specimen.lacks(analysis.needs):
            raise Unsupported(missing, hint=NOT_EVERY_MODEL)
        result = analysis.run(view)
    except Unsupported as error:
        raise Unsupported(f"{analysis.name} cannot be run on this model. {error.message}", hint=error.hint) from error
    if not isinstance(result, Result):
        raise PluginError(f"The analysis {analysis.name!r} returned a {type(result).__name__}, not a Result.")
    provenance = Provenance(
        analysis=analysis.name,
        version=analysis.version,
        parameters={name: getattr(analysis, name) for name in parameters_of(type(analysis))},
        fingerprints=specimen.fingerprints,
        evidence=specimen.evidence.describe(),
        seconds=round(time.perf_counter() - started, 3),
        wonderland=wonderland.__version__,
    )
    return dataclasses.replace(result, provenance=provenance)
