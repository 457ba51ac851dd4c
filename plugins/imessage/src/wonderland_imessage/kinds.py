"""Rows of the table ``message`` that are no messages, and what they are instead.

Reactions, group events, apps, stickers and calls are stored beside what people wrote, some with a text that the system
made up (``Loved “…”``). Each gets one class; whatever has a value that is not known here is counted as unknown and
listed, not guessed at.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["AUDIO_KEPT", "Passed", "Special", "look_like_tapbacks", "looks_like_tapback", "passed_over"]

REACTIONS = ("loved", "liked", "disliked", "laughed", "emphasized", "questioned", "emoji", "sticker")
LINK_PREVIEW = "com.apple.messages.URLBalloonProvider"
APPS = {
    "com.apple.Handwriting.HandwritingProvider": "handwriting",
    "com.apple.DigitalTouchBalloonProvider": "Digital Touch",
    "com.apple.PassbookUIService.PeerPaymentMessagesExtension": "Apple Pay",
    "com.apple.ActivityMessagesApp.MessagesExtension": "Fitness",
    "com.apple.mobileslideshow.PhotosMessagesApp": "Photos",
    "com.apple.SafetyMonitorApp.SafetyMonitorMessages": "Check In",
    "com.apple.findmy.FindMyMessagesApp": "Find My",
    "com.apple.icloud.apps.messages.business.extension": "business",
    "com.apple.messages.Polls": "poll",
}
GROUP_ACTIONS = {0: "left", 1: "icon changed", 2: "icon removed", 4: "background changed", 6: "background removed"}
AUDIO_KEPT = 5


class Special(NamedTuple):
    """The columns that say what a row is; a row where all are empty is a plain message."""

    associated_message_type: int | None
    balloon_bundle_id: object
    item_type: int | None
    group_action_type: int | None
    other_handle: int | None
    share_status: int | None
    is_audio_message: int | None
    date_edited: int | None
    date_retracted: int | None
    subject: object
    reply: int | None
    is_auto_reply: int | None
    is_forward: int | None
    is_spam: int | None
    schedule_type: int | None
    is_sent: int | None
    message_summary_info: bytes | None


class Passed(NamedTuple):
    """Why a row is no message: its class, and under which heading it is counted more finely."""

    reason: str
    heading: str = ""
    name: str = ""
    failed: bool = False


def passed_over(row: Special, handle: int | None, *, mine: bool = True) -> Passed | None:
    """Return what a row is if it is no message, or None if somebody wrote it; what is not ``mine`` is not scheduled."""
    item = _number(row.item_type)
    if item:
        return _event(row, item, handle)
    if mine and row.schedule_type and row.is_sent == 0:  # nobody has got it yet, and it may still be changed
        return Passed("scheduled, not sent")
    if row.date_edited:  # only what was written can be edited; its parts decide the rest
        return None
    kind = _number(row.associated_message_type)
    if kind not in (0, 2, 3):
        return _associated(kind)
    if row.balloon_bundle_id is not None and row.balloon_bundle_id != LINK_PREVIEW:
        app = str(row.balloon_bundle_id).rpartition(":")[2]
        name = APPS.get(app, "another app")
        return Passed("poll") if name == "poll" else Passed("app message", "App messages", name)
    return None


def _number(value: object) -> int:
    """Return a column that should hold a number; anything else becomes one that is not known."""
    return value if isinstance(value, int) else 0 if value is None else -1


def _associated(kind: int) -> Passed:
    if 2000 <= kind <= 2007:
        return Passed("tapback", "Tapbacks", REACTIONS[kind - 2000])
    if 3000 <= kind <= 3007:
        return Passed("tapback removed", "Tapbacks removed", REACTIONS[kind - 3000])
    if kind == 1000:
        return Passed("sticker")
    if kind == 4000:
        return Passed("poll vote")
    return Passed("of unknown kind", "Unknown kinds", f"associated_message_type {kind}", failed=True)


def _event(row: Special, item: int, handle: int | None) -> Passed:
    action = _number(row.group_action_type)
    group = "Group events"
    if item == 1 and action == 0:
        same = row.other_handle is not None and row.other_handle == handle
        return Passed("group event", group, "number changed" if same else "participant added")
    if item == 1 and action == 1:
        return Passed("group event", group, "participant removed")
    if item == 2:
        return Passed("group event", group, "renamed")
    if item == 3 and action in GROUP_ACTIONS:
        return Passed("group event", group, GROUP_ACTIONS[action])
    if item == 4 and action == 0:
        return Passed("location sharing", "Location sharing", "stopped" if row.share_status else "started")
    if item == AUDIO_KEPT:
        return Passed("audio message kept")
    if item == 6:
        return Passed("SharePlay")
    return Passed("of unknown kind", "Unknown kinds", f"item_type {item}, action {action}", failed=True)


# A tapback sent to a phone that has none arrives as a text, in the words of the sender's language: the English ones of
# Apple and Google, and the Spanish and French ones that are known for sure. An emoji must stand where one is expected,
# and a quotation or one of the system's own nouns at the end: people write "Removed the lid from a jar" too.
_QUOTED = r"[“\"„«].*[”\"“»]"
_EMOJI = (
    r"(?:[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\u200d\ufe0f"
    r"\U0001f000-\U0001faff\U000e0020-\U000e007f]|[0-9#*]\ufe0f?\u20e3){1,16}"
)
_TAPBACK = re.compile(
    rf"""(?xs) ^[\u200a\u200b\s]* (?:
        (?: Loved | Liked | Disliked | Laughed[ ]at | Emphasi[sz]ed | Questioned
          | Reacted[ ](?: {_EMOJI} | with[ ]a[ ]sticker )[ ]to
          | Removed[ ](?: an?[ ](?:heart|like|dislike|laugh|exclamation|question[ ]mark|sticker) | {_EMOJI} )[ ]from )
            [ ] (?: {_QUOTED} | an?[ ](?:image|photo|movie|video|attachment|audio[ ]message|sticker|link|file) )
      | (?: Le[ ](?:encantó|gustó|dio[ ]risa) | Exclamó[ ]por | Dudó[ ]sobre | Reaccionó[ ]con[ ]{_EMOJI}[ ]a ) [ ]
            (?: {_QUOTED} | una[ ]imagen )
      | (?: A[ ]adoré | A[ ]aimé | N[’']a[ ]pas[ ]aimé | A[ ]réagi[ ](?:avec[ ])?{_EMOJI}[ ]à
          | A[ ]retiré[ ]la[ ]réaction[ ]{_EMOJI}[ ]à ) \s {_QUOTED}
      | {_EMOJI}[\u200a\u200b\s]*[ ](?:to|à|a)[ ]{_QUOTED}
    ) [\u200a\u200b\s]*$"""
)


# What such a text begins with, in a form that is asked of a whole column; each that does is then looked at.
_BEGINNINGS = (
    r"^[\x00-\x20]*(?:Loved|Liked|Disliked|Laughed|Emphasi|Questioned|Reacted|Removed|Le |Exclam|Dud|Reaccion|A |N|"
    r"[^\x00-\x7f]|[0-9#*])"
)


def look_like_tapbacks(texts: pa.LargeStringArray) -> np.ndarray:
    """Say which texts read like a tapback that was sent as text, as `looks_like_tapback` does, [text]."""
    may: np.ndarray = pc.match_substring_regex(texts, _BEGINNINGS).to_numpy(zero_copy_only=False)
    may = may.copy()
    may[may] = [looks_like_tapback(text) for text in texts.filter(pa.array(may)).to_pylist()]
    return may


def looks_like_tapback(text: str) -> bool:
    """Say whether a text message reads like a tapback that was sent as text (``Loved “see you”``)."""
    return _TAPBACK.match(text) is not None
