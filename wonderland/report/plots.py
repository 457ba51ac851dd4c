"""Views on paper, in a notebook or in an article: the same data as the report's, with matplotlib.

`figure` draws what a flat picture can show of a view: its alternatives side by side where they fit, else the first; its
first conversation. What it leaves out it says in small letters. Sizes are those of an article's page, colours and
letters those of `plots_style`. `wonderland.report.plots_files` saves figures as SVG and PNG.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from wonderland.report.plots_charts import bars, line, scatter
from wonderland.report.plots_graph import graph
from wonderland.report.plots_grids import matrix, patterns
from wonderland.report.plots_style import INK, MUTED, PAGE, PAPER, letters, note, plain, wrapped
from wonderland.report.plots_words import cards, table, tokens
from wonderland.report.schema import View, characters

__all__ = ["figure"]

_DRAWN: Mapping[str, Callable[[Figure, Mapping[str, Any]], None]] = {
    "matrix": matrix, "matrix-grid": patterns, "tokens": tokens, "line": line, "bars": bars,
    "scatter": scatter, "table": table, "graph": graph, "cards": cards,
}  # fmt: skip


def figure(view: View, *, caption: bool = True) -> Figure:
    """Draw a view with matplotlib; nothing is shown or saved.

    Args:
        view: Any view. Of one with several panels the first is drawn.
        caption: Whether the caption stands below; an article sets its own.

    Returns:
        A figure that belongs to no window: save it with ``savefig`` or return it from a notebook cell.
    """
    with letters():
        fig = Figure(figsize=(PAGE, 3.4), layout="constrained", facecolor=PAPER, dpi=200)
        panels = view.panels()
        _DRAWN[view.renderer](fig, panels[0])
        if len(panels) > 1:
            note(fig, f"{plain(panels[0]['title'], 60)}, the first of {len(panels)}.")
        width = fig.get_figwidth()
        fig.suptitle(
            wrapped(characters(view.title), width, 10), x=0.01, ha="left", fontsize=9, fontweight="bold", color=INK
        )
        below = [
            *([characters(view.caption)] if caption and view.caption else []),
            *getattr(fig, "wonderland_notes", ()),
        ]
        if below:
            fig.supxlabel(wrapped(" ".join(below), width, 6.5), x=0.01, ha="left", fontsize=6.5, color=MUTED)
    return fig
