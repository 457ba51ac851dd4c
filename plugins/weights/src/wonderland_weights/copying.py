"""Copying: whether the tokens that a head reads decide which it promotes, the same ones or others.

The full OV circuit W_E W_V W_O W_U is d_vocab × d_vocab: entry (a, b) is how much attending to token a raises the logit
of b. Its positive eigenvalues belong to groups of tokens that raise themselves. The copying score Σ Re λ / Σ |λ| is +1
if the head copies whatever it sees, −1 if it suppresses it. The non-zero eigenvalues are those of the d_head × d_head
product turned round, W_O W_U W_E W_V.

Null: the same singular values with singular vectors in random directions, against the same embeddings.

Reference: Elhage et al. 2021. What would fool it: the score ignores size, so a head that moves next to nothing can
score 1, and all tokens count alike, also those that never occur.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from wonderland.lab.stats import benjamini_hochberg
from wonderland_weights.low_rank import NOTHING, Spectrum, frames

MANY, _ENOUGH = 64, 10  # heads from which on rotations are spared; rotations as high as the head that are enough
_STEP, _LEAST = 100, 200  # rotations drawn at a time; those after which a clear head needs no more


def copying_scores(W_V: np.ndarray, W_O: np.ndarray, meeting: np.ndarray) -> np.ndarray:
    """Return Σ Re λ / Σ |λ| of W_E W_V W_O W_U.

    Args:
        W_V: [..., d_model, d_head].
        W_O: [..., d_head, d_model].
        meeting: W_U W_E, [d_model, d_model]: where the unembedding meets the embedding again.

    Returns:
        Scores [...] in [−1, 1]; NaN where what the head writes is nothing to the unembedding.
    """
    product = W_O @ meeting @ W_V
    size = np.linalg.norm(W_O, axis=(-2, -1)) * np.linalg.norm(meeting) * np.linalg.norm(W_V, axis=(-2, -1))
    return _score(product, np.linalg.norm(product, axis=(-2, -1)) > NOTHING * size)


def copying_null(
    spectrum: Spectrum,
    meeting: np.ndarray,
    *,
    room: int,
    rotations: int,
    random: np.random.Generator,
    scores: np.ndarray,
    level: float,
) -> np.ndarray:
    """Return the copying scores that random rotations of heads would have.

    Of many heads, most need few rotations: once ``_ENOUGH`` rotations score as much as the head does, its p is large
    and known well enough, and no more are drawn for it (sequential Monte Carlo p, Besag and Clifford 1991; the p of
    such a head is still (1 + exceeding) / (1 + drawn)). Nor are more than ``_LEAST`` for heads whose q by then is half
    of ``level`` at most: they are beyond chance and stay so (after Sandve, Ferkingstad and Nygård 2011, Sequential
    Monte Carlo multiple testing; the half leaves room for luck in when it ends).

    Args:
        spectrum: Spectra of W_V W_O, values [..., k]; the directions are not used.
        meeting: W_U W_E, [d_model, d_model].
        room: Dimensions of the residual stream to rotate in.
        rotations: How many rotations to draw; each serves all heads.
        random: Where they come from.
        scores: The heads' own scores [...].
        level: False-discovery rate below which a head is called beyond chance.

    Returns:
        Scores [rotation, ...]; NaN where none was drawn.
    """
    d_model, k = len(meeting), min(spectrum.values.shape[-1], room)
    values = spectrum.values[..., :k].reshape(-1, k)
    drawn = np.full((rotations, len(values)), np.nan)
    own = np.abs(scores).ravel() - 1e-12
    open_ = np.ones(len(values), dtype=bool)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # eigenvalues are found without Python's lock
        for start in range(0, rotations, _STEP):
            n = len(drawn[start : start + _STEP])
            if len(values) > MANY and start:
                open_ = _undecided(drawn[:start], own, level)
            writes, reads = (frames(n, d_model, k, room=room, random=random) for _ in range(2))
            turned = np.swapaxes(writes, 1, 2) @ meeting @ reads  # [rotation, k, k]

            def rotated(head: int, turned: np.ndarray = turned) -> np.ndarray:
                sigma = values[head]
                return _score(sigma[:, None] * turned, np.full(len(turned), sigma[0] > 0))

            left = np.flatnonzero(open_)
            for head, found in zip(left, pool.map(rotated, left), strict=True):
                drawn[start : start + n, head] = found
    return drawn.reshape(rotations, *spectrum.values.shape[:-1])


def _undecided(drawn: np.ndarray, own: np.ndarray, level: float) -> np.ndarray:
    """Return the heads [head] about which more rotations could still say something else."""
    exceeding, n = (np.abs(drawn) >= own).sum(0), np.isfinite(drawn).sum(0)
    unclear = exceeding < _ENOUGH
    if len(drawn) >= _LEAST:
        p = np.where(np.isfinite(own), (1 + exceeding) / (1 + n), np.nan)
        unclear &= ~(benjamini_hochberg(p) <= level / 2)
    return np.asarray(unclear)


def _score(product: np.ndarray, there: np.ndarray) -> np.ndarray:
    eigenvalues = np.linalg.eigvals(product)
    total = np.abs(eigenvalues).sum(-1)
    return np.asarray(eigenvalues.real.sum(-1) / np.where(there & (total > 0), total, np.nan))
