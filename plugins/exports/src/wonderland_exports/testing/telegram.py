"""Telegram exports with a known answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wonderland_exports.testing.planted import NAMES, Planted, Writer

__all__ = ["make_telegram"]

_START = datetime(2019, 3, 1, 8, tzinfo=UTC)
_TYPES = ("personal_chat", "private_group", "public_supergroup", "saved_messages", "bot_chat", "private_channel")
_REASONS = (
    ("service message", {"type": "service", "actor": "Bo", "action": "pin_message", "text": ""}),
    ("service message", {"type": "service", "actor": "Bo", "action": "phone_call", "text": ""}),
    ("sticker", {"media_type": "sticker", "file": "(File not included.)", "sticker_emoji": "👋", "text": ""}),
    ("voice message", {"media_type": "voice_message", "file": "voice/a.ogg", "text": ""}),
    ("video message", {"media_type": "video_message", "text": ""}),
    ("video", {"media_type": "video_file", "text": ""}),
    ("audio", {"media_type": "audio_file", "text": []}),
    ("animation", {"media_type": "animation", "text": ""}),
    ("other media", {"media_type": "hologram", "text": ""}),
    ("photo", {"photo": "photos/a.jpg", "text": ""}),
    ("file", {"file": "files/a.pdf", "text": " \n"}),
    ("poll", {"poll": {"question": "tea?", "answers": []}, "text": ""}),
    ("location", {"location_information": {"latitude": 1.5, "longitude": 2.5}, "text": ""}),
    ("contact", {"contact_information": {"first_name": "x"}, "text": ""}),
    ("game", {"game_title": "chess", "text": ""}),
    ("invoice", {"invoice_information": {"title": "x", "amount": 5}, "text": ""}),
    ("dice", {"dice": {"emoji": "x", "value": 5}, "text": ""}),
    ("rich message", {"rich_message": {"title": "x", "rows": [{"a": 1}]}}),
    ("no text", {"text": ""}),
    ("of unknown type", {"type": "hint", "text": "x"}),
    ("text of unknown form", {"text": 5}),
)


def make_telegram(
    path: Path,
    rows: int = 200,
    *,
    seed: int = 0,
    account: bool = True,
    old: bool = False,
    hard: bool = True,
    bare: bool = False,
    padding: int = 0,
) -> Planted:
    """Write ``result.json``.

    Args:
        path: Where to.
        rows: How many rows.
        seed: The same seed and arguments give the same bytes.
        account: Whether of a whole account, with several chats, or of one chat of two.
        old: Whether without ``date_unixtime``, as before 2021.
        hard: Whether with rows of a form that no version writes.
        bare: Whether of one chat without its name, type and id, and of rows without ids, as other programs cut it out.
        padding: So many bytes more a row, in a field that readers do not know.
    """
    writer, planted = Writer(seed), Planted(path)
    account &= not bare
    chats = len(_TYPES) if account else 1
    with open(path, "w", encoding="utf-8") as file:
        if account:
            about = {
                "about": "Here is the data you requested. Telegram Desktop.",
                "personal_information": {"user_id": 1},
            }
            file.write(_json(about)[:-2] + ',\n "chats": {\n  "about": "all",\n  "list": [')
        for number in range(chats):
            type_ = _TYPES[number]
            header = {"name": NAMES[number + 1], "type": type_, "id": 1 if type_ == "saved_messages" else number + 2}
            start = "{" if bare else _json(header)[:-2] + ","
            file.write(("," if number else "") + start + '\n "messages": [')
            share = rows // chats + (number < rows % chats)
            reasons = _REASONS if hard else _REASONS[:-1]
            for at, row in enumerate(_rows(writer, planted, type_, number + 2, share, old, reasons, bare)):
                if padding:
                    row["reactions"] = "x" * padding
                file.write(("," if at else "") + "\n" + _json(row))
            file.write("\n ]\n}")
        if account:
            file.write("]\n }\n}")
    return planted


def _rows(
    writer: Writer, planted: Planted, type_: str, peer: int, count: int, old: bool, reasons: Any, bare: bool
) -> Iterator[dict[str, Any]]:
    random = writer.random
    for at in range(count):
        when = _START + timedelta(minutes=7 * at)
        row: dict[str, Any] = {"id": at + 1, "type": "message", "date": when.replace(tzinfo=None).isoformat()}
        if not old:
            row["date_unixtime"] = str(int(when.timestamp()))
        user = 1 if type_ == "saved_messages" or random.random() < 0.4 else peer
        if type_.endswith(("group", "supergroup")) and user != 1:
            user = random.randrange(2, 2 + len(NAMES) - 1)
        row |= {"from": NAMES[user - 1], "from_id": f"user{user}"}
        if type_.endswith("channel"):
            row |= {"from": NAMES[peer - 1], "from_id": f"channel{peer}"}
        if bare:
            del row["id"], row["from_id"]
        if at < len(reasons) or random.random() < 0.05:
            reason, fields = reasons[at % len(reasons)]
            planted.passed(reason)
            yield {**row, **fields}
            continue
        text = writer.text() + random.choice(("", "", "\nsecond line", "\n\u2028third", " \u0085 odd"))
        sender = row["from"] if bare else row["from_id"]
        planted.message("me" if user == 1 and not type_.endswith("channel") else sender, text)
        yield {**row, **_text(text, at), **({"edited": row["date"]} if at % 11 == 0 else {})}


def _text(text: str, at: int) -> dict[str, Any]:
    """One of the forms in which Telegram writes a text."""
    middle = len(text) // 2
    parts = [text[:middle], {"type": "bold", "text": text[middle:]}]
    entities = [{"type": "plain", "text": text[:middle]}, {"type": "bold", "text": text[middle:]}]
    if at % 9 == 1:
        return {"text": parts, "text_entities": entities}
    if at % 9 == 2:
        return {"text_entities": entities, "forwarded_from": "somebody"}
    return {"text": text, "text_entities": [{"type": "plain", "text": text}]}


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
