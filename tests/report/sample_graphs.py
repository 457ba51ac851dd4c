"""Graphs to lay out: chains, edges that lead back, and random circuits of models of 4 × 4 and 8 × 8 heads."""

from __future__ import annotations

import itertools

import numpy as np

from wonderland.components import Head
from wonderland.views import Edge, Graph, GraphNode, Wording


def circuit(layers: int, heads: int, count: int, seed: int) -> Graph:
    """Return a graph of random edges between the parts of a model, from the words to the answer."""
    random = np.random.default_rng(seed)
    columns = {Wording("embed"): 0, Wording("logits"): 2 * layers + 1}
    columns |= {Wording(str(head)): 2 * head.layer + 1 for head in Head.all(layers, heads)}
    columns |= {Wording(f"MLP{layer}"): 2 * layer + 2 for layer in range(layers)}
    possible = [pair for pair in itertools.permutations(columns, 2) if columns[pair[0]] < columns[pair[1]]]
    chosen = [possible[i] for i in random.choice(len(possible), min(count, len(possible)), replace=False)]
    named = dict.fromkeys(name for pair in chosen for name in pair)
    edges = [Edge(a, b, float(random.normal())) for a, b in chosen]
    return Graph([GraphNode(name, name, columns[name]) for name in named], edges, threshold=0.0)


GRAPHS = {
    "chain": Graph(
        [GraphNode(Wording(name), Wording(name), i) for i, name in enumerate("abcde")],
        [Edge(Wording(a), Wording(b), 1.0) for a, b in ("ab", "ac", "ad", "ae", "be", "ce", "de")],
    ),
    "backwards": Graph(
        [GraphNode(Wording(name), Wording(name), i // 2) for i, name in enumerate("abcdef")],
        [Edge(Wording(a), Wording(b), 1.0) for a, b in ("ab", "cd", "fa", "ea", "af", "ec")],
    ),
    "small": circuit(4, 4, 30, seed=0),
    "dense": circuit(4, 4, 150, seed=1),
    "large": circuit(8, 8, 60, seed=2),
    "large-dense": circuit(8, 8, 200, seed=3),
}
