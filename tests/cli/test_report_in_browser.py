"""The report of the whole job, opened: hostile messages are words on a page and nothing else."""

import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on this machine")
@pytest.mark.enable_socket  # Playwright speaks to the browser over pipes, and its event loop wants a socket pair
def test_every_view_opens_in_silence(made):
    from playwright.sync_api import sync_playwright

    noise: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        page = browser.new_page()
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("dialog", lambda dialog: (noise.append("dialog"), dialog.dismiss()))
        address = (made / "report.html").as_uri()
        page.on("request", lambda request: noise.append(request.url) if not request.url.startswith(address) else None)
        page.goto(address)
        views = page.evaluate("[...document.querySelectorAll('script[id^=view-]')].map(e => e.id.slice(5))")
        assert {"attention", "entropy-map", "head-patterns", "token-loss", "training"} <= set(views)
        for view in views:
            page.goto(f"{address}#/{view}?head=L0H0")
            page.wait_for_selector(f"#title-{view}")
            title = page.locator("main h1, main h2").first.inner_text()
            assert title
            assert page.evaluate("document.querySelectorAll('img, iframe, object').length") == 0
        browser.close()
    assert noise == []
