"""What a notebook shows of a value at the end of a cell: one line and a small table, as HTML without a script.

It paints its own light ground, so that it reads the same in a dark notebook. Words of strangers are escaped, and
characters that hide or reorder are shown as in the report.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from wonderland.visible import visible

__all__ = ["STYLE", "escaped", "table_of"]

STYLE = (
    "font:13px/1.45 system-ui,sans-serif;color:#1a1d23;background:#ffffff;padding:10px 12px;border:1px solid #d8d4ca"
)
"""The style of the box that all of them stand in."""


def table_of(line: str, rows: Iterable[Sequence[object]]) -> str:
    """Return a line of words above a small table.

    Args:
        line: What it is.
        rows: A label first, then what it is of; numbers stand at the right, whole ones with their thousands apart.
    """
    cell = "padding:2px 14px 2px 0;vertical-align:top"

    def drawn(at: int, value: object) -> str:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        text = f"{value:,}" if number else str(value)
        more = ";text-align:right" if number else ";text-align:left"
        return f'<td style="{cell}{more};color:{"#1a1d23" if at else "#5c616c"}">{escaped(text)}</td>'

    body = "".join("<tr>" + "".join(drawn(i, value) for i, value in enumerate(row)) + "</tr>" for row in rows)
    table = f'<table style="border-collapse:collapse;margin-top:6px">{body}</table>' if body else ""
    return f'<div style="{STYLE}"><b>{escaped(line)}</b>{table}</div>'


def escaped(text: str) -> str:
    """Return text that is nothing but text in HTML."""
    return html.escape(visible(text, 2000))
