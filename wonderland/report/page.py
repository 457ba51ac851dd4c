"""The page that a file shows: views, findings, checks and cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wonderland.report.findings import Check, Finding
from wonderland.report.schema import (
    Block,
    Key,
    Role,
    Row,
    View,
)

if TYPE_CHECKING:
    from wonderland.estimate import Estimate

__all__ = ["OWN_PAGES", "Page"]

OWN_PAGES = {"findings": "In a minute", "all-findings": "All findings", "words": "Words explained"}
"""Ids that no view may have: of the pages that the report makes itself."""

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
        about: What the card of a head, a neuron or anything else that can be selected says beyond numbers; a `Role`,
            what it is called and why, stands on top.
        opens: The id of the view a notebook shows at once, without the first page and the list of views.
        audit: What was found of what the model gives away, or that it was not asked; "" in a notebook.
        audit_figures: The audit's numbers that stand beside that sentence.
        sharing: Of a report that answers, why it could be written.
        live: The model itself, for a report that answers, as `wonderland.lab.live_page.live_page` packs it.
    """

    title: str
    meta: Mapping[str, Any]
    views: Sequence[View]
    cards: Cards
    findings: Sequence[Finding]
    checks: Sequence[Check] = ()
    contains_text: bool = True
    controls: Cards = field(default_factory=dict)
    about: Mapping[Key, Sequence[Block | Role]] = field(default_factory=dict)
    opens: str = ""
    live: Mapping[str, Any] | None = None
    audit: str = ""
    sharing: str = ""
    audit_figures: Sequence[Row] = ()
