"""Losses of uniform, unigram, bigram and trigram models on the same tokens: what counting alone predicts.

A trained model that does not beat the trigram has learned less than a table of counts. The n-grams are interpolated
with absolute discounting: p(w|h) = max(c(h,w) − D, 0)/c(h) + D·(distinct continuations of h)/c(h) · p(w|shorter h),
with D = n₁/(n₁ + 2 n₂) per order (Ney, Essen and Kneser 1994). They are counted on windows that do not overlap, since
doubled counts would spoil the discounts, and scored on exactly the tokens the model is scored on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from wonderland.corpus.windows import Windows

__all__ = ["baseline_losses", "ngram_distributions", "ngram_first_choices", "ngram_probabilities"]


def baseline_losses(train: Windows, held_out: Windows, d_vocab: int) -> dict[str, float]:
    """Return the mean loss, in nats a token, of n-gram models on held-out windows.

    Args:
        train: Training windows; they must not overlap (stride equal to size).
        held_out: Windows to score, the first token of each given.
        d_vocab: Tokens of the vocabulary.

    Returns:
        Losses by name: "uniform", "unigram", "bigram", "trigram".
    """
    probabilities = ngram_probabilities(train, held_out, d_vocab)
    return {name: float(-np.log(probability).mean()) for name, probability in probabilities.items()}


def ngram_probabilities(
    train: Iterable[np.ndarray], held_out: Iterable[np.ndarray], d_vocab: int
) -> dict[str, np.ndarray]:
    """Return the probability of every predicted token of the held-out windows, [token], by name of the model."""
    counted, scored = _ngrams(train, d_vocab), _ngrams(held_out, d_vocab)
    unigram = _unigram(counted[0], scored[0], d_vocab)
    bigram = _interpolated(counted[1], scored[1], d_vocab, unigram)
    trigram = _interpolated(counted[2], scored[2], d_vocab, bigram)
    return {
        "uniform": np.full(len(unigram), 1 / d_vocab),
        "unigram": unigram,
        "bigram": bigram,
        "trigram": trigram,
    }


def ngram_distributions(train: Iterable[np.ndarray], before: np.ndarray, d_vocab: int) -> dict[str, np.ndarray]:
    """Return what n-gram models would predict at some places, over the whole vocabulary.

    Args:
        train: Training windows; they must not overlap.
        before: The two tokens before each place, [place, 2].
        d_vocab: Tokens of the vocabulary.

    Returns:
        Probabilities [place, d_vocab] by name: "unigram", "bigram", "trigram".
    """
    counted, base = _ngrams(train, d_vocab), d_vocab + 1
    tables = [_table(grams, base) for grams in counted[1:]]
    found: dict[str, list[np.ndarray]] = {"unigram": [], "bigram": [], "trigram": []}
    words = np.arange(d_vocab)
    unigram = _unigram(counted[0], words, d_vocab)
    for earlier, last in np.asarray(before, dtype=np.int64):
        two = last * base + words
        bigram = _scored(tables[0], two, base, unigram)
        found["unigram"].append(unigram)
        found["bigram"].append(bigram)
        found["trigram"].append(_scored(tables[1], earlier * base * base + two, base, bigram))
    return {name: np.stack(rows) for name, rows in found.items()}


def ngram_first_choices(train: Iterable[np.ndarray], held_out: Iterable[np.ndarray], d_vocab: int) -> np.ndarray:
    """Return whether each predicted token of the held-out windows is the interpolated trigram's likeliest, [token]."""
    counted, scored = _ngrams(train, d_vocab), _ngrams(held_out, d_vocab)
    base = d_vocab + 1
    counts = np.bincount(counted[0], minlength=d_vocab)
    token = np.full(len(scored[0]), int(counts.argmax()))
    best = _unigram(counted[0], token, d_vocab)
    for order in (1, 2):
        grams = np.unique(counted[order])
        shorter = _unigram(counted[0], grams % base, d_vocab)
        if order == 2:
            shorter = _interpolated(counted[1], grams % base**2, d_vocab, shorter)
        histories, following, likely = _likeliest(grams, _interpolated(counted[order], grams, d_vocab, shorter), base)
        wanted = scored[order] // base
        at = np.searchsorted(histories, wanted).clip(max=len(histories) - 1)
        known = histories[at] == wanted
        # The likeliest is one that followed the history, or else the likeliest after the shorter history.
        best = _interpolated(counted[order], wanted * base + token, d_vocab, best)
        better = known & (likely[at] > best)
        token, best = np.where(better, following[at], token), np.where(better, likely[at], best)
    first: np.ndarray = token == scored[0]
    return first


def _likeliest(grams: np.ndarray, probabilities: np.ndarray, base: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return every history, the likeliest of the tokens that followed it, and its probability."""
    order = np.lexsort((-probabilities, grams // base))
    histories = grams[order] // base
    first = np.r_[True, histories[1:] != histories[:-1]]
    return histories[first], grams[order][first] % base, probabilities[order][first]


def _ngrams(windows: Iterable[np.ndarray], d_vocab: int) -> list[np.ndarray]:
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
    return _scored(_table(counted, d_vocab + 1), scored, d_vocab + 1, shorter)


def _table(counted: np.ndarray, base: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Return what is known of n-grams: their codes and counts, contexts with their totals and kinds, the discount."""
    grams, counts = np.unique(counted, return_counts=True)
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    discount = float(once / (once + 2 * twice)) if once else 0.5
    contexts, where = np.unique(grams // base, return_inverse=True)
    return grams, counts, contexts, np.bincount(where, weights=counts), np.bincount(where), discount


def _scored(table: tuple[Any, ...], scored: np.ndarray, base: int, shorter: np.ndarray) -> np.ndarray:
    grams, counts, contexts, total, kinds, discount = table
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
