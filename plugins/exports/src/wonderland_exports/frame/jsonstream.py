"""Rows of JSON files of any size, one after another.

A file of modest size is parsed whole, by the quickest parser there is, and kept for the second pass. A larger one, and
one that this parser refuses, is walked through by a window (`wonderland_exports.frame.window`): only the way to the
arrays that hold rows is descended, and memory is that of the largest row. Every byte is parsed either way: what is no
JSON is an error that says at which byte, never a row less.

What would fool it: the same key twice in one object. JSON lets the last one win; of a file of modest size so does this.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from typing import Any

import orjson

from wonderland.errors import InputError
from wonderland_exports.frame.files import Member
from wonderland_exports.frame.window import Broken, Path, Reader, goes_on, has_huge_numbers

__all__ = ["CUT", "load", "runs", "walk"]

CUT: Path = ("cut off",)
"""The path of the last item where a file ended too early and ``partial`` was said; its value is the byte."""

_WHOLE = 1 << 26  # a file of at most so many bytes is parsed whole


def walk(member: Member, arrays: Collection[str], *, partial: bool = False) -> Iterator[tuple[Path, Any]]:
    """Yield ``(path, value)`` for each element of the arrays that hold rows and each value beside the way to them.

    Args:
        member: A JSON file in UTF-8 (or UTF-16 with a byte-order mark).
        arrays: Paths of the arrays, as keys joined by dots; ``*`` stands for any element of an array on the way:
            ``chats.list.*.messages``. An empty path is the file itself.
        partial: Whether to keep what stands before the place where the file stops being JSON. The last item then is
            ``(CUT, byte)``.

    Yields:
        Path and value. A row's path ends in ``"*"``; elements on the way are numbered:
        ``("chats", "list", 3, "name")``.

    Raises:
        InputError: The file is not JSON, or ends too early.
    """
    for path, values in runs(member, arrays, partial=partial):
        for value in values:
            yield path, value


def runs(member: Member, arrays: Collection[str], *, partial: bool = False) -> Iterator[tuple[Path, list[Any]]]:
    """Yield what `walk` yields, of each array some thousands of rows at a time: ``(path, values)``.

    Nobody may change the lists. The path of all rows of one array is one and the same object.

    Raises:
        InputError: The file is not JSON, or ends too early.
    """
    ways = {tuple(name.split(".")) if name else () for name in arrays}
    if 0 < member.size <= _WHOLE:
        document = member.once(_parsed_whole)
        if document is not _REFUSED:
            yield from _along(document, (), ways, ())
            return
    with member.open() as file:
        reader = Reader(file)
        try:
            yield from reader.value((), ways, ())
            reader.end()
        except Broken as broken:
            if not partial:
                raise broken.told(member) from None
            yield CUT, [broken.byte]


def load(member: Member, *, most: int = 1 << 28) -> Any:
    """Parse a whole JSON file of modest size.

    Raises:
        InputError: It is not JSON, or larger than ``most`` bytes.
    """
    if member.size > most:
        raise InputError(
            f"{member.name} has {member.size / 1e6:,.0f} MB, more than such a file ever has.",
            hint="Leave it out of the folder, or export it again.",
        )
    for _, value in walk(member, ()):
        return value
    raise AssertionError("a walk along no way yields the whole value")


_LARGE = 4_000_000  # bytes of a file whose values are worth leaving out of the search for cycles
_REFUSED = object()
"""What stands for a file that the quick parser does not take; the walk says what is wrong with it, if anything is."""


def _parsed_whole(member: Member) -> Any:
    """Parse a whole file, if that gives exactly what the standard library would give."""
    content = member.read()
    if has_huge_numbers(content):
        return _REFUSED
    collecting = gc.isenabled()
    gc.disable()  # what is made here has no cycles, and looking for some takes longer than parsing
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:  # also what the standard library takes: halves of emoji, a mark in front, UTF-16
        return _REFUSED
    finally:
        if len(content) > _LARGE:  # to count what is frozen takes longer than to search through a small file
            _grown_old()
        if collecting:
            gc.enable()


def _grown_old() -> None:
    """Count all objects there are as old, so that the next search for cycles among new ones passes them over."""
    if not gc.get_freeze_count():  # else what somebody froze would thaw
        gc.freeze()
        gc.unfreeze()


def _along(value: Any, path: Path, ways: Collection[Path], pattern: Path) -> Iterator[tuple[Path, list[Any]]]:
    """Yield of a parsed value what `runs` yields of a file."""
    if type(value) is list and pattern in ways:
        if value:
            yield (*path, "*"), value
    elif type(value) is dict and goes_on(ways, pattern, "{"):
        for key, inner in value.items():
            yield from _along(inner, (*path, key), ways, (*pattern, key))
    elif type(value) is list and goes_on(ways, pattern, "["):
        for number, inner in enumerate(value):
            yield from _along(inner, (*path, number), ways, (*pattern, "*"))
    else:
        yield path, [value]
