"""How fast is a report in a browser? First picture, opening each view, selecting a head in each, console messages.

    python benchmarks/report_speed.py report.html [--runs 3]

It needs Chromium and ``pip install playwright``. First picture: from opening the file until its first page is drawn.
Opening and selecting: from the change of the address until two frames later, which is when it can be seen; the least of
the runs, as other work on the machine only adds. Beside each stands the processor time of the page's own thread, which
other work does not add to: on a busy machine it alone can be judged. Views over budget by it are marked (500 ms for the
first picture, 60 ms for a selection, 50 ms for one task of a live report, which is how long the page cannot answer).
Then everything that can be pressed in every view is pressed once, and what the console says is printed. Figures depend
on the machine: they are printed, never tested.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

FIRST, SELECTION, TASK = 500.0, 60.0, 50.0
ACT = """
(address) => new Promise((done) => {
  const begin = performance.now();
  location.hash = address;
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begin)));
})
"""
PRESSED = "main .choice button, main .sampler button, main .sort, main .index button, main .term, main summary"
POINTED = "main .cells button, main .thumb, main .spot, main .token, main tr[data-key]"
PARTS = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
DOING = (["ThreadControllerImpl::RunTask"], ["EvaluateScript", "TimerFire"], ["Layout"], ["UpdateLayoutTree"])
TEXT = "are you free tomorrow? we could go to the cinema with the others, and eat something before that if you like"


class Spent:
    """Processor time of a tab's own thread, by what it was spent on."""

    def __init__(self, tab: Page) -> None:
        self.session = tab.context.new_cdp_session(tab)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def so_far(self) -> list[float]:
        """Return milliseconds since the tab was opened, in the order of ``PARTS``."""
        found = {one["name"]: one["value"] for one in self.session.send("Performance.getMetrics")["metrics"]}
        return [1000 * found.get(part, 0.0) for part in PARTS]

    def by(self, act: Callable[[], float]) -> tuple[float, list[float]]:
        """Return the wall time that an act says it took, and the processor time it took."""
        before = self.so_far()
        wall = act()
        return wall, [after - then for after, then in zip(self.so_far(), before, strict=True)]


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
        _first_picture(browser, address, given.runs)
        tab = browser.new_page(viewport={"width": 1440, "height": 1000})
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        spent = Spent(tab)
        tab.goto(address)
        tab.wait_for_selector("html[data-warm]", timeout=60_000)
        views = tab.eval_on_selector_all("#nav a", "links => links.map(link => link.dataset.view)")
        _views(tab, spent, views, given.runs)
        if "try-it" in views:
            _tasks(browser, address)
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


def _first_picture(browser: Browser, address: str, runs: int) -> None:
    """Print when the first page is seen, and what the page's own thread did until then: the file may be read on."""
    first, ready, spent = [], [], []
    for _ in range(runs):
        tab = browser.new_page(viewport={"width": 1440, "height": 1000})
        browser.start_tracing(page=tab, categories=["toplevel", "loading", "devtools.timeline"])
        tab.goto(address)
        tab.wait_for_selector("html[data-warm]", timeout=60_000)
        ready.append(tab.evaluate("performance.now()"))
        first.append(tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"))
        events = json.loads(browser.stop_tracing())["traceEvents"]
        seen = [one for one in events if one.get("name") == "firstContentfulPaint"][-1]
        own = [
            one
            for one in events
            if (one["pid"], one["tid"]) == (seen["pid"], seen["tid"]) and "tdur" in one and one["ts"] < seen["ts"]
        ]
        spent.append([sum(one["tdur"] for one in own if one["name"] in names) / 1000 for names in DOING])
        tab.close()
    task, script, layout, style = min(spent)
    print(
        f"first picture {min(first):.0f} ms (median {statistics.median(first):.0f}, budget {FIRST:.0f}), of the "
        f"processor {task:.0f} ms: script {script:.0f}, layout {layout:.0f}, style {style:.0f}, the rest parses the "
        f"file and paints; all read and unpacked after {min(ready):.0f} ms"
    )


def _views(tab: Page, spent: Spent, views: list[str], runs: int) -> None:
    rows = []
    for view in views:
        opened, selected = [], []
        for run in range(runs):
            tab.evaluate(ACT, "#/words")
            opened.append(spent.by(lambda view=view: tab.evaluate(ACT, f"#/{view}")))  # type: ignore[misc]
            tab.wait_for_selector(f"#title-{view}")
            there = f"#/{view}?head=L0H{run % 2}&pos={run + 3}"
            selected.append(spent.by(lambda there=there: tab.evaluate(ACT, there)))  # type: ignore[misc]
        cpu = min((parts for _, parts in selected), key=lambda parts: parts[0])
        wall, opening = min(wall for wall, _ in selected), min(wall for wall, _ in opened)
        rows.append((cpu[0], wall, opening, min(parts[0] for _, parts in opened), cpu[1:], view))
    for cpu, wall, opening, open_cpu, (script, layout, style), view in sorted(rows, reverse=True):
        over = "  over budget" if cpu > SELECTION else ""
        print(
            f"{view:28} opening {opening:5.0f} ms (processor {open_cpu:.0f})  selection {wall:5.0f} ms (processor "
            f"{cpu:.0f}: script {script:.0f}, layout {layout:.0f}, style {style:.0f}){over}"
        )


def _tasks(browser: Browser, address: str) -> None:
    """Print the longest task of what one does with the model in a live report."""
    tab = browser.new_page(viewport={"width": 1440, "height": 1000})
    tab.goto(address)
    tab.wait_for_selector("html[data-warm]", timeout=60_000)

    def opening() -> None:
        tab.evaluate(ACT, "#/try-it")
        tab.wait_for_selector("[data-live=on]", timeout=60_000)

    def typing() -> None:
        tab.click("textarea.field")
        tab.keyboard.type(TEXT, delay=30)

    acts: dict[str, Callable[[], Any]] = {"opening": opening, "typing": typing}
    acts["a head off"] = lambda: tab.locator(".chip:not(.mlp)").first.click()
    for i in range(tab.locator(".lessons .choice button").count() or 5):

        def lesson(i: int = i) -> None:
            tab.locator(".lessons .choice button").nth(i).click()
            tab.get_by_role("button", name="Check").click()

        acts[f"lesson {i + 1}"] = lesson
    acts["say it"] = lambda: tab.get_by_role("button", name="Say it").click()
    for name, act in acts.items():
        browser.start_tracing(page=tab, categories=["toplevel"])
        act()
        tab.wait_for_timeout(4000)
        events = json.loads(browser.stop_tracing())["traceEvents"]
        own = {
            (one["pid"], one["tid"])
            for one in events
            if one.get("name") == "thread_name" and one["args"].get("name") == "CrRendererMain"
        }
        tasks = [
            (one["tdur"] / 1000, one["dur"] / 1000)
            for one in events
            if one.get("name") == "ThreadControllerImpl::RunTask" and (one["pid"], one["tid"]) in own and "tdur" in one
        ]
        cpu, wall = max(tasks), max(wall for _, wall in tasks)
        over = "  over budget" if cpu[0] > TASK else ""
        print(f"try it, {name:12} longest task: processor {cpu[0]:.0f} ms, wall {wall:.0f} ms{over}")
    tab.close()


if __name__ == "__main__":
    main()
