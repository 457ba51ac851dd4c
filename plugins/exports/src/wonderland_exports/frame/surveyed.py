"""A source that looks through its whole export once, in a survey, before it yields the first row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from wonderland_exports.frame.files import Export

__all__ = ["Surveyed"]


class _Counted(Protocol):
    @property
    def rows(self) -> int:
        """Rows of all files."""


S = TypeVar("S", bound=_Counted)


class Surveyed(Generic[S]):
    """Opens an export and surveys it once, whatever is asked first; a subclass says how, and yields the rows.

    Args:
        path: A file, a folder or a zip.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._opened: tuple[Export, S] | None = None
        self._facts: Mapping[str, Mapping[str, int]] = {}
        self._notes: list[str] = []

    def count(self) -> int:
        """Count the rows of all files."""
        return self._open()[1].rows

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Count where rows were found, what was mended and what had to be left open, once `rows` is exhausted."""
        return self._facts

    def notes(self) -> list[str]:
        """Return what the user should know of this export."""
        return list(self._notes)

    def close(self) -> None:
        """Close the zip."""
        if self._opened:
            self._opened[0].close()
            self._opened = None

    def _open(self) -> tuple[Export, S]:
        if self._opened is None:
            export = self._files()
            self._opened = export, self._survey(export)
            self._notes = export.notes
        return self._opened

    def _files(self) -> Export:
        """Open the export."""
        raise NotImplementedError

    def _survey(self, export: Export) -> S:
        """Look through it."""
        raise NotImplementedError
