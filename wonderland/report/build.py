"""How do results become one file that anyone can open, offline, and that no message in it can attack?

`render` puts the page's data (inert JSON, see `encode`), the style sheet and the scripts into one HTML text. The
Content-Security-Policy names the hashes of exactly that style and that script, so nothing else can run, and forbids
every request; the scripts write text through ``textContent`` only. No data stands in the HTML outside of the JSON.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wonderland.errors import PluginError, ResourceError
from wonderland.report.encode import encode, inert
from wonderland.report.findings import TRUST, Finding
from wonderland.report.validate import check_view
from wonderland.report.views import Check, View

if TYPE_CHECKING:
    from wonderland.estimate import Estimate
    from wonderland.report.sources import Reported

__all__ = ["Page", "gather", "render", "write_report"]

VENDOR = ("array", "color", "format", "interpolate", "path", "time", "time-format", "scale", "shape")
MODULES = (
    "text", "data", "store", "colour", "tip", "parts", "scene", "axes", "chart", "save", "table", "blocks", "figure",
    "matrix", "pattern", "bubbles", "attention", "tokens", "line", "bars", "scatter", "graph", "cards",
    "card", "findings", "dialogs", "keys", "print", "app",
)  # fmt: skip

Cards = Mapping[str, Mapping[str, "Estimate"]]


@dataclass(frozen=True)
class Page:
    """Everything the file shows; pure data, no torch.

    Args:
        title: The heading of the browser's tab.
        meta: Facts for the header and the "about" card: text, numbers, or mappings of them. ``model`` and ``corpus``
            stand in the header, ``fingerprints`` and ``date`` in the caption of every export.
        views: The pictures, in any order; they are sorted by ``order``.
        cards: Result name → label → `Estimate` [layer, head], for the card of the selected head.
        findings: What the first page says.
        checks: What was verified, shown beside the findings.
        contains_text: Whether message text is in the file; the header says so.
        controls: The cards of the untrained baseline, shown beside the trained numbers of the same result and label.
        about: Head → what else its card says, as blocks (see `wonderland.report.views`); a block ``{role, rule}`` is
            what the head is called and why, and stands on top.
    """

    title: str
    meta: Mapping[str, Any]
    views: Sequence[View]
    cards: Cards
    findings: Sequence[Finding]
    checks: Sequence[Check] = ()
    contains_text: bool = True
    controls: Cards = field(default_factory=dict)
    about: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


def render(page: Page) -> str:
    """Return the report as one HTML text.

    Raises:
        PluginError: Two views share an id, or a view does not fit its renderer.
    """
    views = sorted(page.views, key=lambda view: view.order)
    taken: dict[str, View] = {}
    for view in views:
        if view.id in taken or view.id == "findings":
            other = taken[view.id].title if view.id in taken else "Findings"
            raise PluginError(f"Two views have the id {view.id!r}: {other!r} and {view.title!r}.", hint="Rename one.")
        taken[view.id] = view
        check_view(view)
    blocks = [_json_block("page", _page_data(page, views))]
    blocks += [_json_block(f"view-{view.id}", encode(view.data, f"The view {view.id!r}")) for view in views]
    style = _compact_style(_frontend("app.css"))
    script = "\n".join(
        [
            *(_frontend(f"vendor/d3-{name}.min.js") for name in VENDOR),
            "(() => {\n'use strict';",
            *(_compact(_frontend(f"{name}.js")) for name in MODULES),
            "start();\n})();",
        ]
    )
    for name, code, end in (("style", style, "</style"), ("script", script, "</script")):
        if end in code.lower():
            raise AssertionError(f"the {name} would end its own element")
    parts = {
        "style-hash": _csp_hash(style),
        "script-hash": _csp_hash(script),
        "style": style,
        "data": "\n".join(blocks),
        "script": script,
    }
    # One pass over the template: a message that says "{{script}}" stays a message.
    return re.sub(r"\{\{([a-z-]+)\}\}", lambda mark: parts[mark[1]], _frontend("index.html")) + "\n"


def write_report(
    path: Path,
    results: Mapping[str, Reported],
    specimen: Any,
    *,
    checks: Sequence[Check] = (),
    extra_views: Sequence[View] = (),
    meta: Mapping[str, Any] | None = None,
    redact: Callable[[Page], Page] | None = None,
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

    Returns:
        The path.

    Raises:
        ResourceError: The file cannot be written.
        PluginError: A result gave views that the report cannot hold.
    """
    page = gather(results, specimen, checks=checks, extra_views=extra_views, meta=meta)
    _write_atomically(Path(path), render(page if redact is None else redact(page)))
    return Path(path)


