"""Let the tests of the report import the page they share, and open it in one browser a module."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chromium import ARGUMENTS, CHROMIUM, as_new, open_at, watched


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
    )
    with playwright.sync_playwright() as p:
        launched = p.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def watched_tab(browser, report):
    """One tab for all tests of a module: to open one takes as long as to open the report in it."""
    yield from watched(browser, (report, "blob:"))


@pytest.fixture
def page(watched_tab, report):
    """Open the report; afterwards, check that it was quiet."""
    with as_new(watched_tab) as tab:
        open_at(tab, report)
        yield tab
