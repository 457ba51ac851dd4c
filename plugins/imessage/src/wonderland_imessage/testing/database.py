"""A Messages database with a known answer, of any size: a reader must find exactly what was planted.

The schema is that of macOS 15. Rows are drawn from `plans`, seeded; with at least as many rows as there are plans every
plan occurs. What a reader must find comes back as `Planted`.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any

from wonderland_imessage.testing.plans import PLANS, Desk, Plan, Row
from wonderland_imessage.testing.vocabulary import Writer

__all__ = ["Planted", "create", "make_database", "schema"]

COLUMNS = """ROWID guid text attributedBody service handle_id is_from_me date associated_message_type
associated_message_guid balloon_bundle_id payload_data item_type group_action_type other_handle group_title share_status
is_audio_message date_edited message_summary_info thread_originator_guid is_forward is_auto_reply""".split()  # noqa: SIM905
START = 5 * 10**17  # 2016-11 in nanoseconds since 2001
BATCH = 20_000


@dataclass
class Planted:
    """What was written into a database.

    Attributes:
        path: The database.
        rows: How many rows ``message`` has.
        reasons: How many rows of each class are no messages.
        tags: How many messages have each of the tags that a plan gives.
        plans: How many rows of each plan there are.
        texts: The text of each message by ROWID (only with ``keep_texts``).
        people: How many persons there are besides the owner.
        in_groups: How many messages are in group chats.
    """

    path: Path
    rows: int
    reasons: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    plans: Counter[str] = field(default_factory=Counter)
    texts: dict[int, str] = field(default_factory=dict)
    people: int = 0
    in_groups: int = 0

    @property
    def messages(self) -> int:
        """How many rows are messages."""
        return self.rows - sum(self.reasons.values())


def schema() -> str:
    """Return the schema of a Messages database as SQL, without triggers."""
    return resources.files(__package__).joinpath("schema-macos15.sql").read_text(encoding="utf-8")


def create(path: Path) -> sqlite3.Connection:
    """Make an empty Messages database and return a connection to it."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.executescript(f"BEGIN; {schema()}; COMMIT;")
    return connection


def make_database(
    path: Path,
    rows: int = 1000,
    *,
    seed: int = 0,
    people: int = 12,
    wal: int = 0,
    keep_texts: bool = True,
    plans: Sequence[Plan] = PLANS,
) -> Planted:
    """Write a Messages database.

    Args:
        path: Where to; must not exist.
        rows: How many rows ``message`` gets.
        seed: The same seed and arguments give the same rows.
        people: How many persons there are besides the owner; each has a number on two services, every third an
            address too.
        wal: How many of the last rows stay in ``chat.db-wal``, not yet in the database itself.
        keep_texts: Whether to return every planted text.
        plans: Which kinds of row to draw from.
    """
    random = Random(seed)  # noqa: S311
    desk = Desk(random, Writer(random))
    planted = Planted(Path(path), rows, people=people)
    with closing(create(path)) as connection:
        connection.execute("PRAGMA cache_size = -200000")
        indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql > ''").fetchall()
        for name, _ in indexes:  # made again once the rows are there, which is faster
            connection.execute(f"DROP INDEX {name}")
        cast = _Cast(connection, random, people)
        drawn = _draw(random, plans, rows)
        _insert(connection, desk, cast, planted, drawn[: rows - wal], 1, keep_texts)
        for _, sql in indexes:
            connection.execute(sql)
        connection.commit()
        if wal:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            _insert(connection, desk, cast, planted, drawn[rows - wal :], rows - wal + 1, keep_texts)
            connection.commit()
            _keep_log(path, connection)
    return planted


def _keep_log(path: Path, connection: sqlite3.Connection) -> None:
    """Leave the write-ahead log behind, which closing the last connection would fold into the database."""
    names = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
    contents = [name.read_bytes() for name in names]
    connection.close()
    for name, content in zip(names, contents, strict=True):
        name.write_bytes(content)


