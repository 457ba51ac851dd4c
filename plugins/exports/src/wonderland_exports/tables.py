"""Records of a CSV file in an export, and an error in words for one that is no such table.

A quotation mark that is opened and never closed would swallow every record after it, so it is an error; so is a last
record of too few cells that no line break ends: the file was cut off there. ``partial`` keeps what stands before.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TextIO

from wonderland.advice import Hint, Options
from wonderland.errors import InputError
from wonderland_exports.frame import Member, encoding_of
from wonderland_exports.frame.window import Broken

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


def records(member: Member, *, partial: bool = False) -> Iterator[dict[str, str] | int | None]:
    """Yield each record by the names of the columns; None for one with another number of cells than the header.

    Args:
        member: The file.
        partial: Whether to keep what stands before the place where the file is cut off; the last item then is its byte.

    Raises:
        InputError: It is no such table, a quotation mark is never closed, or the file is cut off.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the standard limit would refuse a long message
    encoding = encoding_of(member.read(2))
    with member.open() as raw, io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="") as lines:
        try:
            first = _first(lines)
            names = next(csv.reader([first], delimiter=_delimiter(first)), [])
            seen = _Lines(lines)
            reader, before = csv.reader(seen, delimiter=_delimiter(first)), 0
            for number, cells in enumerate(reader, 1):
                if cells and cells[-1].endswith(_END):
                    if cells == [_END]:
                        return
                    if not partial:
                        raise InputError(
                            f"{member.name}: record {number} opens a quotation mark that is never closed.",
                            hint=Hint(
                                f"{_AGAIN} To keep the records before that place: ", Options("extract", partial=True)
                            ),
                        )
                    yield _byte(member, encoding, before)
                elif len(cells) < len(names) and not seen.last.endswith(("\n", "\r")):
                    if not partial:
                        raise Broken(_byte(member, encoding, before), at_end=True).told(member)
                    yield _byte(member, encoding, before)
                elif cells:
                    yield dict(zip(names, cells, strict=True)) if len(cells) == len(names) else None
                before = reader.line_num
        except (csv.Error, UnicodeError) as error:
            raise InputError(f"{member.name} cannot be read as CSV: {error}.", hint=_AGAIN) from None


class _Lines:
    """Yields the lines after the header and a mark at the end, and keeps the last it yielded."""

    def __init__(self, lines: TextIO) -> None:
        self._lines, self.last = lines, ""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.last = line
            yield line
        yield _END


def _byte(member: Member, encoding: str, lines: int) -> int:
    """Return the byte behind the header and so many lines."""
    plain = encoding if encoding == "utf-16" else "utf-8"
    with member.open() as raw, io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="") as file:
        text = "".join(islice(file, lines + 1))
    marks = 0 if encoding == "utf-16" or not member.read(3).startswith(b"\xef\xbb\xbf") else 3
    return len(text.encode(plain, "surrogateescape")) + marks


def _first(lines: TextIO) -> str:
    """Take the first line, without the marks of order that are left where a file was marked twice."""
    return lines.readline().lstrip("\ufeff")


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)
