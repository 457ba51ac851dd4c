"""Rows of a matrix: each measure may have its own, and a model may be what a row selects, as a place of curves may."""

from dataclasses import replace

import chromium
import numpy as np
import sample
from chromium import open_at, until

from wonderland.report.build import render
from wonderland.views import Axis, Block, Curve, Graph, GraphNode, Key, Lines, Matrix, Row, Series, View, Wording

pytestmark = chromium.MARKS


def test_another_measure_keeps_the_cell_only_where_it_has_the_same_rows(browser, tmp_path):
    rows, heads = Wording.every(["L0", "L1"]), Wording.every(["L0H0", "L0H1", "L1H0", "L1H1"])
    measures = [
        Series(Wording("stream"), np.arange(4.0).reshape(2, 2)),
        Series(Wording("MLP"), np.ones((2, 2))),
        Series(Wording("heads"), np.arange(8.0).reshape(4, 2), rows=heads),
    ]
    view = View("grid", "Grid", Matrix(rows, Wording.every(["a", "b"]), measures))
    path = tmp_path / "report.html"
    path.write_text(render(replace(sample.page(conversations=2, length=24), views=[view])), encoding="utf-8")
    tab = browser.new_page()
    open_at(tab, f"{path.as_uri()}#/grid?layer=1&pos=0")
    chosen = "document.querySelectorAll('main .cells .chosen').length"
    until(tab, f"{chosen} === 1")
    tab.get_by_role("button", name="MLP", exact=True).click()
    until(tab, f"{chosen} === 1")
    tab.get_by_role("button", name="heads", exact=True).click()
    until(tab, "document.querySelectorAll('main .cells [data-i]').length === 8")
    assert tab.evaluate(chosen) == 0
    assert "layer=" not in tab.url
    tab.close()


def test_a_row_a_place_of_curves_and_a_node_select_the_model_they_are_of(browser, tmp_path):
    seeds = [Key.spelled("model", f"seed-{i}") for i in range(2)]
    rows, axis = Wording.every(["seed-0 L0", "seed-1 L0"]), Axis("snapshot")
    grid = Matrix(rows, rows, [Series(Wording("CKA"), np.eye(2))], links="row", keys=seeds)
    nodes = [
        GraphNode(Wording(f"seed-{i} L0H{j}"), Wording(f"L0H{j}"), float(i), seeds[i]) for i in (0, 1) for j in (0, 1)
    ]
    figures = {"grid": grid, "curves": Lines(axis, axis, [Curve(Wording("x"), [0, 1], [1.0, 2.0])], keys=seeds)}
    views = [View(name, name, figure) for name, figure in (figures | {"graph": Graph(nodes, [])}).items()]
    about = {key: [Block(rows=[Row("claims that hold", i)])] for i, key in enumerate(seeds)}
    path = tmp_path / "report.html"
    page = replace(sample.page(conversations=2, length=24), views=views, about=about)
    path.write_text(render(page), encoding="utf-8")
    tab = browser.new_page()
    open_at(tab, f"{path.as_uri()}#/grid")
    tab.locator("main .cells [data-i]").nth(2).click()
    until(tab, "location.hash === '#/grid?model=seed-1'")
    chosen = "all => all.map(one => one.classList.contains('chosen'))"
    assert tab.eval_on_selector_all("main .cells [data-i]", chosen) == [False, False, True, True]
    assert "Model seed-1" in tab.inner_text("#card")
    assert "claims that hold" in tab.inner_text("#card")
    tab.goto(f"{path.as_uri()}#/curves")
    until(tab, "document.querySelectorAll('main [data-i]').length === 2")
    tab.locator("main [data-i]").first.click()
    until(tab, "location.hash === '#/curves?model=seed-0'")
    tab.goto(f"{path.as_uri()}#/graph?model=seed-1")
    until(tab, "document.querySelectorAll('main [data-i]').length >= 4")
    assert "node=" not in tab.url
    assert tab.locator('main [data-i][aria-pressed="true"]').count() == 0  # no head of it is pinned
    tab.close()
