"""What the front end reads of a page: its words, findings, cards, stories and sections, as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wonderland.errors import PluginError
from wonderland.report.encode import encode
from wonderland.report.findings import Finding
from wonderland.report.glossary import terms_of
from wonderland.report.glossary_examples import examples
from wonderland.report.live_view import LIVE_VIEW
from wonderland.report.page import Page
from wonderland.report.schema import (
    AttentionPatterns,
    Bars,
    Figure,
    Key,
    Lines,
    Matrix,
    Quoted,
    Table,
    Text,
    View,
    characters,
    fields_of,
)
from wonderland.report.sections import SECTIONS, section_of
from wonderland.report.sharing import ASKED
from wonderland.report.stories import roles_of, stories, unnamed_of
from wonderland.report.tour import tour

if TYPE_CHECKING:
    from wonderland.estimate import Estimate

__all__ = ["page_data"]


def page_data(page: Page, views: Sequence[View]) -> dict[str, Any]:
    """Return what the front end reads of a page beside the data of its views."""
    heads = _head_grid(page, views)
    told = stories(page, views)
    shown = {} if page.opens else examples(page, views, heads, told)
    data: dict[str, Any] = {
        "title": page.title,
        "meta": {
            name: characters(fact) if isinstance(fact, (Quoted, Text)) else fact for name, fact in page.meta.items()
        },
        "containsText": page.contains_text,
        "heads": heads,
        "checks": [check.plain() for check in page.checks],
        "findings": [_whole(finding) for finding in page.findings],
        "cards": list(_card_data(page)),
        "stories": told,
        "roles": roles_of(page),
        "unnamed": unnamed_of(page),
        "sections": [[name, heading] for name, heading in SECTIONS.items()],
        "opens": page.opens,
        "audit": page.audit,
        "auditFigures": [row.plain() for row in page.audit_figures],
        "sharing": page.sharing,
        "against": page.sharing.endswith(ASKED),
        "glossary": [
            {"name": term.name, "text": term.text, "forms": list(term.forms), "example": shown.get(term.name)}
            for term in terms_of(_words_of(views))
        ],
        "about": {str(key): [block.plain() for block in blocks] for key, blocks in page.about.items()},
        "views": [
            {
                "id": view.id,
                "title": characters(view.title),
                "subtitle": characters(view.subtitle),
                "renderer": view.renderer,
                "caption": characters(view.caption),
                "howToRead": characters(view.how_to_read),
                "misleads": characters(view.misleads),
                "warning": characters(view.warning),
                "group": view.group,
                "selects": sorted(_selects(view)),
                "section": section_of(view, _selects(view)),
            }
            for view in views
        ],
    }
    if page.live is not None:
        data["views"].insert(0, LIVE_VIEW)
        data["heads"] = [page.live["model"]["cfg"][name] for name in ("n_layers", "n_heads")]
    data["tour"] = [] if page.opens else tour(page, views, data["stories"], data["heads"])
    encoded: dict[str, Any] = encode(data, "The page")
    return encoded


def _words_of(views: Sequence[View]) -> str:
    """Return what stands around all figures."""
    words = ((v.title, v.subtitle, v.caption, v.how_to_read, v.misleads, v.warning) for v in views)
    return "\n".join(characters(one) for of in words for one in of)


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


def _whole(finding: Finding) -> dict[str, Any]:
    """Return a finding with what it leaves at its default."""
    select = [str(key) for key in finding.select]
    return {
        "text": finding.sentence,
        "view": finding.view,
        "select": select,
        "trust": finding.trust,
        "kind": finding.kind,
        "estimate": None if finding.estimate is None else _numbers_of(finding.estimate),
        **({"runs": characters(finding.runs)} if finding.runs else {}),
    }


def _numbers_of(one: Estimate) -> dict[str, Any]:
    """Return an estimate of no dimensions as numbers by name."""
    numbers = {name: float(getattr(one, name)) for name in ("value", "low", "high")}
    chance = None if one.chance is None else float(one.chance)
    return {**numbers, "chance": chance, "n": int(one.n), "unit": one.unit, "of": one.resampled_over}


def _selects(view: View) -> set[str]:
    """Return the kinds of things that can be selected in a view: the card of one links to those where it can be."""
    kinds: set[str] = set()
    for figure in view.figures():
        if isinstance(figure, AttentionPatterns) or (isinstance(figure, Matrix) and figure.links == "head"):
            kinds.add("head")
        for one in fields_of(type(figure)):
            value = getattr(figure, one.name)
            parts = value if isinstance(value, tuple) else ()
            kinds.update(key.kind for key in (getattr(part, "select", None) for part in parts) if key is not None)
        kinds.update(_named(figure))
        if isinstance(figure, (Bars, Lines, Matrix)):
            kinds.update(key.kind for key in figure.keys or () if key is not None)
    return kinds


def _named(figure: Figure) -> Iterator[str]:
    """Yield the kinds of parts that rows or columns of a figure are named after."""
    names: Sequence[Any] = ()
    if isinstance(figure, Table) and figure.links:
        place = [column.key for column in figure.columns].index(figure.links)
        names = [row[place] for row in figure.rows]
    elif isinstance(figure, Matrix) and figure.links in ("column", "row"):
        names = figure.columns if figure.links == "column" else figure.rows
    elif isinstance(figure, Bars):
        names = figure.x
    for name in names:
        key = Key.named(name)
        if key is not None:
            yield key.kind


def _grid(value: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    return None if value is None else np.broadcast_to(np.asarray(value, dtype=np.float64), shape)


def _head_grid(page: Page, views: Sequence[View]) -> list[int]:
    """Find how many layers and heads there are, so that arrows know where to go: [layers, heads]."""
    found: dict[tuple[int, ...], str] = {}
    for result, card in page.cards.items():
        for label, estimate in card.items():
            found.setdefault(np.shape(estimate.value), f"the card {label!r} of {result!r}")
    for view in views:
        for figure in view.figures():
            if isinstance(figure, AttentionPatterns):
                found.setdefault((figure.n_layers, figure.n_heads), f"the view {view.id!r}")
            elif isinstance(figure, Matrix) and figure.links == "head":
                found.setdefault((len(figure.rows), len(figure.columns)), f"the view {view.id!r}")
    if len(found) > 1:
        places = "; ".join(f"{place} has {' × '.join(map(str, shape))}" for shape, place in found.items())
        raise PluginError(f"The results do not describe one model of layers × heads: {places}.")
    return [int(size) for size in next(iter(found), (0, 0))]
