"""What is said and shown of latents: the solid ones first, what each is for, and what chance would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest, fisher_exact

import wonderland as wl
from wonderland.report.live_directions import Reading
from wonderland.views import (
    Axis,
    Block,
    Card,
    Cards,
    Number,
    Point,
    Row,
    Scatter,
    Wording,
    bounds_in_words,
    counted,
    percent,
)
from wonderland_sparse.effects import NULLS
from wonderland_sparse.features_measured import GOOD, MeasuredFeatures
from wonderland_sparse.features_views import (
    beside_cards,
    blocks,
    contextual_view,
    explained_view,
    known_view,
    needed_view,
    number,
    table_view,
    tokens_view,
    told,
)
from wonderland_sparse.shares import in_words, measured

__all__ = ["FeaturesResult"]

_MOST_POINTS = 1500
_SURE = 0.05


@dataclass(frozen=True)
class FeaturesResult(MeasuredFeatures):
    """Latents of some layers, what they fire for and what they do; the numbers are those of `MeasuredFeatures`."""

    def live_directions(self) -> list[tuple[str, int, np.ndarray, str, Reading]]:
        """Return the clearest latents for a live report: to steer along, to see fire on what is typed, to take out."""
        found = []
        for place, latents in self.live.items():
            layer = int(place[1:])
            for one in latents:
                label = self.explanations[place][one["unit"]]
                told = label if isinstance(label, str) else label.text
                name = f"{wl.Feature(layer, one['unit'])}, {told}".rstrip(", ")
                tokens = one["tokens"] if len(one["tokens"]) else None
                reads = Reading(one["encoder"], one["bias"], one["threshold"], one["length"], tokens)
                # The stream after a layer is that before the next; after the last, what its last part adds.
                at = (layer, "attn_out" if one["attn_only"] else "mlp_out") if one["last"] else (layer + 1, "resid_pre")
                found.append((name, at[0], one["vector"], at[1], reads))
        return found

    def solid(self) -> list[wl.Feature]:
        """Return the latents that are stable and needed."""
        return [wl.Feature(layer, int(unit)) for layer in self.layers for unit in self.arrays[f"L{layer}"]["solid"]]

    @property
    def _before(self) -> FeaturesResult | None:
        return self.control if isinstance(self.control, FeaturesResult) else None

    def _nulls(self, place: str) -> str:
        told = [
            f"{name} {percent(float((np.nan_to_num(f1) >= GOOD).mean()))}" for name, f1 in self.nulls[place].items()
        ]
        return ", ".join(told)

    def summary(self) -> str:
        lines = [finding.sentence for finding in self.findings()]
        for place in self.arrays:
            alive = int((self.arrays[place]["density"] > 0).sum())
            lines.append(
                f"{place}: {alive} of {self.latents} latents fire on held-out text; explained with F1 of {GOOD:g} and "
                f"more {self.of_place(self.explained, place)}, contextually {self.of_place(self.contextually, place)}; "
                f"{self._nulls(place)}."
            )
            for label, kinds in self.known[place].items():
                one = {kind: in_words(of.value, ".3f") for kind, of in kinds.items() if kind != "number"}
                told = ", ".join(f"{kind} {value}" for kind, value in one.items())
                unit = kinds["number"].value
                latent = wl.Feature(int(place[1:]), int(unit)) if measured(unit) else "none was found"
                lines.append(
                    f'{place}, "{label}": AUROC of the best of each: {told} (chance 0.5); the latent: {latent}.'
                )
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        found = []
        for index, place in enumerate(self.arrays):
            arrays, one = self.arrays[place], self.of_place(self.contextually, place)
            before = self._before
            text = (
                f"In {place}, {percent(one.value)} of the latents that fire stand for something in the context that "
                f"can be named (F1 of {GOOD:g} and more on held-out text, {bounds_in_words(one)}, "
                f"n={one.over})"
            )
            if not measured(one):
                text = f"In {place}, it was not measured how many latents stand for something in the context"
            level, others = 0.0, []
            if before is not None:
                others.append(("before training", before.contextually[min(index, len(before.layers) - 1)]))
            if self.scrambled[place]:
                others.append(("with scrambled weights", self.scrambled_contextually[index]))
            for whose, other in others:
                level = max(level, float(np.nan_to_num(other.high)))
                text += f"; {whose} {percent(other.value)}" if measured(one, other) else ""
            sure = before is not None and one.trusted and float(one.low) > level and self.conversations >= 10
            select = [wl.Feature(int(place[1:]), int(unit)) for unit in arrays["solid"][:3]]
            found.append(
                wl.Finding(f"{text}.", "sparse-contextual", select, "solid" if sure else "weak", "effect", one)
            )
            found.append(self._needed(index, place, select))
        return found

    def _needed(self, index: int, place: str, select: list[wl.Feature]) -> wl.Finding:
        """Say how many stable latents are needed, beside the same with scrambled weights and before training.

        It is solid only if the share is above both of theirs and above what chance gives.
        """
        solid, asked, rise = _count(self, place)
        if not asked:
            text = f"In {place}, no latent that may be shown is stable enough to measure its effect."
            return wl.Finding(text, "sparse-features", select, "weak", "null")
        told = f"median rise of all asked {in_words(rise, '.4f')} nats" if measured(rise) else "no rise was measured"
        text = (
            f"In {place}, {solid} of {counted(asked, 'stable latent')} {'is' if asked == 1 else 'are'} needed: "
            f"without one the next token is predicted worse where it fires, by more than after steps as long along "
            f"twenty others that fire about as often (by chance {asked / (NULLS + 1):.1f} would be; {told})"
        )
        others, before = [], self._before
        if self.scrambled[place]:
            others.append(("with scrambled weights", _count(self, place, scrambled=True)))
        if before is not None:
            others.append(("before training", _count(before, before.places[min(index, len(before.layers) - 1)])))
        for whose, (was, of, then) in others:
            text += f"; {whose} {was} of {of}" if of else f"; {whose} none is stable enough to ask"
            text += f" (median {in_words(then, '.4f')} nats)" if measured(then) else ""
        more = [
            fisher_exact(np.array([[solid, asked - solid], [was, of - was]]), alternative="greater").pvalue < _SURE
            for _, (was, of, _) in others
        ]
        by_chance = binomtest(solid, asked, 1 / (NULLS + 1), alternative="greater").pvalue < _SURE
        sure = by_chance and before is not None and all(more) and self.conversations >= 10
        kind: Any = "effect" if solid else "null"
        return wl.Finding(f"{text}.", "sparse-needed", select, "solid" if sure else "weak", kind)

    def views(self) -> Sequence[wl.View]:
        return [
            *([self._cards()] if self.cards_ else []),
            self._scatter(),
            explained_view(self),
            contextual_view(self),
            needed_view(self),
            *([known_view(self)] if any(self.known.values()) else []),
            table_view(self),
            *([tokens_view(self)] if any(self.examples.values()) else []),
        ]

    def cards(self) -> Mapping[Any, Sequence[Block]]:
        carded = {
            wl.Feature(card["layer"], card["unit"]): [Block(rows=Row.each(self._rows(card))), *blocks(card)[1:4]]
            for card in self.cards_
        }
        return {**carded, **beside_cards(self)}

    def _rows(self, card: dict[str, Any]) -> dict[str, Any]:
        place, unit = f"L{card['layer']}", card["unit"]
        arrays = self.arrays[place]
        null, of = self._rolled(place), {name: in_words(arrays[name][unit], ".2f") for name in ("precision", "recall")}
        rows: dict[str, Any] = {
            "fires for": told(self.explanations[place][unit]),
            "F1": Number(number(arrays["f1"][unit]), chance=number(null)),
            "precision, recall": Wording(f"{of['precision']}, {of['recall']}"),
            "in its context": told(self.contextual[place][unit]),
            "F1 of that": Number(number(arrays["contextual"][unit])),
            "what follows": told(self.coming[place][unit]),
            "F1 of what follows": Number(number(arrays["coming"][unit])),
            "stability": Number(number(arrays["stability"][unit])),
            "token share": Number(number(arrays["share"][unit])),
            "fires on": Wording(f"{percent(arrays['density'][unit])} of tokens"),
        }
        if card["effect"] >= 0:
            at = card["effect"]
            for name, others, estimates, null_of, form in (
                ("rise of the loss without it", "the same without others", self.rise, "rise null", ".3f"),
                ("P(promoted) without it", "P(promoted) without others", self.effects, "null", ".2f"),
                ("P(promoted), held high", "the same of others", self.held, "held null", ".2f"),
            ):
                if measured(estimates[place][at].value):
                    rows[name] = Number.of(estimates[place][at])
                    rows[others] = Wording(_of_others(arrays[null_of][at], form))
        return rows

    def _cards(self) -> wl.View:
        solid = set(self.solid())
        cards = []
        for one in self.cards_:
            feature = wl.Feature(one["layer"], one["unit"])
            place = f"L{one['layer']}"
            text = "Stable and needed." if feature in solid else "Described only: not shown to be stable and needed."
            cards.append(
                Card(
                    feature,
                    told(self.explanations[place][one["unit"]]),
                    text,
                    rows=Row.each(self._rows(one)),
                    blocks=blocks(one),
                )
            )
        return wl.View(
            "sparse-features",
            "Sparse features: what each fires for and does",
            Cards(cards),
            subtitle="What is in the stream, one piece at a time?",
            caption=f"Held-out text, n={counted(self.conversations, 'conversation')}. F1 of the best label, chosen on "
            "other text, beside that of the same firing shifted in time. Rise of the loss: in nats where it fires, 95% "
            "interval over conversations, beside steps as long along twenty latents of like density, tried until one "
            "does as much harm. P(promoted): ratio of the probability of what it raises. Held high: set to the 90% "
            f"quantile of its activation where it does not fire. {self._baselines()}",
            how_to_read="Stable and needed ones come first. Read all five bands: what stands at a fifth of the highest "
            "is often something else. Reads is where it fires; raises is what it then says.",
            misleads="P(promoted) falls without nearly any latent, of an untrained model too: the promoted tokens are "
            "those its direction raises. A latent is shown only if it fires in five conversations and none holds over "
            "half of it, so the most private ones are not here.",
            order=610,
        )

    def _scatter(self) -> wl.View:
        points = []
        for place, arrays in self.arrays.items():
            group = list(self.arrays).index(place)
            for unit in np.flatnonzero(arrays["shown"] & np.isfinite(arrays["f1"]))[:_MOST_POINTS]:
                feature = wl.Feature(int(place[1:]), int(unit))
                points.append(Point(feature, float(arrays["stability"][unit]), float(arrays["f1"][unit]), group))
        return wl.View(
            "sparse-scatter",
            "Sparse features: stability and explanation",
            Scatter(
                Axis("stability, cosine with its partner"),
                Axis("F1 of its label"),
                points or [Point(Wording("none"), 0.0, 0.0)],
                groups=Wording.every(list(self.arrays)) if points else (),
            ),
            subtitle="Which latents are both found again and understood?",
            caption=f"A point is a latent that fires in five conversations or more; F1 on n={self.conversations:,} "
            f"held-out conversations. Mean F1 of rolled firing: {in_words(self._rolled(*self.arrays), '.2f')}.",
            how_to_read="On the right is what another start finds too; on top what a label explains. Click a point for "
            "its numbers.",
            misleads="A latent that stands for one token is easy to name, and says nothing of the context: see its "
            "token share.",
            order=611,
        )

    def _baselines(self) -> str:
        """Say how many latents are needed in the models in which nothing was learned."""
        told, before = [], self._before
        mixed = [(place, _count(self, place, scrambled=True)) for place in self.arrays if self.scrambled[place]]
        if mixed:
            of_each = (f"{was} of {counted(of, 'stable latent')} of {place}" for place, (was, of, _) in mixed)
            told.append(f"with scrambled weights {', '.join(of_each)}")
        if before is not None:
            # Where nothing is written to the stream, its layers are alike, and one stands for all.
            alike = len(before.layers) < len(self.layers)
            counts = [(place, _count(before, place)) for place in before.places]
            each = (
                f"{was} of {counted(of, 'stable latent')}{'' if alike else f' of {place}'}"
                for place, (was, of, _) in counts
            )
            told.append(f"before training {', '.join(each)}{', alike in all layers' if alike else ''}")
        return f"Stable and needed in the same way: {'; '.join(told)}; by chance 1 in {NULLS + 1}." if told else ""

    def _rolled(self, *places: str) -> float:
        """Return the mean F1 of the same firing shifted, over some layers; NaN if nothing fires there."""
        rolled = [self.nulls[place]["rolled firing"] for place in places]
        found = [np.nanmean(of) for of in rolled if np.isfinite(of).any()]
        return float(np.mean(found)) if found else float("nan")


def _of_others(values: np.ndarray, form: str) -> str:
    """Say what steps along others did, of which only some are tried where that decides."""
    away = values[np.isfinite(values)]
    if not len(away):
        return "not tried: the interval of the rise reaches to 0"
    span = f"{in_words(away.min(), form)} to {in_words(away.max(), form)}" if len(away) > 1 else in_words(away[0], form)
    return span if len(away) == NULLS else f"{span}, the first {len(away)}; no more were tried"


def _count(result: MeasuredFeatures, place: str, *, scrambled: bool = False) -> tuple[int, int, float]:
    """Return how many latents are needed, of how many asked, and the median rise of the loss without one, in nats."""
    arrays: dict[str, Any] = result.scrambled[place]["arrays"] if scrambled else result.arrays[place]
    rise = result.scrambled[place]["rise"] if scrambled else result.rise[place]
    known = np.asarray(rise.value, dtype=float)
    known = known[np.isfinite(known)]
    return len(arrays["solid"]), len(arrays["asked"]), float(np.median(known)) if len(known) else float("nan")
