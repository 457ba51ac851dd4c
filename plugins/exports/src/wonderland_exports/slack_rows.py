"""Rows of a Slack export: a message of a person, of a bot, or an event of the channel.

``subtype`` says what it is; where there is none, a person or a bot wrote it. What would fool it: an app that posts in a
person's name; such a row has a ``bot_id`` too, and carries the tag ``bot``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import wonderland as wl
from wonderland_exports.frame import ME
from wonderland_exports.slack_text import plain

__all__ = ["EVENTS", "OTHER_EVENTS", "Channel", "Rows", "is_bot"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN = {"", "thread_broadcast", "reply_broadcast", "me_message", "file_share", "file_comment", "file_mention"}
_BY_A_BOT = {"bot_message", "slackbot_response", "assistant_app_thread"}
EVENTS = {
    "join": "somebody joined",
    "leave": "somebody left",
    "topic": "topic changed",
    "purpose": "purpose changed",
    "posting_permissions": "permissions changed",
    "convert_to_private": "channel made private",
    "convert_to_public": "channel made public",
    "name": "channel renamed",
    "archive": "channel archived",
    "unarchive": "channel archived or opened again",
}
OTHER_EVENTS = {
    "bot_add": "bot added or removed",
    "bot_remove": "bot added or removed",
    "bot_enable": "bot added or removed",
    "bot_disable": "bot added or removed",
    "tombstone": "deleted",
    "message_deleted": "deleted",
    "message_changed": "note that a message was changed",
    "message_replied": "note that a message was answered",
    "pinned_item": "something pinned",
    "unpinned_item": "something pinned",
    "reminder_add": "reminder",
    "reminder_delete": "reminder",
    "huddle_thread": "huddle or call",
    "sh_room_created": "huddle or call",
    "sh_room_shared": "huddle or call",
    "app_conversation_join": "somebody joined",
    "app_conversation_leave": "somebody left",
    "ekm_access_denied": "hidden by the workspace's keys",
    "joiner_notification": "somebody joined",
    "joiner_notification_for_inviter": "somebody joined",
    "hidden_by_limit": "hidden by the plan's limit",
    "document_mention": "mention in a document",
    "channel_canvas_updated": "canvas changed",
    "canvas_tab_added": "canvas changed",
    "list_record_comment": "comment in a list",
}
"""Class of each other subtype; that of `EVENTS` follows the kind of channel: ``channel_join``, ``group_join``."""
_SLACKBOT = "USLACKBOT"


@dataclass(frozen=True)
class Channel:
    """A channel, a group or a direct conversation: its id (or folder), and what its messages are tagged with."""

    identity: str
    tags: tuple[str, ...]


@dataclass
class Rows:
    """Classifies rows and counts what was odd about them.

    Attributes:
        people: Shown names by the id of a person, for mentions.
        senders: What each person is called as a sender, by id.
        bots: Ids that are no persons.
        channels: Names by the id of a channel.
        me: The ids that are the owner's.
        open: Counts of what had to be left open.
    """

    people: Mapping[str, str]
    senders: Mapping[str, str]
    bots: frozenset[str]
    channels: Mapping[str, str]
    me: frozenset[str]
    open: Counter[str]

    def item(self, row: object, identity: str, channel: Channel) -> wl.Message | wl.Skipped:
        """Return the message that a row is, or its class."""
        if not isinstance(row, Mapping):
            return wl.Skipped(identity, "not a JSON object", failed=True, detail=f"it is a {type(row).__name__}")
        if row.get("type", "message") != "message":
            return wl.Skipped(identity, "not of the type 'message'")
        subtype = str(row.get("subtype") or "")
        if reason := _event(subtype):
            return wl.Skipped(identity, reason)
        if subtype not in _WRITTEN | _BY_A_BOT:
            return wl.Skipped(identity, "of an unknown subtype", failed=True, detail=subtype[:60])
        text = row.get("text")
        if text is not None and not isinstance(text, str):
            return wl.Skipped(identity, "text is not a string", failed=True, detail=f"it is a {type(text).__name__}")
        bot = is_bot(row, self.bots)
        shown = plain(text or "", self.people, self.channels)
        if not shown.strip() and bot:
            shown = plain(_of_attachments(row), self.people, self.channels)
        if not shown.strip():
            return wl.Skipped(identity, _instead(row))
        return self._message(row, identity, channel, shown, bot)

    def _message(
        self, row: Mapping[str, Any], identity: str, channel: Channel, shown: str, bot: bool
    ) -> wl.Message | wl.Skipped:
        user = row.get("user")
        user = user if isinstance(user, str) else ""
        mine = user in self.me and not bot
        moment = when(row.get("ts"))
        if moment is None:
            self.open["time missing or not understood"] += 1
        marks = {"bot": bot, "edited": bool(row.get("edited"))}
        tags = (*channel.tags, *(tag for tag, there in marks.items() if there))
        sender = ME if mine else self.senders.get(user, user) or _name_of_a_bot(row)
        if not sender:
            return wl.Skipped(identity, "without a sender", failed=True)
        return wl.Message(identity, _conversation(row, channel), sender, mine, moment, shown, tags=tags)


def is_bot(row: Mapping[str, Any], bots: Set[str]) -> bool:
    """Say whether a bot wrote a row, or an app in a person's name."""
    return str(row.get("subtype") or "") in _BY_A_BOT or bool(row.get("bot_id")) or str(row.get("user", "")) in bots


def when(stamp: object) -> datetime | None:
    """Return the time that a stamp like ``1478724012.000005`` means; never read as a float, which would round it."""
    if not isinstance(stamp, str):
        return None
    seconds, _, rest = stamp.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 11 and (rest or "0").isdecimal()):
        return None
    return _EPOCH + timedelta(seconds=int(seconds), microseconds=int((rest + "000000")[:6]))


def _event(subtype: str) -> str | None:
    kind, _, event = subtype.partition("_")
    if kind in ("channel", "group", "im", "mpim") and event in EVENTS:
        return EVENTS[event]
    return OTHER_EVENTS.get(subtype)


def _conversation(row: Mapping[str, Any], channel: Channel) -> str:
    start = row.get("thread_ts")
    return f"{channel.identity}/{start}" if isinstance(start, str) and start else channel.identity


def _of_attachments(row: Mapping[str, Any]) -> str:
    attachments = row.get("attachments")
    found = [one for one in attachments if isinstance(one, Mapping)] if isinstance(attachments, list) else []
    texts = [next((str(one[key]) for key in ("text", "fallback", "title") if one.get(key)), "") for one in found]
    return "\n".join(text for text in texts if text)


def _instead(row: Mapping[str, Any]) -> str:
    if row.get("files") or row.get("file"):
        return "file only"
    if row.get("attachments"):
        return "attachment only"
    return "blocks without text" if row.get("blocks") else "no text"


def _name_of_a_bot(row: Mapping[str, Any]) -> str:
    profile = row.get("bot_profile")
    named = profile.get("name") if isinstance(profile, Mapping) else None
    return str(row.get("username") or named or row.get("bot_id") or "")
