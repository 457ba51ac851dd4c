"""Does a curve over training rise all at once? The share of the largest single rise against chance, and halfway points.

`transition`: of the rises from one snapshot to the next, the largest as a share of all of them. Chance: a whole that is
broken at random places into m parts has a largest part of known distribution (Fisher, Proc. R. Soc. A 125, 1929):
P(largest > x) = Σ_j (−1)^(j+1) · C(m, j) · (1 − j x)^(m−1) over all j with j x < 1. Dealing the rises out anew in time
is no null for this: the largest of them is the largest in any order.

`halfway`: when a curve has made half of its final change, after an isotonic fit, which takes the noise out without
supposing a form; between two snapshots on a scale of the logarithm of tokens.

What would fool it: snapshots far apart. All that happens between two of them is one rise. Of fewer than eight nothing
is said. And a curve that does not rise at all has rises too, of noise: first its ends must differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

import wonderland as wl

__all__ = ["LEAST_SNAPSHOTS", "Rise", "halfway", "log_tokens", "p_of_largest", "transition"]

Floats = NDArray[np.float64]
LEAST_SNAPSHOTS = 8
"""Snapshots without which nothing is said of transitions."""


@dataclass(frozen=True)
class Rise:
    """The largest single rise of a curve.

    Attributes:
        at: Number of the snapshot before which it ended; the rise is from the one before.
        share: Its share of all rises.
        p: How likely a whole broken at random has so large a part; NaN if the curve does not rise.
    """

    at: int
    share: float
    p: float


def p_of_largest(share: float, parts: int) -> float:
    """Return the probability that the largest of random parts of a whole is at least this share.

    >>> round(p_of_largest(0.5, 2), 3), round(p_of_largest(0.75, 2), 3)
    (1.0, 0.5)
    """
    if share >= 1:
        return 0.0
    most = min(parts, math.ceil(1 / share) - 1) if share > 0 else parts
    total = sum((-1) ** (j + 1) * math.comb(parts, j) * (1 - j * share) ** (parts - 1) for j in range(1, most + 1))
    return float(min(1.0, max(0.0, total)))


def transition(curve: wl.Estimate) -> Rise | None:
    """Return the largest rise of a curve [snapshot], or None if it ends no higher than it began, by its intervals."""
    value = np.asarray(curve.value, dtype=np.float64)
    if not np.isfinite(value).all() or float(np.asarray(curve.low)[-1]) <= float(np.asarray(curve.high)[0]):
        return None
    rises = np.maximum(np.diff(value), 0)
    at = int(rises.argmax())
    share = float(rises[at] / rises.sum())
    return Rise(at + 1, share, p_of_largest(share, len(rises)))


def log_tokens(at: ArrayLike) -> Floats:
    """Return the logarithm of tokens seen, base 10, with the untrained model at the power of ten under the next one."""
    tokens = np.asarray(at, dtype=np.float64)
    later = tokens[tokens > 0]
    least = np.ceil(np.log10(later.min())) - 1 if len(later) else 0.0
    return np.asarray(np.where(tokens > 0, np.log10(np.maximum(tokens, 1)), least))


def halfway(at: Sequence[int] | NDArray[np.int64], values: ArrayLike, *, rising: bool = True) -> float:
    """Return the tokens after which a curve has made half of its final change; NaN if it makes none.

    Args:
        at: Tokens seen at each snapshot.
        values: The curve.
        rising: Whether the change is a rise; else a fall.
    """
    from scipy.optimize import isotonic_regression

    curve = np.asarray(values, dtype=np.float64)
    fitted = isotonic_regression(curve if rising else -curve).x
    change = fitted[-1] - fitted[0]
    if not change > 0:
        return float("nan")
    half = fitted[0] + change / 2
    after = int(np.argmax(fitted >= half - 1e-12))
    if after == 0:
        return float(at[0])
    x = log_tokens(at)
    part = (half - fitted[after - 1]) / (fitted[after] - fitted[after - 1])
    return float(10 ** (x[after - 1] + part * (x[after] - x[after - 1])))
