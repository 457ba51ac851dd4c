"""What results of latents have in common: what was found by layer, shares of latents, how numbers are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import wonderland as wl
from wonderland.counted import formatted
from wonderland.lab.stats import cluster_bootstrap

__all__ = ["by_layer", "in_words", "measured", "nats", "share_of_latents"]


def by_layer(found: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return what was found under a name, by the layer's name, such as "L2"."""
    return {f"L{one['layer']}": one[name] for one in found}


def share_of_latents(good: ArrayLike, chance: float | None = None, of: str = "latents") -> wl.Estimate:
    """Return the share of latents of which something is so, with an interval over latents; missing if there are none.

    Args:
        good: Whether it is so, [latent].
        chance: The share by chance.
        of: What they are, if no latents.
    """
    values = np.asarray(good)
    about: dict[str, Any] = {"unit": f"share of {of}", "resampled_over": of, "chance": chance}
    if not len(values):
        return wl.Estimate.missing(**about)
    return cluster_bootstrap(values, np.ones(len(values)), np.arange(len(values)), **about)


def measured(*numbers: Any) -> bool:
    """Whether all of some numbers or estimates are there; what was not measured is NaN."""
    return all(bool(np.isfinite(getattr(one, "value", one)).all()) for one in numbers)


def in_words(number: Any, form: str) -> str:
    """Return a number in a format such as ".3f", below 0 with a minus sign; "unknown" if it was not measured.

    >>> in_words(-0.0109, ".3f"), in_words(-0.0001, ".3f"), in_words(float("nan"), ".3f")
    ('−0.011', '0.000', 'unknown')
    """
    return formatted(float(number), form) if measured(number) else "unknown"


def nats(number: Any) -> str:
    """Return a number of nats as sentences have it."""
    return in_words(number, ".3f")
