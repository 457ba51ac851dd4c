"""What came of comparing layers between seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.views import Block, Key, Matrix, Row, Series, Wording, bounds, counted, digits, percent

__all__ = ["LayerSimilarityResult"]


@dataclass(frozen=True)
class LayerSimilarityResult(wl.Result):
    """Likeness of layers.

    Attributes:
        members: Names of the models.
        layers: Layers of each.
        cka: Debiased linear CKA, [member × layer, member × layer]; its chance level is that of rows in another order.
        anchored: How often a token finds itself in the embedding of another seed by its cosines to anchors.
        tokens: Tokens that were asked.
    """

    members: list[str]
    layers: int
    cka: wl.Estimate
    anchored: wl.Estimate
    tokens: int

    def _between(self) -> np.ndarray:
        """Return CKA of different members, [pair, layer, layer]."""
        n = len(self.members)
        grid = np.asarray(self.cka.value).reshape(n, self.layers, n, self.layers)
        return np.stack([grid[a, :, b] for a in range(n) for b in range(n) if a != b])

    @property
    def same_layer(self) -> float:
        """Mean over layers and pairs of members of a layer with the same layer of another seed."""
        same = np.diagonal(self._between(), axis1=1, axis2=2)
        return float(np.nanmean(same)) if np.isfinite(same).any() else float("nan")

    @property
    def other_layer(self) -> float:
        """The same with other layers; NaN for one layer."""
        if self.layers < 2:
            return float("nan")
        return float(np.nanmean(self._between()[:, ~np.eye(self.layers, dtype=bool)]))

    @property
    def found_again(self) -> float:
        """Share of layers whose most similar layer in another seed is the same one."""
        return float(np.mean(self._between().argmax(2) == np.arange(self.layers)))

    def claims(self) -> dict[str, wl.Estimate]:
        return {}

    def _weakest(self) -> tuple[float, float]:
        n = len(self.members)
        low = np.asarray(self.cka.low).reshape(n, self.layers, n, self.layers)
        chance = np.asarray(self.cka.chance).reshape(n, self.layers, n, self.layers)
        at = [(a, layer, b, layer) for a in range(n) for b in range(n) if a != b for layer in range(self.layers)]
        return min(float(low[i]) for i in at), max(float(chance[i]) for i in at)

    def summary(self) -> str:
        lines = [self._claim()]
        if self.anchored.n:
            lines.append(
                f"{percent(self.anchored.value)} of {self.tokens} tokens find themselves in the embedding of another "
                f"seed {bounds(self.anchored) or '[no interval]'} (chance "
                f"{percent(self.anchored.chance)})."
            )
        return "\n".join(lines)

    def _claim(self) -> str:
        if not np.isfinite(self.same_layer):
            return "Layers cannot be compared: a residual stream does not vary between conversations."
        other = "" if self.layers < 2 else f", to another layer {digits(self.other_layer)}"
        before = ""
        if isinstance(self.control, LayerSimilarityResult):
            before = f"; untrained models: {digits(self.control.same_layer)}"
        low, chance = self._weakest()
        return (
            f"Between seeds a layer's CKA to the same layer is {digits(self.same_layer)} on average{other}; the lowest "
            f"end of an interval is {digits(low)} (n={self.cka.over}; rows in another order give at most "
            f"{digits(chance)}{before}). {percent(self.found_again)} of layers are most like the same layer."
        )

    def findings(self) -> Sequence[wl.Finding]:
        if not np.isfinite(self.same_layer):
            return [wl.Finding(self._claim(), "layer-similarity", (), "anecdotal", "description")]
        low, chance = self._weakest()
        trust: Any = "solid" if low > chance and self.cka.trusted else "weak"
        kind: Any = "effect" if low > chance else "null"
        return [wl.Finding(self._claim(), "layer-similarity", (), trust, kind)]

    def cards(self) -> Mapping[Any, Sequence[Block]]:
        """Return of each model how like its layers are to the same layer of the others, on average."""
        n = len(self.members)
        grid = np.asarray(self.cka.value).reshape(n, self.layers, n, self.layers)
        found: dict[Any, Sequence[Block]] = {}
        for a, member in enumerate(self.members):
            alike = [grid[a, layer, b, layer] for b in range(n) if b != a for layer in range(self.layers)]
            known = [value for value in alike if np.isfinite(value)]
            told = f"{digits(float(np.mean(known)))}, n={counted(len(known), 'pair')} of layers" if known else "unknown"
            row = Row("CKA of its layers to the same layer of the other models, mean", Wording(told))
            found[Key.spelled("model", member)] = [Block(rows=[row])]
        return found

    def views(self) -> Sequence[wl.View]:
        keys = [Key.spelled("model", member) for member in self.members for _ in range(self.layers)]
        names = [Wording(f"{member} L{layer}") for member in self.members for layer in range(self.layers)]
        seen = replace(self.cka, dims=())
        series = [Series(Wording("trained"), seen, scale="linear", domain=[0, 1])]
        if isinstance(self.control, LayerSimilarityResult):
            series.append(
                Series(Wording("untrained"), replace(self.control.cka, dims=()), scale="linear", domain=[0, 1])
            )
        return [
            wl.View(
                "layer-similarity",
                "Layer similarity (CKA)",
                Matrix(names, names, series, links="row", shared=True, keys=keys),
                subtitle="Do layers of different training runs hold the same?",
                caption="Debiased linear CKA of the residual stream after each layer; 95% jackknife interval over "
                f"n={self.cka.over}. Chance is the same with the rows of one of the two in another order.",
                how_to_read="Each block compares two training runs. If layers do the same in both, its diagonal "
                "is higher than the rest of the block. 1 is the same up to rotation and scale. A click selects the "
                "model of the row.",
                misleads="A few directions of large variance make any two layers alike: compare the diagonal of a "
                "block with the rest of it, and with untrained models.",
                order=9,
            )
        ]
