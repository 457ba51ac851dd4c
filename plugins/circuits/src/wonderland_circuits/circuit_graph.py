"""Which edges are the circuit, and do they do it alone?

All edges are ranked by their estimated effect (EAP-IG) on one half of the pairs of a contrast. The circuit is the
smallest set of strongest edges, those without a way from the embedding to the logits dropped, that brings back
``enough`` of the gap when every other edge carries the corrupted run. On the other half of the pairs, of other
conversations, it is held to what a circuit has to be:

- faithful: f(C) = (m(C) − m(∅)) / (m(all) − m(∅)), how much of the gap the circuit alone brings back;
- complete: nothing else does it too. Subsets K are taken out of the circuit and of the whole model; the two must
  fall alike. Shown is how far f(C∖K) and f(all∖K) are apart, over random K and over each K of the strongest edges;
- minimal: every edge is needed. Shown is how far f falls without each edge;
- special: f of ``circuits`` random sets of as many edges, patched together from random ways from the embedding to the
  logits so that they could carry something, with p = (1 + those as faithful) / (1 + all).

CPR is the area under f over the share of edges kept, CMD the area between f and 1 (Mueller et al. 2025).

Weights of the graph are exact: what the edge alone brings back on the pairs to confirm with.
What would fool it: faithfulness depends on what the other edges carry (here the corrupted prompt; means or zeros give
other numbers), a mean over pairs can hide pairs that fail, and a faithful circuit need not be the only one.

Cost: sizes + edges of the circuit + circuits, times pairs, whole runs of a model whose every receiver reads its own
sum.
References: Wang et al. 2022 (2211.00593); Hanna et al. 2024 (2403.17806); Miller et al. 2024 (2407.08734); Mueller et
al. 2025 (2504.13151).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import networkx as nx
import numpy as np

import wonderland as wl
from wonderland.lab.edges import Edges
from wonderland_circuits.circuit_result import CircuitGraphResult
from wonderland_circuits.contrast_selection import AsksContrasts
from wonderland_circuits.edge_attribution import estimated
from wonderland_circuits.edge_runs import Changed

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

Numbered = tuple[int, int]  # an edge by the numbers of its sender and its receiver


@dataclass(frozen=True)
class CircuitGraph(AsksContrasts):
    """Which edges are the circuit, and do they do it alone? Faithful, complete, minimal, better than random ones."""

    name: ClassVar[str] = "circuit-graph"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    enough: Annotated[float, "share of the gap from which a set of edges is the circuit"] = 0.8
    steps: Annotated[int, "points between the embeddings of the two prompts, for ranking edges"] = 5
    circuits: Annotated[int, "random circuits to compare with"] = 200
    subsets: Annotated[int, "random subsets to take out for completeness, and edges to take out one by one"] = 10
    pairs: Annotated[int, "pairs to mine at most, half to explore and half to confirm"] = 40

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import edge_truths

        return edge_truths.circuit_graph()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the pairs and measures on the other."""
        from wonderland_circuits import choices

        return choices.circuit_graph()

    def run(self, specimen: wl.Specimen) -> CircuitGraphResult:
        """Rank the edges, find the circuit, and hold it to what a circuit has to be."""
        asked = self.asked(specimen)
        model, edges, random = specimen.model, Edges.of(specimen.model), np.random.default_rng(self.seed)
        explore, confirm = asked.batch.rows(asked.explore), asked.batch.rows(asked.confirm)
        there = edges.pairs
        sizes = _sizes(len(there))
        if not len(explore) or not len(confirm):
            return CircuitGraphResult.empty(edges, self.enough, self.differs, asked.refused)
        gap = _gap(model, explore)
        effect = estimated(model, explore, edges, self.steps).sum(1) / gap
        order = [there[i] for i in np.argsort(-np.abs(effect), kind="stable")]
        nested = [connected(edges, order[:size]) for size in sizes]
        found = faithfulness(model, edges, explore, nested).recovery(self.seed).value
        reached = np.flatnonzero(np.asarray(found) >= self.enough)
        circuit = nested[int(reached[0])] if len(reached) else nested[-1]
        circuit = sorted(circuit, key=order.index)

        kept = [[one for one in circuit if one != edge] for edge in circuit]
        taken = [
            *([edge] for edge in circuit[: self.subsets]),
            *(_some(circuit, random) for _ in range(self.subsets if len(circuit) > 1 else 0)),
        ]
        null = [random_circuit(edges, len(circuit), random) for _ in range(self.circuits)]
        groups: list[list[list[Numbered]]] = [
            nested,
            [circuit],
            kept,
            [[e for e in circuit if e not in set(k)] for k in taken],
            [[e for e in there if e not in set(k)] for k in taken],
            null,
        ]
        whole = faithfulness(model, edges, confirm, [one for group in groups for one in group])
        share = whole.recovery(self.seed)
        curve, alone, without, circuit_less, all_less, others = _split(share, [len(group) for group in groups])
        single = edges.masks([[edge] for edge in circuit])
        weights = Changed.of(model, confirm, len(circuit), lambda some: some.run_edges(single)).recovery(self.seed)
        return CircuitGraphResult(
            edges=[edges.name(edge) for edge in circuit],
            weights=weights,
            faithfulness=alone[0],
            without=without,
            incompleteness=np.abs(np.asarray(circuit_less.value) - np.asarray(all_less.value)),
            taken=[len(k) for k in taken],
            others=np.asarray(others.value),
            kept=np.array([len(one) for one in nested]) / len(there),
            curve=curve,
            senders=edges.senders,
            count=len(there),
            enough=self.enough,
            reached=bool(len(reached)),
            kind=self.differs,
            confirming=len(confirm),
            held_back=self.held_back,
            refused=asked.refused,
        )