def gather(
    results: Mapping[str, Reported],
    specimen: Any,
    *,
    checks: Sequence[Check] = (),
    extra_views: Sequence[View] = (),
    meta: Mapping[str, Any] | None = None,
) -> Page:
    """Collect what results show into one page; see `write_report`."""
    views: list[View] = list(extra_views)
    findings: list[Finding] = []
    cards: dict[str, Mapping[str, Estimate]] = {}
    controls: dict[str, Mapping[str, Estimate]] = {}
    about: dict[str, list[Mapping[str, Any]]] = {}
    for name, result in results.items():
        views.extend(replace(view, group=view.group or name) for view in result.views())
        findings.extend(result.findings())
        cards[name] = result.card()
        for head, blocks in result.about_heads().items():
            about.setdefault(head, []).extend(blocks)
        if result.control is not None:
            controls[name] = result.control.card()
    places = {view.id: view.order for view in views}
    findings.sort(key=lambda found: (TRUST.index(found.trust), places.get(found.view, len(places) + 1000)))
    declined: Mapping[str, str] = getattr(results, "declined", {})
    findings += [Finding(f"{name} was left out: {why}", trust="anecdotal") for name, why in declined.items()]
    facts = {**_describe(specimen, list(results.values())), **(meta or {})}
    return Page("wonderland", facts, views, cards, findings, checks, True, controls, about)


def _page_data(page: Page, views: Sequence[View]) -> dict[str, Any]:
    data = {
        "title": page.title,
        "meta": dict(page.meta),
        "containsText": page.contains_text,
        "heads": _head_grid(page, views),
        "checks": [{"name": c.name, "passed": c.passed, "detail": c.detail} for c in page.checks],
        "findings": [
            {"text": f.text, "view": f.view, "select": dict(f.select), "trust": f.trust} for f in page.findings
        ],
        "cards": list(_card_data(page)),
        "about": {head: list(blocks) for head, blocks in page.about.items()},
        "views": [
            {
                "id": view.id,
                "title": view.title,
                "renderer": view.renderer,
                "caption": view.caption,
                "howToRead": view.how_to_read,
                "misleads": view.misleads,
                "warning": view.warning,
                "group": view.group,
                "heads": _shows_heads(view),
            }
            for view in views
        ],
    }
    encoded: dict[str, Any] = encode(data, "The page")
    return encoded


def _card_data(page: Page) -> Iterator[dict[str, Any]]:
    for result, card in page.cards.items():
        for label, estimate in card.items():
            shape = np.shape(estimate.value)
            if len(shape) != 2:
                raise PluginError(f"The card {label!r} of {result!r} must be [layer, head], not of shape {shape}.")
            control = page.controls.get(result, {}).get(label)
            yield {
                "result": result,
                "label": label,
                "unit": estimate.unit,
                "n": estimate.n,
                "of": estimate.resampled_over,
                "trusted": bool(estimate.trusted),
                "value": np.asarray(estimate.value, dtype=np.float64),
                "low": np.asarray(estimate.low, dtype=np.float64),
                "high": np.asarray(estimate.high, dtype=np.float64),
                "chance": _grid(estimate.chance, shape),
                "control": None if control is None else _grid(control.value, shape),
            }


def _shows_heads(view: View) -> bool:
    """Whether a head can be selected in a view: the card of a head links to those where it can."""
    parts = view.data.get({"scatter": "points", "graph": "nodes", "cards": "cards"}.get(view.renderer, ""), ())
    linked = view.renderer in ("matrix", "table") and view.data.get("links") == "head"
    return view.renderer == "matrix-grid" or linked or any(part.get("head") for part in parts)


