"""What a reader of views asks first: what a view answers, and what stands under a heading of a table."""

from __future__ import annotations

from collections.abc import Iterable

from wonderland.report.glossary import terms_in
from wonderland.report.schema import Table, View, characters

__all__ = ["unexplained"]


def unexplained(views: Iterable[View]) -> list[str]:
    """Return what says nothing: a view without a subtitle, a column with neither a help nor a term of the glossary."""
    found = []
    for view in views:
        if not characters(view.subtitle).strip():
            found.append(f"{view.id} has no subtitle")
        tables = [figure for figure in view.figures() if isinstance(figure, Table)]
        for column in (column for table in tables for column in table.columns):
            label = characters(column.label)
            if not characters(column.help).strip() and not terms_in(label):
                found.append(f"{view.id}: the column {label!r} has no help")
    return found
