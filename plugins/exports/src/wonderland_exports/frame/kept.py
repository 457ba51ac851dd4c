"""What one pass over an export makes of its files, kept for the next pass, so that nothing modest is parsed twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

__all__ = ["Kept"]

MOST = 1 << 26  # bytes of files; what is made of them takes some six times as much memory
_T = TypeVar("_T")


class Kept:
    """What was made of the files of one export, up to so many bytes of them together."""

    def __init__(self, most: int = MOST) -> None:
        self._left = most
        self._made: dict[str, object] = {}

    def once(self, name: str, size: int, make: Callable[[], _T]) -> _T:
        """Return what was made of a file, or make it now."""
        if name in self._made:
            return cast(_T, self._made[name])
        made = make()
        if size <= self._left:
            self._left -= size
            self._made[name] = made
        return made

    def clear(self) -> None:
        """Let go of all."""
        self._made.clear()
        self._left = 0
