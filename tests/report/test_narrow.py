"""On a phone and on a desk nothing runs over the edge or is under 12 px, and a tap says what hovering says."""

from dataclasses import replace

import chromium
import numpy as np
import pytest
import sample
from chromium import open_at, painted, until
from measures import MEASURE

from wonderland.report.build import render

pytestmark = chromium.MARKS
SIZES = {"phone": (390, 844), "desk": (1280, 900)}


@pytest.fixture(scope="module")
def made():
    return sample.page(hostile=True, conversations=2, length=48)


@pytest.fixture(scope="module")
def report(made, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("narrow") / "report.html"
    path.write_text(render(made), encoding="utf-8")
    return path.as_uri()


CHOSEN = "?head=L2H1&pos=5&node=2&layer=1"


@pytest.mark.parametrize(
    ("size", "chosen", "every"),
    [
        pytest.param("phone", "", False, id="phone, one of a kind"),
        *(pytest.param(size, chosen, True, marks=pytest.mark.slow) for size in SIZES for chosen in ("", CHOSEN)),
    ],
)
def test_nothing_runs_over_the_edge_and_nothing_is_too_small(browser, report, made, size, chosen, every):
    width, height = SIZES[size]
    tab = browser.new_page(viewport={"width": width, "height": height})
    open_at(tab, report)
    tab.wait_for_selector("html[data-warm]")
    found = {}
    again = {view.id for view in made.views} - {*{view.renderer: view.id for view in made.views}.values()}
    views = tab.eval_on_selector_all("#nav a", "links => links.map(link => link.dataset.view)")
    for view in views if every else [view for view in views if view not in again]:
        tab.evaluate(f"location.hash = '#/{view}{chosen}'")
        tab.wait_for_selector(f"#title-{view}")
        measured = tab.evaluate(MEASURE)
        if measured.pop("page") > 0 or any(measured.values()):
            found[view] = measured
    tab.close()
    assert found == {}


@pytest.fixture(scope="module")
def few(made):
    """The page with the views that its findings point to, and no others."""
    return replace(made, views=[view for view in made.views if view.id in {one.view for one in made.findings}])


def test_failed_checks_are_told_at_the_top_of_a_phone_and_passed_ones_are_not(browser, few, tmp_path):
    for name, page in (("bad", few), ("good", replace(few, checks=[one for one in few.checks if one.passed]))):
        (tmp_path / f"{name}.html").write_text(render(page), encoding="utf-8")
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    open_at(tab, (tmp_path / "bad.html").as_uri())
    assert tab.inner_text("#top .badge.bad") == "✗ 1 failed"
    assert tab.get_attribute("#top .badge.bad", "aria-label") == f"✗ 1 of {len(few.checks)} checks failed"
    tab.set_viewport_size({"width": 1280, "height": 900})
    assert tab.inner_text("#top .badge.bad") == f"✗ 1 of {len(few.checks)} checks failed"
    tab.set_viewport_size({"width": 390, "height": 844})
    open_at(tab, (tmp_path / "good.html").as_uri())
    assert not tab.is_visible("#top .badge.good")
    tab.close()


@pytest.mark.parametrize(("level", "under"), [(3.36, True), (4.7, False)])
def test_a_rule_whose_dot_lies_under_that_of_the_model_says_so(browser, few, tmp_path, level, under):
    curve = next(view for view in few.views if view.id == "training")
    last = replace(curve.figure.references[-1], y=level)
    figure = replace(curve.figure, references=(*curve.figure.references[:-1], last))
    (tmp_path / "report.html").write_text(render(replace(few, views=[replace(curve, figure=figure)])), encoding="utf-8")
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    open_at(tab, (tmp_path / "report.html").as_uri())
    drawn = tab.locator(".story .drawn").first
    drawn.wait_for()
    assert ("same place" in drawn.text_content()) is under
    tab.close()


LEFT = "document.querySelector('main .scroll').scrollLeft"
SHADES = "['leftmore', 'rightmore'].map((side) => document.querySelector('main .scroll').classList.contains(side))"


@pytest.mark.slow
def test_what_goes_on_to_the_right_says_so_and_goes_there(browser, report):
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    open_at(tab, f"{report}#/all-findings")
    fits = "document.querySelector('main .scroll').scrollWidth <= document.querySelector('main .scroll').clientWidth"
    assert tab.evaluate(fits)
    assert not tab.is_visible("main .further")
    assert tab.evaluate(SHADES) == [False, False]
    tab.set_viewport_size({"width": 390, "height": 844})
    further = tab.locator("main .further")
    further.wait_for()
    assert tab.evaluate(SHADES) == [False, True]
    pressed = 0
    while further.is_visible():
        before = tab.evaluate(f"{LEFT}")
        further.click()
        until(tab, f"{LEFT} > {before}")
        painted(tab)
        pressed += 1
        until(tab, f"({SHADES})[0]")
    assert 0 < pressed <= 8
    assert tab.evaluate(SHADES) == [True, False]
    end = "(({ scrollLeft, clientWidth, scrollWidth }) => scrollWidth - clientWidth - scrollLeft)"
    assert tab.evaluate(f"{end}(document.querySelector('main .scroll'))") < 12
    tab.close()


def test_what_is_too_small_too_wide_or_beyond_would_be_found(browser, report):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    open_at(tab, report)
    tab.evaluate("document.querySelector('main p').style.fontSize = '11px'")
    tab.evaluate("document.querySelector('main h1').style.width = '900px'")
    measured = tab.evaluate(MEASURE)
    assert len(measured["small"]) >= 1
    assert any("minute" in one for one in measured["beyond"])
    assert measured["page"] > 500
    tab.close()


@pytest.fixture(scope="module")
def phone(browser, report):
    """One telephone for all taps."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    tab = context.new_page()
    open_at(tab, report)
    yield tab
    context.close()


@pytest.mark.slow  # by default a tap on a head is asked of in test_reading.py
@pytest.mark.parametrize(
    ("view", "thing"),
    [
        ("entropy-map", ".cells [data-i='5']"),
        *(
            (view, f".spot >> nth={number}")
            for view, number in [("training", 3), ("head-clusters", 2), ("direct-effect", 1), ("circuit", 1)]
        ),
    ],
)
def test_a_tap_says_what_hovering_says(phone, view, thing):
    tab = phone
    tab.evaluate("view => { location.hash = '#/' + view }", view)
    tab.wait_for_selector(f"#title-{view}")
    tab.locator(f"main {thing}").scroll_into_view_if_needed()
    tab.locator(f"main {thing}").tap(force=True)
    said = tab.get_attribute(f"main {thing}", "aria-label").split(",")[0]
    assert said in tab.inner_text(".tip")


@pytest.mark.parametrize(("view", "thing"), [("findings", ".mark"), ("all-findings", "th button.sort")])
def test_a_tap_says_what_a_title_says(phone, view, thing):
    phone.evaluate("view => { location.hash = '#/' + view }", view)
    phone.wait_for_selector(f"#title-{view}")
    one = phone.locator(f"main {thing}[title]").first
    one.scroll_into_view_if_needed()
    said = one.get_attribute("title")
    one.tap(force=True)
    phone.wait_for_selector(".tip:not([hidden])")
    assert said in phone.inner_text(".tip")


@pytest.mark.parametrize(("width", "said"), [(390, "unigram 6.10"), (1280, "unigram")])
def test_levels_that_are_named_away_from_their_lines_say_how_high_they_are(browser, report, width, said):
    tab = browser.new_page(viewport={"width": width, "height": 844})
    open_at(tab, f"{report}#/training")
    tab.wait_for_selector("#title-training")
    painted(tab)
    texts = tab.eval_on_selector_all("main svg text", "all => all.map((one) => one.textContent)")
    assert [text for text in texts if text.startswith("unigram")] == [said]
    tab.close()


def test_a_place_where_a_measure_is_nothing_is_none_of_the_highest(browser, made, tmp_path):
    shown = next(view for view in made.views if view.renderer == "tokens")
    first, *others = shown.figure.conversations
    values = np.zeros_like(first.values)
    values[0, 5:9] = 0.5
    quiet = [replace(one, values=np.zeros_like(one.values)) for one in others]
    figure = replace(shown.figure, conversations=[replace(first, values=values), *quiet], highlights=None)
    views = [replace(shown, figure=figure) if view is shown else view for view in made.views]
    (tmp_path / "report.html").write_text(render(replace(made, views=views)), encoding="utf-8")
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    open_at(tab, f"{(tmp_path / 'report.html').as_uri()}#/{shown.id}")
    tab.wait_for_selector("main .jumps button")
    assert tab.eval_on_selector_all("main .jumps b", "all => [...new Set(all.map((one) => one.textContent))]") == [
        "0.50"
    ]
    tab.close()
