"""Curves, bars and points on paper, with their intervals, and chance where it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wonderland.report.plots_style import (
    CATEGORIES,
    COLUMN,
    DASHES,
    INK,
    LINE,
    MARKERS,
    MUTED,
    PAGE,
    SEQUENTIAL,
    axes,
    label_of,
    note,
    plain,
)

__all__ = ["bars", "line", "scatter"]

_NAMED = 8  # series that colours and dashes can tell apart
_POINTS = 80  # points that can be named


def line(fig: Figure, data: Mapping[str, Any]) -> None:
    """Draw curves with bands; more than eight are drawn alike, the highest and lowest at the end named."""
    series = data["series"]
    fig.set_size_inches(PAGE if len(series) > 3 or data.get("right") else COLUMN + 1.4, 3.0)
    ax = axes(fig)
    many = len(series) > _NAMED
    coloured = [one for one in series if not one.get("chance")]  # chance has one look, and takes no colour from another
    for one in series:
        chance, i = one.get("chance"), next((i for i, other in enumerate(coloured) if other is one), 0)
        colour = INK if chance else MUTED if many else CATEGORIES[i % len(CATEGORIES)]
        x, y = np.asarray(one["x"], dtype=float), np.asarray(one["y"], dtype=float)
        dash = (0, (1, 2)) if chance else "-" if many else DASHES[i % len(DASHES)]
        ax.plot(x, y, linestyle=dash, color=colour, alpha=0.55 if many else 1,
                linewidth=0.8 if many else 1.3, label=plain(one["name"], 40), marker="o" if len(x) <= 12 else "",
                markersize=2.5)  # fmt: skip
        if one.get("low") is not None and one.get("high") is not None:
            low, high = (np.asarray(one[end], dtype=float) for end in ("low", "high"))
            ax.fill_between(x, low, high, color=colour, alpha=0.08 if many else 0.18, linewidth=0)
    for reference in data.get("references") or ():
        ax.axhline(reference["y"], color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
        ax.annotate(plain(reference["name"], 40), (1, reference["y"]), xycoords=("axes fraction", "data"),
                    ha="right", va="bottom", fontsize=6, color=MUTED)  # fmt: skip
    ax.set_xlabel(label_of(data["x"]))
    ax.set_ylabel(label_of(data["y"]))
    names = data["x"].get("names")
    if names:
        step = -(-len(names) // 24)
        ax.set_xticks(range(0, len(names), step), [plain(name, 14) for name in names[::step]])
        if sum(len(str(name)) for name in names[::step]) > 60:
            ax.tick_params(axis="x", rotation=90)
    if many:
        _name_the_outer(ax, series)
        note(fig, f"{len(series)} curves; those that end highest and lowest are named.")
    elif len(series) > 1:
        ax.legend()
    if all(float(x).is_integer() for one in series for x in np.asarray(one["x"], dtype=float)) and not names:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if data.get("right"):
        _second_axis(ax, data["right"])


def _name_the_outer(ax: Axes, series: Sequence[Mapping[str, Any]]) -> None:
    ends = [np.asarray(one["y"], dtype=float) for one in series]
    last = [values[np.isfinite(values)][-1] if np.isfinite(values).any() else np.nan for values in ends]
    order = [i for i in np.argsort(last) if np.isfinite(last[i])]
    for place, i in enumerate(dict.fromkeys([*order[:2], *order[-2:]])):
        curve, colour = ax.lines[i], CATEGORIES[place % len(CATEGORIES)]
        curve.set(color=colour, alpha=1, linewidth=1.3, zorder=3)
        ax.annotate(plain(series[i]["name"], 20), (float(np.asarray(series[i]["x"])[-1]), last[i]), xytext=(3, 0),
                    textcoords="offset points", fontsize=6, color=colour, va="center")  # fmt: skip


def _second_axis(ax: Axes, right: Mapping[str, Any]) -> None:
    second = ax.secondary_yaxis("right", functions=(np.exp, lambda y: np.log(np.maximum(y, 1e-300))))
    second.set_ylabel(plain(right["label"]))
    low, high = np.exp(ax.get_ylim())
    ticks = [m * 10.0**e for e in range(-3, 12) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
    second.set_yticks(ticks, [f"{value:,g}" for value in ticks])


def bars(fig: Figure, data: Mapping[str, Any]) -> None:
    """Draw bars with whiskers, and a black line across each where chance would stand."""
    labels, series = data["x"], data["series"]
    total = len(labels) * len(series)
    fig.set_size_inches(PAGE if total > 10 else COLUMN, 2.9)
    ax = axes(fig)
    places, width = np.arange(len(labels)), 0.78 / len(series)
    chance_known = False
    for i, one in enumerate(series):
        x = places + (i - (len(series) - 1) / 2) * width
        values = np.asarray(one["values"], dtype=float)
        ax.bar(x, values, width * 0.92, color=CATEGORIES[i % len(CATEGORIES)], label=plain(one["name"], 40))
        if one.get("low") is not None and one.get("high") is not None:
            low, high = (np.asarray(one[end], dtype=float) for end in ("low", "high"))
            ax.vlines(x, low, high, color=INK, linewidth=0.9)
        if one.get("chance") is not None:
            chance = np.broadcast_to(np.asarray(one["chance"], dtype=float), values.shape)
            ax.hlines(chance, x - width * 0.5, x + width * 0.5, color=INK, linewidth=1.6)
            chance_known = True
    ax.axhline(0, color=MUTED, linewidth=0.6)
    step = -(-len(labels) // 40)
    names = [plain(text, 26) for text in labels[::step]]
    upright = sum(len(name) + 2 for name in names) * 4.2 > fig.get_figwidth() * 72 * 0.85
    ax.set_xticks(places[::step], names, rotation=90 if upright else 0, fontsize=7 if len(names) <= 24 else 5.5)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(label_of(data["y"]))
    if len(series) > 1:
        _names_above(fig, ax, [plain(one["name"], 40) for one in series])
    if chance_known:
        note(fig, "Black line across a bar: its chance level.")


def _names_above(fig: Figure, ax: Axes, names: Sequence[str]) -> None:
    """Name the series above the axes, as many in a row as the figure is wide for; else no room is left to the axes."""
    wide = 28 + 4 * max(map(len, names))  # points of one name with its sign, at 7 points a letter or less
    columns = max(1, min(len(names), 4, int(fig.get_figwidth() * 72 * 0.85 // wide)))
    rows = -(-len(names) // columns)
    fig.set_figheight(fig.get_figheight() + 0.15 * (rows - 1))
    ax.legend(ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)


def scatter(fig: Figure, data: Mapping[str, Any]) -> None:
    """Draw points by group, or ways through the groups, with as many names as there is room for."""
    fig.set_size_inches(PAGE * 0.72, 3.6)
    ax = axes(fig)
    groups = [plain(name, 40) for name in data.get("groups") or ()] or [""]
    ordered = bool(data.get("ordered") or data.get("ways"))
    colours = [SEQUENTIAL(0.25 + 0.75 * g / max(len(groups) - 1, 1)) for g in range(len(groups))] if ordered else (
        [CATEGORIES[g % len(CATEGORIES)] for g in range(len(groups))]
    )  # fmt: skip
    points = list(data.get("points") or ())
    ways = data.get("ways")
    if ways:
        x, y = (np.asarray(ways[axis], dtype=float) for axis in ("x", "y"))
        ax.plot(x.T, y.T, color=LINE, linewidth=0.6, zorder=1)
        points = [
            {"label": name if g == len(groups) - 1 else "", "x": x[w, g], "y": y[w, g], "group": g}
            for w, name in enumerate(ways["names"])
            for g in range(len(groups))
        ]
    for g, name in enumerate(groups):
        members = [point for point in points if (point.get("group") or 0) == g]
        ax.scatter([p["x"] for p in members], [p["y"] for p in members], s=14 if len(points) > 60 else 26,
                   marker=MARKERS[g % len(MARKERS)], color=[colours[g]], edgecolors="white" if not ordered else MUTED,
                   linewidths=0.4, label=name, zorder=2)  # fmt: skip
    ax.margins(0.08)
    if data.get("diagonal"):
        low, high = max(ax.get_xlim()[0], ax.get_ylim()[0]), min(ax.get_xlim()[1], ax.get_ylim()[1])
        ax.plot([low, high], [low, high], color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
    _name_points(ax, points)
    ax.set_xlabel(label_of(data["x"]))
    ax.set_ylabel(label_of(data["y"]))
    if len(groups) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)


def _name_points(ax: Axes, points: Sequence[Mapping[str, Any]]) -> None:
    """Name points where a name does not lie on another one."""
    taken: list[tuple[float, float, float, float]] = []
    box = ax.transData
    for point in points if len(points) <= _POINTS else ():
        text = plain(point.get("label", ""), 16)
        if not text.strip():
            continue
        x, y = box.transform((float(point["x"]), float(point["y"])))
        here = (x + 4, y, x + 4 + 4.2 * len(text) * ax.figure.dpi / 72, y + 8 * ax.figure.dpi / 72)
        if any(here[0] < b[2] and b[0] < here[2] and here[1] < b[3] and b[1] < here[3] for b in taken):
            continue
        taken.append(here)
        ax.annotate(text, (point["x"], point["y"]), xytext=(3, 2), textcoords="offset points", fontsize=6, color=INK)
