"""Tables of numbers and attention patterns on paper, as cells from paper to ink, with their numbers.

A number stands in each cell that is wide enough; it is bold where its interval leaves its chance level out, so that a
reader sees what is beyond chance without colour. Alternatives of a view that fit side by side are drawn side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from wonderland.report.plots_style import (
    COLUMN,
    INK,
    LINE,
    MUTED,
    PAGE,
    SEQUENTIAL,
    cut,
    digits_of,
    is_dark,
    label_of,
    note,
    number,
    plain,
    scale_of,
)
from wonderland.report.schema import Triangles

__all__ = ["matrix", "patterns"]

_TOGETHER = 4  # alternatives drawn side by side
_LABELLED = 48  # rows or columns that can be named one by one


def matrix(fig: Figure, data: Mapping[str, Any]) -> None:
    """Draw every series of a matrix, if they fit side by side; else the first."""
    series = list(data["series"])
    rows, columns = np.shape(series[0]["values"])[:2]
    words = any(_words(data, one) for one in series)
    fit = columns <= 12 and rows <= 24 and not words
    shown = series[:_TOGETHER] if fit else series[:1]
    if len(shown) < len(series):
        left = ", ".join(plain(one["name"], 40) for one in series[len(shown) :])
        note(fig, f"Shown: {', '.join(plain(one['name'], 40) for one in shown)}. Also in the report: {left}.")
    across = 1 if len(shown) == 1 else 2
    down = -(-len(shown) // across)
    width = PAGE if across == 2 or columns > 8 else COLUMN
    cell = 0.48 if words else 0.3 if rows <= 24 else max(0.12, 6.5 / rows)
    fig.set_size_inches(width, 0.9 + down * (max(rows * cell, 0.9) + 0.55))
    grid = fig.subplots(down, across, squeeze=False)
    for ax in grid.flat[len(shown) :]:
        ax.set_axis_off()
    shared = np.concatenate([np.ravel(np.asarray(one["values"], dtype=float)) for one in series])
    beyond = False
    for one, ax in zip(shown, grid.flat, strict=False):
        values = np.asarray(one["values"], dtype=float)
        beyond |= _cells(fig, ax, data, one, shared if data.get("shared") else values, width / across)
        if len(shown) > 1:
            ax.set_title(plain(one["name"], 60), loc="left", color=INK)
    if beyond:
        note(fig, "Bold: the interval leaves the chance level out.")


def _words(data: Mapping[str, Any], series: Mapping[str, Any]) -> Sequence[Sequence[str]] | None:
    return series.get("labels") or data.get("labels")


def _cells(
    fig: Figure, ax: Axes, data: Mapping[str, Any], series: Mapping[str, Any], scaled: np.ndarray, width: float
) -> bool:
    values = np.asarray(series["values"], dtype=float)
    rows, columns = values.shape
    norm, colours = scale_of(series, scaled)
    ax.set_facecolor("#f1efe9")  # a cell without a number is not a zero
    picture = ax.imshow(np.ma.masked_invalid(values), cmap=colours, norm=norm, aspect="auto")
    ax.spines[:].set_color(LINE)
    ax.tick_params(length=0)
    _names(ax, "x", data["columns"], width, data.get("marked"))
    _names(ax, "y", series.get("rows") or data["rows"], width)
    if data.get("below"):
        second = ax.secondary_xaxis("bottom", functions=(lambda x: x, lambda x: x))
        second.set_xticks(range(columns), [plain(text, 14) for text in data["below"]], rotation=90)
        second.tick_params(length=0, labelsize=6)
        ax.xaxis.tick_top()
    if rows <= _LABELLED and columns <= _LABELLED:
        ax.set_xticks(np.arange(columns - 1) + 0.5, minor=True)
        ax.set_yticks(np.arange(rows - 1) + 0.5, minor=True)
        ax.grid(which="minor", color="white", linewidth=0.8)
        ax.tick_params(which="minor", length=0)
    words = _words(data, series)
    room = width * 72 * 0.72 / columns  # points across a cell
    beyond = _beyond_chance(series, values)
    written, digits = room >= 15 or words is not None, digits_of(values)
    upright = words is not None and room < 30
    if written:
        for (row, column), value in np.ndenumerate(values):
            text = cut(words[row][column], 9) if words else number(value, digits)
            dark = np.isfinite(value) and is_dark(colours(norm(value)))
            size = min(6.0, room * 0.62 if upright else room / 6) if words else min(7.0, room / 4.6 * 1.35)
            ax.text(column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else INK,
                    rotation=90 if upright else 0, fontweight="bold" if beyond[row, column] else "normal")  # fmt: skip
    bar = fig.colorbar(picture, ax=ax, shrink=0.9, aspect=18, pad=0.015)
    bar.set_label(
        label_of({"label": series["name"] if len(data["series"]) == 1 else "", "unit": series.get("unit", "1")})
    )
    bar.outline.set_edgecolor(LINE)
    bar.ax.tick_params(labelsize=6.5)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value) if value else "0"))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    chance = series.get("chance")
    if chance is not None and np.ptp(np.asarray(chance, dtype=float)) == 0:
        level = float(np.ravel(chance)[0])
        bar.ax.axhline(level, color=INK, linewidth=1)
        bar.ax.annotate("chance", (0, level), xycoords=("axes fraction", "data"), xytext=(-2, 0), fontsize=5.5,
                        textcoords="offset points", ha="right", va="center", color=MUTED, rotation=90)  # fmt: skip
    return bool(written and beyond.any())


def _beyond_chance(series: Mapping[str, Any], values: np.ndarray) -> np.ndarray:
    """Say of each cell whether its interval leaves its chance level out."""
    if any(series.get(key) is None for key in ("low", "high", "chance")):
        return np.zeros(values.shape, dtype=bool)
    low, high, chance = (
        np.broadcast_to(np.asarray(series[key], dtype=float), values.shape) for key in ("low", "high", "chance")
    )
    with np.errstate(invalid="ignore"):
        return np.asarray((low > chance) | (high < chance))


def _names(ax: Axes, which: str, labels: Sequence[Any], width: float, marked: Sequence[int] | None = None) -> None:
    axis = ax.xaxis if which == "x" else ax.yaxis
    step = -(-len(labels) // _LABELLED)
    places = range(0, len(labels), step)
    names = [cut(labels[i], 22) for i in places]
    size = 7 if len(names) <= 24 else 5.5
    upright = which == "x" and max((len(name) for name in names), default=0) * 4.6 > width * 54 / len(names)
    axis.set_ticks(list(places), names, fontsize=size, rotation=90 if upright else 0)
    for place, text in zip(places, axis.get_ticklabels(), strict=False):
        if marked is not None and place in marked:
            text.set_fontweight("bold")


def patterns(fig: Figure, data: Mapping[str, Any]) -> None:
    """Draw the attention pattern of every head on the first conversation."""
    layers, heads = int(data["n_layers"]), int(data["n_heads"])
    conversation = data["conversations"][0]
    triangles: Triangles = conversation["patterns"]
    side = PAGE / max(heads, 4)
    fig.set_size_inches(side * heads if heads >= 4 else PAGE * heads / 4 + 0.4, 0.75 + layers * side)
    grid = fig.subplots(layers, heads, squeeze=False)
    hidden = np.triu(np.ones(triangles.values.shape[1:], dtype=bool), 1)
    labels, picture = data.get("labels"), None
    for (layer, head), ax in np.ndenumerate(grid):
        shown = np.ma.masked_where(hidden, triangles.values[layer * heads + head])
        picture = ax.imshow(shown, cmap=SEQUENTIAL, norm=PowerNorm(0.5, 0, 1), interpolation="antialiased")
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(LINE)
        role = f" {plain(labels[layer][head], 18)}" if labels else ""
        ax.set_title(f"L{layer}H{head}{role}", fontsize=6 if heads <= 8 else 5, color=INK, pad=2, loc="left")
    if picture is not None:
        bar = fig.colorbar(picture, ax=grid.ravel().tolist(), shrink=0.6, aspect=30, pad=0.01)
        bar.set_label("attention")
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=6)
    note(fig, f"Rows look, columns are looked at; {len(conversation['tokens'])} tokens of one conversation, "
              "square-root scale.")  # fmt: skip
