"""A result in a notebook: a small table without a script, and on demand its views in a frame that can reach nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

import chromium
import numpy as np
import pytest
import sample_words

from wonderland.errors import UsageError
from wonderland.estimate import Estimate
from wonderland.lab.result import Result
from wonderland.report.views import View

VALUE = np.array([[0.1, 0.2, 0.4], [0.3, 0.9, np.nan]])


@dataclass(frozen=True)
class Scores(Result):
    scores: Estimate
    name: str = "L1H1 scores highest"
    drawn: bool = True

    def summary(self):
        return f"{self.name}: 0.90.\nA second line."

    def card(self):
        return {self.name: self.scores}

    def views(self):
        return [View.of_heads("scores", self.name, self.card())] if self.drawn else []


def scores(**more) -> Scores:
    return Scores(
        Estimate(VALUE, VALUE - 0.05, VALUE + 0.05, n=40, resampled_over="windows", unit="nats", chance=0.25), **more
    )


def test_a_glance_has_a_square_for_each_head_from_paper_to_ink():
    html = scores()._repr_html_()
    squares = re.findall(r'<rect x="(\d+)" y="(\d+)".*?fill="(#\w+)">\s*<title>(.*?)</title>', html)
    assert [title for *_, title in squares] == [
        "L0H0: 0.1", "L0H1: 0.2", "L0H2: 0.4", "L1H0: 0.3", "L1H1: 0.9", "L1H2: nan",
    ]  # fmt: skip
    ink = {title.split(":")[0]: int(fill[1:3], 16) for *_, fill, title in squares}  # red: less is darker
    assert ink["L1H1"] < ink["L0H2"] < ink["L1H0"] < ink["L0H1"] < ink["L0H0"]
    assert ink["L1H2"] == 255


def test_a_glance_says_range_unit_chance_and_n():
    html = scores()._repr_html_()
    for said in ("0.1 to 0.9 nats", ">0.25<", "40 windows", "<b>L1H1 scores highest: 0.90.</b>", "A second line."):
        assert said in html
    assert "<script" not in html


@pytest.mark.parametrize("text", sample_words.HOSTILE[:-1])
def test_words_of_strangers_are_words_in_both(text):
    glance, frame = scores(name=text)._repr_html_(), scores(name=text).show()._repr_html_()
    assert not re.search(r"<(script|img|a )", glance)
    assert re.sub(r'srcdoc="[^"]*"', "", frame).count("<") == 2  # the frame's begin and end, nothing else


def test_the_frame_may_run_its_scripts_and_nothing_else():
    frame = scores().show(height=500)._repr_html_()
    assert re.search(r'sandbox="([^"]*)"', frame)[1] == "allow-scripts"
    assert "height:500px" in frame
    assert "srcdoc=" in frame
    assert " src=" not in re.sub(r'srcdoc="[^"]*"', "", frame)


def test_a_result_without_views_says_what_to_do_instead():
    with pytest.raises(UsageError, match="no views") as error:
        scores(drawn=False).show()
    assert "print" in error.value.hint


class TestInABrowser:
    pytestmark = chromium.MARKS

    def test_the_frame_draws_and_a_click_selects_though_it_has_no_address_of_its_own(self, browser, tmp_path):
        path = tmp_path / "notebook.html"
        path.write_text(f"<!doctype html><title>n</title>{scores().show()._repr_html_()}", encoding="utf-8")
        tab = browser.new_page(viewport={"width": 1200, "height": 900})
        noise: list[str] = []
        tab.on("console", lambda message: noise.append(message.text))
        tab.on("pageerror", lambda error: noise.append(str(error)))
        tab.on("request", lambda r: noise.append(r.url) if not r.url.startswith(("file:", "about:", "blob:")) else None)
        tab.goto(path.as_uri())
        inside = tab.frame_locator("iframe")
        inside.locator("html[data-ready]").wait_for()
        assert inside.locator("main h1").inner_text() == "L1H1 scores highest"  # at once, without navigation
        assert not inside.locator("#nav").is_visible()
        assert inside.locator("main .export").count() == 0  # a frame may not save files
        inside.locator('.cells [data-head="L1H1"]').click()
        assert inside.locator("#card h2:visible").inner_text() == "Head L1H1"
        inside.locator("body").press("t")
        assert inside.locator("html").get_attribute("data-theme") in ("light", "dark")
        tab.close()
        assert noise == []
