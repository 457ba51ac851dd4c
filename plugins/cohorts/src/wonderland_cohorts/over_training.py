"""Training time in words and on an axis: tokens seen, on a scale of logarithms."""

from __future__ import annotations

import numpy as np

from wonderland.views import Axis, Wording
from wonderland_cohorts.transitions import log_tokens

__all__ = ["MOMENT", "over_time", "told_tokens"]

MOMENT = "snapshot"
"""What the panels of a view over training time are called: all of them move together."""


def told_tokens(tokens: float) -> str:
    """Return a number of tokens as people say it.

    >>> told_tokens(0), told_tokens(39426), told_tokens(1130000)
    ('untrained', '39.4k tokens', '1.13M tokens')
    """
    if not np.isfinite(tokens):
        return "never"
    if tokens < 1:
        return "untrained"
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if tokens >= size:
            return f"{tokens / size:.3g}{letter} tokens"
    return f"{tokens:.0f} tokens"


def over_time(at: np.ndarray) -> Axis:
    """Return the axis of tokens seen, on a scale of logarithms whose whole numbers have names."""
    first, last = (float(x) for x in log_tokens(at)[[0, -1]])
    names = ["1", "10", "100", "1k", "10k", "100k", "1M", "10M", "100M", "1G", "10G"][: int(np.ceil(last)) + 1]
    if at[0] == 0:
        names = ["0" if number <= first else name for number, name in enumerate(names)]
    return Axis("tokens seen, logarithmic", names=Wording.every(names), power=10)
