"""Messages from JSON Lines, plain or gzipped: one JSON object a line.

The usual keys are ``id, thread, timestamp, sender, is_from_me, text``; others are detected or named, from the first
1,000 records together, because the first alone may lack what the others have. A stored row is a line that is not
blank; a line that is no JSON object is a row passed over with its number, not the end of reading.
"""

from __future__ import annotations

import gzip
import json
import re
import shlex
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar

from wonderland.advice import Hint, Options
from wonderland.corpus.clock import checked_dates
from wonderland.corpus.fields import ByFields, Fields
from wonderland.corpus.messages import Message, Skipped
from wonderland.corpus.misnamed import must_be_a_file
from wonderland.corpus.naming import USUAL_NAMES, detect, name_of
from wonderland.corpus.order import checked_order
from wonderland.corpus.people import ME
from wonderland.corpus.unrecognised import fresh_name, list_within
from wonderland.errors import InputError

__all__ = ["JsonLines"]

_GZIP = b"\x1f\x8b"
_LINE = 1 << 20  # bytes of a line that are looked at
_LOOKED_AT = 1000  # records whose keys are taken together


class JsonLines(ByFields):
    """JSON Lines (``.jsonl``, ``.jsonl.gz``): one message a line."""

    name: ClassVar[str] = "jsonl"
    version: ClassVar[int] = 2

    def __init__(
        self,
        path: Path,
        *,
        text: Annotated[str, "key of the text"] = "",
        sender: Annotated[str, "key of the sender"] = "",
        time: Annotated[str, "key of the time, or of day and time of day: date+time"] = "",
        thread: Annotated[str, "key of the conversation"] = "",
        from_me: Annotated[str, "key that says which messages are yours"] = "",
        me: Annotated[str, "the sender who is you, where no key says so"] = ME,
        dates: Annotated[str, "order of dates such as 10/6/2023: dmy, mdy or ymd"] = "",
        order: Annotated[str, "order of the file, where times do not tell: file or newest-first"] = "",
    ) -> None:
        self.path = path
        self.order = checked_order(order)
        self._given = {"text": text, "sender": sender, "time": time, "thread": thread, "from_me": from_me}
        self._me, self._dates = me, checked_dates(dates)

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look whether the first line is a JSON object."""
        if not path.is_file():
            return 0.0
        try:
            with _open(path) as file:
                line = next((line for line in (file.readline(_LINE) for _ in range(20)) if line.strip()), b"")
            if len(line) == _LINE and not line.endswith(b"\n"):  # one long message, of which this is the beginning
                return 0.3 * bool(re.match(rb'\s*\{\s*"', line))
            return 0.9 if isinstance(json.loads(_decode(line)), dict) else 0.0
        except (OSError, EOFError, ValueError, RecursionError, zlib.error):
            return 0.0

    def count(self) -> int:
        """Count the lines that are not blank."""
        with self._reading() as file:
            return sum(1 for line in file if not line.isspace())

    def rows(self) -> Iterator[Message | Skipped]:
        """Yield a message or a skipped row for each line that is not blank."""
        first = list(islice(self._objects(), _LOOKED_AT))
        names = list(dict.fromkeys(name for record in first for name in record))
        if not names:
            raise InputError(
                f"No line of {self.path.name} is a JSON object, so it is not JSON Lines.",
                hint=Hint(
                    "Give a file with one JSON object a line, or name another source: ",
                    Options("extract", source="NAME"),
                ),
            )
        self._must_hold_texts(names, first)
        keys = detect(self.path.name, names, self._given, first)
        fields = self._fields = Fields(
            self.path.name, keys, self._objects, self._me, self._dates, worded=bool(self._given["from_me"]), names=names
        )
        for row, record in self._records():
            yield record if isinstance(record, Skipped) else fields.message(record, row)
        fields.require_owner()

    def _must_hold_texts(self, names: list[str], first: list[dict[str, Any]]) -> None:
        """Refuse lines that hold whole conversations."""
        within = list_within(first[0])
        if within is None or self._given["text"] or {name_of(name) for name in names} & set(USUAL_NAMES["text"]):
            return
        way = f"{{thread: input_line_number}} + .[{json.dumps(within)}][]"
        new = fresh_name(f"{self.path.name.partition('.')[0]}-messages", ".jsonl")
        raise InputError(
            f"{self.path.name} has no key for the text of a message; {within!r} holds a list of objects, and a line "
            "should be one message.",
            hint=f"Write each message on a line: jq -c {shlex.quote(way)} {shlex.quote(str(self.path))} > {new}",
        )

    def _objects(self) -> Iterator[dict[str, Any]]:
        return (record for _, record in self._records() if isinstance(record, dict))

    def _records(self) -> Iterator[tuple[str, dict[str, Any] | Skipped]]:
        with self._reading() as file:
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    yield f"line {number}", _record(f"line {number}", line)

    @contextmanager
    def _reading(self) -> Iterator[IO[bytes]]:
        must_be_a_file(self.path, self.name)
        try:
            with _open(self.path) as file:
                yield file
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{self.path} cannot be read to its end: {error}.", hint="Copy or export the file again."
            ) from error


def _open(path: Path) -> IO[bytes]:
    with open(path, "rb") as file:
        zipped = file.read(2) == _GZIP
    opened: Any = gzip.open(path, "rb") if zipped else open(path, "rb")  # noqa: SIM115
    return opened  # type: ignore[no-any-return]


def _record(row: str, line: bytes) -> dict[str, Any] | Skipped:
    try:
        record = json.loads(_decode(line))
    except (ValueError, RecursionError) as error:
        return Skipped(row, "not JSON", failed=True, detail=_without_text(error))
    if isinstance(record, dict):
        return record
    return Skipped(row, "not a JSON object", failed=True, detail=f"it is a {type(record).__name__}")


def _decode(line: bytes) -> str:
    return line.decode("utf-8-sig")


def _without_text(error: Exception) -> str:
    # A decode error's message may quote the line; its place says enough.
    return f"{type(error).__name__} at {getattr(error, 'pos', getattr(error, 'start', '?'))}"
