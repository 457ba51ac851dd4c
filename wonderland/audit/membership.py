"""Can one tell from the model who or what was in its training text? Membership, calibrated by a table of counts.

A message that was read has a lower loss, but so has any easy message. The score is therefore ℓ_ref − ℓ_model, where the
reference is an interpolated trigram counted on the half of the training conversations that the message is not in, so
that it never counted the message itself (held-out messages are scored by the mean of both halves). The *blind baseline*
is the reference alone: it knows the text and not the model, so what it already tells apart is a difference of texts,
not memory.

The AUC is the probability that a message that was read scores above one that was not; 0.5 is chance. Its interval
resamples conversations, those that were read and those that were not apart.

References: Carlini et al. 2022 (2112.03570) on calibration and the true-positive rate at few false ones; Das et al.
2024 (2406.16201) and Meeus et al. 2024 (2406.17975) on blind baselines.
What would fool it: a split by time, where new words look unread; and people who stand on one side only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wonderland.advice import Command, Hint
from wonderland.audit.forcing import Forced
from wonderland.errors import NotEnoughData
from wonderland.estimate import Estimate
from wonderland.lab.stats import sum_by_cluster
from wonderland.model.baselines import ngram_probabilities

__all__ = [
    "AT_ONCE",
    "auc",
    "auc_estimate",
    "aucs",
    "by_conversation",
    "calibrated",
    "reference_losses",
    "roc",
    "true_positives_at",
]

AT_ONCE = 64
"""Draws whose AUC is taken together: one takes 8 bytes for each message that was examined, a few times over."""


def reference_losses(
    rows: Sequence[Sequence[int]],
    conversation: np.ndarray,
    read: np.ndarray,
    d_vocab: int,
    seed: int = 0,
    chosen: np.ndarray | None = None,
) -> np.ndarray:
    """Return the trigram's mean loss of each message, counted without its conversation, [message], in nats a token.

    Args:
        rows: Tokens of each message, the speaker first.
        conversation: The conversation each is from.
        read: Whether the model was trained on it, bool.
        d_vocab: Tokens of the vocabulary.
        seed: Seed of the halves.
        chosen: Numbers of the messages to return, [chosen]; all, if None.

    Raises:
        NotEnoughData: Fewer than two conversations were read.
    """
    known = np.unique(conversation[read])
    if len(known) < 2:
        raise NotEnoughData(
            "The reference needs at least two training conversations.",
            hint=Hint("Read more messages, or split by conversation: ", Command("tokenize", by="conversation")),
        )
    dealt = np.random.default_rng(seed).permutation(known)
    half = np.isin(conversation, dealt[: len(dealt) // 2])
    arrays = [np.asarray(row, dtype=np.int64) for row in rows]
    chosen = np.arange(len(arrays)) if chosen is None else chosen
    scored = [arrays[i] for i in chosen]
    by_half = [
        _mean_losses([arrays[i] for i in np.flatnonzero(read & side)], scored, d_vocab) for side in (half, ~half)
    ]
    unread = (by_half[0] + by_half[1]) / 2
    found: np.ndarray = np.where(read[chosen], np.where(half[chosen], by_half[1], by_half[0]), unread)
    return found


def _mean_losses(counted: list[np.ndarray], scored: list[np.ndarray], d_vocab: int) -> np.ndarray:
    losses = -np.log(ngram_probabilities(counted, scored, d_vocab)["trigram"])
    lengths = np.array([max(len(row) - 1, 0) for row in scored])
    ends = np.cumsum(lengths)
    sums = np.concatenate([[0.0], np.cumsum(losses)])
    with np.errstate(invalid="ignore"):
        means: np.ndarray = (sums[ends] - sums[ends - lengths]) / lengths
    return means


def calibrated(forced: Forced, reference: np.ndarray) -> np.ndarray:
    """Return the membership score of each message: how much better the model does than the reference, in nats."""
    found: np.ndarray = reference - forced.mean_losses()
    return found


def auc(scores: np.ndarray, read: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the probability that one that was read scores above one that was not, ties counting half.

    Args:
        scores: [unit].
        read: [unit], bool.
        weights: How often each counts, [unit].
    """
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    read = np.asarray(read, dtype=bool)
    return float(aucs(scores, (weights * read)[None], (weights * ~read)[None])[0])


