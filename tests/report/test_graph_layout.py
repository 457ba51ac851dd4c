"""The drawing of a graph claims no edge that is not there: an edge meets no node but its two ends, and each is drawn.

The circuits are drawn at random, of models of 4 × 4 and 8 × 8 heads with their MLPs, on a wide and on a narrow screen.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import chromium
import numpy as np
import pytest
import sample
from chromium import painted
from sample_graphs import GRAPHS

from wonderland.report.build import render
from wonderland.views import View

pytestmark = chromium.MARKS

DRAWN = """svg => ({
  paths: [...svg.querySelectorAll('path')].map(path => path.getAttribute('d')),
  boxes: [...svg.querySelectorAll('rect')].map(r => ['x', 'y', 'width', 'height'].map(k => Number(r.getAttribute(k)))),
})"""
STEPS = np.linspace(0, 1, 40)[:, None]


def points_of(path: str) -> np.ndarray:
    """Return points along a path of straight and curved pieces."""
    here, points = np.zeros(2), []
    for letter, numbers in re.findall(r"([MLC])([^MLC]+)", path):
        parts = np.array(re.split("[ ,]+", numbers.strip(" ,")), dtype=float).reshape(-1, 2)
        if letter == "M":
            points.append(parts)
        else:
            a, b = (parts[0], parts[1]) if letter == "C" else (here, parts[-1])
            t, end = STEPS, parts[-1]
            points.append((1 - t) ** 3 * here + 3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t**2 * b + t**3 * end)
        here = parts[-1]
    return np.concatenate(points)


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    views = [View(name, name, graph) for name, graph in GRAPHS.items()]
    path = tmp_path_factory.mktemp("graphs") / "report.html"
    page = replace(sample.page(conversations=1, length=8), views=views, findings=[])
    path.write_text(render(page), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def tab(browser, report):
    opened = browser.new_page()
    opened.goto(report)
    opened.wait_for_selector("html[data-ready]")
    yield opened
    opened.close()


@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in ("small", "dense", "large"))) for name in GRAPHS]
)
def test_an_edge_of_a_graph_meets_no_node_but_its_ends(tab, name, width):
    graph = GRAPHS[name]
    tab.set_viewport_size({"width": width, "height": 1000})
    tab.evaluate("name => { location.hash = '#/' + name }", name)
    tab.wait_for_selector(f"#title-{name}")
    painted(tab)
    drawn = tab.locator("main .sideways svg:visible").first.evaluate(DRAWN)
    boxes = np.array(drawn["boxes"])
    assert len(boxes) == len(graph.nodes)
    left, top, right, bottom = boxes[:, 0], boxes[:, 1], boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3]

    def met(points, margin):
        x, y = points.T[:, :, None]
        across = (left - margin <= x) & (x <= right + margin)
        return set(np.flatnonzero((across & (top - margin <= y) & (y <= bottom + margin)).any(0)).tolist())

    ends = []
    for path in map(points_of, drawn["paths"]):
        start, end = met(path[:1], 0.6), met(path[-1:], 0.6)
        assert len(start) == len(end) == 1
        assert met(path, -0.1) <= start | end
        ends.append(start | end)
    number = {node.id: i for i, node in enumerate(graph.nodes)}
    wanted = [{number[edge.start], number[edge.end]} for edge in graph.edges]
    assert sorted(map(sorted, ends)) == sorted(map(sorted, wanted))
    for one, other in itertools.combinations(range(len(boxes)), 2):  # and no box lies on another
        apart = left[one] >= right[other] or left[other] >= right[one]
        assert apart or top[one] >= bottom[other] or top[other] >= bottom[one]
