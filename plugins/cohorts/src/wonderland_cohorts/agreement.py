"""Do raters agree more than chance would have them? Fleiss' κ of labels, and κ of labels dealt out anew.

κ = (P − P_e) / (1 − P_e): P is the share of pairs of raters that agree, averaged over items, and P_e what that would be
if every rater drew labels by how often they occur (Fleiss, Psychol. Bull. 76, 1971). If all labels are the same there
is nothing to agree on, and κ is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["fleiss", "kappa_null"]


def fleiss(labels: Sequence[Sequence[str]]) -> float:
    """Return κ of labels [item][rater].

    >>> fleiss([["a", "a"], ["b", "b"]])
    1.0
    """
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    return _kappa(codes.reshape(np.shape(labels)), len(names))


def _kappa(codes: NDArray[np.int64], kinds: int) -> float:
    items, raters = codes.shape
    counts = np.stack([(codes == kind).sum(1) for kind in range(kinds)], axis=1).astype(np.float64)
    agreed = float(((counts**2).sum(1) - raters).mean() / (raters * (raters - 1)))
    expected = float(((counts.sum(0) / (items * raters)) ** 2).sum())
    return float("nan") if expected >= 1 - 1e-12 else (agreed - expected) / (1 - expected)


def kappa_null(
    labels: Sequence[Sequence[str]], groups: Sequence[NDArray[np.int64]], *, replicates: int = 999, seed: int = 0
) -> NDArray[np.float64]:
    """Return κ of the same labels when those of every rater but the first are dealt out anew within groups of items."""
    names, flat = np.unique(np.asarray(labels), return_inverse=True)
    codes: NDArray[np.int64] = np.asarray(flat, dtype=np.int64).reshape(len(labels), -1)
    random = np.random.default_rng(seed)
    found = []
    for _ in range(replicates):
        dealt = codes.copy()
        for group in groups:
            for rater in range(1, len(labels[0])):
                dealt[group, rater] = random.permutation(codes[:, rater][group])
        found.append(_kappa(dealt, len(names)))
    return np.asarray(found)
