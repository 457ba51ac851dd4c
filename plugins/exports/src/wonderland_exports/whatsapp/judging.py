"""What becomes of one row of a WhatsApp chat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import wonderland as wl
from wonderland_exports.frame import ME, Tally
from wonderland_exports.whatsapp.chats import Chat, clean, numbers, rows_of, split
from wonderland_exports.whatsapp.shapes import day, hours
from wonderland_exports.whatsapp.words import WHOLE, attachment, deleted, edited, omitted, placeholder

__all__ = ["Judge"]

_BROKEN = re.compile("[\udc80-\udcff]")
_LOCATION = re.compile(r"\S+: https://(?:maps\.google\.com|foursquare\.com)/\S+")
_ENDS = frozenset(chr(code) for code in range(0x3001) if chr(code).isspace()) | {">", ")", "\u200e"}


class Judge:
    """Judges the rows of one chat, with the order of its dates and its owner known.

    Most rows are a text of a sender seen before and nothing else; they take the short way through `rows`.
    """

    def __init__(self, chat: Chat, owner: frozenset[str], order: str, tally: Tally) -> None:
        self._chat, self._owner, self._order, self._tally = chat, owner, order, tally
        self._tags = ("group",) if chat.is_group else ()
        self._plain: dict[str, tuple[str, bool]] = {}
        self._days: dict[str, datetime | None] = {}
        self._clock: dict[str, timedelta | None] = {}

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield what becomes of each row."""
        chat, tags = self._chat, self._tags
        name, thread = chat.member.name, chat.thread
        plain, days, clock = self._plain.get, self._days, self._clock
        message, make, dated = wl.Message, tuple.__new__, 0
        rows = rows_of(chat.member, chat.shape.find)
        # What is not UTF-8 stands for itself in the text that the heads were found in.
        text_ = next((match.string for _, match, _ in rows if match is not None), "")
        broken = _BROKEN.search(text_) is not None
        for number, match, body in rows:
            if match is not None and not broken:
                sender, _, text = body.partition(": ")
                who = plain(sender)
                if who is not None and text and not _touched(text):
                    date, time = match.group("date", "time")
                    day_, span = days.get(date), clock.get(time)
                    if day_ is not None and span is not None:
                        dated += 1
                        identity = f"{name} line {number}"
                        yield make(message, (identity, thread, who[0], who[1], day_ + span, text, "text", tags))
                        continue
            yield self._row(number, match, body)
        if dated:
            self._tally["Times"]["local, without a zone"] += dated

    def _row(self, number: int, match: re.Match[str] | None, body: str) -> wl.Message | wl.Skipped:
        chat = self._chat
        identity = f"{chat.member.name} line {number}"
        if match is None:
            return wl.Skipped(identity, "before the first message", True, "no date and time in front of it")
        said = split(chat, body)
        if said is None:
            return wl.Skipped(identity, "system message")
        sender, text = said
        if not text.isascii() and _BROKEN.search(text + sender):
            return wl.Skipped(identity, "not UTF-8", True, "another encoding was mixed in")
        tags = self._tags
        judged = self._app(text, bare=text.strip("\u200e \n")) if not text or _touched(text) else None
        if judged is not None:
            reason, typed, tag = judged
            if reason and not typed:
                return wl.Skipped(identity, reason)
            text, tags = typed, (*tags, tag)
            self._tally["Marked"][tag] += 1
        if not text or text.isspace():
            return wl.Skipped(identity, "no text")
        who = ME if sender in self._owner else sender, sender in self._owner
        written = body.partition(": ")[0]
        if written not in chat.longer and clean(written) == sender:
            self._plain[written] = who
        return wl.Message(identity, chat.thread, *who, self._when(match), text, "text", tags)

    def _app(self, text: str, bare: str) -> tuple[str, str, str] | None:
        """Return (class, what was typed, tag) of a text in which the app had a hand; None if it had none."""
        if bare in ("", "null"):
            return "no text", "", ""
        if deleted(bare):
            return "deleted", "", ""
        plain = edited(text)
        if plain is not None:
            return "", plain, "edited"
        if placeholder(bare) or text in self._chat.repeated:
            return "media left out", "", ""
        for found in (attachment(text), omitted(text)):
            if found is not None:
                return found[0], found[1], "caption"
        if _LOCATION.fullmatch(bare):
            return "location", "", ""
        if self._chat.shape.bracketed and text.startswith("\u200e"):
            return "poll" if bare.startswith("POLL:") else "system message", "", ""
        return None

    def _when(self, match: re.Match[str]) -> datetime | None:
        date, time = match.group("date", "time")
        if date not in self._days:
            self._days[date] = day(numbers(match, self._chat.shape), self._order)
        if time not in self._clock:
            hour, minute, second = hours(match["h"], match["word"]), int(match["m"]), int(match["s"] or 0)
            sound = hour is not None and minute < 60 and second < 60
            self._clock[time] = timedelta(hours=hour or 0, minutes=minute, seconds=second) if sound else None
        day_, span = self._days[date], self._clock[time]
        if day_ is None or span is None:
            self._tally["Times"]["not understood, left open"] += 1
            return None
        self._tally["Times"]["local, without a zone"] += 1
        return day_ + span


def _touched(text: str) -> bool:
    """Whether the app may have had a hand in a text; quick, and right to say yes too often."""
    return (
        text[-1] in _ENDS
        or text[0] in "<\u200e"
        or "\u200e" in text
        or "https://" in text
        or ")\n" in text
        or text in WHOLE
    )
