"""Is there one unit for what we know of each place, and how far is it from everything the stream knows?

For each known label the unit that ranks places best (AUROC, in either direction) is chosen on training text and
measured on held-out text: among latents, neurons, random directions and principal components, beside a linear probe on
all dimensions. One latent means something where it is ahead of the others; where random directions do as well, the
token itself says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.tokenizer import SPECIALS
from wonderland_sparse.activations import auroc
from wonderland_sparse.labels import Labels
from wonderland_sparse.streams import Stream

__all__ = ["known", "ranked"]

_MOST = 15_000  # places to choose on
_LEAST = 30  # places a label must have on either side
_REPLICATES = 300


def known(
    subjects: Mapping[str, tuple[np.ndarray, np.ndarray]],
    labels: list[Labels],
    streams: tuple[Stream, Stream],
    seed: int = 0,
) -> dict[str, dict[str, wl.Estimate]]:
    """Return the AUROC of the best unit of each kind, by label and kind; "number" is which unit it was.

    Args:
        subjects: Values on both texts by kind of unit, [place, unit] each.
        labels: Labels of both texts.
        streams: Streams of both texts.
        seed: Seed of what is sampled.
    """
    found: dict[str, dict[str, wl.Estimate]] = {}
    asked = [_asked(one, of.places.tokens) for one, of in zip(labels, streams, strict=True)]
    for name in asked[0]:
        (among, is_there), (held_among, held_there) = (one[name] for one in asked)
        if min(is_there.sum(), (~is_there).sum(), held_there.sum(), (~held_there).sum()) < _LEAST:
            continue
        some = np.sort(np.random.default_rng(seed).permutation(len(among))[:_MOST])
        rows, there = among[some], is_there[some]
        conversation = streams[1].places.conversation[held_among]
        found[name] = {}
        for kind, (first, second) in subjects.items():
            scores = auroc(first[rows], there)
            best = int(np.nanargmax(np.abs(scores - 0.5)))
            sign = 1 if scores[best] >= 0.5 else -1
            found[name][kind] = ranked(sign * second[held_among, best], held_there, conversation, seed)
            if kind == "latent":
                found[name]["number"] = wl.Estimate(best, best, best, n=1, unit="latent", resampled_over="models")
        first, second = (of.x.float().numpy() for of in streams)
        probe = _probe(first[rows], there)
        found[name]["all dimensions"] = ranked(second[held_among] @ probe, held_there, conversation, seed)
    return found


def _asked(labels: Labels, tokens: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return where each known label is asked for, and whether it is there."""
    words = np.flatnonzero(tokens >= len(SPECIALS))
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    if "speaker" in labels.of:
        found["me speaks"] = (words, labels.of["speaker"][words] == 0)
        before = words[labels.of["question"][words] != 1]
        found["a question mark will come"] = (before, labels.of["question"][before] == 0)
    return found


def _probe(x: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return the direction of a linear probe, by ridge regression."""
    centred = x - x.mean(0)
    gram = centred.T @ centred
    gram[np.diag_indices_from(gram)] += 1e-3 * np.trace(gram) / len(gram)
    return np.asarray(np.linalg.solve(gram, centred.T @ (there - there.mean())))


def ranked(values: np.ndarray, there: np.ndarray, conversation: np.ndarray, seed: int = 0) -> wl.Estimate:
    """Return an AUROC with its interval over conversations.

    Args:
        values: [place].
        there: Whether the label is there, [place].
        conversation: Of each place.
        seed: Seed of the resampling.
    """
    _, index = np.unique(conversation, return_inverse=True)
    n = int(index.max()) + 1
    levels, level = np.unique(values, return_inverse=True)

    def of(weights: np.ndarray) -> float:
        positive, negative = (np.bincount(level, weights * side, len(levels)) for side in (there, ~there))
        below = np.cumsum(negative) - 0.5 * negative
        total: Any = positive.sum() * negative.sum()
        return float((positive * below).sum() / total) if total > 0 else float("nan")

    random = np.random.default_rng(seed)
    drawn = random.multinomial(n, np.full(n, 1 / n), size=_REPLICATES)
    low, high = np.nanquantile([of(one[index].astype(float)) for one in drawn], [0.025, 0.975])
    return wl.Estimate(of(np.ones(len(values))), low, high, n=n, unit="AUROC", chance=0.5)
