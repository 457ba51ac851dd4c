"""How a table is written: its encoding, what stands between its cells, and whether there are quotation marks.

None of this stands in a CSV file. The encoding is that of its first bytes; what stands between cells is what makes the
header name the columns a table of messages has, and then what makes most records as long as the header. A first line
``sep=;`` (Excel) says it. Quotation marks are decided by the whole file: it is read in each way that can be meant, and
the way with the fewest records of a wrong length is taken.

What would fool it: a comma-separated file written without quotation marks, whose texts begin with one; it is read as if
it had them, and a mark that is never closed is an error that names ``--quotes no``. Tab-separated files are often
written so, and are told apart.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from wonderland.advice import Hint, Options
from wonderland.corpus.naming import USUAL_NAMES, name_of
from wonderland.errors import InputError, UsageError

__all__ = ["DELIMITERS", "Broken", "Shape", "begins_as_json", "checked_quotes", "first_guess", "records", "with_quotes"]

DELIMITERS = ",;\t|"
_HEAD = 1 << 16
_SAY_QUOTES = Hint("Say whether cells stand in quotation marks: ", Options("extract", quotes="yes").or_(quotes="no"))
_SEP = re.compile(r'"?sep=(\\t|.)"?\s*', re.IGNORECASE)
_QUOTES: dict[str, dict[str, Any]] = {
    "doubled": {},  # the standard: "She said ""hi"""
    "spaced": {"skipinitialspace": True},  # 1, "hi, you", Sam
    "escaped": {"doublequote": False, "escapechar": "\\"},  # "She said \"hi\""
    "none": {"quoting": csv.QUOTE_NONE},
}
_JSON = re.compile(rb'\s*(?:(?:\[\s*)?\{\s*(?:\}|"(?:[^"\\]|\\.)*"\s*:)|\[\s*(?:\]|\[\s*"))')
_NEVER_CLOSED = "unexpected end of data"
_PLAIN = re.compile(r"-?[\d.,:/-]*|NA|NULL|\\N")  # cells that a program leaves without marks where it marks all texts


@dataclass(frozen=True)
class Shape:
    """How a table is written.

    Attributes:
        encoding: Of its bytes.
        delimiter: Between cells.
        skip: Lines before the header.
        quotes: A key of the ways to write quotation marks: doubled, spaced, escaped or none.
    """

    encoding: str
    delimiter: str
    skip: int = 0
    quotes: str = "doubled"


@dataclass(frozen=True)
class Broken:
    """A record whose quotation marks do not fit together."""

    never_closed: bool


def first_guess(path: Path, named: Iterable[str] = (), delimiter: str = "", encoding: str = "") -> Shape:
    """Return the shape of a table as its first bytes tell it.

    Args:
        path: The file.
        named: Columns the user named.
        delimiter: What stands between cells, if the user said it.
        encoding: The encoding, if the user said it.

    Raises:
        UsageError: There is no such delimiter or encoding.
        InputError: It cannot be opened.
    """
    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if delimiter and (len(delimiter) != 1 or delimiter in '"\r\n\\'):
        raise UsageError(
            f"{delimiter!r} cannot stand between cells.",
            hint=Hint("Give one character, or the word tab: ", Options("extract", delimiter=";")),
        )
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
        encoding = encoding or ("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        text = head.decode(encoding, errors="ignore")
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened: {error.strerror}.", hint="Give a file that is there and that you may read."
        ) from error
    except LookupError as error:
        raise UsageError(
            f"There is no encoding {encoding!r}.", hint=Hint("For example: ", Options("extract", encoding="cp1252"))
        ) from error
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n|$)", text)
    said = _SEP.fullmatch(lines[0])
    if said:
        delimiter = delimiter or said[1].replace("\\t", "\t")
        lines = lines[1:]
    if not delimiter:
        known = {name_of(name) for name in named if name} | {name for usual in USUAL_NAMES.values() for name in usual}
        delimiter = max(DELIMITERS, key=lambda one: _fits(lines, one, known))
    return Shape(encoding, delimiter, skip=1 if said else 0)


def _fits(lines: list[str], delimiter: str, known: set[str]) -> tuple[bool, int, float, int]:
    """Say how well a delimiter explains the first lines: names it finds, then records as long as the header."""
    try:
        rows = [row for row in islice(csv.reader(lines, delimiter=delimiter), 60) if row]
    except csv.Error:
        return False, 0, 0.0, 0
    header, rest = (rows[0], rows[1:-1] or rows[1:]) if rows else ([], [])
    even = sum(len(row) == len(header) for row in rest) / max(len(rest), 1)
    return len(header) > 1, len({name_of(column) for column in header} & known), even, len(header)


