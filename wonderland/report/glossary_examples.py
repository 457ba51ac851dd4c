"""Examples of the report's words from the model that it is about: its sizes, its tokens, its findings.

An example is taken from what the page shows anyhow, so a redacted page has none that it leaves out. A term of which
this page shows nothing has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wonderland.counted import formatted
from wonderland.report.findings import Finding
from wonderland.report.page import Page
from wonderland.report.schema import AttentionPatterns, Bars, Key, Table, View, characters
from wonderland.report.stories import GUESSES
from wonderland.report.tour import claim_in_numbers, clearest, keys_on

__all__ = ["examples"]

_BY_VIEW = {
    "ablation": ("head-ablation",),
    "causal scrubbing": ("scrubbing",),
    "circuit": ("circuit-graph", "circuit-parts"),
    "composition": ("composition",),
    "entropy": ("entropy-map",),
    "induction": ("induction",),
    "logit lens": ("logit-lens-by-layer",),
    "neuron": ("neuron-mixture",),
    "OV circuit": ("copying",),
    "patching": ("patching-heads", "path-direct"),
    "probe": ("speaker-tracking",),
    "residual stream": ("residual-steps",),
    "singular values": ("ov-heads",),
    "AUC": ("audit-membership",),
    "dictionary": ("sparse-quality",),
    "latent": ("sparse-needed", "sparse-contextual", "sparse-agreement"),
    "transcoder": ("transcoder-cost",),
}
_TOKENS = 4


def examples(
    page: Page, views: Sequence[View], heads: Sequence[int], stories: Sequence[Mapping[str, Any]] = ()
) -> dict[str, dict[str, Any]]:
    """Return by the name of a term what it is in this model: ``text``, and the ``view`` and ``select`` that show it.

    Args:
        page: The page.
        views: Its views.
        heads: How many layers the model has, and how many heads a layer.
        stories: The stories of its first page, whose number of choices is the one that is said.
    """
    found = {**dict(_of_findings(page)), **dict(_of_the_model(page, heads)), **dict(_of_attention(views, heads))}
    found |= dict(_of_units(views))
    for story in stories:
        if story["ask"] == GUESSES and story["view"]:
            found["choices left"] = _example(story["text"], story["view"])
    shown = {view.id for view in views} | {"findings", "all-findings"}
    return {name: one for name, one in found.items() if one["view"] in shown}


def _example(text: str, view: str, select: Sequence[str] = ()) -> dict[str, Any]:
    return {"text": text, "view": view, "select": list(select)}


def _of_findings(page: Page) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, places in _BY_VIEW.items():
        at = next((f for view in places for f in page.findings if f.view == view), None)
        if at is not None:
            yield name, _told(at, _short(at.sentence))
    recovered = _first(page, lambda one: one.estimate.unit == "recovery")
    if recovered is not None:
        yield "recovery", _told(recovered, claim_in_numbers(recovered))
    numbered = _first(page, lambda one: one.estimate.low < one.estimate.high)
    if numbered is not None:
        yield "interval", _told(numbered, claim_in_numbers(numbered))
    level = _first(page, lambda one: one.estimate.chance is not None and math.isfinite(float(one.estimate.chance)))
    if level is not None:
        text = f"{claim_in_numbers(level)} Chance alone would give {formatted(float(level.estimate.chance), '.3g')}."
        yield "chance level", _told(level, text)
    loss = _first(page, lambda one: one.view == "token-loss" and one.estimate.unit.startswith("nats"))
    if loss is not None:
        yield "loss", _told(loss, claim_in_numbers(loss))


def _short(sentence: str) -> str:
    """Return a sentence up to its first semicolon, where that is not within brackets."""
    first = sentence.split("; ")[0]
    return sentence if first == sentence or first.count("(") != first.count(")") else f"{first}."


def _first(page: Page, fits: Callable[[Finding], bool]) -> Finding | None:
    """Return the first finding with a number that fits, of an effect that is shown if there is one."""
    able = [
        one
        for one in page.findings
        if one.estimate is not None and one.view and math.isfinite(float(one.estimate.value)) and fits(one)
    ]
    return min(able, key=lambda one: (one.kind, one.trust) != ("effect", "solid"), default=None)


def _told(finding: Finding, text: str) -> dict[str, Any]:
    return _example(text, finding.view, [str(key) for key in finding.select])


def _of_the_model(page: Page, heads: Sequence[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    layers, each = heads
    if layers * each:
        last = f"L{layers - 1}H{each - 1}"
        yield (
            "layer",
            _example(f"There are {layers}, L0 to L{layers - 1}." if layers > 1 else "There is 1, L0.", "findings"),
        )
        yield (
            "attention head",
            _example(f"There are {layers * each}, from L0H0 to {last}.", "findings", [f"head:{last}"]),
        )
    sizes = page.meta.get("sizes")
    if isinstance(sizes, Mapping) and "context" in sizes:
        yield "context", _example(f"It sees {sizes['context']:,} tokens.", "findings")


def _of_attention(views: Sequence[View], heads: Sequence[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    for view in views:
        for figure in view.figures():
            if not isinstance(figure, AttentionPatterns):
                continue
            one = figure.conversations[0]
            told = ", ".join(f"“{_written(characters(token))}”" for token in one.tokens[:_TOKENS])
            yield "token", _example(f"The first conversation shown begins with {told}.", view.id, ["conversation:0"])
            weights = np.asarray(one.patterns.values, dtype=float)
            at = int(np.argmax([pattern[clearest(pattern)] for pattern in weights]))
            query, key = clearest(weights[at])
            head = f"L{at // heads[1]}H{at % heads[1]}"
            text = f"{head} gives {weights[at][query, key]:.0%} of its attention from token {query} to token {key}."
            yield "attention pattern", _example(text, view.id, keys_on(head, 0, query))
            return


def _of_units(views: Sequence[View]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield how well single units tell something: of latents the best in a table, of AUROCs the first that is drawn."""
    for view in reversed(views):  # of several views that have one the first is told
        for figure in view.figures():
            if isinstance(figure, Table):
                names = [characters(column.label) for column in figure.columns]
                rows = [row for row in figure.rows if "F1" in names and _measured(row[names.index("F1")])]
                if rows:
                    best = max(rows, key=lambda row: float(row[names.index("F1")]))
                    name, key = characters(best[0]), Key.named(characters(best[0]))
                    text = f"{name} tells what it fires for with F1 {float(best[names.index('F1')]):.2f}."
                    yield "F1", _example(text, view.id, [] if key is None else [str(key)])
            elif isinstance(figure, Bars) and characters(figure.y.label) == "AUROC":
                bar, what = figure.series[0], characters(figure.x[0])
                ends = [float(np.asarray(part, dtype=float)[0]) for part in (bar.values, bar.low, bar.high)]
                if all(map(math.isfinite, ends)):
                    told = "{:.2f} [{:.2f}, {:.2f}]".format(*ends)
                    yield "AUROC", _example(f"{what}: {characters(bar.name)} {told}, where chance is 0.5.", view.id)


def _measured(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _written(token: str) -> str:
    """Return a token as the page writes it: a space before it is a dot, a special one has its own brackets.

    >>> _written(" how"), _written("<|me|>")
    ('·how', '‹me›')
    """
    if token.startswith("<|") and token.endswith("|>"):
        return f"‹{token[2:-2]}›"
    return f"·{token[1:]}" if token.startswith(" ") else token
