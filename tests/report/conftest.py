"""Let the tests of the report import the page they share, and open it in one browser a module."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chromium import ARGUMENTS, CHROMIUM, open_at


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
    )
    with playwright.sync_playwright() as p:
        launched = p.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield launched
        launched.close()


@pytest.fixture
def page(browser, report):
    """Open the report; afterwards, check that it was quiet."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    tab = context.new_page()
    noise: list[str] = []
    tab.on("console", lambda message: noise.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: noise.append(f"error: {error}"))
    tab.on("dialog", lambda dialog: (noise.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    tab.on(
        "request",
        lambda request: (
            noise.append(f"request: {request.url}") if not request.url.startswith((report, "blob:")) else None
        ),
    )
    tab.on("popup", lambda popup: noise.append(f"popup: {popup.url}"))
    tab.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective))"
    )
    open_at(tab, report)
    yield tab
    context.close()
    assert noise == []