def _grid(value: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    return None if value is None else np.broadcast_to(np.asarray(value, dtype=np.float64), shape)


def _head_grid(page: Page, views: Sequence[View]) -> list[int]:
    """Find how many layers and heads there are, so that arrows know where to go: [layers, heads]."""
    found: dict[tuple[int, ...], str] = {}
    for result, card in page.cards.items():
        for label, estimate in card.items():
            found.setdefault(np.shape(estimate.value), f"the card {label!r} of {result!r}")
    for view in views:
        if view.renderer == "matrix-grid":
            found.setdefault((view.data["n_layers"], view.data["n_heads"]), f"the view {view.id!r}")
        elif view.renderer == "matrix" and view.data.get("links") == "head":
            found.setdefault((len(view.data["rows"]), len(view.data["columns"])), f"the view {view.id!r}")
    if len(found) > 1:
        places = "; ".join(f"{place} has {' × '.join(map(str, shape))}" for shape, place in found.items())
        raise PluginError(f"The results do not describe one model of layers × heads: {places}.")
    return [int(size) for size in next(iter(found), (0, 0))]


def _describe(specimen: Any, results: Sequence[Reported]) -> dict[str, Any]:
    """Collect facts for the header; a specimen that lacks one (a bare model) simply shows less."""
    facts: dict[str, Any] = {}
    model = getattr(specimen, "model", None)
    cfg = getattr(model, "cfg", None)
    if cfg is not None:
        size = f", {_count(specimen.model.n_params)} parameters" if hasattr(model, "n_params") else ""
        facts["model"] = f"{cfg.n_layers} layers × {cfg.n_heads} heads{size}"
        names = {
            "d_model": "width",
            "d_head": "head width",
            "d_mlp": "MLP width",
            "n_ctx": "context",
            "d_vocab": "tokens known",
        }
        facts["sizes"] = {label: getattr(cfg, name) for name, label in names.items() if hasattr(cfg, name)}
    evidence = getattr(specimen, "evidence", None)
    if evidence is not None and hasattr(evidence, "describe"):
        facts["held-out evidence"] = {name: n for name, n in evidence.describe().items() if not isinstance(n, bool)}
    if getattr(specimen, "fingerprints", None):
        facts["fingerprints"] = {key: str(value) for key, value in specimen.fingerprints.items()}
    made = next((result.provenance.wonderland for result in results if result.provenance is not None), None)
    if made:
        facts["wonderland"] = made
    facts["date"] = date.today().isoformat()
    return facts


def _count(number: int) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return str(number)


def _json_block(name: str, tree: Any) -> str:
    return f'<script type="application/json" id="{name}">{inert(tree)}</script>'


def _frontend(name: str) -> str:
    text = resources.files("wonderland.report").joinpath("frontend", *name.split("/")).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n").strip("\n")


def _compact(code: str) -> str:
    """Drop indentation, comments and the spaces around arrows: the originals, to be read, lie in ``frontend/``."""
    lines = (re.sub(r"(?<=[;,{}]) // [^'\"`]*$", "", line.strip()) for line in code.split("\n"))
    return "\n".join(line.replace(" => ", "=>") for line in lines if line and not line.startswith("//"))


def _compact_style(sheet: str) -> str:
    """Drop comments and the spaces that a style sheet does not need."""
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.S)
    sheet = re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", sheet)).replace(": ", ":").replace(";}", "}")
    sheet = re.sub(r"(?<=[\w\])]) ([+~]) (?=[.#\w])", r"\1", sheet)  # of selectors; in calc() a unit's % stands before
    return sheet.replace(" !important", "!important")


def _csp_hash(code: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(code.encode("utf-8")).digest()).decode("ascii")


def _write_atomically(path: Path, text: str) -> None:
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        raise ResourceError(f"The report could not be written to {path}: {error.strerror}.") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
