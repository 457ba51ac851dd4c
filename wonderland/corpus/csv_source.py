"""Messages from a table of comma-, semicolon- or tab-separated values with a header.

Encodings: UTF-8 with or without a byte-order mark, UTF-16 with one (as Excel writes it), another if it is named. A
stored row is a record after the header, which may span lines where a text holds line breaks in quotes. How the table
is written is found out by `wonderland.corpus.csv_shape`, from the whole file. A quotation mark that is opened and never
closed swallows every row after it, so it is an error. What would fool it: numbers Excel has mangled (+1555… as
1.555E+10), which stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Annotated, ClassVar

from wonderland.advice import Command, Hint, Options
from wonderland.corpus.clock import checked_dates
from wonderland.corpus.csv_shape import Broken, Shape, begins_as_json, checked_quotes, first_guess, records, with_quotes
from wonderland.corpus.fields import ByFields, Fields
from wonderland.corpus.messages import Message, Skipped
from wonderland.corpus.misnamed import must_be_a_file
from wonderland.corpus.naming import USUAL_NAMES, detect, name_of
from wonderland.corpus.order import checked_order
from wonderland.corpus.people import ME
from wonderland.corpus.unrecognised import look
from wonderland.counted import counted
from wonderland.errors import InputError

__all__ = ["CsvSource"]

_LOOKED_AT = 1000  # records whose values tell what columns mean


class CsvSource(ByFields):
    """CSV with a header (``.csv``, ``.tsv``): one message a record, columns detected or named."""

    name: ClassVar[str] = "csv"
    version: ClassVar[int] = 2

    def __init__(
        self,
        path: Path,
        *,
        text: Annotated[str, "column of the text"] = "",
        sender: Annotated[str, "column of the sender"] = "",
        time: Annotated[str, "column of the time, or of day and time of day: Date+Time"] = "",
        thread: Annotated[str, "column of the conversation"] = "",
        from_me: Annotated[str, "column that says which messages are yours"] = "",
        me: Annotated[str, "the sender who is you, where no column says so"] = ME,
        dates: Annotated[str, "order of dates such as 10/6/2023: dmy, mdy or ymd"] = "",
        order: Annotated[str, "order of the file, where times do not tell: file or newest-first"] = "",
        delimiter: Annotated[str, "character between cells: ',' ';' '|' or tab"] = "",
        quotes: Annotated[str, "whether cells may stand in quotation marks: yes or no"] = "",
        encoding: Annotated[str, "encoding of the file, for example cp1252"] = "",
    ) -> None:
        self.path = path
        self.order = checked_order(order)
        self._given = {"text": text, "sender": sender, "time": time, "thread": thread, "from_me": from_me}
        self._me, self._dates, self._quotes = me, checked_dates(dates), checked_quotes(quotes)
        named = [*self._given.values(), *time.split("+")]
        must_be_a_file(Path(path), self.name)
        self._guess = first_guess(path, named, delimiter, encoding)

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look whether the header names a column that is usually the text."""
        if not path.is_file():
            return 0.0
        try:
            if begins_as_json(path):
                return 0.0
            header = next(records(path, first_guess(path), "replace"), [])  # reading says what is wrong
        except (OSError, ValueError, InputError):
            return 0.0
        if isinstance(header, Broken) or len(header) < 2 or any("\x00" in column for column in header):
            return 0.0
        names = {name_of(column) for column in header}
        return 0.8 if names & set(USUAL_NAMES["text"]) else 0.3 if path.suffix.lower() in (".csv", ".tsv") else 0.0

    def count(self) -> int:
        """Count the records after the header."""
        with self._reading() as (_, rows):
            return sum(1 for _ in rows)

    def rows(self) -> Iterator[Message | Skipped]:
        """Yield a message or a skipped row for each record."""
        with self._reading() as (header, rows):
            keys = detect(self.path.name, header, self._given, list(islice(self._whole(), _LOOKED_AT)), delimited=True)
            fields = self._fields = Fields(
                self.path.name,
                keys,
                self._whole,
                self._me,
                self._dates,
                worded=bool(self._given["from_me"]),
                names=header,
            )
            for number, record in enumerate(rows, 2):
                row = f"record {number}"
                if isinstance(record, Broken):
                    yield Skipped(row, "quotation marks that do not fit", failed=True, detail="a mark inside a cell")
                elif len(record) != len(header):
                    detail = f"{counted(len(record), 'cell')}, the header has {len(header)}"
                    yield Skipped(row, "wrong number of cells", failed=True, detail=detail)
                else:
                    yield fields.message(dict(zip(header, record, strict=True)), row)
            fields.require_owner()

    @cached_property
    def _shape(self) -> Shape:
        return with_quotes(self.path, self._guess, self._quotes)

    def _whole(self) -> Iterator[Mapping[str, str]]:
        """Yield the records that are as long as the header, as mappings."""
        with self._reading() as (header, rows):
            for record in rows:
                if isinstance(record, list) and len(record) == len(header):
                    yield dict(zip(header, record, strict=True))

    @contextmanager
    def _reading(self) -> Iterator[tuple[list[str], Iterable[list[str] | Broken]]]:
        try:
            if begins_as_json(self.path):
                raise self._no_table()
            rows = records(self.path, self._shape)
            header = next(rows, [])
            if isinstance(header, Broken):
                raise self._never_closed(1)
            yield header, self._closed(rows)
        except (OSError, UnicodeError) as error:
            raise InputError(
                f"{self.path.name} cannot be read as {self._guess.encoding} CSV: {error}.",
                hint=Hint(
                    "Save it again as CSV UTF-8, or say its encoding, for example: ",
                    Options("extract", encoding="cp1252"),
                ),
            ) from error

    def _closed(self, rows: Iterator[list[str] | Broken]) -> Iterator[list[str] | Broken]:
        for number, record in enumerate(rows, 2):
            if isinstance(record, Broken) and record.never_closed:
                raise self._never_closed(number)
            yield record

    def _no_table(self) -> InputError:
        return InputError(
            f"{self.path.name} is JSON, and no table.",
            hint=look(self.path).hint or Hint("Let it be recognised: ", Command("extract", self.path)),
        )

    def _never_closed(self, number: int) -> InputError:
        return InputError(
            f"{self.path.name}: record {number} opens a quotation mark that is never closed.",
            hint=Hint(
                'A quotation mark inside a cell is written twice: "She said ""hi"".". If the file is written without '
                "quotation marks around cells: ",
                Options("extract", quotes="no"),
                ". Else save it again as CSV UTF-8.",
            ),
        )
