"""A view: one figure with its words, what it is, how to read it, when it misleads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from wonderland.counted import formatted
from wonderland.errors import PluginError, UsageError, must_be
from wonderland.estimate import Estimate
from wonderland.nearby import did_you_mean
from wonderland.report.schema.figure import Figure, Panels
from wonderland.report.schema.matrix import Matrix
from wonderland.report.schema.node import Node, Sentence, fields_of

__all__ = ["View"]

_OF_HEADS = 'For example: View.of_heads("my-view", "My view", {"share": estimate})'


@dataclass(frozen=True)
class View(Node):
    """One picture of a result, drawn by one of the built-in renderers.

    Args:
        id: Short and unique in a report, for permalinks: lower-case words joined by ``-``.
        title: What is shown, in the field's term.
        figure: The figure.
        subtitle: The same in plain words.
        caption: The metric, its unit, n and what the interval and the chance level are, in one sentence.
        how_to_read: Up to three sentences on how to read it.
        misleads: When the picture misleads, in one sentence.
        order: Where it stands in the report's list; the standard views keep to multiples of 10.
        warning: What a reader must know before looking, shown as a banner: pairs refused, too little evidence.
        group: Views of one group are one section of the list; the report sets it to the name of their analysis.
    """

    id: Annotated[str, "Short and unique in a report: lower-case words joined by '-'."]
    title: Annotated[Sentence, "What is shown, in the field's term."]
    figure: Annotated[Figure | Panels, "The figure."]
    subtitle: Annotated[Sentence, "The same in plain words."] = ""
    caption: Annotated[Sentence, "The metric, its unit, n, interval and chance level."] = ""
    how_to_read: Annotated[Sentence, "Up to three sentences on how to read it."] = ""
    misleads: Annotated[Sentence, "When the picture misleads."] = ""
    order: Annotated[int, "Where it stands in the report's list."] = 500
    warning: Annotated[Sentence, "What a reader must know before looking."] = ""
    group: Annotated[str, "The section of the list it is in."] = ""

    def _check(self) -> None:
        if not self.id or any(not (c.isascii() and ((c.isalnum() and not c.isupper()) or c == "-")) for c in self.id):
            raise PluginError(f"A view's id must be lower-case words joined by '-', not {self.id!r}.")

    @property
    def renderer(self) -> str:
        """The name of the renderer that draws it."""
        return self.figure.renderer

    @property
    def data(self) -> Mapping[str, Any]:
        """What the renderer reads, as mappings, lists, text, numbers and arrays."""
        told: Mapping[str, Any] = self.figure.plain()
        return told

    def figures(self) -> list[Figure]:
        """Return its figures: one, or one for each panel."""
        return [panel.figure for panel in self.figure.panels] if isinstance(self.figure, Panels) else [self.figure]

    def panels(self) -> list[Mapping[str, Any]]:
        """Return the data of each panel with its title; of a view without panels, its data."""
        data = self.data
        return list(data["panels"]) if isinstance(self.figure, Panels) else [data]

    @classmethod
    def of_heads(cls, id: str, title: str, estimates: Mapping[str, Estimate], **parts: Any) -> View:  # noqa: A002
        """Return a matrix layer × head of estimates [layer, head], where a click selects the head.

        Args:
            id: Its id.
            title: What is shown.
            estimates: One or more of the same shape by label; the reader toggles between them.
            **parts: Other fields; without a ``caption``, it says the unit, n, interval and chance level of the first.

        Raises:
            PluginError: There is no estimate, or one is not by layer and head.
            UsageError: They are no estimates by label, or a view has no field of that name.
        """
        import numpy as np

        must_be(estimates, Mapping, "a view of heads is made of estimates by label", _OF_HEADS)
        for estimate in estimates.values():
            must_be(estimate, Estimate, "a view of heads is made of estimates", _OF_HEADS)
        known = [one.name for one in fields_of(cls) if one.name not in ("id", "title", "figure")]
        for name in parts:
            if name not in known:
                hint = did_you_mean(name, known, f"A view has: {', '.join(known)}.")
                raise UsageError(f"A view of heads has no part called {name!r}.", hint=hint)
        shapes = {np.shape(estimate.value) for estimate in estimates.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise PluginError(f"The view {id!r} needs estimates [layer, head], not of the shapes {sorted(shapes)}.")
        first = next(iter(estimates.values()))
        chance = (
            ""
            if first.chance is None
            else f"; chance is {formatted(float(np.nanmean(first.chance)), '.3g')} on average"
        )
        caption = f"In {first.unit}; n={first.over}, 95% interval over them{chance}."
        return cls(id, title, Matrix.by_head(estimates), **{"caption": caption, **parts})
