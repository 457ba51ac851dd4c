"""Signal's messages in their forms, with a known answer."""

from __future__ import annotations

import importlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wonderland_exports.testing.planted import Planted, Writer

__all__ = ["make_signal", "make_signal_desktop", "make_signal_export"]

_START = 1_650_000_000_000
_NUMBERS = {"2": "+447700900102", "3": "+447700900103"}
_PASSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("attachment only", {"standardMessage": {"attachments": [{"pointer": {}}]}}),
    ("no text", {"standardMessage": {"text": {"body": " "}}}),
    ("contact", {"contactMessage": {"contact": {}}}),
    ("sticker", {"stickerMessage": {"sticker": {"emoji": "👋"}}}),
    ("deleted", {"remoteDeletedMessage": {}}),
    ("system message", {"updateMessage": {"simpleUpdate": {"type": "JOINED_SIGNAL"}}}),
    ("system message", {"updateMessage": {"individualCall": {}}}),
    ("payment", {"paymentNotification": {}}),
    ("gift badge", {"giftBadge": {}}),
    ("view once", {"viewOnceMessage": {}}),
    ("poll", {"poll": {"question": "tea?"}}),
    ("of unknown type", {"hologram": {}}),
)


def make_signal(folder: Path, rows: int = 150, *, seed: int = 0, rare: bool = False) -> Planted:
    """Write a plaintext export, ``main.jsonl`` and ``metadata.json``, in which every class of row occurs.

    ``rare`` adds lines that are no JSON.
    """
    planted = Planted(folder)
    folder.mkdir(exist_ok=True)
    (folder / "metadata.json").write_text('{"version": 1}', encoding="utf-8")
    with open(folder / "main.jsonl", "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in (*_heads(), *_frames(Writer(seed), planted, rows)))
        if rare:
            file.write('{"chatItem": {"chatId": "12", "authorId": }}\n')
            planted.passed("broken line")
    return planted


def _heads() -> Iterator[str]:
    people: list[dict[str, Any]] = [{"id": "1", "self": {}}]
    people += [
        {"id": key, "contact": {"aci": f"aci-{key}", "e164": number[1:], "profileGivenName": f"Name {key}"}}
        for key, number in _NUMBERS.items()
    ]
    people.append({"id": "9", "group": {"snapshot": {"title": {"title": "The group"}}}})
    yield json.dumps({"version": "1", "backupTimeMs": str(_START)})
    yield json.dumps({"account": {"givenName": "Ada"}})
    yield from (json.dumps({"recipient": one}) for one in people)
    yield from (json.dumps({"chat": {"id": f"1{one['id']}", "recipientId": one["id"]}}) for one in people)


def _frames(writer: Writer, planted: Planted, rows: int) -> Iterator[str]:
    random, before = writer.random, ""
    for at in range(rows):
        author = random.choice(("1", "2", "3"))
        chat = random.choice(("12", "13", "19")) if author == "1" else random.choice((f"1{author}", "19"))
        way = "outgoing" if author == "1" else "incoming"
        item: dict[str, Any] = {"chatId": chat, "authorId": author, "dateSent": str(_START + at * 61_000), way: {}}
        if 0 < at <= len(_PASSED) or random.random() < 0.05:
            reason, fields = _PASSED[at % len(_PASSED)]
            planted.passed(reason)
            yield json.dumps({"chatItem": {**item, **fields}})
            continue
        if at > len(_PASSED) and before and random.random() < 0.03:
            planted.passed("the same row twice")
            yield before
            continue
        text = writer.text() + random.choice(("", "\nsecond line", "\n\n\u2028x"))
        planted.message("me" if author == "1" else _NUMBERS[author], text)
        body: dict[str, Any] = {"standardMessage": {"text": {"body": text, "bodyRanges": []}, "reactions": []}}
        if at % 7 == 0:
            body = {"directStoryReplyMessage": {"textReply": {"text": {"body": text}}}}
        if at % 11 == 0:
            body["revisions"] = [{"standardMessage": {"text": {"body": "older"}}}]
        before = json.dumps({"chatItem": {**item, **body}}, ensure_ascii=False)
        yield before if at % 3 else before.replace("\\n", "\n")  # line breaks that were not escaped
        if not at % 3:
            before = ""


def make_signal_export(
    folder: Path, rows: int = 150, *, seed: int = 0, text: bool = False, rare: bool = False
) -> Planted:
    """Write what the tool signal-export writes of one chat: ``Bo/data.json``, or the older text ``Bo.txt``.

    ``rare`` adds what cannot be read: a line that is no JSON, or text before the first message and in another encoding.
    """
    planted = Planted(folder)
    place = folder / "Bo.txt" if text else folder / "Bo" / "data.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place, "w", encoding="utf-8") as file:
        if rare and text:
            file.write("nobody said when\n")
            planted.passed("before the first message")
        file.writelines(f"{line}\n" for line in _lines(Writer(seed), planted, rows, text))
        if rare and not text:
            file.write('"a word"\n')
            planted.passed("broken line")
    if rare and text:
        with open(place, "ab") as raw:
            raw.write(b"[2022-05-01, 10:00] Bo: caf\xe9  \n")
        planted.passed("not UTF-8")
    return planted


def _lines(writer: Writer, planted: Planted, rows: int, as_text: bool) -> Iterator[str]:
    random = writer.random
    passed: tuple[tuple[str, dict[str, Any]], ...] = (
        ("deleted", {"deleted": True}),
        ("call", {"call": True, "body": "Missed call  "}),
        ("sticker", {"sticker": {"emoji": "👋"}}),
        ("attachment only", {"attachments": [{"name": "a.jpg", "path": "media/a.jpg"}]}),
        ("no text", {}),
        ("without a sender", {"sender": "No-Sender", "body": "x  "}),
    )
    for at in range(rows):
        who = random.choice(("Me", "Bo"))
        when = datetime.fromtimestamp(_START / 1000, UTC).replace(tzinfo=None) + timedelta(minutes=at)
        row: dict[str, Any] = {
            "date": when.isoformat(),
            "sender": who,
            "body": "  ",
            "quote": "",
            "sticker": None,
            "attachments": [],
        }
        if 0 < at <= len(passed) or random.random() < 0.05:
            reason, fields = passed[-2:][at % 2] if as_text else passed[at % len(passed)]
            planted.passed(reason)
            row |= fields
        else:
            words = writer.text() + ("\nsecond line" if at % 5 == 0 else "")
            planted.message("me" if who == "Me" else who, words)
            row["body"] = f"{words}  "
        yield (
            f"[{when:%Y-%m-%d, %H:%M}] {row['sender']}: {row['body']}"
            if as_text
            else json.dumps(row, ensure_ascii=False)
        )


def make_signal_desktop(folder: Path, rows: int = 120, *, seed: int = 0, key: str = "", old: bool = False) -> Planted:
    """Write the folder of Signal Desktop.

    Args:
        folder: Where to.
        rows: How many rows.
        seed: The same seed and arguments give the same rows.
        key: Encrypt the database with this key of 64 hexadecimal digits; takes the package sqlcipher3.
        old: Whether everything stands in the column of JSON, as in older versions.
    """
    planted = Planted(folder)
    (folder / "sql").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"key": key} if old else {"encryptedKey": "76"}), encoding="utf-8")
    database: Any = importlib.import_module("sqlcipher3").dbapi2 if key else sqlite3
    with closing(database.connect(str(folder / "sql" / "db.sqlite"))) as connection:
        if key:
            connection.execute(f"PRAGMA key = \"x'{key}'\"")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE conversations (id, type, serviceId, e164, name, profileFullName, json)")
        connection.execute("CREATE TABLE messages (rowid INTEGER PRIMARY KEY, id, json, body, type, conversationId,"
                           " sourceServiceId, sent_at, serverTimestamp, hasAttachments)")  # fmt: skip
        for number, phone in _NUMBERS.items():
            row = (f"c{number}", "private", f"aci-{number}", phone, None, f"Name {number}", "{}")
            connection.execute("INSERT INTO conversations VALUES (?,?,?,?,?,?,?)", row)
        connection.execute("INSERT INTO conversations VALUES ('c9', 'group', NULL, NULL, 'The group', NULL, '{}')")
        for row in _desktop(Writer(seed), planted, rows, old):
            connection.execute("INSERT INTO messages VALUES (?,?,?,?,?,?,?,?,?,?)", row)
        connection.commit()
    return planted


