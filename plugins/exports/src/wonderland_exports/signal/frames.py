"""Signal's own plaintext export: ``main.jsonl``, one frame a line; the frames ``chatItem`` are the rows.

A text may hold line breaks that were not escaped, so a frame ends where the next line begins another one. A frame that
occurs twice, byte for byte, is one row and its repetition. A last frame that is no JSON and that no line break ends was
cut off: the file is refused, or with ``partial`` that frame is one failed row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import wonderland as wl
from wonderland_exports.frame import ME, Member, Tally, from_unix
from wonderland_exports.frame.window import Broken
from wonderland_exports.walking import cut_off

__all__ = ["FILE", "Frames"]

FILE = "main.jsonl"
_ITEM = re.compile(rb'\{\s*"chatItem"')
_BEGIN = re.compile(rb'\{\s*"[a-zA-Z]+"\s*:')
_decode = json.JSONDecoder(strict=False).decode  # line breaks inside strings are let through
_PASSED = {
    "contactMessage": "contact",
    "stickerMessage": "sticker",
    "remoteDeletedMessage": "deleted",
    "adminDeletedMessage": "deleted",
    "updateMessage": "system message",
    "paymentNotification": "payment",
    "giftBadge": "gift badge",
    "viewOnceMessage": "view once",
    "poll": "poll",
}


@dataclass
class Frames:
    """The frames of one export.

    Attributes:
        member: The file.
        people: (identity, name) by id of the recipient.
        groups: Ids of the recipients that are groups.
        chats: Recipient by id of the chat.
        me: Ids of the recipient that is the owner.
        rows: How many rows there are.
    """

    member: Member
    people: dict[str, tuple[str, str]] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    chats: dict[str, str] = field(default_factory=dict)
    me: set[str] = field(default_factory=set)
    rows: int = 0

    @classmethod
    def survey(cls, member: Member, *, partial: bool = False) -> Frames:
        """Make the first pass: people and chats are read, rows only counted.

        Raises:
            InputError: The file is cut off, and not ``partial``.
        """
        found = cls(member)
        for _, byte, raw, ended in _frames(member):
            if not (ended or partial) and _parsed(raw) is None:
                raise Broken(byte, at_end=True).told(member)
            if _ITEM.match(raw):
                found.rows += 1
                continue
            frame = _parsed(raw)
            if frame is None or "chatItem" in frame:
                found.rows += 1
            else:
                found._note(frame)
        return found

    def _note(self, frame: dict[str, Any]) -> None:
        recipient, chat = frame.get("recipient"), frame.get("chat")
        if isinstance(chat, dict):
            self.chats[str(chat.get("id"))] = str(chat.get("recipientId"))
        if not isinstance(recipient, dict):
            return
        key = str(recipient.get("id"))
        contact, group = recipient.get("contact"), recipient.get("group")
        if "self" in recipient:
            self.me.add(key)
            self.people[key] = "note to self", "note to self"
        elif isinstance(contact, dict):
            self.people[key] = _contact(contact, key)
        elif isinstance(group, dict):
            self.groups.add(key)
            identity = _group(group, key)
            self.people[key] = identity, _title(group) or identity
        else:
            self.people[key] = f"recipient {key}", f"recipient {key}"

    def items(self, tally: Tally, *, named: bool) -> Iterator[wl.Message | wl.Skipped]:
        """Make the second pass: yield what becomes of each row."""
        seen: set[int] = set()
        for number, byte, raw, ended in _frames(self.member):
            identity = f"line {number}"
            if not ended and _parsed(raw) is None:
                yield cut_off(self.member, byte)
                continue
            if not _ITEM.match(raw):
                frame = _parsed(raw)
                if frame is None:
                    yield wl.Skipped(identity, "broken line", True, "no JSON")
                if frame is None or "chatItem" not in frame:
                    continue
            key = hash(raw)
            if key in seen:
                yield wl.Skipped(identity, "the same row twice")
                continue
            seen.add(key)
            frame = _parsed(raw)
            item = frame.get("chatItem") if frame is not None else None
            if not isinstance(item, dict):
                yield wl.Skipped(identity, "broken line", True, "no JSON")
            else:
                yield self._judge(identity, item, tally, named)

    def _judge(self, identity: str, item: dict[str, Any], tally: Tally, named: bool) -> wl.Message | wl.Skipped:
        for key, reason in _PASSED.items():
            if key in item:
                if key == "updateMessage" and isinstance(item[key], dict):
                    tally["System messages"].update([str(kind)[:40] for kind in item[key]][:1])
                return wl.Skipped(identity, reason)
        body = item.get("standardMessage")
        tags: tuple[str, ...] = ()
        if "directStoryReplyMessage" in item:
            body, tags = item["directStoryReplyMessage"], ("story-reply",)
            body = body.get("textReply") if isinstance(body, dict) else None
        elif not isinstance(body, dict):
            return wl.Skipped(identity, "of unknown type", True, ", ".join(sorted(map(str, item)))[:80])
        text = _dig(body, "text", "body")
        if not isinstance(text, str) or not text.strip():
            media = isinstance(body, dict) and body.get("attachments")
            return wl.Skipped(identity, "attachment only" if media else "no text")
        author = str(item.get("authorId"))
        mine = "outgoing" in item or author in self.me
        chat = self.chats.get(str(item.get("chatId")), str(item.get("chatId")))
        if chat in self.groups:
            tags = ("group", *tags)
        if item.get("revisions"):
            tags += ("edited",)
            tally["Marked"]["edited"] += 1
        when = from_unix(item.get("dateSent"), 1000)
        if when is None:
            tally["Times"]["without a date"] += 1
        which = 1 if named else 0
        thread = self.people.get(chat, (f"chat {chat}",) * 2)[which]
        sender = ME if mine else self.people.get(author, (f"recipient {author}",) * 2)[which]
        return wl.Message(identity, thread, sender, mine, when, text, "text", tags)


def _frames(member: Member) -> Iterator[tuple[int, int, bytes, bool]]:
    """Yield line, byte, content and whether its line was ended of each frame; blank lines between frames are none."""
    start, first, byte, line, parts = 0, 0, 0, b"\n", list[bytes]()
    with member.open() as file:
        for number, line in enumerate(file, 1):
            if _BEGIN.match(line.lstrip(b"\xef\xbb\xbf")) and (raw := b"".join(parts).strip()):
                yield start, first, raw, True
                parts = []
            if parts or line.strip():
                if not parts:
                    start, first = number, byte
                parts.append(line.lstrip(b"\xef\xbb\xbf") if number == 1 else line)
            byte += len(line)
    if raw := b"".join(parts).strip():
        yield start, first, raw, line.endswith(b"\n")


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        value = _decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _contact(contact: dict[str, Any], key: str) -> tuple[str, str]:
    number = str(contact.get("e164") or "").lstrip("+")
    is_number = number.isascii() and number.isdigit() and number.strip("0")
    identity = f"+{number}" if is_number else str(contact.get("aci") or f"recipient {key}")
    for kind in ("nickname", "system", "profile"):
        given, family = contact.get(f"{kind}GivenName"), contact.get(f"{kind}FamilyName")
        name = " ".join(part for part in (given, family) if isinstance(part, str) and part)
        if name:
            return identity, name
    return identity, identity


def _group(group: dict[str, Any], key: str) -> str:
    """Return what identifies a group in every export: a hash of its key, its title, or its number here."""
    secret = group.get("masterKey")
    if isinstance(secret, str) and secret:
        return f"group {hashlib.sha256(secret.encode()).hexdigest()[:16]}"
    return f"group {_title(group) or key}"


def _title(group: dict[str, Any]) -> str:
    title = _dig(group, "snapshot", "title", "title")
    return title if isinstance(title, str) else ""


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
