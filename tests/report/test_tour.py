"""The tour: which steps a page gets, that no step says more than its number, and how it is walked in a browser."""

import re
from dataclasses import replace

import chromium
import numpy as np
import pytest
import sample
import sample_views
from chromium import open_at, until

from wonderland.components import Head
from wonderland.estimate import Estimate
from wonderland.report.build import render
from wonderland.report.findings import Finding
from wonderland.report.page_data import page_data
from wonderland.report.redact import Redaction
from wonderland.report.tour import clearest
from wonderland.views import Column, Table, View

WHOLE = ["What it learned", "A token", "A head", "An interval", "Chance", "The strongest finding", "Where it is"]
WHOLE += ["On a real message", "What was not found", "Go on by yourself"]


def one(value, low, high, chance=0.0, unit="nats"):
    return Estimate(value, low, high, n=30, unit=unit, chance=chance, resampled_over="pairs")


SHOWN = Finding("L0H1 looks back: 0.8.", "attention", "L0H1", "solid", "effect", one(0.8, 0.7, 0.9, 0.03))
NULL = Finding("Nothing is repeated: less than 0.02 nats.", "training", (), "solid", "null", one(0.01, -0.01, 0.02))
UNSURE = Finding("L1H1 may look back: 0.04.", "attention", "L1H1", "weak", "effect", one(0.04, -0.01, 0.09, 0.03))


def page(*findings, **parts):
    made = replace(sample.page(conversations=2, length=24), findings=list(findings))
    return replace(made, **parts)


def steps(page):
    return {step["title"]: step for step in page_data(page, page.views)["tour"]}


def test_a_page_with_everything_has_every_step_and_each_opens_a_view_of_it():
    made = page(SHOWN, NULL)
    told = steps(made)
    assert list(told) == WHOLE
    ids = {view.id for view in made.views} | {"findings", "all-findings", "words"}
    assert {step["view"] for step in told.values()} <= ids
    assert told["The strongest finding"]["select"] == ["head:L0H1"]
    assert "L0H1, in row 1 of 4" in told["Where it is"]["text"]
    assert told["What was not found"]["mark"] == "finding:1"


def test_where_a_table_shows_the_finding_it_is_a_row_and_no_picture():
    table = Table.by_row({Column("head", "Head"): [Head(0, 1)], Column("score", "Score"): [0.8]}, links="head")
    made = page(replace(SHOWN, view="t"))
    made = replace(made, views=[*made.views, View("t", "T", table)])
    assert "This is the row of the table that shows it." in steps(made)["The strongest finding"]["text"]
    assert "This is the picture that shows it." in steps(page(SHOWN))["The strongest finding"]["text"]


def test_the_strongest_finding_comes_with_its_number_which_a_wide_table_may_hide():
    said = "Its number is 0.8 nats (95% interval 0.7 to 0.9). This is the picture"
    assert said in steps(page(SHOWN))["The strongest finding"]["text"]
    exact = replace(SHOWN, estimate=one(0.8, 0.8, 0.8))
    assert "Its number is 0.80 nats. This is the picture" in steps(page(exact))["The strongest finding"]["text"]
    assert "Its number" not in steps(page(replace(SHOWN, estimate=None)))["The strongest finding"]["text"]


def test_the_numbers_of_the_interval_are_those_of_the_finding():
    text = steps(page(SHOWN))["An interval"]["text"]
    assert "0.80 nats, measured on 30 pairs" in text
    assert "0.70 to 0.90" in text
    assert "drawing pairs again and again" in text


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.7, 0.9, "lies above"), (-0.9, -0.7, "lies below"), (-0.1, 0.9, "reaches it"), (0.03, 0.9, "reaches it")],
)
def test_chance_is_said_as_the_interval_says(low, high, said):
    finding = replace(SHOWN, estimate=one((low + high) / 2, low, high, 0.03))
    assert said in steps(page(finding))["Chance"]["text"]


def test_a_claim_that_is_shown_explains_the_numbers_before_one_that_is_not():
    told = steps(page(UNSURE, SHOWN))
    assert [told[step]["mark"] for step in ("An interval", "Chance")] == ["finding:1:interval", "finding:1:chance"]


