"""What is measured of latents, layer by layer; how it is told and shown is `FeaturesResult`'s and `features_views`'."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

import wonderland as wl
from wonderland_sparse.effects import NULLS
from wonderland_sparse.shares import by_layer, share_of_latents

__all__ = ["BY_CHANCE", "CONTEXTUAL", "GOOD", "MeasuredFeatures"]

BY_CHANCE = 1 / (NULLS + 1)
"""How often a latent without any use harms the most of all steps."""

GOOD = 0.5
"""F1 from which on a latent counts as explained."""
CONTEXTUAL = 0.3
"""Token share under which it counts as contextual."""

_NONE = share_of_latents([], 0.0)


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
            (F1 of the token that follows), shown; and "asked", the latents whose effect was measured, with "rise null",
            "null" and "held null", the same of other latents, and "solid", those that are needed.
        rise: By layer, rise of the loss of the next token without a latent, in nats a place, [latent asked for].
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
        scrambled: By layer, "arrays", "rise", "nulls" and "known" of the model with scrambled weights; empty of a model
            that writes nothing.
        scrambled_explained: As ``explained``, with scrambled weights; missing where ``scrambled`` is empty.
        scrambled_contextually: As ``contextually``.
        needed: Share of the latents asked for that are needed, [layer]; chance is that no other step does more harm.
        scrambled_needed: The same with scrambled weights.
    """

    layers: list[int]
    shared: bool
    tokens: str
    latents: int
    conversations: int
    arrays: dict[str, dict[str, np.ndarray]]
    rise: dict[str, wl.Estimate]
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
    scrambled: dict[str, dict[str, Any]]
    scrambled_explained: wl.Estimate
    scrambled_contextually: wl.Estimate
    needed: wl.Estimate
    scrambled_needed: wl.Estimate

    @property
    def places(self) -> list[str]:
        """The layers by name."""
        return list(self.arrays)

    def of_place(self, of: wl.Estimate, place: str) -> wl.Estimate:
        """Return what an estimate [layer] over latents that fire says of one layer, with how many do there as its n."""
        fire = int((self.arrays[place]["density"] > 0).sum())
        return dataclasses.replace(of[self.places.index(place)], n=fire)

    def along(self, of: wl.Estimate, places: Sequence[str]) -> wl.Estimate:
        """Return an estimate [layer] of this result for the layers of another, where one may stand for all."""
        return wl.Estimate.stacked([of[min(i, len(self.places) - 1)] for i in range(len(places))], dims=("layer",))

    @classmethod
    def of(cls, parts: Sequence[dict[str, Any]], **about: Any) -> Self:
        """Put what was found in each layer together."""

        def by(name: str) -> dict[str, Any]:
            return by_layer(parts, name)

        def share(values: Any, chance: Any, of: Sequence[dict[str, Any] | None] = parts) -> wl.Estimate:
            found = [share_of_latents(values(part["arrays"]), chance(part)) if part else _NONE for part in of]
            stacked = wl.Estimate.stacked(found, dims=("layer",))
            return dataclasses.replace(stacked, labels={"layer": tuple(by("layer"))})

        def good(f1: np.ndarray) -> np.ndarray:
            return np.asarray(np.nan_to_num(f1) >= GOOD)

        def explained(a: dict[str, np.ndarray]) -> np.ndarray:
            return good(a["f1"][a["density"] > 0])

        def contextually(a: dict[str, np.ndarray]) -> np.ndarray:
            return good(np.where(a["share"] < CONTEXTUAL, a["contextual"], 0)[a["density"] > 0])

        def by_rolling(part: dict[str, Any]) -> float:
            alive = part["arrays"]["density"] > 0
            return float(good(part["nulls"]["rolled firing"][alive]).mean()) if alive.any() else 0.0

        others = [part["scrambled"] for part in parts]

        def needed(a: dict[str, np.ndarray]) -> np.ndarray:
            return np.isin(a["asked"], a["solid"])

        return cls(
            layers=[part["layer"] for part in parts],
            conversations=parts[0]["conversations"],
            arrays=by("arrays"),
            rise=by("rise"),
            effects=by("effects"),
            held=by("held"),
            explanations=by("explanations"),
            contextual=by("contextual explanations"),
            coming=by("coming explanations"),
            nulls=by("nulls"),
            known=by("known"),
            explained=share(explained, by_rolling),
            contextually=share(contextually, lambda _: 0.0),
            needed=share(needed, lambda _: BY_CHANCE),
            scrambled_needed=share(needed, lambda _: BY_CHANCE, others),
            scrambled={name: of or {} for name, of in by("scrambled").items()},
            scrambled_explained=share(explained, by_rolling, others),
            scrambled_contextually=share(contextually, lambda _: 0.0, others),
            cards_=[card for part in parts for card in part["cards"]],
            examples=by("examples"),
            shading=by("shading"),
            live=by("live"),
            **about,
        )
