"""A file that was cut off or changed on its way says so: as a whole, or where the part is missing."""

import json
import re
import zlib
from dataclasses import replace
from functools import partial

import chromium
import pytest
import sample
import sample_views
from chromium import DESK, go, open_at, until

from wonderland.report.build import render

pytestmark = chromium.MARKS
GET_IT_AGAIN = "This file is damaged or was cut off: get it again."
MISSING = "The data of this view are missing: the file was cut off."
DAMAGED = "The data of this figure are damaged: get the file again."
LENGTH = 16
KEPT = ("attention", "loss-by-token", "head-taxonomy")


@pytest.fixture(scope="module")
def html() -> str:
    whole = sample.page(conversations=2, length=LENGTH)
    views = [sample_views.attention_view(3, LENGTH), *(view for view in whole.views if view.id != "attention")]
    last = {"head-taxonomy": 99}  # so that to cut there leaves the others
    few = [replace(view, order=last.get(view.id, 1)) for view in views if view.id in KEPT]
    return render(replace(whole, views=few))


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """A function that opens a text as a report, and what went wrong in it that nothing caught."""
    context = browser.new_context(viewport=DESK)
    tab, uncaught = context.new_page(), []
    tab.on("pageerror", lambda error: uncaught.append(str(error)))
    path = tmp_path_factory.mktemp("damaged") / "report.html"

    def show(text: str, *, starts: bool = True):
        path.write_text(text, encoding="utf-8")
        uncaught.clear()
        if starts:
            open_at(tab, path.as_uri())
        else:
            tab.goto("about:blank")
            tab.goto(path.as_uri())
        return tab, uncaught

    yield show
    context.close()


def text_of(html: str, block: str) -> re.Match:
    return re.search(rf'(?<=<script type="application/json" id="{block}">).*?(?=</script>)', html, re.S)


def changed(html: str, block: str, change) -> str:
    """Return a file in which one block of data is another, with the checksum of that other."""
    found = text_of(html, block)
    tree = json.loads(found[0])
    change(tree)
    text = json.dumps(tree, separators=(",", ":")).replace("<", "\\u003c")
    html = html[: found.start()] + text + html[found.end() :]
    if block == "sums":
        return html
    sum_of = zlib.adler32(re.sub(r'"z":"[^"]*"', "", text).encode())
    return changed(html, "sums", lambda sums: sums.update({block: sum_of}))


def one_character(html: str, block: str, before: str) -> str:
    """Return a file in which one character is another: the last of where a pattern is first found in a block."""
    found = text_of(html, block)
    at = found.start() + re.search(before, found[0]).end() - 1
    other = {"A": "B", "1": "2"}.get(html[at], "A" if html[at].isalpha() else "1")
    return html[:at] + other + html[at + 1 :]


def flip(node: dict) -> None:
    """Change a few characters in the middle of packed numbers."""
    middle = len(node["z"]) // 2
    node["z"] = node["z"][:middle] + ("A" * 8 if node["z"][middle] != "A" else "B" * 8) + node["z"][middle + 8 :]


TOLD = """
() => {
  const { content, visibility } = getComputedStyle(document.documentElement, '::before');
  return visibility === 'visible' ? content : '';
}
"""
LATE = "document.getAnimations().map(one => one.effect.getTiming().delay)"


def told_in_time(tab) -> str:
    """Return what a page says of itself as a whole, once the time is over that a good file has to begin."""
    tab.evaluate("document.getAnimations().forEach(one => one.finish())")
    return tab.evaluate(TOLD)


WHOLE = {
    "cut in the style": lambda html: html[: html.index("</style>", html.index("--paper")) - 2000],
    "cut in the script": lambda html: html[: html.index("</script>", html.index("'use strict'")) - 2000],
    "a changed script": lambda html: html.replace("'use strict';", "'use strict' ;", 1),
    "broken JSON of the page": lambda html: html.replace('id="page">{', 'id="page">{{', 1),
    "a page of something else": partial(changed, block="page", change=lambda page: page.update(sections=5)),
}


