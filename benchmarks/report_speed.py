"""How fast is a report in a browser? First picture, opening each view, selecting a head in each, console messages.

    python benchmarks/report_speed.py report.html [--runs 3]

It needs Chromium and ``pip install playwright``. First picture: from opening the file until its first page is drawn.
Opening and selecting: from the change of the address until two frames later, which is when it can be seen; the median
of the runs and, as other work on the machine only adds, the least; views whose least is over budget are marked (500 ms
for the first picture, 60 ms for a selection). Then everything that can
be pressed in every view is pressed once, and what the console says is printed. Figures depend on the machine and on
what else it does: they are printed, never tested.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from pathlib import Path

from playwright.sync_api import sync_playwright

FIRST, SELECTION = 500.0, 60.0
ACT = """
(address) => new Promise((done) => {
  const begin = performance.now();
  location.hash = address;
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begin)));
})
"""
PRESSED = "main .choice button, main .sampler button, main .sort, main .index button, main .term, main summary"
POINTED = "main .cells button, main .thumb, main .spot, main .token, main tr[data-key]"


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("report", type=Path)
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    address = given.report.resolve().as_uri()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        first, ready = [], []
        for _ in range(given.runs):
            tab = browser.new_page(viewport={"width": 1440, "height": 1000})
            tab.goto(address)
            tab.wait_for_selector("html[data-ready]")
            painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
            first.append(tab.evaluate(painted))
            tab.wait_for_selector("html[data-warm]", timeout=60_000)
            ready.append(tab.evaluate("performance.now()"))
            tab.close()
        tab = browser.new_page(viewport={"width": 1440, "height": 1000})
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(address)
        tab.wait_for_selector("html[data-warm]", timeout=60_000)
        views = tab.eval_on_selector_all("#nav a", "links => links.map(link => link.dataset.view)")
        rows = []
        for view in views:
            opened, selected = [], []
            for run in range(given.runs):
                tab.evaluate(ACT, "#/words")
                opened.append(tab.evaluate(ACT, f"#/{view}"))
                tab.wait_for_selector(f"#title-{view}")
                selected.append(tab.evaluate(ACT, f"#/{view}?head=L0H{run % 2}&pos={run + 3}"))
            rows.append((min(selected), statistics.median(selected), min(opened), view))
        print(f"first picture {min(first):.0f} ms (median {statistics.median(first):.0f}, budget {FIRST:.0f}), all "
              f"unpacked after {min(ready):.0f} ms")  # fmt: skip
        for least, median, opening, view in sorted(rows, reverse=True):
            over = "  over budget" if least > SELECTION else ""
            print(f"{view:28} opening {opening:5.0f} ms  selection {least:5.0f} ms (median {median:.0f}){over}")
        for view in views:
            tab.evaluate(ACT, f"#/{view}")
            tab.wait_for_selector(f"#title-{view}")
            for wanted, most in ((PRESSED, 40), (POINTED, 12)):
                for i in range(min(most, tab.locator(wanted).count())):
                    thing = tab.locator(wanted).nth(i)
                    if thing.is_visible():
                        thing.click(force=True, timeout=5000)
        print(f"console messages of a click through everything: {len(said)}", *said[:10], sep="\n  ")
        browser.close()


if __name__ == "__main__":
    main()
