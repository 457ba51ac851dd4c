"""The analyses that names and groups mean, with their parameters, in the order they must run in.

An analysis with ``on_request = True`` runs when its name or its group is asked for and not with ``"all"``: one that
trains something takes minutes. An analysis with ``of`` is of several models (`wonderland.lab.cohort`), so it is not
among all those of one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Protocol

from typing_extensions import TypeVar

from wonderland import plugins
from wonderland.advice import Command, Hint
from wonderland.errors import PluginError, UsageError
from wonderland.lab.parameters import must_be_ready, parameters_of
from wonderland.lab.result import Result
from wonderland.nearby import is_near, near_of

__all__ = ["Runnable", "comparing", "make", "no_argument", "of_several", "parameters_of", "select", "with_used"]

R_co = TypeVar("R_co", bound=Result, default=Result, covariant=True)


class Runnable(Protocol[R_co]):
    """An analysis, whatever it examines: with a name, and a method that gives a result."""

    name: ClassVar[str]
    version: ClassVar[int]
    needs: ClassVar[tuple[str, ...]]

    def run(self, subject: Any, /) -> R_co:
        """Compute the result."""
        ...


def select(
    wanted: Iterable[str | Runnable], parameters: Mapping[str, Mapping[str, Any]] | None = None, kind: str = ""
) -> list[Runnable]:
    """Turn names, groups and analyses into analyses with their parameters, each once.

    Args:
        wanted: Names, groups ("all" for every one that waits for no request) and analyses.
        parameters: Parameters by name.
        kind: Of what cohort analyses are among those of a group: "seeds", "snapshots", "corpora", or "" for none.
    """
    known = plugins.load().analyses
    for name in parameters or {}:
        plugins.load().analysis(name)  # parameters for an analysis that does not exist would be passed over in silence
    groups = sorted({"all", *(group for cls in known.values() for group in getattr(cls, "groups", ()))})
    chosen: dict[str, Runnable] = {}
    for item in wanted:
        if not isinstance(item, str):
            must_be_ready(item)
            chosen[item.name] = item
            continue
        if (of := getattr(known.get(item), "of", kind)) not in ("", kind):
            raise of_several(item, of)
        group = {name: getattr(cls, "of", "") for name, cls in known.items() if _among(item, cls)}
        members = [name for name, of in group.items() if of in ("", kind)]
        if group and not members:
            kinds = sorted({*group.values()})
            what = f"The analyses {item!r} are of several models: {', '.join(kinds)}."
            raise UsageError(what, hint=_how_to_compare(item, kinds[0]))
        for name in members or [item]:
            if name not in chosen:
                chosen[name] = make(plugins.load().analysis(name, groups), (parameters or {}).get(name, {}))
    return list(chosen.values())


def comparing(kind: str) -> list[str]:
    """Return the names of the analyses of several models that differ in `kind`, without those on request."""
    known = plugins.load().analyses
    return [name for name, cls in known.items() if getattr(cls, "of", "") == kind and _among("all", cls)]


def of_several(name: str, of: str) -> UsageError:
    """Return the error for an analysis of several models that is asked of one, or of models of another kind."""
    return UsageError(f"{name} is of several models ({of}).", hint=_how_to_compare(name, of))


def no_argument(name: str, wanted: Iterable[str | Runnable], arguments: Collection[str]) -> UsageError:
    """Return the error for a parameter of an analysis that is said to `analyze` itself, or for a mistyped argument.

    Args:
        name: What was said.
        wanted: The analyses that were asked for.
        arguments: The arguments there are.
    """
    known = plugins.load().analyses
    classes = [known.get(one) if isinstance(one, str) else type(one) for one in wanted]
    asked = [cls for cls in classes if cls is not None]
    told = f"analyze has no argument {name!r}"
    if is_near(name, arguments) or not asked:
        return UsageError(f"{told}.", hint=near_of(name, arguments, f"There are: {', '.join(arguments)}."))
    cls = next((one for one in asked if name in parameters_of(one)), asked[0])
    own = parameters_of(cls)
    if name in own:
        told += f"; it is a parameter of the analysis {cls.name!r}"
    example = name if name in own else next(iter(own), "")
    said = f"{cls.__name__}({example}=...)" if example else f"{cls.__name__}()"
    return UsageError(
        f"{told}.",
        hint=f"Parameters of {cls.name!r} ({', '.join(own) or 'none'}) are said to the analysis itself: "
        f"from {cls.__module__} import {cls.__name__}; wl.analyze(specimen, {said})",
    )


def _how_to_compare(name: str, of: str) -> str:
    script = f"wl.analyze(wl.Cohort({of!r}, {{name: specimen, …}}), {name!r})"
    return script if of == "corpora" else Hint(Command("analyze", "--cohort", of, name, in_python=script))


def _among(group: str, cls: type[Any]) -> bool:
    if group == "all":
        return not getattr(cls, "on_request", False)
    return group in getattr(cls, "groups", ())


def with_used(chosen: Iterable[Runnable], parameters: Mapping[str, Mapping[str, Any]] | None = None) -> list[Runnable]:
    """Add the analyses that these use, each before the first that uses it; those not installed are left out.

    Raises:
        UsageError: One of them is no analysis with its parameters, or a parameter is of another type than it is for.
        PluginError: Analyses use each other in a circle.
    """
    chosen = list(chosen)
    for analysis in chosen:
        must_be_ready(analysis)
    given = {analysis.name: analysis for analysis in chosen}
    known = plugins.load().analyses
    ordered: dict[str, Runnable] = {}

    def add(analysis: Runnable, path: tuple[str, ...]) -> None:
        if analysis.name in path:
            raise PluginError(f"Analyses use each other in a circle: {' → '.join((*path, analysis.name))}.")
        for name in getattr(analysis, "uses", ()):
            if name in given or name in known:
                add(given.get(name) or make(known[name], (parameters or {}).get(name, {})), (*path, analysis.name))
        ordered.setdefault(analysis.name, analysis)

    for analysis in given.values():
        add(analysis, ())
    return list(ordered.values())


def make(cls: type[Any], parameters: Mapping[str, Any]) -> Runnable:
    """Make an analysis with parameters, naming the ones there are if one does not exist.

    Raises:
        UsageError: A parameter does not exist, or is of another type than it is for.
    """
    known = parameters_of(cls)
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise UsageError(
            f"The analysis {cls.name!r} has no parameter {unknown[0]!r}.",
            hint=near_of(unknown[0], known, f"Its parameters: {', '.join(known) or 'none'}."),
        )
    analysis: Runnable = cls(**parameters)
    must_be_ready(analysis)
    return analysis
