"""On paper as on the page: an edge of a graph meets no node but its two ends."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sample_graphs import GRAPHS

from wonderland.report.plots_graph import graph, layout


@pytest.mark.parametrize("name", GRAPHS)
def test_no_edge_on_paper_runs_through_a_node(name):
    drawn = GRAPHS[name]
    names = {node.id: str(node.id) for node in drawn.nodes}
    layers = {names[node.id]: float(node.layer) for node in drawn.nodes}
    edges = [(names[edge.start], names[edge.end], abs(edge.value)) for edge in drawn.edges]
    half = {one: 0.1 + 0.04 * (i % 8) for i, one in enumerate(layers)}
    laid = layout(layers, edges, half)
    centres = np.array(list(laid.place.values()))
    width, order = np.array([half[one] for one in laid.place]), list(laid.place)
    for (start, end, _), way in zip(edges, laid.ways, strict=True):
        points = _along(way)
        across = np.abs(points[:, None, 0] - centres[None, :, 0]) < width - 1e-6
        met = (across & (np.abs(points[:, None, 1] - centres[None, :, 1]) < 0.3)).any(0)
        assert {order[i] for i in np.flatnonzero(met)} <= {start, end}
        for point, one in ((points[0], start), (points[-1], end)):
            column, y = laid.place[one]
            assert abs(abs(point[0] - column) - half[one]) < 1e-6
            assert point[1] == pytest.approx(y)
    of_a_column = {}
    for column, y in laid.place.values():
        of_a_column.setdefault(column, []).append(y)
    assert all(np.diff(sorted(ys)).min(initial=1) >= 1 - 1e-9 for ys in of_a_column.values())


def _along(way) -> np.ndarray:
    """Return points along a path of cubic pieces."""
    t = np.linspace(0, 1, 60)[:, None]
    corners = way.vertices
    pieces = [corners[i : i + 4] for i in range(0, len(corners) - 1, 3)]
    return np.concatenate(
        [(1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d for a, b, c, d in pieces]
    )


@pytest.mark.parametrize("name", GRAPHS)
def test_every_graph_can_be_drawn_on_paper(name):
    fig = plt.figure()
    graph(fig, GRAPHS[name].plain())
    fig.canvas.draw()
    (ax,) = fig.axes
    assert len(ax.patches) == min(len(GRAPHS[name].edges), 60)
    plt.close(fig)
