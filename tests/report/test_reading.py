"""What a newcomer does with the report: read the first page, ask what a word means, look for a word, on any screen."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import chromium
import numpy as np
import pytest
import sample
from chromium import go, open_at, title_of_card, until

from wonderland.components import Head
from wonderland.estimate import Estimate
from wonderland.report.build import render
from wonderland.report.findings import Finding
from wonderland.report.sharing import PUBLIC, Sharing
from wonderland.views import Row, Wording

pytestmark = chromium.MARKS

SAID = "Repeating is not learned: its gain is −0.01 nats."


AUDIT = (
    "One can tell which conversations it read: AUC 0.99 [0.97, 1.00] (chance 0.5; n = 139 conversations that it read "
    "and 49 that it did not; by the text alone: 0.36 [0.28, 0.45]). These tests drew out no text beyond chance "
    "(n = 5,000 training and 2,500 held-out messages). That does not show that none can be drawn out."
)


def whole():
    page = sample.page(conversations=2, length=48)
    numbers = Estimate(np.float64(-0.01), np.float64(-0.03), np.float64(0.01), n=32, unit="nats", chance=0.0)
    shown = Estimate(np.float64(0.62), np.float64(0.55), np.float64(0.69), n=30, unit="share", chance=0.1)
    more = [
        Finding(SAID, "training", (), "solid", "null", numbers),
        Finding("L2H1 carries who speaks: 62% of it.", "entropy-map", Head(2, 1), "solid", "effect", shown),
        Finding("The model has 16 heads.", "entropy-map", (), "solid", "description"),
    ]
    figures = Row.each({"Training messages completed word for word": Wording("0.14% [0.05%, 0.29%]")})
    passed = [check for check in page.checks if check.passed]  # one that failed is opened, and has figures
    return replace(page, findings=[*page.findings, *more], checks=passed, audit=AUDIT, audit_figures=figures)


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("reading") / "report.html"
    path.write_text(render(whole()), encoding="utf-8")
    return path.as_uri()


def is_short(page) -> str:
    """Return what the first page says, which is at most 250 words and 40 digits; those of messages are not counted."""
    shown = page.inner_text("main")
    assert len(shown.split()) <= 250
    messages = " ".join(page.locator("main .excerpt").all_inner_texts())
    assert len(re.findall(r"\d", shown)) - len(re.findall(r"\d", messages)) <= 40
    return shown


def test_the_first_page_is_short_and_every_story_leads_on(page):
    is_short(page)
    assert page.locator(".story").count() <= 5
    for i in range(page.locator(".story").count()):
        page.evaluate("location.hash = ''")
        page.wait_for_selector("#title-findings")
        page.locator(".story .onward a").nth(i).click()
        until(page, "!document.querySelector('#title-findings')")
        assert page.inner_text("main h1")


@pytest.mark.parametrize(
    "against",
    [pytest.param(False, id="public", marks=pytest.mark.slow), pytest.param(True, id="against the audit")],
)
def test_the_first_page_of_a_report_that_answers_is_as_short(page, tmp_path, against):
    refused = Sharing(AUDIT, ["A message stood in it.", "A person can be told."]).let_out(asked=True)
    path = tmp_path / "live.html"
    live = {"view": {}, "model": {"cfg": {"n_layers": 4, "n_heads": 4}}}
    path.write_text(render(replace(whole(), live=live, sharing=refused if against else PUBLIC)), encoding="utf-8")
    context = page.context.browser.new_context(viewport=chromium.DESK)
    tab = context.new_page()
    open_at(tab, path.as_uri())
    shown = is_short(tab)
    assert "Try it: write, and it answers" in shown
    assert ("The audit does not let this model be shared." in shown) is against
    tab.click("summary:text-is('Figures of the audit')")
    assert (refused if against else PUBLIC) in tab.inner_text("main")
    context.close()


def test_of_the_audit_the_first_page_tells_the_claim_with_its_interval_and_the_rest_at_a_press(page):
    shown = page.inner_text("main")
    assert "no text beyond chance. That does not show that none can be drawn out." in shown
    assert "AUC 0.99 [0.97, 1.00]." in shown
    assert "2,500" not in shown
    page.click("summary:text-is('Figures of the audit')")
    assert AUDIT in page.inner_text("main")
    assert "0.14% [0.05%, 0.29%]" in page.inner_text("main")


def test_of_the_choices_left_the_ends_and_the_best_rule_are_in_figures_and_all_on_pointing(page):
    scale = page.locator(".story").first.locator(".drawn")
    said = scale.get_attribute("title")
    names = [one.rpartition(" ")[0] for one in said.split(" · ")]
    figures = [one.rpartition(" ")[2] for one in said.split(" · ")]
    shown = scale.locator("text, > span").all_text_contents()
    assert set(names) <= set(shown)
    numbers = [one for one in shown if one in figures]
    assert sorted(numbers) == sorted([figures[0], figures[-2]])  # the last is the model's own, told below


def test_a_term_in_a_picture_of_the_first_page_says_what_it_means(page):
    term = page.locator(".drawn .term:text-is('unigram')")
    term.hover()
    assert "table of counts" in page.inner_text("#tip")
    name, line = term.bounding_box(), page.locator(".drawn svg").first.bounding_box()
    assert line["x"] <= name["x"] <= line["x"] + line["width"]
    assert line["y"] < name["y"] < line["y"] + line["height"]


def test_a_rule_without_a_figure_says_how_many_choices_it_leaves_where_it_is_pressed(page):
    said = dict(one.rsplit(" ", 1) for one in page.locator(".story .drawn").first.get_attribute("title").split(" · "))
    ends = {"a blind guess", "this model"}
    assert "unigram" in said
    for rule in [rule for rule in said if rule not in ends]:
        page.locator(f".drawn .term:text-is('{rule}')").click()
        assert page.inner_text("#tip").endswith(f"Choices left here: {said[rule]}")


def test_the_findings_sort_by_their_numbers_and_show_their_kind(page):
    go(page, "all-findings")
    everything = page.locator(".findings tbody tr").count()
    page.click('.sort:has-text("Value")')
    assert "62%" in page.inner_text(".findings tbody tr >> nth=0")  # farthest from its chance level
    assert page.get_attribute(".findings tbody tr:first-child .mark", "aria-label") == "effect"
    page.click('.choice button:has-text("null result")')
    assert page.locator(".findings tbody tr:visible").count() == 1
    assert "[−0.030, 0.010]" in page.inner_text(".findings tbody")
    page.click('.choice button:text-is("all")')
    page.fill(".controls input", "repeating")
    assert page.locator(".findings tbody tr:visible").count() == 1
    page.fill(".controls input", "")
    assert page.locator(".findings tbody tr:visible").count() == everything


def test_an_effect_whose_interval_reaches_chance_has_another_mark_than_one_that_does_not(page):
    go(page, "all-findings")
    marks = page.eval_on_selector_all(
        ".findings tbody tr",
        "rows => rows.map(r => r.querySelector('.mark')).map(mark => [mark.ariaLabel, mark.textContent])",
    )
    signs: dict[str, set[str]] = {}
    for label, sign in marks:
        signs.setdefault(label.split(" · ")[0], set()).add(sign)
    unsure = {key: {"◇"} for key in ("effect, not shown", "effect, undecided")}
    assert signs == {"effect": {"◆"}, **unsure, "null result": {"○"}, "description": {"·"}}


def test_a_citation_has_the_claim_its_numbers_and_which_model_and_data(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(page, "all-findings")
    page.fill(".controls input", "repeating")
    page.click('.findings button[aria-label="Copy citation"]:visible')
    until(page, "document.querySelector('.findings tbody tr:not([hidden]) button').textContent === 'Copied'")
    said = page.evaluate("navigator.clipboard.readText()")
    for part in (
        SAID,
        "[−0.030, 0.010]",
        "n = 32",
        "chance 0",
        "model 9f3c2e6a71b04d55",
        "wonderland 0.1.0",
        "#/training",
    ):
        assert part in said
    assert "file:" not in said


def test_where_the_clipboard_is_closed_the_words_can_be_copied_by_hand(alone):
    alone.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('closed')); }")
    go(alone, "all-findings")
    alone.click('.findings button[aria-label="Copy citation"]:visible >> nth=0')
    assert alone.input_value("dialog.copy textarea")
    alone.keyboard.press("Escape")
    alone.wait_for_selector("dialog.copy", state="detached")


def test_a_word_of_the_field_says_what_it_means_to_pointer_and_keys(page):
    go(page, "entropy-map")
    term = page.locator("main .term").first
    term.hover()
    assert len(page.inner_text(".tip").split()) > 8
    page.mouse.move(5, 5)
    assert not page.is_visible(".tip")
    term.focus()
    assert page.is_visible(".tip")
    assert term.get_attribute("aria-describedby") == "tip"
    named = page.eval_on_selector_all("main .term", "all => all.map(one => one.textContent.toLowerCase())")
    assert len(named) == len(set(named))  # each once in a view
    go(page, "words")
    assert page.locator(".glossary dt").count() >= 30


def test_find_finds_what_can_be_read(page):
    page.wait_for_selector("html[data-warm]")
    for typed, kind, lands in [
        ("charger", "conversation", "#/loss-by-token"),
        ("perplexity", "word explained", "#/words"),
        ("repeating is not", "finding", "#/training"),
        ("l3h2", "head", "head=L3H2"),
    ]:
        assert lands not in page.url
        page.keyboard.press("/")
        page.keyboard.type(typed)
        page.locator(f".search li button:has(small:has-text('{kind}'))").first.click()
        assert lands in page.url
        assert typed.split()[0] not in page.url.split("?")[-1]


def test_find_finds_a_word_of_several_tokens(page):
    page.wait_for_selector("html[data-warm]")
    go(page, "loss-by-token")
    tokens = page.eval_on_selector_all(".bubble .token:not(.special)", "all => all.map(one => one.textContent)")
    at = next(i for i in range(len(tokens) - 1) if len((tokens[i] + tokens[i + 1]).strip()) > 6)
    joint = (tokens[at] + tokens[at + 1]).strip().lower()
    page.keyboard.press("/")
    page.keyboard.type(joint)
    assert page.locator(".search li button small:has-text('conversation')").count() >= 1


def test_one_esc_closes_find_even_with_words_in_it(page):
    page.keyboard.press("/")
    page.keyboard.type("abc")
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog.search")


def test_arrows_scroll_where_there_is_no_head_to_choose(blank, report):
    open_at(blank, f"{report}#/all-findings?head=L2H1")
    blank.evaluate("document.activeElement.blur()")
    before = blank.url
    for key in ("ArrowDown", "ArrowRight"):
        blank.keyboard.press(key)
    assert blank.url == before
    open_at(blank, f"{report}#/entropy-map")
    blank.evaluate("document.activeElement.blur()")
    blank.keyboard.press("ArrowRight")
    assert "head=" not in blank.url


def test_each_view_has_a_title_of_its_own_in_the_browser(page):
    go(page, "entropy-map")
    assert page.title() == "Entropy map – wonderland"
    go(page, "words")
    assert page.title() == "Words explained – wonderland"


def test_on_a_phone_a_tap_opens_a_sheet_that_is_in_sight(browser, report):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    tab = context.new_page()
    open_at(tab, f"{report}#/entropy-map")
    assert not tab.is_visible("#card")
    tab.locator('.cells [data-head="L2H1"]').tap()
    box = tab.locator("#card").bounding_box()
    assert box["y"] < 844
    assert box["y"] + box["height"] <= 844.5
    assert title_of_card(tab) == "Head L2H1"
    assert tab.is_visible(".tip")  # as hovering would
    tab.locator('.cells [data-head="L3H3"]').tap()
    chosen = tab.locator("main .cells .chosen").bounding_box()
    assert chosen["y"] + chosen["height"] <= tab.locator("#card").bounding_box()["y"]  # the cell is not under the sheet
    tab.click("#card header button")
    assert not tab.is_visible("#card")
    context.close()


def test_about_this_model_is_a_dialog_of_its_own(page):
    page.click('#card button:text-is("About this model")')
    assert "9f3c2e6a71b04d55" in page.inner_text("dialog.about")
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog.about")


def test_the_map_leads_to_a_head(page):
    page.click('#card .modelmap [data-head="L2H1"]')
    assert title_of_card(page) == "Head L2H1"
    assert "head=L2H1" in page.url


def test_the_map_shows_what_an_mlp_does_by_the_rules_of_heads(page, tmp_path):
    go(page, "findings")
    node = page.locator('#card .modelmap [data-key="mlp:MLP1"]')
    assert "acts on the answer itself" in node.get_attribute("aria-label")
    (role,) = page.locator("#card .maproles li", has_text="acts on the answer itself").all_inner_texts()
    assert role.split()[0] == node.inner_text().split()[0]  # one sign on the map and in its key
    assert role.endswith("1 MLP")
    key = page.locator("#card .maproles li").last.inner_text()
    assert " ".join(key.split()) == "· no role (MLP: no sign)"
    bare = {node.inner_text() for node in page.locator("#card .modelmap .part:not(.lit)").all()}
    assert bare == {"·", "MLP"}  # both are in the key
    assert page.locator('#card .modelmap [data-key="mlp:MLP2"]').inner_text() == "MLP"
    node.click()
    assert title_of_card(page) == "MLP of layer 1"
    assert "mlp=MLP1" in page.url
    fold = page.locator("#card .fold")
    assert fold.count() == 1
    assert "whole effect" in fold.locator(".blocks").inner_text()
    assert page.locator("#card .measure").filter(visible=True).count() == 0  # numbers of heads are none of an MLP
    assert "none was measured" not in page.inner_text("#card .mapbox")


def test_where_no_mlp_was_measured_the_key_of_the_map_says_so_and_of_none_says_nothing(browser, tmp_path):
    made = sample.page(conversations=1, length=16)
    made = replace(made, views=[view for view in made.views if view.id in {one.view for one in made.findings}])
    about = {key: blocks for key, blocks in made.about.items() if key.kind != "mlp"}
    for sizes, said in ((made.meta["sizes"], True), ({"width": 8}, False)):  # a model of attention alone has no MLPs
        path = tmp_path / "report.html"
        path.write_text(render(replace(made, about=about, meta={**made.meta, "sizes": sizes})), encoding="utf-8")
        with browser.new_page() as tab:
            open_at(tab, path.as_uri())
            assert ("MLPs: none was measured" in tab.inner_text("#card .mapbox")) is said
            assert tab.locator("#card .modelmap .mlp").count() == (4 if said else 0)


def downloaded(page, view, name):
    go(page, view)
    page.keyboard.press("e")
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name=name).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8-sig")


def test_a_drawing_says_its_conversation_measure_and_colours(page):
    page.evaluate("location.hash = '#/loss-by-token?sample=1&tab=1'")
    page.wait_for_selector("#title-loss-by-token")
    svg = downloaded(page, "loss-by-token", "SVG")
    text = " ".join(re.findall(r">([^<]+)<", svg))
    assert "Conversation 2 of 2 · rank" in text
    assert "scale" in text
    assert svg.count("<rect") > 80


def test_csv_needs_no_options_and_its_text_is_exact(page):
    text = downloaded(page, "lens", "CSV")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert None not in rows[0]
    assert not text.startswith("#")
    words = [name for name in rows[0] if name.endswith(": word")]
    assert words
    assert all(row[words[0]] for row in rows)
    tokens = [row["Token"] for row in csv.DictReader(io.StringIO(downloaded(page, "loss-by-token", "CSV"), newline=""))]
    assert any(token.startswith(" ") for token in tokens)  # the space itself, no dot for it
    assert not any("·" in token for token in tokens)
