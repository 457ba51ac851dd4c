"""Directions of the residual stream that a live report's reader may steer along: named ones, stored by Python.

A result may supply some: an analysis whose result has a method ``live_directions()`` that returns them, as
(name, layer, vector) or (name, layer, vector, site). The vector is added, times what the slider says, at every position
of the text. It comes in its natural length: 1 on the slider adds the vector as it is.

What would fool it: a vector of another model. Its width and its numbers are checked; where it came from cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wonderland.errors import PluginError

__all__ = ["SITES", "Direction", "supplied"]

SITES = ("resid_pre", "attn_out", "mlp_out")
"""Where a direction can be added: before a layer, or to what its attention or its MLP writes."""


@dataclass(frozen=True)
class Direction:
    """A direction to steer along.

    Attributes:
        name: What the reader chooses it by.
        layer: The layer.
        vector: What 1 on the slider adds, [d_model].
        site: Where in the layer it is added.
    """

    name: str
    layer: int
    vector: np.ndarray
    site: str = "resid_pre"


def supplied(results: Mapping[str, Any], n_layers: int, d_model: int) -> list[Direction]:
    """Return the directions that results supply by ``live_directions()``.

    Raises:
        PluginError: One has another width, a number that is not finite, or a place that the model does not have.
    """
    found = []
    for analysis, result in results.items():
        for given in getattr(result, "live_directions", tuple)():
            name, layer, vector, *site = given
            one = Direction(str(name), int(layer), np.asarray(vector, dtype=np.float32), *site)
            fits = 0 <= one.layer < n_layers and one.site in SITES and one.vector.shape == (d_model,)
            if not fits or not np.isfinite(one.vector).all():
                raise PluginError(
                    f"The direction {one.name!r} of {analysis!r} does not fit the model: layer {one.layer} of "
                    f"{n_layers}, site {one.site!r}, shape {one.vector.shape} for a width of {d_model}.",
                    hint=f"Return (name, layer, vector) or (name, layer, vector, site); sites are {', '.join(SITES)}.",
                )
            found.append(one)
    return found
