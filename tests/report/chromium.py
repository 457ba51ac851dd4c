"""Where the browser is that the tests open the report in, and when they have to do without."""

import shutil
from contextlib import contextmanager

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run --in-process-gpu --no-zygote"  # the last two: fewer processes, a third less to do
)
MARKS = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on this machine"),
    pytest.mark.enable_socket,  # Playwright speaks to the browser over pipes, and its event loop wants a socket pair
]


DESK = {"width": 1440, "height": 1000}


class Tabs:
    """A browser whose tabs are used again: to make one takes as long as to open a report in it.

    `new_page` gives one that another test has closed, where it asks for nothing but a size.
    """

    def __init__(self, browser):
        self.browser, self.free, self.listening = browser, [], None

    def __getattr__(self, name):
        return getattr(self.browser, name)

    def new_page(self, viewport=None, **options):
        size = viewport or {"width": 1280, "height": 720}
        if options:
            return self.browser.new_page(viewport=size, **options)
        if not self.free:
            tab = self.browser.new_page(viewport=size)
            tab.close = lambda: self.free.append(tab)
            return tab
        tab = self.free.pop()
        left(tab)
        tab.set_viewport_size(size)
        return tab


def watched(browser, allowed: tuple[str, ...]):
    """Listen to the tab of the tests: yield it with what it said, asked for or refused beyond addresses that begin so.

    There is one as long as the browser runs.
    """
    if browser.listening is None:
        browser.listening = listening(browser)
    tab, noise, may = browser.listening
    may[:] = allowed
    yield tab, noise
    left(tab)


def listening(browser):
    """Open a tab, and return it with the list of what it will say and that of how addresses may begin."""
    tab = browser.new_context(viewport=DESK, accept_downloads=True).new_page()
    noise: list[str] = []
    may: list[str] = []
    tab.on("console", lambda message: noise.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: noise.append(f"error: {error}"))
    tab.on("dialog", lambda dialog: (noise.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    tab.on("request", lambda one: None if one.url.startswith(tuple(may)) else noise.append(f"request: {one.url}"))
    tab.on("popup", lambda popup: noise.append(f"popup: {popup.url}"))
    tab.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective))"
    )
    return tab, noise, may


@contextmanager
def quiet(watched_tab):
    """A tab that other tests used, as wide and as light as at first; what is open in it has to stay quiet."""
    tab, noise = watched_tab
    if tab.viewport_size != DESK:
        tab.set_viewport_size(DESK)
    tab.emulate_media(media="null")
    tab.mouse.move(0, 0)
    tab.context.clear_permissions()
    noise.clear()
    yield tab
    assert noise == []


@contextmanager
def as_new(watched_tab):
    """A tab that other tests used, as good as new: what is opened next knows nothing of them; it has to stay quiet."""
    left(watched_tab[0])
    with quiet(watched_tab) as tab:
        yield tab


def home(tab) -> None:
    """Go back to the first page as it is when a report is opened, which takes a tenth of opening it.

    All that is chosen in a report is in its address, and a view that is opened is made anew.
    """
    tab.evaluate(
        """() => {
          document.querySelectorAll('dialog[open]').forEach((one) => one.close());
          document.activeElement.blur();
          location.hash = '#/words'; // another page, so that the first is made anew
        }"""
    )
    tab.wait_for_selector("#title-words")
    tab.evaluate("() => { location.hash = '#/findings' }")
    tab.wait_for_selector("#title-findings")


def left(tab) -> None:
    """Leave the page that is open, if one is: to go to another place in it would not open it anew."""
    if tab.url != "about:blank":
        tab.goto("about:blank")


def open_at(tab, address: str) -> None:
    left(tab)
    tab.goto(address)
    tab.wait_for_selector("html[data-ready]")


def until(tab, expression: str) -> None:
    """Wait until an expression, or a function, holds; while what it asks about is not there, it does not.

    Playwright's own waiting evaluates text inside the page, which is refused.
    """
    asked = f"const asked = {expression}; return typeof asked === 'function' ? asked() : asked"
    for _ in range(1500):
        if tab.evaluate(f"() => {{ try {{ {asked} }} catch {{ return false }} }}"):
            return
        tab.wait_for_timeout(20)
    raise AssertionError(f"this never held: {expression}")


def go(tab, view: str) -> None:
    tab.click(f'#nav [data-view="{view}"]')
    tab.wait_for_selector(f"#title-{view}")


def painted(tab) -> None:
    """Wait until the page has been laid out and painted as it is now, which takes it two frames."""
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")


def title_of_card(tab) -> str:
    return tab.inner_text("#card h2:visible")
