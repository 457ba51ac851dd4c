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

import numpy as np

from wonderland_weights.low_rank import NOTHING, Spectrum, frames


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
    spectrum: Spectrum, meeting: np.ndarray, *, room: int, rotations: int, random: np.random.Generator
) -> np.ndarray:
    """Return the copying scores that random rotations of heads would have.

    Args:
        spectrum: Spectra of W_V W_O, values [..., k]; the directions are not used.
        meeting: W_U W_E, [d_model, d_model].
        room: Dimensions of the residual stream to rotate in.
        rotations: How many rotations to draw; each serves all heads.
        random: Where they come from.

    Returns:
        Scores [rotation, ...].
    """
    d_model, k = len(meeting), min(spectrum.values.shape[-1], room)
    values = spectrum.values[..., :k].reshape(-1, k)
    scores = np.empty((rotations, len(values)))
    for start in range(0, rotations, 100):
        n = len(scores[start : start + 100])
        writes, reads = (frames(n, d_model, k, room=room, random=random) for _ in range(2))
        turned = np.swapaxes(writes, 1, 2) @ meeting @ reads  # [rotation, k, k]
        for head, sigma in enumerate(values):
            scores[start : start + n, head] = _score(sigma[:, None] * turned, np.full(n, sigma[0] > 0))
    return scores.reshape(rotations, *spectrum.values.shape[:-1])


def _score(product: np.ndarray, there: np.ndarray) -> np.ndarray:
    eigenvalues = np.linalg.eigvals(product)
    total = np.abs(eigenvalues).sum(-1)
    return np.asarray(eigenvalues.real.sum(-1) / np.where(there & (total > 0), total, np.nan))
