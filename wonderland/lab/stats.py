"""Intervals, permutation tests and false-discovery control, which end in an `Estimate`.

The unit of resampling is the conversation: windows and tokens of one conversation resemble each other, so an interval
that treated them as independent would be too narrow. The bootstrap here works on sums by cluster (a ratio of sums, as
a mean over tokens is), so that two thousand replicates are one matrix product.

References: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 8 (clustered data); Benjamini and
Hochberg, J. R. Stat. Soc. B 57 (1995); Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) on p = (1+b)/(1+n).
What would fool it: fewer than about ten clusters, where percentile intervals are too narrow; `Estimate` says so.
"""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wonderland.errors import NotEnoughData, UsageError, must_be
from wonderland.estimate import Estimate

__all__ = [
    "benjamini_hochberg",
    "cluster_bootstrap",
    "paired_permutation",
    "rests_on_one",
    "sum_by_cluster",
]

Floats = NDArray[np.float64]
_MOST = 10_000_000  # replicates
_WEIGHTS = "Give weights [unit], or in the shape of the sums."
_ROWS = "For example: cluster_bootstrap([3.0, 1.0], weights=[2, 1], clusters=[0, 1])"


def sum_by_cluster(values: ArrayLike, clusters: ArrayLike) -> Floats:
    """Sum ``values`` [unit, ...] over units of the same cluster.

    Args:
        values: Array [unit, ...].
        clusters: Integer labels [unit]; any labels, they are numbered in sorted order.

    Returns:
        Array [cluster, ...].

    Raises:
        UsageError: There are more or fewer labels than units, or the values are no numbers.
    """
    values = _numbers(values, "What is summed by cluster")
    labels, index = np.unique(_by_unit(clusters, "The labels of clusters"), return_inverse=True)
    if len(values) != len(index):
        raise UsageError(f"{len(index)} units have a cluster, and {len(values)} a value.", hint="Give one for each.")
    sums = np.zeros((len(labels), *values.shape[1:]))
    np.add.at(sums, index, values)
    return sums


def _by_unit(values: ArrayLike, what: str) -> NDArray[Any]:
    """Return an array [unit, ...], or refuse what is none."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # lists in a list differ in length
        array = None
    if array is None or not array.ndim or array.dtype.kind == "O":
        raise UsageError(f"{what} are an array with a row for each unit, not {type(values).__name__}.", hint=_ROWS)
    return array


def _numbers(values: ArrayLike, what: str) -> Floats:
    array = _by_unit(values, what)
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{what} are numbers, not {array.dtype}.", hint=_ROWS)
    return array.astype(np.float64, copy=False)


def _must_be_counts(replicates: int, seed: int) -> None:
    must_be(replicates, Integral, "replicates is a whole number", "For example: replicates=2000")
    must_be(seed, Integral, "a seed is a whole number", "For example: seed=0")
    if not 1 <= replicates <= _MOST or seed < 0:
        told = "A seed under 0" if 1 <= replicates <= _MOST else "So many replicates"
        raise UsageError(f"{told} cannot be drawn.", hint=f"Replicates are from 1 to {_MOST:,}, a seed is 0 or more.")


def cluster_bootstrap(
    sums: ArrayLike,
    weights: ArrayLike,
    clusters: ArrayLike,
    *,
    unit: str = "1",
    chance: Any = None,
    resampled_over: str = "conversations",
    dims: tuple[str, ...] = (),
    replicates: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Estimate a ratio of sums, Σ sums / Σ weights, with a 95% percentile interval over clusters.

    Args:
        sums: Array [unit, ...] of numerators, for example the summed loss of each window.
        weights: Array [unit] or [unit, ...] of denominators, for example its number of tokens.
        clusters: Labels [unit] of the conversation each unit comes from.
        unit: Unit of the ratio.
        chance: Its chance level, kept beside it.
        resampled_over: What the clusters are.
        dims: Names of the dimensions of the ratio.
        replicates: Bootstrap replicates.
        seed: Seed of the resampling.

    Returns:
        The ratio; where all of it is of one cluster, without an interval: the ends are NaN there, and n is 1 if it is
        one number.

    Raises:
        NotEnoughData: There are no units at all.
        UsageError: There are more or fewer labels than units, weights of another shape than the sums, or a part is of
            another type.
    """
    _must_be_counts(replicates, seed)
    top = sum_by_cluster(sums, clusters)
    bottom = sum_by_cluster(weights, clusters)
    if not len(top):
        raise NotEnoughData("There is nothing to average: no held-out window is left.")
    if top.shape[: bottom.ndim] != bottom.shape:
        raise UsageError(
            f"Sums are {list(top.shape[1:])} of each unit, weights {list(bottom.shape[1:])}.", hint=_WEIGHTS
        )
    bottom = bottom.reshape(bottom.shape + (1,) * (top.ndim - bottom.ndim))
    n = len(top)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what never occurs has no estimate: NaN says so
        samples = np.tensordot(draws, top, 1) / np.tensordot(draws, bottom, 1)
        value = top.sum(0) / bottom.sum(0)
        low, high = np.nanquantile(samples, [0.025, 0.975], axis=0)
    alone = rests_on_one(top, bottom)
    low, high = np.where(alone, np.nan, low)[()], np.where(alone, np.nan, high)[()]
    n = 1 if alone.ndim == 0 and alone else n
    return Estimate(value, low, high, n=n, unit=unit, chance=chance, resampled_over=resampled_over, dims=dims)


