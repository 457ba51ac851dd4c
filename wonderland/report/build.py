"""From results to one file that anyone can open, offline, and that no message in it can attack.

`render` puts the page's data (inert JSON, see `encode`), the style sheet and the scripts into one HTML text. The
Content-Security-Policy names the hashes of exactly that style and that script, so nothing else can run, and forbids
every request; the scripts write text through ``textContent`` only. No data stands in the HTML outside of the JSON.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from wonderland.errors import PluginError, ResourceError
from wonderland.paths import replacing, to_write_it
from wonderland.report.encode import deflate, encode, inert
from wonderland.report.findings import Check, Replicated
from wonderland.report.gather import gather
from wonderland.report.live_view import LIVE_VIEW, redacted_model
from wonderland.report.live_view import MODULES as LIVE_MODULES
from wonderland.report.page import OWN_PAGES, Page
from wonderland.report.page_data import page_data
from wonderland.report.schema import View, characters
from wonderland.report.sharing import Sharing
from wonderland.report.sources import Reported

__all__ = ["Page", "bare", "gather", "live_code", "render", "write_report"]

VENDOR = ("array", "color", "format", "interpolate", "path", "time", "time-format", "scale", "shape")
MODULES = (
    "text", "data", "store", "colour", "tip", "terms", "parts", "scene", "axes", "chart", "save", "table", "blocks",
    "figure", "matrix", "pattern", "bubbles", "cell", "attention", "tokens", "line", "bars", "scatter", "layers",
    "graph", "cards", "map", "first", "card", "findings", "tour", "dialogs", "keys", "print", "app",
)  # fmt: skip

_REMARK = re.compile(r"/\*[^*]*\*/")  # of a style sheet
_AFTER = re.compile(r"\s+// [^'\"`/]*$")  # behind code: as no text goes over lines, one without quotes is in none


def render(page: Page) -> str:
    """Return the report as one HTML text.

    Raises:
        PluginError: Two views share an id, or a view does not fit its renderer.
    """
    views = sorted(page.views, key=lambda view: view.order)
    taken: dict[str, View] = {}
    for view in views:
        if view.id in taken or view.id in OWN_PAGES or view.id == LIVE_VIEW["id"]:
            other = characters(taken[view.id].title) if view.id in taken else OWN_PAGES[view.id]
            both = f"{other!r} and {characters(view.title)!r}"
            raise PluginError(f"Two views have the id {view.id!r}: {both}.", hint="Rename one.")
        taken[view.id] = view
    # The first page is drawn while the rest of the file is still read, so what it needs stands before the script.
    first = [_json_block("page", page_data(page, views))]
    blocks = [_json_block(f"view-{view.id}", encode(view.data, f"The view {view.id!r}")) for view in views]
    style, own = _own("app.css"), "\n".join(_own(f"{name}.js") for name in MODULES)
    code = f"(() => {{\n'use strict';\n{own}\nstart();\n}})();"
    styles, scripts = [style], []
    if page.live is not None:
        blocks += [_json_block(f"view-{LIVE_VIEW['id']}", encode(page.live["view"], "The live view"))]
        blocks += [_json_block("live-model", encode(page.live["model"], "The live model"))]
        live = live_code()
        first += [_json_block("live-code", {tag: {"z": deflate(text.encode())} for tag, text in live.items()})]
        # Without a scope around it, so that the script that is put in sees the names of the page.
        code = f"{own}\n{_own('live/open.js')}\nopenLive().then((announce) => start().then(announce));"
        styles, scripts = [style, live["style"]], [live["script"]]
    strict = "" if page.live is None else "'use strict';\n"
    script = strict + "\n".join([*(_frontend(f"vendor/d3-{name}.min.js") for name in VENDOR), code])
    for name, text, end in (("style", style, "</style"), ("script", script, "</script")):
        if end in text.lower():
            raise AssertionError(f"the {name} would end its own element")
    first = [_json_block("sums", dict(map(_sum, [*first, *blocks]))), *first]
    parts = {
        "style-hash": "' '".join(map(_csp_hash, styles)),
        "script-hash": "' '".join(map(_csp_hash, [script, *scripts])),
        "style": style,
        "first": "\n".join(first),
        "data": "\n".join(blocks),
        "script": script,
    }
    # One pass over the template: a message that says "{{script}}" stays a message.
    return re.sub(r"\{\{([a-z-]+)\}\}", lambda mark: parts[mark[1]], _frontend("index.html")) + "\n"


def live_code() -> dict[str, str]:
    """Return the style and the script of the view that answers, by their tags, as the page puts them in."""
    # One scope of their own: the engine's short names would replace those of the page without a word.
    script = "\n".join(_own(f"live/{name}.js") for name in LIVE_MODULES)
    whole = f"'use strict';\nconst Live = (() => {{\n{script}\nreturn {{ announce }};\n}})();"
    return {"style": _own("live/live.css"), "script": whole}


def write_report(
    path: Path,
    results: Mapping[str, Reported],
    specimen: Any,
    *,
    checks: Sequence[Check] = (),
    extra_views: Sequence[View] = (),
    meta: Mapping[str, Any] | None = None,
    redact: Callable[[Page], Page] | None = None,
    live: Mapping[str, Any] | None = None,
    replicated: Mapping[str, Replicated] | None = None,
    audit: str = "",
    sharing: str = "",
) -> Path:
    """Write the report of results as one file, readable by its owner only, replacing an older one at once.

    Args:
        path: Where to write it.
        results: Results by name, such as `analyze` returned; why an analysis was left out stands in their
            ``declined``, if they have one.
        specimen: What they describe; its model's sizes, fingerprints and evidence are shown.
        checks: What was verified about the model and the data.
        extra_views: Views that no result gave, such as the training curve or the corpus overview.
        meta: More facts, which win over those taken from the specimen.
        redact: Takes every message out of the page before it is written, as `Redaction.page` does.
        live: The model itself, as `wonderland.lab.live_page.live_page` packs it: the page then answers what is typed.
        replicated: In how many training runs a claim holds, by "analysis: claim", where several were compared.
        audit: What an audit found; by default what the one among the results says, or that none was run.
        sharing: Of a page with the model in it, why it could be written, as `Sharing.let_out` says.

    Returns:
        The path.

    Raises:
        ResourceError: The file cannot be written.
        PluginError: A result gave views that the report cannot hold.
        UsageError: A page with the model in it was to be redacted.
    """
    if live is not None and redact is not None:
        raise redacted_model()
    asked = Sharing.of(results)
    page = replace(
        gather(results, specimen, checks=checks, extra_views=extra_views, meta=meta, replicated=replicated),
        live=live,
        audit=audit or asked.sentence,
        audit_figures=asked.figures if audit in ("", asked.sentence) else (),
        sharing=sharing,
    )
    _write_atomically(Path(path), render(page if redact is None else redact(page)))
    return Path(path)


def _json_block(name: str, tree: Any) -> str:
    return f'<script type="application/json" id="{name}">{inert(tree)}</script>'


def _sum(block: str) -> tuple[str, int]:
    """Return the name of a block and the checksum that the page compares: of its text without what is packed in it."""
    name, text = re.fullmatch(r'<script type="application/json" id="([^"]+)">(.*)</script>', block, re.S).groups()  # type: ignore[union-attr]
    return name, zlib.adler32(re.sub(r'"z":"[^"]*"', "", text).encode("ascii"))


def _own(name: str) -> str:
    """Return a file of the front end that we wrote, as it stands in a report."""
    return bare(_frontend(name))


def _frontend(name: str) -> str:
    text = resources.files("wonderland.report").joinpath("frontend", *name.split("/")).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n").strip("\n")


def bare(code: str) -> str:
    r"""Return a script or a style sheet of ours as it stands in a file: without its indentation and its comments.

    Lines stay lines, names stay names: the code in a report can be read, and where something fails, its line found. It
    asks of the code that no text of several lines is in it, which a test holds it to.

    >>> print(bare("// What it does.\nfunction f() {\n  return 1; // one\n}"))
    function f() {
    return 1;
    }
    """
    lines = (_AFTER.sub("", line).strip() for line in code.split("\n"))
    return "\n".join(line for line in lines if line and not line.startswith("//") and not _REMARK.fullmatch(line))


def _csp_hash(code: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(code.encode("utf-8")).digest()).decode("ascii")


def _write_atomically(path: Path, text: str) -> None:
    try:
        with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise ResourceError(
            f"The report could not be written to {path}: {error.strerror or error}. "
            "What was there before is untouched.",
            hint=to_write_it(error, path, "report.html"),
        ) from error
