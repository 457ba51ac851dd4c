"""The store of Android, ``msgstore.db`` decrypted: the schema since 2021, and the one before it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from wonderland_exports.frame import from_unix
from wonderland_exports.frame.sqlite import select, tables
from wonderland_exports.whatsapp_db.rows import Row

__all__ = ["NEW_TABLES", "OLD_COLUMNS", "OLD_TABLES", "count", "rows"]

NEW_TABLES = ("message", "chat", "jid")
OLD_TABLES = ("messages",)
OLD_COLUMNS = ("key_remote_jid", "key_from_me")
"""Columns of that table that no other app's has: other messengers have a table of its name, too."""
_KINDS = {
    0: "text",
    1: "image",
    2: "audio",
    3: "video",
    4: "contact",
    5: "location",
    7: "system message",
    9: "document",
    10: "missed call",
    13: "GIF",
    14: "contact",
    15: "deleted",
    16: "location",
    20: "sticker",
    42: "image",
    43: "video",
    64: "deleted",
    66: "poll",
}
_MESSAGE = ("_id", "from_me", "timestamp", "text_data", "message_type", "chat_row_id", "sender_jid_row_id")
_OLD = (
    "_id",
    "key_from_me",
    "timestamp",
    "data",
    "media_caption",
    "media_wa_type",
    "key_remote_jid",
    "remote_resource",
)
_TYPE = re.compile(r"[0-9]{1,9}")
_CONTROL = 6  # status of rows the old app wrote itself


def _is_new(connection: sqlite3.Connection) -> bool:
    return {*NEW_TABLES} <= tables(connection)


def count(connection: sqlite3.Connection) -> int:
    """Count the rows of the table of messages."""
    table = "message" if _is_new(connection) else "messages"
    return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608


def rows(connection: sqlite3.Connection) -> Iterator[Row]:
    """Yield every row of the table of messages; no join can lose one."""
    return _new(connection) if _is_new(connection) else _old(connection)


def _new(connection: sqlite3.Connection) -> Iterator[Row]:
    people = {key: _word(raw) for key, raw in connection.execute("SELECT _id, raw_string FROM jid")}
    if "jid_map" in tables(connection):  # a person without a number who has one after all
        for lid, number in connection.execute("SELECT lid_row_id, jid_row_id FROM jid_map"):
            people[lid] = people.get(number) or people.get(lid, "")
    chats = {
        key: (people.get(jid, ""), _word(subject))
        for key, jid, subject in connection.execute(
            f"SELECT {select(connection, 'chat', ('_id', 'jid_row_id', 'subject'))} FROM chat"  # noqa: S608
        )
    }
    query = f"SELECT {select(connection, 'message', _MESSAGE)} FROM message ORDER BY _id"  # noqa: S608
    for key, mine, date, text, number, chat_row, sender_row in connection.execute(query):
        chat, title = chats.get(chat_row, ("", ""))
        kind = "placeholder of the app" if chat_row == -1 else _KINDS.get(number, "") if _is_number(number) else ""
        sender = people.get(sender_row, "")
        yield Row(key, bool(mine), from_unix(date, 1000), text, kind, number, chat, sender, title)


def _old(connection: sqlite3.Connection) -> Iterator[Row]:
    names = (*_OLD, "status")
    query = f"SELECT {select(connection, 'messages', names)} FROM messages ORDER BY _id"  # noqa: S608
    for key, mine, date, text, caption, number, chat, sender, status in connection.execute(query):
        type_ = 0 if number is None else int(number) if _TYPE.fullmatch(str(number)) else -1
        kind = _KINDS.get(type_, "")
        if chat == "-1":
            kind = "placeholder of the app"
        elif status == _CONTROL:
            kind = "system message"
        words = text if kind == "text" else caption
        yield Row(key, bool(mine), from_unix(date, 1000), words, kind, number, _word(chat), _word(sender))


def _is_number(value: Any) -> bool:
    return isinstance(value, int)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""
