"""Messages from a table in memory (pandas), a row a message, columns detected or named as those of a file."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from wonderland.corpus.fields import EMPTY, MISSING, NO_TEXT
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.corpus.messages import Message, Skipped
from wonderland.counted import counted
from wonderland.errors import InputError, UsageError, must_be
from wonderland.nearby import did_you_mean

__all__ = ["Frame"]


class Frame(JsonLines):
    """A table in memory: one message a row."""

    name: ClassVar[str] = "frame"
    version: ClassVar[int] = 1

    def __init__(self, frame: Any, **options: Any) -> None:
        if not hasattr(frame, "columns") or not hasattr(frame, "itertuples"):
            raise UsageError(
                f"A frame is a table of pandas, not {type(frame).__name__}.",
                hint="Make one of rows: pandas.DataFrame(rows). Files are read with wl.Corpus.read(PATH).",
            )
        names = [str(name) for name in frame.columns]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UsageError(
                f"Several columns of the frame are called {', '.join(map(repr, twice))}.",
                hint="Give each column a name of its own, for example: frame.columns = [...]",
            )
        known = [name for name in inspect.signature(JsonLines.__init__).parameters if name not in ("self", "path")]
        for name, value in options.items():
            if name not in known:
                hint = did_you_mean(name, known, f"What can be said of a frame: {', '.join(known)}.")
                raise UsageError(f"There is nothing called {name!r} to say of a frame.", hint=hint)
            must_be(value, str, f"{name} is text", "Columns are named by their names.")
        super().__init__(Path("the frame"), **options)
        self._frame = frame

    def count(self) -> int:
        """Count the rows."""
        return len(self._frame)

    def rows(self) -> Iterator[Message | Skipped]:
        """Yield a message or a skipped row for each row.

        Raises:
            InputError: No row is a message, as what is in the column of the text is no text.
        """
        kinds, read, empty = Counter[str](), 0, 0
        for row in super().rows():
            read += isinstance(row, Message)
            if isinstance(row, Skipped):
                kinds.update([row.detail] if row.reason == NO_TEXT else [])
                empty += row.reason in (EMPTY, MISSING)
            yield row
        column = self._fields.keys["text"] if self._fields else "text"
        if empty and not read and not kinds:
            raise InputError(
                f"There is no text in the column {column!r} of the frame: "
                f"{counted(empty, 'cell is', 'cells are')} None, NaN or blank.",
                hint='Name the column of the text, text="...".',
            )
        if kinds and not read:
            raise InputError(
                f"There is no text in the column {column!r} of the frame: {kinds.most_common(1)[0][0]}.",
                hint='Name the column of the text, text="..."; bytes are made text by frame[...].str.decode("utf-8").',
            )

    def _records(self) -> Iterator[tuple[str, dict[str, Any] | Skipped]]:
        names = [str(name) for name in self._frame.columns]
        for number, values in enumerate(self._frame.itertuples(index=False, name=None), 1):
            yield f"row {number}", dict(zip(names, map(_plain, values), strict=True))


def _plain(value: Any) -> Any:
    """Return a cell as JSON would hold it: nothing for NaN, NaT and NA, text for a time, Python's own numbers."""
    from pandas import isna

    missing = isna(value)  # of a list, one for each of its parts
    if missing is True or (isinstance(missing, np.bool_) and bool(missing)):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
