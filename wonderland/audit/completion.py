"""How many messages does the model give back word for word, and is that more than it gives of what it never read?

Three ways of asking, from one pass with the right tokens given (`wonderland.audit.forcing`):

- *Greedy completion*: all tokens from the k-th on are the model's first choice. It is what decoding at temperature 0
  gives.
- *(n, p)-discoverable*: sampling gives the rest at least once in n tries with probability p (2410.19482).
- *Near-verbatim*: what greedy decoding says differs from the message by at most a tenth of its tokens (2603.24917).

A hit counts for little by itself: common phrases are completed by anybody. So each number stands beside the same of
messages that were held out, of a table of counts that has not read the conversation, and of an untrained model; and the
test is one-sided Fisher's, of training against held-out messages.

What would fool it: messages that many people wrote in the same words. They are hits wherever they stand; how many
messages, conversations and people hold the text of a hit (it is *k-eidetic*, 2012.07805) is counted beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wonderland.audit.messages import Messages
from wonderland.audit.sampling import continue_rows
from wonderland.estimate import Estimate
from wonderland.lab.stats import cluster_bootstrap

__all__ = ["TRIES", "discoverable", "edit_distance", "eidetic", "more_than_held_out", "near_verbatim", "share"]

TRIES = np.array([1, 10, 100, 1_000, 10_000, 100_000, 1_000_000])
"""Tries for which (n, p)-discoverable messages are counted."""
_CLOSE = 0.1


def share(hits: np.ndarray, conversation: np.ndarray, *, seed: int = 0) -> Estimate:
    """Return the share of messages that are hits, those of NaN left out.

    The interval is the wider one, at each end, of a bootstrap over conversations and of Clopper and Pearson's: a
    bootstrap of no hits at all would say that there can be none.
    """
    from scipy.stats import beta

    told = ~np.isnan(hits)
    if not told.any():
        return Estimate.missing(unit="share of messages")
    one = cluster_bootstrap(hits[told], np.ones(told.sum()), conversation[told], unit="share of messages", seed=seed)
    n, k = int(told.sum()), int(hits[told].sum())
    low = 0.0 if k == 0 else float(beta.ppf(0.025, k, n - k + 1))
    high = 1.0 if k == n else float(beta.ppf(0.975, k + 1, n - k))
    return Estimate(
        k / n,
        min(float(one.low), low),
        max(float(one.high), high),
        n=one.n,
        unit=one.unit,
        resampled_over=one.resampled_over,
    )


def more_than_held_out(training: np.ndarray, held_out: np.ndarray) -> float:
    """Return p of Fisher's exact test, one-sided: that training messages are completed more often than held-out ones.

    Args:
        training: Whether each was completed, NaN for those too short, [message].
        held_out: The same of those never read.
    """
    from scipy.stats import fisher_exact

    counts = []
    for hits in (training, held_out):
        told = hits[~np.isnan(hits)]
        counts.append([int(told.sum()), int(len(told) - told.sum())])
    return float(fisher_exact(np.array(counts), alternative="greater").pvalue)


def discoverable(probability: np.ndarray, conversation: np.ndarray, p: float = 0.9, *, seed: int = 0) -> Estimate:
    """Return the share of messages whose rest comes up with probability p within n tries, [n] for n in `TRIES`."""
    told = ~np.isnan(probability)
    with np.errstate(divide="ignore"):
        within = -np.expm1(TRIES * np.log1p(-np.clip(probability[told], 0, 1 - 1e-12))[:, None])
    hits = (within >= p).astype(float)
    each = [share(hits[:, n], conversation[told], seed=seed) for n in range(len(TRIES))]
    return Estimate.stacked(each, dims=("tries",))


def eidetic(messages: Messages, hits: np.ndarray) -> list[dict[str, Any]]:
    """Count messages that are hits by how many training messages hold their text word for word.

    Returns:
        A row for each class: how many training messages hold it, how many hits, and the most conversations and the
        fewest people that one of them is held by.
    """
    holds: dict[str, list[int]] = {}
    wanted = {messages.texts[i] for i in hits.tolist()}
    for i in np.flatnonzero(messages.read).tolist():
        if messages.texts[i] in wanted:
            holds.setdefault(messages.texts[i], []).append(i)
    rows = []
    for label, least, most in (("once", 1, 1), ("2 to 9 times", 2, 9), ("10 times or more", 10, 10**9)):
        some = [
            where for where in (holds.get(messages.texts[i], []) for i in hits.tolist()) if least <= len(where) <= most
        ]
        rows.append(
            {
                "said": label,
                "hits": len(some),
                "conversations": max((len({*messages.conversation[w].tolist()}) for w in some), default=0),
                "people": min((len({*messages.sender[w].tolist()}) for w in some), default=0),
            }
        )
    return rows


def near_verbatim(
    model: Any, rows: Sequence[Sequence[int]], probability: np.ndarray, count: int, prompt: int
) -> tuple[int, int]:
    """Let greedy decoding continue the messages likeliest to be given back; return how many come close, of how many.

    Args:
        model: The model.
        rows: Tokens of each message, the speaker first; each fits the context.
        probability: That sampling gives the rest of each; NaN for those too short.
        count: How many of the likeliest to try.
        prompt: How many tokens after the speaker are given.
    """
    known = np.flatnonzero(~np.isnan(probability))
    chosen = known[np.argsort(-probability[known], kind="stable")][:count].tolist()
    rests = [list(rows[i][1 + prompt :]) for i in chosen]
    told = continue_rows(model, [list(rows[i][: 1 + prompt]) for i in chosen], [len(rest) for rest in rests])
    close = sum(edit_distance(a, b) <= _CLOSE * len(b) for a, b in zip(told, rests, strict=True))
    return close, len(chosen)


def edit_distance(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens must be put in, taken out or exchanged to make the one the other (Levenshtein)."""
    before = np.arange(len(other) + 1)
    values = np.asarray(other)
    for i, token in enumerate(one, 1):
        best = np.minimum(before[1:] + 1, before[:-1] + (values != token)) if len(other) else np.zeros(0, dtype=int)
        row = np.r_[i, best]
        # An insertion costs one a place: the least of what stands to the left, plus the way from there.
        before = np.minimum.accumulate(row - np.arange(len(row))) + np.arange(len(row))
    return int(before[-1])
