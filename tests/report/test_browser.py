"""The report in a real browser, built from hostile words: what a person does with it, and that nothing gets out.

Every test ends with the same four zeros: console messages, policy violations, dialogs, requests.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import chromium
import numpy as np
import pytest
import sample
import sample_words
from chromium import go, open_at, painted, title_of_card, until

from wonderland.report.build import render
from wonderland.visible import visible

pytestmark = chromium.MARKS


@pytest.fixture(scope="module")
def made():
    return sample.page(hostile=True, conversations=2, length=48)


@pytest.fixture(scope="module")
def report(made, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(made), encoding="utf-8")
    return path.as_uri()


EXPORTED = {"patching": b"corrupted", "ov": b"L2H1"}
"""What is in a drawing as it is on the page."""
PICTURED = ("attention", "training", "circuit")
"""Figures of everything a picture is made of: pixels, curves, boxes."""


def views(tab) -> list[str]:
    """Return the first page and the views that are figures."""
    figures = "#nav a:not([data-own])"
    return ["findings", *tab.eval_on_selector_all(figures, "links => links.map(link => link.dataset.view)")]


EVERY = pytest.mark.parametrize(
    "every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["one of a kind", "every"]
)


@pytest.fixture
def chosen(page, made, every) -> list[str]:
    """One view of each kind of figure, or every view."""
    of_a_kind = {view.renderer: view.id for view in reversed(made.views)}
    return [view for view in views(page)[1:] if every or view in {*of_a_kind.values(), *EXPORTED}]


PRESSED = "main .choice button, main .sampler button, main .sort, main .index button"
PRESS = """selector => {
  const all = () => document.querySelectorAll(selector);
  for (let i = 0, n = all().length; i < n; i++) all()[i]?.click();
}"""


@EVERY
def test_every_view_button_and_key_works_on_hostile_words(page, chosen, every):
    for view in chosen:
        go(page, view)
        assert page.inner_text("main h1")
        if every:
            pressed = page.locator(PRESSED)
            for i in range(pressed.count()):
                pressed.nth(i).click()
        else:  # all at once, without looking whether a hand would reach them
            page.evaluate(PRESS, PRESSED)
        for key in ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "]", "[", "m", "m", "t", "t"]:
            page.keyboard.press(key)
        page.keyboard.press("?")
        assert page.is_visible("dialog.help")
        page.keyboard.press("Escape")
        things = page.query_selector_all("main .token, main .cells button, main .thumb, main .dot, main .spot")
        for thing in things[: 12 if every else 3]:
            if thing.is_visible():  # a click before may have folded it away
                thing.hover(force=True)  # whatever lies on top there
                thing.click(force=True)
        page.keyboard.press("Escape")
        assert page.locator("main img, main script, main iframe, main a:not([href^='#/'])").count() == 0
    go(page, "loss-by-token")
    assert "alert(1)" in page.inner_text("body")


def test_words_of_strangers_are_shown_as_words(page):
    go(page, "loss-by-token")
    shown = page.eval_on_selector_all(".bubble .token", "tokens => tokens.map(token => token.textContent)")
    expected = [visible(text.replace("\n", "⏎")) for text in sample_words.conversation(48, 0, hostile=True)["tokens"]]
    assert shown == [text[2:-2] if text.startswith("<|") else text for text in expected]
    assert page.eval_on_selector_all(".token.special", "chips => chips.length") > 10
    assert page.title() == f"Loss by token – {sample_words.HOSTILE[0]}"
    go(page, "all-findings")
    assert sample_words.HOSTILE[0] in page.inner_text(".findings tbody")
    page.keyboard.press("1")
    page.wait_for_selector("#title-findings")
    assert page.title() == sample_words.HOSTILE[0]


@EVERY
def test_a_figure_is_exported_as_picture_drawing_and_numbers(page, report, every, chosen):
    assert len(chosen) >= 9  # kinds of figures
    pictured = PICTURED if every else PICTURED[:1]
    chosen = [view for view in chosen if every or view in {*pictured, *EXPORTED}]
    assert len(chosen) >= 3
    for number, view in enumerate(chosen):
        if number % 3 == 0:
            open_at(page, report)  # afresh: the browser allows a page ten downloads in a row
        go(page, view)
        page.keyboard.press("e")
        names = page.eval_on_selector_all("main .menu button b", "all => all.map(b => b.textContent)")
        assert names == ["PNG", "SVG", "CSV", "Cite"]
        page.keyboard.press("Escape")
        for i, name in enumerate(names[:3]):
            if name == "PNG" and not (every or view in pictured):
                continue
            page.keyboard.press("e")
            with page.expect_download() as waiting:
                page.locator("main .menu button").nth(i).click()
            file = Path(waiting.value.path()).read_bytes()
            assert waiting.value.suggested_filename == f"wonderland-{view}.{name.lower()}"
            starts = {"PNG": b"\x89PNG", "SVG": b"<svg", "CSV": b"\xef\xbb\xbf"}[name]
            assert file.startswith(starts)
            if name == "SVG":
                assert EXPORTED.get(view, b"") in file
                assert b"<script" not in file
                assert b"onerror=alert(1)>" not in file
            assert len(file) > 100


def test_a_spreadsheet_gets_numbers_as_numbers_and_formulas_as_text(page):
    go(page, "head-taxonomy")
    page.keyboard.press("e")
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name="CSV").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    parts = ["", " low", " high", " chance"]
    scores = [name + part for name in ("Previous token", "Induction") for part in parts]
    assert rows[0] == ["Head", "Role", *scores, "n"]
    assert len(rows) == 17
    roles = [row[1] for row in rows[1:]]
    assert "'=cmd|' /C calc'!A1" in roles
    assert not any(role.startswith(("=", "+", "-", "@")) for role in roles)
    go(page, "entropy-map")
    page.keyboard.press("e")
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name="CSV").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    heading, *lines = (line.split(",") for line in text.splitlines() if line.startswith(("Head", "L")))
    assert min(float(line[heading.index("effect")]) for line in lines) < 0  # a negative number is no formula


def test_a_head_chosen_in_one_view_is_chosen_in_all(page):
    go(page, "entropy-map")
    page.click('.cells [data-head="L2H1"]')
    assert title_of_card(page) == "Head L2H1"
    assert "[" in page.inner_text("#card .measures")
    for view, chosen in [
        ("attention", ".thumb.chosen"),
        ("head-taxonomy", "tr.chosen"),
        ("head-clusters", ".spot.chosen"),
        ("entropy-map", ".cells .chosen"),
    ]:
        go(page, view)
        assert page.get_attribute(f"main {chosen}", "data-head") == "L2H1"
        assert title_of_card(page) == "Head L2H1"
    page.keyboard.press("Escape")
    assert page.locator("main .chosen").count() == 0
    assert title_of_card(page) == "Start here"


def test_hovering_previews_a_head_and_leaves_the_choice_alone(page):
    go(page, "entropy-map")
    page.click('.cells [data-head="L0H0"]')
    page.hover('.cells [data-head="L3H3"]')
    assert title_of_card(page) == "Head L3H3"
    assert page.is_visible(".tip")
    assert "head=L0H0" in page.url
    page.mouse.move(5, 900)
    assert title_of_card(page) == "Head L0H0"


def test_an_address_brings_back_the_view_and_the_choice_and_holds_no_words(page, report):
    go(page, "loss-by-token")
    page.keyboard.press("]")
    page.locator(".token").nth(7).click()
    page.locator(".choice button").nth(1).click()
    page.keyboard.press("t")
    address = page.url
    assert address.split("#")[1] == "/loss-by-token?pos=7&sample=1&tab=1&theme=dark"
    open_at(page, address)
    assert page.inner_text(".sampler .where") == "Conversation 2 of 2"
    assert page.get_attribute(".token.chosen", "data-i") == "7"
    assert page.inner_text('.choice [aria-pressed="true"]') == "rank"
    assert page.get_attribute("html", "data-theme") == "dark"


def test_a_broken_address_opens_the_nearest_thing(blank, report):
    open_at(blank, f"{report}#/loss-by-token?sample=99&pos=9999")
    blank.wait_for_selector("#title-loss-by-token")
    for address, view in [
        ("nowhere", "findings"),
        ("entropy-map?head=L99H0&pos=-1&sample=1e9", "entropy-map"),
        ("<img src=x>", "findings"),
    ]:
        blank.evaluate("address => { location.hash = address }", f"#/{address}")
        blank.wait_for_selector(f"#title-{view}")
        assert blank.inner_text("main h1"), address


def test_whatever_has_a_name_is_selected_by_one_key_and_has_a_card(page, report):
    go(page, "neurons")
    page.locator(".index button").nth(2).click()
    assert page.url.endswith("#/neurons?neuron=L0N2")
    assert title_of_card(page) == "Neuron L0N2"
    assert "fires for numbers" in page.inner_text("#card .roles")
    assert page.locator("#card .measure").filter(visible=True).count() == 0
    page.locator(".index button").nth(3).click()  # nothing is known of it beyond its sheet
    assert title_of_card(page) == "Start here"
    open_at(page, f"{report}#/entropy-map?neuron=L0N2")
    assert title_of_card(page) == "Neuron L0N2"
    assert page.inner_text("#card .seen a") == "Neurons"
    page.keyboard.press("/")
    page.keyboard.type("l0n2")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert title_of_card(page) == "Start here"
    assert "neuron" not in page.url


def test_what_has_no_card_in_a_figure_opens_none_of_another(page, report):
    open_at(page, f"{report}#/neurons?neuron=L0N21")
    page.wait_for_selector(".sheet")
    assert title_of_card(page) == "Neuron L0N21"
    assert "No card of L0N21 here: only 5" in page.inner_text(".sheet")
    assert page.locator(".index .chosen").count() == 0
    page.evaluate("location.hash = '#/neurons?neuron=L0N22'")
    until(page, "document.querySelector('.sheet').innerText.includes('L0N22')")
    page.evaluate("location.hash = '#/neurons?neuron=L0N1'")
    until(page, "document.querySelector('.sheet h2')?.innerText.startsWith('L0N1')")
    page.keyboard.press("Escape")  # nothing chosen: the first, as at the beginning
    until(page, "document.querySelector('.sheet h2')?.innerText.startsWith('L0N0')")


def test_a_key_that_is_none_selects_nothing(page):
    go(page, "entropy-map")
    for address in ("neuron=<b>", "edge=a%20b%3Ec", "feature=1", "model=", "head=L9H9", "tail=L1N1"):
        for query, title, count in (("head=L2H1", "Head L2H1", 1), (address, "Start here", 0)):
            page.evaluate("query => { location.hash = '#/entropy-map?' + query }", query)
            until(page, f"document.querySelectorAll('main .cells .chosen').length === {count}")
            assert title_of_card(page) == title, address


def test_going_back_returns_to_the_view_before(page):
    go(page, "entropy-map")
    go(page, "training")
    page.go_back()
    page.wait_for_selector("#title-entropy-map")


def test_a_finding_opens_its_evidence_with_the_head_chosen(page):
    go(page, "all-findings")
    page.click("[data-finding] a >> nth=0")
    page.wait_for_selector("#title-attention")
    assert page.get_attribute(".thumb.chosen", "data-head") == "L0H1"


def test_arrows_keep_the_focus_while_the_choice_moves(page):
    go(page, "attention")
    page.click('.thumb[data-head="L1H1"]')
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.head") == "L2H2"
    assert title_of_card(page) == "Head L2H2"
    page.keyboard.press("]")
    assert page.evaluate("document.activeElement.dataset.head") == "L2H2"
    assert page.eval_on_selector_all(".thumb[tabindex='0']", "stops => stops.length") == 1


def test_words_tell_where_a_head_looks_in_both_directions(page):
    go(page, "attention")
    page.click('.thumb[data-head="L0H0"]')  # made to look at itself
    page.locator(".token").nth(20).click()
    assert page.inner_text(".most li >> nth=0 >> q") in page.inner_text(".about")
    assert float(page.inner_text(".most li >> nth=0 >> span")) > 0.3
    page.locator(".choice button").nth(1).click()
    assert "looked at" in page.inner_text(".about")


@EVERY
def test_every_figure_has_its_numbers_as_a_table(page, chosen):
    for view in chosen:
        go(page, view)
        toggle = page.query_selector('main .buttons button:text-is("Table")')
        if toggle:
            toggle.click()
        assert page.locator("main tbody tr:visible").count() > 0


def test_a_table_sorts_by_numbers(page):
    go(page, "head-taxonomy")
    page.click('.sort:has-text("Previous token")')
    values = [
        float(text.split("[")[0])
        for text in page.eval_on_selector_all("tbody tr td:nth-child(3)", "cells => cells.map(c => c.textContent)")
    ]
    assert values == sorted(values, reverse=True)
    assert page.get_attribute('th:has-text("Previous token")', "aria-sort") == "descending"


def test_search_finds_views_and_heads(page):
    page.keyboard.press("/")
    page.keyboard.type("l3h2")
    page.keyboard.press("Enter")
    page.wait_for_selector("#title-attention")
    assert title_of_card(page) == "Head L3H2"


def test_search_finds_a_word_where_it_stands(page):
    page.wait_for_selector("html[data-warm]")
    page.keyboard.press("/")
    page.keyboard.type("charger")
    page.click('.search li:has-text("token ") >> nth=0')
    page.wait_for_selector("#title-loss-by-token")
    assert page.inner_text(".token.chosen").strip() == "charger"
    assert "charger" not in page.url


def test_the_card_says_what_a_head_is_called_and_whom_it_reads(page):
    go(page, "entropy-map")
    page.click('.cells [data-head="L2H1"]')
    assert sample_words.HOSTILE[0] in page.inner_text("#card .roles b")
    assert "over 0.4 and above chance" in page.inner_text("#card .roles small")
    fold = page.locator("#card .fold", has_text="composition")
    fold.locator("summary").click()
    assert "reads L0H1 by its keys" in fold.locator(".blocks").inner_text()
    assert "2.30 × chance" in fold.locator(".blocks").inner_text()
    assert "chance 0.030" in page.inner_text("#card .measures")


def test_the_card_is_folded_by_analysis_and_a_fold_says_its_main_number(blank, report):
    page = blank
    open_at(page, f"{report}#/entropy-map")
    page.click('.cells [data-head="L2H1"]')
    folds = page.locator("#card .fold")
    assert [one.get_attribute("open") is not None for one in folds.all()] == [True, False, False]
    number = r"Loss without it −?[\d.]+ \[−?[\d.]+, −?[\d.]+\]"
    assert re.search(number, folds.nth(1).locator("summary").inner_text())
    page.locator("#card .fold summary").nth(1).focus()
    page.keyboard.press("Enter")  # as a browser has it
    assert folds.nth(1).locator(".measure").is_visible()
    page.click('.cells [data-head="L0H0"]')
    assert folds.nth(1).locator(".measure").is_visible()  # as it was left, with the numbers of this head
    assert page.locator("#card .fold").count() == 3


def test_what_is_found_in_a_fold_is_opened_and_paper_shows_all(page):
    go(page, "entropy-map")
    page.click('.cells [data-head="L2H1"]')
    page.keyboard.press("/")
    page.keyboard.type("reads L0H3 by")
    page.click('.search li:has-text("card of L1H3") >> nth=0')
    assert title_of_card(page) == "Head L1H3"
    assert page.locator("#card .fold[open]", has_text="composition").count() == 1
    page.keyboard.press("/")
    page.keyboard.type("loss without")
    page.click('.search li:has-text("number of each head") >> nth=0')
    assert title_of_card(page) == "Head L1H3"  # that which is selected
    assert page.locator("#card .fold[open]", has_text="Loss without").count() == 1
    page.locator("#card .fold[open] summary", has_text="composition").click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.is_visible("#card")
    assert page.locator("#card .fold:not([open])").count() == 0
    page.emulate_media(media="null")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#card .fold:not([open])").count() == 1


def test_the_card_draws_a_pattern_only_where_the_view_does_not(page):
    go(page, "entropy-map")
    page.click('.cells [data-head="L2H1"]')
    page.wait_for_selector("#card figure", state="visible")
    go(page, "attention")
    page.wait_for_selector("#card figure", state="hidden")
    page.locator("main .bubbles .token").nth(2).click()  # a change of something else does not bring an empty one back
    assert page.inner_text("#card h2").endswith("L2H1")
    assert page.is_hidden("#card figure")


def test_a_patching_grid_shows_both_prompts_one_scale_and_what_is_behind_a_cell(page):
    go(page, "patching")
    assert "refused 3 of 12 pairs" in page.inner_text("main .banner")
    rows = page.eval_on_selector_all(".cells .row", "rows => rows.map(row => row.innerText)")
    assert rows[0].startswith("clean")
    assert rows[-1].startswith("corrupted")
    assert page.eval_on_selector_all(".column.marked", "all => all.map(c => c.textContent)") == ["‹me›", "‹them›"]
    scale = page.inner_text("main .legend")
    assert "−2.70" in scale  # a recovery of −2.7 is a finding: never clipped
    page.locator(".choice button").nth(3).click()
    assert page.inner_text("main .legend") == scale
    page.click('.cells [data-head="L0H1"] >> nth=4')
    assert title_of_card(page) == "Head L0H1"
    assert "After patching it says" in page.inner_text(".celldetail")
    assert "clean run" in page.inner_text(".celldetail")
    page.keyboard.press("]")
    assert page.inner_text(".sampler .where") == "Pair 2 of 2"
    assert "panel=1" in page.url


@pytest.mark.parametrize("width", [420, *(pytest.param(width, marks=pytest.mark.slow) for width in (900, 1440))])
def test_numbers_in_narrow_cells_are_set_smaller_or_left_out_but_never_cut(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    for view in ("patching", "entropy-map"):
        page.evaluate("view => { location.hash = '#/' + view }", view)
        page.wait_for_selector(f"#title-{view}")
        painted(page)
        wide = "all => all.filter(b => b.textContent && b.scrollWidth > b.clientWidth).map(b => b.textContent)"
        assert page.eval_on_selector_all(".cells button", wide) == [], view


def test_a_logit_lens_draws_the_ranks_of_the_column_that_is_chosen(page):
    go(page, "lens")
    assert page.locator(".celldetail svg").count() == 0
    page.locator(".cells button").nth(20).click()
    assert page.locator(".celldetail svg").count() == 1
    assert "rank 1" not in page.inner_text("main .legend")
    assert "1 on top" in page.inner_text(".celldetail")


def test_a_token_is_followed_through_the_layers_and_in_all_views_of_its_conversation(page):
    go(page, "ways")
    page.locator(".spot").nth(7).focus()
    page.keyboard.press("Enter")
    assert "pos=1" in page.url  # five levels a token
    assert page.locator(".spot.chosen").count() == 5
    assert "Length of each step" in page.inner_text("main aside")
    go(page, "loss-by-token")
    assert page.get_attribute(".token.chosen", "data-i") == "1"


def test_the_card_of_a_head_in_a_figure_follows_the_selection(page):
    go(page, "entropy-map")
    page.click('.cells [data-head="L3H2"]')
    go(page, "ov")
    assert page.inner_text(".sheet h2").startswith("L3H2")
    page.keyboard.press("ArrowUp")
    assert page.inner_text(".sheet h2").startswith("L2H2")
    assert title_of_card(page) == "Head L2H2"


def test_a_graph_pins_a_node_and_hides_weak_edges_and_its_address_remembers(page, report):
    go(page, "circuit")
    everything = page.locator(".spot").count()
    page.fill("main input[type=range]", "60")
    assert page.locator(".spot").count() == everything - 2  # of 0.9, 0.8, 0.4 and 0.2 two are left
    page.locator(".spot.node").nth(0).click()
    assert title_of_card(page) == "Head L0H1"
    open_at(page, page.url)
    assert page.input_value("main input[type=range]") == "60"
    assert page.locator(".spot.node.chosen").count() == 1
    widths = "svg => [Number(svg.getAttribute('width')), svg.getBoundingClientRect().width]"
    for _ in range(2):  # as wide as it was drawn, so that what can be clicked lies where it is seen
        meant, is_wide = page.locator("main .sideways svg").evaluate(widths)
        assert is_wide == pytest.approx(meant, abs=1)
        page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate("document.querySelector('main .sideways').scrollWidth") > 900


def test_everything_in_a_figure_is_one_stop_of_the_tab_key_and_says_its_number(page):
    for view, things in [
        ("patching", ".cells button"),
        ("ways", ".spot"),
        ("direct-effect", ".spot"),
        ("training", ".spot"),
    ]:
        go(page, view)
        assert page.eval_on_selector_all(f"main {things}", "all => all.filter(b => b.tabIndex === 0).length") == 1
        labels = page.eval_on_selector_all(f"main {things}", "all => all.map(b => b.ariaLabel)")
        assert all(any(c.isdigit() for c in label) for label in labels), view
        page.locator(f"main {things}").first.focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.dataset.i") == "1"


@pytest.mark.slow
def test_a_narrow_screen_shows_one_column_without_scrolling_sideways(page):
    page.set_viewport_size({"width": 420, "height": 900})
    for view in views(page):
        page.evaluate("view => { location.hash = '#/' + view + '?head=L1H1' }", view)
        page.wait_for_selector(f"#title-{view}")
        painted(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 420, view


@pytest.mark.slow
def test_printed_every_figure_begins_a_page_and_needs_few(page):
    page.wait_for_selector("html[data-warm]")
    sheets = page.pdf(format="A4").count(b"/Type /Page\n")
    assert len(views(page)) <= sheets <= 2 * len(views(page))


@pytest.mark.parametrize(
    "shown", ["patching", *(pytest.param(one, marks=pytest.mark.slow) for one in ("logit-lens", "head-taxonomy"))]
)
def test_paper_does_not_scroll_so_what_is_wide_goes_on_below(page, shown):
    go(page, shown)
    page.wait_for_selector("html[data-warm]")
    page.set_viewport_size({"width": 965, "height": 700})  # a landscape Letter within its margins
    cells = page.locator("main .cells button").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 965
    assert page.locator("main .cells button").count() == cells
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main .cells").count() <= 1
    assert page.locator("main .cells button").count() == cells


@pytest.mark.slow
def test_every_control_has_a_name(page):
    for view in views(page)[1:]:
        go(page, view)
        assert (
            page.eval_on_selector_all(
                "button, [role=button], canvas[role=img]",
                "all => all.filter(e => e.offsetParent && !e.ariaLabel && !e.textContent.trim()).length",
            )
            == 0
        )


def test_printing_puts_every_figure_on_paper_in_light_colours(page):
    page.keyboard.press("t")
    page.wait_for_selector("html[data-warm]")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.get_attribute("html", "data-theme") == "light"
    assert page.locator("#sheets article").count() == len(views(page)) - 1
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#sheets").count() == 0
    assert page.get_attribute("html", "data-theme") == "dark"


@pytest.fixture(scope="module")
def arrays(made):
    """What the views of the page are made of, by their id."""
    return {view.id: view for view in made.views}


def exported(page, view: str) -> list[dict[str, str]]:
    """Return the rows of a figure's CSV by their headings."""
    go(page, view)
    page.keyboard.press("e")
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name="CSV").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def same(cells: list[str], values) -> bool:
    told = [float(cell) if cell else np.nan for cell in cells]
    return np.allclose(told, np.asarray(values, dtype=float).ravel(), rtol=1e-6, atol=1e-9, equal_nan=True)