def _desktop(writer: Writer, planted: Planted, rows: int, old: bool) -> Iterator[tuple[Any, ...]]:
    random = writer.random
    passed: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("call", "call-history", {}),
        ("system message", "group-v2-change", {}),
        ("system message", "keychange", {}),
        ("deleted", "incoming", {"deletedForEveryone": True}),
        ("view once", "incoming", {"isViewOnce": True}),
        ("sticker", "incoming", {"sticker": {"emoji": "x"}}),
        ("attachment only", "incoming", {"attachments": [{}]}),
        ("no text", "outgoing", {}),
    )
    for at in range(1, rows + 1):
        who = random.choice(("1", "2", "3"))
        chat = "c9" if random.random() < 0.3 else f"c{who}" if who != "1" else "c2"
        kind = "outgoing" if who == "1" else "incoming"
        more: dict[str, Any] = {}
        text = None
        if at <= len(passed) or random.random() < 0.05:
            reason, kind, more = passed[at % len(passed)]
            planted.passed(reason)
        else:
            text = writer.text()
            planted.message("me" if who == "1" else _NUMBERS[who], text)
        account, sent = None if who == "1" else f"aci-{who}", _START + at * 61_000
        if old:
            more |= {"body": text, "sourceUuid": account, "sent_at": sent}
            yield at, f"m{at}", json.dumps(more), None, kind, chat, None, None, None, None
        else:
            yield at, f"m{at}", json.dumps(more), text, kind, chat, account, sent, sent - 5, None
