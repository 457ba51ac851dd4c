"""What the core itself registers, through the same hooks as everybody: two generic sources and the six filters.

The modules of sources and filters are imported when they are asked for, as loading plugins is what every command does
that knows their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wonderland.hookspecs import hookimpl

if TYPE_CHECKING:
    from wonderland.corpus.filters import Filter
    from wonderland.corpus.source import Source


@hookimpl
def wonderland_sources() -> list[type[Source]]:
    """Register JSON Lines and CSV."""
    from wonderland.corpus.csv_source import CsvSource
    from wonderland.corpus.jsonl_source import JsonLines

    return [JsonLines, CsvSource]


@hookimpl
def wonderland_filters() -> list[Filter]:
    """Register the built-in filters."""
    from wonderland.corpus.filters import BUILTIN

    return BUILTIN
