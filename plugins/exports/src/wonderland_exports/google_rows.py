"""Rows of Google Chat and of its predecessor Hangouts, as Takeout writes them.

A row of Chat says who and, in words of the account's language, when; a row of Hangouts has ids and microseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import wonderland as wl
from wonderland_exports.frame import ME
from wonderland_exports.worded_dates import WordedDates

__all__ = ["HANGOUTS_EVENTS", "ChatRows", "Conversation", "HangoutsRows", "creator_of", "gaia"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNKNOWN_SENDER = "unknown"
HANGOUTS_EVENTS = {
    "ADD_USER": "somebody joined",
    "REMOVE_USER": "somebody left",
    "RENAME_CONVERSATION": "conversation renamed",
    "HANGOUT_EVENT": "call",
    "OTR_MODIFICATION": "history switched on or off",
    "GROUP_LINK_SHARING_MODIFICATION": "invitation link switched on or off",
}
_HANGOUTS_WRITTEN = {"REGULAR_CHAT_MESSAGE", "SMS"}


@dataclass(frozen=True)
class Conversation:
    """A conversation: its id, what its messages are tagged with, and names by id (Hangouts)."""

    identity: str
    tags: tuple[str, ...]
    people: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ChatRows:
    """Classifies rows of Google Chat.

    Attributes:
        me: The identities that are the owner's.
        names: What people are called by their identity, where it is not that.
        open: Counts of what had to be left open.
    """

    me: frozenset[str]
    names: Mapping[str, str]
    open: Counter[str]
    dates: WordedDates = field(default_factory=WordedDates)

    def item(self, row: object, identity: str, place: Conversation) -> wl.Message | wl.Skipped:
        """Return the message that a row is, or its class."""
        if not isinstance(row, Mapping):
            return wl.Skipped(identity, "not a JSON object", failed=True, detail=f"it is a {type(row).__name__}")
        text = row.get("text")
        if text is not None and not isinstance(text, str):
            return wl.Skipped(identity, "text is not a string", failed=True, detail=f"it is a {type(text).__name__}")
        if not text or not text.strip():
            return wl.Skipped(identity, _instead(row))
        who = creator_of(row)
        if not who.identity:
            self.open["without a sender (a deleted account): called 'unknown'"] += 1
        mine = bool(who.identity) and who.identity in self.me
        sender = ME if mine else self.names.get(who.identity, who.identity) or _UNKNOWN_SENDER
        marks = {"bot": who.bot, "edited": bool(row.get("updated_date"))}
        tags = (*place.tags, *(tag for tag, there in marks.items() if there))
        return wl.Message(identity, place.identity, sender, mine, self._when(row), text, tags=tags)

    def _when(self, row: Mapping[str, Any]) -> datetime | None:
        said = row.get("created_date")
        try:
            if isinstance(said, str):
                return self.dates.parse(said)
        except ValueError:
            pass
        self.open["time missing or in words that are not known"] += 1
        return None


@dataclass
class HangoutsRows:
    """Classifies rows of ``Hangouts.json``.

    Attributes:
        names: What people are called by their ids, where it is not that; one conversation may know more.
        open: Counts of what had to be left open.
    """

    names: Mapping[str, str]
    open: Counter[str]

    def item(self, row: object, identity: str, place: Conversation) -> wl.Message | wl.Skipped:
        """Return the message that a row is, or its class."""
        if not isinstance(row, Mapping):
            return wl.Skipped(identity, "not a JSON object", failed=True, detail=f"it is a {type(row).__name__}")
        kind = str(row.get("event_type", "REGULAR_CHAT_MESSAGE"))
        if kind in HANGOUTS_EVENTS:
            return wl.Skipped(identity, HANGOUTS_EVENTS[kind])
        if kind not in _HANGOUTS_WRITTEN:
            return wl.Skipped(identity, "of an unknown type", failed=True, detail=kind[:60])
        content = _inside(row, "chat_message", "message_content")
        text = _of_segments(content)
        if not text.strip():
            return wl.Skipped(identity, "photo or other attachment only" if content.get("attachment") else "no text")
        sender, owner = gaia(row.get("sender_id")), gaia(_inside(row, "self_event_state").get("user_id"))
        if not sender:
            self.open["without a sender (a deleted account): called 'unknown'"] += 1
        mine = bool(sender) and sender == owner
        who = ME if mine else self.names.get(sender, sender) or _UNKNOWN_SENDER
        tags = (*place.tags, "sms") if kind == "SMS" else place.tags
        return wl.Message(identity, place.identity, who, mine, self._when(row), text, tags=tags)

    def _when(self, row: Mapping[str, Any]) -> datetime | None:
        stamp = str(row.get("timestamp", ""))
        if stamp.isascii() and stamp.isdigit() and len(stamp) <= 17:
            return _EPOCH + timedelta(microseconds=int(stamp))
        self.open["time missing or not understood"] += 1
        return None


class Creator(NamedTuple):
    """Who wrote a row: their address in small letters, else their name; their name, else their address."""

    identity: str
    name: str
    bot: bool


def creator_of(row: Mapping[str, Any]) -> Creator:
    """Return who wrote a row of Google Chat; empty strings for a deleted account."""
    creator = _inside(row, "creator")
    address, name = (str(creator.get(key) or "").strip() for key in ("email", "name"))
    return Creator(address.lower() or name, name or address, str(creator.get("user_type", "")).lower() == "bot")


def gaia(identity: object) -> str:
    """Return the one id of a person of Hangouts."""
    if not isinstance(identity, Mapping):
        return ""
    return str(identity.get("gaia_id") or identity.get("chat_id") or "")


def _instead(row: Mapping[str, Any]) -> str:
    if row.get("message_state") or row.get("deletion_metadata") or row.get("deletion_type"):
        return "deleted"
    if row.get("attached_files"):
        return "file only"
    return "card, call or other annotation only" if row.get("annotations") else "no text"


def _inside(row: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    value: Any = row
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _of_segments(content: Mapping[str, Any]) -> str:
    segments = content.get("segment")
    parts = []
    for one in segments if isinstance(segments, list) else []:
        if isinstance(one, Mapping):
            text = one.get("text")
            parts.append(text if isinstance(text, str) else "\n" if one.get("type") == "LINE_BREAK" else "")
    return "".join(parts)
