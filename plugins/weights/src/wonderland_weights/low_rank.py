"""Products of two thin matrices, and random rotations of them, without ever forming a d × d matrix.

W_V W_O and W_Q W_Kᵀ are d_model × d_model but of rank d_head at most. Two QR decompositions leave a d_head × d_head
core whose SVD is theirs; the cost is d_model · d_head².

The null of everything here is a random rotation: it keeps a head's singular values and turns the directions it reads
and writes to nowhere in particular. Rotations stay in the dimensions there are: where LayerNorm takes the mean out
of the residual stream, no weight reads or writes it, and a rotation that did would be too easy to beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOTHING = 1e-12
"""Relative size below which a product of weights is rounding error."""


@dataclass(frozen=True)
class Spectrum:
    """Singular value decompositions of products left @ right, zero where a product is nothing.

    Attributes:
        reads: Left singular vectors, [..., d_model, k].
        values: Singular values in falling order, [..., k]; all zero if the product is nothing but rounding.
        writes: Right singular vectors, [..., d_model, k]. The signs of ``reads[:, i]`` and ``writes[:, i]`` are
            arbitrary, but only together.
    """

    reads: np.ndarray
    values: np.ndarray
    writes: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """Share of each singular direction in the squared norm, [..., k]; NaN where the norm is zero."""
        squares = self.values**2
        total = squares.sum(-1, keepdims=True)
        return squares / np.where(total > 0, total, np.nan)

    @property
    def ratio(self) -> np.ndarray:
        """σ₁ / σ₂, [...]: infinite at rank 1, NaN where the norm is zero."""
        first = self.values[..., 0]
        second = self.values[..., 1] if self.values.shape[-1] > 1 else np.zeros_like(first)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(first / second)

    @property
    def effective_rank(self) -> np.ndarray:
        """Participation ratio (Σσ²)² / Σσ⁴, [...]: k if all are equal, 1 if one is all; NaN where there is none."""
        return np.asarray(1 / (self.shares**2).sum(-1))


def svd(left: np.ndarray, right: np.ndarray) -> Spectrum:
    """Decompose ``left @ right``.

    Args:
        left: [..., d_model, d_head].
        right: [..., d_head, d_model].
    """
    Q1, R1 = np.linalg.qr(left)
    Q2, R2 = np.linalg.qr(np.swapaxes(right, -1, -2))
    U, values, Vt = np.linalg.svd(R1 @ np.swapaxes(R2, -1, -2))
    size = np.linalg.norm(left, axis=(-2, -1)) * np.linalg.norm(right, axis=(-2, -1))
    values = np.where(values > NOTHING * size[..., None], values, 0.0)
    return Spectrum(Q1 @ U, values, Q2 @ np.swapaxes(Vt, -1, -2))


def frames(n: int, d_model: int, k: int, *, room: int, random: np.random.Generator) -> np.ndarray:
    """Draw ``n`` random orthonormal frames [n, d_model, k]; without the mean over d_model if ``room`` lacks it."""
    drawn = random.standard_normal((n, d_model, k))
    if room < d_model:
        drawn -= drawn.mean(1, keepdims=True)
    Q, R = np.linalg.qr(drawn)
    return np.asarray(Q * np.sign(np.einsum("nii->ni", R))[:, None, :])


def corners(n: int, k: int, *, room: int, random: np.random.Generator) -> np.ndarray:
    """Draw the k × k corners of ``n`` random rotations of ``room`` dimensions, squared, [n, k, k].

    All that a random rotation does to the product of two matrices of rank k is in there. A frame is G R⁻¹ with a
    Gaussian G [room, k] and RᵀR = GᵀG; of G only the first k rows are drawn, for what the others add to GᵀG is a
    Wishart matrix, drawn by its triangular factor (Bartlett 1933).
    """
    k = min(k, room)
    drawn = np.empty((n, k, k))
    for start in range(0, n, 100):
        some = drawn[start : start + 100]
        if room < 2 * k:
            some[:] = frames(len(some), room, k, room=room, random=random)[:, :k] ** 2
            continue
        top = random.standard_normal((len(some), k, k))
        factor = np.tril(random.standard_normal((len(some), k, k)), -1)
        factor[:, range(k), range(k)] = np.sqrt(random.chisquare(room - k - np.arange(k), (len(some), k)))
        gram = np.swapaxes(top, 1, 2) @ top + factor @ np.swapaxes(factor, 1, 2)
        some[:] = np.linalg.solve(np.linalg.cholesky(gram), np.swapaxes(top, 1, 2)).swapaxes(1, 2) ** 2
    return drawn


def random_spectra(n: int, d_model: int, d_head: int, *, random: np.random.Generator) -> Spectrum:
    """Draw spectra of products of two Gaussian matrices: what random weights of this shape have."""
    return svd(random.standard_normal((n, d_model, d_head)), random.standard_normal((n, d_head, d_model)))
