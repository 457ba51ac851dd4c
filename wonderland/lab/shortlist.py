"""Shortlists of heads: those tried one at a time where there are too many to try all.

Trying every head alone takes a forward pass a head. So heads are first ranked by something cheap (a score of their
pattern, an estimate from gradients), and tried are the best and a random sample of the others. The sample is what keeps
the ranking honest: it says how large effects are where the ranking expected none, and how well rank and effect agree.

What would fool it: a ranking that cannot see what matters. A head of no rank is tried by luck only; what was not tried
has no number (NaN), which is not the number zero.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from wonderland.advice import Hint, Options
from wonderland.errors import UsageError

__all__ = ["drawn_apart", "layers_in", "shortlist"]

_SAMPLED = 0.25


def shortlist(
    score: NDArray[np.float64], most: int, *, layers: list[int] | None = None, seed: int = 0
) -> NDArray[np.bool_]:
    """Return which heads to try, [layer, head]; see `drawn_apart`, which also says which of them were drawn."""
    return drawn_apart(score, most, layers=layers, seed=seed)[0]


def drawn_apart(
    score: NDArray[np.float64], most: int, *, layers: list[int] | None = None, seed: int = 0
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which heads to try, and which of them were drawn at random, [layer, head] each.

    Args:
        score: What is expected of each, [layer, head]; NaN counts as least.
        most: How many to try; a quarter of them are drawn at random among those that the score leaves out.
        layers: Of these layers only; of all if None.
        seed: Seed of the sample.

    Raises:
        UsageError: There is nothing to try.
    """
    if most < 1:
        raise UsageError(f"{most} heads are none to try.", hint="At least 1.")
    allowed = np.ones(score.shape, dtype=bool)
    if layers is not None:
        allowed[:] = False
        allowed[layers] = True
    places = np.flatnonzero(allowed)
    drawn = np.zeros(score.size, dtype=bool)
    if len(places) <= most:
        return allowed, drawn.reshape(score.shape)
    sampled = int(most * _SAMPLED)
    order = places[np.argsort(-np.nan_to_num(score.ravel()[places], nan=-np.inf), kind="stable")]
    chosen, rest = order[: most - sampled], order[most - sampled :]
    drawn[np.random.default_rng((seed, 11)).choice(rest, sampled, replace=False)] = True
    tried = drawn.copy()
    tried[chosen] = True
    return tried.reshape(score.shape), drawn.reshape(score.shape)


def layers_in(text: str, n_layers: int | None = None) -> list[int] | None:
    """Return the layers of a text such as "0,2" or "2,5-7"; None for all, where it is empty.

    Args:
        text: Layers and ranges of layers, both ends included, with commas or blanks between them.
        n_layers: How many layers the model has; None before it is known.

    Raises:
        UsageError: It names something else, nothing, a range that goes backwards, or a layer that is not there.

    >>> layers_in("2, L5-7")
    [2, 5, 6, 7]
    """
    if not text.strip():
        return None
    found: set[int] = set()
    for word in re.split(r"\s*,\s*|\s+", text.strip()):
        range_ = re.fullmatch(r"L?([0-9]{1,4})(?:-L?([0-9]{1,4}))?", word)
        if range_ is None:
            raise UsageError(
                f"{word!r} is no layer and no range of layers.", hint=Hint("For example: ", Options(layers="2,5-7"))
            )
        first, last = int(range_[1]), int(range_[2] or range_[1])
        if last < first:
            raise UsageError(
                f"The range {word!r} goes backwards.", hint=Hint("For example: ", Options(layers=f"{last}-{first}"))
            )
        if n_layers is not None and last >= n_layers:
            raise UsageError(f"There is no layer {last} in this model.", hint=f"Layers: 0 to {n_layers - 1}.")
        found.update(range(first, last + 1))
    return sorted(found)
