"""How selective is a neuron for its favourite kind of token? Chosen on half of the conversations, measured on the rest.

Selectivity is (μ_best − μ_rest) / (μ_best + μ_rest) of a unit's mean positive activation for its favourite kind and
for all other kinds: 1 if it fires for that kind only, 0 if for all alike. The favourite is the kind of the highest
mean, so on the tokens it was chosen on even a unit that has nothing to do with kinds scores above 0, and the best of
thousands scores much. Hence two halves, of different conversations: the favourite, and which units are worth a look,
are chosen on the one; what is reported is measured on the other, where it may be negative.

A unit that does not fire on the half to choose on has no favourite. One that fires there and not on the other half has
a favourite and no number: NaN.
"""

from __future__ import annotations

import warnings

import numpy as np

import wonderland as wl
from wonderland.lab.evidence import Evidence
from wonderland.lab.halves import first_half
from wonderland.lab.stats import rests_on_one, sum_by_cluster

CHOOSE, MEASURE = range(2)
"""The halves."""
_REPLICATES = 1000


def halves(evidence: Evidence, seed: int) -> np.ndarray:
    """Return the half each window is in, by its conversation, [window]; of one conversation all are to choose on."""
    return np.where(first_half(evidence.conversation, seed), CHOOSE, MEASURE)


def selectivity(by_kind: np.ndarray, count: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Return the selectivity of units for one kind each, [unit]; NaN where it is not defined.

    Args:
        by_kind: Sum of positive activations by kind, [kind, unit].
        count: Tokens of each kind, [kind].
        kind: Number of the kind to ask about, [unit]; −1 for none.
    """
    own = np.take_along_axis(by_kind, np.maximum(kind, 0)[None], 0)[0]
    n = count[kind]
    with np.errstate(invalid="ignore", divide="ignore"):
        best, rest = own / n, (by_kind.sum(0) - own) / (count.sum() - n)
        return np.where(kind >= 0, (best - rest) / (best + rest), np.nan)


def favourites(by_kind: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the kind for which each unit fires most on average, [unit]; −1 if it never fires."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count[:, None] > 0, by_kind / count[:, None], -np.inf)
    return np.where(by_kind.sum(0) > 0, mean.argmax(0), -1)


def measured(
    activations: np.ndarray,
    kinds: np.ndarray,
    kind: np.ndarray,
    conversation: np.ndarray,
    *,
    seed: int,
) -> wl.Estimate:
    """Return the selectivity of units for one kind each with an interval over conversations, [unit].

    Args:
        activations: On the half to measure on, [unit, window, pos]; NaN in padding.
        kinds: Kind of each token, [window, pos]; −1 in padding.
        kind: Kind to ask each unit about, [unit].
        conversation: Of each window, [window].
        seed: Seed of the resampling.
    """
    positive = np.clip(np.nan_to_num(activations), 0, None)
    own = kinds == kind[:, None, None]  # [unit, window, pos]
    parts = np.stack(
        [
            (positive * own).sum(-1),
            positive.sum(-1),
            own.sum(-1),
            np.broadcast_to((kinds >= 0).sum(-1), own.shape[:2]),
        ]
    )  # [part, unit, window]
    sums = sum_by_cluster(np.moveaxis(parts, -1, 0), conversation)  # [conversation, part, unit]
    groups = len(sums)
    value = _of_sums(sums.sum(0)) if groups else np.full(len(kind), np.nan)
    low = high = value
    if groups and len(kind):
        drawn = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=_REPLICATES)
        samples = _of_sums(np.moveaxis(np.tensordot(drawn, sums, 1), 1, 0))  # [replicate, unit]
        with warnings.catch_warnings():  # a unit that never fires has no interval
            warnings.simplefilter("ignore", RuntimeWarning)
            low, high = np.nanquantile(samples, [0.025, 0.975], axis=0)
        alone = rests_on_one(sums[:, 1])  # all that it fires on is of one conversation
        low, high = (np.where(alone, np.nan, end) for end in (np.fmin(low, value), np.fmax(high, value)))
    return wl.Estimate(value, low, high, n=groups, unit="1", resampled_over="conversations", dims=("unit",))


def _of_sums(parts: np.ndarray) -> np.ndarray:
    own, whole, n, tokens = parts
    with np.errstate(invalid="ignore", divide="ignore"):
        best, rest = own / n, (whole - own) / (tokens - n)
        found: np.ndarray = (best - rest) / (best + rest)
    return found
