"""Which messages are noise? The five categories of filtering that field notes on personal corpora agree on.

A filter looks at one message and says why it should go, or None. The reason repeats from message to message; the
ledger counts by it. Filters look at the text and the tags a source gave, never at who a person is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import regex

from wonderland.corpus.messages import Message

__all__ = ["BUILTIN", "Filter"]


@dataclass(frozen=True)
class Filter:
    """A named question to a message: why should it go?

    Args:
        name: How people choose it.
        judge: Returns a short reason to drop a message, or None to keep it.
        default: Whether it applies when no filters are named.
        help: What it drops, in one line.
    """

    name: str
    judge: Callable[[Message], str | None]
    default: bool = True
    help: str = ""

    def __call__(self, message: Message) -> str | None:
        """Return why the message should be dropped, or None."""
        return self.judge(message)


_TAG_REASONS = {"one-time-code": "one-time code", "business": "business sender", "bot": "bot"}

# Each pattern needs two signs of a machine (a code and the word for it, a carrier and a tracking verb), because one
# alone also occurs between friends ("what's the code for your gate?").
_AUTOMATED = [
    (
        "one-time code",
        r"\b(?:verification|security|access|login|log-in|sign-in|authentication|confirmation|one[- ]time|otp|2fa)\b"
        r"[^.?]{0,40}\b(?:code|pin|passcode|password|otp)\b.{0,60}\b(?:[A-Z]-)?\d{4,8}\b"
        r"|\b(?:[A-Z]-)?\d{4,8}\b.{0,40}\b(?:is your|as your)\b.{0,60}\b(?:code|pin|passcode|password|otp)\b"
        r"|\byour\b.{0,30}\bcode(?: is|:)\s*(?:[A-Z]-)?\d{4,8}\b",
    ),
    ("opt-out notice", r"\b(?:reply|text|txt|send)\b.{0,20}\b(?:STOP|UNSUBSCRIBE|HELP)\b.{0,20}\b(?:to|for|2)\b"),
    (
        "delivery notice",
        r"\b(?:your|the)\s+(?:\w+\s+){0,3}(?:package|parcel|order|shipment|delivery)\b.{0,60}"
        r"\b(?:has (?:been )?(?:shipped|delivered|dispatched)|was delivered|is out for delivery|is on its way|"
        r"will arrive|has arrived|tracking)\b.*(?:https?://|track|order\s*#|\d{8,})",
    ),
    (
        "bank alert",
        r"\b(?:account|card|acct)\b.{0,20}(?:ending(?: in)?|\*+|x{2,})\s*\d{3,4}\b"
        r"|\b(?:a (?:charge|payment|purchase|deposit|transaction|withdrawal) of)\s*[$€£]\s?\d",
    ),
    (
        "appointment reminder",
        r"\b(?:reminder|confirm)\b.{0,80}\bappointment\b.{0,120}\b(?:reply|text|press|call)\b.{0,12}\b(?:C|Y|YES|1|CONFIRM)\b",
    ),
]
_AUTOMATED_PATTERNS = [(reason, regex.compile(pattern, regex.IGNORECASE)) for reason, pattern in _AUTOMATED]
_URL = regex.compile(r"(?i)(?:https?://|www\.)\S+|\b[a-z0-9.-]+\.(?:com|org|net|edu|gov|io|co|me|tv|be|ly|gl)(?:/\S*)?")
_EMOJI = regex.compile(
    r"(?:\s|\p{RI}|\p{Extended_Pictographic}|\p{Emoji_Modifier}|[\u200d\ufe0e\ufe0f\u2640\u2642\U000E0020-\U000E007F]"
    r"|[0-9#*]\ufe0f?\u20e3)+"
)
_PROFANITY = regex.compile(
    r"(?i)\b(?:(?:mother)?f+u+c+k+\w*|s+h+i+t+(?:s|ty|ter|ting|head|bag)?|bullshit|bitch\w*|bastards?|ass(?:hole|hat|wipe)s?"
    r"|dick(?:head)?s?|cunts?|cock(?:sucker)?s?|pussy|slut\w*|whores?|twats?|wank\w*|goddamn(?:ed|it)?"
    r"|piss(?:ed|ing)? off)\b"
)


def automated(message: Message) -> str | None:
    """Drop what a machine sent: one-time codes, deliveries, bank alerts, opt-out notices, bots and businesses."""
    if message.is_from_me:
        return None
    for tag in message.tags:
        if tag in _TAG_REASONS:
            return _TAG_REASONS[tag]
    if len(message.text) < 12:
        return None
    return next((reason for reason, pattern in _AUTOMATED_PATTERNS if pattern.search(message.text)), None)


def short_codes(message: Message) -> str | None:
    """Drop what came from a three- to six-digit number, which only machines have."""
    return "short-code sender" if "short-code" in message.tags and not message.is_from_me else None


def urls(message: Message) -> str | None:
    """Drop messages that are nothing but links."""
    text = message.text
    if "." not in text:
        return None
    rest, links = _URL.subn("", text)
    return "only links" if links and not rest.strip() else None


def emoji(message: Message) -> str | None:
    """Drop messages that are nothing but emoji."""
    text = message.text
    if text.isascii():
        return None
    return "only emoji" if _EMOJI.fullmatch(text) and not text.isspace() else None


def profanity(message: Message) -> str | None:
    """Drop messages with strong profanity. Off by default: it is part of how people write."""
    return "profanity" if _PROFANITY.search(message.text) else None


def _first_line(function: Callable[[Message], str | None]) -> str:
    return (function.__doc__ or "").splitlines()[0]


BUILTIN = [
    Filter("automated", automated, True, _first_line(automated)),
    Filter("short-codes", short_codes, True, _first_line(short_codes)),
    Filter("urls", urls, True, _first_line(urls)),
    Filter("emoji", emoji, True, _first_line(emoji)),
    Filter("profanity", profanity, False, _first_line(profanity)),
]
