"""What is measured of latents, layer by layer; how it is told and shown is `FeaturesResult`'s and `features_views`'."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap

__all__ = ["CONTEXTUAL", "GOOD", "MeasuredFeatures"]

GOOD = 0.5
"""F1 from which on a latent counts as explained."""
CONTEXTUAL = 0.3
"""Token share under which it counts as contextual."""


@dataclass(frozen=True)
class MeasuredFeatures(wl.Result):
    """Latents of some layers, what they fire for and what they do.

    Attributes:
        layers: The layers.
        shared: Whether the stream is the same in all layers, so that one of them stands for all.
        tokens: "subtract" if the dictionaries are of the stream less the mean of each token.
        latents: Of each dictionary.
        conversations: Held-out conversations everything is measured on.
        arrays: By layer and name, [latent]: stability, density, share (η² of the token), f1, precision, recall, chosen
            (F1 where the label was chosen), contextual (F1 of the best contextual label), "contextual chosen", coming
            (F1 of the token that follows), shown; and "asked", the latents whose effect was measured, with "null" and
            "held null", the ratios of other latents, and "solid".
        effects: By layer, ratio of the probability of promoted tokens without a latent, [latent asked for].
        held: By layer, that ratio with a latent held high where it does not fire, [latent asked for].
        explanations: By layer, the label of each latent.
        contextual: By layer, its best contextual label.
        coming: By layer, the token that follows best.
        nulls: By layer and what, F1 of other units: rolled firing, random directions, neurons.
        known: By layer, label and kind of unit, AUROC of the best unit.
        explained: Share of latents that fire with F1 of 0.5 and more, [layer]; chance is that of rolled firing.
        contextually: The same of contextual labels, of latents whose token share is under 0.3, [layer].
        cards: What is shown of some latents.
        examples: By layer, windows shaded by some latents; "shading" by which.
        shading: By layer, those latents.
        live: By layer, what a live report needs of the first latents.
    """

    layers: list[int]
    shared: bool
    tokens: str
    latents: int
    conversations: int
    arrays: dict[str, dict[str, np.ndarray]]
    effects: dict[str, wl.Estimate]
    held: dict[str, wl.Estimate]
    explanations: dict[str, list[Any]]
    contextual: dict[str, list[Any]]
    coming: dict[str, list[Any]]
    nulls: dict[str, dict[str, np.ndarray]]
    known: dict[str, dict[str, dict[str, wl.Estimate]]]
    explained: wl.Estimate
    contextually: wl.Estimate
    cards_: list[dict[str, Any]]
    examples: dict[str, list[dict[str, Any]]]
    shading: dict[str, list[int]]
    live: dict[str, list[dict[str, Any]]]

    @classmethod
    def of(cls, parts: Sequence[dict[str, Any]], **about: Any) -> Self:
        """Put what was found in each layer together."""

        def by(name: str) -> dict[str, Any]:
            return {f"L{part['layer']}": part[name] for part in parts}

        def share(values: Any, chance: Any) -> wl.Estimate:
            found = []
            for part in parts:
                one = values(part["arrays"])
                number, ones = np.arange(len(one)), np.ones(len(one))
                level = chance(part)
                if not len(one):
                    found.append(wl.Estimate.missing(chance=level, resampled_over="latents"))
                    continue
                found.append(cluster_bootstrap(one, ones, number, resampled_over="latents", chance=level))
            stacked = wl.Estimate.stacked(found, dims=("layer",))
            return dataclasses.replace(stacked, labels={"layer": tuple(by("layer"))})

        def good(f1: np.ndarray) -> np.ndarray:
            return np.asarray(np.nan_to_num(f1) >= GOOD)

        return cls(
            layers=[part["layer"] for part in parts],
            conversations=parts[0]["conversations"],
            arrays=by("arrays"),
            effects=by("effects"),
            held=by("held"),
            explanations=by("explanations"),
            contextual=by("contextual explanations"),
            coming=by("coming explanations"),
            nulls=by("nulls"),
            known=by("known"),
            explained=share(
                lambda a: good(a["f1"][a["density"] > 0]),
                lambda part: (
                    float(good(part["nulls"]["rolled firing"][part["arrays"]["density"] > 0]).mean())
                    if (part["arrays"]["density"] > 0).any()
                    else 0.0
                ),
            ),
            contextually=share(
                lambda a: good(np.where(a["share"] < CONTEXTUAL, a["contextual"], 0)[a["density"] > 0]),
                lambda part: 0.0,
            ),
            cards_=[card for part in parts for card in part["cards"]],
            examples=by("examples"),
            shading=by("shading"),
            live=by("live"),
            **about,
        )
