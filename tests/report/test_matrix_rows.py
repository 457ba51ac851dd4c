"""Measures of one matrix may have rows of their own: a cell that is chosen under one is no cell of another."""

from dataclasses import replace

import chromium
import numpy as np
import sample
from chromium import open_at, until

from wonderland.report.build import render
from wonderland.views import Matrix, Series, View, Wording

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
