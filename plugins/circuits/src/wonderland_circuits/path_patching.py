"""By which path does a part of the model act: straight on the answer, or through whom?

The output of a sender (the embedding, a head, an MLP) is taken from the other prompt of a contrast and handed to some
of those who read it, while everything else it reaches keeps what it had: to all of them (its whole effect), to the
logits alone (its direct effect), or to the queries, keys or values of one later head. What is left between whole and
direct goes through others. Both ways: denoising gives a corrupted run clean outputs, noising the reverse.

Receivers are the heads with the largest whole effect on one half of the pairs; everything is measured on the other, of
other conversations. LayerNorm is computed anew from what a receiver then reads; no scale is frozen. Only earlier parts
can be senders, so a path backwards cannot be claimed.

What would fool it: paths that back each other up each look idle alone; and shares of paths do not add up to the whole,
because softmax, LayerNorm and MLPs are not linear. Pairs under 20 are marked anecdotal, pairs without a gap refused.

Cost: 2 × 2 × senders + 3 × receivers × senders short runs from the receiver's layer on, a pair.
References: Wang et al. 2022 (2211.00593), path patching; Goldowsky-Dill et al. 2023 (2304.05969).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.components import Head, parse_component
from wonderland.lab.edges import INPUTS, Edges
from wonderland_circuits.contrast_selection import AsksContrasts
from wonderland_circuits.edge_runs import Changed
from wonderland_circuits.path_result import WAYS, PathPatchingResult

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth


@dataclass(frozen=True)
class PathPatching(AsksContrasts):
    """By which path does a part act? Whole and direct effects, and who tells the heads that matter."""

    name: ClassVar[str] = "path-patching"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    heads: Annotated[tuple[str, ...], "heads to look into, such as L2H0; those of the largest effect if none"] = ()
    receivers: Annotated[int, "how many heads to look into, if none are named"] = 3

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import edge_truths

        return edge_truths.path_patching()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the pairs and measures on the other."""
        from wonderland_circuits import choices

        return choices.path_patching()

    def run(self, specimen: wl.Specimen) -> PathPatchingResult:
        """Hand each sender's output to all, to the logits, and to single inputs of the heads that matter."""
        shape = (specimen.cfg.n_layers, specimen.cfg.n_heads)
        named = [str(Head.parse(name, shape)) for name in self.heads]
        asked = self.asked(specimen)
        model, edges = specimen.model, Edges.of(specimen.model)
        chosen = named
        if not named and len(asked.explore):
            explored = _effects(model, asked.batch.rows(asked.explore), _all_and_direct(edges), "denoising")
            effect = np.asarray(explored.recovery(self.seed).value)[: len(edges.senders)]
            order = [edges.senders[i] for i in np.argsort(-effect)]
            chosen = [name for name in order if parse_component(name)][: self.receivers]
        batch = asked.batch.rows(asked.confirm)
        if not len(batch):
            chosen = []
        count = len(edges.senders)
        both = {way: _effects(model, batch, _all_and_direct(edges), way).recovery(self.seed) for way in WAYS}
        return PathPatchingResult(
            senders=edges.senders,
            whole={way: _of_senders(both[way][:count], edges) for way in WAYS},
            direct={way: _of_senders(both[way][count : 2 * count], edges) for way in WAYS},
            receivers=chosen,
            into={head: _into(model, edges, batch, head, self.seed) for head in chosen},
            grid=[edges.n_layers, edges.n_heads],
            kind=self.differs,
            confirming=len(batch),
            held_back=self.held_back,
            refused=asked.refused,
        )


def _all_and_direct(edges: Edges) -> np.ndarray:
    """Return the edges of each sender, and after them each sender's edge into the logits alone."""
    senders, receivers = edges.exists.shape
    patched = np.zeros((2 * senders, senders, receivers), dtype=bool)
    for s in range(senders):
        patched[s, s] = edges.exists[s]
        patched[senders + s, s, -1] = True
    return patched


def _effects(model: Any, batch: Any, patched: np.ndarray, way: str) -> Changed:
    """Return pairs with edges patched, one way or the other; noising is told as the share that is lost."""
    noising = way == "noising"
    found = Changed.of(model, batch, len(patched), lambda some: some.run_edges(patched, noising=noising))
    if not noising:
        return found
    return Changed(found.corrupted, found.clean, found.changed, batch)


def _of_senders(estimate: wl.Estimate, edges: Edges) -> wl.Estimate:
    return estimate.map(np.asarray, dims=("sender",), labels={"sender": tuple(edges.senders)})


def _into(model: Any, edges: Edges, batch: Any, head: str, seed: int) -> wl.Estimate:
    """Return the share each earlier sender brings back by each input of a head, [input, sender]."""
    targets = [edges.receivers.index(f"{head}.{what}") for what in INPUTS]
    there = [(s, r) for r in targets for s in np.flatnonzero(edges.exists[:, r]).tolist()]
    patched = edges.masks([[edge] for edge in there])
    found = _effects(model, batch, patched, "denoising").recovery(seed)
    shape = (len(INPUTS), len(edges.senders))
    value, low, high = (np.full(shape, np.nan) for _ in range(3))
    at = tuple(np.array([[targets.index(r), s] for s, r in there]).T)
    value[at], low[at], high[at] = found.value, found.low, found.high
    return dataclasses.replace(
        found,
        value=value,
        low=low,
        high=high,
        dims=("input", "sender"),
        labels={"input": INPUTS, "sender": tuple(edges.senders)},
    )
