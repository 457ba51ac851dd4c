"""What a card, a cell or a figure says beside its picture: blocks of rows, words, small charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from wonderland.report.schema.node import Cell, Label, Node, Numbers, Piece, Said, Spoken

__all__ = ["Block", "RankLines", "Role", "Row", "SmallBars", "Snippet", "Token"]


@dataclass(frozen=True)
class Row(Node):
    """A label and its value."""

    AS_LIST = True

    label: Annotated[Said, "What it is."]
    value: Annotated[Cell, "A number, an `Estimate`, or a label."]

    @classmethod
    def each(cls, rows: Mapping[str, Any]) -> list[Row]:
        """Return a row for each value of a mapping."""
        return [cls(label, value) for label, value in rows.items()]


@dataclass(frozen=True)
class Token(Node):
    """A token with a number, drawn as a bar."""

    AS_LIST = True

    text: Annotated[Piece, "The token."]
    number: Annotated[float | None, "Its number, such as a probability."] = None
    note: Annotated[Said, "What stands behind the number."] = ""


@dataclass(frozen=True)
class Snippet(Node):
    """Words around a place, each shaded by its activation."""

    tokens: Annotated[Sequence[Spoken], "The words."]
    at: Annotated[int, "The place, counted from 0."]
    value: Annotated[float, "The number at the place."]
    values: Annotated[Numbers | None, "A number for each word."] = None

    def _check(self) -> None:
        self.filled("tokens")
        self.sized((len(self.tokens),), "values")
        self.require(0 <= self.at < len(self.tokens), f".at is {self.at}, outside of {len(self.tokens)} tokens")


@dataclass(frozen=True)
class SmallBars(Node):
    """A small bar chart."""

    label: Annotated[Said, "What the bars are."]
    values: Annotated[Numbers, "Their heights."]
    x: Annotated[Sequence[Label] | None, "A label for each; the first and the last are shown."] = None
    chance: Annotated[Numbers | None, "The chance level, one or one for each."] = None
    mark: Annotated[int | None, "The bar that stands out."] = None
    unit: Annotated[Said, "The unit."] = ""

    def _check(self) -> None:
        if self.x is not None:
            self.sized((len(self.x),), "values")


@dataclass(frozen=True)
class RankLine(Node):
    """Ranks of one thing, level by level."""

    name: Annotated[Piece, "The token."]
    values: Annotated[Numbers, "Its rank at each level; 1 is the highest."]


@dataclass(frozen=True)
class RankLines(Node):
    """Ranks by level, 1 on top."""

    x: Annotated[Sequence[Label], "The levels."]
    series: Annotated[Sequence[RankLine], "What is ranked."]

    def _check(self) -> None:
        for i, line in enumerate(self.series):
            self.sized((len(self.x),), "values", of=line, where=f".series[{i}]")


@dataclass(frozen=True)
class Block(Node):
    """Something said beside a picture; what it has of these is drawn in this order."""

    title: Annotated[Said, "A heading."] = ""
    text: Annotated[Said, "A sentence."] = ""
    rows: Annotated[Sequence[Row], "Labels with their values."] = ()
    tokens: Annotated[Sequence[Token], "Tokens with a bar each."] = ()
    snippets: Annotated[Sequence[Snippet], "Words around places."] = ()
    bars: Annotated[SmallBars | None, "A small bar chart."] = None
    lines: Annotated[RankLines | None, "Ranks by level."] = None
    beside: Annotated[Sequence[Block], "Blocks next to each other."] = ()
    group: Annotated[str, "The analysis that says it, by which the card folds; the report sets it."] = ""


@dataclass(frozen=True)
class Role(Node):
    """What a head is called, and the rule that gave it; it stands on top of the head's card."""

    role: Annotated[Label, "The name of the role."]
    rule: Annotated[Said, "The rule."] = ""
    named: Annotated[bool, "False where it says that none was found: the map has its words, no sign."] = True
