"""Do the data of a view fit its renderer? Said in Python, with the place named, before a browser has to guess.

A view is made by a plugin in one process and drawn by JavaScript in another, perhaps weeks later: a row too few would
show as a blank figure. `check_view` compares keys and sizes with the contract on the page of `wonderland.report.views`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any

import numpy as np

from wonderland.errors import PluginError
from wonderland.report.views import Triangles, View

__all__ = ["check_view"]


def check_view(view: View) -> None:
    """Raise unless the data of ``view`` have the keys and sizes its renderer reads.

    Raises:
        PluginError: Something is missing or of the wrong size; the message names the view and the place.
    """
    checks: dict[str, Callable[[_Place], None]] = {
        "matrix": _matrix,
        "matrix-grid": _matrix_grid,
        "tokens": _tokens,
        "line": _line,
        "bars": _bars,
        "scatter": _scatter,
        "table": _table,
        "graph": _graph,
        "cards": _cards,
    }
    whole = _Place(view, view.data, "data")
    if "panels" in view.data:
        for panel in whole.each("panels"):
            panel.need("title")
    for i, data in enumerate(view.panels()):
        place = _Place(view, data, f"data.panels[{i}]" if "panels" in view.data else "data")
        checks[view.renderer](place)
        _blocks(place, "aside")


class _Place:
    """A mapping inside of a view's data, with its path for the message of an error."""

    def __init__(self, view: View, value: Any, path: str) -> None:
        self.view, self.value, self.path = view, value, path
        if not isinstance(value, Mapping):
            raise self.error(f"is a {type(value).__name__}, not a mapping")

    def error(self, what: str, key: str = "") -> PluginError:
        place = f"{self.path}.{key}" if key else self.path
        return PluginError(
            f"In the view {self.view.id!r}, {place} {what}.",
            hint=f"What {self.view.renderer!r} reads is written in wonderland.report.views.",
        )

    def need(self, *keys: str) -> None:
        for key in keys:
            if self.value.get(key) is None:
                raise self.error("is missing", key)

    def filled(self, key: str) -> Sequence[Any]:
        """Return a sequence that must be there and have something in it."""
        self.need(key)
        found: Sequence[Any] = self.value[key]
        if not isinstance(found, Sized) or isinstance(found, (str, Mapping)) or not len(found):
            raise self.error("must be a list with something in it", key)
        return found

    def each(self, key: str, *, optional: bool = False) -> list[_Place]:
        """Return the mappings of a list."""
        items = (self.value.get(key) or []) if optional else self.filled(key)
        return [_Place(self.view, item, f"{self.path}.{key}[{i}]") for i, item in enumerate(items)]

    def sized(self, shape: tuple[int, ...], *keys: str, optional: tuple[str, ...] = ()) -> None:
        """Check the shapes of arrays; an optional one may be missing or a single number."""
        self.need(*keys)
        for key in (*keys, *optional):
            value = self.value.get(key)
            if value is None or (key in optional and np.ndim(value) == 0):
                continue
            found = np.shape(np.asarray(value, dtype=object)) if isinstance(value, list) else np.shape(value)
            if found[: len(shape)] != shape:
                raise self.error(f"has the shape {found}, not {shape}", key)


def _blocks(data: _Place, key: str) -> None:
    for block in data.each(key, optional=True):
        for snippet in block.each("snippets", optional=True):
            length = len(snippet.filled("tokens"))
            snippet.need("at", "value")
            snippet.sized((length,), optional=("values",))
        for part, wanted in (("bars", ("label", "values")), ("lines", ("x", "series"))):
            if block.value.get(part) is not None:
                _Place(block.view, block.value[part], f"{block.path}.{part}").need(*wanted)
        _blocks(block, "beside")


