"""Rows of JSON files, and an error in words for a file that is JSON but not the one it should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import wonderland as wl
from wonderland.errors import InputError
from wonderland_exports.frame import CUT, Member, runs

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
        InputError: It is no JSON, ends too early, or holds something else where an array of rows should be or on the
            way to one. Null on the way holds nothing and is no error.
    """
    ways = [tuple(array.split(".")) if array else () for array in arrays]
    whole, on_the_way = {(), *ways}, {way[:length] for way in ways for length in range(1, len(way))}
    for path, values in runs(member, arrays, partial=partial):
        if path[-1:] != ("*",):
            pattern = tuple("*" if isinstance(step, int) else step for step in path)
            if pattern in whole or (pattern in on_the_way and values[0] is not None):
                raise _misshapen(member, path, next(way for way in ways if way[: len(pattern)] == pattern))
        yield path, values


def _misshapen(member: Member, path: tuple[str | int, ...], way: tuple[str, ...]) -> InputError:
    at = path[:-1] if len(path) == len(way) else path
    where = f"its {'.'.join(map(str, at))!r}" if at else "it"
    lacks = f"holds no list {'.'.join(way[len(at) :])!r}" if way else "is no list"
    return InputError(
        f"{member.name} is not the file it should be: {where} {lacks}.", hint="Leave it out, or export again."
    )


def is_row(path: tuple[str | int, ...]) -> bool:
    """Say whether what `walk` yielded is a row, or the place where the file stops."""
    return path == CUT or path[-1] == "*"


def cut_off(member: Member, byte: int) -> wl.Skipped:
    """Return what stands for the rows behind the byte where a file stops being JSON."""
    return wl.Skipped(f"{member.name}: end", "cut off here", failed=True, detail=f"at byte {byte:,}")


def numbered(member: Member, array: str, *, partial: bool = False) -> Iterator[tuple[int | None, Any]]:
    """Yield number and value of each row of an array; None and the byte where the file stops being JSON.

    Args:
        member: The file.
        array: The path of the array, as `run_rows` takes it; empty where the file is the array.
        partial: Whether to keep what stands before the place where the file stops being JSON.

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
    return numbered(member, "", partial=partial)