def aucs(scores: np.ndarray, read: np.ndarray, unread: np.ndarray) -> np.ndarray:
    """Return the same of several draws of the same units, which are sorted once, [draw]; NaN where a side is empty.

    Args:
        scores: [unit].
        read: How often each counts among those that were read, [draw, unit].
        unread: How often among those that were not, [draw, unit].
    """
    found = np.full(len(read), np.nan)
    if not len(scores):
        return found
    order = np.argsort(scores, kind="stable")
    alike = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], alike[1:] != alike[:-1]]))  # of those that score the same
    yes, no = (np.add.reduceat(side[:, order].astype(np.float64), starts, axis=1) for side in (read, unread))
    both = yes.sum(1) * no.sum(1)
    above = (yes * (np.cumsum(no, 1) - no / 2)).sum(1)
    np.divide(above, both, out=found, where=both > 0)
    return found


def auc_estimate(
    scores: np.ndarray, read: np.ndarray, conversation: np.ndarray, *, replicates: int = 500, seed: int = 0
) -> Estimate:
    """Return the AUC with its interval over conversations; chance is 0.5.

    Args:
        scores: Score of each unit, [unit].
        read: Whether it was read, [unit].
        conversation: The conversation it is from, [unit]; each its own where the units are conversations.
        replicates: Bootstrap replicates.
        seed: Seed of the resampling.
    """
    read, conversation = np.asarray(read, dtype=bool), np.asarray(conversation)
    labels, index = np.unique(conversation, return_inverse=True)
    is_read = sum_by_cluster(read, conversation) > 0
    generator = np.random.default_rng(seed)
    times = np.zeros((replicates, len(labels)))
    for row in times:
        for side in (np.flatnonzero(is_read), np.flatnonzero(~is_read)):
            if len(side):
                row += np.bincount(generator.choice(side, len(side)), minlength=len(labels))
    pieces = (piece[:, index] for piece in np.array_split(times, math.ceil(replicates / AT_ONCE)))
    drawn = np.concatenate([aucs(scores, piece * read, piece * ~read) for piece in pieces])
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Estimate(
        auc(scores, read), float(low), float(high), n=int(min(is_read.sum(), (~is_read).sum())), unit="AUC", chance=0.5
    )


def true_positives_at(scores: np.ndarray, read: np.ndarray, false_positives: float = 0.01) -> float:
    """Return the share of those read that score above all but ``false_positives`` of those not read."""
    read = np.asarray(read, dtype=bool)
    if not read.any() or read.all():
        return float("nan")
    line = np.quantile(scores[~read], 1 - false_positives)
    return float((scores[read] > line).mean())


def roc(scores: np.ndarray, read: np.ndarray, points: int = 101) -> np.ndarray:
    """Return the share of those read that score above the line, for each share of those not read, [points].

    Args:
        scores: [unit].
        read: [unit], bool.
        points: How many false-positive rates, evenly from 0 to 1.
    """
    read = np.asarray(read, dtype=bool)
    rates = np.linspace(0, 1, points)
    if not read.any() or read.all():
        return np.full(points, np.nan)
    unread = np.sort(scores[~read])[::-1]
    lines = unread[np.minimum((rates * len(unread)).astype(int), len(unread) - 1)]
    above = np.array([(scores[read] > line).mean() for line in lines])
    above[-1] = 1.0
    return above


def by_conversation(
    losses: np.ndarray, tokens: np.ndarray, conversation: np.ndarray, read: np.ndarray, least: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each conversation over its tokens, and whether it was read, for those of enough messages.

    Args:
        losses: Mean of each message, [message]; or several, [kind, message].
        tokens: How many tokens each has, [message].
        conversation: [message].
        read: [message].
        least: Fewest messages.
    """
    count = sum_by_cluster(np.ones(len(tokens)), conversation)
    enough = count >= least
    whole = sum_by_cluster(tokens, conversation)
    means = np.stack([sum_by_cluster(row * tokens, conversation) / whole for row in np.atleast_2d(losses)])
    was_read = sum_by_cluster(read, conversation) > 0
    return means[:, enough], was_read[enough]
