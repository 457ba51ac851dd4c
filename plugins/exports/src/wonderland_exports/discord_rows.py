"""Rows of a Discord channel, as DiscordChatExporter writes them, or of Discord's own data package.

A row's ``type`` says what it is; the text of an event ("Joined the server.") is the exporter's and no message. Types
that the exporter has no name for stand as their number in Discord's public interface.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import wonderland as wl
from wonderland_exports.frame import ME, NOT_UTF8, is_broken

__all__ = ["EVENTS", "EXPORTERS_TEXT", "Channel", "Rows", "author_of"]

_DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_AS_GOOD_AS = timedelta(seconds=2)
_WRITTEN = {"Default", "Reply", "0", "19", "20", "23", "ChatInputCommand", "ContextMenuCommand"}
EVENTS = {
    "RecipientAdd": "somebody joined",
    "RecipientRemove": "somebody left",
    "Call": "call",
    "ChannelNameChange": "channel renamed",
    "ChannelIconChange": "channel's picture changed",
    "ChannelPinnedMessage": "message pinned",
    "GuildMemberJoin": "somebody joined",
    "ThreadCreated": "thread started",
    "1": "somebody joined",
    "2": "somebody left",
    "3": "call",
    "4": "channel renamed",
    "5": "channel's picture changed",
    "6": "message pinned",
    "7": "somebody joined",
    "8": "server boosted",
    "9": "server boosted",
    "10": "server boosted",
    "11": "server boosted",
    "12": "channel followed",
    "14": "notice of the server",
    "15": "notice of the server",
    "16": "notice of the server",
    "17": "notice of the server",
    "18": "thread started",
    "21": "first message of a thread, again",
    "22": "notice of the server",
    "24": "notice of the moderation",
    "25": "subscription",
    "26": "subscription",
    "27": "stage",
    "28": "stage",
    "29": "stage",
    "31": "stage",
    "32": "subscription",
    "36": "notice of the moderation",
    "37": "notice of the moderation",
    "38": "notice of the moderation",
    "39": "notice of the moderation",
    "44": "purchase",
    "46": "result of a poll",
}
_INSTEAD = {"attachments": "file only", "stickers": "sticker only", "embeds": "embed only", "poll": "poll"}
EXPORTERS_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?={20,}\r?\nGuild: [^\n]*\nChannel: ")
"""How a text of DiscordChatExporter begins."""
_CODE = re.compile(r"<(?:@!?(?P<person>\d+)|a?:(?P<emoji>\w+):\d+)>")


@dataclass(frozen=True)
class Channel:
    """A channel: its id, and what its messages are tagged with."""

    identity: str
    tags: tuple[str, ...]


@dataclass
class Rows:
    """Classifies rows and counts what was odd about them.

    Attributes:
        me: The ids that are the owner's.
        names: What people are called by their ids, where it is not that: by one name, whatever each row says.
        open: Counts of what had to be left open.
    """

    me: frozenset[str]
    names: Mapping[str, str]
    open: Counter[str]

    def item(self, row: object, identity: str, channel: Channel) -> wl.Message | wl.Skipped:
        """Return the message that a row is, or its class."""
        if not isinstance(row, Mapping):
            return wl.Skipped(identity, "not a JSON object", failed=True, detail=f"it is a {type(row).__name__}")
        kind = str(row.get("type", "Default"))
        if kind in EVENTS:
            return wl.Skipped(identity, EVENTS[kind])
        if kind not in _WRITTEN:
            return wl.Skipped(identity, "of an unknown type", failed=True, detail=kind[:60])
        author = row.get("author")
        who = author_of(author)
        if who is None:
            return wl.Skipped(identity, "without an author", failed=True)
        text, forwarded = _words(row)
        if text is None:
            return wl.Skipped(identity, "text is not a string", failed=True)
        if not text.strip():
            reason = next((reason for key, reason in _INSTEAD.items() if row.get(key)), "no text")
            return wl.Skipped(identity, "forwarded file or embed" if forwarded else reason)
        bot = isinstance(author, Mapping) and bool(author.get("isBot"))
        marks = {"bot": bot, "edited": bool(row.get("timestampEdited")), "forwarded": forwarded}
        tags = (*channel.tags, *(tag for tag, there in marks.items() if there))
        mine = who[0] in self.me
        moment = _when(row, self.open)
        sender = ME if mine else self.names.get(who[0], who[0])
        return wl.Message(identity, channel.identity, sender, mine, moment, _shown(text, row), tags=tags)

    def own(self, row: object, identity: str, channel: Channel) -> wl.Message | wl.Skipped:
        """Return the message that a row of the owner's data package is, or its class."""
        if row is None:
            return wl.Skipped(identity, "not a record of the table, or null", failed=True)
        if not isinstance(row, Mapping):
            return wl.Skipped(identity, "not a JSON object", failed=True, detail=f"it is a {type(row).__name__}")
        text = row.get("Contents")
        text = "" if text is None else text
        if not isinstance(text, str):
            return wl.Skipped(identity, "text is not a string", failed=True, detail=f"it is a {type(text).__name__}")
        if is_broken(text):
            return wl.Skipped(identity, *NOT_UTF8)
        if not text.strip():
            return wl.Skipped(identity, "file only" if row.get("Attachments") else "no text")
        moment = self._when_own(row)
        return wl.Message(identity, channel.identity, ME, True, moment, _shown(text, {}), tags=channel.tags)

    def _when_own(self, row: Mapping[str, Any]) -> datetime | None:
        """Return when a row of the package was sent: by its id, to the millisecond, unless it says another time."""
        moment = time_of_id(str(row.get("ID", "")))
        try:
            said = datetime.fromisoformat(str(row.get("Timestamp")))
            said = said.replace(tzinfo=said.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            said = None
        if said is not None and (moment is None or abs(said - moment) > _AS_GOOD_AS):
            self.open["time as it is stated, which is not that of the id"] += 1
            return said
        if moment is None:
            self.open["time missing or not understood"] += 1
        return moment


def author_of(author: object) -> tuple[str, str, str] | None:
    """Return id, shown name and account name of an author, or None."""
    if not isinstance(author, Mapping):
        return None
    identity, name = author.get("id"), author.get("name")
    if not isinstance(identity, str) or not identity:
        return None
    name = name if isinstance(name, str) and name else identity
    number = str(author.get("discriminator") or "")
    account = f"{name}#{number}" if number.strip("0") else name
    return identity, str(author.get("nickname") or account), account


def time_of_id(identity: str) -> datetime | None:
    """Return when Discord made an id: its upper bits are milliseconds since 2015."""
    if not (identity.isascii() and identity.isdigit() and 15 <= len(identity) <= 20):
        return None
    return _DISCORD_EPOCH + timedelta(milliseconds=int(identity) >> 22)


def _when(row: Mapping[str, Any], left_open: Counter[str]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(row.get("timestamp")))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    moment_of_id = time_of_id(str(row.get("id", "")))
    said = "time not understood, taken from the id" if moment_of_id else "time missing or not understood"
    left_open[said] += 1
    return moment_of_id


def _words(row: Mapping[str, Any]) -> tuple[str | None, bool]:
    text = row.get("content")
    text = "" if text is None else text
    if not isinstance(text, str):
        return None, False
    sent_on = row.get("forwardedMessage")
    if not text.strip() and isinstance(sent_on, Mapping):
        theirs = sent_on.get("content")
        return theirs if isinstance(theirs, str) else "", True
    return text, False


def _shown(text: str, row: Mapping[str, Any]) -> str:
    """Write names for the codes of people and emoji, which stand in exports made without Markdown."""
    if "<" not in text:
        return text
    mentions = row.get("mentions")
    people = {one[0]: one[1] for one in map(author_of, mentions if isinstance(mentions, list) else []) if one}

    def shown(found: re.Match[str]) -> str:
        if found["emoji"]:
            return f":{found['emoji']}:"
        return f"@{people[found['person']]}" if found["person"] in people else found[0]

    return _CODE.sub(shown, text)
