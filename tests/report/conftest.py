"""Let the tests of the report import the page they share, and open it in one browser for modules in a row."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chromium import ARGUMENTS, CHROMIUM, as_new, open_at, watched

RUNNING: list[Any] = []
"""Playwright and its browser, while tests one after another need them."""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
    )
    if not RUNNING:
        started = playwright.sync_playwright().start()
        RUNNING[:] = started, started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
    return RUNNING[1]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """End the browser where a module follows that needs none: it would run in Playwright's event loop."""
    goes_on = item.module is getattr(nextitem, "module", None) or "browser" in getattr(nextitem, "fixturenames", ())
    if RUNNING and not goes_on:
        playwright, launched = RUNNING
        RUNNING.clear()
        launched.close()
        playwright.stop()


@pytest.fixture(scope="module")
def watched_tab(browser, report):
    """One tab for all tests of a module: to open one takes as long as to open the report in it."""
    yield from watched(browser, (report, "blob:"))


@pytest.fixture
def blank(watched_tab):
    """The tab as good as new, for a test that opens the report where it wants; afterwards, check that it was quiet."""
    with as_new(watched_tab) as tab:
        yield tab


@pytest.fixture
def page(blank, report):
    """Open the report."""
    open_at(blank, report)
    return blank
