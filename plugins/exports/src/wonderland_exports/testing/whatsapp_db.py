"""WhatsApp databases with a known answer: of iPhone and Mac, of Android, and of Android before 2021."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from wonderland_exports.testing.planted import NAMES, Planted, Writer

__all__ = ["PERSON", "STORES", "Stored", "make_whatsapp_db", "write_store"]

STORES = ("apple", "android", "old android")
"""The three schemas."""

_START = 1_600_000_000
_GROUP, _STATUS, _LID = "4477009001-1600000000@g.us", "status@broadcast", "88800011@lid"
_NO_CHAT = "-1"
_PEOPLE = ("447700900101@s.whatsapp.net", "447700900102@s.whatsapp.net", "447700900103@s.whatsapp.net")
PERSON = _PEOPLE[0]
"""Somebody with whom there is a chat of two."""
_APPLE = """
CREATE TABLE ZWAMESSAGE (Z_PK INTEGER PRIMARY KEY, ZISFROMME INTEGER, ZMESSAGEDATE TIMESTAMP, ZTEXT VARCHAR,
  ZMESSAGETYPE INTEGER, ZCHATSESSION INTEGER, ZGROUPMEMBER INTEGER, ZFROMJID VARCHAR, ZTOJID VARCHAR,
  ZSTANZAID VARCHAR, ZPUSHNAME VARCHAR, ZMEDIAITEM INTEGER);
CREATE TABLE ZWACHATSESSION (Z_PK INTEGER PRIMARY KEY, ZCONTACTJID VARCHAR, ZPARTNERNAME VARCHAR, ZGROUPINFO INTEGER,
  ZSESSIONTYPE INTEGER);
CREATE TABLE ZWAGROUPMEMBER (Z_PK INTEGER PRIMARY KEY, ZMEMBERJID VARCHAR, ZCONTACTNAME VARCHAR);
CREATE TABLE ZWAMEDIAITEM (Z_PK INTEGER PRIMARY KEY, ZTITLE VARCHAR);
CREATE TABLE ZWAPROFILEPUSHNAME (ZJID VARCHAR, ZPUSHNAME VARCHAR);
"""
_ANDROID = """
CREATE TABLE jid (_id INTEGER PRIMARY KEY, user TEXT, server TEXT, raw_string TEXT, type INTEGER);
CREATE TABLE jid_map (lid_row_id INTEGER PRIMARY KEY, jid_row_id INTEGER);
CREATE TABLE chat (_id INTEGER PRIMARY KEY, jid_row_id INTEGER, subject TEXT);
CREATE TABLE message (_id INTEGER PRIMARY KEY, chat_row_id INTEGER, from_me INTEGER, key_id TEXT,
  sender_jid_row_id INTEGER, timestamp INTEGER, text_data TEXT, message_type INTEGER);
"""
_OLD = """
CREATE TABLE messages (_id INTEGER PRIMARY KEY, key_remote_jid TEXT, key_from_me INTEGER, key_id TEXT, status INTEGER,
  data TEXT, timestamp INTEGER, media_wa_type TEXT, remote_resource TEXT, media_caption TEXT);
