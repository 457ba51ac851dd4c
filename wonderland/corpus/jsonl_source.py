"""Messages from JSON Lines, plain or gzipped: one JSON object a line.

The usual keys are ``id, thread, timestamp, sender, is_from_me, text``; others are detected or named. A stored row is
a line that is not blank; a line that is no JSON object is a row passed over with its number, not the end of reading.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar

from wonderland.corpus.fields import Fields, detect
from wonderland.corpus.messages import Message, Skipped
from wonderland.errors import InputError

__all__ = ["JsonLines"]

_GZIP = b"\x1f\x8b"


class JsonLines:
    """JSON Lines (``.jsonl``, ``.jsonl.gz``): one message a line."""

    name: ClassVar[str] = "jsonl"
    version: ClassVar[int] = 1

    def __init__(
        self,
        path: Path,
        *,
        text: Annotated[str, "key of the text"] = "",
        sender: Annotated[str, "key of the sender"] = "",
        time: Annotated[str, "key of the time"] = "",
        thread: Annotated[str, "key of the conversation"] = "",
        me: Annotated[str, "the sender who is you, where no key says so"] = "",
    ) -> None:
        self.path = path
        self._given = {"text": text, "sender": sender, "time": time, "thread": thread}
        self._me = me
        self._fields: Fields | None = None

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look whether the first line is a JSON object."""
        if not path.is_file():
            return 0.0
        try:
            with _open(path) as file:
                line = next((line for line in (file.readline(1 << 20) for _ in range(20)) if line.strip()), b"")
            return 0.9 if isinstance(json.loads(_decode(line)), dict) else 0.0
        except (OSError, EOFError, ValueError):
            return 0.0

    def count(self) -> int:
        """Count the lines that are not blank."""
        with self._reading() as file:
            return sum(1 for line in file if not line.isspace())

    def rows(self) -> Iterator[Message | Skipped]:
        """Yield a message or a skipped row for each line that is not blank."""
        fields: Fields | None = None
        with self._reading() as file:
            for number, line in enumerate(file, 1):
                if line.isspace():
                    continue
                row = f"line {number}"
                try:
                    record = json.loads(_decode(line))
                except ValueError as error:
                    yield Skipped(row, "not JSON", failed=True, detail=_without_text(error))
                    continue
                if not isinstance(record, dict):
                    yield Skipped(row, "not a JSON object", failed=True, detail=f"it is a {type(record).__name__}")
                    continue
                if fields is None:
                    fields = self._fields = detect(self.path.name, record, self._given, self._me)
                yield fields.message(record, row)

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Count what had to be left open."""
        return {"Left open": self._fields.oddities} if self._fields and self._fields.oddities else {}

    @contextmanager
    def _reading(self) -> Iterator[IO[bytes]]:
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


def _decode(line: bytes) -> str:
    return line.decode("utf-8-sig")


def _without_text(error: ValueError) -> str:
    # A decode error's message may quote the line; its place says enough.
    return f"{type(error).__name__} at {getattr(error, 'pos', getattr(error, 'start', '?'))}"