@pytest.mark.parametrize("how", WHOLE)
def test_a_file_that_cannot_start_says_that_it_is_damaged(opened, html, how):
    tab, _ = opened(WHOLE[how](html), starts=False)
    until(tab, f"{LATE}.includes(2000)")  # a good file is open before it is told
    assert GET_IT_AGAIN in told_in_time(tab)
    assert tab.locator("html[data-ready]").count() == 0


def places(html: str) -> list[int]:
    """Return where a file is cut: in its style, its frame, the data of the first page, the script, and the data."""
    style, body, first = html.index("--paper"), html.index("<body>"), html.index('id="page"')
    script, views, end = html.index("<script>"), html.index('id="view-'), len(html)
    told = html.index("late 0s 2s")  # a file of less than this can say nothing
    parts = [
        (told, style, 2),
        (style, body, 6),
        (body, first, 2),
        (first, script, 3),
        (script, views, 3),
        (views, end, 3),
    ]
    return [a + (b - a) * (2 * k + 1) // (2 * n) for a, b, n in parts for k in range(n)]


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["a few", "every"])
def test_a_file_that_is_cut_anywhere_says_so_or_works(opened, html, every):
    for place in places(html)[:: 1 if every else 5]:
        tab, uncaught = opened(html[:place], starts=False)
        until(tab, "document.readyState === 'complete'")
        if place < html.index("</script>", html.index("'use strict'")):
            assert GET_IT_AGAIN in told_in_time(tab), place
            continue
        tab.wait_for_selector("html[data-ready]")
        for view in KEPT:
            go(tab, view)
        assert GET_IT_AGAIN not in told_in_time(tab), place
        assert uncaught == [], place


def test_a_good_file_says_nothing_of_damage(opened, html):
    tab, uncaught = opened(html)
    until(tab, "document.documentElement.hasAttribute('data-warm')")
    assert GET_IT_AGAIN not in told_in_time(tab)
    assert tab.locator(".banner[title]").count() == 0
    assert uncaught == []


def test_without_scripts_the_file_is_not_called_damaged(browser, html, tmp_path):
    path = tmp_path / "r.html"
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(path.as_uri())
    assert tab.is_visible("noscript")
    assert tab.evaluate("getComputedStyle(document.documentElement, '::before').display") == "none"
    context.close()


VIEWS = {
    "cut before it": (
        lambda html: html[: html.index('<script type="application/json" id="view-head-taxonomy"')],
        MISSING,
    ),
    "cut within it": (lambda html: html[: html.index('id="view-head-taxonomy"') + 200], DAMAGED),
    "other data": (partial(changed, block="view-head-taxonomy", change=lambda data: data.update(columns=5)), DAMAGED),
}


@pytest.mark.parametrize(
    "how", ["cut within it", *(pytest.param(how, marks=pytest.mark.slow) for how in ("cut before it", "other data"))]
)
def test_a_view_whose_data_are_gone_says_so_and_the_others_work(opened, html, how):
    damage, said = VIEWS[how]
    tab, uncaught = opened(damage(html))
    until(tab, "document.documentElement.hasAttribute('data-warm')")  # though one cannot be read
    go(tab, "head-taxonomy")
    assert tab.inner_text("main .banner") == said
    assert tab.get_attribute("main .banner", "title")  # why, for who wants to know
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    go(tab, "loss-by-token")
    assert tab.locator("main .banner").count() == 0
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    until(tab, f"document.querySelector('#sheets').textContent.includes({said!r})")  # nothing is left out silently
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert uncaught == []


def test_a_figure_that_cannot_be_drawn_in_another_width_says_so_and_the_others_work(opened, html):
    tab, uncaught = opened(html)
    go(tab, "loss-by-token")
    go(tab, "attention")
    tab.evaluate("() => { CanvasRenderingContext2D.prototype.putImageData = () => { throw Error('no picture') } }")
    tab.set_viewport_size({"width": 900, "height": 1000})
    tab.wait_for_selector("main .banner")
    assert tab.inner_text("main .banner") == DAMAGED
    assert tab.get_attribute("main .banner", "title") == "no picture"
    go(tab, "loss-by-token")
    assert tab.locator("main .banner").count() == 0
    tab.set_viewport_size(DESK)
    assert uncaught == []


