"""What a typedstream consists of once it is read: the values that `typedstream.walk` returns."""

from __future__ import annotations

from typing import Any, NamedTuple

from wonderland.errors import InputError

__all__ = ["ArchiveError", "Archived", "ArchivedClass", "Group", "Mark"]


class ArchiveError(InputError):
    """Bytes that are not a typedstream, or one that breaks off or contradicts itself."""

    def __init__(self, reason: str, *, offset: int | None = None) -> None:
        super().__init__(reason if offset is None else f"{reason} (byte {offset})")
        self.reason = self.message


class ArchivedClass(NamedTuple):
    """A class as the archive names it: its name, its version and its superclass."""

    name: str
    version: int
    superclass: ArchivedClass | None

    def is_a(self, name: str) -> bool:
        """Say whether this class or one of its ancestors has this name."""
        known: ArchivedClass | None = self
        while known is not None:
            if known.name == name:
                return True
            known = known.superclass
        return False


class Group(NamedTuple):
    """A type encoding and the values that follow it, one for each type."""

    types: bytes
    values: tuple[Any, ...]


class Archived:
    """An object: its class and the groups that its ``encodeWithCoder:`` wrote."""

    __slots__ = ("cls", "groups")

    def __init__(self) -> None:
        self.cls: ArchivedClass | None = None
        self.groups: list[Group] = []

    def is_a(self, name: str) -> bool:
        """Say whether the object's class or one of its ancestors has this name."""
        return self.cls is not None and self.cls.is_a(name)

    def __repr__(self) -> str:
        return f"<{self.cls.name if self.cls else 'nil'}, {len(self.groups)} groups>"


class Mark(NamedTuple):
    """Where a value lies whose length or content varies from archive to archive (see `skeletons`)."""

    start: int
    end: int
    kind: str  # "+" bytes with their length, "run" the second of "iI", "data" a count and the raw bytes it counts
    content: bytes
