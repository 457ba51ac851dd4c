"""What results of latents have in common: what was found by layer, and shares of latents with an interval over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap

__all__ = ["by_layer", "share_of_latents"]


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
