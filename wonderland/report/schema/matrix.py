"""Tables of numbers as coloured cells: by head, by head and head, by layer and position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from wonderland.errors import PluginError
from wonderland.estimate import Estimate
from wonderland.report.schema.blocks import Block
from wonderland.report.schema.figure import Figure
from wonderland.report.schema.node import Label, Node, Numbers, Piece, Said, Select, shape_of
from wonderland.report.schema.words import Wording

__all__ = ["CellDetail", "CellRow", "CellTokens", "Matrix", "Ranks", "Scale", "Series", "unpacked"]

Scale = Literal["sequential", "linear", "log", "diverging"]


def unpacked(part: Node, name: str) -> None:
    """Let a part whose values are an `Estimate` have its interval, chance level and unit, unless given."""
    estimate = getattr(part, name)
    if not isinstance(estimate, Estimate):
        return
    object.__setattr__(part, name, estimate.value)
    for key in ("low", "high", "chance", "unit"):
        given = getattr(part, key, False)  # a part that has no such field keeps none
        if given is None or (isinstance(given, str) and not given):
            object.__setattr__(part, key, getattr(estimate, key))


@dataclass(frozen=True)
class CellRow(Node):
    """A number behind each cell."""

    label: Annotated[Said, "What it is."]
    values: Annotated[Numbers, "Numbers [row, column]."]


@dataclass(frozen=True)
class CellTokens(Node):
    """Tokens behind each cell, by their place in ``words``."""

    title: Annotated[Said, "A heading."]
    words: Annotated[Sequence[Piece], "The tokens that occur."]
    ids: Annotated[Numbers, "Which token, [row, column, place]."]
    shares: Annotated[Numbers, "Its probability, [row, column, place]."]


@dataclass(frozen=True)
class CellDetail(Node):
    """What is known of a selected cell beyond its number."""

    title: Annotated[Said, "A heading."] = ""
    rows: Annotated[Sequence[CellRow], "Numbers behind each cell."] = ()
    tokens: Annotated[CellTokens | None, "Tokens behind each cell."] = None

    def _plain(self) -> Any:
        told: dict[str, Any] = super()._plain()
        if "rows" in told:
            told["rows"] = [[row["label"], row["values"]] for row in told["rows"]]
        return told


@dataclass(frozen=True)
class Series(Node):
    """One alternative of a matrix; the reader toggles between them."""

    name: Annotated[Label, "What is measured."]
    values: Annotated[Numbers, "Numbers [row, column], or an `Estimate` of that shape."]
    unit: Annotated[Said, 'The unit; "1" for a pure ratio. That of the estimate unless given.'] = ""
    low: Annotated[Numbers | None, "Lower ends of 95% intervals."] = None
    high: Annotated[Numbers | None, "Upper ends."] = None
    chance: Annotated[Numbers | None, "Chance levels: one, or one for each cell."] = None
    scale: Annotated[Scale, "How numbers become colour: paper to ink by square root, or symmetric about 0."] = (
        "sequential"
    )
    domain: Annotated[Sequence[float] | None, "Lowest and highest number of the scale; it grows to hold all."] = None
    labels: Annotated[Sequence[Sequence[Label]] | None, "Words in the cells in place of numbers."] = None
    rows: Annotated[Sequence[Label] | None, "Rows of this series, where they are not those of the matrix."] = None
    detail: Annotated[CellDetail | None, "What is behind a selected cell."] = None

    def __post_init__(self) -> None:
        unpacked(self, "values")
        super().__post_init__()

    def _check(self) -> None:
        self.require(self.domain is None or len(self.domain) == 2, ".domain must be the lowest and the highest number")


@dataclass(frozen=True)
class Ranks(Node):
    """A bump chart for each column of a matrix."""

    title: Annotated[Said, "A heading."]
    names: Annotated[Sequence[Sequence[Piece]], "Tokens of each column, [column][place]."]
    values: Annotated[Numbers, "Their ranks, [row, column, place]."]


@dataclass(frozen=True)
class Matrix(Figure):
    """Cells of one table of numbers, usually layer by head.

    A click on a cell selects what ``links`` says; without it, its row as layer and its column as position, and a row
    that is named like a head, that head.
    """

    renderer: ClassVar[str] = "matrix"

    rows: Annotated[Sequence[Label], "Names of the rows."]
    columns: Annotated[Sequence[Label], "Names of the columns."]
    series: Annotated[Sequence[Series], "What is shown, one or more alternatives."]
    links: Annotated[
        Literal["", "head", "column", "row"],
        'What a click selects: "head" if cell (r, c) is head LrHc, "column" or "row" if those are parts of the model.',
    ] = ""
    shared: Annotated[bool, "Whether all series have one scale."] = False
    labels: Annotated[Sequence[Sequence[Label]] | None, "Words in the cells of all series."] = None
    below: Annotated[Sequence[Label] | None, "A second line of names under the columns."] = None
    marked: Annotated[Sequence[int], "Columns that stand out."] = ()
    context: Annotated[Sequence[Block], "Blocks that are the same behind every cell."] = ()
    ranks: Annotated[Ranks | None, "A bump chart behind each column."] = None
    threshold: Annotated[float | None, "Least size shown at first; a slider moves it. No slider if left out."] = field(
        default=None, kw_only=True
    )
    keys: Annotated[
        Sequence[Select] | None, 'With links="row": what a click in each row selects, where that is not its name.'
    ] = field(default=None, kw_only=True)

    def _check(self) -> None:
        self.filled("columns", "series")
        self.sized((len(self.rows),), "keys")
        of_all = self.links == "row" and all(one.rows is None for one in self.series)
        self.require(self.keys is None or of_all, '.keys are of the rows of all series: .links must be "row"')
        columns = len(self.columns)
        for i, one in enumerate(self.series):
            where, rows = f".series[{i}]", self.rows if one.rows is None else one.rows
            self.require(len(rows), ".rows must have something in it")
            shape = (len(rows), columns)
            self.require(
                shape_of(one.values) == shape, f"{where}.values has the shape {shape_of(one.values)}, not {shape}"
            )
            self.sized(shape, "low", "high", "chance", "labels", of=one, where=where)
            if one.detail is not None:
                for row in one.detail.rows:
                    self.sized(shape, "values", of=row, where=f"{where}.detail.rows")
                if one.detail.tokens is not None:
                    self.sized(shape, "ids", "shares", of=one.detail.tokens, where=f"{where}.detail.tokens")
        self.sized((columns,), "below")
        self.require(all(0 <= place < columns for place in self.marked), ".marked names a column that is not there")
        if self.labels is not None:
            self.sized((len(self.rows), columns), "labels")
        if self.ranks is not None:
            self.sized((columns,), "names", of=self.ranks, where=".ranks")
            self.sized((len(self.rows), columns), "values", of=self.ranks, where=".ranks")

    @classmethod
    def of(cls, rows: Sequence[Any], columns: Sequence[Any], estimates: Mapping[Any, Any], **parts: Any) -> Matrix:
        """Return a matrix of numbers whose rows and columns are named.

        Args:
            rows: Names of the rows; a plain name is the analysis' own, here and in the columns.
            columns: Names of the columns.
            estimates: One or more estimates or arrays [row, column], or `Series` of them, by what each measures. The
                names are the analysis' own.
            **parts: Other fields of the matrix, and of those series that are given by their numbers.
        """
        of_series = {name: parts.pop(name) for name in ("unit", "scale", "domain", "labels") if name in parts}
        series = [
            values if isinstance(values, Series) else Series(Wording(name), values, **of_series)
            for name, values in estimates.items()
        ]
        names = [[Wording(one) if isinstance(one, str) else one for one in side] for side in (rows, columns)]
        return cls(names[0], names[1], series, **parts)

    @classmethod
    def by_head(cls, estimates: Mapping[Any, Any] | Any, **parts: Any) -> Matrix:
        """Return a matrix layer × head, where a click selects the head.

        Args:
            estimates: One or more estimates or arrays [layer, head], or `Series` of them, by what each measures. The
                names are the analysis' own.
            **parts: Other fields of the matrix, and of those series that are given by their numbers.
        """
        first: Any = next(iter(estimates.values()), None)
        shape = np.shape(first.values if isinstance(first, Series) else getattr(first, "value", first))
        if len(shape) != 2:
            raise PluginError("A matrix by head needs numbers [layer, head].")
        rows, columns = ([f"{letter}{i}" for i in range(n)] for letter, n in zip("LH", shape, strict=True))
        return cls.of(rows, columns, estimates, links="head", **parts)