def test_where_nothing_was_found_the_tour_says_so():
    told = steps(page(UNSURE))
    assert "no effect is beyond its chance level" in told["The strongest finding"]["text"]
    assert told["What was not found"]["text"].startswith("1 claim could not be shown")
    assert "marked one" not in told["Where it is"]["text"]
    assert "L0H0 reads" in told["On a real message"]["text"]
    bare = steps(page(views=[], cards={}, controls={}, about={}))
    assert list(bare) == ["What it learned", "The strongest finding", "Go on by yourself"]
    assert "none to show" in bare["The strongest finding"]["text"]


def test_far_from_chance_on_three_conversations_nothing_is_decided():
    far = Estimate(4.9, 4.8, 5.1, n=3, unit="nats", chance=7.6, resampled_over="conversations")
    told = steps(page(replace(UNSURE, estimate=far)))
    assert "lies below it, but 3 conversations are too few to trust the interval" in told["Chance"]["text"]
    assert "no good explanation" not in told["Chance"]["text"]
    found = told["The strongest finding"]["text"]
    assert "rests on 3 conversations, too few to say" in found
    assert "too small" not in found


def test_numbers_that_are_none_explain_nothing():
    lost = replace(SHOWN, estimate=one(float("nan"), float("nan"), float("nan"), 0.03))
    assert not {"An interval", "Chance"} & set(steps(page(lost)))
    without = replace(SHOWN, estimate=one(0.8, 0.7, 0.9, None))
    assert "Chance" not in steps(page(without))


def test_a_model_of_one_head_and_one_token_has_its_tour():
    view = sample_views.attention_view(1, 1, layers=1, heads=1)
    told = steps(page(views=[view], cards={}, controls={}, about={}))
    assert "one head" in told["A head"]["text"]
    assert "1 token;" in told["A token"]["text"]


def test_a_redacted_page_says_that_words_are_covered_and_a_notebook_has_no_tour():
    redacted = Redaction(frozenset(), np.zeros(0, dtype=np.int64)).page(page(SHOWN))
    assert "words are covered" in steps(redacted)["A token"]["text"]
    assert "words are covered" not in steps(page(SHOWN))["A token"]["text"]
    assert steps(page(SHOWN, opens="attention")) == {}


def test_the_clearest_token_is_another_than_itself_and_not_among_the_first():
    pattern = np.tril(np.full((8, 8), 0.01))
    pattern[6, 6], pattern[2, 1], pattern[5, 3] = 0.9, 0.8, 0.6
    assert clearest(pattern) == (5, 3)
    assert clearest(np.ones((1, 1))) == (0, 0)


def wide(finding, numbers):
    """Return a page whose finding is shown in a table that is wider than a telephone and longer than its box."""
    heads = [Head(layer, head) for layer in range(4) for head in range(4)]
    columns = {Column("head", "Head"): heads}
    for i in range(8):
        cells = [one(0.1, 0.05, 0.15)] * len(heads)
        cells[heads.index(Head(3, 1))] = numbers.get(i, cells[0])
        columns[Column(f"c{i}", f"Quantity number {i}")] = cells
    made = page(replace(finding, view="t", select=Head(3, 1)), NULL, UNSURE)
    return replace(made, views=[*made.views, View("t", "T", Table.by_row(columns, links="head"))])


@pytest.mark.parametrize(
    ("numbers", "mark"),
    [({2: SHOWN.estimate}, "figure::3"), ({6: SHOWN.estimate}, "figure::7"), ({2: one(0.8, 0.6, 0.9)}, "figure")],
)
def test_of_a_row_the_cell_is_pointed_at_that_holds_the_very_number(numbers, mark):
    assert steps(wide(SHOWN, numbers))["The strongest finding"]["mark"] == mark


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("tour") / "report.html"
    path.write_text(render(wide(SHOWN, {6: SHOWN.estimate})), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser, report, width):
    """Open the report so wide, and check that it was quiet."""
    tab = browser.new_page(viewport={"width": width, "height": 844})
    noise: list[str] = []
    tab.on("console", lambda message: noise.append(message.text))
    tab.on("pageerror", lambda error: noise.append(str(error)))
    open_at(tab, report)
    yield tab
    tab.close()
    assert noise == []


