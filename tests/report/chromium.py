"""Where the browser is that the tests open the report in, and when they have to do without."""

import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
)
MARKS = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on this machine"),
    pytest.mark.enable_socket,  # Playwright speaks to the browser over pipes, and its event loop wants a socket pair
]


def open_at(tab, address: str) -> None:
    tab.goto("about:blank")
    tab.goto(address)
    tab.wait_for_selector("html[data-ready]")


def until(tab, expression: str) -> None:
    """Wait until an expression holds; Playwright's own waiting evaluates text inside the page, which is refused."""
    for _ in range(600):
        if tab.evaluate(expression):
            return
        tab.wait_for_timeout(50)
    raise AssertionError(f"this never held: {expression}")


def go(tab, view: str) -> None:
    tab.click(f'#nav [data-view="{view}"]')
    tab.wait_for_selector(f"#title-{view}")


def title_of_card(tab) -> str:
    return tab.inner_text("#card h2:visible")