def rests_on_one(*sums: ArrayLike) -> NDArray[np.bool_]:
    """Say where all that is summed is of at most one cluster: drawn again, it is always itself, and has no interval.

    Args:
        *sums: Sums by cluster, [cluster, ...]; a cluster counts where one of them is not 0.

    Returns:
        Array [...].
    """
    there = np.any(np.broadcast_arrays(*(np.asarray(part) != 0 for part in sums)), axis=0)
    return np.asarray(there.sum(0) <= 1)


def paired_permutation(
    differences: ArrayLike, clusters: ArrayLike, *, replicates: int = 2000, seed: int = 0
) -> tuple[Floats, Floats]:
    """Test whether paired differences are centred at 0, by flipping the signs of whole clusters.

    Args:
        differences: Array [unit, ...].
        clusters: Labels [unit].
        replicates: Random sign patterns.
        seed: Seed of the patterns.

    Returns:
        Two arrays [...]: two-sided p of each difference alone, and its family-wise p by the maximum over all of them
        (max-T of standardised sums, Westfall and Young 1993). NaN where a difference is NaN, which does not count as a
        test.

    Raises:
        NotEnoughData: There are no units at all.
        UsageError: There are more or fewer labels than units, or a part is of another type.
    """
    _must_be_counts(replicates, seed)
    sums = sum_by_cluster(differences, clusters)
    if not sums.size:
        raise NotEnoughData("There is no difference to test.", hint="Give one of each unit at least.")
    flat = sums.reshape(len(sums), -1)
    spread = np.sqrt((flat**2).sum(0))
    spread[spread == 0] = np.inf
    observed = np.abs(flat.sum(0)) / spread
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(replicates, len(sums)))
    known, slack = ~np.isnan(observed), 1e-12
    alone, family = np.full(len(observed), np.nan), np.full(len(observed), np.nan)
    if known.any():
        null = np.abs(signs @ flat[:, known]) / spread[known]
        alone[known] = (1 + (null >= observed[known] - slack).sum(0)) / (1 + replicates)
        family[known] = (1 + (null.max(1, keepdims=True) >= observed[known] - slack).sum(0)) / (1 + replicates)
    return alone.reshape(sums.shape[1:]), family.reshape(sums.shape[1:])


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Return q values: reject those below q to keep the expected share of false discoveries below q.

    Args:
        p: Array of p values, any shape. NaN stays NaN and does not count as a test.

    Returns:
        Array of q values of the same shape.
    """
    from scipy.stats import false_discovery_control

    values = np.asarray(p, dtype=np.float64)
    tested, q = ~np.isnan(values), np.full(values.shape, np.nan)
    if tested.any():
        q[tested] = false_discovery_control(values[tested])
    return q
