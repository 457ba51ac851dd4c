"""Telegram Desktop's JSON export: what becomes of each row, of one chat or of the whole account.

A text is a string or an array of strings and formatted parts; its parts are joined as they stand, with nothing between.
Newer exports state the second in UTC (``date_unixtime``), older ones only local time. Who the owner is, the account's
data say, or a chat of two: there every sender but the other one is the owner.

What would fool it: a chat exported twice at different times counts once, by the ids of chat and row; an id that
Telegram gave to two rows of one chat would lose the second, which has not been seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.corpus.blocks import Block
from wonderland.corpus.reading import batches
from wonderland.errors import InputError
from wonderland_exports.frame import (
    CUT,
    ME,
    Member,
    Tally,
    find_owner,
    from_unix,
    head,
    open_export,
    peek,
)
from wonderland_exports.frame.laying import FEW, gathered, laid_out, numbered, one_word, words
from wonderland_exports.frame.looks import begins_with, first_line, not_lines, says
from wonderland_exports.telegram_chats import ROWS, Chat, Survey, is_list, is_row
from wonderland_exports.telegram_rows import MARKS, count_senders, identity, joined, once, plain, without_text
from wonderland_exports.walking import run_rows

__all__ = ["Telegram"]

_WAYS = ("messages", "chats.list.*.messages", "left_chats.list.*.messages")
_TYPES = rb'"type"\s*:\s*"(saved_messages|personal_chat|bot_chat|(private|public)_(group|supergroup|channel))"'
_ACCOUNT = rb'"about"\s*:\s*"[^"]*Telegram|"personal_information"\s*:\s*\{\s*"user_id"'
_GROUPS = ("private_group", "private_supergroup", "public_supergroup", "public_group")
_TWO = ("personal_chat", "bot_chat")


class Telegram:
    """Telegram Desktop's JSON export (``result.json``): one chat or the whole account.

    Raises:
        InputError: It is no such export, is cut short, or does not say who its owner is.
    """

    name: ClassVar[str] = "telegram"
    version: ClassVar[int] = 1
    same_names: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        *,
        names: bool = False,
        me: Annotated[str | None, "your name or id, where the export does not say who you are"] = None,
        partial: Annotated[bool, "keep what stands before the place where the file is cut short"] = False,
    ) -> None:
        self.path = Path(path)
        self._names, self._me, self._partial = names, me, partial
        self._found: Survey | None = None
        self._tally = Tally()

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for Telegram's types of chat, or the words its account export begins with."""
        for member in peek(path, _is_export):
            start = head(member, 1 << 16)
            if is_list(start):
                return 0.93
            if Path(path).is_file() and is_row(first_line(start)):
                return 0.92  # so that opening it can say what to do
            if begins_with(b"{", start):
                if says(_TYPES + b"|" + _ACCOUNT, start):
                    return 0.95
                if says(rb'"messages"\s*:\s*\[', start) and says(ROWS, start):
                    return 0.93
            if member.name.endswith(".html") and says(rb"<title>Exported Data</title>|tgme", start):
                return 0.5  # so that opening it can say what to do
        return 0.0

    def count(self) -> int:
        """Count the rows of all chats."""
        return self._survey().rows

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Return counts of services, marks and times, once `rows` is exhausted."""
        return self._tally.facts()

    def notes(self) -> list[str]:
        """Return what the user should know of this export."""
        return list(self._found.export.notes) if self._found else []

    def close(self) -> None:
        """Close the export."""
        if self._found is not None:
            self._found.export.close()
            self._found = None

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield one `Message` or `Skipped` for each row of each chat."""
        for block in self.blocks():
            yield from block.rows()

    def blocks(self) -> Iterator[Block]:
        """Yield the same, some thousands of rows at a time as columns."""
        return gathered(self._parts())

    def _parts(self) -> Iterator[Block | list[wl.Message | wl.Skipped]]:
        survey = self._survey()
        reading = Reading(survey, self._owner(survey), self._tally, named=self._names)
        seen: set[object] | None = set() if len(survey.export.members) > 1 else None
        for index, member in enumerate(survey.export.members):
            path_before, number = None, 0
            for path, rows in run_rows(member, *_ways(member), partial=self._partial):
                if path is not path_before:
                    if path is CUT:
                        byte = rows[0]
                        yield [wl.Skipped(f"{member.name} byte {byte}", "cut off", True, f"at byte {byte:,}")]
                        break
                    if path[-1] != "*":
                        continue
                    path_before, number = path, 0
                    reading.enter(survey.chats[index, path[:-2]])
                for part in batches(rows):
                    yield (
                        reading.some(part, number)
                        if seen is None
                        else once(reading.each(part, number), member.name, seen, self._tally)
                    )
                    number += len(part)

    def _survey(self) -> Survey:
        if self._found is None:
            self._found = self._surveyed()
        return self._found

    def _surveyed(self) -> Survey:
        export = open_export(self.path, _is_export, "result.json of Telegram")
        if any(member.name.endswith(".html") for member in export.members) and not any(
            member.name.endswith(".json") for member in export.members
        ):
            raise InputError(
                f"{export.where} is Telegram's HTML export: it is made for eyes and lacks ids and seconds in UTC.",
                hint="In Telegram Desktop export again: Settings > Advanced > Export Telegram data > Format: JSON.",
            )
        if html := [member for member in export.members if member.name.endswith(".html")]:
            export.notes.append(
                f"HTML beside the JSON was passed over (files: {len(html):,}): the JSON is the exact form."
            )
        export.members = tuple(member for member in export.members if member not in html)
        if self.path.is_file() and any(is_row(first_line(head(member, 1 << 16))) for member in export.members):
            raise not_lines(self.path, "Telegram")
        found = Survey(export)
        for index, member in enumerate(export.members):
            path_before, senders = None, Counter[str]()
            for path, values in run_rows(member, *_ways(member), partial=self._partial):
                if path is not path_before:
                    if path is CUT:
                        found.rows += 1
                        break
                    if path[-1] != "*":
                        self._note(found, index, path, values[0])
                        continue
                    path_before, senders = path, found.chat(index, path[:-2]).senders
                found.rows += len(values)
                count_senders(values, senders, found.names)
        if not found.chats:
            raise InputError(f"There is no chat in {export.where}.", hint="Give result.json of a Telegram export.")
        return found

    @staticmethod
    def _note(found: Survey, index: int, path: tuple[Any, ...], value: Any) -> None:
        if path == ("personal_information",) and isinstance(value, dict) and value.get("user_id"):
            found.account.add(f"user{value['user_id']}")
        elif len(path) in (1, 4) and isinstance(path[-1], str) and path[-1] in ("id", "name", "type"):
            found.chat(index, path[:-1]).fields[path[-1]] = value

    def _owner(self, survey: Survey) -> frozenset[str]:
        senders: Counter[str] = Counter()
        proved = set(survey.account)
        for chat in survey.chats.values():
            senders.update(chat.senders)
            if not survey.account and chat.type == "saved_messages":
                proved.add(f"user{chat.key}")
            elif not survey.account and chat.type in _TWO and f"user{chat.key}" in chat.senders:
                proved |= {sender for sender in chat.senders if sender.startswith("user")} - {f"user{chat.key}"}
        known = proved if len(proved) == 1 else ()
        return find_owner(survey.export.where, senders, self._me, names=survey.names, known=known)


