"""The store of iPhone and Mac, ``ChatStorage.sqlite``: Core Data, times in seconds since 2001."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wonderland.corpus.iphone_backup import AppFile
from wonderland.corpus.locating import home_of_mac_app
from wonderland_exports.frame.sqlite import select, tables
from wonderland_exports.whatsapp_db.rows import Row

__all__ = ["HOME", "NAMES", "ON_A_PHONE", "TABLES", "count", "home", "rows"]

TABLES = ("ZWAMESSAGE", "ZWACHATSESSION")
NAMES = ("ChatStorage.sqlite", "7c7fba66680ef796b916b067077cc246adacf01d")
"""The name of the file, and its name inside an iPhone backup."""
HOME = Path("~/Library/Group Containers/group.net.whatsapp.WhatsApp.shared")
ON_A_PHONE = AppFile("AppDomainGroup-group.net.whatsapp.WhatsApp.shared", "ChatStorage.sqlite")
_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
_LAST = 252_000_000_000  # seconds to the year 9986: more is no date
_KINDS = {
    0: "text",
    1: "image",
    2: "video",
    3: "audio",
    4: "contact",
    5: "location",
    6: "group event",
    7: "text",
    8: "document",
    10: "system message",
    11: "GIF",
    14: "deleted",
    15: "sticker",
}
_MESSAGE = (
    *("Z_PK", "ZISFROMME", "ZMESSAGEDATE", "ZTEXT", "ZMESSAGETYPE", "ZCHATSESSION", "ZGROUPMEMBER"),
    *("ZFROMJID", "ZTOJID", "ZMEDIAITEM"),
)


def home() -> Path:
    """Return where the app keeps this store on a Mac.

    Raises:
        InputError: This is no Mac, or there is nothing.
    """
    return home_of_mac_app("WhatsApp", f"{HOME.relative_to('~')}/{NAMES[0]}")


def count(connection: sqlite3.Connection) -> int:
    """Count the rows of the table of messages."""
    return int(connection.execute("SELECT COUNT(*) FROM ZWAMESSAGE").fetchone()[0])


def rows(connection: sqlite3.Connection) -> Iterator[Row]:
    """Yield every row of the table of messages; no join can lose one."""
    chats = _table(connection, "ZWACHATSESSION", "Z_PK", "ZCONTACTJID", "ZPARTNERNAME")
    members = _table(connection, "ZWAGROUPMEMBER", "Z_PK", "ZMEMBERJID", "ZCONTACTNAME")
    captions = _table(connection, "ZWAMEDIAITEM", "Z_PK", "ZTITLE", "Z_PK")
    names = _table(connection, "ZWAPROFILEPUSHNAME", "ZJID", "ZPUSHNAME", "ZJID")
    query = f"SELECT {select(connection, 'ZWAMESSAGE', _MESSAGE)} FROM ZWAMESSAGE ORDER BY Z_PK"  # noqa: S608
    for key, mine, date, text, number, session, member, sent_by, sent_to, media in connection.execute(query):
        chat, title = chats.get(session, (None, None))
        kind = _KINDS.get(number if isinstance(number, int) else 0, "")
        if kind not in ("text", ""):
            text = captions.get(media, (None, None))[0]
        sender, name = members.get(member, (None, None))
        if sender is None and chat is None:  # an orphan: the row itself names the other side
            sender = sent_to if mine else sent_by
        elif sender is None and not _word(chat).endswith("@g.us"):
            sender = chat
        name = name or names.get(sender, (None, None))[0]
        words = (_word(chat), "" if mine and chat else _word(sender), _word(title), _word(name))
        yield Row(key, bool(mine), _when(date), text, kind, number, *words)


def _table(connection: sqlite3.Connection, table: str, *names: str) -> dict[Any, tuple[Any, Any]]:
    if table not in tables(connection):
        return {}
    found = connection.execute(f"SELECT {select(connection, table, names)} FROM {table}")  # noqa: S608
    return {key: (first, second) for key, first, second in found}


def _word(value: Any) -> str:
    return value.strip("\u200e ") if isinstance(value, str) else ""


def _when(date: Any) -> datetime | None:
    if not isinstance(date, int | float) or not 0 < date < _LAST:
        return None
    return _EPOCH + timedelta(seconds=date)
