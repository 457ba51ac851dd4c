"""What the stores of iPhone, Mac and Android have in common: a row, its class, and the person behind an id.

``@g.us`` is a group, ``@s.whatsapp.net`` a person by number, ``@lid`` a person without one, ``@broadcast`` a list,
``@newsletter`` a channel.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, NamedTuple

import wonderland as wl
from wonderland_exports.frame import ME, Tally

__all__ = ["Row", "judge", "person", "thread_tags"]

STATUS = "status@broadcast"
_FILE_NAME = re.compile(r"[^\n]{1,200}\.\w{2,5}")
_DEVICE = re.compile(r"(?:\.\d+)?(?::\d+)?@")


class Row(NamedTuple):
    """One stored row, as either store writes it.

    Attributes:
        key: Its number in the store.
        mine: Whether the owner wrote it.
        when: When it was sent.
        text: What was written; the caption where the class is one of media.
        kind: Its class: ``text``, or why it is no text; empty where the store's number is not known.
        number: The store's number for the class.
        chat: Id of the chat; empty where the row belongs to none.
        sender: Id of the sender in a group; empty where the store has none.
        title: Name of the chat.
        name: Name of the sender.
    """

    key: int
    mine: bool
    when: datetime | None
    text: Any
    kind: str
    number: Any
    chat: str
    sender: str
    title: str = ""
    name: str = ""


def judge(row: Row, tally: Tally, *, named: bool) -> wl.Message | wl.Skipped:
    """Return what becomes of a row."""
    identity = str(row.key)
    if row.chat == STATUS:
        return wl.Skipped(identity, "status, no chat")
    if not row.kind:
        tally["Unknown types"][f"type {row.number}"] += 1
        return wl.Skipped(identity, "of unknown type", True, f"type {row.number}")
    if row.kind in ("group event", "system message", "deleted", "placeholder of the app", "missed call"):
        return wl.Skipped(identity, row.kind)
    text, tags = row.text, thread_tags(row.chat)
    if isinstance(text, bytes):
        return wl.Skipped(identity, "text is not UTF-8", True)
    if not isinstance(text, str) or not text.strip():
        return wl.Skipped(identity, "no text" if row.kind == "text" else row.kind)
    if row.kind != "text":
        if row.kind in ("contact", "location", "poll") or (row.kind == "document" and _FILE_NAME.fullmatch(text)):
            return wl.Skipped(identity, row.kind)
        tags += ("caption",)
        tally["Marked"]["caption"] += 1
    group = row.chat.endswith(("@g.us", "@broadcast"))
    sender = row.sender or ("" if group else row.chat)
    if not row.mine and not sender:
        return wl.Skipped(identity, "without a sender")
    if not row.chat:
        tags += ("orphan",)
        tally["Messages"]["without a chat"] += 1
    if row.when is None:
        tally["Messages"]["without a date"] += 1
    thread = person(row.chat or row.sender) or "unknown"
    shown = person(sender)
    if named:
        thread, shown = row.title or thread, row.name or ("" if group else row.title) or shown
    return wl.Message(identity, thread, ME if row.mine else shown, row.mine, row.when, text, "text", tags)


def thread_tags(chat: str) -> tuple[str, ...]:
    """Return the tags of a chat's messages."""
    if chat.endswith("@g.us"):
        return ("group",)
    if chat.endswith("@newsletter"):
        return ("channel",)
    return ("broadcast",) if chat.endswith("@broadcast") else ()


def person(identity: str) -> str:
    """Return the number of a person in E.164, else the id; the device it was sent from does not matter.

    >>> person("447700900123@s.whatsapp.net"), person("447700900123.0:12@s.whatsapp.net"), person("99@lid")
    ('+447700900123', '+447700900123', '99@lid')
    """
    plain = _DEVICE.sub("@", identity, count=1)
    user, _, server = plain.partition("@")
    return f"+{user}" if server == "s.whatsapp.net" and user.isdigit() else plain
