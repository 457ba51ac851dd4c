"""The result of an analysis: numbers that explain themselves, show themselves, save and load themselves.

A result is a frozen dataclass whose fields are JSON values, numpy arrays and `Estimate`s; saved and loaded by
`wonderland.lab.result_files`, and put into a table by `wonderland.lab.tables`.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from wonderland import plugins
from wonderland.advice import Command, Hint
from wonderland.errors import InputError, PluginError, UsageError
from wonderland.estimate import Estimate
from wonderland.lab.result_files import CONTROL, read_tree, write_tree
from wonderland.lab.tables import estimates, table
from wonderland.paths import expanded
from wonderland.report.findings import Finding, Replicated
from wonderland.report.schema import Block, Role
from wonderland.report.schema.words import Quoted
from wonderland.visible import visible

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from wonderland.report.glance import Shown
    from wonderland.report.schema import View

__all__ = ["Provenance", "Result", "result_class"]


@dataclass(frozen=True)
class Provenance:
    """How a result came about: everything needed to get it again."""

    analysis: str
    version: int
    parameters: Mapping[str, Any]
    fingerprints: Mapping[str, str]
    evidence: Mapping[str, Any]
    seconds: float
    wonderland: str


@dataclass(frozen=True, repr=False)
class Result:
    """Base of what analyses return. Subclass it as a frozen dataclass and say the `summary`.

    Attributes:
        provenance: Attached by `analyze`.
        control: The same analysis of the untrained baseline, attached by ``analyze(..., control=True)``.
    """

    provenance: Provenance | None = field(default=None, kw_only=True, repr=False)
    control: Result | None = field(default=None, kw_only=True, repr=False)

    def summary(self) -> str:
        """Say what was found: the first line is the claim, its number and whether to trust it."""
        return f"{type(self).__name__}: no summary"

    def findings(self) -> Sequence[Finding]:
        """List what the report's first page says; the summary's first line unless overridden.

        That line counts as quoted, as it is plain text that may hold anything: say findings to have them in a redacted
        report.
        """
        views = self.views()
        return [Finding(Quoted(self.summary().splitlines()[0]), views[0].id if views else "")]

    def views(self) -> Sequence[View]:
        """Return the pictures of this result, as data for the report's renderers."""
        return []

    def card(self) -> Mapping[str, Estimate]:
        """Return what the card of a selected head shows: estimates [layer, head] by label."""
        return {}

    def cards(self) -> Mapping[Any, Sequence[Block | Role]]:
        """Return what else the card of a head, or of anything else that can be selected, says, as blocks.

        Keys are heads, neurons, features or `Key`s. A `Role` is what the thing is called and the rule that gave it.
        """
        return {}

    def figure(self) -> Figure:
        """Draw the first view with matplotlib."""
        from wonderland.report.plots import figure

        views = self.views()
        if not views:
            raise UsageError(f"{type(self).__name__} has no views to draw.", hint="Print it: print(result)")
        return figure(views[0])

    def estimates(self) -> Mapping[str, Estimate]:
        """Return every estimate of this result by its path, such as "cost.resample"; those of its fields by default.

        One that is shown in `card` is [layer, head], also where its author left out ``dims``.
        """
        of_heads = {id(one) for one in self.card().values() if len(one.shape) == 2 and not one.dims}
        return {
            path: dataclasses.replace(one, dims=("layer", "head")) if id(one) in of_heads else one
            for path, one in estimates(self)
        }

    def to_frame(self) -> pandas.DataFrame:
        """Return every estimate of this result as a table with one row a number.

        Columns: ``analysis``; ``quantity``, the path of the field; its dimensions, heads as names like L2H0; ``value``,
        ``low``, ``high``, ``chance``, ``n``, ``resampled_over`` and ``unit``. A terminal is rarely as wide: to see the
        numbers, print some of the columns, such as ``result.to_frame()[["head", "value", "low", "high"]]``.
        """
        return table(self._analysis, self.estimates())

    @property
    def _analysis(self) -> str:
        return self.provenance.analysis if self.provenance is not None else ""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "__repr__" not in cls.__dict__:  # else dataclass writes one that prints every number
            cls.__repr__ = Result.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        first = visible(self.summary().splitlines()[0], 160)
        of = f" of {self._analysis}" if self._analysis else ""
        return f"<{type(self).__name__}{of}: {first}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        from wonderland.report.glance import glance

        return glance(self.summary(), self.card())

    def show(self, height: int = 640) -> Shown:
        """Return the interactive views of this result for a notebook, in a frame that can reach nothing outside.

        It opens at the first view. A frame may not save files, so it offers no export: `wonderland report` does.

        Args:
            height: Height of the frame in pixels.

        Raises:
            UsageError: The result has no views.
        """
        from wonderland.report.build import gather, render
        from wonderland.report.glance import Shown

        views = sorted(self.views(), key=lambda view: view.order)
        if not views:
            raise UsageError(f"{type(self).__name__} has no views to show.", hint="Print it: print(result)")
        name = self._analysis or type(self).__name__
        page = dataclasses.replace(gather({name: self}, None), opens=views[0].id)
        return Shown(render(page), height)

    def claims(self) -> Mapping[str, Estimate]:
        """Return statements that name no head, to be compared between models, whose heads have other numbers.

        By default, of each quantity of `card`: its largest value over heads, and how many heads lie above chance, from
        those whose whole interval does to those whose interval reaches it.
        """
        told: dict[str, Estimate] = {}
        for label, estimate in self.card().items():
            value = np.asarray(estimate.value, dtype=np.float64)
            if not np.isfinite(value).any():
                continue
            at = np.unravel_index(int(np.nanargmax(value)), value.shape)
            told[f"{label}: largest over heads"] = estimate[tuple(int(i) for i in at)]
            if estimate.chance is not None:
                over, surely, maybe = (
                    int((np.asarray(part) > np.asarray(estimate.chance)).sum())
                    for part in (estimate.value, estimate.low, estimate.high)
                )
                told[f"{label}: heads above chance"] = Estimate(
                    over, surely, maybe, n=estimate.n, unit="heads", resampled_over=estimate.resampled_over
                )
        return told

    def replications(self) -> Mapping[str, Replicated]:
        """Return in how many training runs claims hold, by "analysis: claim", if that is what was compared."""
        return {}

    def save(self, folder: str | Path) -> None:
        """Write ``result.json`` and ``arrays.safetensors`` into a folder, which is made if it is not there."""
        folder = expanded(folder)
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "control"}
        fields["provenance"] = None if self.provenance is None else dataclasses.asdict(self.provenance)
        write_tree(folder, type(self).__name__, fields)
        if self.control is not None:
            self.control.save(folder / CONTROL)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote. ``wl.Result.load`` finds the class by the name that was saved.

        Raises:
            InputError: The folder holds no result, or one of another class, version or analysis that is not installed;
                or its files are not as they were written.
        """
        folder = expanded(folder)
        kind, fields = read_tree(folder)
        if fields.get("provenance") is not None:
            fields["provenance"] = Provenance(**fields["provenance"])
        wanted = cls if cls is not Result else _class_named(kind, set(fields), fields.get("provenance"), folder)
        if kind != wanted.__name__:
            raise InputError(
                f"{folder} holds a {kind}, not a {wanted.__name__}.",
                hint=Hint(
                    "wl.Result.load(folder) finds the class. If an older version wrote it, run `",
                    Command("analyze"),
                    "`.",
                ),
            )
        known = _stored_fields(wanted)
        if set(fields) != known:
            other = ", ".join(sorted(set(fields) ^ known))
            raise InputError(
                f"{folder} was written by another version of {wanted.__name__}, with other fields: {other}.",
                hint=Hint("Run `", Command("analyze"), "` again."),
            )
        control = wanted.load(folder / CONTROL) if (folder / CONTROL).is_dir() else None
        return wanted(**fields, control=control)


def result_class(cls: type[Any]) -> type[Result]:
    """Return the class of result an analysis returns, by the annotation of its ``run``."""
    returned = typing.get_type_hints(cls.run).get("return")
    if not (isinstance(returned, type) and issubclass(returned, Result)):
        raise PluginError(
            f"The analysis {cls.name!r} does not say which Result its run returns.",
            hint="Annotate it: def run(self, specimen: Specimen) -> MyResult.",
        )
    return returned


def _stored_fields(cls: type[Result]) -> set[str]:
    return {f.name for f in dataclasses.fields(cls)} - {"control"}


def _class_named(kind: str, fields: set[str], provenance: Provenance | None, folder: Path) -> Any:
    """Return the class of a stored result: of its analysis, else of any installed one, else of one made here.

    Of several of one name, the last one that has these fields.
    """
    installed = plugins.load().analyses
    if provenance is not None and provenance.analysis in installed:
        return result_class(installed[provenance.analysis])
    classes = [result_class(analysis) for analysis in installed.values()]
    named = [cls for cls in [*classes, *_below(Result)] if cls.__name__ == kind]
    if not named:
        of = f" of the analysis {provenance.analysis!r}" if provenance is not None else ""
        raise InputError(
            f"{folder} holds a {kind}{of}, which is not installed here.",
            hint="Install the plugin it came with (`wonderland plugins` lists those there are), or import its class.",
        )
    return next((cls for cls in reversed(named) if _stored_fields(cls) == fields), named[-1])


def _below(cls: type[Result]) -> Iterator[type[Result]]:
    for below in cls.__subclasses__():
        yield below
        yield from _below(below)
