"""What all figures share: the name of their renderer, and blocks beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from wonderland.report.schema.blocks import Block
from wonderland.report.schema.node import Label, Node, Said
from wonderland.report.schema.words import characters

__all__ = ["Axis", "Figure", "Panel", "Panels"]


@dataclass(frozen=True)
class Figure(Node):
    """Base of what a view can show."""

    renderer: ClassVar[str] = ""

    aside: Annotated[Sequence[Block], "Blocks beside the figure."] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Axis(Node):
    """What runs along an edge of a chart."""

    label: Annotated[Said, "What it measures."]
    unit: Annotated[Said, 'Its unit; "1" for a pure ratio.'] = ""
    names: Annotated[Sequence[Label] | None, "Names of the whole numbers from 0 on, such as months."] = None
    power: Annotated[float | None, "On a scale of logarithms, what the numbers are powers of, such as 10."] = None


@dataclass(frozen=True)
class Panel(Node):
    """One of several figures that a reader turns through."""

    title: Annotated[Label, "What it shows."]
    figure: Annotated[Figure, "The figure."]


@dataclass(frozen=True)
class Panels(Node):
    """Several figures of one kind, shown one at a time."""

    panels: Annotated[Sequence[Panel], "The figures with their titles."]
    of: Annotated[Said, "What each is: the report's conversations, snapshots of training, or something of its own."] = (
        "conversation"
    )

    def _check(self) -> None:
        self.filled("panels")
        self.require(len({type(one.figure) for one in self.panels}) == 1, ".panels must be figures of one kind")

    @property
    def renderer(self) -> str:
        """The renderer that draws each."""
        return self.panels[0].figure.renderer

    def _plain(self) -> dict[str, object]:
        panels = [{"title": characters(one.title), **one.figure.plain()} for one in self.panels]
        return {"of": characters(self.of), "panels": panels}
