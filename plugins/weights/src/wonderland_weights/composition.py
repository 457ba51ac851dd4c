"""Which heads read what an earlier head writes? Q, K and V composition of every pair, against chance.

See `composition_scores` for the formulas. Each pair's ratio stands beside the same ratio under random rotations between
the two heads that keep both spectra: its z, its one-sided p = (1 + #{rotated ≥ found}) / (1 + rotations), and q over
all pairs and kinds (Benjamini and Hochberg). Scaled by √d, d the dimensions there are (``d_effective`` in
``wonderland.lab.weights``), the ratio is 1 by chance in the mean square: a score over 1 does not come from the width.
A head of norm zero has no ratio: NaN, never a number.

Cost: (pairs) · d_model · d_head², and ``rotations`` QR decompositions, d_model · d_head² each: half a minute for 8 × 8
heads of 64 in 512 dimensions.

What would fool it: training turns all heads towards the few directions that matter (those of frequent tokens, of
positions), and then everything composes with everything a little, truly, but without any circuit; so look at how far
over chance, not only whether. A high ratio says that a head could read another, not that on any text it does: patch
the path. Queries that come from a bias alone read nothing and are invisible here.

Reference: Elhage et al. 2021, A Mathematical Framework for Transformer Circuits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.errors import Unsupported
from wonderland.lab.stats import benjamini_hochberg
from wonderland.lab.weights import fold
from wonderland_weights.composition_result import CompositionResult
from wonderland_weights.composition_scores import KINDS, ratios, rotated, sides
from wonderland_weights.low_rank import corners, svd

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth


@dataclass(frozen=True)
class Composition:
    """Which heads read what an earlier head writes? Q, K and V composition, each pair against its own rotations."""

    name: ClassVar[str] = "composition"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ("weights",)
    no_choices: ClassVar[str] = (
        "Weights are no sample: each pair is measured exactly, and named by a p against rotations of "
        "it that is corrected for the number of pairs."
    )

    rotations: Annotated[int, "random rotations in the null; no p is below 1 / (1 + rotations)"] = 10_000
    level: Annotated[float, "false-discovery rate below which a composition is called beyond chance"] = 0.05
    seed: Annotated[int, "seed of the rotations"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_weights import truths

        return truths.composition()

    def run(self, specimen: wl.Specimen) -> CompositionResult:
        """Compare every pair of heads with its rotations."""
        weights = fold(specimen.model)
        if weights.rotary:
            raise Unsupported(
                "It turns queries and keys by their positions, so no one matrix says which queries meet which keys.",
                hint="ov-circuits reads values and outputs, which are not turned.",
            )
        OV = svd(weights.W_V, weights.W_O)
        QK = svd(weights.W_Q, np.swapaxes(weights.W_K, -1, -2))
        layers, heads, k = OV.values.shape
        total = layers * heads
        names = ("ratio", "mean", "deviation", "low", "high", "p")
        found = {name: np.full((len(KINDS), total, total), np.nan) for name in names}
        random = np.random.default_rng(self.seed)
        turned = corners(self.rotations, k, room=weights.d_effective, random=random)
        writes, shares = OV.writes.reshape(total, -1, k), OV.shares.reshape(total, k)
        for layer in range(1, layers):
            before, here = slice(layer * heads), slice(layer * heads, (layer + 1) * heads)
            for number, kind in enumerate(KINDS):
                reads, others = (part[layer] for part in sides(OV, QK)[kind])
                ratio = ratios(writes[before], shares[before], reads, others)
                null = rotated(shares[before], others, turned)
                at = (number, before, here)
                found["ratio"][at] = ratio
                found["mean"][at], found["deviation"][at] = null.mean(0), null.std(0)
                found["low"][at], found["high"][at] = np.quantile(null, [0.025, 0.975], axis=0)
                exceeding = (1 + (null >= ratio - 1e-12).sum(0)) / (1 + self.rotations)
                found["p"][at] = np.where(np.isfinite(ratio), exceeding, np.nan)
        scale = math.sqrt(weights.d_effective)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(found["deviation"] > 1e-12, (found["ratio"] - found["mean"]) / found["deviation"], np.nan)
        return CompositionResult(
            ratio=found["ratio"],
            scaled=found["ratio"] * scale,
            mean=found["mean"] * scale,
            low=found["low"] * scale,
            high=found["high"] * scale,
            z=z,
            p=found["p"],
            q=benjamini_hochberg(found["p"]),
            n_heads=heads,
            room=weights.d_effective,
            rotations=self.rotations,
            level=self.level,
            nothing={
                circuit: [str(Head(layer, head)) for layer, head in np.argwhere(~spectrum.values.any(-1))]
                for circuit, spectrum in (("OV", OV), ("QK", QK))
            },
        )
