"""How much more do the words of one cost than those of the other? A difference of means of the same conversations.

Both means are taken in one draw of conversations, so that what makes a conversation hard for both cancels; of two
intervals, each of its own draws, the widest difference says less than is known.

What would fool it: conversations in which only one of the two writes pair nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.lab.stats import rests_on_one, sum_by_cluster
from wonderland.views import bounds, formatted

__all__ = ["me_less_them", "mean_apart"]

_REPLICATES = 2000


def mean_apart(loss: np.ndarray, whose: Sequence[np.ndarray], evidence: Any) -> wl.Estimate | None:
    """Return the mean loss of some tokens less that of others, with both in one draw of conversations.

    Args:
        loss: Of each token, [window, pos].
        whose: Where the ones and the others stand, [window, pos] each.
        evidence: The windows.
    """
    if not all(which.any() for which in whose):
        return None
    top, bottom = (
        sum_by_cluster(np.stack([part.sum(1) for part in parts], -1), evidence.conversation)
        for parts in ([np.where(which, loss, 0) for which in whose], whose)
    )
    n = len(top)
    draws = np.random.default_rng(evidence.seed).multinomial(n, np.full(n, 1 / n), size=_REPLICATES)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (draws @ top) / (draws @ bottom)  # [replicate, whose]; NaN where one of them was not drawn
    alone = n < 2 or rests_on_one(bottom).any()
    low, high = (np.nan, np.nan) if alone else np.nanquantile(means[:, 0] - means[:, 1], [0.025, 0.975])
    first, second = top.sum(0) / bottom.sum(0)
    return wl.Estimate(float(first - second), float(low), float(high), n=n, unit="nats a token", chance=0.0)


def me_less_them(apart: wl.Estimate) -> str:
    """Say how much more the words of me cost, below 0 less, with the sign that the estimate has where it is shown."""
    return f"me less them: {formatted(float(apart.value), '.2f')} {bounds(apart, '.2f')}".rstrip()