def begins_as_json(path: Path) -> bool:
    """Say whether a file begins as JSON or JSON Lines do, whatever it is called.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return _JSON.match(file.read(1 << 12).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")) is not None


def records(path: Path, shape: Shape, errors: str = "strict") -> Iterator[list[str] | Broken]:
    """Yield the records of a table, header first, blank lines apart.

    Args:
        path: The file.
        shape: How it is written.
        errors: What becomes of bytes that are not in its encoding, as `open` takes it.

    Raises:
        OSError: It cannot be read.
        UnicodeDecodeError: It is not written in its encoding.
    """
    # The standard limit of 131,072 characters a cell would refuse a long message.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with open(path, encoding=shape.encoding, newline="", errors=errors) as file:
        for _ in range(shape.skip):
            file.readline()
        reader = csv.reader(file, delimiter=shape.delimiter, strict=True, **_QUOTES[shape.quotes])
        while True:
            try:
                record = next(reader, None)
            except csv.Error as error:
                yield Broken(str(error) == _NEVER_CLOSED)
                continue
            if record is None:
                return
            if record:
                yield record


def checked_quotes(said: str) -> str:
    """Return what a user said of quotation marks.

    Raises:
        UsageError: It is neither yes nor no.
    """
    if said not in ("", "yes", "no"):
        raise UsageError(f"Quotation marks are there or not, not {said!r}.", hint=_SAY_QUOTES)
    return said


def with_quotes(path: Path, shape: Shape, said: str = "") -> Shape:
    """Return the shape with the way of quotation marks that the whole file is written in.

    Args:
        path: The file.
        shape: Its shape so far.
        said: "yes" or "no" if the user said whether cells stand in quotation marks.

    Raises:
        InputError: It can be meant in two ways.
    """
    if said == "no":
        return replace(shape, quotes="none")
    ways = {"doubled": _tally(path, shape)}
    marked, spaced, escaped = _signs(path, shape)
    header = next((record for record in records(path, shape) if isinstance(record, list)), [])
    spaced_header = len(header) > 1 and all(column.startswith(" ") for column in header[1:])
    if spaced or spaced_header:
        ways["spaced"] = _tally(path, replace(shape, quotes="spaced"))
        if spaced_header or _unwraps(path, shape):
            ways["doubled"] = max(ways["doubled"], (ways["spaced"][0] + 1, 0, 0))
    if escaped and ways["doubled"][2]:  # a mark behind a backslash fits into standard CSV nowhere but at a cell's end
        ways["escaped"] = _tally(path, replace(shape, quotes="escaped"))
    best = min(ways, key=lambda way: ways[way][0])  # the first of equals
    if marked and not said and shape.delimiter in "\t|" and not _wrapped_header(path, shape):
        bare = _tally(path, replace(shape, quotes="none"))
        if bare[0] < ways[best][0] or (bare[:2] == ways[best][:2] and _needless(path, shape)):
            best = "none"
        elif bare[0] == ways[best][0] == 0 and bare[1] != ways[best][1]:
            raise InputError(
                f"{path.name} can be read in two ways: as {ways[best][1] - 1:,} records, some of them in quotation "
                f"marks over several lines, or as {bare[1] - 1:,} that are a line each.",
                hint=_SAY_QUOTES,
            )
    return replace(shape, quotes=best)


def _tally(path: Path, shape: Shape) -> tuple[int, int, int]:
    """Count the records of a wrong length or with marks that do not fit, all records, and those of the second kind."""
    wrong = total = broken = 0
    cells: int | None = None
    for record in records(path, shape):
        total += 1
        if isinstance(record, Broken):
            broken += 1
            wrong += sys.maxsize if record.never_closed else 1
        elif cells is None:
            cells = len(record)
        else:
            wrong += len(record) != cells
    return wrong, total, broken


def _signs(path: Path, shape: Shape) -> tuple[bool, bool, bool]:
    """Say whether a file has quotation marks at all, behind a space, and behind a backslash."""
    marked = spaced = escaped = False
    with open(path, encoding=shape.encoding, newline="") as file:
        for line in file:
            if '"' in line:
                marked = True
                spaced = spaced or f'{shape.delimiter} "' in line
                escaped = escaped or '\\"' in line
    return marked, spaced, escaped


def _unwraps(path: Path, shape: Shape) -> bool:
    """Say whether cells keep a space and a mark in front, which no program writes, unless the space is passed over."""
    both = zip(records(path, shape), records(path, replace(shape, quotes="spaced")), strict=False)
    for plain, spaced in both:
        if plain != spaced and isinstance(plain, list) and isinstance(spaced, list):
            pairs = zip(plain, spaced, strict=False)
            if any(one != other and one.lstrip(" ").startswith('"') for one, other in pairs):
                return True
    return False


def _wrapped_header(path: Path, shape: Shape) -> bool:
    """Say whether a name in the header stands in marks, so that the cells of the file may."""
    header = next(records(path, replace(shape, quotes="none")), [])
    return isinstance(header, list) and any(len(name) > 1 and name[0] == name[-1] == '"' for name in header)


def _needless(path: Path, shape: Shape) -> bool:
    """Say whether a cell stands in marks that it does not need, in a column where others stand without."""
    bare: set[int] = set()
    wrapped: set[int] = set()
    lines = (record for record in records(path, replace(shape, quotes="none")) if isinstance(record, list))
    length = len(next(lines, []))
    for record in lines:
        for at, cell in enumerate(record if len(record) == length else ()):
            if len(cell) > 1 and cell[0] == cell[-1] == '"':
                inside = cell[1:-1]
                if inside == inside.strip() and not set(inside) & {shape.delimiter, '"', ","}:
                    wrapped.add(at)
            elif not _PLAIN.fullmatch(cell):
                bare.add(at)
    return bool(bare & wrapped)
