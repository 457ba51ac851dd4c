"""Views over training time: one slider moves all of them, the last snapshot is first, and the address keeps it."""

from __future__ import annotations

import chromium
import numpy as np
import pytest
from chromium import go, open_at, until

from wonderland.report.build import render
from wonderland.report.page import Page
from wonderland.views import AttentionPatterns, Matrix, Panel, Panels, Patterned, Triangles, View, Wording

pytestmark = chromium.MARKS
TIMES = ["untrained", "39k tokens", "1.13M tokens"]
SAID = {"caption": "n=3 snapshots.", "how_to_read": "Move it.", "misleads": "It may."}


def scores(ident: str) -> View:
    panels = [
        Panel(Wording(name), Matrix.by_head({"previous": np.full((2, 2), i / 2)}, domain=[0, 1]))
        for i, name in enumerate(TIMES)
    ]
    return View(ident, "Head scores", Panels(panels, "snapshot"), order=1, **SAID)


def attention() -> View:
    tokens = ["<|me|>", "some", "words"]
    shown = [
        Patterned(Wording(name), tokens, ["me"] * 3, Triangles(np.full((4, 3, 3), i / 2)), [0, 0, 0])
        for i, name in enumerate(TIMES)
    ]
    return View("looks", "Attention", AttentionPatterns(2, 2, shown, of="snapshot"), order=3, **SAID)


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("moments") / "report.html"
    page = Page("wonderland", {}, [scores("scores"), scores("again"), attention()], {}, [])
    path.write_text(render(page), encoding="utf-8")
    return path.as_uri()


def where(tab) -> str:
    return tab.inner_text(".sampler .where")


def test_the_last_snapshot_is_shown_first_and_the_slider_goes_back(page):
    go(page, "scores")
    assert where(page) == "1.13M tokens (3 of 3)"
    assert page.inner_text(".matrix [data-i='0'] >> nth=0").strip().startswith("1")
    page.locator("input.moments").fill("0")
    until(page, "() => document.querySelector('.sampler .where').innerText.startsWith('untrained')")
    assert page.evaluate("location.hash") == "#/scores?moment=0"


def test_all_views_over_time_move_together(page):
    go(page, "scores")
    page.locator("input.moments").fill("1")
    for view in ("again", "looks"):
        go(page, view)
        until(page, "() => document.querySelector('.sampler .where')?.innerText === '39k tokens (2 of 3)'")
    page.keyboard.press("]")
    until(page, "() => document.querySelector('.sampler .where').innerText === '1.13M tokens (3 of 3)'")
    until(page, "() => document.querySelector('.large canvas.pixels')?.ariaLabel?.includes('snapshot 3')")


def test_a_moment_in_the_address_that_is_not_there_is_the_last(blank, report):
    open_at(blank, f"{report}#/looks?moment=77")
    until(blank, "() => document.querySelector('.sampler .where')?.innerText === '1.13M tokens (3 of 3)'")
