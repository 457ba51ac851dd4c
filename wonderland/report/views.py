"""What does a view look like to the one who makes it? Data for a built-in renderer, and nothing else.

A plugin returns `View`s; the report draws them. No view carries JavaScript, HTML or colour: the renderer gives theme,
keys, table, export, escaping and linking to all of them alike. Data are JSON values, numpy arrays and `Triangles`.

Any view may show one of several ``panels``, each ``{title, ...}`` with the keys that differ between them; without
``of`` they are the report's conversations, with it things of their own (``"pair"``). Any may have an ``aside``:
blocks beside it.

The renderers and the keys of ``data`` each reads (``?`` marks what may be missing):

``matrix``       cells of one table of numbers, usually layer × head. ``rows``, ``columns``: labels. ``links?``:
                 ``"head"`` if cell (r, c) is head LrHc, ``"column"`` if the columns are names of heads and a click
                 shall select that head. Without it a click selects layer = row and pos = column, and a row named like
                 a head selects that head, too.
                 ``series``: one or more alternatives the reader toggles, each ``{name, unit, values, low?, high?,
                 chance?, scale?, domain?, labels?, rows?, detail?}`` with arrays [row, column]; ``scale`` is
                 ``"sequential"`` (default; paper to ink, square root), ``"linear"``, ``"log"`` or ``"diverging"``
                 (symmetric about 0); ``domain`` is [lowest, highest] and grows to hold the values; ``labels`` are
                 texts to stand in the cells instead of numbers, as the top token of a logit lens does, and may stand
                 beside ``series`` for all of them; ``rows`` replaces the figure's rows. ``shared?``: True for one
                 colour scale over all series. ``below?``: a second line of column labels, under the cells;
                 ``marked?``: columns that stand out.
                 Behind a cell that is selected: ``detail`` ``{title?, rows: {label: [row, column]}, tokens?: {title,
                 words, ids, shares}}`` with ids and shares [row, column, place] naming ``words``; ``context?``:
                 blocks that are the same for every cell; ``ranks?``: ``{title, names, values}``, a bump chart for
                 each column, names [column][place] and their ranks [row, column, place].
``matrix-grid``  one attention pattern for each head, on one conversation at a time. ``n_layers``, ``n_heads``,
                 ``conversations``: each ``{title, tokens, speakers, patterns, messages?}`` where ``patterns`` is a
                 `Triangles` [layer × head, query, key], ``speakers`` "me" or "them" by token and ``messages`` as in
                 ``tokens``; ``labels?``: a word for each head, [layer][head]. The first of these views also serves
                 the card of the selected head.
``tokens``       conversations as bubbles, shaded token by token. ``measures``: ``{name, unit, domain?, scale?}``;
                 ``conversations``: each ``{title, tokens, speakers, messages, values}`` with ``messages`` the number
                 of the message each token belongs to, ``values`` arrays [measure, token] (NaN where undefined),
                 ``alternatives?`` a list of [text, probability] pairs for each token; ``highlights?``:
                 ``{conversation, position, value}`` to jump to, else the highest of the first measure. The selected
                 conversation and position are shared by all views of a report: give them the same conversations in
                 the same order, or say with ``of?`` what else they are (``"sample"``).
``line``         curves. ``x``, ``y``: ``{label, unit?}``, and of ``x`` ``names?`` for whole numbers; ``series``:
                 ``{name, x, y, low?, high?}``, more than eight are drawn alike, and one named like a head follows the
                 selection; ``references?``: horizontal lines ``{name, y}``; ``marks?``: ``{x, title, text}`` to read;
                 ``right?``: ``{label, exp: true}`` for a second axis that shows exp(y), as perplexity does of loss.
``bars``         ``x``: labels; ``y``: ``{label, unit?}``; ``series``: ``{name, values, low?, high?, chance?}``.
``scatter``      ``x``, ``y``: ``{label, unit?}``; ``points``: ``{label, x, y, group?, head?, pos?}``; ``groups?``:
                 labels, ``group`` being the number of one, ``ordered?``: True if they are steps of one way, as layers
                 are; ``diagonal?``: True for a line where x equals y. In place of points ``ways``: ``{names, x, y,
                 pos?}`` with arrays [way, group], lines through the groups.
``table``        ``columns``: ``{key, label, unit?, digits?, help?, bar?}``, ``bar`` for a faint bar under the
                 numbers; ``rows``: dicts by key, where a number may be ``{value, low?, high?, chance?}``; ``links?``:
                 ``"head"`` if the key ``head`` holds names like L0H2.
``graph``        ``nodes``: ``{id, label, layer, head?}``, drawn left to right by layer; ``edges``: ``{from, to,
                 value, low?, high?, chance?, note?}``; ``unit?``; ``threshold?``: least size of an effect shown at
                 first; ``layers?``: headings of the columns.
``cards``        ``cards``: ``{title, head?, note?, text?, rows?, blocks?}``. Without blocks they stand side by side,
                 with them one is open at a time; if each has a ``head``, the selected head's.

A block, wherever it stands, has some of: ``title``; ``text``; ``rows``: [label, value] pairs, a value being anything
or ``{value, low?, high?, chance?, unit?}``; ``tokens``: [text, number, note?] with bars; ``snippets``: ``{tokens, at,
value, values?}``, words around a place; ``bars``: ``{label, values, x?, chance?, mark?, unit?}``, a small bar chart;
``lines``: ``{x, series: {name, values}}``, ranks by level, 1 on top; ``beside``: blocks next to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from wonderland.errors import PluginError

if TYPE_CHECKING:
    from wonderland.estimate import Estimate

__all__ = ["RENDERERS", "Check", "Renderer", "Triangles", "View"]

Renderer = Literal["matrix", "matrix-grid", "tokens", "line", "bars", "scatter", "table", "graph", "cards"]
RENDERERS: tuple[str, ...] = get_args(Renderer)


@dataclass(frozen=True)
class Triangles:
    """Lower triangles of attention patterns, stored in the report as deflated uint16 (exact to 8e-6).

    Args:
        values: Array [pattern, query, key] with entries in [0, 1]; what lies above the diagonal is not kept.
    """

    values: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[1] != self.values.shape[2]:
            raise PluginError(f"Triangles need an array [pattern, query, key], not one of shape {self.values.shape}.")


@dataclass(frozen=True)
class View:
    """One picture of a result, as data for a built-in renderer.

    Args:
        id: Short and unique in a report, for permalinks: lower-case words joined by ``-``.
        title: What is shown.
        renderer: Which built-in renderer draws it; see the module's page for what each reads.
        data: What is drawn.
        caption: The metric, its unit, n and what the interval and the chance level are, in one sentence.
        how_to_read: Up to three sentences on how to read it.
        misleads: When the picture misleads, in one sentence.
        order: Where it stands in the report's list; the standard views keep to multiples of 10.
        warning: What a reader must know before looking, shown as a banner: pairs refused, too little evidence.
        group: Views of one group are one section of the list; the report sets it to the name of their analysis.
    """

    id: str
    title: str
    renderer: Renderer
    data: Mapping[str, Any] = field(repr=False)
    caption: str = ""
    how_to_read: str = ""
    misleads: str = ""
    order: int = 500
    warning: str = ""
    group: str = ""

    def panels(self) -> list[Mapping[str, Any]]:
        """Return the data of each panel with what all of them share; of a view without panels, its data."""
        return [{**self.data, **panel} for panel in self.data["panels"]] if "panels" in self.data else [self.data]

    def __post_init__(self) -> None:
        if self.renderer not in RENDERERS:
            raise PluginError(
                f"The view {self.id!r} asks for a renderer {self.renderer!r} that does not exist.",
                hint=f"Renderers: {', '.join(RENDERERS)}.",
            )
        if not self.id or any(not (c.isascii() and ((c.isalnum() and not c.isupper()) or c == "-")) for c in self.id):
            raise PluginError(f"A view's id must be lower-case words joined by '-', not {self.id!r}.")

    @classmethod
    def of_heads(
        cls,
        id: str,  # noqa: A002 - it is the field's name
        title: str,
        estimates: Mapping[str, Estimate],
        *,
        caption: str = "",
        how_to_read: str = "",
        misleads: str = "",
        order: int = 500,
    ) -> View:
        """Return a matrix layer × head of estimates [layer, head], where a click selects the head.

        Args:
            id: Its id.
            title: What is shown.
            estimates: One or more of the same shape by label; the reader toggles between them.
            caption: The unit, n, interval and chance level of the first, unless given.
            how_to_read: Up to three sentences on how to read it.
            misleads: When the picture misleads.
            order: Where it stands in the report's list.

        Raises:
            PluginError: There is no estimate, or one is not by layer and head.
        """
        shapes = {np.shape(estimate.value) for estimate in estimates.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise PluginError(f"The view {id!r} needs estimates [layer, head], not of the shapes {sorted(shapes)}.")
        ((layers, heads),) = shapes
        first = next(iter(estimates.values()))
        if not caption:
            chance = "" if first.chance is None else f"; chance is {float(np.nanmean(first.chance)):.3g} on average"
            caption = f"In {first.unit}; n={first.n} {first.resampled_over}, 95% interval over them{chance}."
        series = [
            {"name": label, "unit": e.unit, "values": np.asarray(e.value), "low": e.low, "high": e.high}
            | ({} if e.chance is None else {"chance": e.chance})
            for label, e in estimates.items()
        ]
        labels = {"rows": [f"L{i}" for i in range(layers)], "columns": [f"H{i}" for i in range(heads)]}
        return cls(
            id, title, "matrix", {**labels, "links": "head", "series": series}, caption, how_to_read, misleads, order
        )


@dataclass(frozen=True)
class Check:
    """Something that was verified about the model or the data, shown beside the findings.

    Args:
        name: What was checked, in a few plain words.
        passed: Whether it held.
        detail: The number or the reason.
    """

    name: str
    passed: bool
    detail: str = ""
