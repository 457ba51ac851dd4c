"""Composition scores: a ratio of Frobenius norms between what one head writes and another reads, and its null.

For an earlier head with A = W_V W_O and a later one: ‖A W_Q W_Kᵀ‖ / ‖A‖ ‖W_Q W_Kᵀ‖ for its queries (Q), the same with
W_K W_Qᵀ for its keys (K), with its W_V W_O for its values (V). In the singular vectors of both, with p and p' the
shares of the singular directions in the squared norms and O what one writes against what the other reads,

    ratio² = Σᵢⱼ pᵢ (Oᵢⱼ)² p'ⱼ,    O = writesᵀ · reads,  d_head × d_head,

so no d × d matrix is formed, and a random rotation between the two replaces O by the corner of a random orthogonal
matrix. The mean square of such an entry is 1/d, hence ratio · √d is 1 by chance, in the mean square; its spread
depends on both spectra: small for flat ones, large for steep ones, which is why a pair is compared with its own null.
"""

from __future__ import annotations

import numpy as np

from wonderland_weights.low_rank import Spectrum

KINDS = ("Q", "K", "V")


def sides(OV: Spectrum, QK: Spectrum) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return by kind what heads read: directions [..., d_model, k] and shares of them [..., k]."""
    return {"Q": (QK.reads, QK.shares), "K": (QK.writes, QK.shares), "V": (OV.reads, OV.shares)}


def ratios(writes: np.ndarray, shares: np.ndarray, reads: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the ratio for every pair of heads, [earlier, later]; NaN where one of them has no norm.

    Args:
        writes: What earlier heads write, [earlier, d_model, k].
        shares: Shares of these directions, [earlier, k].
        reads: What later heads read, [later, d_model, k].
        others: Shares of those, [later, k].
    """
    squares = np.empty((len(writes), len(reads)))
    for later, (directions, share) in enumerate(zip(reads, others, strict=True)):
        overlap = np.swapaxes(writes, 1, 2) @ directions  # [earlier, k, k]
        squares[:, later] = np.einsum("ai,aij,j->a", shares, overlap**2, share)
    return np.sqrt(squares)


def rotated(shares: np.ndarray, others: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return the ratios that random rotations between the heads would give, [rotation, earlier, later].

    Args:
        shares: [earlier, k].
        others: [later, k].
        corners: Squared corners of random rotations, [rotation, k', k'], k' ≤ k where there is less room than k.
    """
    k = corners.shape[-1]
    return np.asarray(np.sqrt(shares[:, :k] @ (corners @ others[:, :k].T)))
