"""Can someone read the report who does not see it, or sees little? axe-core looks at every view in both themes."""

from __future__ import annotations

import axe
import chromium
import pytest
import sample
from axe import violations
from chromium import until

from wonderland.report.build import render

pytestmark = [*chromium.MARKS, axe.NEEDED]


@pytest.fixture(scope="module")
def made():
    return sample.page(hostile=True, conversations=1, length=24)


@pytest.fixture(scope="module")
def report(made, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(made), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize(
    ("theme", "every"),
    [
        pytest.param("light", False, id="light, one of a kind"),
        *(pytest.param(theme, True, marks=pytest.mark.slow, id=f"{theme}, every") for theme in ("light", "dark")),
    ],
)
def test_no_view_has_a_violation(browser, report, made, theme, every):
    tab = browser.new_page(viewport={"width": 1440, "height": 1000})
    tab.goto(f"{report}#/findings?theme={theme}")
    tab.wait_for_selector("html[data-ready]")
    axe.load(tab)
    found: dict[str, list[str]] = {}
    again = {view.id for view in made.views} - {*{view.renderer: view.id for view in made.views}.values()}
    views = tab.eval_on_selector_all("#nav a", "links => links.map(link => link.dataset.view)")
    for view in views if every else [view for view in views if view not in again]:
        tab.evaluate(f"location.hash = '#/{view}?theme={theme}&head=L1H1'")
        tab.wait_for_selector(f"#title-{view}")
        found[view] = violations(tab)
    found["help"] = (tab.keyboard.press("?"), violations(tab))[1]
    tab.close()
    assert {view: said for view, said in found.items() if said} == {}


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_open_tour_and_an_open_cell_have_no_violation_and_are_quiet(browser, report, theme):
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    noise: list[str] = []
    tab.on("console", lambda message: noise.append(message.text))
    tab.on("pageerror", lambda error: noise.append(str(error)))
    tab.goto(f"{report}#/attention?theme={theme}&head=L1H1&pos=9&node=4")
    tab.wait_for_selector("html[data-ready]")
    tab.wait_for_selector(".zoom h2")
    axe.load(tab)
    found = {"cell": violations(tab)}
    tab.locator(".zoom").get_by_role("button", name="Close").click()
    canvas = tab.locator(".large canvas[role=application]")
    canvas.click(position={"x": 5, "y": canvas.bounding_box()["height"] - 5})
    tab.wait_for_selector(".zoom h2")
    found["cell, by a click"] = violations(tab)
    tab.get_by_role("button", name="Tour", exact=True).click()
    last = False
    while not last:
        title = tab.inner_text(".tour h2")
        until(tab, "document.querySelector('.toured') !== null")
        found[f"tour, {title}"] = violations(tab)
        last = tab.get_by_role("button", name="Done").is_visible()
        tab.get_by_role("button", name="Done" if last else "Next", exact=True).click()
    tab.close()
    assert len(found) > 6
    assert {where: said for where, said in found.items() if said} == {}
    assert noise == []


def test_a_button_without_a_name_and_pale_words_would_be_found(browser, report):
    tab = browser.new_page()
    tab.goto(report)
    tab.wait_for_selector("html[data-ready]")
    axe.load(tab)
    tab.evaluate("document.querySelector('#top button').replaceChildren()")
    tab.evaluate("document.querySelector('#top button').removeAttribute('title')")
    assert [one.split(":")[0] for one in violations(tab)] == ["button-name"]
    tab.keyboard.press("t")
    assert tab.get_attribute("html", "data-theme") == "dark"
    assert violations(tab, ["color-contrast"]) == []
    tab.evaluate("document.querySelector('main h1, main h2').style.color = '#333'")
    assert [one.split(":")[0] for one in violations(tab, ["color-contrast"])] == ["color-contrast"]
    tab.close()
