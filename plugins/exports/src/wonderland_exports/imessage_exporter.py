"""The text and HTML files of the program imessage-exporter are recognised, and refused with what to read instead.

They are made for people to read. In the text files a message ends at a blank line, which a text may hold too; a reply
stands twice; a time has no zone; reactions, edits and app messages are words among words. So they cannot be read back
without loss. The database they were made from can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import wonderland as wl
from wonderland.advice import Command, Hint
from wonderland.errors import InputError
from wonderland_exports.frame import head, open_export, peek

__all__ = ["ImessageExporter"]

_TIME = re.compile(
    rb"^[A-Z][a-z]{2} \d{2}, \d{4} {1,2}\d{1,2}:\d{2}:\d{2} [AP]M(?: \((?:Read|Delivered)[^\n]*\))?\r?\n\S"
)
_HTML = re.compile(rb'<div class="message">\s*<div class="(?:sent|received)')


class ImessageExporter:
    """imessage-exporter: not read, because its files leave out too much; says what to read instead."""

    name: ClassVar[str] = "imessage-exporter"
    version: ClassVar[int] = 1
    refuses: ClassVar[bool] = True

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for its way to write a time, or its HTML."""
        found = peek(path, lambda name: name.lower().endswith((".txt", ".html")), 12)
        contents = [head(member).removeprefix(b"\xef\xbb\xbf") for member in found]
        return 0.9 if any(_TIME.match(content) or _HTML.search(content) for content in contents) else 0.0

    def count(self) -> int:
        """Refuse.

        Raises:
            InputError: Always: the database is to be read instead.
        """
        open_export(self.path, lambda name: True, "file of imessage-exporter").close()
        raise InputError(
            f"{self.path} was written by imessage-exporter for people to read; it cannot be read back without loss.",
            hint=Hint("Read the database itself, chat.db, every row of it: ", Command("extract", "imessage")),
        )

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Refuse, as `count` does."""
        self.count()
        yield from ()
