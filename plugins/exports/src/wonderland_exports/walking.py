"""Rows of JSON files, and an error in words for a file that is JSON but not the one it should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import wonderland as wl
from wonderland.errors import InputError
from wonderland_exports.frame import CUT, Member, runs, walk

__all__ = ["cut_off", "is_row", "numbered", "run_rows", "walk_list", "walk_rows"]


def walk_rows(member: Member, *arrays: str, partial: bool = False) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield what `walk` yields.

    Raises:
        InputError: It is no JSON, ends too early, or holds something else where an array of rows should be.
    """
    for path, values in run_rows(member, *arrays, partial=partial):
        for value in values:
            yield path, value


def run_rows(member: Member, *arrays: str, partial: bool = False) -> Iterator[tuple[tuple[str | int, ...], list[Any]]]:
    """Yield what `runs` yields.

    Raises:
        InputError: It is no JSON, ends too early, or holds something else where an array of rows should be.
    """
    ways = {(), *(tuple(array.split(".")) for array in arrays)}
    for path, values in runs(member, arrays, partial=partial):
        if path[-1:] != ("*",) and tuple("*" if isinstance(step, int) else step for step in path) in ways:
            raise InputError(
                f"{member.name} is not the file it should be: it holds no list {arrays[0]!r}.",
                hint="Leave it out, or export again.",
            )
        yield path, values


def is_row(path: tuple[str | int, ...]) -> bool:
    """Say whether what `walk` yielded is a row, or the place where the file stops."""
    return path == CUT or path[-1] == "*"


def cut_off(member: Member, byte: int) -> wl.Skipped:
    """Return what stands for the rows behind the byte where a file stops being JSON."""
    return wl.Skipped(f"{member.name}: end", "cut off here", failed=True, detail=f"at byte {byte:,}")


def numbered(member: Member, array: str, *, partial: bool = False) -> Iterator[tuple[int | None, Any]]:
    """Yield number and value of each row of an array; None and the byte where the file stops being JSON.

    Raises:
        InputError: As `walk_rows`.
    """
    number, rows = 0, None
    for path, value in walk_rows(member, array, partial=partial):
        if path is rows:  # nearly all
            yield number, value
            number += 1
        elif path == CUT:
            yield None, value
        elif path[-1] == "*":
            rows = path
            yield number, value
            number += 1


def walk_list(member: Member, *, partial: bool = False) -> Iterator[tuple[int | None, Any]]:
    """Yield number and value of each row of a file that is a list; None and the byte where it stops being JSON.

    Raises:
        InputError: It is no JSON, ends too early, or is no list.
    """
    for path, value in walk(member, ("*",), partial=partial):
        if path == CUT:
            yield None, value
        elif not path or not isinstance(path[0], int):
            raise InputError(
                f"{member.name} is not the file it should be: it is no list.", hint="Leave it out, or export again."
            )
        else:
            yield path[0], value
