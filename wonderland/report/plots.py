"""What does a view look like on paper, in a notebook or in an article? The same data as the report's, with matplotlib.

`figure` draws what a flat picture can show of a view: its first series, its first conversation. Colours follow the
report: sequential maps from paper to ink on a square-root scale, diverging ones symmetric about 0, Okabe-Ito with a
marker for categories. Text of strangers goes through `visible`, and is never read as mathematics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, PowerNorm
from matplotlib.figure import Figure

from wonderland.report.text import visible
from wonderland.report.views import Triangles, View

__all__ = ["figure"]

INK, MUTED, LINE = "#1a1d23", "#5c616c", "#e2ded5"
CATEGORIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8a8f98", "#a6761d"]
MARKERS = ["o", "s", "^", "D", "*", "P", "X", "v"]
DASHES: list[Any] = ["-", "--", ":", "-.", (0, (4, 2)), (0, (1, 2))]
SEQUENTIAL = LinearSegmentedColormap.from_list(
    "ink", ["#fcfbf8", "#dbe5ee", "#a3c1dc", "#5a90bf", "#225a95", "#0b2149"]
)
DIVERGING = LinearSegmentedColormap.from_list(
    "two inks", ["#0d3b73", "#3f7fbd", "#a9c9e4", "#fcfbf8", "#efb493", "#c9612e", "#7a2706"]
)


def figure(view: View) -> Figure:
    """Draw a view with matplotlib; nothing is shown or saved.

    Args:
        view: Any view. ``graph`` and ``cards`` are drawn as tables.

    Returns:
        A figure that belongs to no window: save it with ``savefig`` or return it from a notebook cell.
    """
    fig = Figure(figsize=(7.2, 4.6), layout="constrained", facecolor="white")
    drawn = {
        "matrix": _matrix, "matrix-grid": _patterns, "tokens": _tokens, "line": _line, "bars": _bars,
        "scatter": _scatter, "table": _table, "graph": _graph, "cards": _cards,
    }  # fmt: skip
    draw: Callable[[Figure, Mapping[str, Any]], None] = drawn[view.renderer]
    draw(fig, view.panels()[0])
    fig.suptitle(_plain(view.title), x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    if view.caption:
        fig.supxlabel(_plain(view.caption), x=0.01, ha="left", fontsize=8, color=MUTED, wrap=True)
    return fig


def _plain(text: Any, longest: int = 120) -> str:
    """Make a string that matplotlib neither hides nor reads as mathematics."""
    return visible(str(text), longest).replace("\\", "\\\\").replace("$", r"\$").replace("\\\\$", r"\$")


def _axes(fig: Figure) -> Axes:
    ax = fig.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(colors=MUTED, labelsize=8)
    return ax


def _label(axis: Mapping[str, Any]) -> str:
    unit = axis.get("unit", "1")
    return _plain(axis.get("label", "") + ("" if unit in ("", "1") else f", {unit}"))


def _matrix(fig: Figure, data: Mapping[str, Any]) -> None:
    series = data["series"][0]
    values = np.asarray(series["values"], dtype=float)
    finite = values[np.isfinite(values)]
    low, high = series.get("domain") or (min(0.0, finite.min(initial=0)), finite.max(initial=-np.inf))
    low, high = min(low, finite.min(initial=low)), max(high, finite.max(initial=high))
    norm: Normalize
    if series.get("scale") == "diverging":
        most = max(-low, high, 1e-12)
        norm, colours = Normalize(-most, most), DIVERGING
    else:
        norm, colours = PowerNorm(0.5, low, high if np.isfinite(high) and high > low else low + 1), SEQUENTIAL
    ax = fig.subplots()
    picture = ax.imshow(values, cmap=colours, norm=norm, aspect="auto")
    ax.set_xticks(range(values.shape[1]), [_plain(text, 24) for text in data["columns"]], fontsize=8)
    ax.set_yticks(range(values.shape[0]), [_plain(text, 24) for text in data["rows"]], fontsize=8)
    labels = series.get("labels")
    if max(values.shape) <= 12 or labels:
        for (row, column), value in np.ndenumerate(values):
            dark = np.isfinite(value) and _dark(colours(norm(value)))
            ax.text(
                column,
                row,
                _plain(labels[row][column], 10) if labels else f"{value:.2f}",
                ha="center",
                va="center",
                fontsize=8,
                color="white" if dark else "black",
            )
    bar = fig.colorbar(picture, ax=ax, shrink=0.8)
    bar.set_label(_label({"label": series["name"], "unit": series.get("unit", "1")}), fontsize=8)
    bar.ax.tick_params(labelsize=7)


def _dark(colour: Sequence[float]) -> bool:
    red, green, blue = (float(part) for part in colour[:3])
    luminance: float = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
    return luminance < 0.179


def _patterns(fig: Figure, data: Mapping[str, Any]) -> None:
    layers, heads = data["n_layers"], data["n_heads"]
    triangles: Triangles = data["conversations"][0]["patterns"]
    axes = fig.subplots(layers, heads, squeeze=False)
    hidden = np.triu(np.ones(triangles.values.shape[1:], dtype=bool), 1)
    for (layer, head), ax in np.ndenumerate(axes):
        pattern = np.ma.masked_where(hidden, triangles.values[layer * heads + head])
        ax.imshow(pattern, cmap=SEQUENTIAL, norm=PowerNorm(0.5, 0, 1), interpolation="antialiased")
        ax.set_axis_off()
        ax.set_title(f"L{layer}H{head}", fontsize=6, color=MUTED, pad=2)


def _tokens(fig: Figure, data: Mapping[str, Any]) -> None:
    conversation, measure = data["conversations"][0], data["measures"][0]
    values = np.asarray(conversation["values"], dtype=float)[0]
    ax = _axes(fig)
    mine = np.array([who == "me" for who in conversation["speakers"]])
    for who, colour, label in ((mine, CATEGORIES[0], "me"), (~mine, CATEGORIES[1], "them")):
        ax.bar(np.flatnonzero(who), np.nan_to_num(values[who]), width=0.9, color=colour, label=label)
    if len(values) <= 40:
        names = [_plain(token, 14) for token in conversation["tokens"]]
        ax.set_xticks(range(len(values)), names, rotation=90, fontsize=6)
    ax.set_xlabel("token", fontsize=9)
    ax.set_ylabel(_label({"label": measure["name"], "unit": measure.get("unit", "1")}), fontsize=9)
    ax.legend(frameon=False, fontsize=8)


def _line(fig: Figure, data: Mapping[str, Any]) -> None:
    ax = _axes(fig)
    for i, series in enumerate(data["series"]):
        colour = CATEGORIES[i % len(CATEGORIES)]
        x = np.asarray(series["x"], dtype=float)
        y, name = np.asarray(series["y"], dtype=float), _plain(series["name"], 40)
        ax.plot(x, y, linestyle=DASHES[i % 6], color=colour, label=name)
        if series.get("low") is not None and series.get("high") is not None:
            low, high = (np.asarray(series[end], dtype=float) for end in ("low", "high"))
            ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    for reference in data.get("references", ()):
        ax.axhline(reference["y"], color=MUTED, linewidth=0.8, linestyle=":")
        ax.annotate(_plain(reference["name"], 40), (1, reference["y"]), xycoords=("axes fraction", "data"),
                    ha="right", va="bottom", fontsize=7, color=MUTED)  # fmt: skip
    ax.set_xlabel(_label(data["x"]), fontsize=9)
    ax.set_ylabel(_label(data["y"]), fontsize=9)
    if data.get("right"):
        right = ax.secondary_yaxis("right", functions=(np.exp, lambda y: np.log(np.maximum(y, 1e-300))))
        right.set_ylabel(_plain(data["right"]["label"]), fontsize=9)
        right.tick_params(labelsize=8, colors=MUTED)
        low, high = np.exp(ax.get_ylim())
        round_values = [m * 10.0**e for e in range(-3, 12) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
        right.set_yticks(round_values, [f"{value:,g}" for value in round_values])
    ax.legend(frameon=False, fontsize=8)


def _bars(fig: Figure, data: Mapping[str, Any]) -> None:
    ax = _axes(fig)
    places = np.arange(len(data["x"]))
    width = 0.76 / len(data["series"])
    for i, series in enumerate(data["series"]):
        x = places + (i - (len(data["series"]) - 1) / 2) * width
        values = np.asarray(series["values"], dtype=float)
        ax.bar(x, values, width * 0.92, color=CATEGORIES[i % len(CATEGORIES)], label=_plain(series["name"], 40))
        if series.get("low") is not None and series.get("high") is not None:
            ax.vlines(x, np.asarray(series["low"], dtype=float), np.asarray(series["high"], dtype=float), color=INK)
        if series.get("chance") is not None:
            chance = np.broadcast_to(np.asarray(series["chance"], dtype=float), values.shape)
            ax.hlines(chance, x - width * 0.5, x + width * 0.5, color=INK, linewidth=2)
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.set_xticks(places, [_plain(text, 20) for text in data["x"]], fontsize=8)
    ax.set_ylabel(_label(data["y"]), fontsize=9)
    if len(data["series"]) > 1:
        ax.legend(frameon=False, fontsize=8)


def _scatter(fig: Figure, data: Mapping[str, Any]) -> None:
    ax = _axes(fig)
    groups = list(data.get("groups", ())) or [""]
    points = _points_of(data["ways"]) if "ways" in data else data["points"]
    for g, name in enumerate(groups):
        members = [point for point in points if (point.get("group") or 0) == g]
        ax.scatter([p["x"] for p in members], [p["y"] for p in members], s=36, marker=MARKERS[g % len(MARKERS)],
                   color=CATEGORIES[g % len(CATEGORIES)], label=_plain(name, 40))  # fmt: skip
    ax.margins(0.1)
    for point in points if len(points) <= 80 else ():
        ax.annotate(_plain(point["label"], 16), (point["x"], point["y"]), xytext=(5, 3), textcoords="offset points",
                    fontsize=7, color=MUTED)  # fmt: skip
    ax.set_xlabel(_label(data["x"]), fontsize=9)
    ax.set_ylabel(_label(data["y"]), fontsize=9)
    if len(groups) > 1:
        ax.legend(frameon=False, fontsize=8)


def _points_of(ways: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the points that lines through groups go over."""
    return [
        {"label": name, "x": float(x), "y": float(y), "group": group}
        for name, xs, ys in zip(ways["names"], ways["x"], ways["y"], strict=True)
        for group, (x, y) in enumerate(zip(xs, ys, strict=True))
    ]


