"""Edges of the computational graph: which components read what which others write.

Every component reads the sum of what the components before it wrote into the residual stream: the embedding, each
head, each MLP. An edge is one term of one such sum, from a sender (``embed``, ``L0H2``, ``MLP1``) to an input of a
receiver (``L1H0.q``, ``L1H0.k``, ``L1H0.v``, ``MLP1``, ``logits``). Four layers of four heads with MLPs have 479.

Reference: Conmy et al. 2023 (2304.14997), edges and circuits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wonderland.components import READS, Edge, Head
from wonderland.errors import UsageError
from wonderland.estimate import Estimate

if TYPE_CHECKING:
    from wonderland.lab.protocols import HookedModel

__all__ = ["INPUTS", "Edges", "by_edge"]

INPUTS = tuple(READS)
"""What a head reads the stream for, in the order of receivers."""


@dataclass(frozen=True)
class Edges:
    """The edges a model has.

    Attributes:
        n_layers: Layers.
        n_heads: Heads in each.
        mlps: Whether there are MLPs.
    """

    n_layers: int
    n_heads: int
    mlps: bool

    @classmethod
    def of(cls, model: HookedModel) -> Edges:
        """Return the edges of a model."""
        return cls(model.cfg.n_layers, model.cfg.n_heads, not model.cfg.attn_only)

    @property
    def senders(self) -> list[str]:
        """Names of what writes, in the order of computation: "embed", "L0H0", …, "MLP0", "L1H0", …."""
        names = ["embed"]
        for layer in range(self.n_layers):
            names += [str(Head(layer, head)) for head in range(self.n_heads)]
            names += [f"MLP{layer}"] if self.mlps else []
        return names

    @property
    def receivers(self) -> list[str]:
        """Names of what reads: "L0H0.q", …, "L0H0.k", …, "L0H0.v", …, "MLP0", "L1H0.q", …, "logits"."""
        names = []
        for layer in range(self.n_layers):
            names += [f"{Head(layer, head)}.{what}" for what in INPUTS for head in range(self.n_heads)]
            names += [f"MLP{layer}"] if self.mlps else []
        return [*names, "logits"]

    @property
    def exists(self) -> NDArray[np.bool_]:
        """Which sender comes before which receiver, [sender, receiver]."""
        there = np.zeros((self._width * self.n_layers + 1, len(self.receivers)), dtype=bool)
        for layer in range(self.n_layers):
            there[: self.before(layer), self.attention(layer)] = True
            if self.mlps:
                there[: self.before(layer) + self.n_heads, self.mlp(layer)] = True
        there[:, -1] = True
        return there

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """All edges, each as (sender, receiver), in the order of `exists`."""
        return [(int(s), int(r)) for s, r in np.argwhere(self.exists)]

    def edge(self, pair: tuple[int, int]) -> Edge:
        """Return the edge from a sender to a receiver, each by its number."""
        return Edge(self.senders[pair[0]], self.receivers[pair[1]])

    def pair(self, edge: Edge | str) -> tuple[int, int]:
        """Return the numbers of an edge's sender and receiver: where it stands in a mask [sender, receiver].

        Raises:
            UsageError: The model has no such edge.
        """
        found = edge if isinstance(edge, Edge) else Edge.parse(edge)
        sender, _, receiver = str(found).partition(" → ")
        if sender not in self.senders or receiver not in self.receivers:
            raise UsageError(
                f"The model has no edge {str(found)!r}.",
                hint=f"Edges lead from {self.senders[0]} to {self.senders[-1]} into {self.receivers[0]} to logits.",
            )
        return self.senders.index(sender), self.receivers.index(receiver)

    def name(self, pair: tuple[int, int]) -> str:
        """Return the name of an edge: "L0H2 → L1H0.k"."""
        return str(self.edge(pair))

    def masks(self, chosen: Sequence[Iterable[tuple[int, int]]]) -> NDArray[np.bool_]:
        """Return sets of edges as masks, [set, sender, receiver]."""
        there = np.zeros((len(chosen), *self.exists.shape), dtype=bool)
        for row, edges in enumerate(chosen):
            for sender, receiver in edges:
                there[row, sender, receiver] = True
        return there

    # -- where things stand --------------------------------------------------------------------------------------

    @property
    def _width(self) -> int:
        return self.n_heads + self.mlps

    @property
    def _reads(self) -> int:
        return len(INPUTS) * self.n_heads + self.mlps

    def before(self, layer: int) -> int:
        """Return how many senders come before a layer."""
        return 1 + layer * self._width

    def attention(self, layer: int) -> slice:
        """Return the receivers that are attention inputs of a layer: queries, keys, values, by head."""
        start = layer * self._reads
        return slice(start, start + len(INPUTS) * self.n_heads)

    def mlp(self, layer: int) -> int:
        """Return the receiver that is the MLP of a layer."""
        return (layer + 1) * self._reads - 1

    def layer(self, receiver: int) -> int:
        """Return the layer of a receiver; the number of layers for the logits."""
        return min(receiver // self._reads, self.n_layers)


def by_edge(
    found: Mapping[str, Estimate], edges: Iterable[Edge | str], also: Collection[str] = ()
) -> dict[str, Estimate]:
    """Return estimates with edges' names along their dimension "edge", so that a table has them in place of numbers.

    Args:
        found: Estimates by path, as `Result.estimates` returns them.
        edges: The edges, in the order of that dimension.
        also: Paths of estimates [edge] that do not say so.
    """
    names = tuple(map(str, edges))
    about: dict[str, Any] = {"dims": ("edge",), "labels": {"edge": names}}
    return {
        path: replace(one, **about) if path in also or (one.dims, one.shape) == (("edge",), (len(names),)) else one
        for path, one in found.items()
    }
