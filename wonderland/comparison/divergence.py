"""How far are two sides apart? D: what it costs to be told by a model of the other side, and a null for it.

D(A, B) = ½[(ℓ_{A→B} − ℓ_{B→B}) + (ℓ_{B→A} − ℓ_{A→A})] in nats a token. ℓ_{A→B} is the loss of a model counted on one
half of side A, on the other half of side B. How hard a side is to predict, and how good a model of it is, cancel.

- Units are halved jointly: a conversation that has messages of both sides is in the same half for both. Halved apart,
  a model of one side has read the very conversations it is tested on, and D of unlike sides came out at −0.04.
- Both models are counted on equally many tokens, and each half is counted on and tested on once, in ``halvings`` ways.
- Null: a unit with messages of both sides has them exchanged by the throw of a coin; units of one side only are dealt
  out anew. All else is done alike.
- D is a sum over tokens of the vocabulary, so each word has its share of it. Those shares, divided by their standard
  deviation under the null, are tested together by the largest of them (max-T, Westfall and Young 1993).
- Style and topic: the same sum over the ``FREQUENT`` tokens that are said most. In any language these are for the most
  part function words, which tell of style and little of topic (Mosteller and Wallace 1963).

What would fool it: partners change as well. Two periods may differ because other people were written to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wonderland.comparison.sides import Sides
from wonderland.comparison.trigram import Numbered
from wonderland.estimate import Estimate

__all__ = ["FREQUENT", "Divergence", "divergence"]

FREQUENT = 100
"""So many of the most frequent tokens count as function words."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_BOOTSTRAPS = 2000


@dataclass(frozen=True)
class Divergence:
    """D of two sides.

    Attributes:
        total: D, with an interval over units; its chance level is the mean of the null.
        p: Its p under the null.
        null: D of every null draw.
        frequent: D over the most frequent tokens alone, likewise.
        frequent_p: Its p.
        cross: Losses [model of side, tested on side], nats a token.
        shares: What each token of the vocabulary adds to D, [token].
        shares_p: p of each share by the largest over all tokens, [token].
        months: Months with test messages.
        by_month: By how much the other side's model loses more, averaged over the month, as an estimate [month].
        counted: Tokens each model was counted on.
        tested: Tokens that were tested.
    """

    total: Estimate
    p: float
    null: Floats
    frequent: Estimate
    frequent_p: float
    cross: Floats
    shares: Floats
    shares_p: Floats
    months: Integers
    by_month: Estimate | None
    counted: int
    tested: int


@dataclass(frozen=True)
class _Laid:
    """The tokens of two sides, in random order of messages, with the halves their units are in."""

    tokens: Numbered
    side: Integers  # of each token
    unit: Integers  # of each token
    half: Integers  # [halving, unit]
    order: Integers  # tokens in random order of messages