def _ways(member: Member) -> tuple[str, ...]:
    return ("",) if is_list(head(member, 1 << 16)) else _WAYS


_make = tuple.__new__
_BOT = 1 << 2  # its bit among MARKS


def _tags_of(marks: int) -> list[str]:
    return [tag for bit, (_, tag) in enumerate(MARKS) if marks >> bit & 1]


class Reading:
    """The second pass: judges rows chat by chat."""

    def __init__(self, survey: Survey, owner: frozenset[str], tally: Tally, *, named: bool) -> None:
        self._survey, self._owner, self._tally, self._named = survey, owner, tally, named
        self._titles = Counter(str(chat.fields.get("name")) for chat in survey.chats.values())
        self._chat, self._thread, self._key, self._is_bot = Chat(0), "", "", False
        self._tags: tuple[str, ...] = ()
        self._origins: dict[str, tuple[str, bool]] = {}

    def enter(self, chat: Chat) -> None:
        """Go on with the rows of a chat."""
        self._chat, self._thread, self._key = chat, chat.key, chat.key
        self._is_bot = chat.type == "bot_chat"
        title = chat.fields.get("name")
        if self._named and title:
            self._thread = str(title) if self._titles[str(title)] == 1 else f"{title} ({chat.key})"
        self._tags = ("group",) if chat.type in _GROUPS else ()
        if chat.type.endswith("_channel"):
            self._tags = ("channel",)

    def some(self, rows: Sequence[Any], before: int) -> Block | list[wl.Message | wl.Skipped]:
        """Return what becomes of some rows of a chat, of which ``before`` were read before."""
        found = None if len(rows) < FEW else plain(rows)
        if found is None:
            return self.each(rows, before)
        origins = [self._origin(sender) for sender in found.senders.dictionary.to_pylist()]
        by = found.senders.indices.to_numpy()
        marks = found.marks
        if self._is_bot:
            marks = marks | ~np.array([mine for _, mine in origins], dtype=bool)[by] * _BOT
        together = laid_out(
            numbered(f"{self._key}/", found.ids),
            one_word(self._thread, len(found.places)),
            by,
            origins,
            found.times,
            found.texts,
            words(marks, [" ".join((*self._tags, *_tags_of(mark))) for mark in range(2 * _BOT)]),
            zone_known=True,
        )
        others = np.ones(len(rows), dtype=bool)
        others[found.places] = False
        news = self._newly_marked(found.places, marks)
        judged: list[tuple[int, wl.Message | wl.Skipped]] = []
        for at in np.flatnonzero(others).tolist():
            while news and news[0][0] < at:
                self._tally["Marked"].update(news.pop(0)[2])
            judged.append((at, self.row(rows[at], before + at + 1)))
        for _, _, tags in news:
            self._tally["Marked"].update(tags)
        for bit, (_, tag) in enumerate(MARKS):
            if count := int(np.count_nonzero(marks >> bit & 1)):
                self._tally["Marked"][tag] += count
        return Block.joined(together, found.places, judged)

    def _newly_marked(self, places: np.ndarray, marks: np.ndarray) -> list[tuple[int, int, dict[str, int]]]:
        """Return where tags that were not counted yet occur first, so that the ledger names them in this order."""
        firsts = [(bit, tag, np.flatnonzero(marks >> bit & 1)[:1]) for bit, (_, tag) in enumerate(MARKS)]
        found = [(int(places[first[0]]), bit, {tag: 0}) for bit, tag, first in firsts if len(first)]
        if self._is_bot:
            found.append((int(places[0]), -1, {}))
        counted = self._tally.get("Marked") or Counter[str]()
        return sorted(one for one in found if one[1] < 0 or one[2].keys() - counted.keys())

    def each(self, rows: Sequence[Any], before: int) -> list[wl.Message | wl.Skipped]:
        """Return the same, decided one by one."""
        return [self.row(row, number) for number, row in enumerate(rows, before + 1)]

    def row(self, row: Any, number: int) -> wl.Message | wl.Skipped:
        """Return what becomes of a row, the ``number``-th of its chat."""
        if type(row) is not dict:
            return wl.Skipped(f"{self._key}/row {number}", "no row of a chat", True, f"a {type(row).__name__}")
        known = row.get("id")
        name = f"{self._key}/{known}" if type(known) is int else f"{self._key}/row {number}"
        kind = row.get("type")
        if kind == "service":
            self._tally["Service messages"][str(row.get("action", "unnamed"))[:40]] += 1
            return wl.Skipped(name, "service message")
        if kind != "message":
            return wl.Skipped(name, "of unknown type", True, f"type {str(kind)[:20]!r}")
        text = row.get("text")
        if type(text) is not str:
            text = joined(text if text is not None else row.get("text_entities"))
            if text is None:
                return wl.Skipped(name, "text of unknown form", failed=True)
        if not text or text.isspace():
            return wl.Skipped(name, without_text(row))
        sender = row.get("from_id")
        if type(sender) is not str or not sender:
            sender = identity(row)
        origin = self._origins.get(sender) or self._origin(sender)
        tags = self._tags
        if "edited" in row or "forwarded_from" in row or "via_bot" in row or self._is_bot:
            tags = self._marked(row, tags, mine=origin[1])
        when = from_unix(row.get("date_unixtime")) or self._local(row)
        # A named tuple's own constructor costs twice as much.
        return _make(wl.Message, (name, self._thread, origin[0], origin[1], when, text, "text", tags))

    def _origin(self, sender: str) -> tuple[str, bool]:
        shown = (self._survey.names.get(sender) or sender) if self._named else sender
        origin = (ME, True) if sender in self._owner else (shown, False)
        self._origins[sender] = origin
        return origin

    def _marked(self, row: Mapping[str, Any], tags: tuple[str, ...], *, mine: bool) -> tuple[str, ...]:
        more = [tag for key, tag in MARKS if key in row or (tag == "bot" and self._is_bot and not mine)]
        self._tally["Marked"].update(more)
        return (*tags, *more)

    def _local(self, row: Mapping[str, Any]) -> datetime | None:
        try:
            when = datetime.fromisoformat(row["date"])
        except (KeyError, TypeError, ValueError):
            when = None
        if when is None or not 1990 < when.year < 2100:
            self._tally["Times"]["without a date"] += 1
            return None
        if when.tzinfo is None:
            self._tally["Times"]["local, without a zone"] += 1
        return when


def _is_export(name: str) -> bool:
    file = name.rsplit("/", 1)[-1]
    return file in ("result.json", "messages.html") or (name.endswith(".json") and file.startswith("result"))
