"""Tokens that a direction of the residual stream stands for: both ends of it, and how rare the tokens are.

A singular direction of a head is a pair: what it reads, W_E u, and what it writes, vᵀ W_U (for QK: what a query must
be, what a key must be). The sign of the pair is arbitrary, so each pair has two ends that are equally real: tokens at
the + end of reading go with the + end of writing, those at the − end with the − end.

What would fool it: rare tokens. Their embeddings were hardly trained and stand at the ends of many directions; so
each token comes with how often it occurs in the held-out evidence. And a direction may read positions, not tokens:
``position`` is the share of positions in the variance of what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wonderland_weights.low_rank import Spectrum

_MANY = 10_000


def describe(
    spectrum: Spectrum,
    at: tuple[int, int],
    sides: tuple[np.ndarray, np.ndarray],
    *,
    position: Sequence[float],
    counts: np.ndarray,
    piece: Callable[[int], str],
    tokens: int,
) -> list[dict[str, Any]]:
    """Describe the leading singular directions of one head, none if it has none.

    Args:
        spectrum: Spectra of all heads.
        at: The head.
        sides: What the leading u and v mean in the vocabulary, each [d_vocab, direction].
        position: Share of positions in what each pair u, v reads, [direction].
        counts: How often each token occurs in the evidence, [d_vocab].
        piece: The text of a token.
        tokens: How many tokens at each end.

    Returns:
        One entry a direction: ``number``, ``share`` of the squared norm, ``position``, and ``ends``, the + one and the
        − one, each ``{"reads": [[text, count], …], "writes": …}``.
    """
    found = []
    for i in range(min(len(position), int((spectrum.values[at] > 0).sum()))):
        scores = [side[:, i] for side in sides]
        ends = [
            {
                name: [[piece(int(t)), int(counts[t])] for t in _top(sign * score, tokens)]
                for name, score in zip(("reads", "writes"), scores, strict=True)
            }
            for sign in (1, -1)
        ]
        share = float(spectrum.shares[at][i])
        found.append({"number": i + 1, "share": share, "position": position[i], "ends": ends})
    return found


def position_share(W_pos: np.ndarray, counts: np.ndarray) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return a function: how much of what a direction reads is position, between 0 and 1, NaN if nothing.

    It is given what the direction reads of each token, [d_vocab], and the direction, [d_model].
    """
    weights = counts / max(counts.sum(), 1)

    def share(read: np.ndarray, direction: np.ndarray) -> float:
        token = float(weights @ (read - weights @ read) ** 2)
        where = float(np.var(W_pos @ direction))
        return where / (token + where) if token + where > 0 else float("nan")

    return share


def _top(scores: np.ndarray, n: int) -> np.ndarray:
    if len(scores) > _MANY and n and np.isfinite(scores).all():  # of a large vocabulary only the end is sorted
        edge = np.partition(-scores, n - 1)[n - 1]
        places = np.flatnonzero(-scores <= edge)
        return np.asarray(places[np.argsort(-scores[places], kind="stable")][:n])
    return np.argsort(-scores, kind="stable")[:n]
