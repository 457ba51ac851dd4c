"""Directions of the residual stream that a live report's reader may steer along: named ones, stored by Python.

A result may supply some: an analysis whose result has a method ``live_directions()`` that returns them, as
(name, layer, vector), (name, layer, vector, site) or (name, layer, vector, site, reading). The vector is added, times
what the slider says, at every position of the text. It comes in its natural length: 1 on the slider adds the vector as
it is. A `Reading` says how much of it is there already: then the page shows where it fires on what is typed, and can
take it out.

What would fool it: a vector of another model. Its width and its numbers are checked; where it came from cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wonderland.errors import PluginError

__all__ = ["SITES", "Direction", "Reading", "supplied"]

SITES = ("resid_pre", "attn_out", "mlp_out")
"""Where a direction can be added: before a layer, or to what its attention or its MLP writes."""


@dataclass(frozen=True)
class Reading:
    """How much of a direction is in the stream where it is added: a latent of a dictionary, as its encoder reads it.

    Attributes:
        encoder: What the stream is multiplied with, [d_model].
        bias: What is added.
        threshold: What the sum must be over; else it is 0.
        length: Length of the direction's vector: an activation of so much is the vector as it is.
        tokens: What each token adds, [d_vocab]; nothing if None.
    """

    encoder: np.ndarray
    bias: float
    threshold: float
    length: float
    tokens: np.ndarray | None = None

    def fits(self, d_model: int, d_vocab: int | None) -> bool:
        """Whether it is of a model of this width and vocabulary, and all its numbers are finite."""
        parts = [self.encoder, np.array([self.bias, self.threshold, self.length])]
        sizes = np.shape(self.encoder) == (d_model,) and self.length > 0
        if self.tokens is not None:
            parts.append(self.tokens)
            sizes = sizes and np.shape(self.tokens) == (d_vocab or len(self.tokens),)
        return bool(sizes and all(np.isfinite(part).all() for part in parts))

    def to_page(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        told = {
            "encoder": np.asarray(self.encoder, np.float32),
            "numbers": np.array([self.bias, self.threshold, self.length], np.float32),
        }
        return told if self.tokens is None else {**told, "tokens": np.asarray(self.tokens, np.float32)}


@dataclass(frozen=True)
class Direction:
    """A direction to steer along.

    Attributes:
        name: What the reader chooses it by.
        layer: The layer.
        vector: What 1 on the slider adds, [d_model].
        site: Where in the layer it is added.
        reads: How much of it is there already, if that is known.
    """

    name: str
    layer: int
    vector: np.ndarray
    site: str = "resid_pre"
    reads: Reading | None = None

    def to_page(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        told = {"name": self.name, "layer": self.layer, "site": self.site, "vector": self.vector}
        return told if self.reads is None else {**told, "reads": self.reads.to_page()}


def supplied(results: Mapping[str, Any], n_layers: int, d_model: int, d_vocab: int | None = None) -> list[Direction]:
    """Return the directions that results supply by ``live_directions()``.

    Args:
        results: Results by the name of their analysis.
        n_layers: Layers of the model.
        d_model: Width of its stream.
        d_vocab: Tokens of its vocabulary.

    Raises:
        PluginError: One has another width, a number that is not finite, or a place that the model does not have.
    """
    found = []
    for analysis, result in results.items():
        for given in getattr(result, "live_directions", tuple)():
            name, layer, vector, *site = given
            one = Direction(str(name), int(layer), np.asarray(vector, dtype=np.float32), *site)
            fits = 0 <= one.layer < n_layers and one.site in SITES and one.vector.shape == (d_model,)
            fits = fits and (one.reads is None or one.reads.fits(d_model, d_vocab))
            if not fits or not np.isfinite(one.vector).all():
                raise PluginError(
                    f"The direction {one.name!r} of {analysis!r} does not fit the model: layer {one.layer} of "
                    f"{n_layers}, site {one.site!r}, shape {one.vector.shape} for a width of {d_model}.",
                    hint=f"Return (name, layer, vector) or (name, layer, vector, site); sites are {', '.join(SITES)}.",
                )
            found.append(one)
    return found
