"""Records of a CSV file in an export, and an error in words for one that is no such table.

A quotation mark that is opened and never closed would swallow every record after it, so it is an error.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from itertools import chain
from typing import TextIO

from wonderland.errors import InputError
from wonderland_exports.frame import Member, encoding_of

__all__ = ["header", "records"]

_END = "\x00end of file"  # a line of its own, unless a quotation mark is still open
_AGAIN = "Export it again, or save it as CSV UTF-8."


def header(content: bytes) -> list[str]:
    """Return the names in the first line of what begins so; for ``sniff``."""
    line = _first(io.StringIO(content.decode(encoding_of(content), errors="replace"), newline="")).rstrip("\r\n")
    try:
        return next(csv.reader([line], delimiter=_delimiter(line)), [])
    except csv.Error:
        return []


def records(member: Member) -> Iterator[dict[str, str] | None]:
    """Yield each record by the names of the columns; None for one with another number of cells than the header.

    Raises:
        InputError: It is no such table, or a quotation mark is never closed.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the standard limit would refuse a long message
    encoding = encoding_of(member.read(2))
    with member.open() as raw, io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="") as lines:
        try:
            first = _first(lines)
            names = next(csv.reader([first], delimiter=_delimiter(first)), [])
            for number, cells in enumerate(csv.reader(chain(lines, [_END]), delimiter=_delimiter(first)), 1):
                if cells and cells[-1].endswith(_END):
                    if cells != [_END]:
                        raise InputError(
                            f"{member.name}: record {number} opens a quotation mark that is never closed.", hint=_AGAIN
                        )
                elif cells:
                    yield dict(zip(names, cells, strict=True)) if len(cells) == len(names) else None
        except (csv.Error, UnicodeError) as error:
            raise InputError(f"{member.name} cannot be read as CSV: {error}.", hint=_AGAIN) from None


def _first(lines: TextIO) -> str:
    """Take the first line, without the marks of order that are left where a file was marked twice."""
    return lines.readline().lstrip("\ufeff")


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)
