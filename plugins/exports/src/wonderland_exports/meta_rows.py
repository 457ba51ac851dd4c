"""Rows of Messenger and Instagram: one dictionary of either layout becomes a message or a class.

The classic layout writes ``sender_name``, ``timestamp_ms``, ``content``; the one of end-to-end encrypted chats
``senderName``, ``timestamp``, ``text``. Both are the same rows under other names, so they are looked at by one table.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import is_not
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

import wonderland as wl
from wonderland.corpus.blocks import Block
from wonderland.corpus.columns import without_lone_surrogates
from wonderland_exports.frame import ME, from_unix
from wonderland_exports.frame.laying import laid_out, numbered, one_word, words
from wonderland_exports.frame.mojibake import Mender
from wonderland_exports.frame.times import LAST
from wonderland_exports.meta_lines import beginnings, candidates, line_of_the_app, may_be_of_the_app
from wonderland_exports.meta_together import Shapes

__all__ = ["Chat", "Rows", "is_readable", "sender_of"]

# Which key of a row without words says what it is instead; the first that is there names it.
_INSTEAD = {
    "photos": "photo only",
    "videos": "video only",
    "audio_files": "voice message only",
    "gifs": "GIF only",
    "sticker": "sticker only",
    "files": "file only",
    "media": "photo, video or file only",
    "share": "shared post or link only",
}
_TELLING = frozenset({"is_unsent", "isUnsent", "is_taken_down", "call_duration", "missed", "type"})
"""Keys of which a row has one, if it says itself what it is."""
_UNKNOWN_SENDER = "unknown"


class Chat(NamedTuple):
    """What is known of a conversation.

    Attributes:
        thread: Its name: the folder, or the file of an encrypted chat.
        people: The names of its participants, repaired.
        tags: What every message of it carries (``group``, ``request``, ``filtered``).
    """

    thread: str
    people: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass
class Rows:
    """Classifies rows and counts what was odd about them.

    Attributes:
        me: The name of the owner.
        mend: Repairs a string that is UTF-8 read as Latin-1.
        open: Counts of what had to be left open.
    """

    me: str
    mend: Mender
    open: Counter[str]
    shapes: Shapes = field(default_factory=lambda: Shapes(_TELLING))

    def run(self, name: str, numbers: Sequence[int], rows: Sequence[Any], chat: Chat) -> Block:
        """Return what becomes of many rows of one file, each with its number there."""
        found = self.shapes.together(rows, self.mend)
        if found is None:
            return self.block([(f"{name}:{at}", row, chat) for at, row in zip(numbers, rows, strict=True)])
        begins = {sender: beginnings(sender, chat.people) for sender in {*found.senders}}
        any_of = frozenset().union(*begins.values())
        of_app: dict[int, str] = {}
        for at in candidates(found.texts, any_of):
            sender, text = found.senders[at], found.texts[at]
            if may_be_of_the_app(text, begins[sender]) and (reason := line_of_the_app(text, sender, chat.people)):
                of_app[at] = reason
        left = [at for at in range(len(found.texts)) if at not in of_app] if of_app else range(len(found.texts))
        passed = {found.places[at]: reason for at, reason in of_app.items()}
        plain = np.ones(len(rows), dtype=bool)
        plain[found.places] = False
        others: list[tuple[int, wl.Message | wl.Skipped]] = []
        for at in sorted([*np.flatnonzero(plain).tolist(), *passed]):
            identity, row = f"{name}:{numbers[at]}", rows[at]
            if at in passed:
                others.append((at, wl.Skipped(identity, _instead(row) or passed[at])))
            else:
                others.append((at, self.item(row, identity, chat)))
        codes: dict[str, int] = {}
        of = np.array([codes.setdefault(found.senders[at], len(codes)) for at in left], dtype=np.int64)
        places = np.array(found.places, dtype=np.int64)[list(left)]
        texts = [found.texts[at] for at in left]
        try:
            written, repaired = pa.array(texts, pa.large_string()), 0
        except UnicodeEncodeError:
            sound = [without_lone_surrogates(text) for text in texts]
            written, repaired = pa.array(sound, pa.large_string()), sum(map(is_not, sound, texts))
        together = laid_out(
            numbered(f"{name}:", pa.array(np.array(numbers, dtype=np.int64)[places])),
            one_word(chat.thread, len(left)),
            of,
            [self._called(sender) for sender in codes],
            found.times[list(left)] * 1000,
            written,
            one_word(" ".join(chat.tags), len(left)),
            zone_known=True,
        )
        block = Block.joined(together, places, others)
        return replace(block, repaired=block.repaired + repaired)

    def item(self, row: Any, identity: str, chat: Chat) -> wl.Message | wl.Skipped:
        """Return the message that a row is, or its class."""
        if type(row) is not dict:
            return wl.Skipped(identity, "not a JSON object", failed=True, detail=f"it is a {type(row).__name__}")
        if not _TELLING.isdisjoint(row):
            if row.get("is_unsent") or row.get("isUnsent"):
                return wl.Skipped(identity, "unsent")
            if row.get("is_taken_down"):
                return wl.Skipped(identity, "taken down")
            if reason := _event(row):
                return wl.Skipped(identity, reason)
        sender = sender_of(row)
        if not sender.isascii():
            sender = self.mend(sender)
        text = row.get("content", row.get("text"))
        if text is not None and not isinstance(text, str):
            return wl.Skipped(identity, "text is not a string", failed=True, detail=f"it is a {type(text).__name__}")
        if not text or text.isspace():
            if row.get("is_geoblocked_for_viewer"):
                return wl.Skipped(identity, "hidden in the owner's country")
            return wl.Skipped(identity, _instead(row) or "no text")
        if not text.isascii():
            text = self.mend(text)
        if reason := line_of_the_app(text, sender, chat.people):
            return wl.Skipped(identity, _instead(row) or reason)
        return self._message(row, identity, chat, sender, text)

    def block(self, rows: Sequence[tuple[str, Any, Chat]]) -> Block:
        """Return what becomes of rows, each given with what it is called and its conversation."""
        plain: list[tuple[int, str, int, int, int, int, str]] = []
        others: list[tuple[int, wl.Message | wl.Skipped]] = []
        threads, tags, senders = (defaultdict[str, int](), defaultdict[str, int](), defaultdict[str, int]())
        for numbers in (threads, tags, senders):
            numbers.default_factory = numbers.__len__
        before, begins, thread, tag = None, dict[str, frozenset[str]](), 0, 0
        for at, (identity, row, chat) in enumerate(rows):
            said = _said(row)
            if said is None:
                others.append((at, row if type(row) is wl.Skipped else self.item(row, identity, chat)))
                continue
            if chat is not before:
                before, begins, thread, tag = chat, {}, threads[chat.thread], tags[" ".join(chat.tags)]
            sender, text, milliseconds = said
            if not sender.isascii():
                sender = self.mend(sender)
            if not text.isascii():
                text = self.mend(text)
            if sender not in begins:
                begins[sender] = beginnings(sender, chat.people)
            if may_be_of_the_app(text, begins[sender]) and (reason := line_of_the_app(text, sender, chat.people)):
                others.append((at, wl.Skipped(identity, _instead(row) or reason)))
            else:
                plain.append((at, identity, thread, tag, senders[sender], milliseconds * 1000, text))
        columns = zip(*plain, strict=True) if plain else [()] * 7
        places, ids, thread_of, tag_of, sender_of_, times, texts = columns
        numbers_of = [np.array(column, dtype=np.int64) for column in (places, thread_of, tag_of, sender_of_, times)]
        repaired = [text if text.isascii() else without_lone_surrogates(text) for text in texts]
        together = laid_out(
            pa.array([*map(without_lone_surrogates, ids)], pa.string()),
            words(numbers_of[1], list(threads)),
            numbers_of[3],
            [self._called(name) for name in senders],
            numbers_of[4],
            pa.array(repaired, pa.large_string()),
            words(numbers_of[2], list(tags)),
            zone_known=True,
        )
        block = Block.joined(together, numbers_of[0], others)
        return replace(block, repaired=block.repaired + sum(map(is_not, repaired, texts)))

    def _called(self, sender: str) -> tuple[str, bool]:
        """Return what a sender is called, and whether it is the owner."""
        mine = bool(sender) and sender == self.me
        return ME if mine else sender or _UNKNOWN_SENDER, mine

    def _message(self, row: Mapping[str, Any], identity: str, chat: Chat, sender: str, text: str) -> wl.Message:
        if not sender:
            self.open["without a sender (a deleted account): called 'unknown'"] += 1
        moment = from_unix(row.get("timestamp_ms", row.get("timestamp")), 1000)
        if moment is None:
            self.open["time missing or not understood"] += 1
        return wl.Message(identity, chat.thread, *self._called(sender), moment, text, "text", chat.tags)


def _said(row: Any) -> tuple[str, str, int] | None:
    """Return sender, text and milliseconds since 1970 of a row that is a text at a sound time and nothing else."""
    if type(row) is not dict or not _TELLING.isdisjoint(row):
        return None
    text = row["content"] if "content" in row else row.get("text")
    if type(text) is not str or not text or text.isspace():
        return None
    when = row["timestamp_ms"] if "timestamp_ms" in row else row.get("timestamp")
    if type(when) is not int or not 0 < when < LAST * 1000:
        return None
    sender = sender_of(row)
    return (sender, text, when) if sender else None


def is_readable(row: object) -> bool:
    """Say whether a row says something, and its text, if it has one, is a string."""
    return type(row) is dict and bool(row) and isinstance(row.get("content", row.get("text")), (str, NoneType))


def sender_of(row: object) -> str:
    """Return who sent a row, as it is written, or an empty string."""
    if type(row) is not dict:
        return ""
    value = row.get("sender_name") or row.get("senderName")
    return value.strip() if type(value) is str else ""


def _instead(row: Mapping[str, Any]) -> str | None:
    """Return what a row without words is; the first of its keys that says so."""
    return next((reason for key, reason in _INSTEAD.items() if row.get(key)), None)


def _event(row: Mapping[str, Any]) -> str | None:
    if row.get("call_duration") is not None or row.get("missed"):
        return "call"
    kind = str(row.get("type") or "").lower()
    if not kind or kind == "generic":  # nearly all
        return None
    if kind == "call":
        return "call"
    if kind in ("subscribe", "unsubscribe"):
        return "somebody joined" if kind == "subscribe" else "somebody left"
    if kind in ("payment", "plan"):
        return kind
    return "placeholder of an encrypted chat" if kind == "placeholder" else None
