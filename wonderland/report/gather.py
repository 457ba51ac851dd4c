"""From results to a page: their views, findings, cards and checks are collected, each where it belongs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from wonderland.errors import WonderlandError
from wonderland.estimate import Estimate
from wonderland.report.findings import FAILED, TRUST, Check, Finding, Replicated, judged, with_runs
from wonderland.report.page import Page
from wonderland.report.schema import Block, Key, Role, View
from wonderland.report.sources import Reported

__all__ = ["gather"]


def gather(
    results: Mapping[str, Reported],
    specimen: Any,
    *,
    checks: Sequence[Check] = (),
    extra_views: Sequence[View] = (),
    meta: Mapping[str, Any] | None = None,
    replicated: Mapping[str, Replicated] | None = None,
) -> Page:
    """Collect what results show into one page; see `write_report`."""
    known = dict(replicated or {})
    for result in results.values():
        known.update(getattr(result, "replications", dict)())
    views: list[View] = list(extra_views)
    findings: list[Finding] = []
    cards: dict[str, Mapping[str, Estimate]] = {}
    controls: dict[str, Mapping[str, Estimate]] = {}
    about: dict[Key, list[Block | Role]] = {}
    failed: dict[str, str] = {}
    for name, result in results.items():
        try:
            shown = _Shown.of(name, result, known)
        except WonderlandError as error:
            failed[name] = error.message
            continue
        except Exception as error:  # noqa: BLE001 - whatever a plugin does, the report shows the others
            failed[name] = type(error).__name__
            continue
        views.extend(shown.views)
        findings.extend(shown.findings)
        cards[name] = shown.card
        for key, blocks in shown.about.items():
            about.setdefault(key, []).extend(blocks)
        if shown.control is not None:
            controls[name] = shown.control
    if not all(check.passed for check in checks):
        findings = [_unsure(finding) for finding in findings]
    places = {view.id: view.order for view in views}
    findings.sort(key=lambda found: (TRUST.index(found.trust), places.get(found.view, len(places) + 1000)))
    declined: Mapping[str, str] = getattr(results, "declined", {})
    findings += [
        Finding(f"{name} was left out: {why}", trust="anecdotal", kind="description") for name, why in declined.items()
    ]
    findings += [
        Finding(f"{name} cannot be shown, its plugin failed: {why}", trust="anecdotal", kind="description")
        for name, why in failed.items()
    ]
    facts = {**_describe(specimen, list(results.values())), **(meta or {})}
    return Page("wonderland", facts, views, cards, findings, checks, True, controls, about)


@dataclass(frozen=True)
class _Shown:
    """What one result shows, whole: a plugin that fails at one of these adds nothing."""

    views: Sequence[View]
    findings: Sequence[Finding]
    card: Mapping[str, Estimate]
    control: Mapping[str, Estimate] | None
    about: Mapping[Key, Sequence[Block | Role]]

    @classmethod
    def of(cls, name: str, result: Reported, known: Mapping[str, Replicated]) -> _Shown:
        """Ask a result for it.

        Raises:
            Exception: Whatever its plugin raises.
        """
        claims: Mapping[str, Estimate] = getattr(result, "claims", dict)()
        views = [replace(view, group=view.group or name) for view in result.views()]
        findings = list(result.findings())
        if not all(isinstance(one, Finding) for one in findings):
            raise TypeError("its findings are other things")
        findings = [with_runs(judged(finding), claims, known, name) for finding in findings]
        about = {Key.of(thing): [_grouped(block, name) for block in blocks] for thing, blocks in result.cards().items()}
        control = None if result.control is None else dict(result.control.card())
        return cls(views, findings, dict(result.card()), control, about)


def _grouped(block: Block | Role, name: str) -> Block | Role:
    """Return a block of a card with the name of its analysis."""
    return replace(block, group=block.group or name) if isinstance(block, Block) else block


def _unsure(finding: Finding) -> Finding:
    """Return a finding of a model that failed a check: it is not called solid, whatever its own number says."""
    if finding.trust != "solid":
        return finding
    return replace(finding, trust="weak", runs=f"{finding.runs}; {FAILED}" if finding.runs else FAILED)


def _describe(specimen: Any, results: Sequence[Reported]) -> dict[str, Any]:
    """Collect facts for the header; a specimen that lacks one (a bare model) simply shows less."""
    facts: dict[str, Any] = {}
    model = getattr(specimen, "model", None)
    members = getattr(specimen, "members", None)
    if members:  # several models: what they share is that of the first
        facts["models"] = f"{len(members)} models that differ in their {getattr(specimen, 'kind', 'training')}"
        specimen = next(iter(members.values()))
        model = specimen.model
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
        if getattr(cfg, "attn_only", False):
            del names["d_mlp"]
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