"""
_COLUMNS = {
    "apple": ("ZWAMESSAGE", "ZTEXT", "Z_PK"),
    "android": ("message", "text_data", "_id"),
    "old android": ("messages", "data", "_id"),
}
_NUMBERS = {
    "apple": {"image": 1, "video": 2, "audio": 3, "contact": 4, "location": 5, "group event": 6, "document": 8}
    | {"system message": 10, "GIF": 11, "deleted": 14, "sticker": 15, "of unknown type": 77, "link": 7},
    "android": {"image": 1, "video": 3, "audio": 2, "contact": 4, "location": 5, "document": 9, "system message": 7}
    | {"GIF": 13, "deleted": 15, "sticker": 20, "of unknown type": 77, "poll": 66, "missed call": 10},
}


class Stored(NamedTuple):
    """A row before it is written in one of the schemas."""

    key: int
    mine: bool
    text: str | None
    number: int
    chat: str
    sender: str
    when: int | None = None  # seconds since 1970; a minute after the row before by default


def make_whatsapp_db(
    path: Path, rows: int = 150, *, seed: int = 0, store: str = "apple", rare: bool = False
) -> Planted:
    """Write a database of one of `STORES`, in which every class of row occurs; ``rare`` adds a text in no UTF-8."""
    planted = Planted(path)
    drawn = list(_rows(Writer(seed), planted, rows, store))
    if rare:
        drawn.append(Stored(rows + 1, True, "café", 0, _PEOPLE[0], _PEOPLE[0]))
        planted.passed("text is not UTF-8")
    with closing(sqlite3.connect(path)) as connection:
        write_store(connection, drawn, store)
        if rare:
            table, text, key = _COLUMNS[store]
            query = f"UPDATE {table} SET {text} = CAST(? AS TEXT) WHERE {key} = ?"  # noqa: S608
            connection.execute(query, (b"caf\xe9", rows + 1))
        connection.commit()
    return planted


def write_store(connection: sqlite3.Connection, rows: list[Stored], store: str) -> None:
    """Write rows into an empty database of one of `STORES`."""
    connection.execute("PRAGMA synchronous = OFF")  # no need to wait for the disk
    {"apple": _write_apple, "android": _write_android, "old android": _write_old}[store](connection, rows)


def _rows(writer: Writer, planted: Planted, rows: int, store: str) -> Iterator[Stored]:
    random = writer.random
    numbers = _NUMBERS["apple" if store == "apple" else "android"]
    passed = [kind for kind in numbers if kind != "link"]
    extra = ["status, no chat", "no text", "without a sender"]
    extra += [] if store == "apple" else ["placeholder of the app"]
    for at in range(rows):
        chat = random.choice((*_PEOPLE, _GROUP, _GROUP))
        mine = random.random() < 0.4
        sender = random.choice(_PEOPLE) if chat == _GROUP else chat
        if at < len(passed) + len(extra) or random.random() < 0.05:
            reason = (*passed, *extra)[at % (len(passed) + len(extra))]
            planted.passed(reason)
            text = {"group event": "12", "document": "notes.pdf", "contact": "Bo", "no text": " "}.get(reason)
            if reason == "status, no chat":
                yield Stored(at + 1, False, "look", 0, _STATUS, _PEOPLE[0])
            elif reason == "placeholder of the app":
                yield Stored(at + 1, False, None, 0, _NO_CHAT, "")
            elif reason == "without a sender":
                yield Stored(at + 1, False, "who am I", 0, _GROUP, "")
            else:
                yield Stored(at + 1, mine, text, numbers.get(reason, 0), chat, sender)
            continue
        text = writer.text()
        planted.message("me" if mine else f"+{sender.partition('@')[0]}", text)
        number = numbers["image"] if at % 9 == 0 else numbers.get("link", 0) if at % 9 == 1 else 0
        yield Stored(at + 1, mine, text, number, chat, sender)


def _write_apple(connection: sqlite3.Connection, rows: list[Stored]) -> None:
    connection.executescript(_APPLE)
    chats = {chat: number for number, chat in enumerate((*_PEOPLE, _GROUP, _STATUS), 1)}
    for chat, number in chats.items():
        group = number if chat == _GROUP else None
        connection.execute(
            "INSERT INTO ZWACHATSESSION VALUES (?,?,?,?,0)", (number, chat, f"\u200e{NAMES[number]}", group)
        )
    for number, person in enumerate(_PEOPLE, 1):
        connection.execute("INSERT INTO ZWAGROUPMEMBER VALUES (?,?,?)", (number, person, NAMES[number]))
    for row in rows:
        media = row.key if row.number not in (0, 7, 6, 10, 14) else None
        if media:
            connection.execute("INSERT INTO ZWAMEDIAITEM VALUES (?,?)", (media, row.text))
        member = _PEOPLE.index(row.sender) + 1 if row.chat == _GROUP and row.sender and not row.mine else None
        date = None if row.key % 50 == 0 else _START + row.key * 61.5
        date = row.when if row.when is not None else date
        date = None if date is None else date - 978_307_200
        values = (row.key, int(row.mine), date, None if media else row.text, row.number, chats[row.chat], member)
        other = (None, row.chat) if row.mine else (row.chat, None)
        connection.execute(
            "INSERT INTO ZWAMESSAGE VALUES (?,?,?,?,?,?,?,?,?,?,NULL,?)", (*values, *other, f"S{row.key}", media)
        )


def _write_android(connection: sqlite3.Connection, rows: list[Stored]) -> None:
    connection.executescript(_ANDROID)
    jids = {jid: number for number, jid in enumerate((*_PEOPLE, _GROUP, _STATUS, _LID), 1)}
    for jid, number in jids.items():
        connection.execute("INSERT INTO jid VALUES (?,?,?,?,0)", (number, *jid.split("@"), jid))
        connection.execute("INSERT INTO chat VALUES (?,?,?)", (number + 100, number, "us" if jid == _GROUP else None))
    connection.execute("INSERT INTO jid_map VALUES (?,?)", (jids[_LID], jids[_PEOPLE[0]]))
    for row in rows:
        sender: Any = jids.get(row.sender, 0) if row.chat == _GROUP and not row.mine else 0
        if sender == jids[_PEOPLE[0]] and row.key % 2:
            sender = jids[_LID]  # the same person by another id
        chat = -1 if row.chat == _NO_CHAT else jids[row.chat] + 100
        values = (row.key, chat, int(row.mine), f"K{row.key}", sender)
        when = (_START + row.key * 61 if row.when is None else row.when) * 1000
        connection.execute("INSERT INTO message VALUES (?,?,?,?,?,?,?,?)", (*values, when, row.text, row.number))


def _write_old(connection: sqlite3.Connection, rows: list[Stored]) -> None:
    connection.executescript(_OLD)
    for row in rows:
        media = row.number not in (0, 7)
        sender = row.sender if row.chat == _GROUP and not row.mine else None
        status = 6 if row.number == 7 else 0
        texts = (None, row.text) if media else (row.text, None)
        when = (_START + row.key * 61 if row.when is None else row.when) * 1000
        values = (row.key, row.chat, int(row.mine), f"K{row.key}", status, texts[0], when)
        connection.execute(
            "INSERT INTO messages VALUES (?,?,?,?,?,?,?,?,?,?)", (*values, str(row.number), sender, texts[1])
        )