def faithfulness(model: Any, edges: Edges, batch: Any, circuits: Sequence[Iterable[Numbered]]) -> Changed:
    """Return pairs in which only the edges of a circuit carry anything but the corrupted run."""
    active = edges.masks(circuits)
    patched = active.copy()
    patched[:, 1:] = False  # the embedding of the clean prompt goes in; all else follows from it
    return Changed.of(model, batch, len(active), lambda some: some.run_edges(patched, active=active))


def connected(edges: Edges, chosen: Iterable[Numbered]) -> list[Numbered]:
    """Return the edges that lie on a way from the embedding to the logits within the set."""
    chosen = list(chosen)
    graph = nx.DiGraph()
    for sender, receiver in chosen:
        graph.add_edge(edges.senders[sender], part(edges.receivers[receiver]))
    if "embed" not in graph or "logits" not in graph:
        return []
    useful = ({"embed"} | nx.descendants(graph, "embed")) & ({"logits"} | nx.ancestors(graph, "logits"))
    return [(s, r) for s, r in chosen if edges.senders[s] in useful and part(edges.receivers[r]) in useful]


def part(receiver: str) -> str:
    """Return what a receiver is an input of: "L1H0" of "L1H0.k"."""
    return receiver.partition(".")[0]


def random_circuit(edges: Edges, size: int, random: np.random.Generator) -> list[Numbered]:
    """Return about as many edges, patched together from random ways from the embedding to the logits."""
    inputs: dict[str, list[int]] = {}
    for receiver, name in enumerate(edges.receivers):
        inputs.setdefault(part(name), []).append(receiver)
    names = [*edges.senders, "logits"]
    exists, chosen = edges.exists, set[Numbered]()
    while len(chosen) < size:
        here, way = names.index("logits"), []
        while here:
            receiver = int(random.choice(inputs[names[here]]))
            sender = int(random.choice(np.flatnonzero(exists[:, receiver])))
            way.append((sender, receiver))
            here = sender
        fresh = [edge for edge in way if edge not in chosen]
        # Where no way fits what is left, a little over is fairer than a loose end.
        if len(chosen) + len(fresh) <= size or not chosen or random.random() < 0.2:
            chosen |= set(fresh)
    return sorted(chosen)


def _sizes(count: int) -> list[int]:
    """Return sizes of circuits to try, from a few edges to all."""
    return sorted({*np.geomspace(3, count, 14).round().astype(int).tolist(), count} - {0} if count > 3 else {count})


def _some(circuit: Sequence[Numbered], random: np.random.Generator) -> list[Numbered]:
    """Return a random subset, neither nothing nor all."""
    size = int(random.integers(1, len(circuit)))
    return [circuit[i] for i in sorted(random.choice(len(circuit), size, replace=False))]


def _gap(model: Any, batch: Any) -> float:
    from wonderland.lab.contrast import gaps

    return float(gaps(model, batch).sum())


def _split(estimate: wl.Estimate, lengths: Sequence[int]) -> list[wl.Estimate]:
    ends = np.cumsum([0, *lengths])
    return [estimate[a:b] for a, b in itertools.pairwise(ends)]
