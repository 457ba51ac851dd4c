"""Choose on one half of the conversations, measure on the other.

The best of many, measured where it was found, is too good by what luck gave it: the more there are to choose from, the
more. Halves are of conversations and not of windows, since windows of one conversation resemble each other
(`wonderland.lab.stats`). Of mined contrasts the halves are ready (`wonderland.lab.mining.Contrasts`); what chooses by
the text itself uses these. `wonderland.testing.optimism` holds an analysis to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wonderland.estimate import Estimate
from wonderland.lab.stats import cluster_bootstrap

__all__ = ["best_apart", "first_half"]


def first_half(conversation: ArrayLike, seed: int) -> NDArray[np.bool_]:
    """Return which windows are of the half of the conversations to choose on, [window].

    Of an odd number of conversations the half to choose on has one more; of one conversation it has all windows.

    Args:
        conversation: Number of the conversation of each window, [window].
        seed: Seed of the halves.
    """
    groups = np.random.default_rng(seed).permutation(np.unique(conversation))
    return np.isin(conversation, groups[: (len(groups) + 1) // 2])


def best_apart(
    sums: NDArray[Any],
    weights: NDArray[Any],
    conversation: NDArray[Any],
    first: NDArray[np.bool_],
    *,
    least: bool = False,
    among: NDArray[np.bool_] | None = None,
    **about: Any,
) -> tuple[tuple[int, ...] | None, Estimate]:
    """Choose the best of many by a ratio of sums on one half of the windows, and estimate its ratio on the other.

    Args:
        sums: Numerators, [window, ...]; NaN where there is none in a window.
        weights: Denominators, [window].
        conversation: Number of the conversation of each window, [window].
        first: Whether a window is of the half to choose on, [window], as `first_half` returns it.
        least: Whether the lowest is the best.
        among: Which may be chosen, [...]; all if None.
        about: What the estimate is told: ``unit``, ``chance``, ``seed`` and more of `cluster_bootstrap`.

    Returns:
        The index of the best, None if there is nothing to choose from; and the estimate of its ratio, which is
        missing where the other half is empty.
    """
    chance = about.pop("chance", None)
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = sums[first].sum(0) / weights[first].sum() * (-1 if least else 1)
    scores = np.where(np.isfinite(scores) & (True if among is None else among), scores, -np.inf)
    nothing = Estimate.missing((), unit=about.get("unit", "1"), chance=chance)
    if not scores.size or np.isneginf(scores).all():
        return None, nothing
    best = tuple(int(i) for i in np.unravel_index(int(scores.argmax()), scores.shape))
    rest = ~first
    if not weights[rest].any():
        return best, nothing
    return best, cluster_bootstrap(sums[(rest, *best)], weights[rest], conversation[rest], **about, chance=chance)