def _draw(random: Random, plans: Sequence[Plan], rows: int) -> list[Plan]:
    drawn = random.choices(plans, [plan.weight for plan in plans], k=rows)
    for at, plan in enumerate(plans[:rows]):  # every plan at least once, spread over the rows
        drawn[at * rows // max(len(plans), 1)] = plan
    return drawn


class _Cast:
    """The people and chats of a database."""

    def __init__(self, connection: sqlite3.Connection, random: Random, people: int) -> None:
        handles: list[tuple[Any, ...]] = []
        members: list[tuple[int, int]] = []
        chats: list[tuple[Any, ...]] = []
        self.direct: list[tuple[int, int, str]] = []
        for person in range(people):
            number = f"+1555{person:07d}"
            services = [(number, "iMessage"), (number, "SMS")]
            if person % 3 == 0:
                services.append((f"person{person}@example.test", "iMessage"))
            for one, service in services:
                handle, chat = len(handles) + 1, len(chats) + 1
                handles.append((handle, one, "us", service, f"person-{person}" if person % 3 == 0 else None))
                chats.append((chat, f"{service};-;{one}", 45, one, service, None))
                members.append((chat, handle))
                self.direct.append((chat, handle, service))
        self.groups: list[tuple[int, list[int]]] = []
        for number_ in range(max(1, people // 4)):
            chat = len(chats) + 1
            inside = random.sample(
                [h for h, *_, s, _ in handles if s == "iMessage"], k=min(people, random.randint(2, 6))
            )
            chats.append(
                (chat, f"iMessage;+;chat{number_:012d}", 43, f"chat{number_:012d}", "iMessage", f"group {number_}")
            )
            members.extend((chat, handle) for handle in inside)
            self.groups.append((chat, inside))
        connection.executemany(
            "INSERT INTO handle (ROWID, id, country, service, person_centric_id) VALUES (?,?,?,?,?)", handles
        )
        connection.executemany(
            "INSERT INTO chat (ROWID, guid, style, chat_identifier, service_name, display_name) VALUES (?,?,?,?,?,?)",
            chats,
        )
        connection.executemany("INSERT INTO chat_handle_join VALUES (?,?)", members)

    def place(self, random: Random, service: str | None) -> tuple[int, int, int, str, bool]:
        """Choose (chat, handle, from me, service, in a group) for a row."""
        me = int(random.random() < 0.39)
        if service is None and random.random() < 0.2:
            chat, inside = self.groups[int(random.random() * len(self.groups))]
            return chat, 0 if me else inside[int(random.random() * len(inside))], me, "iMessage", True
        skewed = int(len(self.direct) * random.random() ** 2.5)
        chat, handle, own = self.direct[skewed]
        if service is not None and own != service:
            chat, handle, own = next(one for one in self.direct if one[2] == service)
        return chat, handle, me, own, False


def _insert(
    connection: sqlite3.Connection,
    desk: Desk,
    cast: _Cast,
    planted: Planted,
    drawn: Sequence[Plan],
    first: int,
    keep_texts: bool,
) -> None:
    insert = f"INSERT INTO message ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
    defaults = {"associated_message_type": 0, "item_type": 0, "group_action_type": 0, "other_handle": 0}
    for start in range(0, len(drawn), BATCH):
        rows: list[list[Any]] = []
        joins: list[tuple[Any, ...]] = []
        attachments: list[tuple[int, str]] = []
        for rowid, plan in enumerate(drawn[start : start + BATCH], first + start):
            row = plan.write(desk)
            chat, handle, me, service, in_group = cast.place(desk.random, row.get("service"))
            date = START + rowid * 4 * 10**11 + int(desk.random.random() * 10**11)
            columns = {**defaults, "service": service, "handle_id": handle, "is_from_me": me, **row}
            columns["ROWID"], columns["guid"] = rowid, desk.guid()
            when = row.get("date", "now")
            columns["date"] = int(float(date)) if when == "now" else date // 10**9 if when == "seconds" else when
            rows.append([columns.get(name) for name in COLUMNS])
            joins.extend(_joins(row, rowid, chat, columns["date"]))
            attachments.extend((rowid, guid) for guid in row.attachments)
            planted.plans[plan.name] += 1
            _count(planted, row, rowid, in_group and row.place != "orphan", keep_texts)
        connection.executemany(insert, rows)
        for table, *values in joins:
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608
        for rowid, guid in attachments:
            made = connection.execute("INSERT INTO attachment (guid) VALUES (?)", (guid,)).lastrowid
            connection.execute("INSERT INTO message_attachment_join VALUES (?,?)", (rowid, made))


def _joins(row: Row, rowid: int, chat: int, date: Any) -> Iterator[tuple[Any, ...]]:
    if row.place == "deleted":
        yield "chat_recoverable_message_join", chat, rowid, 1 + (date or 0), 0
    elif row.place != "orphan":
        yield "chat_message_join", chat, rowid, date
        if row.place == "several":
            yield "chat_message_join", chat + 1, rowid, date


def _count(planted: Planted, row: Row, rowid: int, in_group: bool, keep_texts: bool) -> None:
    if row.text_planted is None:
        planted.reasons[row.reason] += 1
        return
    planted.tags.update(row.tags)
    planted.in_groups += in_group
    if keep_texts:
        planted.texts[rowid] = row.text_planted