def test_packed_numbers_that_are_not_what_was_written_are_damaged_data(opened, html):
    damage = partial(changed, block="view-attention", change=lambda data: flip(data["conversations"][0]["patterns"]))
    tab, uncaught = opened(damage(html))
    go(tab, "attention")
    assert tab.inner_text("main .banner") == DAMAGED
    go(tab, "loss-by-token")
    tab.evaluate("location.hash = '#/loss-by-token?head=L0H1'")
    until(tab, f"document.querySelector('#card figcaption').textContent === {DAMAGED!r}")  # the picture of the card
    assert not tab.is_visible("#card canvas")
    tab.evaluate("location.hash = '#/loss-by-token?head=L0H1&sample=1'")  # of a conversation that is whole
    until(tab, "!document.querySelector('#card canvas').hidden")
    assert uncaught == []


def test_a_conversation_that_is_damaged_leaves_those_beside_it(opened, html):
    damage = partial(changed, block="view-attention", change=lambda data: flip(data["conversations"][1]["patterns"]))
    tab, uncaught = opened(damage(html))
    go(tab, "attention")
    tab.click("main .sampler [aria-label='Next conversation']")
    tab.wait_for_selector("main .banner")
    assert tab.inner_text("main .banner") == DAMAGED
    assert tab.inner_text("main .where").startswith("Conversation 2 of 3")
    tab.click("main .buttons >> text=Table")
    assert tab.locator("main tbody tr").count() == 0
    tab.click("main .buttons >> text=Table")
    tab.click("main .sampler [aria-label='Next conversation']")
    tab.wait_for_selector("main .explorer")
    assert tab.locator("main .banner").count() == 0
    assert uncaught == []


@pytest.mark.parametrize("how", ["packed", pytest.param("shape", marks=pytest.mark.slow)])
def test_what_lies_behind_a_cell_says_in_its_panel_that_it_is_damaged(opened, html, how):
    def damage(data):
        behind = data["conversations"][0]["behind"]
        if how == "packed":
            behind["log_sum"] = {"$array": "f4", "shape": [16, LENGTH], "z": "eJwr"}
        else:
            behind["log_sum"] = None

    tab, uncaught = opened(changed(html, "view-attention", damage))
    tab.evaluate("location.hash = '#/attention?head=L0H1&pos=9&node=4'")
    tab.wait_for_selector("main .zoom .banner")
    assert tab.inner_text("main .zoom .banner") == DAMAGED
    assert tab.is_visible("main .explorer")
    assert uncaught == []


FLIPPED = {
    "numbers that are not packed": ("loss-by-token", r'"raw":"[^"]{9}'),
    "a number": ("head-taxonomy", r'"value":\d\.\d\d'),
    "a word": ("loss-by-token", r'"tokens":\["[^"]*"," \w'),
    "a name": ("attention", r'"n_heads":\d'),
}


@pytest.mark.parametrize("what", FLIPPED)
def test_one_wrong_character_shows_no_wrong_number_and_the_other_views_work(opened, html, what):
    view, before = FLIPPED[what]
    damaged = one_character(html, f"view-{view}", before)
    assert sum(a != b for a, b in zip(damaged, html, strict=True)) == 1
    json.loads(text_of(damaged, f"view-{view}")[0])  # it could be shown
    tab, uncaught = opened(damaged)
    for one in KEPT:
        go(tab, one)
        assert tab.locator("main .banner[title]").all_inner_texts() == ([DAMAGED] if one == view else [])
    assert uncaught == []


def test_one_wrong_character_of_the_first_page_is_told_before_anything_is_shown(opened, html):
    tab, _ = opened(one_character(html, "page", r'"n":\d'), starts=False)
    until(tab, f"{LATE}.includes(2000)")
    assert GET_IT_AGAIN in told_in_time(tab)
    assert tab.locator("html[data-ready]").count() == 0


def test_one_wrong_character_of_the_style_is_told(opened, html):
    at = html.rindex("--paper", 0, html.index("</style>", html.index("--hair")))
    tab, _ = opened(f"{html[:at]}--qaper{html[at + 7 :]}", starts=False)
    until(tab, f"{LATE}.includes(2000)")
    assert GET_IT_AGAIN in told_in_time(tab)
