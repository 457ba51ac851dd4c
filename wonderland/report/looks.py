"""Where a head looks, in a few words of a message: the arcs of the first page.

The excerpt is the clearest of those shown, so it is an example and no measurement; the number beside it is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wonderland.components import Head
from wonderland.report.schema import AttentionPatterns, Patterned, View, characters

__all__ = ["MOST_TOKENS", "clearest_look"]

MOST_TOKENS = 9
"""Tokens of an excerpt: what fits into one line of a phone."""

_LEAST_TOKENS = 3


def clearest_look(views: Sequence[View], head: Head) -> dict[str, Any] | None:
    """Return the excerpt in which a head looks back most clearly, as the front end reads it; None if none is shown.

    An excerpt begins where a message begins, and has two messages if any has: else a token that begins a message
    could not be told from the first of all. It is chosen by the attention that each of its tokens gives to the earlier
    one it looks at most, less what it would give to that one if it looked at all alike, on average.

    Returns:
        ``tokens``; ``arcs``, for each token but the first ``[from, to, share of attention]``, both counted from the
        first token of the excerpt; and ``conversation``, its number in the view.
    """
    found = [
        (two, clear, view.id, c, first, pattern)
        for view in views
        for figure in view.figures()
        if isinstance(figure, AttentionPatterns) and characters(figure.of) == "conversation"
        if head[0] < figure.n_layers and head[1] < figure.n_heads
        for c, one in enumerate(figure.conversations)
        for pattern in [np.asarray(one.patterns.values[head[0] * figure.n_heads + head[1]], dtype=float)]
        for first, two, clear in _excerpts(one, pattern)
    ]
    if not found:
        return None
    _, _, shown, c, first, pattern = max(found, key=lambda one: one[:2])  # of equals the first
    figures = (figure for view in views if view.id == shown for figure in view.figures())
    one = next(figure for figure in figures if isinstance(figure, AttentionPatterns)).conversations[c]
    last = min(first + MOST_TOKENS, len(one.tokens))
    part = _back(pattern[first:last, first:last])
    arcs = [[q, int(part[q].argmax()), float(part[q].max())] for q in range(1, last - first)]
    return {"tokens": [characters(token) for token in one.tokens[first:last]], "arcs": arcs, "conversation": c}


def _excerpts(one: Patterned, pattern: np.ndarray) -> Iterator[tuple[int, bool, float]]:
    """Yield where each excerpt begins, whether two messages are in it, and how clearly the head looks back in it."""
    messages: np.ndarray = np.zeros(len(one.tokens)) if one.messages is None else np.asarray(one.messages)
    for first in np.flatnonzero(np.diff(messages, prepend=messages[0] - 1)).tolist():
        last = min(first + MOST_TOKENS, len(one.tokens))
        if last - first >= _LEAST_TOKENS:
            most = _back(pattern[first:last, first:last])[1:].max(axis=1)
            two = [int((messages[first:last] == message).sum()) for message in np.unique(messages[first:last])]
            yield (
                first,
                sum(length >= _LEAST_TOKENS for length in two) > 1,
                float((most - 1 / np.arange(first + 2, last + 1)).mean()),
            )


def _back(part: np.ndarray) -> np.ndarray:
    """Return the attention to earlier tokens only."""
    return np.tril(part, -1)
