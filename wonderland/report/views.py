"""A view as its maker sees it: a typed figure and some sentences; see `wonderland.views`.

A plugin returns `View`s; the report draws them. No view carries JavaScript, HTML or colour: the renderer gives theme,
keys, table, export, escaping and linking to all of them alike.
"""

from __future__ import annotations

from wonderland.report.findings import Check
from wonderland.report.schema import FIGURES, Triangles, View

__all__ = ["RENDERERS", "Check", "Triangles", "View"]

RENDERERS: tuple[str, ...] = tuple(figure.renderer for figure in FIGURES)
