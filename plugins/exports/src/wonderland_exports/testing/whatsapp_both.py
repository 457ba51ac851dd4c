"""One chat of WhatsApp in two forms: a phone's text export, in its zone, and the database, whose times are moments."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from wonderland_exports.testing.planted import NAMES, Writer
from wonderland_exports.testing.whatsapp import HEADS
from wonderland_exports.testing.whatsapp_db import PERSON, Stored, write_store

__all__ = ["Both", "make_whatsapp_both"]

_START = datetime(2023, 9, 20, 7, 12, 31, tzinfo=UTC)
_STEPS = (1, 2, 9, 40, 70, 600)  # minutes
NUMBER = "+44 7700 900101"


class Both(NamedTuple):
    """What was written.

    Attributes:
        text: The text export.
        database: The database.
        messages: How many messages there are, each of which is in both.
    """

    text: Path
    database: Path
    messages: int


def make_whatsapp_both(
    folder: Path,
    rows: int = 300,
    *,
    seed: int = 0,
    zone: str = "Europe/Berlin",
    head: str = "Android en-GB",
    store: str = "apple",
    name: str = NUMBER,
) -> Both:
    """Write the same messages of a chat of two in both forms.

    Args:
        folder: Where to.
        rows: How many messages, about twelve a day from 20 September 2023 on: of 700 the clocks of Europe and America
            change within them.
        seed: The same seed and arguments give the same files.
        zone: Where the phone was that wrote the text.
        head: One of `HEADS`.
        store: One of `STORES`.
        name: What the other is called in the text: the number, or the name in the phone's contacts.
    """
    writer, when, lines, stored = Writer(seed), _START, list[str](), list[Stored]()
    there = ZoneInfo(zone)
    for at in range(rows):
        when += timedelta(minutes=writer.random.choice(_STEPS), seconds=writer.random.randrange(60))
        mine, text = writer.random.random() < 0.45, writer.text()
        lines.append(f"{HEADS[head].write(when.astimezone(there))}{NAMES[0] if mine else name}: {text}")
        stored.append(Stored(at + 1, mine, text, 0, PERSON, PERSON, round(when.timestamp())))
    both = Both(folder / f"WhatsApp Chat with {name}.txt", folder / "ChatStorage.sqlite", rows)
    both.text.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with closing(sqlite3.connect(both.database)) as connection:
        write_store(connection, stored, store)
        connection.commit()
    return both