def test_the_csv_of_a_matrix_holds_its_arrays(page, arrays):
    rows = exported(page, "entropy-map")
    layers, heads = np.shape(arrays["entropy-map"].data["series"][0]["values"])
    assert [row["Head"] for row in rows] == [f"L{i}H{j}" for i in range(layers) for j in range(heads)]
    for series in arrays["entropy-map"].data["series"]:
        assert same([row[series["name"]] for row in rows], series["values"])
        for part in ("low", "high", "chance"):
            if series.get(part) is not None:
                wanted = np.broadcast_to(np.asarray(series[part], dtype=float), (layers, heads))
                assert same([row[f"{series['name']} {part}"] for row in rows], wanted)


def test_the_csv_of_words_holds_the_numbers_of_the_conversation_that_is_open(page, arrays):
    go(page, "loss-by-token")
    page.keyboard.press("]")
    rows = exported(page, "loss-by-token")
    data = arrays["loss-by-token"].data
    assert [row["Speaker"] for row in rows] == list(data["conversations"][1]["speakers"])
    for measure, values in zip(data["measures"], data["conversations"][1]["values"], strict=True):
        assert same([row[measure["name"]] for row in rows], values)


def test_the_csv_of_attention_holds_every_weight_of_the_selected_head(page, arrays):
    page.keyboard.press("1")
    page.evaluate("location.hash = '#/attention?head=L2H1&sample=1'")
    page.wait_for_selector('.thumb[data-head="L2H1"].chosen')
    rows = exported(page, "attention")
    weights = arrays["attention"].data["conversations"][1]["patterns"].values[2 * 4 + 1]
    assert len(rows) > 40
    for row in rows:
        told = float(row["Weight in L2H1, 0.01 and more"])
        assert abs(told - weights[int(row["Position"]), int(row["Looks at position"])]) < 1e-5


@pytest.mark.parametrize("view", ["training", pytest.param("direct-effect", marks=pytest.mark.slow)])
def test_the_csv_of_a_chart_holds_its_arrays(page, arrays, view):
    rows, data = exported(page, view), arrays[view].data
    if view == "training":
        told = [row[data["y"]["label"]] for row in rows][: sum(len(s["x"]) for s in data["series"])]
        assert same(told, np.concatenate([np.asarray(s["y"], dtype=float) for s in data["series"]]))
    else:
        for series in data["series"]:
            assert same([row[series["name"]] for row in rows], series["values"])
