"""What the core itself registers, through the same hooks as everybody: two generic sources and the six filters."""

from __future__ import annotations

from wonderland.corpus.csv_source import CsvSource
from wonderland.corpus.filters import BUILTIN, Filter
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.corpus.source import Source
from wonderland.hookspecs import hookimpl


@hookimpl
def wonderland_sources() -> list[type[Source]]:
    """Register JSON Lines and CSV."""
    return [JsonLines, CsvSource]


@hookimpl
def wonderland_filters() -> list[Filter]:
    """Register the built-in filters."""
    return BUILTIN
