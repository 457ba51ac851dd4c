"""What is asked of the database, given the tables and columns that this version of macOS or iOS has.

Columns are taken by name; one that is not there reads as NULL. Whatever belongs to a message but lies in another table
(its chat, whether it has attachments) is fetched once for all rows, because a sub-query for each row costs more.
"""

from __future__ import annotations

import functools
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wonderland.errors import InputError
from wonderland_imessage import opening, people, threads
from wonderland_imessage.kinds import Special

__all__ = ["Context", "context", "count", "select", "select_special"]

# A row is special as soon as one of these holds. NULL counts as no.
SPECIAL = {
    "associated_message_type": "associated_message_type NOT IN (0, 2, 3)",
    "balloon_bundle_id": "balloon_bundle_id IS NOT NULL",
    "item_type": "item_type != 0",
    "is_audio_message": "is_audio_message != 0",
    "date_edited": "date_edited != 0",
    "date_retracted": "date_retracted != 0",
    "subject": "subject > ''",
    "thread_originator_guid": "thread_originator_guid IS NOT NULL",
    "is_auto_reply": "is_auto_reply != 0",
    "is_forward": "is_forward != 0",
    "is_spam": "is_spam != 0",
    "schedule_type": "schedule_type != 0",
}


@dataclass(frozen=True)
class Context:
    """What the other tables say, for all messages at once.

    Attributes:
        people: Who is behind each handle.
        handles: How many handles there are.
        threads: The conversation of each chat.
        chat_of: The chat of each message that is in one; the oldest that its sender is in, if it is in several.
        in_several: How many messages are in several chats.
        deleted: Messages in Recently Deleted.
        with_attachments: Messages that have attachments.
        in_cloud: Whether Messages in iCloud is in use, which may hold history that is not here.
    """

    people: people.People
    handles: int
    threads: dict[int, threads.Thread]
    chat_of: dict[int, int]
    in_several: int
    deleted: frozenset[int]
    with_attachments: frozenset[int]
    in_cloud: bool

    def oldest_handle(self, handle: int | None) -> int:
        """Return the lowest ROWID of the handles of the person behind a handle; 0 for nobody."""
        person = self.people.by_handle.get(handle or 0)
        return handle or 0 if person is None else self._oldest[person.key]

    @functools.cached_property
    def _oldest(self) -> dict[str, int]:
        lowest: dict[str, int] = {}
        for rowid, person in self.people.by_handle.items():
            lowest[person.key] = min(rowid, lowest.get(person.key, rowid))
        return lowest


def count(connection: sqlite3.Connection) -> int:
    """Count the rows of the table ``message``."""
    (rows,) = connection.execute("SELECT COUNT(*) FROM message").fetchone()
    return int(rows)


def select(connection: sqlite3.Connection) -> str:
    """Return the query for all rows: ROWID, date, handle, whether from me, service (str or bytes), text, body.

    Raises:
        InputError: The table has neither column that could hold text.
    """
    present = opening.columns(connection, "message")
    if not {"text", "attributedBody"} & present:
        raise InputError(
            "The table `message` has neither a column `text` nor `attributedBody`: it is not one of Messages.",
            hint="Give chat.db from ~/Library/Messages, or sms.db from an iPhone backup.",
        )
    names = ("date", "handle_id", "is_from_me", "service", "text", "attributedBody")
    fields = [name if name in present else "NULL" for name in names]
    # The same few words in every row need not become strings in every row.
    quick = str(connection.execute("PRAGMA encoding").fetchone()[0]) == "UTF-8"
    service = "CAST(service AS BLOB)" if quick else "service"
    fields = [f"CASE typeof(service) WHEN 'text' THEN {service} END" if one == "service" else one for one in fields]
    return f"SELECT ROWID, {', '.join(fields)} FROM message ORDER BY ROWID"  # noqa: S608


def select_special(connection: sqlite3.Connection) -> str:
    """Return the query for ROWID and `Special` of the rows that are not plain messages, in the same order.

    Few rows are, and their many columns would cost more than all else if they were read for every row.
    """
    present = opening.columns(connection, "message")
    tests = [test for name, test in SPECIAL.items() if name in present]
    fields = [_special(name, present) for name in Special._fields]
    where = " OR ".join(tests) or "0"
    return f"SELECT ROWID, {', '.join(fields)} FROM message WHERE {where} ORDER BY ROWID"  # noqa: S608


def _special(name: str, present: set[str]) -> str:
    if name == "reply":
        return "thread_originator_guid IS NOT NULL" if "thread_originator_guid" in present else "NULL"
    if name == "message_summary_info" and {name, "date_edited", "date_retracted"} <= present:
        return "CASE WHEN date_edited != 0 OR date_retracted != 0 THEN message_summary_info END"
    return name if name in present else "NULL"


