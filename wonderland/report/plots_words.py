"""Conversations, tables and cards on paper, as words: shaded token by token, or in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from wonderland.report.plots_style import (
    CATEGORIES,
    INK,
    LINE,
    MUTED,
    PAGE,
    PAPER,
    cut,
    is_dark,
    label_of,
    note,
    number,
    plain,
    scale_of,
)

__all__ = ["cards", "table", "tokens"]

_ROWS = 24  # rows of a table that fit a page
_MONO = 0.602  # width of a letter of DejaVu Sans Mono, in units of its size
_SIZE, _LINE = 6.5, 0.155  # points, inches
_SPECIAL = ("<|me|>", "<|them|>", "<|sep|>", "<|endoftext|>", "<|pad|>")


def tokens(fig: Figure, data: Mapping[str, Any]) -> None:
    """Draw the first conversation as messages, mine on the right, each token shaded by the first measure."""
    conversation, measure = data["conversations"][0], data["measures"][0]
    values = np.asarray(conversation["values"], dtype=float)[0]
    scaled = np.concatenate([np.asarray(one["values"], dtype=float)[0] for one in data["conversations"]])
    norm, colours = scale_of(measure, scaled)
    width = PAGE - 0.9
    wide = int(width * 0.72 * 72 / (_MONO * _SIZE))  # letters in a line
    lines = _lines(conversation, wide)
    fig.set_size_inches(PAGE, 1.0 + _LINE * (len(lines) + 0.45 * len({row[0] for row in lines})))
    ax = fig.subplots()
    ax.set_axis_off()
    letter, y, before = _MONO * _SIZE / 72, 0.0, None
    for message, mine, row in lines:
        y += _LINE * (1.45 if message != before and before is not None else 1)
        before = message
        x = width - letter * sum(len(text) for _, text in row) if mine else 0.0
        for index, text in row:
            value = values[index]
            colour = colours(norm(value)) if np.isfinite(value) else (1, 1, 1, 1)
            ax.add_patch(Rectangle((x, y), letter * len(text), _LINE * 0.94, facecolor=colour, edgecolor="none"))
            special = conversation["tokens"][index] in _SPECIAL
            ax.text(x, y + _LINE / 2, text, family=["DejaVu Sans Mono", "DejaVu Sans"], va="center_baseline",
                    fontsize=_SIZE * (0.85 if special else 1),
                    color="white" if is_dark(colour) else MUTED if special else INK)  # fmt: skip
            x += letter * len(text)
    ax.set_xlim(0, width)
    ax.set_ylim(y + _LINE * 1.3, 0)
    bar = fig.colorbar(
        ScalarMappable(norm, colours), ax=ax, shrink=min(1, 2.2 / fig.get_figheight()), aspect=18, pad=0.01
    )
    bar.set_label(label_of({"label": measure["name"], "unit": measure.get("unit", "1")}))
    bar.outline.set_edgecolor(LINE)
    note(fig, f"{plain(conversation.get('title', 'one conversation'), 60)}; messages of mine stand on the right.")


def _lines(conversation: Mapping[str, Any], wide: int) -> list[tuple[int, bool, list[tuple[int, str]]]]:
    """Break messages into lines of at most so many letters: (message, mine, [(token, text)])."""
    lines: list[tuple[int, bool, list[tuple[int, str]]]] = []
    room, at = 0, None
    for i, token in enumerate(conversation["tokens"]):
        message, mine = int(np.asarray(conversation["messages"])[i]), conversation["speakers"][i] == "me"
        text = cut(token, 48)
        text = f"{text[2:-2]}:" if token in _SPECIAL[:2] else "·" if token in _SPECIAL[2:] else text
        if message != at or len(text) > room:
            lines.append((message, mine, []))
            room, at = wide, message
        lines[-1][2].append((i, text))
        room -= len(text)
    return lines


def table(fig: Figure, data: Mapping[str, Any]) -> None:
    """Draw the first rows of a table; a number has its interval beside it, and is bold where chance lies outside."""
    columns, rows = data["columns"], data["rows"]
    cells = [[_cell(row.get(column["key"]), column.get("digits")) for column in columns] for row in rows[:_ROWS]]
    bold = [[_beyond(row.get(column["key"])) for column in columns] for row in rows[:_ROWS]]
    numeric = [
        any(
            isinstance(row.get(c["key"]), (int, float, Mapping)) and not isinstance(row.get(c["key"]), bool)
            for row in rows
        )
        for c in columns
    ]
    _columns(fig, [label_of(column) for column in columns], cells, numeric, bold)
    if len(rows) > _ROWS:
        note(fig, f"The first {_ROWS} of {len(rows):,} rows.")
    if any(any(row) for row in bold):
        note(fig, "Bold: the interval leaves the chance level out.")


def _cell(value: Any, digits: int | None = None) -> str:
    if isinstance(value, Mapping):
        text = _cell(value.get("value"), digits)
        if value.get("low") is not None and value.get("high") is not None:
            text += f" [{_cell(value['low'], digits)}, {_cell(value['high'], digits)}]"
        return text
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return number(float(value), digits)
    if isinstance(value, (int, np.integer)):
        return f"{value:,}".replace("-", "−")
    if isinstance(value, (list, tuple)):
        return cut(", ".join(map(str, value)), 44)
    return "" if value is None else cut(value, 44)


def _beyond(value: Any) -> bool:
    if not isinstance(value, Mapping) or any(value.get(key) is None for key in ("low", "high", "chance")):
        return False
    return bool(value["low"] > value["chance"] or value["high"] < value["chance"])


def _columns(
    fig: Figure,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[bool],
    bold: Sequence[Sequence[bool]],
) -> None:
    """Write columns of text whose letters are as large as the page allows, headings broken into lines."""
    longest = [max((len(row[c]) for row in rows), default=1) for c in range(len(heads))]
    broken = [_broken(head, max(longest[c], 6)) for c, head in enumerate(heads)]
    widths = [max(longest[c], *(len(line) for line in broken[c])) + 2 for c in range(len(heads))]
    size = min(7.5, PAGE * 72 / (sum(widths) * 0.56))
    tall = max((len(lines) for lines in broken), default=1)
    step = size * 1.75 / 72
    fig.set_size_inches(PAGE, 0.7 + step * (len(rows) + 0.75 * tall))
    ax = fig.subplots()
    ax.set_axis_off()
    ax.set_xlim(0, sum(widths))
    ax.set_ylim(len(rows) + 0.2, -0.75 * tall)
    left = np.cumsum([0, *widths])
    for c, lines in enumerate(broken):
        x, side = (left[c + 1] - 1, "right") if right[c] else (left[c] + 0.5, "left")
        ax.text(x, -0.2, "\n".join(lines), ha=side, va="bottom", fontsize=size * 0.94, color=MUTED)
        for r, row in enumerate(rows):
            weight = "bold" if bold and bold[r][c] else "normal"
            ax.text(x, r + 0.5, row[c], ha=side, va="center", fontsize=size, color=INK, fontweight=weight)
    for y in range(len(rows) + 1):
        ax.axhline(y, color=MUTED if y in (0, len(rows)) else LINE, linewidth=0.7 if y in (0, len(rows)) else 0.4)


def _broken(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def cards(fig: Figure, data: Mapping[str, Any]) -> None:
    """Draw cards as a table, or, where they hold charts, the first of them with its charts."""
    all_cards = list(data["cards"])
    if any(card.get("blocks") for card in all_cards):
        _open_card(fig, all_cards[0])
        if len(all_cards) > 1:
            note(fig, f"The first of {len(all_cards)} cards.")
        return
    rows = [
        [plain(card["title"], 40) if i == 0 else "", plain(label, 40), _cell(value)]
        for card in all_cards
        for i, (label, value) in enumerate(card.get("rows") or [("", card.get("text", ""))])
    ]
    _columns(fig, ["", "", ""], rows[:_ROWS], [False, False, True], [])
    if len(rows) > _ROWS:
        note(fig, f"The first {_ROWS} of {len(rows)} rows.")


def _open_card(fig: Figure, card: Mapping[str, Any]) -> None:
    blocks = [block for top in card.get("blocks") or () for block in [top, *(top.get("beside") or ())]]
    charts = [block for block in blocks if block.get("bars") or block.get("tokens")][:6]
    left = len([b for b in blocks if any(b.get(key) for key in ("bars", "tokens", "snippets", "lines"))]) - len(charts)
    across = min(3, max(len(charts), 1))
    down = max(1, -(-len(charts) // across))
    fig.set_size_inches(PAGE, 0.9 + 1.75 * down)
    grid = fig.subplots(down, across, squeeze=False)
    for ax in grid.flat[len(charts) :]:
        ax.set_axis_off()
    for block, ax in zip(charts, grid.flat, strict=False):
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title(plain(block.get("title", ""), 44), loc="left", fontsize=7, color=INK)
        _token_bars(ax, block["tokens"]) if block.get("tokens") else _small_bars(ax, block["bars"])
    note(fig, plain(card["title"], 60) + (f"; {left} more of its figures are in the report" if left > 0 else "") + ".")


def _token_bars(ax: Axes, rows: Sequence[Sequence[Any]]) -> None:
    shown = list(rows)[:10]
    values = [np.nan if row[1] is None else float(row[1]) for row in shown]
    ax.barh(range(len(shown)), values, color=[CATEGORIES[v < 0] for v in values], height=0.7)
    ax.set_yticks(range(len(shown)), [plain(row[0], 16) for row in shown], fontsize=6)
    ax.tick_params(axis="y", length=0)
    ax.axvline(0, color=MUTED, linewidth=0.6)
    ax.invert_yaxis()


def _small_bars(ax: Axes, bars: Mapping[str, Any]) -> None:
    values = np.asarray(bars["values"], dtype=float)
    ax.bar(range(len(values)), values, color=CATEGORIES[0], width=0.85)
    if bars.get("chance") is not None:
        chance = np.broadcast_to(np.asarray(bars["chance"], dtype=float), values.shape)
        ax.plot(range(len(values)), chance, color=INK, linewidth=1.2, label="chance")
        ax.legend(fontsize=6)
    ax.set_ylabel(plain(bars.get("label", ""), 30), fontsize=6.5)
    ax.set_facecolor(PAPER)
