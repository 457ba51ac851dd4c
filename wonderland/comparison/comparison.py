"""Two or more sides of messages compared: each pair's D with its null, and the words that make it.

One tokenizer is trained on all of the messages, speaker tokens are hidden, and nothing but counts is kept: no model of
a side, which for a contact would be an identity card, is ever written anywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from wonderland.comparison.comparison_result import Comparison
from wonderland.comparison.divergence import FREQUENT, Divergence, divergence
from wonderland.comparison.sides import Sides
from wonderland.comparison.trigram import numbered
from wonderland.estimate import Estimate
from wonderland.lab.stats import benjamini_hochberg
from wonderland.tokenizer import SEP, SPECIALS, SpeakerTokenizer

__all__ = ["Comparison", "compare"]

_LISTED = 60


def compare(
    sides: Sides,
    *,
    vocab_size: int = 4096,
    permutations: int = 199,
    halvings: int = 2,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare all sides with each other.

    Args:
        sides: The messages, from `wonderland.comparison.sides`.
        vocab_size: Tokens of the tokenizer that is trained on all of them.
        permutations: Null draws of each pair.
        halvings: Ways in which the units are halved.
        seed: Seed of all.
        on_progress: Called with (draws done, all).
    """
    tokenizer = SpeakerTokenizer.train(sides.texts, vocab_size)
    pairs = list(itertools.combinations(range(len(sides.names)), 2))
    found: list[Divergence] = []
    frequent = _most_frequent(tokenizer.encode_messages(list(sides.texts)), tokenizer)
    for number, (a, b) in enumerate(pairs):
        two = sides.pair(a, b)
        messages = [[token for token in one if token >= len(SPECIALS)] for one in tokenizer.encode_messages(two.texts)]
        tokens = numbered(messages, SEP, tokenizer.vocab_size)
        done = number * permutations

        def tell(draws: int, _: int, before: int = done) -> None:
            if on_progress:
                on_progress(before + draws, permutations * len(pairs))

        found.append(
            divergence(two, tokens, frequent, permutations=permutations, halvings=halvings, seed=seed, on_progress=tell)
        )
    first = found[0]
    most = np.argsort(-first.shares, kind="stable")[:_LISTED]
    most = most[first.shares[most] > 0]
    p = np.array([one.p for one in found])
    return Comparison(
        names=list(sides.names),
        kind=sides.kind,
        of=sides.of,
        messages=np.bincount(sides.side, minlength=len(sides.names)),
        pairs=[list(pair) for pair in pairs],
        d=Estimate.stacked([one.total for one in found], dims=("pair",)),
        p=p,
        q=benjamini_hochberg(p),
        null=np.stack([one.null for one in found]),
        frequent=Estimate.stacked([one.frequent for one in found], dims=("pair",)),
        frequent_p=np.array([one.frequent_p for one in found]),
        cross=np.stack([one.cross for one in found]),
        counted=np.array([one.counted for one in found]),
        words=tokenizer.pieces([int(token) for token in most]),
        shares=first.shares[most],
        shares_p=first.shares_p[most],
        months=first.months,
        by_month=first.by_month,
        left_out=dict(sides.left_out),
    )


def _most_frequent(messages: Sequence[Sequence[int]], tokenizer: SpeakerTokenizer) -> NDArray[np.bool_]:
    """Return which tokens are among the most frequent that have a letter, [token]."""
    counts = np.bincount(np.concatenate([np.asarray(one, dtype=np.int64) for one in messages]))
    found: NDArray[np.bool_] = np.zeros(tokenizer.vocab_size, dtype=bool)
    for token in np.argsort(-counts, kind="stable"):
        if counts[token] and any(c.isalpha() for c in tokenizer.pieces([int(token)])[0]) and token >= len(SPECIALS):
            found[token] = True
        if found.sum() >= FREQUENT:
            break
    return found