def _matrix(data: _Place) -> None:
    columns = len(data.filled("columns"))
    data.sized((columns,), optional=("below",))
    for series in data.each("series"):
        series.need("name")
        shape = (len((series if series.value.get("rows") is not None else data).filled("rows")), columns)
        series.sized(shape, "values", optional=("low", "high", "chance", "labels"))
        if series.value.get("detail") is not None:
            _detail(_Place(data.view, series.value["detail"], f"{series.path}.detail"), shape)
    if data.value.get("ranks") is not None:
        ranks = _Place(data.view, data.value["ranks"], f"{data.path}.ranks")
        ranks.sized((columns,), "names")
        ranks.sized((len(data.filled("rows")), columns), "values")
    _blocks(data, "context")


def _detail(detail: _Place, shape: tuple[int, int]) -> None:
    rows = _Place(detail.view, detail.value.get("rows") or {}, f"{detail.path}.rows")
    rows.sized(shape, *rows.value)
    if detail.value.get("tokens") is not None:
        tokens = _Place(detail.view, detail.value["tokens"], f"{detail.path}.tokens")
        tokens.filled("words")
        tokens.sized(shape, "ids", "shares")


def _matrix_grid(data: _Place) -> None:
    data.need("n_layers", "n_heads")
    for conversation in data.each("conversations"):
        length = len(conversation.filled("tokens"))
        conversation.sized((length,), "speakers", optional=("messages",))
        conversation.need("patterns")
        patterns = conversation.value["patterns"]
        wanted = (data.value["n_layers"] * data.value["n_heads"], length, length)
        if not isinstance(patterns, Triangles) or patterns.values.shape != wanted:
            raise conversation.error(f"must be Triangles of {wanted}, one for each head", "patterns")


def _tokens(data: _Place) -> None:
    measures = data.each("measures")
    for measure in measures:
        measure.need("name")
    conversations = data.each("conversations")
    for conversation in conversations:
        length = len(conversation.filled("tokens"))
        conversation.sized((length,), "speakers", "messages")
        conversation.sized((len(measures), length), "values")
        options = conversation.value.get("alternatives")
        if options is not None and len(options) != length:
            raise conversation.error(f"has {len(options)} entries for {length} tokens", "alternatives")
    for jump in data.each("highlights", optional=True):
        jump.need("conversation", "position", "value")
        number = jump.value["conversation"]
        if not (
            0 <= number < len(conversations) and jump.value["position"] < len(conversations[number].value["tokens"])
        ):
            raise jump.error("points outside of the conversations")


def _line(data: _Place) -> None:
    data.need("x", "y")
    for series in data.each("series"):
        series.need("name")
        length = len(series.filled("x"))
        series.sized((length,), "y", optional=("low", "high"))
    for reference in data.each("references", optional=True):
        reference.need("name", "y")
    for mark in data.each("marks", optional=True):
        mark.need("x", "title", "text")


def _bars(data: _Place) -> None:
    length = len(data.filled("x"))
    data.need("y")
    for series in data.each("series"):
        series.need("name")
        series.sized((length,), "values", optional=("low", "high", "chance"))


def _scatter(data: _Place) -> None:
    data.need("x", "y")
    if data.value.get("ways") is not None:
        ways = _Place(data.view, data.value["ways"], f"{data.path}.ways")
        count = len(ways.filled("names"))
        ways.sized((count, len(data.filled("groups"))), "x", "y")
        ways.sized((count,), optional=("pos",))
        return
    for point in data.each("points"):
        point.need("label", "x", "y")


def _table(data: _Place) -> None:
    for column in data.each("columns"):
        column.need("key", "label")
    data.each("rows", optional=True)


def _cards(data: _Place) -> None:
    for card in data.each("cards"):
        card.need("title")
        _blocks(card, "blocks")


def _graph(data: _Place) -> None:
    nodes = data.each("nodes")
    for node in nodes:
        node.need("id", "label", "layer")
    known = {node.value["id"] for node in nodes}
    for edge in data.each("edges", optional=True):
        edge.need("from", "to", "value")
        unknown = {edge.value["from"], edge.value["to"]} - known
        if unknown:
            raise edge.error(f"names the node {min(unknown)!r}, which is not there")
