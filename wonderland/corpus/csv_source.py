"""Messages from a table of comma-, semicolon- or tab-separated values with a header.

Encodings: UTF-8 with or without a byte-order mark, UTF-16 with one (as Excel writes it). A stored row is a record
after the header, which may span lines where a text holds line breaks in quotes. A quotation mark that is opened and
never closed swallows every row after it, so it is an error. What would fool it: numbers Excel has mangled (+1555… as
1.555E+10), which stay as they are; tables written without quoting, where two cells begin with a quotation mark.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, ClassVar

from wonderland.corpus.fields import USUAL_NAMES, Fields, detect
from wonderland.corpus.messages import Message, Skipped
from wonderland.errors import InputError

__all__ = ["CsvSource"]

_HEAD = 1 << 16
_END = "\x00end of file"  # a line of its own, unless a quotation mark is still open


class CsvSource:
    """CSV with a header (``.csv``, ``.tsv``): one message a record, columns detected or named."""

    name: ClassVar[str] = "csv"
    version: ClassVar[int] = 1

    def __init__(
        self,
        path: Path,
        *,
        text: Annotated[str, "column of the text"] = "",
        sender: Annotated[str, "column of the sender"] = "",
        time: Annotated[str, "column of the time"] = "",
        thread: Annotated[str, "column of the conversation"] = "",
        me: Annotated[str, "the sender who is you, where no column says so"] = "",
    ) -> None:
        self.path = path
        self._given = {"text": text, "sender": sender, "time": time, "thread": thread}
        self._me = me
        self._fields: Fields | None = None
        self._encoding, self._delimiter = _shape(path)

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look whether the header names a column that is usually the text."""
        if not path.is_file():
            return 0.0
        try:
            encoding, delimiter = _shape(path)
            with open(path, encoding=encoding, newline="", errors="replace") as file:  # reading says what is wrong
                header = next(csv.reader(file, delimiter=delimiter), [])
        except (OSError, ValueError, csv.Error, InputError):
            return 0.0
        names = {column.strip().lower().replace(" ", "_") for column in header}
        if len(header) < 2 or any("\x00" in column for column in header):
            return 0.0
        return 0.8 if names & set(USUAL_NAMES["text"]) else 0.3 if path.suffix.lower() in (".csv", ".tsv") else 0.0

    def count(self) -> int:
        """Count the records after the header."""
        with self._records() as (_, records):
            return sum(1 for _ in records)

    def rows(self) -> Iterator[Message | Skipped]:
        """Yield a message or a skipped row for each record."""
        with self._records() as (header, records):
            fields = self._fields = detect(self.path.name, header, self._given, self._me)
            for number, record in enumerate(records, 2):
                row = f"record {number}"
                if len(record) != len(header):
                    detail = f"{len(record)} cells, the header has {len(header)}"
                    yield Skipped(row, "wrong number of cells", failed=True, detail=detail)
                else:
                    yield fields.message(dict(zip(header, record, strict=True)), row)
            fields.require_owner(self.path.name)

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Count what had to be left open."""
        return {"Left open": self._fields.oddities} if self._fields and self._fields.oddities else {}

    @contextmanager
    def _records(self) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
        # The standard limit of 131,072 characters a cell would refuse a long message.
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        try:
            with open(self.path, encoding=self._encoding, newline="", errors="strict") as file:
                reader = csv.reader(chain(file, [_END]), delimiter=self._delimiter)
                header = next(reader, [])
                yield header, self._closed(header, reader)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(
                f"{self.path.name} cannot be read as {self._encoding} CSV: {error}.",
                hint="Save it again as CSV UTF-8.",
            ) from error

    def _closed(self, header: list[str], reader: Iterator[list[str]]) -> Iterator[list[str]]:
        last, number = header, 1
        for record in reader:
            if record == [_END]:
                return
            if record:
                last, number = record, number + 1
                if not record[-1].endswith(_END):
                    yield record
        if last[-1].endswith(_END):
            raise InputError(
                f"{self.path.name}: record {number} opens a quotation mark that is never closed.",
                hint='A quotation mark inside a cell is written twice: "She said ""hi"".". Save it again as CSV UTF-8.',
            )


def _shape(path: Path) -> tuple[str, str]:
    """Return encoding and delimiter, from the first bytes of a file."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}.") from error
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    first = re.split(r"[\r\n]", head.decode(encoding, errors="ignore"), maxsplit=1)[0]
    return encoding, max(",;\t|", key=first.count)
