"""What results of edges have in common: which edges carry how much of a gap, and whether two measures of that agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import wonderland as wl
from wonderland.lab.edges import by_edge
from wonderland.lab.stats import cluster_bootstrap
from wonderland_sparse.edge_names import edge_of

__all__ = ["EdgesResult", "share_of_gap"]

_LEAST_GAP = 1e-6  # logits a pair; under it there is nothing to tell


@dataclass(frozen=True)
class EdgesResult(wl.Result):
    """Edges through which a difference reaches the answer, chosen on some contrasts and measured on others.

    Attributes:
        contrast: What differs between the prompts.
        layers: The layers that are taken apart.
        pairs: Contrasts that were measured.
        conversations: Conversations they are from.
        edges: Sender and receiver of each edge, the largest first, [edge].
    """

    contrast: str
    layers: list[int]
    pairs: int
    conversations: int
    edges: list[list[list[Any]]]

    def estimates(self) -> Mapping[str, wl.Estimate]:
        return by_edge(super().estimates(), map(edge_of, self.edges))

    @property
    def both(self) -> tuple[wl.Estimate, wl.Estimate]:
        """What each edge carries of the gap: as it is computed, and as an intervention on the model says, [edge]."""
        raise NotImplementedError

    @property
    def told(self) -> bool:
        """Whether there is a gap to tell, and an edge that carries some of it."""
        return bool(self.edges) and all(bool(np.isfinite(one.value).all()) for one in self.both)

    @property
    def agreement(self) -> float:
        """Correlation, over the edges, of what each is computed to carry with what an intervention says."""
        one, other = (np.asarray(values.value, dtype=float) for values in self.both)
        if not self.told or len(one) < 3 or not one.std() or not other.std():
            return float("nan")
        return float(np.corrcoef(one, other)[0, 1])


def share_of_gap(
    values: ArrayLike, gap: np.ndarray, clusters: np.ndarray, *, dims: tuple[str, ...], resampled_over: str, seed: int
) -> wl.Estimate:
    """Return which share of the gap between the prompts of contrasts something carries; missing if there is no gap.

    Args:
        values: What is carried, in logits, [pair] or [pair, thing].
        gap: The gap of each pair, in logits, [pair].
        clusters: Conversation of each pair.
        dims: What the things are, such as ("edge",); nothing for one number.
        resampled_over: What the clusters are.
        seed: Seed of the interval.
    """
    carried = np.asarray(values, dtype=float)
    about: dict[str, Any] = {"unit": "share of the gap", "chance": 0.0, "dims": dims, "resampled_over": resampled_over}
    if abs(gap.sum()) < _LEAST_GAP * len(gap) or not carried.size:
        return wl.Estimate.missing(carried.shape[1:], **about)
    return cluster_bootstrap(carried, gap, clusters, seed=seed, **about)
