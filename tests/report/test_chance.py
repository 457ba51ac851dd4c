"""Chance looks the same wherever it stands: one ink, which no curve of a figure has; and a pager names its panels."""

from dataclasses import replace

import chromium
import numpy as np
import pytest
import sample
from chromium import until

from wonderland.report.build import render
from wonderland.report.plots import figure
from wonderland.report.plots_style import INK
from wonderland.views import Axis, Bar, Bars, Curve, Lines, Matrix, Panel, Panels, Series, View, Wording

PLACES = np.linspace(0, 100, 5)


def curves(*names: str) -> Lines:
    own = [Curve(Wording(name), PLACES, PLACES + 10 * i) for i, name in enumerate(names, 1)]
    chance = Curve(Wording("chance"), PLACES, PLACES, chance=True)
    return Lines(Axis("told wrongly", "%"), Axis("told", "%"), [own[0], chance, *own[1:]])


UNITS = View(
    "units",
    "Units",
    Panels(
        [
            Panel(Wording("by message"), curves("loss", "calibrated", "text alone")),
            Panel(Wording("by conversation"), curves("loss", "calibrated")),
        ],
        "unit",
    ),
)
BARS = View("heights", "Heights", Bars(["a"], Axis("height"), [Bar("b", [1.0], chance=[0.5])]))
CELLS = View(
    "cells", "Cells", Matrix(["r"], ["c", "d"], [Series("s", [[0.5, 1.0]], "share", chance=np.full((1, 2), 0.2))])
)


ONE = Series("s", [[0.9, 0.9]], "share", low=[[np.nan, 0.8]], high=[[np.nan, 1.0]], chance=np.full((1, 2), 0.2))
ALONE = View("alone", "Of one conversation", Matrix(["r"], ["c", "d"], [ONE]))


pytestmark = chromium.MARKS


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("chance") / "report.html"
    page = sample.page(conversations=1, length=16)
    path.write_text(render(replace(page, views=[UNITS, BARS, CELLS, ALONE], findings=[])), encoding="utf-8")
    return path.as_uri()


def strokes(page) -> list[str]:
    """The colours of the curves in their order; that of chance is the second."""
    drawn = """[...document.querySelectorAll('main .chart [stroke-width="2"]')].map(p => p.getAttribute('stroke'))"""
    return page.evaluate(drawn)


def ink(page) -> str:
    return page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_chance_is_ink_in_curves_bars_and_scales_of_both_themes(page, theme):
    page.evaluate(f"location.hash = '#/units?theme={theme}'")
    page.wait_for_selector("#title-units")
    black = ink(page)
    first = strokes(page)
    page.evaluate(f"location.hash = '#/units?theme={theme}&panel=1'")
    until(page, "document.querySelector('.sampler .where').innerText.includes('2 of 2')")
    second = strokes(page)
    assert first.count(black) == second.count(black) == 1
    assert first[1] == second[1] == black
    assert [first[0], first[2]] == [second[0], second[2]]  # each score has its colour in both
    page.evaluate(f"location.hash = '#/heights?theme={theme}'")
    page.wait_for_selector("#title-heights")
    across = f"[...document.querySelectorAll('main .chart [stroke]')].some(l => l.getAttribute('stroke') === {black!r})"
    assert page.evaluate(across)
    page.evaluate(f"location.hash = '#/cells?theme={theme}'")
    page.wait_for_selector("#title-cells")
    of = "getComputedStyle(document.querySelector('main .legend .tick')).backgroundColor"
    body = "getComputedStyle(document.documentElement).color"
    assert page.evaluate(of) == page.evaluate(body)


def test_a_pager_says_what_its_panels_are(page):
    page.evaluate("location.hash = '#/units'")
    page.wait_for_selector("#title-units")
    assert page.inner_text(".sampler .where") == "Unit 1 of 2: by message"
    page.keyboard.press("]")
    until(page, "document.querySelector('.sampler .where').innerText === 'Unit 2 of 2: by conversation'")


def test_a_cell_without_an_interval_says_so_and_is_not_called_above_chance(page):
    page.evaluate("location.hash = '#/alone'")
    page.wait_for_selector("#title-alone")
    without, sure = page.eval_on_selector_all("main .cells button", "all => all.map(cell => cell.ariaLabel)")
    assert "95% interval none, it rests on too few" in without
    assert "not distinguishable from chance: no interval" in without
    assert "above chance" in sure
    marked = "all => all.map(cell => cell.classList.contains('chance'))"
    assert page.eval_on_selector_all("main .cells button", marked) == [True, False]
    assert "or there is none" in page.inner_text("main .key:visible")


@pytest.mark.parametrize("panel", [0, 1])
def test_on_paper_chance_is_ink_too_and_takes_no_colour(panel):
    drawn = figure(replace(UNITS, figure=UNITS.figure.panels[panel].figure))
    colours = {line.get_label(): line.get_color() for line in drawn.axes[0].lines}
    assert colours["chance"] == INK
    assert colours["loss"] == "#0072B2"
    assert colours["calibrated"] == "#D55E00"
