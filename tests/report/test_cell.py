"""A cell of the attention explorer opened: its numbers by hand, by keyboard, and what a page says that lacks them."""

from dataclasses import replace

import chromium
import numpy as np
import pytest
import sample
import sample_views
from chromium import as_new, open_at, until

from wonderland.errors import PluginError
from wonderland.report.build import render
from wonderland.report.redact import Redaction
from wonderland.views import AttentionPatterns, BehindCells, Triangles

pytestmark = chromium.MARKS
LENGTH, HEADS, PLACES = 12, 16, 2
QUERY, KEY, HEAD = 9, 4, 6  # the cell that is opened, of L1H2
WEIGHT, LOG_SUM, SIZE, SCALE = 0.25, 1.5, 3.0, 2.0
WORDS = [" quokka", " beta", " gamma", " delta"]


def figure(behind: bool = True) -> AttentionPatterns:
    """Make patterns in which one cell is known, with what lies behind it."""
    made = sample_views.attention_view(2, LENGTH).figure
    conversations = []
    for number, one in enumerate(made.conversations):
        weights = np.array(one.patterns.values)
        weights[HEAD, QUERY] = 0
        weights[HEAD, QUERY, [KEY, 0, 7]] = WEIGHT, 0.55, 0.2
        rng = np.random.default_rng(number)
        grid = (HEADS, LENGTH)
        log_sum, size = rng.normal(size=grid), rng.uniform(1, 2, grid)
        scale, ids = rng.uniform(3, 4, LENGTH), rng.integers(0, 4, (*grid, 2 * PLACES))
        amounts = rng.normal(size=ids.shape)
        log_sum[HEAD, QUERY], size[HEAD, KEY], scale[QUERY] = LOG_SUM, SIZE, SCALE
        ids[HEAD, KEY], amounts[HEAD, KEY] = [2, 0, 3, 1], [1.6, 0.8, -2.4, -0.8]
        told = BehindCells(log_sum, size, scale, ids, amounts) if behind else None
        conversations.append(replace(one, patterns=Triangles(weights), behind=told))
    return replace(made, conversations=conversations, d_head=16, words=WORDS if behind else None)


def page(behind: bool = True):
    views = [replace(sample_views.attention_view(2, LENGTH), figure=figure(behind))]
    return replace(sample.page(conversations=1, length=LENGTH), views=views, findings=[], about={})


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("cell") / "report.html"
    path.write_text(render(page()), encoding="utf-8")
    return path.as_uri()


