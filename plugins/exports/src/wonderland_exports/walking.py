"""Rows of JSON files, and an error in words for a file that is JSON but not the one it should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wonderland.errors import InputError
from wonderland_exports.frame import CUT, Member, walk

__all__ = ["is_row", "walk_rows"]


def walk_rows(member: Member, array: str, *, partial: bool = False) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield what `walk` yields, of a file whose rows are those of one array.

    Raises:
        InputError: It is no JSON, ends too early, or holds something else where the array should be.
    """
    for path, value in walk(member, (array,), partial=partial):
        if path in ((), tuple(array.split("."))):
            raise InputError(
                f"{member.name} is not the file it should be: it holds no list {array!r}.",
                hint="Leave it out, or export again.",
            )
        yield path, value


def is_row(path: tuple[str | int, ...]) -> bool:
    """Say whether what `walk` yielded is a row, or the place where the file stops."""
    return path == CUT or path[-1] == "*"
