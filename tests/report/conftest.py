"""Let the tests of the report import the page they share, and open it in one browser for modules in a row."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chromium import ARGUMENTS, CHROMIUM, Tabs, as_new, home, left, open_at, quiet, watched

RUNNING: list[Any] = []
"""Playwright and its browser, while tests one after another need them."""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
    )
    if not RUNNING:
        started = playwright.sync_playwright().start()
        RUNNING[:] = started, Tabs(started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split()))
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
    """The tab that is listened to, which all modules have: to open one takes as long as to open the report in it."""
    yield from watched(browser, (report, "blob:"))


@pytest.fixture
def blank(watched_tab):
    """The tab as good as new, for a test that opens the report where it wants; afterwards, check that it was quiet."""
    with as_new(watched_tab) as tab:
        yield tab


@pytest.fixture(scope="module")
def since(watched_tab):
    """What happened since the report was opened: files that were saved, and how many tests had failed before."""
    told = SimpleNamespace(saved=[], failed=0)
    watched_tab[0].on("download", lambda file: told.saved.append(file))  # Playwright marks what it calls
    return told


@pytest.fixture
def page(watched_tab, report, since, request):
    """The report at its first page: as the test before left it, or opened; afterwards, check that it was quiet."""
    failed, there = request.session.testsfailed, watched_tab[0].url.partition("#")[0] == report
    if there and failed == since.failed and len(since.saved) < 5:  # a browser lets a page save ten files in a row
        with quiet(watched_tab) as tab:
            home(tab)
            yield tab
        return
    with as_new(watched_tab) as tab:
        open_at(tab, report)
        since.saved.clear()
        since.failed = failed
        yield tab


@pytest.fixture
def alone(watched_tab, report):
    """The report opened for one test, which does to the page what another address does not undo."""
    with as_new(watched_tab) as tab:
        open_at(tab, report)
        yield tab
        left(tab)
