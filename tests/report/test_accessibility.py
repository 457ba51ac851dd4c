"""Can someone read the report who does not see it, or sees little? axe-core looks at every view in both themes.

axe-core is a development tool from npm and no part of the package. `.ci/run` puts it where this test looks:

    npm install --no-save --ignore-scripts --prefix build/axe axe-core@4.14.1
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import chromium
import pytest
import sample
from chromium import until

from wonderland.report.build import render

AXE = Path(__file__).parents[2] / "build/axe/node_modules/axe-core/axe.min.js"
pytestmark = [
    *chromium.MARKS,
    pytest.mark.skipif(not AXE.exists(), reason=f"axe-core is not there: {(__doc__ or '').splitlines()[-1].strip()}"),
]
BAD = ("serious", "critical")


def violations(tab, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe finds on the page as it stands, with the first place of each; by some rules or by all."""
    asked = {"resultTypes": ["violations"], **({"runOnly": [*rules]} if rules else {})}
    found = tab.evaluate("asked => axe.run(document, asked)", asked)["violations"]
    return [f"{one['id']}: {one['help']}, {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in BAD]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(sample.page(hostile=True, conversations=1, length=24)), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize(
    ("theme", "rules"),
    [
        ("light", []),
        ("dark", ["color-contrast"]),  # the same page in other colours
        pytest.param("dark", [], marks=pytest.mark.slow),
    ],
)
def test_no_view_has_a_serious_violation(browser, report, theme, rules):
    tab = browser.new_page(viewport={"width": 1440, "height": 1000})
    tab.goto(f"{report}#/findings?theme={theme}")
    tab.wait_for_selector("html[data-ready]")
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for view in tab.eval_on_selector_all("#nav a", "links => links.map(link => link.dataset.view)"):
        tab.evaluate(f"location.hash = '#/{view}?theme={theme}&head=L1H1'")
        tab.wait_for_selector(f"#title-{view}")
        found[view] = violations(tab, rules)
    found["help"] = (tab.keyboard.press("?"), violations(tab, rules))[1]
    tab.close()
    assert {view: said for view, said in found.items() if said} == {}


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_open_tour_and_an_open_cell_have_no_serious_violation_and_are_quiet(browser, report, theme):
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    noise: list[str] = []
    tab.on("console", lambda message: noise.append(message.text))
    tab.on("pageerror", lambda error: noise.append(str(error)))
    tab.goto(f"{report}#/attention?theme={theme}&head=L1H1&pos=9&node=4")
    tab.wait_for_selector("html[data-ready]")
    tab.wait_for_selector(".zoom h2")
    tab.evaluate(AXE.read_text(encoding="utf-8"))
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
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    tab.evaluate("document.querySelector('#top button').replaceChildren()")
    tab.evaluate("document.querySelector('#top button').removeAttribute('title')")
    assert [one.split(":")[0] for one in violations(tab)] == ["button-name"]
    tab.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert violations(tab, ["color-contrast"]) == []
    tab.evaluate("document.querySelector('main h1, main h2').style.color = '#333'")
    assert [one.split(":")[0] for one in violations(tab, ["color-contrast"])] == ["color-contrast"]
    tab.close()
