"""What do the pages look like? Every view of a report, and of others, in both themes, as pictures for the gallery.

    wonderland demo -w demo.wonderland
    python docs/make_gallery.py demo.wonderland/report.html

or, with pages of several models or of a comparison behind it, of which each gets a part of its own:

    python docs/make_gallery.py demo.wonderland/report.html seeds.html grown.html compare.html

With ``--add`` they are added to the gallery that is there, where each view takes the place of its own older picture:

    python docs/make_gallery.py --add seeds.html

It writes ``docs/gallery/VIEW-light.png`` and ``VIEW-dark.png`` and ``docs/gallery.md``, whose sentences are the pages'
own, and without ``--add`` the README's pictures in ``docs/pictures``. The first page and attention are shown with the
list and the card of the selected head, the others by themselves. The pictures hold message text, so only pages of the
demo's conversations belong here. They have 64 colours and no dither, which keeps text sharp and a picture near 25 kB.
Needs a Chromium and Playwright.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SIZE = {"width": 1280, "height": 800}
COLOURS = 64
WHOLE = ("findings", "attention")  # the page with all that stands around the figure, on a larger screen
LARGE = {"width": 1440, "height": 900}
README = ("attention", "patching-heads")  # whole pages, in one theme
TALL = {"width": 1440, "height": 1000}
THEMES = ("light", "dark")
SHARED = (
    "corpus", "corpus-months", "corpus-hours", "corpus-funnel", "training", "generations", "audit-completion",
    "audit-secrets", "audit-people", "audit-membership", "audit-tokens",
)  # fmt: skip
"""Views that a report of one model has, too: shown once."""
HEAD = """# Gallery

Every view of the report that `wonderland demo` writes, in both themes, and behind them those of several models and of a
comparison of messages. The pictures were made with

    python docs/make_gallery.py REPORT [SEEDS COMPARISON …]
"""


def main(reports: list[Path], *, add: bool = False) -> None:
    """Take the pictures of all reports and write the page, or add to what is there."""
    folder = HERE / "gallery"
    if not add:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    parts = sections_of((HERE / "gallery.md").read_text(encoding="utf-8")) if add else {}
    count = total = 0
    for number, report in enumerate(reports):
        first = number == 0 and not add
        page = json.loads(re.search(r'<script type="application/json" id="page">(.*?)</script>', report.read_text())[1])
        if not page["containsText"]:
            print(f"{report} is redacted; the gallery shows pages that are not.", file=sys.stderr)
        minute = {"id": "findings", "title": "In a minute", "howToRead": "What was found, in plain words."}
        views = [minute, *page["views"]] if first else [view for view in page["views"] if view["id"] not in SHARED]
        for name, picture in pictures(report, [view["id"] for view in views], chosen_head(page)):
            (folder / f"{name}.png").write_bytes(small := reduced(picture))
            count, total = count + 1, total + len(small)
        if first:
            whole = {"whole": README, "size": TALL, "themes": ("light",)}
            for name, picture in pictures(report, README, chosen_head(page), **whole):
                (HERE / "pictures" / f"{name}.png").write_bytes(reduced(picture))
        parts |= {view["id"]: section(view) for view in views}
    (HERE / "gallery.md").write_text("\n".join([HEAD, *parts.values()]), encoding="utf-8")
    print(f"{count} pictures, {total / 1e6:.1f} MB, in {folder}")


def sections_of(text: str) -> dict[str, str]:
    """Return the parts of a gallery that is there, by the view each shows."""
    return {
        re.search(r"gallery/(.*)-light", part)[1]: f"## {part.rstrip()}\n"
        for part in re.split(r"^## ", text, flags=re.M)[1:]
    }


def chosen_head(page: dict[str, Any]) -> str:
    """Return the head that the first finding about a head is about, so that cards are seen open."""
    chosen = (key for found in page["findings"] for key in found["select"] if key.startswith("head:"))
    return next(chosen, "head:L0H0").removeprefix("head:")


def pictures(
    report: Path,
    views: Sequence[str],
    head: str,
    *,
    whole: Sequence[str] = WHOLE,
    size: dict[str, int] = LARGE,
    themes: Sequence[str] = THEMES,
):
    """Yield the name and the PNG of each view in each theme, of some the whole page in a size of its own.

    The views of the model itself are without a head selected.
    """
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport=SIZE)
        tab.goto(report.resolve().as_uri())
        tab.wait_for_selector("html[data-warm]")
        for view in views:
            tab.set_viewport_size(size if view in whole else SIZE)
            for theme in themes:
                select = "" if view == "findings" else f"&head={head}"
                tab.evaluate(f"location.hash = '#/{view}?theme={theme}{select}'")
                tab.wait_for_selector(f"#title-{view}")
                tab.wait_for_timeout(400)
                yield f"{view}-{theme}", tab.screenshot(clip=None if view in whole else place(tab))
        browser.close()


def place(tab) -> dict[str, float]:
    """Return where the figure stands, as far as it is on the screen, with a margin."""
    box = tab.locator("main article").bounding_box()
    top = box["y"] - 14
    return {
        "x": box["x"] - 14,
        "y": top,
        "width": box["width"] + 28,
        "height": min(box["height"] + 28, SIZE["height"] - top),
    }


def reduced(png: bytes) -> bytes:
    """Return a picture with a palette: flat colours and hairlines lose nothing that can be seen."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    few = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def section(view: dict[str, Any]) -> str:
    """Return the part of the page about one view: its title, a sentence, and it in both themes."""
    first = re.split(r"(?<=[.?!]) (?=[A-Z0-9])", view["howToRead"] or view.get("caption", ""))[0]
    title, said = (re.sub(r"([<>*_|\\])", r"\\\1", text) for text in (view["title"], first))
    shown = " ".join(f"![{title}, {theme}](gallery/{view['id']}-{theme}.png)" for theme in THEMES)
    return f"## {title}\n\n{said}\n\n{shown}\n"


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:] if name != "--add"], add="--add" in sys.argv)
