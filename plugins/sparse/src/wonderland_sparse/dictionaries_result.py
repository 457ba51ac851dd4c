"""What is said and shown of dictionaries: how much they leave, what that costs, whether two agree, beside controls."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.lab.shortlist import layers_in
from wonderland.lab.stats import cluster_bootstrap
from wonderland.views import Axis, Bars, bounds_in_words, counted, digits, percent
from wonderland_sparse.dictionaries_views import SHORT, density_view, table_view
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.shares import by_layer, measured, nats, share_of_latents

__all__ = ["STABLE", "DictionariesResult", "agreed", "chosen_layers"]

STABLE = 0.7
"""Cosine with its partner of another start from which on a latent counts as stable."""
_FITS, _AGAINST_TABLE, _OF_LEAD, _DEAD = 1.1, 0.5, 0.25, 0.2  # beyond these a dictionary is in doubt


def agreed(cosines: np.ndarray, chance: float | None = None) -> wl.Estimate:
    """Return the share of latents whose cosine with their partner, [latent], is 0.7 and more."""
    return share_of_latents(cosines >= STABLE, chance)


def chosen_layers(layers: str, there: int) -> list[int]:
    """Return the layers that "0,2" or "2,5-7" names; all of them if it is empty.

    Raises:
        UsageError: It names none, or one that is not there.
    """
    return layers_in(layers, there) or list(range(there))


@dataclass(frozen=True)
class DictionariesResult(wl.Result):
    """Dictionaries of some layers, two of each, and how good they are.

    Attributes:
        layers: The layers.
        shared: Whether one pair serves all of them, as their streams are the same.
        latents: Directions of each dictionary.
        active: How many were to be active on a token.
        kind: How they were chosen in training.
        tokens: "subtract" if they are of the stream less the mean of each token, else "keep".
        trained_on: Tokens of the training text.
        width: Of the stream.
        context: Most tokens of a window.
        n_layers: Layers of the model.
        lead: By how many nats a token the model is better than trigrams.
        seed: Of the first start, and of how weights were scrambled.
        weights: By layer, the parts of both dictionaries: ``weights["L2"]["S0.W_dec"]`` is [latent, d_model]; "frozen"
            in the place of "S0" is the control whose decoder was never trained, "scrambled" that of scrambled weights.
        tables: By layer, the mean of each token, [d_vocab, d_model]; empty where tokens are kept.
        measured: By whose it is ("dictionary" or a control) and measure, [layer].
        stability: By layer, the cosine of each latent of the first dictionary with its partner in the second, [latent].
        partner: By layer, which latent that is, [latent].
        density: By layer, the share of held-out tokens on which each latent of the first is active, [latent].
        agreement: Mean of ``stability``, [layer]; chance is that of directions drawn with the stream's covariance.
        stable: Share of latents of stability 0.7 and more, [layer]; chance likewise.
    """

    layers: list[int]
    shared: bool
    latents: int
    active: int
    kind: str
    tokens: str
    trained_on: int
    width: int
    context: int
    n_layers: int
    lead: float
    seed: int
    weights: dict[str, dict[str, np.ndarray]]
    tables: dict[str, np.ndarray]
    measured: dict[str, dict[str, wl.Estimate]]
    stability: dict[str, np.ndarray]
    partner: dict[str, np.ndarray]
    density: dict[str, np.ndarray]
    agreement: wl.Estimate
    stable: wl.Estimate

    @classmethod
    def of(cls, found: Sequence[dict[str, Any]], *, shared: bool, **about: Any) -> DictionariesResult:
        """Put what was found in each layer together."""
        own = found[:1] if shared else found

        def stacked(estimates: Sequence[wl.Estimate]) -> wl.Estimate:
            return _named(wl.Estimate.stacked(estimates, dims=("layer",)), list(by_layer(found, "layer")))

        def mean(one: dict[str, Any]) -> wl.Estimate:
            values, chance = one["stability"], float(one["by chance"].mean())
            number, ones = np.arange(len(values)), np.ones(len(values))
            return cluster_bootstrap(values, ones, number, unit="cosine", resampled_over="latents", chance=chance)

        return cls(
            layers=[one["layer"] for one in found],
            shared=shared,
            weights=by_layer(own, "weights"),
            tables=by_layer(own, "table"),
            measured={
                whose: {what: stacked([one["measured"][whose][what] for one in found]) for what in measures}
                for whose, measures in found[0]["measured"].items()
            },
            stability=by_layer(found, "stability"),
            partner=by_layer(found, "partner"),
            density=by_layer(found, "density"),
            agreement=stacked([mean(one) for one in found]),
            stable=stacked([one["measured"]["dictionary"]["stable"] for one in found]),
            **about,
        )

    def dictionary(self, layer: int, seed: int = 0) -> Dictionary:
        """Return a dictionary.

        Args:
            layer: Of which layer.
            seed: 0 for the first start, 1 for the second.

        Raises:
            UsageError: There is none of that layer and start.
        """
        found = self._parts(layer, f"S{seed}.")
        if not found:
            layers = ", ".join(f"L{one}" for one in self.layers)
            raise wl.UsageError(f"There is no dictionary of L{layer} and start {seed}.", hint=f"{layers}; starts 0, 1.")
        return Dictionary.of(found)

    def frozen(self, layer: int) -> Dictionary | None:
        """Return the dictionary of a layer whose decoder was drawn and never trained; None if there is none."""
        found = self._parts(layer, "frozen.")
        return Dictionary.of(found) if found else None

    def of_scrambled(self, layer: int) -> tuple[Dictionary, np.ndarray | None, np.ndarray] | None:
        """Return the dictionary of a layer of scrambled weights, its table and its stability; None if there is none."""
        found = self._parts(layer, "scrambled.")
        return (Dictionary.of(found), found.get("table"), found["stability"]) if found else None

    def _parts(self, layer: int, begins: str) -> dict[str, np.ndarray]:
        parts = self.weights.get(f"L{self.layers[0] if self.shared and layer in self.layers else layer}", {})
        return {name.removeprefix(begins): part for name, part in parts.items() if name.startswith(begins)}

    def table(self, layer: int) -> np.ndarray | None:
        """Return the mean of each token, [d_vocab, d_model], that is taken off before; None if none is."""
        found = self.tables[f"L{self.layers[0] if self.shared else layer}"]
        return found if len(found) else None

    def export(self, folder: str | Path, *, layer: int, seed: int = 0, model_name: str = "wonderland") -> Path:
        """Write a dictionary as a folder that SAELens reads; see `wonderland_sparse.exchange`."""
        from wonderland_sparse.exchange import write

        one = self.dictionary(layer, seed)
        return write(one, Path(folder), tokens=self.tokens, layer=layer, context=self.context, model_name=model_name)

    def doubts(self, index: int) -> list[str]:
        """Return why the dictionary of a layer cannot be relied on; nothing if it can.

        Args:
            index: Which of ``layers``.
        """
        own = {name: float(estimate.value[index]) for name, estimate in self.measured["dictionary"].items()}
        before = self._before
        found = {
            f"it leaves more of held-out text ({digits(own['fvu'])}) than of its own ({digits(own['fvu own'])})": own[
                "fvu"
            ]
            > _FITS * own["fvu own"],
            f"it leaves {percent(own['fvu table'])} of what tokens and positions do not say": own["fvu table"]
            > _AGAINST_TABLE,
            "it costs over a quarter of what the model knows beyond trigrams": self.lead > 0
            and own["delta ce"] > _OF_LEAD * self.lead,
            f"{percent(own['dead'])} of its latents are dead": own["dead"] > _DEAD,
            "two starts agree no more than in the untrained model": before is not None
            and not float(self.stable.low[index]) > float(before.stable.value[min(index, len(before.layers) - 1)]),
        }
        return [why for why, so in found.items() if so]

    @property
    def _before(self) -> DictionariesResult | None:
        return self.control if isinstance(self.control, DictionariesResult) else None

    @property
    def _places(self) -> list[str]:
        return [f"L{layer}" for layer in self.layers]

    def _what(self) -> str:
        return "context latents" if self.tokens == "subtract" else "latents"

    def summary(self) -> str:
        lines = [finding.sentence for finding in self.findings()]
        for index, place in enumerate(self._places):
            for whose, measures in self.measured.items():
                told = ", ".join(f"{SHORT[name]} {estimate[index]}" for name, estimate in measures.items())
                lines.append(f"{place}, {whose}: {told}.")
            lines += [f"{place}: {why}." for why in self.doubts(index)]
        if self.shared:
            lines.append("No layer writes to the stream, so it is the same everywhere: one pair serves all layers.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        found = []
        for index, place in enumerate(self._places):
            doubts, own = self.doubts(index), self.measured["dictionary"]
            trust: Any = "weak" if doubts or not own["fvu"].trusted else "solid"
            cost, left, l0 = own["delta ce"][index], own["fvu"][index], float(own["l0"].value[index])
            text = f"In {place}, it was not measured how much of the residual stream {self._what()} leave at what cost."
            if measured(cost, left, l0):
                text = (
                    f"In {place}, {l0:.1f} of {self.latents:,} {self._what()} at a time make up all but "
                    f"{percent(left.value)} of the residual stream; in its place they cost "
                    f"{nats(cost.value)} nats a token ({bounds_in_words(cost, nats)}, "
                    f"n={cost.over})."
                )
            number = dataclasses.replace(cost, chance=None)  # a description is of no effect
            found.append(wl.Finding(text, "sparse-quality", (), trust, "description", number))
            share = self.stable[index]
            enough = bool(share.above_chance) and not doubts and self._before is not None
            trust = "solid" if enough else "weak"
            found.append(wl.Finding(self._agreed(index), "sparse-agreement", (), trust, "effect", share))
        return found

    def _agreed(self, index: int) -> str:
        """Say on how many latents of a layer two starts agree, beside the same where nothing was learned."""
        share, place = self.stable[index], self._places[index]
        if not measured(share):
            return f"It was not measured on how many of the latents of {place} two starts agree."
        text = (
            f"Two starts agree on {percent(share.value)} of the latents of {place} ("
            f"{bounds_in_words(share)}, chance {percent(share.chance)})"
        )
        others = self.measured.get("scrambled weights", {}).get("stable")
        if others is not None and measured(others[index]):
            text += f"; with scrambled weights on {percent(others.value[index])}"
        if self._before is not None:
            before = float(self._before.stable.value[min(index, len(self._before.layers) - 1)])
            text += f"; before training on {percent(before)}" if measured(before) else ""
        return f"{text}."

    def views(self) -> Sequence[wl.View]:
        subjects, density = {**self.measured}, {place: self.density[place] for place in self._places}
        if self._before is not None and self._before.layers == self.layers:
            subjects["before training"] = self._before.measured["dictionary"]
        return [
            self._quality(),
            self._cost(),
            self._agreement(),
            density_view(density, self._n()),
            table_view(self._places, subjects, self.lead, self._n()),
        ]

    def _subjects(self, measure: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            whose: measures[measure] for whose, measures in self.measured.items() if measure in measures
        }
        before = self._before
        if before is not None and measure in before.measured["dictionary"] and before.layers == self.layers:
            found["before training"] = before.measured["dictionary"][measure]
        return found

    def _n(self) -> str:
        return f"n={self.measured['dictionary']['fvu'].n:,} held-out conversations"

    def _quality(self) -> wl.View:
        return wl.View(
            "sparse-quality",
            "Sparse dictionaries: variance unexplained",
            Bars.by_place(self._places, self._subjects("fvu"), Axis("share of variance left")),
            subtitle="How much of the stream do a few directions leave?",
            caption=f"FVU on held-out text, Σ‖x − x̂‖² / Σ‖x − mean‖², 95% interval over {self._n()}; {self.latents:,} "
            f"{self._what()}, trained on {self.trained_on:,} tokens.",
            how_to_read="Low is close. Compare with the controls: the untrained model often leaves less than the "
            "trained one, so a low bar alone says nothing about what was learned.",
            misleads="The tokens make up most of the stream: where their means are taken off first, little is left to "
            "explain. The share against tokens and positions is in the table.",
            order=600,
        )

    def _cost(self) -> wl.View:
        return wl.View(
            "sparse-cost",
            "Sparse dictionaries: loss with the reconstruction",
            Bars.by_place(self._places, self._subjects("delta ce"), Axis("rise of the loss", "nats a token")),
            subtitle="What does the model lose if it goes on from the reconstruction?",
            caption=f"ΔCE, spliced at every token, 95% interval over {self._n()}. The model is "
            f"{abs(self.lead):.3f} nats a token {'better' if self.lead > 0 else 'worse'} than counted trigrams.",
            how_to_read="0 is no loss. The principal components are as many numbers a token, chosen once for all "
            "tokens.",
            misleads="A small cost does not say that the latents are what the model uses; see their effects.",
            order=601,
        )

    def _agreement(self) -> wl.View:
        bars: dict[str, Any] = {"share of latents, cosine 0.7 and more": self.stable}
        scrambled = self.measured.get("scrambled weights", {}).get("stable")
        if scrambled is not None:
            bars["scrambled weights"] = scrambled
        if self._before is not None and self._before.layers == self.layers:
            bars["before training"] = self._before.stable
        return wl.View(
            "sparse-agreement",
            "Sparse dictionaries: agreement of two starts",
            Bars.by_place(self._places, bars, Axis("share of latents")),
            subtitle="Do two dictionaries with different starts find the same directions?",
            caption="Each latent beside its partner in the second dictionary, all paired at once; 95% interval over "
            f"n={counted(self.latents, 'latent')}. Chance: directions drawn with the covariance of the stream.",
            how_to_read="What both starts find is in the stream and not in the start. Over the chance line, and over "
            "the bar before training, there is something to find.",
            misleads="Two starts agree on what is in the vectors, whether or not the model uses it: those of scrambled "
            "weights, which compute nothing that was learned, may agree as well.",
            order=602,
        )


def _named(estimate: wl.Estimate, names: Sequence[str]) -> wl.Estimate:
    return dataclasses.replace(estimate, labels={"layer": tuple(names)})
