"""What becomes of the rows of a WhatsApp chat: of most of them thousands together, of the others one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa

import wonderland as wl
from wonderland.corpus.blocks import Block
from wonderland.corpus.columns import NONE
from wonderland_exports.frame import ME, NOT_UTF8, Tally, is_broken
from wonderland_exports.frame.laying import laid_out, numbered, one_word
from wonderland_exports.whatsapp.chats import FIRST, Chat, clean, numbers, split
from wonderland_exports.whatsapp.rows import Together, rows_of, touched
from wonderland_exports.whatsapp.shapes import day, hours
from wonderland_exports.whatsapp.web import forwarded
from wonderland_exports.whatsapp.web import judged as web_judged
from wonderland_exports.whatsapp.words import NOTICES, attachment, deleted, edited, instead, omitted, placeholder

__all__ = ["Judge"]

_LOCATION = re.compile(r"\S+: https://(?:maps\.google\.com|foursquare\.com)/\S+")
_BLOCK = 1 << 14
_NEVER = datetime(1970, 1, 1)


class Judge:
    """Judges the rows of one chat, with the order of its dates and its owner known.

    Most rows are a text that the app had no hand in, of a known sender at a sound time; they are decided together.
    """

    def __init__(self, chat: Chat, owner: frozenset[str], order: str, tally: Tally) -> None:
        self._chat, self._owner, self._order, self._tally = chat, owner, order, tally
        self._tags = ("group",) if chat.is_group else ()
        self._days: dict[str, datetime | None] = {}
        self._clock: dict[str, timedelta | None] = {}
        self._rows = rows_of(chat.member, chat.shape)

    def blocks(self) -> Iterator[Block]:
        """Yield what becomes of the rows, some thousands at a time."""
        if self._rows.before:
            yield Block.of([self._before()])
        found = self._rows.in_columns
        plain = None if found is None or self._chat.web else self._plain(found)
        for start in range(0, len(self._rows.bodies), _BLOCK):
            stop = min(start + _BLOCK, len(self._rows.bodies))
            if found is None or plain is None:
                yield Block.of([self._row(at) for at in range(start, stop)])
                continue
            places = np.flatnonzero(plain.known[start:stop])
            others = np.flatnonzero(~plain.known[start:stop])
            before = np.searchsorted(others, places[:1])  # facts are told in the order in which they were met
            rows = [(at, self._row(start + at)) for at in others[: before.sum()].tolist()]
            if len(places):
                self._tally["Times"]["local, without a zone"] += len(places)
            rows += [(at, self._row(start + at)) for at in others[before.sum() :].tolist()]
            yield Block.joined(self._laid_out(found, plain, start + places), places, rows)

    def _before(self) -> wl.Skipped:
        identity = f"{self._chat.member.name} line 1"
        if self._chat.web:
            return wl.Skipped(identity, "system message")
        return wl.Skipped(identity, "before the first message", True, "no date and time in front of it")

    def _plain(self, found: Together) -> _Plain:
        """Say which rows are a plain text, and what is known of its sender and time."""
        chat = self._chat
        origins, known = [], []
        for written in found.senders.dictionary.to_pylist():
            name = clean(written)
            known.append("\n" not in written and written not in chat.longer and name in chat.senders)
            origins.append((ME, True) if name in self._owner else (name, False))
        senders = found.senders.indices.to_numpy()
        days = [_microseconds(self._day(date)) for date in found.dates.dictionary.to_pylist()]
        spans = [_microseconds(self._span(time)) for time in found.times.dictionary.to_pylist()]
        day_of, span_of = found.dates.indices.to_numpy(), found.times.indices.to_numpy()
        sound = found.untouched & np.array(known, dtype=bool)[senders]
        sound[:FIRST] = False
        sound &= np.array([one is not None for one in days], dtype=bool)[day_of]
        sound &= np.array([one is not None for one in spans], dtype=bool)[span_of]
        times = np.array([one or 0 for one in days], dtype=np.int64)[day_of]
        times += np.array([one or 0 for one in spans], dtype=np.int64)[span_of]
        return _Plain(sound, senders, origins, times, np.array(self._rows.lines, dtype=np.int64))

    def _laid_out(self, found: Together, plain: _Plain, at: np.ndarray) -> pa.RecordBatch:
        """Return the rows at some places, all of them plain, as columns."""
        if not len(at):
            return NONE
        return laid_out(
            numbered(f"{self._chat.member.name} line ", pa.array(plain.lines[at])),
            one_word(self._chat.thread, len(at)),
            plain.senders[at],
            plain.origins,
            plain.times[at],
            found.texts.take(pa.array(at)),
            one_word(" ".join(self._tags), len(at)),
            zone_known=False,
        )

    def _row(self, at: int) -> wl.Message | wl.Skipped:
        """Return what becomes of any row."""
        chat = self._chat
        identity = f"{chat.member.name} line {self._rows.lines[at]}"
        said = split(chat, self._rows.bodies[at])
        if said is None:
            return wl.Skipped(identity, "system message")
        sender, text = said
        if self._rows.in_columns is None and is_broken(text + sender):
            return wl.Skipped(identity, *NOT_UTF8)
        tags = self._tags
        if at < FIRST and chat.shape.bracketed and text.startswith(NOTICES):
            return wl.Skipped(identity, "system message")
        if chat.web:
            text, sent_on = forwarded(text)
            tags = (*tags, "forwarded") if sent_on else tags
            self._tally["Marked"].update(["forwarded"] * sent_on)
        judged = self._app(text, bare=text.strip("\u200e \n")) if not text or chat.web or touched(text) else None
        if judged is not None:
            reason, typed, tag = judged
            if reason and not typed:
                return wl.Skipped(identity, reason)
            text, tags = typed, (*tags, tag)
            self._tally["Marked"][tag] += 1
        if not text or text.isspace():
            return wl.Skipped(identity, "no text")
        who = ME if sender in self._owner else sender, sender in self._owner
        return wl.Message(identity, chat.thread, *who, self._when(at), text, "text", tags)

    def _app(self, text: str, bare: str) -> tuple[str, str, str] | None:
        """Return (class, what was typed, tag) of a text in which the app had a hand; None if it had none."""
        if bare in ("", "null"):
            return "no text", "", ""
        if deleted(bare):
            return "deleted", "", ""
        if self._chat.web and (found := web_judged(text)):
            return found[0], found[1], "caption"
        plain = edited(text)
        if plain is not None:
            return "", plain, "edited"
        if reason := instead(bare):
            return reason, "", ""
        if placeholder(bare) or text in self._chat.repeated:
            return "media left out", "", ""
        found = attachment(text) or omitted(text)
        if found is not None:
            return found[0], found[1], "caption"
        if "https://" in bare and _LOCATION.fullmatch(bare):
            return "location", "", ""
        if self._chat.shape.bracketed and text.startswith("\u200e"):
            return "poll" if bare.startswith("POLL:") else "system message", "", ""
        return None

    def _when(self, at: int) -> datetime | None:
        day_, span = self._day(self._rows.dates[at]), self._span(self._rows.times[at])
        if day_ is None or span is None:
            self._tally["Times"]["not understood, left open"] += 1
            return None
        self._tally["Times"]["local, without a zone"] += 1
        return day_ + span

    def _day(self, date: str) -> datetime | None:
        if date not in self._days:
            self._days[date] = day(numbers(date, self._chat.shape), self._order)
        return self._days[date]

    def _span(self, time: str) -> timedelta | None:
        if time not in self._clock:
            match = self._chat.shape.time.fullmatch(time)
            assert match is not None
            hour, minute, second = hours(match["h"], match["word"]), int(match["m"]), int(match["s"] or 0)
            sound = hour is not None and minute < 60 and second < 60
            self._clock[time] = timedelta(hours=hour or 0, minutes=minute, seconds=second) if sound else None
        return self._clock[time]


class _Plain(NamedTuple):
    """What is known of all rows of a chat at once.

    Attributes:
        known: Whether a row is a plain text of a known sender at a sound time, [row].
        senders: The number of its sender, [row].
        origins: What each sender is called, and whether it is the owner.
        times: Microseconds since 1970 of its clock, [row].
        lines: The line it begins on, [row].
    """

    known: np.ndarray
    senders: np.ndarray
    origins: list[tuple[str, bool]]
    times: np.ndarray
    lines: np.ndarray


def _microseconds(time: datetime | timedelta | None) -> int | None:
    if isinstance(time, datetime):
        time -= _NEVER
    return None if time is None else time // timedelta(microseconds=1)
