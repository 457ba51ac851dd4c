"""What one takes out of a redacted report, as a drawing, a picture, numbers or a citation, tells no planted word.

The word stands in the same exports of the report that is not redacted, so that it would be found.
"""

from __future__ import annotations

import json
from pathlib import Path

import chromium
import pytest
from chromium import open_at
from unpacking import unpacked

import wonderland as wl
from wonderland.report.build import render
from wonderland.report.encode import encode
from wonderland.report.gather import gather
from wonderland.report.redact import Redaction
from wonderland.testing.redaction_checks import PLANTED, planted_corpus, planted_specimen

pytestmark = [*chromium.MARKS, pytest.mark.slow]

NAMES = ("token-loss", "logit-lens", "head-patterns", "neurons", "ov-circuits")
FEW = {"ov-circuits": {"rotations": 20}, "neurons": {"directions": 4, "listed": 4}}
NO_CLIPBOARD = "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('closed')); }"


@pytest.fixture(scope="module")
def pages():
    """The page of analyses that show words, and the same to show to others."""
    specimen = planted_specimen()
    page = gather(wl.analyze(specimen, *NAMES, parameters=FEW), specimen)
    return page, Redaction.of(planted_corpus(), specimen.tokenizer, contacts=5).page(page)


@pytest.fixture(scope="module")
def telling(pages):
    """The views in which the word stood."""
    return [view.id for view in pages[0].views if PLANTED in json.dumps(encode(view.data))]


@pytest.fixture(scope="module")
def report(pages, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("redacted") / "report.html"
    path.write_text(render(pages[1]), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def open_report(pages, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("open") / "report.html"
    path.write_text(render(pages[0]), encoding="utf-8")
    return path.as_uri()


def exported(tab, address: str, view: str) -> dict[str, bytes]:
    """Return what is saved of a view, by kind, and what its citation says."""
    open_at(tab, f"{address}#/{view}")  # afresh: the browser allows a page ten downloads in a row
    tab.wait_for_selector(f"#title-{view}")
    tab.evaluate(NO_CLIPBOARD)
    found = {}
    for i, name in enumerate(("PNG", "SVG", "CSV")):
        tab.keyboard.press("e")
        with tab.expect_download() as waiting:
            tab.locator("main .menu button").nth(i).click()
        found[name] = Path(waiting.value.path()).read_bytes()
        found[f"{name}: its name"] = waiting.value.suggested_filename.encode()
    tab.keyboard.press("e")
    tab.get_by_role("menuitem", name="Cite").click()
    found["citation"] = tab.input_value("dialog.copy textarea").encode()
    return found


def says(content: bytes) -> bool:
    return any(PLANTED in text.casefold() for text in unpacked(content))


def test_no_export_of_a_redacted_report_tells_a_rare_word(page, report, telling):
    assert len(telling) > 3
    for view in telling:
        for kind, content in exported(page, report, view).items():
            assert content, (view, kind)
            assert not says(content), (view, kind)
            if kind == "PNG":  # nothing but the picture: no text, no profile, no comment
                assert not {b"tEXt", b"iTXt", b"zTXt", b"eXIf"} & set(chunks(content)), view


def chunks(png: bytes) -> list[bytes]:
    """Return the kinds of the parts of a PNG."""
    found, at = [], 8
    while at < len(png):
        found.append(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    return found


def test_the_same_exports_of_the_open_report_tell_it(browser, open_report, telling):
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    tab = context.new_page()
    told = {kind for view in telling[:4] for kind, content in exported(tab, open_report, view).items() if says(content)}
    context.close()
    assert {"SVG", "CSV"} <= told


def test_what_is_copied_of_findings_tells_no_rare_word(page, telling):
    page.evaluate(NO_CLIPBOARD)
    page.click('#nav [data-view="all-findings"]')
    copies = page.locator('.findings button[aria-label="Copy citation"]')
    assert copies.count() > 2
    for i in range(copies.count()):
        copies.nth(i).click()
        said = page.input_value("dialog.copy textarea")
        assert said
        assert PLANTED not in said.casefold()
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog.copy", state="detached")
