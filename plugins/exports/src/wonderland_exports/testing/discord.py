"""Exports of Discord with a known answer: channels and direct conversations of the exporter, and a data package."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

from wonderland_exports.discord_rows import EVENTS
from wonderland_exports.testing.known import PEOPLE, Known, Letters, Said
from wonderland_exports.testing.writing import write

__all__ = ["make_discord", "make_package", "snowflake"]

_EPOCH = 1_420_070_400_000  # Discord's, in milliseconds
_START = 1_600_000_000_000
_OTHERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("file only", {"attachments": [{"id": "1", "url": "https://x", "fileName": "a.png", "fileSizeBytes": 1}]}),
    ("sticker only", {"stickers": [{"id": "1", "name": "wave", "format": "Png"}]}),
    ("embed only", {"embeds": [{"title": "a page"}]}),
    ("forwarded file or embed", {"forwardedMessage": {"content": "", "attachments": [{"id": "2"}]}}),
    ("poll", {"poll": {"question": "tea?"}}),
    ("no text", {}),
    *((reason, {"type": kind, "content": "the exporter's words"}) for kind, reason in EVENTS.items()),
)
_RARE: tuple[tuple[str, Any], ...] = (
    ("not a JSON object", 5),
    ("of an unknown type", {"type": "Hologram", "content": "x"}),
    ("without an author", {"type": "Default", "author": None, "content": "x"}),
    ("text is not a string", {"type": "Default", "author": {"id": "98", "name": "Zed"}, "content": 5}),
)
_RARE_OWN: tuple[tuple[str, Any], ...] = (
    ("not a record of the table, or null", None),
    ("not a JSON object", 5),
    ("text is not a string", {"ID": 7, "Contents": 5}),
)
_KINDS = (("GuildTextChat", "general", ("group",)), ("DirectGroupTextChat", "", ("group",)), ("DirectTextChat", "", ()))


def make_discord(path: Path, rows: int = 200, seed: int = 0, *, rare: bool = False) -> Known:
    """Write files of the exporter with about so many rows; a zip if the path ends so, else a folder.

    ``rare`` adds rows that no version writes.
    """
    random = Random(seed)  # noqa: S311 (no secret)
    people = random.sample(PEOPLE, len(PEOPLE))
    ids = {name: snowflake(_START - 10**9 + number) for number, name in enumerate(people)}
    known = Known(Path(path), ids[people[0]])
    files: dict[str, object] = {}
    for number, (kind, name, tags) in enumerate(_KINDS):
        channel = snowflake(_START - 10**8 + number)
        members = people if tags else people[:2]
        found = _rows(known, random, channel, members, ids, tags, max(rows // len(_KINDS), 40 + len(EVENTS)))
        found += [_noted(known, reason, row) for reason, row in (_RARE if rare else ())]
        files[f"server - {number} [{channel}].json"] = {
            "guild": {"id": "0", "name": "Direct Messages", "iconUrl": ""},
            "channel": {"id": channel, "type": kind, "name": name or people[1], "topic": None},
            "dateRange": {"after": None, "before": None},
            "exportedAt": "2024-01-01T00:00:00+00:00",
            "messages": found,
            "messageCount": len(found),
        }
    write(known.path, files)
    return known


def _noted(known: Known, reason: str, row: Any) -> Any:
    known.other(reason)
    return row


def make_package(path: Path, rows: int = 60, seed: int = 0, table: bool = False, *, rare: bool = False) -> Known:
    """Write a data package with about so many rows, as JSON or in the older way as tables.

    ``rare`` adds rows that cannot be read.
    """
    random = Random(seed)  # noqa: S311 (no secret)
    letters, known = Letters(random), Known(Path(path), "me")
    files: dict[str, object] = {"account/user.json": {"id": snowflake(_START), "username": "ada"}}
    for number, (kind, tags) in enumerate((("DM", ()), ("GUILD_TEXT", ("group",)))):
        channel, stored = snowflake(_START + number), []
        for index in range(max(rows // 2, 6)):
            at = _START + number * 500 + index * 60_000
            text, files_in_it = (letters.text(), "") if index > 2 else ("", "https://x/a.png" if index else "")
            if text:
                known.message(Said(channel, "me", at, text, tags))
            else:
                known.other("file only" if files_in_it else "no text")
            shown = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
            stored.append(
                {"ID": snowflake(at, index), "Timestamp": shown, "Contents": text, "Attachments": files_in_it}
            )
        folder = f"messages/c{channel}"
        files[f"{folder}/channel.json"] = {"id": channel, "type": kind}
        if table:
            broken = f"{snowflake(_START, 9)},2020-09-13 12:26:40,caf".encode() + b"\xe9,\r\nx\r\n"
            files[f"{folder}/messages.csv"] = _as_table(stored).encode() + (broken if rare else b"")
            for reason in ("not UTF-8", "not a record of the table, or null") if rare else ():
                known.other(reason)
        else:
            rows_of = [{**row, "ID": int(row["ID"])} if number else row for row in stored]
            files[f"{folder}/messages.json"] = [
                *rows_of,
                *(_noted(known, reason, row) for reason, row in (_RARE_OWN if rare else ())),
            ]
    write(known.path, files)
    return known


def snowflake(milliseconds: int, number: int = 0) -> str:
    """Return an id as Discord makes them."""
    return str((milliseconds - _EPOCH << 22) + number % 4096)


def _rows(
    known: Known,
    random: Random,
    channel: str,
    members: list[str],
    ids: dict[str, str],
    tags: tuple[str, ...],
    count: int,
) -> list[dict[str, Any]]:
    letters, at, found = Letters(random), _START, []
    for index in range(count):
        at += random.randint(1, 10**6)
        name = random.choice(members)
        zone = timezone(timedelta(hours=index % 5 - 2))
        row: dict[str, Any] = {
            "id": snowflake(at, index),
            "type": "Default" if index % 3 else "Reply",
            "timestamp": datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="milliseconds"),
            "timestampEdited": None,
            "isPinned": False,
            "content": "",
            "author": {"id": ids[name], "name": name, "discriminator": "0000", "nickname": name, "isBot": False},
            "attachments": [],
            "embeds": [],
            "stickers": [],
            "reactions": [],
            "mentions": [],
        }
        if index < len(_OTHERS) or random.random() < 0.1:
            reason, columns = _OTHERS[index % len(_OTHERS)]
            known.other(reason)
        else:
            text, more, columns = _message(letters, index, ids[members[0]], members[0])
            sender = "99" if "bot" in more else ids[name]
            known.message(Said(channel, sender, at, text, (*tags, *more)))
        found.append(row | columns)
    return found


def _message(letters: Letters, index: int, someone: str, name: str) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    text = letters.text()
    if index % 11 == 4:
        return (
            f"hi @{name} :wave:",
            (),
            {
                "content": f"hi <@!{someone}> <a:wave:{someone}>",
                "mentions": [{"id": someone, "name": "x", "nickname": name}],
            },
        )
    if index % 11 == 5:
        return text, ("edited",), {"content": text, "timestampEdited": "2024-01-01T00:00:00+00:00"}
    if index % 11 == 6:
        return text, ("forwarded",), {"forwardedMessage": {"content": text}, "reference": {"type": "Forward"}}
    if index % 11 == 7:
        bot = {"id": "99", "name": "bot", "discriminator": "1234", "nickname": "bot", "isBot": True}
        return text, ("bot",), {"content": text, "author": bot}
    return text, (), {"content": text}


def _as_table(rows: list[dict[str, str]]) -> str:
    lines = io.StringIO()
    table = csv.DictWriter(lines, ["ID", "Timestamp", "Contents", "Attachments"])
    table.writeheader()
    table.writerows(rows)
    return lines.getvalue()
