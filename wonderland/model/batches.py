"""Batches of training windows of about the same length, so that padding is rare.

Each epoch shuffles all windows, sorts every stretch of some dozens of batches by length, cuts it into batches of a
fixed number of tokens and shuffles the batches. Every window starts at position 0 with its own speaker, no window sees
another, and attention stays plainly causal, which is the fast kernel everywhere; about 3% of the tokens are padding
on the demo's chats (docs/decisions/0003-batches-by-length.md has the alternatives).

The plan depends on the seed and the epoch alone, so a resumed run sees the same batches.
"""

from __future__ import annotations

import numpy as np

__all__ = ["cut", "plan_epoch"]

_STRETCH = 32


def plan_epoch(lengths: np.ndarray, batch_tokens: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Return the windows of each batch of an epoch, as index arrays.

    Args:
        lengths: Tokens of each window, [window].
        batch_tokens: Most tokens of a batch, padding included; a single window may exceed it.
        seed: Seed of the run.
        epoch: Number of the epoch.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    stretch = _STRETCH * max(1, round(batch_tokens / max(1.0, float(lengths.mean()))))
    batches: list[np.ndarray] = []
    for start in range(0, len(order), stretch):
        part = order[start : start + stretch]
        pieces = cut(part[np.argsort(lengths[part], kind="stable")], lengths, batch_tokens)
        batches.extend(pieces[index] for index in random.permutation(len(pieces)))
    return batches


def cut(ordered: np.ndarray, lengths: np.ndarray, most_tokens: int) -> list[np.ndarray]:
    """Cut windows that are ordered by length into pieces of at most so many tokens, padding included.

    Args:
        ordered: Indices of windows, shortest first.
        lengths: Tokens of each window, [window].
        most_tokens: Most tokens of a piece; a single window may exceed it.
    """
    pieces: list[np.ndarray] = []
    start = 0
    for stop in range(1, len(ordered) + 1):
        longest = lengths[ordered[min(stop, len(ordered) - 1)]]
        if stop == len(ordered) or (stop + 1 - start) * longest > most_tokens:
            pieces.append(ordered[start:stop])
            start = stop
    return pieces