def told(tab) -> dict[str, str]:
    until(tab, "document.querySelector('.zoom h2') !== null")
    names, values = (tab.locator(f".zoom {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=True))


def written(tab) -> dict[str, str]:
    rows = tab.locator(".zoom .twosides li")
    return {rows.nth(i).locator("q").inner_text(): rows.nth(i).locator("b").inner_text() for i in range(rows.count())}


EXPECTED = {
    "score": np.log(WEIGHT) + LOG_SUM,
    "q · k": (np.log(WEIGHT) + LOG_SUM) * 4,
    "divided by √16": 4,
    "length of the value, written": SIZE,
    "times the weight": WEIGHT,
    "moved": SIZE * WEIGHT,
}


def number(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.parametrize("conversation", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_cell_shows_its_numbers_and_they_are_those_of_python(page_at, conversation):
    tab = page_at(f"#/attention?head=L1H2&pos={QUERY}&node={KEY}&sample={conversation}")
    found = told(tab)
    assert {name: number(text) for name, text in found.items()} == pytest.approx(EXPECTED, abs=0.006)
    amounts = {"·gamma": 1.6, "·quokka": 0.8, "·delta": -2.4, "·beta": -0.8}
    moved = {name: number(text) for name, text in written(tab).items()}
    assert moved == pytest.approx({name: WEIGHT * one / SCALE for name, one in amounts.items()}, abs=0.006)
    assert "exp(0.11) ÷ exp(1.50) = 0.250" in tab.inner_text(".zoom")
    assert "10 tokens it can see" in tab.inner_text(".zoom")


def test_a_weight_too_small_to_be_stored_bounds_the_score(page_at):
    tab = page_at(f"#/attention?head=L1H2&pos={QUERY}&node=5")
    assert told(tab)["score"] == f"below {np.log(0.5 / 65535) + LOG_SUM:.2f}".replace("-", "−")


def test_a_click_opens_the_cell_under_it_and_a_click_on_the_future_none(page_at):
    tab = page_at("#/attention?head=L1H2")
    assert tab.locator(".zoom h2").count() == 0
    canvas = tab.locator(".large canvas[role=application]")
    step = canvas.bounding_box()["width"] / LENGTH
    canvas.click(position={"x": (KEY + 0.5) * step, "y": (QUERY + 0.5) * step})
    assert f"pos={QUERY}&node={KEY}" in tab.url
    assert told(tab)["times the weight"] == "0.250"
    canvas.click(position={"x": (QUERY + 0.5) * step, "y": (KEY + 0.5) * step})
    assert "node=" not in tab.url
    assert tab.locator(".zoom h2").count() == 0


SEEN = """(() => {
  const { top, bottom } = document.querySelector('.zoom').getBoundingClientRect();
  return top >= 0 && (bottom <= innerHeight + 1 || top < 120);
})()"""


def test_what_a_click_opens_is_in_sight_and_no_tooltip_covers_it_until_the_pointer_moves(page_at):
    tab = page_at("#/attention?head=L1H2")
    tab.set_viewport_size({"width": 1280, "height": 700})
    canvas = tab.locator(".large canvas[role=application]")
    box = canvas.bounding_box()
    step = box["width"] / LENGTH
    tab.mouse.move(box["x"] + (KEY + 0.5) * step, box["y"] + 20)
    tab.mouse.move(box["x"] + (KEY + 0.5) * step, box["y"] + (QUERY + 0.5) * step)
    assert tab.is_visible(".tip")
    tab.mouse.down()
    tab.mouse.up()
    until(tab, SEEN)
    tab.mouse.move(box["x"] + (KEY + 0.5) * step + 2, box["y"] + (QUERY + 0.5) * step)  # a hand that trembles
    assert not tab.is_visible(".tip")
    box = canvas.bounding_box()
    tab.mouse.move(box["x"] + 40, box["y"] + box["height"] - 30)
    assert tab.is_visible(".tip")


def test_arrows_and_enter_open_a_cell_and_say_where_they_are(page_at):
    tab = page_at(f"#/attention?head=L1H2&pos={QUERY}")
    tab.focus(".large canvas[role=application]")
    for _ in range(KEY):
        tab.keyboard.press("ArrowRight")
    assert f"({QUERY}) looks at" in tab.inner_text(".large .hidden")
    assert "weight 0.250" in tab.inner_text(".large .hidden")
    tab.keyboard.press("Enter")
    assert f"pos={QUERY}&node={KEY}" in tab.url
    assert "head=L1H2" in tab.url  # arrows went over cells, not over heads
    tab.get_by_role("button", name="Close", exact=True).click()
    assert tab.locator(".zoom h2").count() == 0


@pytest.mark.slow
def test_seen_from_the_key_the_cell_is_the_same(page_at):
    tab = page_at(f"#/attention?head=L1H2&pos={KEY}&node={QUERY}&tab=1")
    assert told(tab)["times the weight"] == "0.250"


@pytest.mark.slow
def test_the_list_of_what_is_looked_at_opens_cells(page_at):
    tab = page_at(f"#/attention?head=L1H2&pos={QUERY}")
    tab.locator(".most button").nth(1).click()
    assert told(tab)["times the weight"] == "0.250"


def test_a_page_without_what_is_behind_says_what_a_live_report_adds(browser, tmp_path):
    path = tmp_path / "bare.html"
    path.write_text(render(page(behind=False)), encoding="utf-8")
    tab = browser.new_page()
    open_at(tab, f"{path.as_uri()}#/attention?head=L1H2&pos={QUERY}&node={KEY}")
    until(tab, "document.querySelector('.zoom h2') !== null")
    assert "--live" in tab.inner_text(".zoom")
    assert "Its share of the attention: 0.250" in tab.inner_text(".zoom")
    tab.close()


@pytest.mark.slow
def test_a_redacted_page_keeps_the_numbers_and_no_word(browser, tmp_path):
    redacted = Redaction(frozenset(["quokka"]), np.zeros(0, dtype=np.int64)).page(page())
    text = render(redacted)
    assert "quokka" not in text
    path = tmp_path / "redacted.html"
    path.write_text(text, encoding="utf-8")
    tab = browser.new_page()
    open_at(tab, f"{path.as_uri()}#/attention?head=L1H2&pos={QUERY}&node={KEY}")
    assert number(told(tab)["moved"]) == pytest.approx(SIZE * WEIGHT)
    assert "left out" in tab.inner_text(".zoom")
    assert tab.locator(".zoom .twosides").count() == 0
    tab.close()


def test_what_is_behind_must_fit_the_patterns():
    made = figure()
    with pytest.raises(PluginError, match="log_sum"):
        replace(made.conversations[0], behind=BehindCells(np.zeros((3, LENGTH))))
    with pytest.raises(PluginError, match="d_head"):
        replace(made, d_head=None)


@pytest.fixture
def page_at(watched_tab, report):
    """Open the report at an address; afterwards, check that it was quiet."""
    with as_new(watched_tab) as tab:
        tab.set_viewport_size({"width": 1280, "height": 900})

        def at(address: str):
            open_at(tab, report + address)
            return tab

        yield at