def divergence(
    sides: Sides,
    tokens: Numbered,
    frequent: NDArray[np.bool_],
    *,
    permutations: int = 199,
    halvings: int = 2,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Divergence:
    """Return how far two sides are apart.

    Args:
        sides: The messages of two sides.
        tokens: Their numbered tokens.
        frequent: Which tokens of the vocabulary count as function words, [token].
        permutations: Null draws.
        halvings: Ways to halve the units.
        seed: Seed of halves, null and interval.
        on_progress: Called with (draws done, all).
    """
    random = np.random.default_rng(seed)
    units = int(sides.unit.max()) + 1
    half = np.stack([_halved(units, random) for _ in range(halvings)])
    rank = random.permutation(len(sides.texts))
    laid = _Laid(
        tokens,
        sides.side[tokens.message],
        sides.unit[tokens.message],
        half,
        np.argsort(rank[tokens.message], kind="stable"),
    )
    sums, counts, shares, cross, counted = _measured(laid, laid.side)
    total = _ratio(sums, counts)
    drawn, drawn_shares = np.empty(permutations), np.empty((permutations, tokens.d_vocab), dtype=np.float32)
    for number in range(permutations):
        dealt = _dealt(sides, units, random)[tokens.message]
        null_sums, null_counts, of_words, _, _ = _measured(laid, dealt)
        drawn[number], drawn_shares[number] = _ratio(null_sums, null_counts), of_words
        if on_progress:
            on_progress(number + 1, permutations)
    of_frequent = drawn_shares[:, frequent].sum(1).astype(np.float64)
    frequent_total = float(shares[frequent].sum())
    months, by_month = _by_month(laid, sides, seed)
    return Divergence(
        total=_interval(sums, counts, total, float(drawn.mean()) if permutations else 0.0, sides.of, seed),
        p=_p(total, drawn),
        null=drawn,
        frequent=_interval(
            *_frequent_sums(laid, frequent), frequent_total, float(of_frequent.mean()) if permutations else 0.0,
            sides.of, seed,
        ),
        frequent_p=_p(frequent_total, of_frequent),
        cross=cross,
        shares=shares,
        shares_p=_max_t(shares, drawn_shares),
        months=months,
        by_month=by_month,
        counted=counted,
        tested=len(tokens.word),
    )  # fmt: skip


def _halved(units: int, random: np.random.Generator) -> Integers:
    return random.permutation(np.arange(units) % 2)


def _dealt(sides: Sides, units: int, random: np.random.Generator) -> Integers:
    """Return sides of messages under the null."""
    there = np.zeros((2, units), dtype=bool)
    there[sides.side, sides.unit] = True
    both = np.asarray(there.all(0))
    swap = random.random(units) < 0.5
    label = np.where(there[1], 1, 0)  # of units of one side
    alone = np.flatnonzero(~both)
    dealt = label.copy()
    dealt[alone] = random.permutation(label[alone])
    exchanged = np.where(swap[sides.unit], 1 - sides.side, sides.side)
    return np.asarray(np.where(both[sides.unit], exchanged, dealt[sides.unit]))


def _differences(laid: _Laid, side: Integers, halving: int, fold: int) -> tuple[Integers, Floats, Floats, int]:
    """Count both sides on one half; return the tested tokens, their two losses, and the tokens counted."""
    in_half = laid.half[halving][laid.unit[laid.order]] == fold
    counted = laid.order[in_half]
    of = [counted[side[counted] == one] for one in (0, 1)]
    size = min(map(len, of))
    told = [laid.tokens.log_probabilities(one[:size]) for one in of]
    tested = laid.order[~in_half]
    grams = laid.tokens.trigram[tested]
    return tested, -told[0][grams], -told[1][grams], size


def _measured(laid: _Laid, side: Integers) -> tuple[Floats, Floats, Floats, Floats, int]:
    """Return by side and unit what the other side's model loses more, and tokens; shares of words; cross-losses; size.

    Returns:
        Sums [side, unit] and counts [side, unit], both averaged over halvings; shares [token]; losses [model, side];
        the fewest tokens a model was counted on.
    """
    halvings, units = laid.half.shape
    sums, counts = np.zeros((2, units)), np.zeros((2, units))
    words, cross = np.zeros((2, laid.tokens.d_vocab)), np.zeros((2, 2))
    sizes = []
    for halving in range(halvings):
        for fold in (0, 1):
            tested, a, b, size = _differences(laid, side, halving, fold)
            sizes.append(size)
            for one, excess in ((0, b - a), (1, a - b)):
                here = side[tested] == one
                unit = laid.unit[tested[here]]
                sums[one] += np.bincount(unit, weights=excess[here], minlength=units)
                counts[one] += np.bincount(unit, minlength=units)
                words[one] += np.bincount(
                    laid.tokens.word[tested[here]], weights=excess[here], minlength=laid.tokens.d_vocab
                )
                cross[:, one] += a[here].sum(), b[here].sum()
    tokens = counts.sum(1)
    shares = (words / np.maximum(tokens, 1)[:, None]).sum(0) / 2
    return sums / halvings, counts / halvings, shares, cross / np.maximum(tokens, 1), min(sizes)


def _ratio(sums: Floats, counts: Floats) -> float:
    with np.errstate(invalid="ignore", divide="ignore"):
        return float((sums.sum(1) / counts.sum(1)).mean())


def _frequent_sums(laid: _Laid, frequent: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the sums of `_measured` over the frequent tokens alone, and all counts."""
    halvings, units = laid.half.shape
    sums, counts = np.zeros((2, units)), np.zeros((2, units))
    for halving in range(halvings):
        for fold in (0, 1):
            tested, a, b, _ = _differences(laid, laid.side, halving, fold)
            which = frequent[laid.tokens.word[tested]]
            for one, excess in ((0, b - a), (1, a - b)):
                here = laid.side[tested] == one
                unit = laid.unit[tested]
                sums[one] += np.bincount(unit[here & which], weights=excess[here & which], minlength=units)
                counts[one] += np.bincount(unit[here], minlength=units)
    return sums / halvings, counts / halvings


def _interval(sums: Floats, counts: Floats, value: float, chance: float, of: str, seed: int) -> Estimate:
    """Return D with its 95% interval over units."""
    from wonderland.lab.stats import rests_on_one

    n = sums.shape[1]
    random = np.random.default_rng(seed)
    found = []
    for _ in range(_BOOTSTRAPS // 100):  # in parts, so that many units need little memory
        draws = random.multinomial(n, np.full(n, 1 / n), size=100).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(((draws @ sums.T) / (draws @ counts.T)).mean(1))
    low, high = np.nanquantile(np.concatenate(found), [0.025, 0.975])
    if rests_on_one(counts.T).any():  # a side of one unit, drawn again, is itself: no interval
        low = high = np.nan
    return Estimate(
        value, min(float(low), value), max(float(high), value), n=n, unit="nats a token", chance=chance,
        resampled_over=of,
    )  # fmt: skip


def _p(value: float, null: Floats) -> float:
    return float((1 + (null >= value - 1e-12).sum()) / (1 + len(null)))


def _max_t(shares: Floats, null: NDArray[np.float32]) -> Floats:
    """Return the p of each share by the largest share of all tokens, in standard deviations of its null."""
    if len(null) < 2:
        return np.ones(len(shares))
    middle, spread = null.mean(0), null.std(0, ddof=1)
    spread = np.where(spread > 0, spread, np.inf)
    largest = ((null - middle) / spread).max(1)
    observed = (shares - middle) / spread
    above = (largest[:, None] >= observed[None] - 1e-9).sum(0)
    return np.asarray((1 + above) / (1 + len(null)))


def _by_month(laid: _Laid, sides: Sides, seed: int) -> tuple[Integers, Estimate | None]:
    """Return by how much the model of the first side loses more than that of the second, in each month."""
    from wonderland.lab.stats import cluster_bootstrap

    month = sides.month[laid.tokens.message]
    known = np.unique(month[month >= 0])
    if len(known) < 2:
        return known, None
    sums, counts = np.zeros(len(laid.side)), np.zeros(len(laid.side))
    for halving in range(len(laid.half)):
        for fold in (0, 1):
            tested, a, b, _ = _differences(laid, laid.side, halving, fold)
            sums[tested] += a - b
            counts[tested] += 1
    units = laid.half.shape[1]
    of_unit, of_all = np.zeros((units, len(known))), np.zeros((units, len(known)))
    there = month >= 0
    at = np.searchsorted(known, month[there])
    np.add.at(of_unit, (laid.unit[there], at), sums[there])
    np.add.at(of_all, (laid.unit[there], at), counts[there])
    estimate = cluster_bootstrap(
        of_unit, of_all, np.arange(units), unit="nats a token", chance=0.0, resampled_over=sides.of, dims=("month",),
        seed=seed,
    )  # fmt: skip
    return known, estimate
