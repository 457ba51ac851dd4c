"""What the type encodings of a typedstream mean: ``@``, ``iI``, ``[12c]``, ``{_NSRange=QQ}``."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from wonderland_imessage.archived import ArchiveError

__all__ = ["Array", "Structure", "Type", "least", "parse_types"]


class Array(NamedTuple):
    """``[12c]``: so many of one type."""

    length: int
    element: Type


class Structure(NamedTuple):
    """``{name=ff}``: one value of each type."""

    fields: tuple[Type, ...]


Type = str | Array | Structure


@lru_cache(maxsize=4096)
def parse_types(encoding: bytes) -> tuple[Type, ...]:
    """Split a type encoding such as ``iI`` or ``{_NSRange=QQ}`` into its types."""
    text = encoding.decode("latin-1")
    types, position = [], 0
    while position < len(text):
        one, position = _type(text, position, 0)
        types.append(one)
    return tuple(types)


def _type(text: str, at: int, depth: int) -> tuple[Type, int]:
    if depth > 8 or at >= len(text):
        raise ArchiveError("a type encoding is unfinished or nested too deeply")
    head = text[at]
    if head in "@+*#%:cCBislqISLQfd":
        return head, at + 1
    if head == "[":
        digits = at + 1
        while digits < len(text) and text[digits] in "0123456789":
            digits += 1
        if not 1 <= digits - at - 1 <= 10:
            raise ArchiveError("an array type has no sensible count")
        element, at_end = _type(text, digits, depth + 1)
        if text[at_end : at_end + 1] != "]":
            raise ArchiveError("an array type is not closed")
        return Array(int(text[at + 1 : digits]), element), at_end + 1
    if head == "{":
        at = text.find("=", at) + 1
        fields: list[Type] = []
        while at and text[at : at + 1] not in ("}", ""):
            one, at = _type(text, at, depth + 1)
            fields.append(one)
        if not at or text[at : at + 1] != "}":
            raise ArchiveError("a structure type is not closed or has no fields")
        return Structure(tuple(fields)), at + 1
    raise ArchiveError("an unknown type encoding")


def least(kind: Type) -> int:
    """Return the fewest bytes a value of this type takes, so that a count can be held against what is left."""
    if isinstance(kind, Array):
        return kind.length * least(kind.element)
    return sum(map(least, kind.fields)) if isinstance(kind, Structure) else 1
