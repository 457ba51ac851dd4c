"""What is said and shown of latents that carry a difference."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.views import (
    Axis,
    Bars,
    Column,
    Curve,
    Lines,
    Panel,
    Panels,
    Reference,
    Table,
    Wording,
    bounds_in_words,
    counted,
    percent,
    told_p,
)
from wonderland_sparse.shares import by_layer, in_words, measured

__all__ = ["CircuitsResult"]

_SET = 4


@dataclass(frozen=True)
class CircuitsResult(wl.Result):
    """Latents swapped between the runs of contrasts.

    Attributes:
        contrast: What differs between the runs.
        layers: The layers whose order could be used.
        refused: By layer that was left out, the agreement of attribution with swapping.
        agreement: By layer, that correlation.
        order: By layer, the latents that do most, chosen on one half, [place].
        scores: By layer, their attribution, in logits summed over pairs, [place].
        sizes: By layer and kind of units, how many were swapped together.
        curves: By layer and kind, the recovery on the other half, [size].
        needed: By layer, how much of the difference goes with the latents, [size].
        whole: By layer, the recovery of all latents together; ``left`` that of what they leave.
        left: By layer.
        differ: By layer, how many latents differ between the runs of the other half.
        by_chance: By layer, the recovery of random sets of four of those, [set].
        heads: All heads by name ("order"), those first that bring back most alone on one half; how many of them were
            put back together ("sizes"), and the recovery of those on the other half ("curve", [size]).
    """

    contrast: str
    layers: list[int]
    refused: dict[str, float]
    agreement: dict[str, float]
    order: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    sizes: dict[str, dict[str, list[int]]]
    curves: dict[str, dict[str, wl.Estimate]]
    needed: dict[str, wl.Estimate]
    whole: dict[str, wl.Estimate]
    left: dict[str, wl.Estimate]
    differ: dict[str, int]
    by_chance: dict[str, np.ndarray]
    heads: dict[str, Any]

    @classmethod
    def of(cls, parts: Sequence[dict[str, Any]], **about: Any) -> CircuitsResult:
        """Put what was found in each layer together."""
        used = [part for part in parts if not part["refused"]]

        def by(name: str) -> dict[str, Any]:
            return by_layer(used, name)

        return cls(
            layers=[part["layer"] for part in used],
            refused=by_layer([part for part in parts if part["refused"]], "agreement"),
            agreement=by("agreement"),
            order=by("order"),
            scores=by("scores"),
            sizes=by("sizes"),
            curves={
                place: {kind: dataclasses.replace(curve, dims=("size",)) for kind, curve in curves.items()}
                for place, curves in by("curves").items()
            },
            needed={name: dataclasses.replace(curve, dims=("size",)) for name, curve in by("needed").items()},
            whole=by("all latents"),
            left=by("error"),
            differ=by("differ"),
            by_chance=by("by chance"),
            **about,
        )

    @property
    def best_head(self) -> tuple[str, wl.Estimate]:
        """The head that brings back most alone on one half, and its recovery on the other."""
        return (self.heads["order"] or ["no head"])[0], self.heads["curve"][0]

    def best_heads(self, count: int) -> wl.Estimate | None:
        """Return the recovery of so many heads together, the best first; None if that was not measured."""
        sizes = self.heads["sizes"]
        one = self.heads["curve"][sizes.index(count)] if count in sizes else None
        return one if one is not None and measured(one) else None

    def p_of(self, place: str) -> float:
        """Return how often four random latents bring back as much as the first four of a layer."""
        chance, sizes = self.by_chance[place], self.sizes[place]["latents"]
        if _SET not in sizes or not len(chance):
            return float("nan")
        own = float(self.curves[place]["latents"].value[sizes.index(_SET)])
        return float((1 + (chance >= own).sum()) / (1 + len(chance)))

    def summary(self) -> str:
        lines = [finding.sentence for finding in self.findings()]
        for place, curves in self.curves.items():
            for kind, curve in curves.items():
                told = ", ".join(
                    f"{size}: {in_words(value, '.2f')}"
                    for size, value in zip(self.sizes[place][kind], curve.value, strict=True)
                )
                lines.append(f"{place}, {kind}: {told if measured(curve) else 'not measured'}.")
            lines.append(
                f"{place}: all latents {self.whole[place]}, what they leave {self.left[place]}; {self._random(place)}; "
                f"attribution agrees with swapping, r = {in_words(self.agreement[place], '.3f')}."
            )
        lines.append(self._told_of_heads())
        lines += [f"{place} was left out: {self._why(one)}" for place, one in self.refused.items()]
        return "\n".join(lines)

    def _told_of_heads(self) -> str:
        order, sizes, curve = (self.heads[name] for name in ("order", "sizes", "curve"))
        if not measured(curve):
            return "Of no head it was measured what it brings back."
        told = ", ".join(f"{size}: {in_words(value, '.2f')}" for size, value in zip(sizes, curve.value, strict=True))
        return f"Heads of all layers, {', '.join(order[:_SET])} first: {told}; {order[0]} alone {curve[0]}."

    def _random(self, place: str) -> str:
        """Say what random latents that differ bring back, swapped as many at a time as there are, up to four."""
        if not len(self.by_chance[place]) or not measured(self.by_chance[place].mean()):
            return "there are no random ones that differ to compare with"
        differ = self.differ[place]
        told = in_words(self.by_chance[place].mean(), ".2f")
        return f"{min(_SET, differ)} random ones of {differ} that differ {told}"

    def _why(self, agreement: float) -> str:
        if np.isnan(agreement):
            return "hardly any latent differs between the runs."
        return f"attribution does not agree with swapping (r = {agreement:.2f}, at least 0.9 is needed)."

    def findings(self) -> Sequence[wl.Finding]:
        found = []
        for place, curves in self.curves.items():
            sizes = self.sizes[place]["latents"]
            at = sizes.index(_SET) if _SET in sizes else len(sizes) - 1
            size, one, p = sizes[at], curves["latents"][at], self.p_of(place)
            beyond = bool(one.above_chance) and p < 0.05
            text = f"It was not measured what latents of {place} bring back of the {self.contrast} difference."
            if measured(one):
                text = (
                    f"{counted(size, 'latent')} of {place} bring{'s' if size == 1 else ''} back {percent(one.value)} "
                    f"of the {self.contrast} difference ({bounds_in_words(one)}, n={one.over} they were not chosen on)"
                )
                if measured(p):
                    text += f"; as many random ones that differ {percent(self.by_chance[place].mean())} ({told_p(p)})"
                text += self._beside_heads(size) + "."
            select = [wl.Feature(int(place[1:]), int(unit)) for unit in self.order[place][:size]]
            trust: Any = "solid" if beyond and one.trusted else "weak"
            found.append(wl.Finding(text, "sparse-circuit", select, trust, "effect", one))
        if not found:
            text = "No layer's latents could be put in order: attribution does not agree with swapping them."
            if self.refused and np.isnan(list(self.refused.values())).all():
                text = "No layer's latents could be put in order: hardly any of them differs between the runs."
            found.append(wl.Finding(text, "", (), "anecdotal", "description"))
        return found

    def _beside_heads(self, size: int) -> str:
        """Say what the best head brings back, and as many heads together as latents."""
        (name, one), many = self.best_head, self.best_heads(size)
        said = f"; {name} alone {percent(one.value)}" if measured(one) else ""
        if many is not None and size > 1:
            together = f"the best {size} heads of the model together {percent(many.value)} ({bounds_in_words(many)})"
            said += f", {together}" if said else f"; {together}"
        return said

    def views(self) -> Sequence[wl.View]:
        return [self._curves(), self._whole(), self._latents()] if self.curves else []

    def _curves(self) -> wl.View:
        n = next(iter(self.curves.values()))["latents"].over
        where = f" of {next(iter(self.curves))}" if len(self.curves) == 1 else ""
        panels = [Panel(Wording(place), self._lines(place)) for place in self.curves]
        return wl.View(
            "sparse-circuit",
            "Sparse circuits: recovery by number of latents",
            panels[0].figure if len(panels) == 1 else Panels(panels, "layer"),
            subtitle=f"How many latents{where} carry the {self.contrast} difference?",
            caption=f"Share of the difference of logits that follows when units are swapped after the layer, 95% "
            f"interval over n={n}; units chosen on other conversations. Chance 0: nothing follows.",
            how_to_read="1 is all of it. Few latents that reach what many neurons need are the better parts. Taken out "
            "is the other direction: how much goes when they alone are of the other run. Heads are of all layers, "
            "the one that brings back most alone first.",
            misleads="The difference of means is found with labels, latents without; a latent that comes close to it "
            "was found by looking at nothing but the stream. Heads are put back wherever they stand: what they bring "
            "back need not pass through the layer.",
            order=620,
        )

    def _lines(self, place: str) -> Lines:
        """Return the curves of one layer, and the level of what is one direction."""
        curves, sizes, needed = self.curves[place], self.sizes[place], self.needed[place]
        series = [
            Curve(Wording(kind), np.log2(sizes[kind]), curve.value, curve.low, curve.high)
            for kind, curve in curves.items()
            if len(sizes[kind]) > 1
        ]
        heads, many = self.heads["curve"], self.heads["sizes"]
        if measured(heads) and len(many) > 1:
            series.append(Curve(Wording("heads of any layer"), np.log2(many), heads.value, heads.low, heads.high))
        taken = np.log2(sizes["latents"])
        series.append(Curve(Wording("latents, taken out"), taken, needed.value, needed.low, needed.high))
        levels = [Reference(Wording("difference of means"), float(curves["difference of means"].value[0]))]
        across = Axis("units swapped", names=Wording.every([str(2**power) for power in range(7)]))
        return Lines(across, Axis("recovery"), series, references=levels)

    def _whole(self) -> wl.View:
        places = list(self.curves)
        bars: dict[str, Any] = {
            "all latents": wl.Estimate.stacked([self.whole[place] for place in places]),
            "what they leave": wl.Estimate.stacked([self.left[place] for place in places]),
            "four random latents": np.array(
                [float(np.mean(self.by_chance[p])) if len(self.by_chance[p]) else np.nan for p in places]
            ),
        }
        n = self.whole[places[0]].over
        return wl.View(
            "sparse-circuit-whole",
            "Sparse circuits: all latents and the rest",
            Bars.by_place(places, bars, Axis("recovery")),
            subtitle="Is the difference in the latents at all?",
            caption=f"Recovery, 95% interval over n={n}. The rest is the error of the dictionary and, in "
            "a context dictionary, the means of the tokens that differ.",
            how_to_read="All latents near 1 and the rest near 0: the dictionary holds the difference.",
            misleads="Where the rest recovers much, the chosen latents are not the whole circuit.",
            order=621,
        )

    def _latents(self) -> wl.View:
        columns = [
            Column("feature", "Feature", help="The latent: L2F339 is feature 339 of layer 2."),
            Column("place", "Rank", digits=0, help="Its place in the order of attribution, the largest first."),
            Column(
                "score",
                "Attribution",
                "logits a pair",
                3,
                "What it adds to the difference, by its gradient; 0 is nothing.",
            ),
        ]
        rows = []
        for place, order in self.order.items():
            n = max(self.whole[place].n, 1)
            for number, (unit, score) in enumerate(zip(order, self.scores[place], strict=True)):
                if score > 0:
                    rows.append([wl.Feature(int(place[1:]), int(unit)), number + 1, float(score) / n])
        return wl.View(
            "sparse-circuit-latents",
            "Sparse circuits: latents in their order",
            Table(columns, rows, links="feature"),
            subtitle="Which latents are they?",
            caption="Attribution on the half they were chosen on, to first order; it agrees with swapping each alone, "
            + ", ".join(f"r = {one:.3f} in {place}" for place, one in self.agreement.items())
            + f"; n={self.whole[next(iter(self.whole))].over}.",
            how_to_read="A click opens the card of a latent, if it has one.",
            misleads="These numbers are of the pairs that chose the order, so they are too high; the curve is not.",
            order=622,
        )
