"""What is said and shown of the graph of latents and heads: the graph, its edges taken for real, what goes past it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.lab.stats import paired_permutation
from wonderland.views import Axis, Bars, Point, Scatter, Wording, bounds_in_words, counted, percent, told_p, with_bounds
from wonderland_sparse.edges_result import EdgesResult, share_of_gap
from wonderland_sparse.graphs_views import drawn, edge_name
from wonderland_sparse.paths import Edge

__all__ = ["LEAST_AGREEMENT", "SparseGraphsResult"]

LEAST_AGREEMENT = 0.9
"""Correlation over edges of the estimate with taking them for real, under which no graph is drawn."""
_GOES = ("latents in the graph", "other latents", "error", "means of tokens")
_SURE = 0.05


@dataclass(frozen=True)
class SparseGraphsResult(EdgesResult):
    """The edges that carry a difference between two prompts, estimated and taken for real.

    Attributes:
        estimated: Share of the gap that each carries by the estimate, [edge].
        taken: Share that it carries if it is taken for real, the mean of both runs, [edge].
        lot: Sender and reader of edges drawn by lot, [other edge].
        by_lot: What those carry, taken for real, as shares, [other edge].
        beyond: By how much more of the gap an edge with a latent or a head carries, on average, than one drawn by lot.
            Each counts with the sign it was chosen with, so that noise averages out, and those by lot with the sign
            they have here, so that it does not: the difference is rather too small than too large.
        p: How often so large a difference would come about if the signs of whole conversations were drawn.
        goes: Share of the gap that goes through each kind of part of a cut, estimated, [layer] each; they add up to
            the whole but for the five points of the estimate.
    """

    estimated: wl.Estimate
    taken: wl.Estimate
    lot: list[list[list[Any]]]
    by_lot: np.ndarray
    beyond: wl.Estimate
    p: float
    goes: dict[str, wl.Estimate]

    @classmethod
    def of(
        cls,
        measured: Mapping[str, np.ndarray],
        chosen: Sequence[Edge],
        others: Sequence[Edge],
        *,
        signs: np.ndarray,
        layers: list[int],
        clusters: np.ndarray,
        resampled_over: str,
        contrast: str,
        seed: int,
    ) -> SparseGraphsResult:
        """Put what was measured on each pair together.

        Args:
            measured: Arrays [..., pair]: the gap, edges estimated and taken, those drawn by lot, what goes where.
            chosen: The edges.
            others: Those drawn by lot.
            signs: Whether each edge carried some of the gap, 1, or counter to it, −1, where it was chosen, [edge].
            layers: The cuts.
            clusters: Conversation of each pair.
            resampled_over: What those are.
            contrast: What differs.
            seed: Seed of the intervals.
        """
        gap = measured["gap"]

        def share(values: np.ndarray, *dims: str) -> wl.Estimate:
            return share_of_gap(values.T, gap, clusters, dims=dims, resampled_over=resampled_over, seed=seed)

        lot, more, p = measured["by lot"], np.zeros(0), float("nan")
        by_lot = share(lot, "edge").value
        mine = [i for i, edge in enumerate(chosen) if any(part[0] in ("feature", "head") for part in edge)]
        if mine and len(others) and np.isfinite(by_lot).all():
            more = (signs[:, None] * measured["taken"])[mine].mean(0) - (np.sign(by_lot)[:, None] * lot).mean(0)
            p = float(paired_permutation(more, clusters, seed=seed)[0])
        return cls(
            contrast=contrast,
            layers=layers,
            pairs=len(gap),
            conversations=len(np.unique(clusters)),
            edges=_plain(chosen),
            estimated=share(measured["estimated"], "edge"),
            taken=share(measured["taken"], "edge"),
            lot=_plain(others),
            by_lot=np.asarray(by_lot),
            beyond=share(more),
            p=p,
            goes={name: share(measured["goes"][:, i], "layer") for i, name in enumerate(_GOES)},
        )

    @property
    def both(self) -> tuple[wl.Estimate, wl.Estimate]:
        return self.estimated, self.taken

    @property
    def drawn(self) -> bool:
        """Whether the estimate agrees with taking edges for real, so that the graph may be drawn."""
        return bool(self.agreement >= LEAST_AGREEMENT)

    def summary(self) -> str:
        lines = [finding.sentence for finding in self.findings()]
        if self.told:
            for i, layer in enumerate(self.layers):
                told = ", ".join(f"{name} {percent(float(one.value[i]))}" for name, one in self.goes.items())
                lines.append(f"L{layer}, shares of the gap by the estimate: {told}.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        if not self.told:
            text = f"No path through latents carries a {self.contrast} difference: there is no gap between the prompts."
            return [wl.Finding(text, "", (), "anecdotal", "null")]
        if not self.drawn:
            r = self.agreement
            why = (
                "there are too few edges to tell"
                if np.isnan(r)
                else f"over {counted(len(self.edges), 'edge')} r = {r:.3f}"
            )
            text = (
                f"No graph of latents is drawn for the {self.contrast} difference: what edges are estimated to carry "
                f"does not agree with taking them for real ({why}, at least {LEAST_AGREEMENT} is needed; "
                f"n={counted(self.pairs, 'pair')})."
            )
            return [wl.Finding(text, "", (), "weak", "null")]
        size = float(np.abs(np.asarray(self.taken.value)).mean())
        text = (
            f"{counted(len(self.edges), 'edge')} between tokens, heads, latents and errors "
            f"carr{'ies' if len(self.edges) == 1 else 'y'} the {self.contrast} difference, "
            f"{percent(size)} of it each on average whatever its sign, taken for real on "
            f"{counted(self.pairs, 'pair')} they were not chosen on; {self._lot()}. The estimate they were chosen by "
            f"agrees, r = {self.agreement:.3f}."
        )
        beyond = self.p < _SURE and bool(self.beyond.above_chance)
        trust: Any = "solid" if beyond and self.conversations >= 10 else "weak"
        kind: Any = "effect" if beyond else "null"
        found = [wl.Finding(text, "sparse-graph", (), trust, kind)]
        at = int(np.argmax(np.abs(np.asarray(self.goes["error"].value))))
        error, mine = self.goes["error"][at], self.goes["latents in the graph"][at]
        text = (
            f"Past the latents of L{self.layers[at]}, in what the dictionary leaves, goes {percent(error.value)} of "
            f"the {self.contrast} difference ({bounds_in_words(error)}, n={error.over}), the most "
            f"of any layer; through the latents in the graph there {percent(mine.value)}."
        )
        return [
            *found,
            wl.Finding(text, "sparse-graph-cuts", (), "solid" if error.trusted else "weak", "effect", error),
        ]

    def _lot(self) -> str:
        """Say what edges drawn by lot carry, and how much less that is."""
        there = f"{len(self.by_lot)} between other latents and heads"
        if not len(self.by_lot) or np.isnan(self.p):
            return f"{there}, as there are no others to compare with"
        return (
            f"{there} {percent(float(np.abs(self.by_lot).mean()))}; one that was chosen and has a latent or a head "
            f"carries {percent(self.beyond.value)} of the difference more ({bounds_in_words(self.beyond)}, "
            f"{told_p(self.p)}, n={self.beyond.over})"
        )

    def views(self) -> Sequence[wl.View]:
        return [self._graph(), self._checked(), self._cuts()] if self.drawn else []

    def _graph(self) -> wl.View:
        values = [self.taken[i] for i in range(len(self.edges))]
        notes = [f"estimated: {with_bounds(self.estimated[i], '.2f')}" for i in range(len(self.edges))]
        return wl.View(
            "sparse-graph",
            "Sparse graph: latents, heads and errors",
            drawn(self.edges, values, notes, "share of the gap", {}),
            subtitle=f"Through which latents and heads does the {self.contrast} difference reach the answer?",
            caption=f"Share of the gap between two prompts that an edge carries, taken for real in both runs, 95% "
            f"interval over n={counted(self.conversations, 'conversation')}; edges chosen on other conversations, "
            "chance 0. Drawn "
            f"by lot, on average: {self._lot()}. The estimate agrees, r = {self.agreement:.3f} over "
            f"{len(self.edges)} edges.",
            how_to_read="From the tokens that differ on the left through heads and latents of the stream (F) to the "
            "answer. Nothing gets past a column of latents but by its error and, from the tokens, by their means. The "
            "slider shows smaller edges; a click on a part pins its own.",
            misleads="Two that say the same share what they carry, and a latent that is not drawn may say it, too. "
            "MLPs are part of the edges: what they compute is not taken apart here.",
            order=630,
        )

    def _checked(self) -> wl.View:
        points = [
            Point(
                Wording(edge_name(sender, reader)),
                float(one),
                float(other),
                2 if reader[0] == "logits" else int(reader[0] == "feature"),
            )
            for (sender, reader), one, other in zip(
                self.edges, np.asarray(self.estimated.value), np.asarray(self.taken.value), strict=True
            )
        ]
        return wl.View(
            "sparse-graph-checked",
            "Sparse graph: edges taken for real",
            Scatter(
                Axis("carries, estimated", "share of the gap"),
                Axis("carries, taken for real", "share of the gap"),
                points,
                groups=Wording.every(["into heads and errors", "into latents", "into the answer"]),
            ),
            subtitle="Do edges do in the real model what the estimate says?",
            caption="A point is an edge, chosen on other conversations; “differing” are the tokens that differ between "
            f"the prompts. r = {self.agreement:.3f}, at least {LEAST_AGREEMENT} is needed for the graph to be "
            f"drawn; n={counted(self.conversations, 'conversation')}.",
            how_to_read="On the diagonal the estimate holds. Off it, a threshold or attention does more or less than a "
            "gradient tells.",
            misleads="Only edges that were chosen are shown: small ones may agree less, and carry little.",
            order=631,
        )

    def _cuts(self) -> wl.View:
        return wl.View(
            "sparse-graph-cuts",
            "Sparse graph: what goes past it",
            Bars.by_place([f"L{layer}" for layer in self.layers], self.goes, Axis("share of the gap")),
            subtitle="How much of the difference do the latents in the graph hold, and how much goes by?",
            caption=f"Shares of the gap, estimated, 95% interval over "
            f"n={counted(self.conversations, 'conversation')}. At each "
            "layer they add up to about 1. Chance 0: where nothing differs nothing goes.",
            how_to_read="The first bar is what the graph shows of a layer, the second what smaller latents hold. The "
            "error is of no latent; the means of tokens are of a context dictionary only.",
            misleads="That a layer's latents hold the difference does not say that the model uses them one by one.",
            order=632,
        )


def _plain(edges: Sequence[Edge]) -> list[list[list[Any]]]:
    return [[list(sender), list(reader)] for sender, reader in edges]
