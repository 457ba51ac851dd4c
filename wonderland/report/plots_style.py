"""What all figures on paper share: sizes, colours, and letters that every machine can print.

Sizes are those of an article: a column is 3.5 inches wide, a page 7.1, and letters are 7 to 9 points. Colours follow
the report: sequential maps from paper to ink, diverging ones symmetric about 0, and Okabe and Ito's eight with a
marker or a dash for categories (jfly.uni-koeln.de/color), so that nothing depends on colour alone.

What would fool it: a letter that no font at hand has. `plain` writes such a letter as its escape, the way `visible`
does with what hides, so that no figure holds an empty box. Nothing is ever read as mathematics.
"""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm, Normalize, PowerNorm
from matplotlib.figure import Figure

from wonderland.counted import formatted
from wonderland.visible import visible

__all__ = [
    "CATEGORIES", "COLUMN", "DASHES", "DIVERGING", "INK", "LINE", "MARKERS", "MUTED", "PAGE", "PAPER", "SEQUENTIAL",
    "axes", "cut", "digits_of", "is_dark", "label_of", "letters", "note", "number", "plain", "scale_of", "wrapped",
]  # fmt: skip

COLUMN, PAGE = 3.5, 7.1  # inches
PAPER, INK, MUTED, LINE = "#ffffff", "#1a1d23", "#5c616c", "#d8d4ca"
CATEGORIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6b7078", "#a6761d"]
MARKERS = ["o", "s", "^", "D", "*", "P", "X", "v"]
DASHES: list[Any] = ["-", "--", ":", "-.", (0, (4, 2)), (0, (1, 2)), (0, (6, 2, 1, 2)), (0, (3, 1))]
SEQUENTIAL = LinearSegmentedColormap.from_list(
    "ink", ["#ffffff", "#dbe5ee", "#a3c1dc", "#5a90bf", "#225a95", "#0b2149"]
)
DIVERGING = LinearSegmentedColormap.from_list(
    "two inks", ["#0d3b73", "#3f7fbd", "#a9c9e4", "#ffffff", "#efb493", "#c9612e", "#7a2706"]
)
# The first comes with matplotlib, so that a figure of Latin, Greek or Cyrillic letters is the same on every machine;
# the others are used where they are installed, for letters it lacks.
_FAMILIES = (
    "DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "PingFang SC", "Yu Gothic",
    "Microsoft YaHei", "Malgun Gothic", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Emoji", "Symbola",
)  # fmt: skip


@contextmanager
def letters() -> Iterator[None]:
    """Draw and save with the house's letters: its sizes, no mathematics, the same bytes each time."""
    settings: dict[str, Any] = {
        "font.family": list(_families()),
        "font.size": 7.5,
        "axes.titlesize": 8,
        "axes.labelsize": 7.5,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.6,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "legend.fontsize": 7,
        "legend.frameon": False,
        "lines.linewidth": 1.3,
        "text.parse_math": False,
        "text.usetex": False,
        "svg.hashsalt": "wonderland",
        "svg.fonttype": "path",
    }
    with matplotlib.rc_context(cast(Any, settings)):
        yield


@functools.cache
def _families() -> tuple[str, ...]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in _FAMILIES if name in installed)


@functools.cache
def _known() -> frozenset[int]:
    """Return the characters some font at hand can draw."""
    known: set[int] = set()
    for family in _families():
        font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=[family])))
        known |= set(font.get_charmap())
    return frozenset(known)


def plain(text: Any, longest: int = 120) -> str:
    r"""Return text that can be printed: what hides, and what no font has, is escaped; what is too long is cut.

    >>> plain("ok \U0010fffd\n")
    'ok \\u{10fffd}⏎'
    """
    shown = visible(str(text), longest).replace("\n", "⏎").replace("\ufe0f", "").replace("\u200d", "")
    known = _known()
    return "".join(
        c if ord(c) in known else f"\\u{{{ord(c):x}}}" if ord(c) > 0xFFFF else f"\\u{ord(c):04x}" for c in shown
    )


def cut(text: Any, longest: int) -> str:
    """Return `plain` text of at most so many letters, the cut shown by an ellipsis."""
    text = str(text)
    return plain(text, longest) if len(text) <= longest else f"{plain(text[: longest - 1], longest)}…"


def digits_of(values: np.ndarray) -> int:
    """Return how many places tell the numbers of one figure apart: three figures of the largest."""
    most = np.max(np.abs(values[np.isfinite(values)]), initial=0.0)
    power = int(np.floor(np.log10(most))) if most > 0 else 0
    return int(np.clip(2 - power if power >= 0 else 1 - power, 0, 4))


def wrapped(text: str, width: float, size: float) -> str:
    """Break a sentence into lines that fit so many inches at so many points."""
    return "\n".join(textwrap.wrap(plain(text, 2000), max(20, int(width * 72 / (size * 0.52)))))


def axes(fig: Figure) -> Axes:
    """Add one pair of axes without a box."""
    ax = fig.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def label_of(axis: Mapping[str, Any]) -> str:
    """Return the label of an axis with its unit."""
    unit = axis.get("unit", "1")
    name, unit = str(axis.get("label", "")), "" if unit in ("", "1", None) else str(unit)
    return plain(f"{name} ({unit})" if name and unit else name or unit)


def note(fig: Figure, text: str) -> None:
    """Say in small letters below the figure what it leaves out or how it marks something; notes add up."""
    notes = [*getattr(fig, "wonderland_notes", []), text]
    fig.wonderland_notes = notes  # type: ignore[attr-defined]


def number(value: float, digits: int | None = None) -> str:
    """Write a number in as few signs as tell it: a minus that is one, and three figures."""
    if not np.isfinite(value):
        return "" if np.isnan(value) else ("∞" if value > 0 else "−∞")
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 100 or (value == int(value) and size >= 10) else 1 if size >= 10 else 2
        if 0 < size < 0.005:
            digits = 4 if size >= 0.00005 else None
    text = formatted(value, ".1e") if digits is None else f"{value:,.{digits}f}"
    return (text.lstrip("-") if not text.strip("-0.,") else text).replace("-", "−")


def is_dark(colour: Sequence[float]) -> bool:
    """Say whether white letters stand out better from a colour than black ones (WCAG's luminance)."""
    parts = [float(part) for part in colour[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179)


def scale_of(series: Mapping[str, Any], values: np.ndarray) -> tuple[Normalize, Colormap]:
    """Return how a series becomes colour, by the report's rules.

    Args:
        series: With ``scale`` and ``domain`` as `wonderland.views.Series` describes them.
        values: All numbers that share the scale; those that are not finite have no colour.
    """
    finite = np.asarray(values, dtype=float)[np.isfinite(np.asarray(values, dtype=float))]
    scale = series.get("scale") or "sequential"
    low, high = series.get("domain") or (min(0.0, finite.min(initial=0.0)), finite.max(initial=0.0))
    low, high = min(low, finite.min(initial=low)), max(high, finite.max(initial=high))
    if scale == "diverging":
        most = max(-low, high, 1e-12)
        return Normalize(-most, most), DIVERGING
    if scale == "log":
        least = finite[finite > 0].min(initial=max(high, 1e-12))
        low = low if low > 0 else least
        return LogNorm(low, high if high > low else low * 10, clip=True), SEQUENTIAL
    high = high if high > low else low + 1
    if scale == "linear" or low < 0:
        return Normalize(low, high), SEQUENTIAL
    return PowerNorm(0.5, low, high), SEQUENTIAL
