"""A result in a notebook: at a glance a small table; on demand its part of the report, in a frame.

`glance` is HTML without a script: what was found, and for each quantity of a head a grid of squares from paper to ink
beside its range and n. It paints its own light ground, so that it reads the same in a dark notebook. `frame` puts a
whole page into an ``iframe`` that may run its scripts and nothing else: ``sandbox="allow-scripts"`` without
``allow-same-origin``, so that the page cannot touch the notebook, and the page's own policy keeps it from the network.

Words of strangers are escaped in both; hidden characters are shown as in the report.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wonderland.counted import formatted
from wonderland.notebook import STYLE, escaped

if TYPE_CHECKING:
    from wonderland.estimate import Estimate

__all__ = ["Shown", "frame", "glance", "listed"]

_INK = ((255, 255, 255), (163, 193, 220), (34, 90, 149), (11, 33, 73))
_SIDE, _CELLS = 14, 400


def glance(summary: str, card: Mapping[str, Estimate]) -> str:
    """Return a result as a small piece of HTML: its summary, and its estimates as grids.

    Args:
        summary: What `Result.summary` says.
        card: Estimates [layer, head] by label, as `Result.card` gives them.
    """
    first, *rest = summary.splitlines() or [""]
    lines = "".join(f"<div>{escaped(line)}</div>" for line in rest)
    rows = "".join(_row(label, estimate) for label, estimate in card.items() if np.ndim(estimate.value) == 2)
    cell = 'style="text-align:left;padding:2px 14px 2px 0;color:#5c616c;font-weight:400"'
    heads = "".join(f"<th {cell}>{name}</th>" for name in ("", "layer × head", "lowest to highest", "chance", "n"))
    table = f'<table style="border-collapse:collapse;margin-top:8px"><tr>{heads}</tr>{rows}</table>' if rows else ""
    return f'<div style="{STYLE}"><b>{escaped(first)}</b>{lines}{table}</div>'


def listed(told: Mapping[str, str], left_out: Mapping[str, str]) -> str:
    """Return several results as a small table of HTML: the name of each and the first line of its summary.

    Args:
        told: What `Result.summary` says, by name.
        left_out: Why others are not there, by name.
    """
    cell = 'style="text-align:left;vertical-align:top;padding:3px 14px 3px 0'
    rows = "".join(
        f'<tr><td {cell};color:{ink};white-space:nowrap">{escaped(name)}</td>'
        f'<td {cell};color:{ink}">{escaped((line.splitlines() or [""])[0])}</td></tr>'
        for lines, ink in ((told, "#1a1d23"), (left_out, "#5c616c"))
        for name, line in lines.items()
    )
    return f'<div style="{STYLE}"><table style="border-collapse:collapse">{rows}</table></div>'


def _row(label: str, estimate: Estimate) -> str:
    values = np.asarray(estimate.value, dtype=float)
    finite = values[np.isfinite(values)]
    unit = "" if estimate.unit in ("", "1") else f" {estimate.unit}"
    span = f"{formatted(finite.min(), '.3g')} to {formatted(finite.max(), '.3g')}{unit}" if finite.size else "no number"
    chance = "" if estimate.chance is None else _span(np.asarray(estimate.chance, dtype=float))
    cells = (
        escaped(label),
        _grid(values),
        escaped(span),
        chance,
        f"{estimate.n:,} {escaped(estimate.resampled_over)}",
    )
    return "<tr>" + "".join(f'<td style="padding:3px 14px 3px 0;color:#1a1d23">{cell}</td>' for cell in cells) + "</tr>"


def _span(values: np.ndarray) -> str:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return ""
    low, high = formatted(finite.min(), ".3g"), formatted(finite.max(), ".3g")
    return low if low == high else f"{low} to {high}"


def _grid(values: np.ndarray) -> str:
    layers, heads = values.shape
    if values.size > _CELLS:
        return f"{layers} × {heads}"
    most = np.nanmax(np.abs(values), initial=0.0) if np.isfinite(values).any() else 0.0
    squares = "".join(
        f'<rect x="{head * _SIDE}" y="{layer * _SIDE}" width="{_SIDE - 1}" height="{_SIDE - 1}" '
        f'fill="{_ink(value, most)}">'
        f"<title>L{layer}H{head}: {formatted(value, '.3g')}</title></rect>"
        for (layer, head), value in np.ndenumerate(values)
    )
    size = f'width="{heads * _SIDE}" height="{layers * _SIDE}"'
    return f'<svg {size} role="img" aria-label="one square for each head, darker is larger">{squares}</svg>'


def _ink(value: float, most: float) -> str:
    """Return the colour of a number: paper for 0, ink for the largest, by size on a square-root scale."""
    share = float(np.sqrt(abs(value) / most)) if np.isfinite(value) and most > 0 else 0.0
    place = min(share, 1.0) * (len(_INK) - 1)
    low, part = _INK[int(place)], place - int(place)
    high = _INK[min(int(place) + 1, len(_INK) - 1)]
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(low, high, strict=True))


@dataclass(frozen=True)
class Shown:
    """What a notebook shows when a cell ends with it; ``str`` is a plain word on it."""

    page: str
    height: int = 640

    def _repr_html_(self) -> str:
        return frame(self.page, self.height)

    def __repr__(self) -> str:
        return f"Shown({len(self.page):,} characters of HTML; a notebook draws it)"


def frame(page: str, height: int = 640) -> str:
    """Return a frame that holds a page and lets it do nothing but run its own scripts."""
    return (
        f'<iframe sandbox="allow-scripts" referrerpolicy="no-referrer" title="wonderland" srcdoc="{html.escape(page)}" '
        f'style="width:100%;height:{int(height)}px;border:1px solid #d8d4ca;background:#ffffff"></iframe>'
    )
