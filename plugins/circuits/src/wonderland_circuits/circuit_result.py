"""What `circuit-graph` found, how it is told and drawn; see `wonderland_circuits.circuit_graph` for what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx
import numpy as np

import wonderland as wl
from wonderland.components import READS, Head
from wonderland.lab.edges import Edges, by_edge
from wonderland.views import (
    Axis,
    Column,
    Curve,
    Graph,
    GraphNode,
    Lines,
    Reference,
    Table,
    Wording,
    counted,
    digits,
    percent,
    told_p,
)
from wonderland.views import Edge as Drawn
from wonderland_circuits.contrast_result import ContrastResult
from wonderland_circuits.phrases import listed, share


@dataclass(frozen=True)
class CircuitGraphResult(ContrastResult):
    """A circuit and what it was held to.

    Attributes:
        edges: Names of its edges, the strongest first; empty without pairs.
        weights: Share of the gap each brings back alone, [edge].
        faithfulness: Share of the gap the circuit brings back while all else is corrupted.
        without: The same without each edge, [edge].
        incompleteness: How far f(C∖K) and f(all∖K) are apart for each subset K taken out, [subset].
        taken: Edges in each K.
        others: Faithfulness of random circuits with the same number of edges, [circuit].
        kept: Share of the model's edges in each circuit of the curve, [size].
        curve: Faithfulness of the strongest edges by how many, [size].
        senders: Names of the parts, in the order of computation.
        count: Edges of the model.
        enough: Share of the gap from which a set of edges is the circuit.
        reached: Whether a set short of it did not have to do, on the pairs it was chosen on.
        held_back: Whether the circuit was chosen on other pairs.
    """

    edges: list[str]
    weights: wl.Estimate
    faithfulness: wl.Estimate
    without: wl.Estimate
    incompleteness: np.ndarray
    taken: list[int]
    others: np.ndarray
    kept: np.ndarray
    curve: wl.Estimate
    senders: list[str]
    count: int
    enough: float
    reached: bool
    held_back: bool

    @classmethod
    def empty(cls, edges: Edges, enough: float, kind: str, refused: list[str]) -> CircuitGraphResult:
        """Return the result for no pairs."""
        none = np.zeros(0)
        about: dict[str, Any] = {"unit": "recovery", "chance": 0.0, "resampled_over": "pairs"}
        nothing, single = wl.Estimate.missing((0,), **about), wl.Estimate.missing(**about)
        return cls(
            edges=[],
            weights=nothing,
            faithfulness=single,
            without=nothing,
            incompleteness=none,
            taken=[],
            others=none,
            kept=none,
            curve=nothing,
            senders=edges.senders,
            count=len(edges.pairs),
            enough=enough,
            reached=False,
            kind=kind,
            confirming=0,
            held_back=True,
            refused=refused,
        )

    @property
    def p(self) -> float:
        """Share of random circuits as faithful, the circuit included; one-sided."""
        if not np.isfinite(self.faithfulness.value):
            return float("nan")
        return float((1 + (self.others >= self.faithfulness.value).sum()) / (1 + len(self.others)))

    @property
    def cpr(self) -> float:
        """Area under faithfulness over the share of edges kept (circuit performance ratio)."""
        return _area(self.kept, np.asarray(self.curve.value), 0.0)

    @property
    def cmd(self) -> float:
        """Area between faithfulness and 1 over the share of edges kept (circuit-model distance)."""
        return _area(self.kept, np.abs(1 - np.asarray(self.curve.value)), 1.0)

    @property
    def idle(self) -> list[str]:
        """Edges without which the circuit is as faithful: it is not minimal."""
        lost = float(self.faithfulness.value) - np.asarray(self.without.value)
        return [edge for edge, one in zip(self.edges, lost, strict=True) if one < 0.005]

    @property
    def trust(self) -> Any:
        """How far the claim can be trusted."""
        shown = self.reached and self.faithfulness.low > 0 and self.p < 0.05
        return self.graded(self.held_back and (shown or self._as_random), self.faithfulness)

    @property
    def _as_random(self) -> bool:
        """Whether the whole interval lies under the mean of random circuits: a null result."""
        return bool(len(self.others) and self.faithfulness.high < np.mean(self.others))

    def graph(self) -> nx.DiGraph:
        """Return the circuit: an edge for each pair of parts, with ``weight`` and ``inputs`` {"k": share, …}."""
        graph = nx.DiGraph()
        for name, weight in zip(self.edges, np.asarray(self.weights.value), strict=True):
            edge = wl.Edge.parse(name)
            sender, target = str(edge.sender), str(edge.receiver)
            if not graph.has_edge(sender, target):
                graph.add_edge(sender, target, weight=0.0, inputs={})
            graph[sender][target]["weight"] += float(weight)
            graph[sender][target]["inputs"][edge.input or "input"] = float(weight)
        return graph

    def estimates(self) -> Mapping[str, wl.Estimate]:
        return by_edge(super().estimates(), self.edges, ("weights", "without"))

    def summary(self) -> str:
        if not self.edges:
            return "\n".join(self.without_pairs("No circuit can be drawn"))
        idle = f"; not {listed(self.idle)}" if self.idle else ""
        lines = [
            self._claim(),
            f"Minimality: {len(self.edges) - len(self.idle)} of its {counted(len(self.edges), 'edge')} cost "
            "at least 0.5% each "
            f"when left out{idle}.",
            f"Over all sizes: CPR {digits(self.cpr)} (1 is best), CMD {digits(self.cmd)} (0 is best).",
        ]
        if len(self.incompleteness):
            lines.insert(
                1,
                f"Incompleteness: with parts taken out, circuit and model differ by "
                f"{percent(self.incompleteness.mean())} on average, by {percent(self.incompleteness.max())} at most.",
            )
        if not self.reached:
            lines.append(f"No smaller set brought back {percent(self.enough)} where it was looked for.")
        return "\n".join(lines + self.refusals())

    def _claim(self) -> str:
        random = "there are no random circuits to compare with"
        if len(self.others):
            special = "" if self.p < 0.05 else ", so the circuit is not shown to be special"
            random = (
                f"random circuits with the same number of edges {percent(float(np.mean(self.others)))} on average, "
            )
            random += f"{told_p(self.p)}{special}"
        return (
            f"{len(self.edges)} of {counted(self.count, 'edge')} bring back {share(self.faithfulness)} of the "
            "difference "
            f"({self.what}) while all others are corrupted, over {self.confirmed_on}{self.few}; {random}."
        )

    def findings(self) -> Sequence[wl.Finding]:
        if not self.edges:
            return self.claimed(self.summary().splitlines()[0], "", trust=self.trust)
        chance = float(np.mean(self.others)) if len(self.others) else None
        beyond = self.faithfulness.low > 0 and self.p < 0.05
        return self.claimed(
            self._claim(),
            "circuit-graph",
            replace(self.faithfulness, chance=chance),
            trust=self.trust,
            kind="effect" if beyond or not len(self.others) else "null",
        )

    def views(self) -> Sequence[wl.View]:
        if not self.edges:
            return []
        return [self._drawn(), self._curve(), self._held_to()]

    def _drawn(self) -> wl.View:
        layers = _layers(self.senders)
        last = max(layers.values()) + 1
        nodes = [
            GraphNode(Wording(name), Wording(name), layers.get(name, last))
            for name in dict.fromkeys(name for edge in self.edges for name in _ends(edge))
        ]
        names = _headings(last - 1)
        edges = []
        for (sender, receiver), where in _grouped(self.edges).items():
            value, low, high = (float(np.sum(getattr(self.weights, part)[where])) for part in ("value", "low", "high"))
            note = "by its " + ", ".join(READS.get(wl.Edge.parse(self.edges[i]).input, "input") for i in where)
            edges.append(Drawn(Wording(sender), Wording(receiver), value, low, high, note=note))
        headings = [Wording(names[column]) for column in sorted({int(node.layer) for node in nodes})]
        return wl.View(
            "circuit-graph",
            "Circuit graph",
            Graph(nodes, edges, "share of the gap", 0.0, headings),
            subtitle="Which connections carry the difference, from the words to the answer?",
            caption=f"{len(self.edges)} of {counted(self.count, 'edge')}; width is the share of the gap that "
            "an edge alone brings "
            f"back, {self.over(self.faithfulness)}. {self._claim()}",
            how_to_read="Which part reads from which, from the words on the left to the answer on the right. A thick "
            "line alone brings much of the answer back; several inputs of one head are drawn as one line.",
            misleads="A line that matters only together with another is thin. Another circuit may do the same.",
            order=80,
            warning=self.warning(),
        )

    def _curve(self) -> wl.View:
        references = [Reference(Wording("the whole model"), 1.0)]
        if len(self.others):
            references.append(
                Reference(
                    Wording(f"random circuits of {counted(len(self.edges), 'edge')}"), float(np.mean(self.others))
                )
            )
        return wl.View(
            "circuit-faithfulness",
            "Faithfulness by circuit size",
            Lines(
                Axis("edges kept", "share of all"),
                Axis("brought back", "share of the gap"),
                [Curve(Wording("strongest edges"), self.kept, self.curve)],
                references,
            ),
            subtitle="How few edges do it alone?",
            caption=f"Share of the gap that the strongest edges bring back while all others are corrupted, "
            f"{self.over(self.curve)}; area under the curve (CPR) {digits(self.cpr)}, between it and the whole model "
            f"(CMD) {digits(self.cmd)}.",
            how_to_read="The sooner the curve reaches 1, the fewer edges the behaviour needs.",
            misleads="It may pass 1 and fall again: edges that work against the answer come last or are left out. The "
            "line of random circuits holds for circuits of the size of the one found, not for other sizes.",
            order=82,
        )

    def _held_to(self) -> wl.View:
        columns: dict[Column, Any] = {
            Column("edge", "Edge", help="The part that writes and the part that reads it."): list(
                map(wl.Edge.parse, self.edges)
            ),
            Column(
                "alone",
                "Edge alone",
                "share",
                3,
                "Share of the gap that this edge brings back by itself; 0 is no effect.",
            ): self.weights,
            Column(
                "without", "Circuit without it", "share", 3, "Share of the gap that the other edges bring back."
            ): replace(self.without, chance=None),
            Column(
                "costs", "Lost without it", "share", 3, "Whole circuit less the circuit without it; 0 is not needed."
            ): float(self.faithfulness.value) - np.asarray(self.without.value),
        }
        complete = ""
        if len(self.incompleteness):
            complete = (
                f" Incompleteness: {percent(self.incompleteness.mean())} on average over {len(self.taken)} subsets "
                "taken out of circuit and model alike."
            )
        return wl.View(
            "circuit-edges",
            "Circuit graph: edges",
            Table.by_row(columns),
            subtitle="Is every edge of the circuit needed?",
            caption=f"Shares of the gap, {self.over(self.faithfulness)}.{complete}",
            how_to_read="An edge is needed if the circuit without it brings back less.",
            misleads="Two edges that do the same are each dispensable, and together are not.",
            order=84,
        )


def _area(x: np.ndarray, y: np.ndarray, start: float) -> float:
    """Return the area under y over x from 0, where y is ``start``, to 1."""
    return float(np.trapezoid(np.append(start, y), np.append(0.0, x))) if len(x) else float("nan")


def _ends(edge: str) -> tuple[str, str]:
    found = wl.Edge.parse(edge)
    return str(found.sender), str(found.receiver)


def _grouped(edges: Sequence[str]) -> dict[tuple[str, str], list[int]]:
    groups: dict[tuple[str, str], list[int]] = {}
    for i, edge in enumerate(edges):
        groups.setdefault(_ends(edge), []).append(i)
    return groups


def _headings(last: int) -> list[str]:
    """Return the heading of each column of `_layers`."""
    between = [f"{what} {layer}" for layer in range(last // 2 + 1) for what in ("heads", "MLP")]
    return ["words", *between[:last], "answer"]


def _layers(senders: Sequence[str]) -> dict[str, int]:
    """Return the column of each part: embed first, then the heads and the MLP of each layer."""
    columns: dict[str, int] = {}
    for name in senders:
        if name == "embed":
            columns[name] = 0
        elif name.startswith("MLP"):
            columns[name] = 2 * int(name[3:]) + 2
        else:
            columns[name] = 2 * Head.parse(name).layer + 1
    return columns
