"""What would counting alone predict? Losses of uniform, unigram, bigram and trigram models on the same tokens.

A trained model that does not beat the trigram has learned less than a table of counts. The n-grams are interpolated
with absolute discounting: p(w|h) = max(c(h,w) − D, 0)/c(h) + D·(distinct continuations of h)/c(h) · p(w|shorter h),
with D = n₁/(n₁ + 2 n₂) per order (Ney, Essen and Kneser 1994). They are counted on windows that do not overlap, since
doubled counts would spoil the discounts, and scored on exactly the tokens the model is scored on.
"""

from __future__ import annotations

import math

import numpy as np

from wonderland.corpus.windows import Windows

__all__ = ["baseline_losses"]


def baseline_losses(train: Windows, held_out: Windows, d_vocab: int) -> dict[str, float]:
    """Return the mean loss, in nats a token, of n-gram models on held-out windows.

    Args:
        train: Training windows; they must not overlap (stride equal to size).
        held_out: Windows to score, the first token of each given.
        d_vocab: Tokens of the vocabulary.

    Returns:
        Losses by name: "uniform", "unigram", "bigram", "trigram".
    """
    counted, scored = _ngrams(train, d_vocab), _ngrams(held_out, d_vocab)
    probability = _unigram(counted[0], scored[0], d_vocab)
    losses = {"uniform": math.log(d_vocab), "unigram": _mean_loss(probability)}
    for name, order in (("bigram", 1), ("trigram", 2)):
        probability = _interpolated(counted[order], scored[order], d_vocab, probability)
        losses[name] = _mean_loss(probability)
    return losses


def _ngrams(windows: Windows, d_vocab: int) -> list[np.ndarray]:
    """Return every predicted token as unigram, bigram and trigram codes, history in the high digits.

    The second token of a window has no two tokens before it; its trigram history is the padding code ``d_vocab``.
    """
    rows = [row for row in windows if len(row) > 1]
    base = d_vocab + 1
    one = np.concatenate([row[1:] for row in rows])
    two = np.concatenate([row[:-1] for row in rows]) * base + one
    before = np.concatenate([np.r_[d_vocab, row[:-2]] for row in rows])
    return [one, two, before * base * base + two]


def _unigram(counted: np.ndarray, scored: np.ndarray, d_vocab: int) -> np.ndarray:
    counts = np.bincount(counted, minlength=d_vocab).astype(float)
    smoothed = (counts + 1) / (counts.sum() + d_vocab)
    return np.asarray(smoothed[scored])


def _interpolated(counted: np.ndarray, scored: np.ndarray, d_vocab: int, shorter: np.ndarray) -> np.ndarray:
    base = d_vocab + 1
    grams, counts = np.unique(counted, return_counts=True)
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    discount = once / (once + 2 * twice) if once else 0.5
    contexts, where = np.unique(grams // base, return_inverse=True)
    total = np.bincount(where, weights=counts)
    kinds = np.bincount(where)
    seen = _lookup(grams, counts, scored)
    context_total = _lookup(contexts, total, scored // base)
    context_kinds = _lookup(contexts, kinds, scored // base)
    known = context_total > 0
    safe = np.where(known, context_total, 1)
    mixed = np.maximum(seen - discount, 0) / safe + discount * context_kinds / safe * shorter
    probability: np.ndarray = np.where(known, mixed, shorter)
    return probability


def _lookup(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    index = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    found: np.ndarray = np.where(keys[index] == wanted, values[index], 0)
    return found


def _mean_loss(probability: np.ndarray) -> float:
    return float(-np.log(probability).mean())
