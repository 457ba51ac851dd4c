"""Graphs on paper, from left to right by layer, each edge around the nodes that are not its ends.

Nodes stand in columns. An edge that passes a column takes a lane there, level between the boxes, and bends only in the
gap between two columns, where no box stands; edges of one node share a lane. The report's ``layers.js`` does the same.

What would fool it: edges drawn straight behind nodes. A chain of boxes on one line then shows edges nobody found.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path

from wonderland.report.plots_style import CATEGORIES, INK, MUTED, PAGE, note, number, plain

__all__ = ["Layout", "graph", "layout"]

_EDGES, _TOLD = 60, 14  # edges drawn, edges with their number
_NODE, _LANE = 1.0, 0.4  # heights, in rows
_PASSES = 8
_CHARACTER, _WIDEST = 0.03, 0.42  # half a character in inches; half a box at most, in columns


@dataclass(eq=False)
class _Slot:
    """A node or a lane in a column."""

    tall: float
    y: float = 0.0
    near: list[tuple[_Slot, float]] = field(default_factory=list)

    def pull(self) -> float:
        """Return the mean height of what it is joined to."""
        weight = sum(size for _, size in self.near)
        return sum(size * other.y for other, size in self.near) / weight if weight else self.y


@dataclass(frozen=True)
class Layout:
    """Where nodes stand and which way edges take.

    Attributes:
        place: (column, height) of each node by name, heights in rows.
        half: Half the width of each node's box, in columns.
        ways: A path for each edge.
        middles: The middle of the last bend of each edge.
        rows: Height of the drawing.
        columns: The layer of each column.
    """

    place: dict[str, tuple[int, float]]
    half: dict[str, float]
    ways: list[Path]
    middles: list[tuple[float, float]]
    rows: float
    columns: list[float]


def layout(layers: Mapping[str, float], edges: Sequence[tuple[str, str, float]], half: Mapping[str, float]) -> Layout:
    """Place nodes and edges.

    Args:
        layers: The layer of each node.
        edges: From which node to which, and how strong.
        half: Half the width of each node's box, in columns, under 0.5.
    """
    columns = sorted(set(layers.values()))
    column = {name: columns.index(layer) for name, layer in layers.items()}
    nodes = {name: _Slot(_NODE) for name in layers}
    slots: list[list[_Slot]] = [[nodes[name] for name in layers if column[name] == c] for c in range(len(columns))]
    lanes: dict[tuple[str, int], _Slot] = {}
    stops = []
    for start, end, size in edges:
        first, last = sorted((start, end), key=column.__getitem__)
        way = [nodes[first]]
        for c in range(column[first] + 1, column[last]):
            if (first, c) not in lanes:
                lanes[first, c] = _Slot(_LANE)
                slots[c].append(lanes[first, c])
            way.append(lanes[first, c])
        way.append(nodes[last])
        for one, other in itertools.pairwise(way):
            one.near.append((other, size + 0.01))
            other.near.append((one, size + 0.01))
        stops.append((first, last, way))
    rows = max((sum(slot.tall for slot in members) for members in slots), default=1.0)
    for members in slots:
        _settle(members, rows)
    for _ in range(_PASSES):
        for members in slots:
            members.sort(key=_Slot.pull)
            _settle(members, rows)
    band = [max(half[name] for name in layers if column[name] == c) for c in range(len(columns))]
    found = [_way(column[a], column[b], half[a], half[b], way, band) for a, b, way in stops]
    backwards = [column[start] > column[end] for start, end, _ in edges]
    return Layout(
        place={name: (column[name], slot.y) for name, slot in nodes.items()},
        half=dict(half),
        ways=[
            Path(np.asarray(path.vertices)[::-1], path.codes) if back else path
            for (path, _), back in zip(found, backwards, strict=True)
        ],
        middles=[middle for _, middle in found],
        rows=rows,
        columns=columns,
    )


def _settle(slots: Sequence[_Slot], rows: float) -> None:
    """Spread the slots of a column over the whole height, in their order."""
    stretch, y = rows / max(sum(slot.tall for slot in slots), 1e-9), 0.0
    for slot in slots:
        slot.y = y + slot.tall * stretch / 2
        y += slot.tall * stretch


def _way(
    first: int, last: int, half_a: float, half_b: float, way: Sequence[_Slot], band: Sequence[float]
) -> tuple[Path, tuple[float, float]]:
    """Return the way of an edge, level beside boxes and bent between columns, and the middle of its last bend."""
    points, middle = [(first + half_a, way[0].y)], (0.0, 0.0)
    for c, (one, other) in enumerate(itertools.pairwise(way), first):
        left, right = c + band[c], c + 1 - band[c + 1] if first != last else c + band[c]
        bend = (left + right) / 2 if first != last else c + 0.5  # within a column: out into the gap and back
        middle = (left + 0.75 * (bend - left) if first == last else bend, (one.y + other.y) / 2)
        points += [(left, one.y)] * 3 + [(bend, one.y), (bend, other.y), (right, other.y)]
    points += [(last + (half_b if first == last else -half_b), way[-1].y)] * 3
    return Path(points, [Path.MOVETO] + [Path.CURVE4] * (len(points) - 1)), middle


def graph(fig: Figure, data: Mapping[str, Any]) -> None:
    """Draw a graph from left to right by layer: the width of an edge is the size of its effect, its colour the sign."""
    nodes = {node["id"]: node for node in data["nodes"]}
    edges = sorted(data["edges"], key=lambda edge: -abs(edge["value"]))
    shown = [e for e in edges[:_EDGES] if abs(e["value"]) >= float(data.get("threshold") or 0)] or edges[:1]
    used = {e[end] for e in shown for end in ("from", "to")} or set(nodes)
    layers = {name: float(node["layer"]) for name, node in nodes.items() if name in used}
    labels = {name: plain(nodes[name].get("label", name), 18) for name in layers}
    wide = PAGE / max(len(set(layers.values())) - 0.2, 1)
    half = {name: min((len(text) * _CHARACTER + 0.06) / wide, _WIDEST) for name, text in labels.items()}
    most = max((abs(e["value"]) for e in shown), default=1) or 1
    laid = layout(layers, [(e["from"], e["to"], abs(e["value"]) / most) for e in shown], half)
    fig.set_size_inches(PAGE, min(9.0, max(2.6, 0.9 + 0.34 * laid.rows)))
    ax = fig.subplots()
    ax.set_axis_off()
    for i, (edge, way, middle) in enumerate(zip(shown, laid.ways, laid.middles, strict=True)):
        share = abs(edge["value"]) / most
        ax.add_patch(FancyArrowPatch(path=way, arrowstyle="-|>", mutation_scale=5 + 4 * share,
                                     linewidth=0.4 + 3 * share, alpha=0.35 + 0.6 * share, fill=False,
                                     linestyle="-" if edge["value"] >= 0 else "--",
                                     color=CATEGORIES[0] if edge["value"] >= 0 else CATEGORIES[1]))  # fmt: skip
        if i < _TOLD:
            interval = ""
            if edge.get("low") is not None and edge.get("high") is not None:
                interval = f" [{number(edge['low'])}, {number(edge['high'])}]"
            ax.text(*middle, number(edge["value"]) + interval, fontsize=5.5, color=INK, ha="center", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8})  # fmt: skip
    for name, (x, y) in laid.place.items():
        ax.text(x, y, labels[name], ha="center", va="center", fontsize=7, color=INK,
                bbox={"boxstyle": "round,pad=0.35", "fc": "white", "ec": MUTED, "linewidth": 0.6})  # fmt: skip
    every = sorted({float(node["layer"]) for node in nodes.values()})  # a heading for each, drawn or not
    for layer, heading in zip(every, data.get("layers") or (), strict=False):
        if layer in laid.columns:
            ax.text(laid.columns.index(layer), 1.02, plain(heading, 20), transform=ax.get_xaxis_transform(),
                    ha="center", fontsize=6.5, color=MUTED)  # fmt: skip
    ax.set_xlim(-0.4, len(laid.columns) - 0.6)
    ax.set_ylim(laid.rows + 0.1, -0.1)
    handles = [
        Line2D([], [], color=CATEGORIES[0], label="helps"),
        Line2D([], [], color=CATEGORIES[1], linestyle="--", label="hinders"),
    ]
    if any(e["value"] < 0 for e in shown):
        ax.legend(handles=handles, loc="lower left", ncols=2)
    unit = f" in {plain(data['unit'], 40)}" if data.get("unit") else ""
    left = f"; the {len(shown)} strongest of {len(edges)}" if len(shown) < len(edges) else ""
    note(fig, f"Numbers on edges: effect{unit}, with its interval where known{left}.")
