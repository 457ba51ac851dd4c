"""Rows of Messenger and Instagram: one dictionary of either layout becomes a message or a class.

The classic layout writes ``sender_name``, ``timestamp_ms``, ``content``; the one of end-to-end encrypted chats
``senderName``, ``timestamp``, ``text``. Both are the same rows under other names, so they are looked at by one table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import wonderland as wl
from wonderland_exports.frame import ME, from_unix
from wonderland_exports.meta_lines import line_of_the_app

__all__ = ["Chat", "Rows", "sender_of"]

# Which key of a row without words says what it is instead; the first that is there names it.
_INSTEAD = {
    "photos": "photo only",
    "videos": "video only",
    "audio_files": "voice message only",
    "gifs": "GIF only",
    "sticker": "sticker only",
    "files": "file only",
    "media": "photo, video or file only",
    "share": "shared post or link only",
}
_TELLING = frozenset({"is_unsent", "isUnsent", "is_taken_down", "call_duration", "missed", "type"})
"""Keys of which a row has one, if it says itself what it is."""
_UNKNOWN_SENDER = "unknown"
_make = tuple.__new__


class Chat(NamedTuple):
    """What is known of a conversation.

    Attributes:
        thread: Its name: the folder, or the file of an encrypted chat.
        people: The names of its participants, repaired.
        tags: What every message of it carries (``group``, ``request``, ``filtered``).
    """

    thread: str
    people: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass
class Rows:
    """Classifies rows and counts what was odd about them.

    Attributes:
        me: The name of the owner.
        mend: Repairs a string that is UTF-8 read as Latin-1.
        open: Counts of what had to be left open.
    """

    me: str
    mend: Callable[[str], str]
    open: Counter[str]

    def item(self, row: Any, identity: str, chat: Chat) -> wl.Message | wl.Skipped:
        """Return the message that a row is, or its class."""
        if type(row) is not dict:
            return wl.Skipped(identity, "not a JSON object", failed=True, detail=f"it is a {type(row).__name__}")
        if not _TELLING.isdisjoint(row):
            if row.get("is_unsent") or row.get("isUnsent"):
                return wl.Skipped(identity, "unsent")
            if row.get("is_taken_down"):
                return wl.Skipped(identity, "taken down")
            if reason := _event(row):
                return wl.Skipped(identity, reason)
        sender = sender_of(row)
        if not sender.isascii():
            sender = self.mend(sender)
        text = row.get("content", row.get("text"))
        if text is not None and not isinstance(text, str):
            return wl.Skipped(identity, "text is not a string", failed=True, detail=f"it is a {type(text).__name__}")
        if not text or text.isspace():
            if row.get("is_geoblocked_for_viewer"):
                return wl.Skipped(identity, "hidden in the owner's country")
            return wl.Skipped(identity, _instead(row) or "no text")
        if not text.isascii():
            text = self.mend(text)
        if reason := line_of_the_app(text, sender, chat.people):
            return wl.Skipped(identity, _instead(row) or reason)
        return self._message(row, identity, chat, sender, text)

    def _message(self, row: Mapping[str, Any], identity: str, chat: Chat, sender: str, text: str) -> wl.Message:
        if not sender:
            self.open["without a sender (a deleted account): called 'unknown'"] += 1
        moment = from_unix(row.get("timestamp_ms", row.get("timestamp")), 1000)
        if moment is None:
            self.open["time missing or not understood"] += 1
        mine = bool(sender) and sender == self.me
        name = ME if mine else sender or _UNKNOWN_SENDER
        # A named tuple's own constructor costs twice as much.
        return _make(wl.Message, (identity, chat.thread, name, mine, moment, text, "text", chat.tags))


def sender_of(row: object) -> str:
    """Return who sent a row, as it is written, or an empty string."""
    if type(row) is not dict:
        return ""
    value = row.get("sender_name") or row.get("senderName")
    return value.strip() if type(value) is str else ""


def _instead(row: Mapping[str, Any]) -> str | None:
    """Return what a row without words is; the first of its keys that says so."""
    return next((reason for key, reason in _INSTEAD.items() if row.get(key)), None)


def _event(row: Mapping[str, Any]) -> str | None:
    if row.get("call_duration") is not None or row.get("missed"):
        return "call"
    kind = str(row.get("type") or "").lower()
    if not kind or kind == "generic":  # nearly all
        return None
    if kind == "call":
        return "call"
    if kind in ("subscribe", "unsubscribe"):
        return "somebody joined" if kind == "subscribe" else "somebody left"
    if kind in ("payment", "plan"):
        return kind
    return "placeholder of an encrypted chat" if kind == "placeholder" else None
