"""Tables, graphs and cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from wonderland.components import Head
from wonderland.errors import PluginError
from wonderland.estimate import Estimate
from wonderland.report.schema.blocks import Block, Row
from wonderland.report.schema.charts import linked
from wonderland.report.schema.figure import Figure
from wonderland.report.schema.kinds import Named
from wonderland.report.schema.node import Cell, Label, Node, Said, Select
from wonderland.report.schema.words import Wording

if TYPE_CHECKING:
    import pandas

__all__ = ["Card", "Cards", "Column", "Edge", "Graph", "GraphNode", "Table"]


_HEAD = "L2H0 is head 0 of layer 2; click it for all that was measured about it."
_LAYER = "The layer in which it was measured."
_WHOSE = "What was measured, or a control to compare it with."


@dataclass(frozen=True)
class Column(Node):
    """A column of a table."""

    key: Annotated[str, "A short name by which rows hold their cells."]
    label: Annotated[Said, "Its heading."]
    unit: Annotated[Said, "The unit, beside the heading."] = ""
    digits: Annotated[int | None, "Digits after the point."] = None
    help: Annotated[Said, "What it means, in some words."] = ""
    bar: Annotated[bool, "Whether a faint bar stands under the numbers."] = False


@dataclass(frozen=True)
class Table(Figure):
    """A sortable table."""

    renderer: ClassVar[str] = "table"

    columns: Annotated[Sequence[Column], "The columns."]
    rows: Annotated[Sequence[Sequence[Cell]], "Cells in the order of the columns, or mappings by their keys."]
    links: Annotated[str, "Key of the column whose cells name what a row selects."] = ""

    def __post_init__(self) -> None:
        keys = [getattr(column, "key", None) for column in self.columns]
        rows = [[row.get(key) for key in keys] if isinstance(row, Mapping) else row for row in self.rows]
        object.__setattr__(self, "rows", tuple(rows))
        super().__post_init__()

    def _check(self) -> None:
        self.filled("columns")
        keys = [column.key for column in self.columns]
        self.require(len(set(keys)) == len(keys), ".columns have a key twice")
        for i, row in enumerate(self.rows):
            self.require(len(row) == len(keys), f".rows[{i}] has {len(row)} cells for {len(keys)} columns")
        self.require(not self.links or self.links in keys, f".links is {self.links!r}, which is no column")

    def _plain(self) -> Any:
        keys = [column.key for column in self.columns]
        told: dict[str, Any] = super()._plain()
        told["rows"] = [dict(zip(keys, row, strict=True)) for row in told["rows"]]
        return told

    def guarded(self) -> Table:
        """Call the columns by their numbers: a key could be a word."""
        keys = [column.key for column in self.columns]
        columns = [replace(column, key=f"c{i}") for i, column in enumerate(self.columns)]
        return replace(self, columns=columns, links=f"c{keys.index(self.links)}" if self.links else "")

    @classmethod
    def of(cls, frame: pandas.DataFrame, **parts: Any) -> Table:
        """Return the table of a data frame, whose column names are the analysis' own.

        Args:
            frame: Its cells are numbers, text (quoted, unless it names a part of the model) or estimates.
            **parts: Other fields of the table; rows link to what a column ``head`` names.
        """
        columns = [Column(f"c{i}", str(name)) for i, name in enumerate(frame.columns)]
        rows = [[_bare(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]
        linked_by = next((f"c{i}" for i, name in enumerate(frame.columns) if str(name).casefold() == "head"), "")
        return cls(columns, rows, **{"links": linked_by, **parts})

    @classmethod
    def by_row(cls, columns: Mapping[Any, Any], **parts: Any) -> Table:
        """Return the table of columns that are as long as each other.

        Args:
            columns: What stands under each heading, from the first row to the last: a list of cells, an array or an
                `Estimate`, by its heading or `Column`. NaN alone is an empty cell, plain text counts as quoted.
            **parts: Other fields of the table; ``links`` may be the heading of a column.
        """
        heads = [one if isinstance(one, Column) else Column(f"c{i}", str(one)) for i, one in enumerate(columns)]
        links = parts.pop("links", "")
        by_heading = {str(name): column.key for name, column in zip(columns, heads, strict=True)}
        rows = list(zip(*map(cells_of, columns.values()), strict=True))
        return cls(heads, rows, links=by_heading.get(links, links), **parts)

    @classmethod
    def by_head(cls, columns: Mapping[Any, Any], **parts: Any) -> Table:
        """Return a table with a row for each head, which a click on it selects.

        Args:
            columns: Cells [layer, head] by heading or `Column`: nested lists, an array or an `Estimate`.
            **parts: Other fields of the table.
        """
        shapes = [np.shape(getattr(cells, "value", cells)) for cells in columns.values()]
        shape = next((found[:2] for found in shapes if len(found) >= 2), None)
        if shape is None:
            raise PluginError("A table by head needs cells [layer, head].")
        heads = list(Head.all(*shape))
        flat = {
            name: cells
            if isinstance(cells, (Estimate, np.ndarray))
            else [cells[head.layer][head.index] for head in heads]
            for name, cells in columns.items()
        }
        return cls.by_row({Column("head", "Head", help=_HEAD): heads, **flat}, links="head", **parts)

    @classmethod
    def by_subject(
        cls,
        found: Mapping[str, Mapping[str, Mapping[str, Any]]],
        measures: Mapping[str, str],
        about: Mapping[str, str] | None = None,
        **parts: Any,
    ) -> Table:
        """Return a table with a row for each subject in each layer, so that a number stands beside its controls.

        Args:
            found: Estimates by layer, by subject ("transcoder", "noise") and by measure; one that is not there leaves
                its cell empty. The names of subjects are the analysis' own.
            measures: Heading of each measure; its numbers have three digits.
            about: What each measure means, in a sentence.
            **parts: Other fields of the table.
        """
        numbers = [Column(key, heading, digits=3, help=(about or {}).get(key, "")) for key, heading in measures.items()]
        rows = [
            [Wording(layer), Wording(whose), *(of.get(key) for key in measures)]
            for layer, subjects in found.items()
            for whose, of in subjects.items()
        ]
        return cls(
            [Column("layer", "Layer", help=_LAYER), Column("whose", "Of what", help=_WHOSE), *numbers], rows, **parts
        )


def cells_of(values: Any) -> list[Any]:
    """Return the cells of a column, whatever holds them; an estimate or array of heads goes layer by layer."""
    if isinstance(values, Estimate):
        return [one for _, one in values.cells()]
    return [_bare(cell) for cell in (values.ravel().tolist() if isinstance(values, np.ndarray) else values)]


def _bare(cell: Any) -> Any:
    return None if isinstance(cell, float) and np.isnan(cell) else cell


@dataclass(frozen=True)
class GraphNode(Node):
    """A node of a graph."""

    id: Annotated[Label, "Its name, by which edges find it."]
    label: Annotated[Label, "What stands in it."]
    layer: Annotated[float, "Its column, from left to right."]
    select: Annotated[Select, "What a click selects; the part of the model it is named after, unless given."] = None

    def __post_init__(self) -> None:
        linked(self, self.id)
        super().__post_init__()


@dataclass(frozen=True)
class Edge(Node):
    """An edge of a graph; its width is the size of its effect."""

    start: Annotated[Label, "The node it comes from.", Named("from")]
    end: Annotated[Label, "The node it leads to.", Named("to")]
    value: Annotated[float, "The effect."]
    low: Annotated[float | None, "Lower end of its 95% interval."] = None
    high: Annotated[float | None, "Upper end."] = None
    chance: Annotated[float | None, "Its chance level."] = None
    note: Annotated[Said, "What else is known of it."] = ""


@dataclass(frozen=True)
class Graph(Figure):
    """Nodes in columns by layer, from left to right; width of an edge is the size of its effect, hue its sign."""

    renderer: ClassVar[str] = "graph"

    nodes: Annotated[Sequence[GraphNode], "The nodes."]
    edges: Annotated[Sequence[Edge], "The edges."]
    unit: Annotated[Said, "The unit of the effects."] = ""
    threshold: Annotated[float | None, "Least size of an effect shown at first; a slider moves it."] = None
    layers: Annotated[Sequence[Label] | None, "Headings of the columns."] = None

    def _check(self) -> None:
        self.filled("nodes")
        known = {node.id for node in self.nodes}
        self.require(len(known) == len(self.nodes), ".nodes have an id twice")
        for i, edge in enumerate(self.edges):
            for end in (edge.start, edge.end):
                self.require(end in known, f".edges[{i}] leads to {end!r}, which is no node")

    def _plain(self) -> Any:
        told: dict[str, Any] = super()._plain()
        numbers = {node.id: i for i, node in enumerate(self.nodes)}
        names = [one["id"] if isinstance(one["id"], str) else str(one["id"]) for one in told["nodes"]]
        for edge, made in zip(self.edges, told["edges"], strict=True):
            made["from"], made["to"] = (names[numbers[end]] for end in (edge.start, edge.end))
        return told

    def guarded(self) -> Graph:
        """Call nodes by their numbers where their names are quoted."""
        names = {
            node.id: node.id if isinstance(node.id, str) else Wording(f"n{i}") for i, node in enumerate(self.nodes)
        }
        nodes = [replace(node, id=names[node.id]) for node in self.nodes]
        edges = [replace(edge, start=names[edge.start], end=names[edge.end]) for edge in self.edges]
        return replace(self, nodes=nodes, edges=edges)


@dataclass(frozen=True)
class Card(Node):
    """A card: a title, some rows, and blocks."""

    title: Annotated[Label, "Its title."]
    note: Annotated[Label, "A few words beside the title."] = ""
    text: Annotated[Said, "A sentence."] = ""
    rows: Annotated[Sequence[Row], "Labels with their values."] = ()
    blocks: Annotated[Sequence[Block], "What else it says."] = ()
    select: Annotated[Select, "What it is the card of; the part of the model in its title, unless given."] = None

    def __post_init__(self) -> None:
        linked(self, self.title)
        super().__post_init__()


@dataclass(frozen=True)
class Cards(Figure):
    """Cards side by side, or, where they have blocks, an index with one of them open."""

    renderer: ClassVar[str] = "cards"

    cards: Annotated[Sequence[Card], "The cards."]

    def _check(self) -> None:
        self.filled("cards")