def context(connection: sqlite3.Connection, cards: list[people.Card]) -> Context:
    """Read everything but the messages."""
    handles = [
        people.Handle(int(rowid), str(one or ""), str(service or ""), str(country or ""), str(person or ""))
        for rowid, one, service, country, person in _rows(
            connection, "handle", "ROWID", "id", "service", "country", "person_centric_id"
        )
    ]
    everybody = people.join(handles, cards)
    members: dict[int, list[int]] = defaultdict(list)
    for chat, handle in _rows(connection, "chat_handle_join", "chat_id", "handle_id"):
        if isinstance(handle, int):
            members[chat].append(handle)
    chats = [
        threads.Chat(rowid, style if isinstance(style, int) else None, str(name or ""), str(identifier or ""))
        for rowid, style, name, identifier in _rows(
            connection, "chat", "ROWID", "style", "display_name", "chat_identifier"
        )
    ]
    lookup = [(str(one), chat) for one, chat in _rows(connection, "chat_lookup", "identifier", "chat") if one]
    chat_of, in_several = _chats_of_messages(connection, threads.participants(chats, members, everybody), everybody)
    deleted = {row[0] for row in _rows(connection, "chat_recoverable_message_join", "message_id")}
    attached = {row[0] for row in _rows(connection, "message_attachment_join", "message_id")}
    return Context(
        people=everybody,
        handles=len(handles),
        threads=threads.merge(chats, members, everybody, lookup),
        chat_of=chat_of,
        in_several=in_several,
        deleted=frozenset(deleted - chat_of.keys()),
        with_attachments=frozenset(attached),
        in_cloud=_in_cloud(connection),
    )


def _chats_of_messages(
    connection: sqlite3.Connection, inside: Mapping[int, Iterable[int]], everybody: people.People
) -> tuple[dict[int, int], int]:
    """Return the chat of each message, and how many messages are in several."""
    if not {"chat_id", "message_id"} <= opening.columns(connection, "chat_message_join"):
        return {}, 0
    # In the order of the messages, so that neighbours lie together in memory when they are looked up.
    chat_of: dict[int, int] = dict(
        connection.execute("SELECT message_id, chat_id FROM chat_message_join ORDER BY rowid")
    )
    several: dict[int, set[int]] = defaultdict(set)
    sender = "m.handle_id" if "handle_id" in opening.columns(connection, "message") else "NULL"
    handle_of: dict[int, Any] = {}
    for message, chat, handle in connection.execute(
        f"SELECT m.ROWID, j.chat_id, {sender} FROM "  # noqa: S608
        "(SELECT message_id FROM chat_message_join GROUP BY message_id HAVING COUNT(*) > 1) s "
        "JOIN chat_message_join j ON j.message_id = s.message_id JOIN message m ON m.ROWID = s.message_id"
    ):
        if isinstance(chat, int):
            several[message].add(chat)
            handle_of[message] = handle
    for message, chats in several.items():
        chat_of[message] = _one_of(chats, handle_of[message], inside, everybody)
    return chat_of, sum(len(chats) > 1 for chats in several.values())


def _one_of(chats: set[int], handle: Any, inside: Mapping[int, Iterable[int]], everybody: people.People) -> int:
    """Return the oldest chat that the other side of a message is in; of those that exist, where there are any."""
    existing = [chat for chat in sorted(chats) if chat in inside] or sorted(chats)
    key = everybody.key(handle) if handle else ""
    with_them = [chat for chat in existing if key in {everybody.key(one) for one in inside.get(chat, ())}]
    return (with_them or existing)[0]


def _rows(connection: sqlite3.Connection, table: str, *names: str) -> list[tuple[Any, ...]]:
    """Read columns of a table, NULL for those that are not there; nothing if there is no such table."""
    present = opening.columns(connection, table)
    if not present:
        return []
    wanted = ", ".join(name if name in present or name == "ROWID" else "NULL" for name in names)
    return connection.execute(f"SELECT {wanted} FROM {table}").fetchall()  # noqa: S608


def _in_cloud(connection: sqlite3.Connection) -> bool:
    if "ck_sync_state" not in opening.columns(connection, "message"):
        return False
    newest = "SELECT ck_sync_state FROM message ORDER BY ROWID DESC LIMIT 10000"  # all, where it is in use
    return connection.execute(f"SELECT 1 FROM ({newest}) WHERE ck_sync_state != 0").fetchone() is not None  # noqa: S608
