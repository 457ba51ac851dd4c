"""Kinds of row that a Messages database holds, how often, and what a reader must make of each.

Each plan writes the columns of one row and returns what is planted: the text a reader must find, or the class of a row
that is no message. Frequencies are rough ones of a database that has been in use for years.
"""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from wonderland_imessage.testing.archives import PART, Long, Url, encode_body, encode_text, utf16_length
from wonderland_imessage.testing.vocabulary import Writer

__all__ = ["PLANS", "Desk", "Plan", "Row"]

ATTACHMENT = "__kIMFileTransferGUIDAttributeName"
DIRECTION = "__kIMBaseWritingDirectionAttributeName"
DATA = "__kIMDataDetectedAttributeName"
CODE = "__kIMOneTimeCodeAttributeName"
LINK = "__kIMLinkAttributeName"
PREVIEW = "com.apple.messages.URLBalloonProvider"
EXTENSION = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:"


class Row(dict[str, Any]):
    """The columns of one row, and what else has to be written with it."""

    attachments: tuple[str, ...] = ()
    text_planted: str | None = None
    reason: str = ""
    tags: tuple[str, ...] = ()
    place: str = "chat"  # or "orphan", "several", "deleted"


class Desk(NamedTuple):
    """What a plan writes with."""

    random: Random
    writer: Writer

    def guid(self) -> str:
        """Invent an identifier."""
        h = f"{self.random.getrandbits(128):032X}"
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

    def mutable(self) -> bool:
        """Choose one of the two kinds of body."""
        return self.random.random() < 0.3

    def message(self, text: str | None = None, /, *tags: str, **columns: Any) -> Row:
        """Write a message with a plain body."""
        text = self.writer.text() if text is None else text
        row = Row(columns)
        row.setdefault("attributedBody", encode_text(text, mutable=self.mutable()))
        row.text_planted, row.tags = text, tags
        return row

    def other(self, reason: str, **columns: Any) -> Row:
        """Write a row that is no message."""
        row = Row(columns)
        row.reason = reason
        return row


class Plan(NamedTuple):
    """A kind of row: what it is called, how many of 10,000 rows are of it, and how it is written."""

    name: str
    weight: float
    write: Callable[[Desk], Row]


def _runs(desk: Desk, *pieces: tuple[str, dict[str, Any]]) -> tuple[str, bytes]:
    pieces_in_use = [piece for piece in pieces if piece[0]]
    text = "".join(piece for piece, _ in pieces_in_use)
    runs = [(utf16_length(piece), attributes) for piece, attributes in pieces_in_use]
    return text, encode_body(text, runs, mutable=desk.mutable())


def _attributed(desk: Desk, attributes: dict[str, Any], middle: str, *tags: str, **columns: Any) -> Row:
    before, after = desk.writer.text() + " ", " " + desk.writer.text()
    text, blob = _runs(desk, (before, {PART: 0}), (middle, {PART: 0, **attributes}), (after, {PART: 0}))
    return desk.message(text, *tags, attributedBody=blob, **columns)


def _both(desk: Desk, *, stale: bool) -> Row:
    text = desk.writer.text()
    return desk.message(text, text=text + " (draft)" if stale else text)


def _data(desk: Desk) -> Row:
    raw = b"bplist00" + desk.random.randbytes(desk.random.randint(500, 900))
    return _attributed(desk, {DATA: raw}, f"at {desk.random.randint(1, 12)} pm")


def _link(desk: Desk) -> Row:
    url = f"https://example.test/{desk.random.getrandbits(40):x}"
    text, blob = _runs(desk, (url, {LINK: Url(url), PART: 0, "__kIMLinkIsRichLinkAttributeName": True}))
    return desk.message(text, "link", attributedBody=blob, balloon_bundle_id=PREVIEW, payload_data=b"bplist00")


def _code(desk: Desk) -> Row:
    code = f"{desk.random.randint(0, 999999):06d}"
    return _attributed(desk, {CODE: {"code": code, "displayCode": code}, DATA: b"bplist00" * 70}, code, "one-time-code")


