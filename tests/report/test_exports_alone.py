"""A picture that leaves the report says what it shows: scale, conversation, measure and caption, without a table."""

from dataclasses import replace
from xml.etree import ElementTree

import chromium
import numpy as np
import pytest
import sample
from chromium import open_at

from wonderland.report.build import render
from wonderland.views import Matrix, View

pytestmark = chromium.MARKS


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("exports") / "report.html"
    path.write_text(render(sample.page(conversations=2, length=24)), encoding="utf-8")
    return path.as_uri()


def drawing(tab, address: str) -> str:
    """Return the SVG file of a view at an address, its words joined."""
    open_at(tab, address)
    tab.keyboard.press("e")
    with tab.expect_download() as waiting:
        tab.locator("main .menu button").nth(1).click()
    svg = ElementTree.parse(waiting.value.path())
    return " ".join(node.text or "" for node in svg.iter("{http://www.w3.org/2000/svg}text"))


def test_a_matrix_wider_than_a_page_goes_on_below_with_the_names_of_its_rows(browser, tmp_path):
    n = 120
    shares = np.arange(2.0 * n).reshape(2, n) / 240
    wide = Matrix.of(["first", "second"], [f"c{i}" for i in range(n)], {"share": shares})
    path = tmp_path / "report.html"
    path.write_text(
        render(replace(sample.page(conversations=1, length=16), views=[View("wide", "Wide", wide)], findings=[])),
        encoding="utf-8",
    )
    tab = browser.new_page(accept_downloads=True)
    words = drawing(tab, f"{path.as_uri()}#/wide").split()
    assert [one for one in words if one.startswith("c") and one[1:].isdigit()] == [f"c{i}" for i in range(n)]
    assert words.count("first") == words.count("second") >= 2
    with tab.expect_download() as waiting:
        tab.keyboard.press("e")
        tab.locator("main .menu button").nth(1).click()
    svg = ElementTree.parse(waiting.value.path())
    assert float(svg.getroot().get("width")) < 1600
    space = "{http://www.w3.org/2000/svg}"
    figure = svg.getroot().find(f"{space}svg")
    cells = [tuple(one.get(part) for part in ("x", "y", "width", "height")) for one in figure.findall(f"{space}rect")]
    assert len(cells) >= 2 * n
    assert len(set(cells)) == len(cells)  # no cell lies on another
    tab.close()


@pytest.mark.slow
def test_a_circuit_is_saved_without_its_table_and_with_its_least_effect(blank, report):
    said = drawing(blank, f"{report}#/circuit")
    assert "L0H1" in said
    assert "answer" in said
    assert "Path patching effects above 0.1." in said
    assert "Smallest effect shown 0" in said
    assert "4 of 4 edges" in said
    assert "From" not in said.split()  # a heading of the table
    assert "Effect" not in said.split()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("attention?head=L1H2&sample=1", ["Conversation 2 of 2", "L1H2", "looks at", "square-root scale", "sums to 1"]),
        *(
            pytest.param(*again, marks=pytest.mark.slow)
            for again in [
                ("loss-by-token?tab=2", ["Conversation 1 of 2", "entropy", "nats", "Cross-entropy of each token"]),
                ("entropy-map", ["normalised", "chance 1", "95% bootstrap over 84"]),
                (
                    "patching?panel=1&tab=1",
                    ["Pair 2 of 2", "attention", "0 in the middle", "Recovery of the logit difference"],
                ),
                ("logit-lens", ["square-root scale", "the token each layer would say next"]),
            ]
        ),
    ],
)
def test_a_picture_says_its_scale_its_conversation_its_measure_and_its_caption(blank, report, address, expected):
    said = drawing(blank, f"{report}#/{address}").lower()
    assert [one for one in expected if one.lower() not in said] == []
    assert "model 9f3c2e6a71b0" in said
    assert "2026-11-20" in said
    assert "click" not in said
    assert "press enter" not in said


def test_a_selection_draws_what_is_chosen_and_leaves_the_rest_and_the_file_shows_both(blank, report):
    open_at(blank, f"{report}#/ways")
    blank.evaluate("document.querySelectorAll('main .chart path').forEach((path) => (path.before = true))")
    blank.evaluate("location.hash = '#/ways?pos=7'")
    chromium.until(blank, "document.querySelectorAll('main .chart svg > g:last-child path').length > 0")
    before = blank.evaluate("[...document.querySelectorAll('main .chart path')].filter((path) => path.before).length")
    drawn = blank.locator("main .chart svg > g:last-child path").count()
    assert before > 30 * 5  # a way and a point for each layer
    assert drawn == 1 + 5  # the way of one token, and its points
    assert blank.get_attribute("main .chart svg > g:nth-last-child(2)", "opacity") == "0.33"
    blank.keyboard.press("e")
    with blank.expect_download() as waiting:
        blank.locator("main .menu button").nth(1).click()
    paths = list(ElementTree.parse(waiting.value.path()).iter("{http://www.w3.org/2000/svg}path"))
    faint = [float(path.get("opacity") or 1) for path in paths]
    assert sum(abs(one - 0.33 * 0.9) < 1e-9 for one in faint) == 30 * 5
    assert sum(path.get("stroke-width") == "2.5" for path in paths) == 1
    blank.evaluate("location.hash = '#/ways'")
    chromium.until(
        blank, "document.querySelector('main .chart svg > g:nth-last-child(2)').getAttribute('opacity') === '1'"
    )
    assert blank.locator("main .chart svg > g:last-child path").count() == 0
