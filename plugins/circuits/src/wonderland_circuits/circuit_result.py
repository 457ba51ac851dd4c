"""What `circuit-graph` found, how it is told and drawn; see `wonderland_circuits.circuit_graph` for what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

import wonderland as wl
from wonderland.lab.contrast import ENOUGH_PAIRS
from wonderland.lab.edges import Edges
from wonderland_circuits.questions import share, spelled


@dataclass(frozen=True)
class CircuitGraphResult(wl.Result):
    """A circuit and what it was held to.

    Attributes:
        edges: Names of its edges, the strongest first; empty without pairs.
        weights: Share of the gap each brings back alone, [edge].
        faithfulness: Share of the gap the circuit brings back while all else is corrupted.
        without: The same without each edge, [edge].
        incompleteness: How far f(C∖K) and f(all∖K) are apart for each subset K taken out, [subset].
        taken: Edges in each K.
        others: Faithfulness of random circuits of as many edges, [circuit].
        kept: Share of the model's edges in each circuit of the curve, [size].
        curve: Faithfulness of the strongest edges by how many, [size].
        senders: Names of the parts, in the order of computation.
        count: Edges of the model.
        enough: Share of the gap from which a set of edges is the circuit.
        reached: Whether a set short of it did not have to do, on the pairs it was chosen on.
        kind: What differs between the prompts.
        confirming: Pairs that all of this rests on.
        held_back: Whether the circuit was chosen on other pairs.
        refused: Why pairs were refused, each a line.
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
    kind: str
    confirming: int
    held_back: bool
    refused: list[str]

    @classmethod
    def empty(cls, edges: Edges, enough: float, kind: str, refused: list[str]) -> CircuitGraphResult:
        """Return the result for no pairs."""
        none = np.zeros(0)
        nothing = wl.Estimate(none, none, none, n=0, unit="recovery", chance=0.0, resampled_over="pairs")
        single = wl.Estimate(np.nan, np.nan, np.nan, n=0, unit="recovery", chance=0.0, resampled_over="pairs")
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
        if self.confirming < ENOUGH_PAIRS:
            return "anecdotal"
        solid = self.held_back and self.faithfulness.trusted and self.faithfulness.low > 0 and self.p < 0.05
        return "solid" if solid and self.reached else "weak"

    def graph(self) -> nx.DiGraph:
        """Return the circuit: an edge for each pair of parts, with ``weight`` and ``inputs`` {"k": share, …}."""
        graph = nx.DiGraph()
        for name, weight in zip(self.edges, np.asarray(self.weights.value), strict=True):
            sender, _, receiver = name.partition(" → ")
            target, _, what = receiver.partition(".")
            if not graph.has_edge(sender, target):
                graph.add_edge(sender, target, weight=0.0, inputs={})
            graph[sender][target]["weight"] += float(weight)
            graph[sender][target]["inputs"][what or "input"] = float(weight)
        return graph

    def summary(self) -> str:
        refusals = [f"Refused: {reason}." for reason in self.refused]
        if not self.edges:
            first = f"No circuit can be drawn: there is no usable contrast ({spelled(self.kind)})."
            return "\n".join([first, *refusals])
        few = f", anecdotal: fewer than {ENOUGH_PAIRS} pairs" if self.confirming < ENOUGH_PAIRS else ""
        lines = [
            f"{len(self.edges)} of {self.count} edges bring back {share(self.faithfulness)} of the difference "
            f"({spelled(self.kind)}) while all others are corrupted, over {self.confirming} pairs{few}; random "
            f"circuits of as many edges {np.mean(self.others):.0%} on average, p={self.p:.3f}.",
            f"Completeness: with parts taken out, circuit and model differ by {self.incompleteness.mean():.0%} on "
            f"average, by {self.incompleteness.max():.0%} at most.",
            f"Minimality: {len(self.edges) - len(self.idle)} of its edges cost more than 0.5% each when left out"
            + (f"; not {', '.join(self.idle[:5])}{' …' if len(self.idle) > 5 else ''}." if self.idle else "."),
            f"Over all sizes: CPR {self.cpr:.2f} (1 is best), CMD {self.cmd:.2f} (0 is best).",
        ]
        if not self.reached:
            lines.append(f"No smaller set brought back {self.enough:.0%} where it was looked for.")
        return "\n".join(lines + refusals)

    def findings(self) -> Sequence[wl.Finding]:
        return [wl.Finding(self.summary().splitlines()[0], "circuit-graph" if self.edges else "", {}, self.trust)]

    def views(self) -> Sequence[wl.View]:
        if not self.edges:
            return []
        n = self.faithfulness
        pairs = f"over {self.confirming} pairs; 95% interval over n={n.n} {n.resampled_over}"
        return [self._drawn(pairs), self._curve(pairs), self._held_to(pairs)]

    def _drawn(self, pairs: str) -> wl.View:
        layers = _layers(self.senders)
        named = dict.fromkeys(name for edge in self.edges for name in _ends(edge))
        nodes: list[dict[str, Any]] = [
            {"id": name, "label": name, "layer": layers.get(name, max(layers.values()) + 1)}
            | ({"head": name} if "H" in name else {})
            for name in named
        ]
        names = _headings(max(layers.values()))
        headings = [names[column] for column in sorted({int(node["layer"]) for node in nodes})]  # not all need be there
        edges = [
            {
                "from": sender,
                "to": receiver,
                "value": float(sum(self.weights.value[i] for i in where)),
                "low": float(sum(self.weights.low[i] for i in where)),
                "high": float(sum(self.weights.high[i] for i in where)),
                "note": "by its " + ", ".join(_input(self.edges[i]) for i in where),
            }
            for (sender, receiver), where in _grouped(self.edges).items()
        ]
        return wl.View.of_data(
            "circuit-graph",
            "The circuit",
            "graph",
            {
                "nodes": nodes,
                "edges": edges,
                "unit": "share of the gap",
                "threshold": 0.0,
                "layers": headings,
            },
            caption=f"{len(self.edges)} of {self.count} edges; width is the share of the gap that an edge alone brings "
            f"back, {pairs}; faithfulness {share(self.faithfulness)}, random circuits {np.mean(self.others):.0%}, "
            f"p={self.p:.3f}.",
            how_to_read="Who tells whom, from the words on the left to the answer on the right. A thick line alone "
            "brings much of the answer back; several inputs of one head are drawn as one line.",
            misleads="A line that matters only together with another is thin. Another circuit may do the same.",
            order=80,
        )

    def _curve(self, pairs: str) -> wl.View:
        return wl.View.of_data(
            "circuit-faithfulness",
            "How few edges do it alone?",
            "line",
            {
                "x": {"label": "edges kept", "unit": "share of all"},
                "y": {"label": "brought back", "unit": "share of the gap"},
                "series": [
                    {
                        "name": "strongest edges",
                        "x": self.kept,
                        "y": np.asarray(self.curve.value),
                        "low": np.asarray(self.curve.low),
                        "high": np.asarray(self.curve.high),
                    }
                ],
                "references": [
                    {"name": "the whole model", "y": 1.0},
                    {"name": "random circuits", "y": float(np.mean(self.others))},
                ],
            },
            caption=f"Share of the gap that the strongest edges bring back while all others are corrupted, {pairs}; "
            f"area under the curve (CPR) {self.cpr:.2f}, between it and the whole model (CMD) {self.cmd:.2f}.",
            how_to_read="The sooner the curve reaches 1, the fewer edges the behaviour needs.",
            misleads="It may pass 1 and fall again: edges that work against the answer come last or are left out.",
            order=82,
        )

    def _held_to(self, pairs: str) -> wl.View:
        lost = float(self.faithfulness.value) - np.asarray(self.without.value)
        rows = [
            {
                "edge": edge,
                "alone": {
                    "value": float(self.weights.value[i]),
                    "low": float(self.weights.low[i]),
                    "high": float(self.weights.high[i]),
                    "chance": 0.0,
                },
                "without": {
                    "value": float(self.without.value[i]),
                    "low": float(self.without.low[i]),
                    "high": float(self.without.high[i]),
                },
                "costs": float(lost[i]),
            }
            for i, edge in enumerate(self.edges)
        ]
        return wl.View.of_data(
            "circuit-edges",
            "Is every edge of the circuit needed?",
            "table",
            {
                "columns": [
                    {"key": "edge", "label": "Edge"},
                    {"key": "alone", "label": "Alone", "unit": "share", "digits": 3},
                    {"key": "without", "label": "Circuit without it", "unit": "share", "digits": 3},
                    {"key": "costs", "label": "It is worth", "unit": "share", "digits": 3},
                ],
                "rows": rows,
            },
            caption=f"Shares of the gap, {pairs}. Completeness: {self.incompleteness.mean():.0%} on average over "
            f"{len(self.taken)} subsets taken out of circuit and model alike.",
            how_to_read="An edge is needed if the circuit without it brings back less.",
            misleads="Two edges that do the same are each dispensable, and together are not.",
            order=84,
        )


def _area(x: np.ndarray, y: np.ndarray, start: float) -> float:
    """Return the area under y over x from 0, where y is ``start``, to 1."""
    return float(np.trapezoid(np.append(start, y), np.append(0.0, x))) if len(x) else float("nan")


def _ends(edge: str) -> tuple[str, str]:
    sender, _, receiver = edge.partition(" → ")
    return sender, receiver.partition(".")[0]


def _input(edge: str) -> str:
    what = edge.partition(" → ")[2].partition(".")[2]
    return {"q": "queries", "k": "keys", "v": "values"}.get(what, "input")


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
            columns[name] = 2 * int(name[1:].partition("H")[0]) + 1
    return columns