def _attachment(desk: Desk, *, caption: bool) -> Row:
    guid = f"at_0_{desk.guid()}"
    words = desk.writer.text() if caption else ""
    place = ("\ufffc", {ATTACHMENT: guid, DIRECTION: Long(-1), PART: 0})
    text, blob = _runs(desk, place, (words, {PART: 1}))
    row = desk.message(text, attributedBody=blob) if caption else desk.other("attachment only", attributedBody=blob)
    row.text_planted = words or None
    row.attachments = (guid,)
    return row


def _audio(desk: Desk, *, heard: bool) -> Row:
    words = desk.writer.text()
    extra = {"IMAudioTranscription": words} if heard else {}
    guid = f"at_0_{desk.guid()}"
    _, blob = _runs(desk, ("\ufffc", {ATTACHMENT: guid, PART: 0, **extra}))
    columns = {"attributedBody": blob, "is_audio_message": 1}
    row = desk.message(words, **columns) if heard else desk.other("audio message", **columns)
    row.attachments = (guid,)
    return row


def _tapback(desk: Desk, kind: int, reason: str) -> Row:
    blob = encode_text(f"Loved “{desk.writer.text()}”")
    guid = f"p:0/{desk.guid()}"
    return desk.other(reason, attributedBody=blob, associated_message_type=kind, associated_message_guid=guid)


def _edited(desk: Desk, *, unsent: int = 0, lost: bool = False) -> Row:
    """Plan an edited message of two parts, of which the first ``unsent`` were taken back."""
    first, second = desk.writer.text(), desk.writer.text()
    new = second + " *fixed"
    ranges = {"0": {"lo": 0, "le": utf16_length(first)}, "1": {"lo": utf16_length(first), "le": utf16_length(second)}}
    events = [{"d": 7.0e8, "t": encode_text(second)}, {"d": 7.0e8 + 9, "t": encode_text(new)}]
    history: dict[str, Any] = {"otr": ranges, "ec": {"1": events}}
    if unsent:
        history["rp"] = list(range(unsent))
    if lost:
        history["ec"]["0"] = [{"d": 7.0e8, "t": encode_text(first)}]
    summary = plistlib.dumps(history, fmt=plistlib.FMT_BINARY)
    columns = {"date_edited": 7 * 10**17, "message_summary_info": summary}
    if unsent == 2:
        return desk.other("unsent", attributedBody=encode_body("", mutable=False), **columns)
    parts = [((first, {PART: 0}),), ()][unsent] + ((new, {PART: 1}),)
    text, blob = _runs(desk, *parts)
    tags = ("edited", "partly-unsent") if unsent else ("edited",)
    return desk.message(text, *tags, attributedBody=None if lost else blob, **columns)


def _text_column(desk: Desk) -> Row:
    text = desk.writer.text()
    return desk.message(text, text=text, attributedBody=None, date="seconds")


def _broken(desk: Desk, *, fake: bool) -> Row:
    whole = encode_text(desk.writer.text())
    blob = b"bplist00NSString\x01\x94\x84\x01+\x05hello\x86\x84" if fake else whole[: desk.random.randint(20, 110)]
    return desk.other("undecodable body", attributedBody=blob)


def _placed(desk: Desk, place: str) -> Row:
    row = desk.message(None, *(["orphan"] if place == "orphan" else []))
    row.place = place
    if place == "deleted":
        row.reason, row.text_planted = "recently deleted", None
    return row


def _sms_tapback(desk: Desk) -> Row:
    return desk.message(f"Liked “{desk.writer.text()}”", "sms-tapback", service="SMS")


def _event(reason: str, **columns: Any) -> Callable[[Desk], Row]:
    return lambda desk: desk.other(reason, **columns)


