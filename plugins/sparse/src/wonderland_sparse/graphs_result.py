"""What is said and shown of paths to an answer: the graph over contrasts, single prompts, how far to believe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland.views import percent
from wonderland_sparse import graphs_views
from wonderland_sparse.paths import KINDS, Edge
from wonderland_sparse.replacement import Part
from wonderland_sparse.transcoders_result import TranscodersResult

__all__ = ["GraphsResult"]

SCORES = ("replacement", "completeness", "replacement, no transcoder", "completeness, no transcoder")
_BELIEVED = 0.8  # correlation of accounts with taking edges out, from which they can be relied on
_LEAST_GAP = 1e-6  # logits; under it there is nothing to tell


@dataclass(frozen=True)
class GraphsResult(wl.Result):
    """Accounts of contrasts, their edges, and what the edges do if they are taken out.

    Attributes:
        contrast: What differs between the prompts.
        layers: Layers whose MLP has a transcoder.
        pairs: Contrasts that were measured.
        conversations: Conversations they are from.
        edges: Sender and receiver of each edge, chosen on other contrasts, the largest first, [edge].
        flow: Share of the gap that flows along each edge, [edge].
        removed: Share of the gap that goes if an edge is taken out of the real model, [edge].
        straight: Share of the gap that each kind of part writes straight to the logits, [kind].
        scores: Replacement score and completeness, and both without any transcoder.
        away: By how much an account missed the logit difference of the model, at most, in logits.
        parts: Latents in the edges; ``into`` the share of the gap that passes each, [latent].
        into: [latent].
        about: Of each of those latents its label with F1, stability, and what it raises.
        examples: Accounts of single clean prompts.
    """

    contrast: str
    layers: list[int]
    pairs: int
    conversations: int
    edges: list[list[list[Any]]]
    flow: wl.Estimate
    removed: wl.Estimate
    straight: wl.Estimate
    scores: dict[str, wl.Estimate]
    away: float
    parts: list[list[Any]]
    into: wl.Estimate
    about: list[dict[str, Any]]
    examples: list[dict[str, Any]]

    @classmethod
    def of(
        cls,
        measured: Sequence[dict[str, Any]],
        chosen: Sequence[Edge],
        coders: TranscodersResult,
        *,
        clusters: np.ndarray,
        resampled_over: str,
        contrast: str,
        seed: int,
    ) -> GraphsResult:
        """Put what was measured on each pair together.

        Args:
            measured: Of each pair, see `AttributionGraphs`.
            chosen: The edges.
            coders: The transcoders, for what their latents are called.
            clusters: Conversation of each pair.
            resampled_over: What those are.
            contrast: What differs.
            seed: Seed of the intervals.
        """
        gap = np.array([one["gap"] for one in measured])
        latents: list[Part] = list(dict.fromkeys(part for edge in chosen for part in edge if part[0] == "latent"))

        def share(rows: Sequence[Any], dim: str) -> wl.Estimate:
            values = np.array(rows, dtype=float).reshape(len(gap), -1)
            about: dict[str, Any] = {"unit": "share of the gap", "chance": 0.0, "dims": (dim,)}
            if abs(gap.sum()) < _LEAST_GAP * len(gap) or not values.shape[1]:
                return wl.Estimate.missing((values.shape[1],), **about)
            return cluster_bootstrap(values, gap, clusters, resampled_over=resampled_over, seed=seed, **about)

        said = np.array([one["scores"] for one in measured])
        return cls(
            contrast=contrast,
            layers=list(coders.layers),
            pairs=len(gap),
            conversations=len(np.unique(clusters)),
            edges=[[list(sender), list(receiver)] for sender, receiver in chosen],
            flow=share([one["flow"] for one in measured], "edge"),
            removed=share([one["removed"] for one in measured], "edge"),
            straight=share([one["straight"] for one in measured], "kind"),
            scores={
                name: cluster_bootstrap(
                    said[:, i], np.ones(len(said)), clusters, unit="share of influence", resampled_over=resampled_over
                )
                for i, name in enumerate(SCORES)
            },
            away=max(one["away"] for one in measured),
            parts=[list(part) for part in latents],
            into=share([[one["into"].get(part, 0.0) for part in latents] for one in measured], "latent"),
            about=[
                {
                    "label": coders.label(layer, unit),
                    "f1": float(coders.f1[f"L{layer}"][unit]),
                    "stability": float(coders.stability[f"L{layer}"][unit]),
                    "raises": coders.raises[f"L{layer}"][unit],
                }
                for _, layer, unit in latents
            ],
            examples=[one["example"] for one in measured if one["example"] is not None],
        )

    @property
    def told(self) -> bool:
        """Whether there is a gap to tell, and an edge that carries some of it."""
        return bool(self.edges) and bool(np.isfinite(self.flow.value).all())

    @property
    def agreement(self) -> float:
        """Correlation, over the edges, of what flows with what goes if an edge is taken out."""
        flow, removed = (np.asarray(one.value, dtype=float) for one in (self.flow, self.removed))
        if not self.told or len(flow) < 3 or not flow.std() or not removed.std():
            return float("nan")
        return float(np.corrcoef(flow, removed)[0, 1])

    def summary(self) -> str:
        lines = [finding.sentence for finding in self.findings()]
        if self.told:
            parts = zip(KINDS, np.asarray(self.straight.value), strict=True)
            told = ", ".join(f"{kind} {percent(float(value))}" for kind, value in parts)
            lines.append(f"Straight to the logits, as shares of the gap: {told}.")
            lines += [f"{name}: {estimate}." for name, estimate in self.scores.items()]
            lines.append(f"An account misses the logit difference by {self.away:.1e} logits at most.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        if not self.told:
            text = f"No path carries a {self.contrast} difference: there is no gap between the prompts."
            return [wl.Finding(text, "", (), "anecdotal", "null")]
        r, replaced, bare = self.agreement, self.scores["replacement"], self.scores["replacement, no transcoder"]
        believed = bool(r >= _BELIEVED)
        text = (
            f"{len(self.edges)} edges were chosen that carry the {self.contrast} difference; over them, the share that "
            f"an account gives and the share that goes without the edge correlate with r = {r:.2f} (n={self.pairs} "
            f"pairs they were not chosen on)."
        )
        found = [
            wl.Finding(
                text,
                "attribution-graph",
                (),
                "solid" if believed and self.conversations >= 10 else "weak",
                "effect" if believed else "null",
            )
        ]
        text = (
            f"{percent(replaced.value)} of the influence on the answers begins at tokens and not at what transcoders "
            f"leave (replacement score, 95% interval {percent(replaced.low)} to {percent(replaced.high)}, "
            f"n={replaced.n} {replaced.resampled_over}); with no transcoder {percent(bare.value)}."
        )
        more = bool(float(replaced.low) > float(bare.high))
        trust: Any = "solid" if more and replaced.trusted else "weak"
        kind: Any = "effect" if more else "null"
        found.append(wl.Finding(text, "attribution-graph", (), trust, kind, replaced))
        return found

    def views(self) -> Sequence[wl.View]:
        if not self.told:
            return []
        latents = [graphs_views.latents(self)] if self.parts else []
        examples = [graphs_views.example(self, number) for number in range(len(self.examples))]
        return [graphs_views.graph(self), graphs_views.checked(self), *latents, *examples]
