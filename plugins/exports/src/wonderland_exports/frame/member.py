"""One file of an export, wherever it lies, and what its first bytes say."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO, TypeVar

from wonderland.errors import InputError, WonderlandError
from wonderland_exports.frame.guarded import Guarded
from wonderland_exports.frame.kept import Kept

__all__ = ["Member", "encoding_of", "head", "must_be_utf8"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Member:
    """One file of an export.

    Attributes:
        name: Its path inside the export, with ``/``; the file's own name where the export is one file.
        size: Its size in bytes, unpacked.
    """

    name: str
    size: int
    _opener: Callable[[], BinaryIO] = field(repr=False, compare=False)
    _kept: Kept | None = field(default=None, repr=False, compare=False)

    def once(self, make: Callable[[Member], _T]) -> _T:
        """Return what ``make`` makes of this file, made in one pass and kept for the next if it is small enough.

        Nobody may change it.
        """
        if self._kept is None:
            return make(self)
        return self._kept.once(self.name, self.size, lambda: make(self))

    @property
    def path(self) -> PurePosixPath:
        """The name as a path."""
        return PurePosixPath(self.name)

    def open(self) -> BinaryIO:
        """Open it for reading bytes; damage shows as `InputError` when the bytes are read."""
        return io.BufferedReader(Guarded(self._opener, self.name), 1 << 18)

    def read(self, most: int = -1) -> bytes:
        """Read it whole, or its first ``most`` bytes."""
        with self.open() as file:
            return file.read(most)


def head(member: Member, most: int = 1 << 14) -> bytes:
    """Return the first bytes of a member, in UTF-8 if it is marked as UTF-16; empty where it cannot be read."""
    try:
        content = member.read(most)
    except (OSError, WonderlandError):
        return b""
    return content.decode("utf-16", "ignore").encode() if encoding_of(content) == "utf-16" else content


def must_be_utf8(member: Member) -> None:
    """Refuse a member that is marked as UTF-16.

    Raises:
        InputError: It is.
    """
    if encoding_of(member.read(2)) == "utf-16":
        raise InputError(
            f"{member.name} is written in UTF-16, which no app does that writes such files: an editor saved it so.",
            hint="Give the file as it was before, or open it in the editor and save it as UTF-8.",
        )


def encoding_of(content: bytes) -> str:
    """Return how a text is encoded that begins with these bytes: UTF-8, unless it is marked as UTF-16."""
    return "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
