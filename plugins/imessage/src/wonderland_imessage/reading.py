"""What becomes of each row, thousands of rows at a time.

The texts of nearly all rows are found together (`Texts.plain`), and most of these rows are a text and nothing else.
The others are looked at in turn: what they are is known from the last row with the same columns (`Verdicts`), or they
are judged by themselves, by `Reading.judge`, which asks: was it deleted, is it a message at all, was it unsent, where
is its text, is anything left of it. A row is a message or was skipped for one reason, whichever way it took.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

import wonderland as wl
from wonderland.corpus.blocks import Block
from wonderland_imessage import query
from wonderland_imessage.body import OBJECT_REPLACEMENT, ONE_TIME_CODE, TRANSCRIPTION, UndecodableBody, decode_body
from wonderland_imessage.edits import read_history
from wonderland_imessage.kinds import Passed, Special, look_like_tapbacks, looks_like_tapback, passed_over
from wonderland_imessage.laying import AUDIO, KINDS, TEXT, Written, laid_out, moments
from wonderland_imessage.origins import Origins
from wonderland_imessage.texts import APP_PLACE, HISTORY, Found, Texts
from wonderland_imessage.verdicts import ORDINARY, Verdicts, tags_of

__all__ = ["Reading"]

CODE = ("one-time-code",)
FIRST, BLOCK = 1 << 8, 1 << 14  # rows of the first block, from which bodies are learned, and of the others


class Reading:
    """One pass over the rows of a database, with its counts.

    Args:
        context: What the other tables say.
        salvage: Whether to take what can be recovered of damaged bodies.
    """

    def __init__(self, context: query.Context, *, salvage: bool = False) -> None:
        self._context = context
        self._texts = Texts(salvage)
        self._origins = Origins(context)
        self._verdicts = Verdicts()
        self._tagged: Counter[str] = Counter()
        self._finer: dict[str, Counter[str]] = defaultdict(Counter)
        self._undated = 0

    def blocks(self, connection: sqlite3.Connection) -> Iterator[Block]:
        """Yield what becomes of the rows, some thousands at a time."""
        specials = connection.execute(query.select_special(connection))
        upcoming = next(specials, None)
        every = connection.execute(query.select(connection))
        size = FIRST
        while rows := every.fetchmany(size):
            special = {}
            while upcoming is not None and upcoming[0] <= rows[-1][0]:
                special[upcoming[0]] = upcoming[1:]
                upcoming = next(specials, None)
            yield self._block(rows, special)
            size = BLOCK

    def _block(self, rows: Sequence[tuple[Any, ...]], special: Mapping[int, tuple[Any, ...]]) -> Block:
        """Return what becomes of some rows; ``special`` has the further columns of those that are not ordinary."""
        ids, dates, handles, mine, services, texts, bodies = zip(*rows, strict=True)
        rowids = np.array(ids, dtype=np.int64)
        keys = zip(map(self._context.chat_of.get, ids), handles, services, mine, strict=True)
        origins = np.array(list(map(self._origins.__getitem__, keys)), dtype=np.int64)
        is_sms = self._origins.table()[4, origins] > 0
        specials = dict(zip(np.searchsorted(rowids, list(special)).tolist(), special.values(), strict=True))
        deleted = set(np.searchsorted(rowids, list(self._context.deleted.intersection(ids))).tolist())

        plain = self._texts.plain(texts, bodies)
        tapback = is_sms[plain.places]
        tapback[tapback] = look_like_tapbacks(plain.texts.filter(pa.array(tapback)))
        plain = plain.only(~tapback)
        known, attachment, code = (np.zeros(len(rows), dtype=bool) for _ in range(3))
        known[plain.places] = True
        attachment[plain.places], code[plain.places] = plain.attachment, plain.code
        aside = ~known | attachment | code
        aside[[*specials, *deleted]] = True

        kinds, further = np.zeros(len(rows), dtype=np.int32), np.zeros(len(rows), dtype=np.int64)
        together = known & ~aside
        skipped, places, written = [], [], []
        odd = np.flatnonzero(aside)
        found = (array[odd].tolist() for array in (known, attachment, code))
        for at, is_known, is_attachment, is_code in zip(odd.tolist(), *found, strict=True):
            columns = specials.get(at)
            verdict = None if at in deleted else self._verdicts.of(columns)
            if isinstance(verdict, Passed):
                skipped.append(self._passed(ids[at], verdict))
                continue
            if is_known and is_attachment and verdict is not None:
                skipped.append(wl.Skipped(str(ids[at]), "attachment only"))
                continue
            if is_known and verdict is not None:
                together[at] = True
                further[at] = self._mark(verdict + CODE if is_code else verdict)
                continue
            _, _, handle, me, _, text, body = rows[at]
            row = ORDINARY if columns is None else Special._make(columns)
            one = self.judge(ids[at], handle, me, text, body, row, is_sms=is_sms[at])
            if isinstance(one, wl.Skipped):
                skipped.append(one)
            else:
                places.append(at)
                written.append(one.text)
                kinds[at] = KINDS.index(one.kind)
                further[at] = self._mark(one.tags)

        plain = plain.only(together[plain.places])
        self._texts.count(plain)
        everywhere = np.concatenate([plain.places, np.array(places, dtype=np.int64)])
        order = np.argsort(everywhere)
        everywhere = everywhere[order]
        when, dated = moments(dates)
        self._undated += int((~dated[everywhere]).sum())
        self._origins.count(origins[everywhere])
        messages = laid_out(
            rowids[everywhere],
            self._origins,
            origins[everywhere],
            (when[everywhere], dated[everywhere]),
            pa.concat_arrays([plain.texts, pa.array(written, pa.large_string())]).take(pa.array(order)),
            kinds[everywhere],
            further[everywhere],
        )
        return Block(messages, skipped, everywhere)

    def _passed(self, rowid: int, passed: Passed) -> wl.Skipped:
        """Count a row that is no message."""
        if passed.heading:
            self._finer[passed.heading][passed.name] += 1
        return wl.Skipped(str(rowid), passed.reason, passed.failed, passed.name if passed.failed else "")

    def _mark(self, tags: tuple[str, ...]) -> int:
        """Count the tags that a message has beside those of its origin, and return their number."""
        for tag in tags:
            self._tagged[tag] += 1
        return self._origins.further.setdefault(tags, len(self._origins.further))

    def judge(
        self, rowid: int, handle: Any, me: Any, text: Any, blob: Any, special: Special, *, is_sms: bool
    ) -> Written | wl.Skipped:
        """Return what becomes of any row."""
        identity = str(rowid)
        if rowid in self._context.deleted:
            return wl.Skipped(identity, "recently deleted")
        passed = None if special is ORDINARY else passed_over(special, handle, mine=bool(me))
        if passed is not None:
            return self._passed(rowid, passed)
        summary = special.message_summary_info
        unsent = isinstance(summary, bytes) and b"rp" in summary  # "rp" lists what was unsent; parsing costs 100 µs
        history = read_history(summary) if unsent else None
        if history is not None and history.all_unsent:
            return wl.Skipped(identity, "unsent")

        found = self._texts.find(text, blob, summary)
        words = found.text.replace(OBJECT_REPLACEMENT, "")
        kind = TEXT
        if special.is_audio_message:
            told = TRANSCRIPTION in found.names or found.how == HISTORY
            words, kind = _transcription(blob) if told else "", AUDIO
        elif isinstance(special.subject, str) and special.subject:
            words = f"{special.subject}\n{words}" if words else special.subject
        if not words or words.isspace() or words == APP_PLACE:
            gone = bool(special.date_retracted or (history is not None and history.unsent))
            return self._empty(identity, rowid, special, found, gone=gone, stored=text is not None or blob is not None)

        tags = tags_of(special, partly_unsent=history is not None and bool(history.unsent))
        if ONE_TIME_CODE in found.names:
            tags += CODE
        if found.salvaged:
            tags += ("salvaged",)
        self._texts.how[found.how or "the subject alone"] += 1
        if is_sms and looks_like_tapback(words):
            tags += ("sms-tapback",)
        return Written(words, kind, tags)

    def _empty(
        self, identity: str, rowid: int, special: Special, found: Found, *, gone: bool, stored: bool
    ) -> wl.Skipped:
        """Say why nothing that was written is left of a row, which may have been taken back or have a body stored."""
        text = found.text
        if found.problem and not text and (stored or not gone):
            return wl.Skipped(identity, "undecodable body", True, found.problem)
        if special.is_audio_message:
            return wl.Skipped(identity, "audio message")
        if OBJECT_REPLACEMENT in text or rowid in self._context.with_attachments:
            return wl.Skipped(identity, "attachment only")
        if gone:
            return wl.Skipped(identity, "unsent")
        if text == APP_PLACE:
            return wl.Skipped(identity, "app message")
        return wl.Skipped(identity, "no text")

    def facts(self) -> dict[str, dict[str, int]]:
        """Return the counts of a finished pass by heading."""
        everything = self._origins.counted()
        services: Counter[str] = Counter()
        for origin, count in everything:
            services[origin.service] += count
        messages = {
            "from you": sum(n for o, n in everything if o.is_me),
            "from others": sum(n for o, n in everything if not o.is_me),
            "in group chats": sum(n for o, n in everything if "group" in o.tags),
            "without a chat": sum(n for o, n in everything if "orphan" in o.tags),
            "in several chats, counted once": self._context.in_several,
            "without a date": self._undated,
        }
        people = {
            "handles": self._context.handles,
            "people behind them": len(self._context.people),
            "people named by contacts": self._context.people.named,
            "handles on the cards of several people": self._context.people.shared,
        }
        found = {
            "How each text was found": dict(self._texts.how.most_common()),
            "Messages": messages,
            "Services": dict(services.most_common()),
            "Handles": people,
            "Marked": dict(self._tagged.most_common()),
            **{heading: dict(counts.most_common()) for heading, counts in sorted(self._finer.items())},
        }
        present = {heading: {k: n for k, n in counts.items() if n} for heading, counts in found.items()}
        return {heading: counts for heading, counts in present.items() if counts}

    def notes(self) -> list[str]:
        """Return what the user should know after a finished pass."""
        if not self._context.in_cloud:
            return []
        return [
            "Messages in iCloud is in use: history that this device has not downloaded is not in its database. To have "
            "it, keep Messages open on a Mac with enough space until it has synchronised, and read again."
        ]


def _transcription(blob: Any) -> str:
    try:
        return decode_body(blob).transcription
    except UndecodableBody:
        return ""
