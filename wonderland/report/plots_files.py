"""Figures on disk, as SVG and PNG, one of each for a view, with an index that holds the captions.

The same results give the same SVG, byte by byte: no date, no random names. Each file is written beside its place and
moved there at once. What would fool it: letters are drawn as shapes, so a figure with message text is message text,
though no search finds it; files are readable by their owner only.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from wonderland.errors import ResourceError
from wonderland.paths import expanded, replacing, to_write_it
from wonderland.report.plots import figure
from wonderland.report.plots_style import letters
from wonderland.report.schema import View, characters
from wonderland.visible import visible

__all__ = ["figure_files", "save_figures"]


_KINDS = ("svg", "png")
_INDEX = "figures.md"


def figure_files(views: Iterable[View], folder: Path) -> list[Path]:
    """Return the files that `save_figures` writes."""
    return [*(folder / f"{view.id}.{kind}" for view in views for kind in _KINDS), folder / _INDEX]


def save_figures(views: Sequence[View], folder: str | Path, *, dpi: int = 300) -> list[Path]:
    """Draw every view and write ``ID.svg``, ``ID.png`` and an index, ``figures.md``, with titles and captions.

    Args:
        views: What to draw.
        folder: Where to; it is made if it is not there.
        dpi: Dots an inch of the PNGs.

    Returns:
        The files, the index last.

    Raises:
        ResourceError: The folder cannot be written.
    """
    folder = expanded(folder)
    written: list[Path] = []
    index = ["# Figures"]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for view in sorted(views, key=lambda view: view.order):
            fig = figure(view, caption=False)
            for kind in _KINDS:
                drawn = io.BytesIO()
                with letters():
                    metadata = {"Date": None, "Creator": "wonderland"} if kind == "svg" else {"Software": "wonderland"}
                    fig.savefig(drawn, format=kind, dpi=dpi, metadata=metadata)
                written.append(_write(folder / f"{view.id}.{kind}", drawn.getvalue()))
            index += [f"\n## {_line(characters(view.title))}", f"![{view.id}]({view.id}.png)"]
            index += [_line(characters(text)) for text in (view.caption, view.how_to_read, view.misleads) if text]
        written.append(_write(folder / _INDEX, ("\n\n".join(index) + "\n").encode("utf-8")))
    except OSError as error:
        raise ResourceError(
            f"The figures could not be written to {folder}: {error.strerror or error}. "
            "Each is whole or as it was before.",
            hint=to_write_it(error, folder),
        ) from error
    return written


def _line(text: str) -> str:
    """Make one line of Markdown in which a stranger's words are only words."""
    shown = visible(text, 2000).replace("\n", " ")
    return "".join(f"\\{c}" if c in "\\`*_[]<>#!|&" else c for c in shown)


def _write(path: Path, content: bytes) -> Path:
    with replacing(path) as partial:
        partial.write_bytes(content)
    return path
