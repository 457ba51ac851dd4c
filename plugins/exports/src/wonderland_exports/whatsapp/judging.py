"""What becomes of one row of a WhatsApp chat?"""

from __future__ import annotations

import re
from datetime import datetime

import wonderland as wl
from wonderland_exports.frame import ME, Tally
from wonderland_exports.whatsapp.chats import Chat, split
from wonderland_exports.whatsapp.shapes import day, hours
from wonderland_exports.whatsapp.words import DELETED, attachment, edited, omitted, placeholder

__all__ = ["Judge"]

_BROKEN = re.compile("[\udc80-\udcff]")
_LOCATION = re.compile(r"\S+: https://(?:maps\.google\.com|foursquare\.com)/\S+")
_SHORT = 60


class Judge:
    """Judges the rows of one chat, with the order of its dates and its owner known."""

    def __init__(self, chat: Chat, owner: frozenset[str], order: str, tally: Tally) -> None:
        self._chat, self._owner, self._order, self._tally = chat, owner, order, tally
        self._tags = ("group",) if chat.is_group else ()
        self._days: dict[tuple[str, str, str], datetime | None] = {}

    def row(self, number: int, match: re.Match[str] | None, line: str, more: list[str]) -> wl.Message | wl.Skipped:
        """Return what becomes of the row that begins at line ``number``."""
        chat = self._chat
        identity = f"{chat.member.name} line {number}"
        if match is None:
            return wl.Skipped(identity, "before the first message", True, "no date and time in front of it")
        said = split(chat, line)
        if said is None:
            return wl.Skipped(identity, "system message")
        sender, text = said
        if more:
            text = "\n".join((text, *more))
        if not text.isascii() and _BROKEN.search(text + sender):
            return wl.Skipped(identity, "not UTF-8", True, "another encoding was mixed in")
        tags = self._tags
        if (
            not text
            or text[0] in "<\u200e"
            or line[-1:] in (")", ">")
            or text[-1] == ">"
            or len(text) < _SHORT
            or "\u200e" in text
        ):
            judged = self._app(text, bare=text.strip("\u200e \n"))
            if judged is not None:
                reason, typed, tag = judged
                if reason and not typed:
                    return wl.Skipped(identity, reason)
                text, tags = typed, (*tags, tag)
                self._tally["Marked"][tag] += 1
        if not text or text.isspace():
            return wl.Skipped(identity, "no text")
        mine = sender in self._owner
        return wl.Message(identity, chat.thread, ME if mine else sender, mine, self._when(match), text, "text", tags)

    def _app(self, text: str, bare: str) -> tuple[str, str, str] | None:
        """Return (class, what was typed, tag) of a text in which the app had a hand; None if it had none."""
        if bare in ("", "null"):
            return "no text", "", ""
        if bare.rstrip(". ").casefold() in DELETED:
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
        key = match["d1"], match["d2"], match["d3"]
        if key not in self._days:
            first, second, third = map(int, key)
            date = (second, third, first) if self._chat.shape.year_first else (first, second, third)
            self._days[key] = day(date, self._order)
        date_, hour = self._days[key], hours(match["h"], match["word"])
        minute, second = int(match["m"]), int(match["s"] or 0)
        if date_ is None or hour is None or minute > 59 or second > 59:
            self._tally["Times"]["not understood, left open"] += 1
            return None
        self._tally["Times"]["local, without a zone"] += 1
        return date_.replace(hour=hour, minute=minute, second=second)