def _table(fig: Figure, data: Mapping[str, Any]) -> None:
    columns = data["columns"]
    rows = [[_cell(row.get(column["key"]), column.get("digits")) for column in columns] for row in data["rows"][:24]]
    _draw_table(fig, [_plain(column["label"], 24) for column in columns], rows, len(data["rows"]))


def _graph(fig: Figure, data: Mapping[str, Any]) -> None:
    names = {node["id"]: node["label"] for node in data["nodes"]}
    edges = sorted(data["edges"], key=lambda edge: -abs(edge["value"]))
    rows = [
        [_plain(names.get(e["from"], e["from"]), 30), _plain(names.get(e["to"], e["to"]), 30), _cell(e)] for e in edges
    ]
    _draw_table(fig, ["from", "to", "effect"], rows[:24], len(rows))


def _cards(fig: Figure, data: Mapping[str, Any]) -> None:
    rows = [
        [_plain(card["title"], 30), _plain(label, 30), _cell(value)]
        for card in data["cards"]
        for label, value in card.get("rows", ())
    ]
    _draw_table(fig, ["", "", ""], rows[:24], len(rows))


def _cell(value: Any, digits: int | None = None) -> str:
    if isinstance(value, Mapping):
        text = _cell(value["value"], digits)
        if value.get("low") is not None and value.get("high") is not None:
            text += f"  [{_cell(value['low'], digits)}, {_cell(value['high'], digits)}]"
        return text
    if isinstance(value, (float, np.floating)):
        return f"{value:.3g}" if digits is None else f"{value:.{digits}f}"
    return "" if value is None else _plain(value, 30)


def _draw_table(fig: Figure, columns: list[str], rows: list[list[str]], total: int) -> None:
    ax = fig.subplots()
    ax.set_axis_off()
    if not rows:
        return
    table = ax.table(cellText=rows, colLabels=columns, loc="upper left", cellLoc="left", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for cell in table.get_celld().values():
        cell.set_edgecolor(LINE)
    if total > len(rows):
        ax.set_title(f"the first {len(rows)} of {total} rows", fontsize=7, color=MUTED, loc="right")
