"""Curves, bars and points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np

from wonderland.estimate import Estimate
from wonderland.report.schema.figure import Axis, Figure
from wonderland.report.schema.matrix import unpacked
from wonderland.report.schema.node import Label, Node, Numbers, Said, Select, Spoken, shape_of
from wonderland.report.schema.words import Wording

__all__ = ["Bar", "Bars", "Curve", "Lines", "Mark", "Point", "Reference", "Right", "Scatter", "Ways"]


@dataclass(frozen=True)
class Curve(Node):
    """A curve, with a band where it has an interval; one that is named like a head follows the selection."""

    name: Annotated[Label, "What it is called."]
    x: Annotated[Numbers, "Where it runs."]
    y: Annotated[Numbers, "How high it is, or an `Estimate` of as many numbers."]
    low: Annotated[Numbers | None, "Lower ends of 95% intervals."] = None
    high: Annotated[Numbers | None, "Upper ends."] = None
    chance: Annotated[bool, "Whether it is the chance level, which has one look in all figures."] = False

    def __post_init__(self) -> None:
        unpacked(self, "y")
        super().__post_init__()

    def _check(self) -> None:
        self.require(
            shape_of(self.y) == shape_of(self.x), f".y has the shape {shape_of(self.y)}, not {shape_of(self.x)}"
        )
        self.sized(shape_of(self.x), "low", "high")


@dataclass(frozen=True)
class Reference(Node):
    """A horizontal line."""

    name: Annotated[Label, "What it is."]
    y: Annotated[float, "Where it is."]


@dataclass(frozen=True)
class Mark(Node):
    """A place under the curves where there is something to read."""

    x: Annotated[float, "Where it is."]
    title: Annotated[Said, "A heading."]
    text: Annotated[Spoken, "What the model said then."] = ""


@dataclass(frozen=True)
class Right(Node):
    """A second axis, on the right, that shows exp(y), as perplexity does of loss."""

    label: Annotated[Said, "What it measures."]


@dataclass(frozen=True)
class Lines(Figure):
    """Curves; more than eight are drawn alike."""

    renderer: ClassVar[str] = "line"

    x: Annotated[Axis, "The axis below."]
    y: Annotated[Axis, "The axis on the left."]
    series: Annotated[Sequence[Curve], "The curves."]
    references: Annotated[Sequence[Reference], "Horizontal lines."] = ()
    marks: Annotated[Sequence[Mark], "Places with something to read."] = ()
    right: Annotated[Right | None, "A second axis."] = None
    keys: Annotated[
        Sequence[Select] | None, "What a click on each place along the axis below selects, from left to right."
    ] = field(default=None, kw_only=True)

    def _check(self) -> None:
        self.filled("series")
        places = np.unique(np.concatenate([np.ravel(np.asarray(curve.x, dtype=float)) for curve in self.series]))
        self.sized((int(np.isfinite(places).sum()),), "keys")

    @classmethod
    def of(cls, curves: Mapping[Any, Any], x: Axis | str, y: Axis | str, at: Any = None, **parts: Any) -> Lines:
        """Return curves that run over the same places.

        Args:
            curves: Estimates or arrays of one dimension by name; plain names are the analysis' own.
            x: The axis below, or its label.
            y: The axis on the left, or its label; its unit is that of the first estimate.
            at: Where they run; 0, 1, 2 and so on unless given.
            **parts: Other fields.
        """
        found = {own(name): one if isinstance(one, Estimate) else np.asarray(one) for name, one in curves.items()}
        series = [Curve(name, np.arange(one.shape[0]) if at is None else at, one) for name, one in found.items()]
        return cls(Axis(x) if isinstance(x, str) else x, _axis(y, found.values()), series, **parts)


@dataclass(frozen=True)
class Bar(Node):
    """Bars of one colour, one for each place."""

    name: Annotated[Label, "What they are."]
    values: Annotated[Numbers, "Their heights, or an `Estimate` of as many numbers."]
    low: Annotated[Numbers | None, "Lower ends of 95% intervals."] = None
    high: Annotated[Numbers | None, "Upper ends."] = None
    chance: Annotated[Numbers | None, "Chance levels: one, or one for each."] = None

    def __post_init__(self) -> None:
        unpacked(self, "values")
        super().__post_init__()


@dataclass(frozen=True)
class Bars(Figure):
    """A few numbers side by side, with whiskers and chance levels."""

    renderer: ClassVar[str] = "bars"

    x: Annotated[Sequence[Label], "Names of the places."]
    y: Annotated[Axis, "The axis on the left."]
    series: Annotated[Sequence[Bar], "The bars, a colour each."]
    threshold: Annotated[float | None, "Least size shown at first; a slider moves it. No slider if left out."] = field(
        default=None, kw_only=True
    )
    keys: Annotated[
        Sequence[Select] | None, "What a click on each place selects; the part it is named after if none."
    ] = field(default=None, kw_only=True)

    def _check(self) -> None:
        self.filled("x", "series")
        self.sized((len(self.x),), "keys")
        for i, one in enumerate(self.series):
            found, wanted = shape_of(one.values), (len(self.x),)
            self.require(found == wanted, f".series[{i}].values has the shape {found}, not {wanted}")
            self.sized(wanted, "low", "high", "chance", of=one, where=f".series[{i}]")

    @classmethod
    def of(cls, estimates: Mapping[Any, Estimate], label: str, name: str = "", unit: str | None = None) -> Bars:
        """Return one bar for each estimate, by its name.

        Args:
            estimates: Estimates of no dimensions by what each is of; plain names are the analysis' own.
            label: What is measured.
            name: What the bars are; ``label`` unless given.
            unit: The unit; that of the first unless given.
        """
        found = list(estimates.values())
        unit = (found[0].unit if found else "") if unit is None else unit
        values, low, high = (np.array([float(getattr(e, part)) for e in found]) for part in ("value", "low", "high"))
        chance = [np.nan if e.chance is None else float(e.chance) for e in found]
        bar = Bar(Wording(name or label), values, low, high, np.array(chance) if np.isfinite(chance).any() else None)
        return cls(list(map(own, estimates)), Axis(label, unit), [bar])

    @classmethod
    def by_place(cls, x: Sequence[Any], bars: Mapping[Any, Any], y: Axis | str, **parts: Any) -> Bars:
        """Return bars side by side at each of some places.

        Args:
            x: Names of the places; plain names are the analysis' own.
            bars: Estimates or arrays [place] by what they are, a colour each; an estimate brings its chance level.
            y: The axis on the left, or its label; its unit is that of the first estimate.
            **parts: Other fields.
        """
        series = [Bar(own(name), values) for name, values in bars.items()]
        return cls(list(map(own, x)), _axis(y, bars.values()), series, **parts)


def own(name: Any) -> Any:
    """Return a name that the analysis wrote as its own words; quoted words and parts of the model stay as they are."""
    return Wording(name) if isinstance(name, str) else name


def _axis(axis: Axis | str, of: Iterable[Any]) -> Axis:
    if isinstance(axis, Axis):
        return axis
    first = next(iter(of), None)
    return Axis(axis, first.unit if isinstance(first, Estimate) and first.unit != "1" else "")


@dataclass(frozen=True)
class Point(Node):
    """A point with its name."""

    label: Annotated[Label, "Its name."]
    x: Annotated[float, "Where it is along the axis below."]
    y: Annotated[float, "How high it is."]
    group: Annotated[int | None, "The number of its group."] = None
    select: Annotated[Select, "What a click selects; the part of the model it is named after, unless given."] = None

    def __post_init__(self) -> None:
        linked(self, self.label)
        super().__post_init__()


def linked(part: Node, name: Any) -> None:
    """Let a part of a figure that is named like a part of the model select that, unless it selects something else."""
    from wonderland.components import Component
    from wonderland.report.schema.selection import Key

    if getattr(part, "select") is None:  # noqa: B009 - parts of several classes have it
        object.__setattr__(part, "select", name if isinstance(name, Component) else Key.named(name))


@dataclass(frozen=True)
class Ways(Node):
    """Lines through the groups of a scatter plot, such as a token's way through the layers."""

    names: Annotated[Sequence[Label], "A name for each."]
    x: Annotated[Numbers, "Where it is in each group, [way, group]."]
    y: Annotated[Numbers, "The same for the height."]
    pos: Annotated[Sequence[int] | None, "Positions in the conversation that a click selects."] = None

    def _check(self) -> None:
        self.filled("names")
        self.sized((len(self.names),), "x", "y", "pos")


@dataclass(frozen=True)
class Scatter(Figure):
    """Points with names, or ways through the groups."""

    renderer: ClassVar[str] = "scatter"

    x: Annotated[Axis, "The axis below."]
    y: Annotated[Axis, "The axis on the left."]
    points: Annotated[Sequence[Point], "The points."] = ()
    groups: Annotated[Sequence[Label], "Names of the groups."] = ()
    ordered: Annotated[bool, "Whether the groups are steps of one way, as layers are."] = False
    diagonal: Annotated[bool, "Whether a line shows where x equals y."] = False
    ways: Annotated[Ways | None, "Lines through the groups in place of points."] = None

    def _check(self) -> None:
        if self.ways is None:
            self.filled("points")
            for i, point in enumerate(self.points):
                inside = point.group is None or not self.groups or 0 <= point.group < len(self.groups)
                self.require(inside, f".points[{i}].group is {point.group}, which is not there")
        else:
            self.sized((len(self.ways.names), len(self.groups)), "x", "y", of=self.ways, where=".ways")