PLANS = [
    Plan("plain", 7600, lambda desk: desk.message()),
    Plan("text column", 24, _text_column),
    Plan("both, the same", 40, lambda desk: _both(desk, stale=False)),
    Plan("both, different", 6, lambda desk: _both(desk, stale=True)),
    Plan("detected data", 420, _data),
    Plan("link", 280, _link),
    Plan("mention", 20, lambda desk: _attributed(desk, {"__kIMMentionConfirmedMention": "+15550100"}, "Sam")),
    Plan("bold", 20, lambda desk: _attributed(desk, {"__kIMTextBoldAttributeName": 1}, "so 😂 much")),
    Plan("one-time code", 40, _code),
    Plan("attachment", 330, lambda desk: _attachment(desk, caption=False)),
    Plan("attachment with caption", 60, lambda desk: _attachment(desk, caption=True)),
    Plan("audio", 8, lambda desk: _audio(desk, heard=False)),
    Plan("audio with transcription", 6, lambda desk: _audio(desk, heard=True)),
    Plan("tapback", 560, lambda desk: _tapback(desk, 2000 + desk.random.randint(0, 5), "tapback")),
    Plan("emoji tapback", 20, lambda desk: _tapback(desk, 2006, "tapback")),
    Plan("sticker tapback", 4, lambda desk: _tapback(desk, 2007, "tapback")),
    Plan("tapback removed", 20, lambda desk: _tapback(desk, 3000 + desk.random.randint(0, 7), "tapback removed")),
    Plan("sticker", 8, lambda desk: _tapback(desk, 1000, "sticker")),
    Plan("poll vote", 4, lambda desk: _tapback(desk, 4000, "poll vote")),
    Plan("poll", 3, _event("poll", balloon_bundle_id=EXTENSION + "com.apple.messages.Polls")),
    Plan("app", 12, _event("app message", balloon_bundle_id="com.apple.DigitalTouchBalloonProvider")),
    Plan("other app", 12, _event("app message", balloon_bundle_id=EXTENSION + "test.example.game")),
    Plan("numbered app", 2, _event("app message", balloon_bundle_id="12345")),
    Plan("added", 8, _event("group event", item_type=1, group_action_type=0, other_handle=2)),
    Plan("removed", 6, _event("group event", item_type=1, group_action_type=1, other_handle=2)),
    Plan("renamed", 8, _event("group event", item_type=2, group_title="a name")),
    Plan("left", 4, _event("group event", item_type=3, group_action_type=0)),
    Plan("icon", 4, _event("group event", item_type=3, group_action_type=1)),
    Plan("location", 8, _event("location sharing", item_type=4, share_status=0)),
    Plan("audio kept", 4, _event("audio message kept", item_type=5)),
    Plan("SharePlay", 4, _event("SharePlay", item_type=6)),
    Plan("unknown tapback", 2, _event("of unknown kind", associated_message_type=5999)),
    Plan("unknown item", 2, _event("of unknown kind", item_type=77)),
    Plan("edited", 50, lambda desk: _edited(desk)),
    Plan("edited, body lost", 4, lambda desk: _edited(desk, lost=True)),
    Plan("partly unsent", 4, lambda desk: _edited(desk, unsent=1)),
    Plan("unsent", 12, lambda desk: _edited(desk, unsent=2)),
    Plan("reply", 200, lambda desk: desk.message(None, "reply", thread_originator_guid=desk.guid())),
    Plan("forwarded", 6, lambda desk: desk.message(None, "forwarded", is_forward=1)),
    Plan("automatic reply", 6, lambda desk: desk.message(None, "auto-reply", is_auto_reply=1)),
    Plan("deleted", 20, lambda desk: _placed(desk, "deleted")),
    Plan("orphan", 40, lambda desk: _placed(desk, "orphan")),
    Plan("in several chats", 4, lambda desk: _placed(desk, "several")),
    Plan("SMS tapback", 20, _sms_tapback),
    Plan("undated", 2, lambda desk: desk.message(date=None)),
    Plan("empty", 4, lambda desk: desk.other("no text")),
    Plan("empty body", 4, lambda desk: desk.other("no text", attributedBody=encode_body("", mutable=False))),
    Plan("fake body", 1, lambda desk: _broken(desk, fake=True)),
    Plan("broken body", 1, lambda desk: _broken(desk, fake=False)),
]
