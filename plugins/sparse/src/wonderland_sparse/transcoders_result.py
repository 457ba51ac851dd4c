"""What is said and shown of transcoders: how close they are to the MLPs, what that costs, and what latents fire for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.views import (
    Axis,
    Bars,
    Block,
    Column,
    Key,
    Quoted,
    Row,
    Table,
    Text,
    Wording,
    bounds_in_words,
    counted,
    percent,
    say,
)
from wonderland_sparse.dictionaries_views import HELP
from wonderland_sparse.dictionary import Transcoder
from wonderland_sparse.latent_columns import F1, FIRES_FOR, STABILITY
from wonderland_sparse.shares import by_layer, measured, nats, share_of_latents

__all__ = ["TranscodersResult", "latent_name"]

_GOOD = 0.5  # F1 from which on a latent counts as explained
_OF_LEAD, _DEAD = 0.25, 0.2  # beyond these a transcoder is in doubt
_MEASURES = {
    "fvu": "FVU",
    "delta ce": "ΔCE",
    "of lead": "ΔCE as a share of the lead",
    "l0": "L0",
    "dead": "Dead",
    "stable": "Agreement of two starts",
}


def latent_name(layer: int, unit: int) -> str:
    """Return the name of a latent of a transcoder, such as "L2T17": T sets it apart from features of the stream."""
    return f"L{layer}T{unit}"


@dataclass(frozen=True)
class TranscodersResult(wl.Result):
    """Transcoders of the MLPs of some layers, two of each, and how good they are.

    Attributes:
        layers: The layers.
        silent: Layers whose MLP writes nothing, as none does before training.
        latents: Of each transcoder.
        active: How many were to be active on a token.
        trained_on: Tokens of the training text.
        conversations: Held-out conversations everything is measured on.
        lead: By how many nats a token the model is better than trigrams.
        weights: By layer, the parts of both: ``weights["L2"]["S0.W_enc"]`` is [latent, d_model].
        measured: By layer, whose it is ("transcoder" or what it is compared with) and measure.
        stability: By layer, the cosine of what each latent writes with its partner of the second start, [latent].
        partner: By layer, which latent that is, [latent].
        density: By layer, the share of held-out tokens on which each latent is active, [latent].
        f1: By layer, F1 of each latent's label on held-out text, [latent]; ``rolled`` that of the same firing shifted.
        rolled: By layer.
        shown: By layer, whether text of a latent may be shown, [latent].
        explanations: By layer, the label of each latent.
        raises: By layer, the tokens that each latent promotes most.
        explained: Share of latents that fire with F1 of 0.5 and more, [layer]; chance is that of shifted firing.
    """

    layers: list[int]
    silent: list[int]
    latents: int
    active: int
    trained_on: int
    conversations: int
    lead: float
    weights: dict[str, dict[str, np.ndarray]]
    measured: dict[str, dict[str, dict[str, wl.Estimate]]]
    stability: dict[str, np.ndarray]
    partner: dict[str, np.ndarray]
    density: dict[str, np.ndarray]
    f1: dict[str, np.ndarray]
    rolled: dict[str, np.ndarray]
    shown: dict[str, np.ndarray]
    explanations: dict[str, list[Any]]
    raises: dict[str, list[list[str]]]
    explained: wl.Estimate

    @classmethod
    def of(cls, found: Sequence[dict[str, Any]], **about: Any) -> TranscodersResult:
        """Put what was found in each layer together."""

        def share(one: dict[str, Any]) -> wl.Estimate:
            alive = one["density"] > 0
            good, chance = (np.nan_to_num(one[name][alive]) >= _GOOD for name in ("f1", "rolled"))
            return share_of_latents(good, float(chance.mean()) if len(chance) else 0.0)

        shares = [share(one) for one in found]
        explained = wl.Estimate.missing((0,), unit="share of latents", chance=0.0, resampled_over="latents")
        if shares:
            explained = wl.Estimate.stacked(shares, dims=("layer",))
            explained = dataclasses.replace(explained, labels={"layer": tuple(by_layer(found, "layer"))})
        parts: dict[str, Any] = {
            name: by_layer(found, name)
            for name in (
                *("weights", "measured", "stability", "partner", "density"),
                *("f1", "rolled", "shown", "explanations", "raises"),
            )
        }
        return cls(layers=[one["layer"] for one in found], explained=explained, **parts, **about)

    def transcoder(self, layer: int, seed: int = 0) -> Transcoder:
        """Return a transcoder.

        Args:
            layer: Of which layer's MLP.
            seed: 0 for the first start, 1 for the second.

        Raises:
            UsageError: There is none of that layer and start.
        """
        parts, begins = self.weights.get(f"L{layer}", {}), f"S{seed}."
        found = {name.removeprefix(begins): part for name, part in parts.items() if name.startswith(begins)}
        if not found:
            layers = ", ".join(f"L{one}" for one in self.layers) or "none"
            raise wl.UsageError(f"There is no transcoder of L{layer} and start {seed}.", hint=f"{layers}; starts 0, 1.")
        return Transcoder.of(found)

    def export(self, folder: str | Path, *, layer: int, seed: int = 0, model_name: str = "wonderland") -> Path:
        """Write a transcoder as a folder that SAELens reads; see `wonderland_sparse.exchange`."""
        from wonderland_sparse.exchange import write

        one = self.transcoder(layer, seed)
        return write(one, Path(folder), tokens="keep", layer=layer, context=0, model_name=model_name)

    def label(self, layer: int, unit: int) -> Any:
        """Return what a latent fires for, if it may be shown."""
        if not self.shown[f"L{layer}"][unit]:
            return Wording("in too few conversations")
        label = self.explanations[f"L{layer}"][unit]
        return Wording(label or "no label") if isinstance(label, str) else label

    def doubts(self, place: str) -> list[str]:
        """Return why the transcoder of a layer, such as "L2", cannot be relied on; nothing if it can."""
        own = {name: float(one.value) for name, one in self.measured[place]["transcoder"].items()}
        plain = float(self.measured[place]["linear map"]["fvu"].value)
        found = {
            "it leaves no less than a linear map does": not own["fvu"] < plain,
            "it costs over a quarter of what the model knows beyond trigrams": own["of lead"] > _OF_LEAD,
            f"{percent(own['dead'])} of its latents are dead": own["dead"] > _DEAD,
        }
        return [why for why, so in found.items() if so]

    def summary(self) -> str:
        lines = [finding.sentence for finding in self.findings()]
        for place, subjects in self.measured.items():
            for whose, measures in subjects.items():
                told = ", ".join(f"{_MEASURES[name]} {estimate}" for name, estimate in measures.items())
                lines.append(f"{place}, {whose}: {told}.")
            lines += [f"{place}: {why}." for why in self.doubts(place)]
        if self.silent:
            lines.append(f"The MLPs of {', '.join(f'L{layer}' for layer in self.silent)} write nothing.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        found = []
        for place, subjects in self.measured.items():
            one, plain, nothing = (subjects[name] for name in ("transcoder", "linear map", "mean output"))
            cost, doubts = one["delta ce"], self.doubts(place)
            text = f"In the place of the MLP of {place}, it was not measured what latents cost."
            if measured(cost, one["l0"]):
                text = (
                    f"In the place of the MLP of {place}, {float(one['l0'].value):.1f} of {self.latents:,} latents at "
                    f"a time cost {nats(cost.value)} nats a token ({bounds_in_words(cost, nats)}, "
                    f"n={cost.over}); a linear map {nats(plain['delta ce'].value)}, its mean output "
                    f"{nats(nothing['delta ce'].value)}."
                )
            better = float(cost.high) < float(plain["delta ce"].low)
            trust: Any = "solid" if better and not doubts and cost.trusted else "weak"
            found.append(wl.Finding(text, "transcoder-cost", (), trust, "effect" if better else "null", cost))
        if not found:
            text = "No MLP writes anything, so there is nothing to predict."
            found.append(wl.Finding(text, "", (), "anecdotal", "null"))
        return found

    def cards(self) -> Mapping[Any, Sequence[Block]]:
        """Return what each MLP costs the loss, replaced; that it is needed names no role, as of heads."""
        replaced = ("mean output", "linear map", "transcoder")
        return {
            Key("mlp", f"MLP{layer}"): [
                Block(
                    "Transcoders: rise of the loss, nats a token",
                    rows=[
                        Row(f"its {of}" if of == "mean output" else f"a {of}", costs[of]["delta ce"]) for of in replaced
                    ],
                )
            ]
            for layer, costs in zip(self.layers, self.measured.values(), strict=True)
        }

    def views(self) -> Sequence[wl.View]:
        return [self._cost(), self._numbers(), self._latents()] if self.layers else []

    def _bars(self, measure: str) -> dict[str, wl.Estimate]:
        first = next(iter(self.measured.values()))
        return {
            whose: wl.Estimate.stacked([of[whose][measure] for of in self.measured.values()])
            for whose in first
            if measure in first[whose]
        }

    def _cost(self) -> wl.View:
        return wl.View(
            "transcoder-cost",
            "Transcoders: loss with the MLP replaced",
            Bars.by_place(list(self.measured), self._bars("delta ce"), Axis("rise of the loss", "nats a token")),
            subtitle="Can a few latents at a time do what an MLP does?",
            caption=f"ΔCE with the prediction in the place of what the MLP writes, 95% interval over "
            f"n={self.conversations:,} held-out conversations; {self.latents:,} latents, trained on "
            f"{self.trained_on:,} tokens. The model is {abs(self.lead):.3f} nats a token "
            f"{'better' if self.lead > 0 else 'worse'} than counted trigrams.",
            how_to_read="0 is no loss. The mean output costs what the MLP is worth; a linear map is what needs no "
            "nonlinearity; the strongest neurons are as many numbers a token.",
            misleads="A transcoder that costs nothing says the same as the MLP. It need not get there in the same way.",
            order=630,
        )

    def _numbers(self) -> wl.View:
        return wl.View(
            "transcoder-table",
            "Transcoders: all numbers",
            Table.by_subject(self.measured, _MEASURES, HELP),
            subtitle="Each measure beside what it is compared with",
            caption=f"On held-out text, 95% intervals over n={counted(self.conversations, 'conversation')}; dead "
            "latents and agreement over latents. The lead is what the model knows beyond counted trigrams.",
            how_to_read="FVU is the share of the variance of what the MLP writes that is left.",
            misleads="The MLPs of scrambled weights are other functions: their rise of the loss would be of no model.",
            order=631,
        )

    def _latents(self) -> wl.View:
        columns = [
            Column("latent", "Latent", help="L2T17 is latent 17 of the transcoder of layer 2."),
            FIRES_FOR,
            F1,
            Column("raises", "Raises", help="Tokens whose logit it raises most."),
            STABILITY,
            Column("density", "Fires on", "share of tokens", 4, "Share of held-out tokens on which it is active."),
        ]
        rows = []
        for layer in self.layers:
            place = f"L{layer}"
            alive = np.flatnonzero(self.density[place] > 0)
            for unit in alive[np.argsort(-np.nan_to_num(self.f1[place][alive]), kind="stable")].tolist():
                f1 = float(self.f1[place][unit])
                rows.append(
                    [
                        Wording(latent_name(layer, unit)),
                        self.label(layer, unit),
                        f1 if np.isfinite(f1) else None,
                        self._raised(place, unit),
                        float(self.stability[place][unit]),
                        float(self.density[place][unit]),
                    ]
                )
        shifted = {place: float(np.nanmean(of)) for place, of in self.rolled.items() if np.isfinite(of).any()}
        return wl.View(
            "transcoder-latents",
            "Transcoders: all latents",
            Table(columns, rows),
            subtitle="What does each latent of an MLP read, and what does it write?",
            caption=f"F1 of the best label, chosen on training text and measured on n={self.conversations:,} held-out "
            "conversations; mean F1 of the same firing shifted in time: "
            + (", ".join(f"{place} {value:.2f}" for place, value in shifted.items()) or "unknown, as none fires")
            + ".",
            how_to_read="What it fires for is what it reads; what it raises is what it makes the model say at once. "
            "The names with a T are latents of transcoders; features of the stream have an F.",
            misleads="A latent without a good label may mean something nobody thought of. What it raises is what it "
            "writes straight to the output; later layers read it, too.",
            order=632,
        )

    def _raised(self, place: str, unit: int) -> Text:
        return say("{tokens}", tokens=[Quoted(piece, "token") for piece in self.raises[place][unit]])
