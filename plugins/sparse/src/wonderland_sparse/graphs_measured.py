"""What is measured of paths to an answer; how it is told and shown is `GraphsResult`'s and `graphs_views`'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland_sparse.edges_result import EdgesResult, share_of_gap
from wonderland_sparse.paths import Edge
from wonderland_sparse.replacement import Part
from wonderland_sparse.transcoders_result import TranscodersResult

__all__ = ["MeasuredGraphs"]

SCORES = ("replacement", "completeness", "replacement, no transcoder", "completeness, no transcoder")


@dataclass(frozen=True)
class MeasuredGraphs(EdgesResult):
    """Accounts of contrasts, their edges, and what the edges do if they are taken out.

    Attributes:
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
    ) -> Self:
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
            return share_of_gap(values, gap, clusters, dims=(dim,), resampled_over=resampled_over, seed=seed)

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
    def both(self) -> tuple[wl.Estimate, wl.Estimate]:
        return self.flow, self.removed
