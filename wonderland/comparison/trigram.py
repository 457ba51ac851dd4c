"""Trigrams that are counted many times over on parts of one text, so that hundreds of null draws take seconds.

Every n-gram of all messages is numbered once. Counting on a part is then one ``bincount``, and the probability of every
trigram that there is follows by array arithmetic. The model is that of `wonderland.model.baselines`: interpolated, with
absolute discounts taken from its own counts (Ney, Essen and Kneser 1994). Messages are read alone, each between two
separators, without a word on who speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Numbered", "numbered"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Numbered:
    """Every predicted token of some messages, with the numbers of the n-grams that end in it.

    Attributes:
        message: Number of the message, [token].
        word: The token itself, [token].
        trigram: Number of its trigram, [token].
        d_vocab: Tokens of the vocabulary.
    """

    message: Integers
    word: Integers
    trigram: Integers
    d_vocab: int
    _bigram: Integers
    _bigram_of: Integers  # of each trigram
    _context_of_trigram: Integers
    _context_of_bigram: Integers
    _word_of_bigram: Integers

    def log_probabilities(self, which: Integers) -> Floats:
        """Return the log-probability of every numbered trigram under a model counted on some of the tokens, [trigram].

        Args:
            which: Indices of the tokens to count.
        """
        counts = np.bincount(self.word[which], minlength=self.d_vocab).astype(np.float64)
        unigram = (counts + 1) / (counts.sum() + self.d_vocab)
        bigram = _interpolated(
            np.bincount(self._bigram[which], minlength=len(self._word_of_bigram)),
            self._context_of_bigram,
            unigram[self._word_of_bigram],
        )
        trigram = _interpolated(
            np.bincount(self.trigram[which], minlength=len(self._bigram_of)),
            self._context_of_trigram,
            bigram[self._bigram_of],
        )
        return np.asarray(np.log(trigram))


def _interpolated(counts: Integers, contexts: Integers, shorter: Floats) -> Floats:
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    discount = once / (once + 2 * twice) if once else 0.5
    total = np.bincount(contexts, weights=counts)[contexts]
    kinds = np.bincount(contexts, weights=counts > 0)[contexts]
    known = total > 0
    safe = np.where(known, total, 1)
    mixed = np.maximum(counts - discount, 0) / safe + discount * kinds / safe * shorter
    return np.where(known, mixed, shorter)


def numbered(messages: Sequence[Sequence[int]], separator: int, d_vocab: int) -> Numbered:
    """Number the n-grams of messages.

    Args:
        messages: Tokens of each message, without specials.
        separator: The token that stands before and after each.
        d_vocab: Tokens of the vocabulary.
    """
    lengths = np.array([len(one) + 1 for one in messages], dtype=np.int64)
    word = np.concatenate([[*one, separator] for one in messages]).astype(np.int64)
    starts = np.r_[0, np.cumsum(lengths)[:-1]]
    previous = np.r_[separator, word[:-1]]
    previous[starts] = separator
    earlier = np.r_[d_vocab, previous[:-1]]
    earlier[starts] = d_vocab  # nothing stands before the first separator
    base = d_vocab + 1
    pairs = previous * base + word
    bigrams, bigram = np.unique(pairs, return_inverse=True)
    trigrams, trigram = np.unique(earlier * base * base + pairs, return_inverse=True)
    _, context_of_trigram = np.unique(trigrams // base, return_inverse=True)
    _, context_of_bigram = np.unique(bigrams // base, return_inverse=True)
    return Numbered(
        np.repeat(np.arange(len(messages)), lengths),
        word,
        trigram.astype(np.int64),
        d_vocab,
        bigram.astype(np.int64),
        np.searchsorted(bigrams, trigrams % (base * base)),
        context_of_trigram.astype(np.int64),
        context_of_bigram.astype(np.int64),
        bigrams % base,
    )