WIDTHS = pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
CELLS = {
    "An interval": ".toured [data-part=interval]",
    "Chance": ".toured [data-part=chance]",
    "The strongest finding": ".toured > :nth-child(8)",
    "What was not found": ".toured > :first-child",
}
BOX = """
(selector) => {
  const [box, panel] = [selector, '.tour'].map((one) => document.querySelector(one).getBoundingClientRect());
  const scroll = document.querySelector(selector).closest('main .scroll')?.getBoundingClientRect();
  const free = panel.width > 350 ? panel.top : innerHeight; // a sheet from below, or a panel beside
  const { left = 0, right = innerWidth, top = 0, bottom = free } = scroll ?? {};
  const tall = box.height > free - 90 && !scroll; // what is taller than the screen begins on it
  return box.width > 0 && box.left >= Math.max(0, left - 1) && box.right <= Math.min(innerWidth, right + 1)
    && box.top >= Math.max(0, top - 1) && (tall ? box.top < free / 2 : box.bottom <= Math.min(free, bottom + 1));
}
"""
"""Whether what is spoken of lies on the screen, in sight of its table and not under the panel."""


class TestInABrowser:
    pytestmark = chromium.MARKS

    @WIDTHS
    def test_the_tour_is_walked_by_keyboard_and_outlines_what_it_speaks_of(self, opened):
        opened.keyboard.press("?")
        opened.keyboard.press("Enter")
        for i, title in enumerate(WHOLE):
            until(opened, f"document.querySelector('.tour h2').textContent === {title!r}")
            until(opened, "document.querySelector('.toured') !== null")
            assert opened.evaluate("document.activeElement.id") == "tour-title"
            assert opened.inner_text(".tour .where") == f"{i + 1} of {len(WHOLE)}"
            until(opened, f"({BOX})({CELLS.get(title, '.toured')!r})")
            if title in ("An interval", "Chance"):  # the claim is seen with its number, and covers none of it
                assert opened.evaluate(f"({BOX})('.toured > .claim')")
                ends = "['.toured > .claim', %r].map((one) => document.querySelector(one).getBoundingClientRect())"
                claim, cell = opened.evaluate(ends % CELLS[title])
                assert claim["right"] <= cell["left"] + 1
            opened.keyboard.press("ArrowRight" if i < len(WHOLE) - 1 else "ArrowLeft")
        until(opened, f"document.querySelector('.tour h2').textContent === {WHOLE[-2]!r}")
        assert opened.locator('.toured[data-finding="1"]').count() == 1

    @WIDTHS
    def test_it_ends_with_the_focus_where_it_was_and_leaves_no_outline(self, opened):
        opened.get_by_role("button", name="Tour", exact=True).click()
        opened.keyboard.press("ArrowRight")
        until(opened, "document.querySelector('.token.toured') !== null")
        opened.keyboard.press("Escape")
        assert opened.locator(".toured").count() == 0
        assert not opened.is_visible(".tour")
        assert opened.evaluate("document.activeElement.textContent") == "Tour"
        assert "/loss-by-token" in opened.url  # one stays where one is

    @pytest.mark.slow
    @WIDTHS
    def test_a_row_far_down_a_long_table_is_brought_into_sight(self, browser, tmp_path, width):
        many = [Finding(f"Claim {i}.", "", (), "solid", "description") for i in range(60)]
        path = tmp_path / "report.html"
        path.write_text(render(page(SHOWN, *many, NULL)), encoding="utf-8")
        tab = browser.new_page(viewport={"width": width, "height": 844})
        open_at(tab, path.as_uri())
        tab.get_by_role("button", name="Tour", exact=True).click()
        while tab.inner_text(".tour h2") != "What was not found":
            tab.get_by_role("button", name="Next", exact=True).click()
        until(tab, "document.querySelector('[data-finding].toured') !== null")
        until(
            tab,
            """(() => {
              const row = document.querySelector('[data-finding].toured').getBoundingClientRect();
              const table = document.querySelector('main .scroll').getBoundingClientRect();
              return row.top >= table.top && row.bottom <= table.bottom && row.top >= 0 && row.top < 700;
            })()""",
        )
        tab.close()

    @pytest.mark.slow
    @WIDTHS
    def test_the_page_can_be_tried_meanwhile(self, opened):
        opened.get_by_role("button", name="Tour", exact=True).click()
        for _ in range(2):
            opened.get_by_role("button", name="Next", exact=True).click()
        until(opened, "document.querySelector('.thumbs.toured') !== null")
        opened.locator("main .thumb").nth(2).click()
        assert re.search("head=L0H2", opened.url)
        opened.locator("main .thumb").nth(2).press("ArrowRight")  # of the figure, not of the tour
        assert re.search("head=L0H3", opened.url)
        assert opened.inner_text(".tour .where").startswith("3 of")
        panel = opened.get_by_role("dialog", name="A head")
        assert panel.is_visible()
