"""From a record of strings and numbers to a message, for the two generic sources.

A record is a mapping; `wonderland.corpus.naming` says which key is the text, the sender, the time and the conversation.
Names are compared in one Unicode form (NFC), so that a name typed on two systems is one person.

What would fool it: a column that says "yes" of your messages and nothing of the others is taken as such only if it says
"no" nowhere in the file; where it does, an empty cell is unclear.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from wonderland.advice import Hint, Options
from wonderland.corpus.clock import Clock
from wonderland.corpus.messages import Message, Skipped
from wonderland.corpus.naming import BLANK, MINE, NEITHER, RECEIVED, SENT, THEIRS, name_of, word
from wonderland.corpus.people import ME
from wonderland.corpus.times import ImpossibleTime
from wonderland.errors import OwnerUnknown
from wonderland.visible import visible

__all__ = ["EMPTY", "MISSING", "NO_TEXT", "ByFields", "Fields"]

EMPTY, MISSING = "empty text", "no text"
NO_TEXT = "text is not a string"
"""Why a row is passed over whose text is a number, a list or the like."""

_MIDNIGHT = re.compile(r"[T ]00:00(?::00(?:\.0+)?)?$")
_LISTED = 8
_SHOWN = re.compile(r"[\w\s.,:/+-]{1,40}")


@dataclass
class Fields:
    """Which keys of a record mean what, and what was odd about the records read so far.

    Attributes:
        where: The file, for errors.
        keys: Key by meaning, as `wonderland.corpus.naming.detect` finds them.
        records: Returns all records of the file anew, for what only the whole file can tell.
        me: The sender who is the owner of the messages, where no key says so.
        dates: The order of day, month and year in dates, if the user said it.
        worded: Whether the user named the key "from_me", whose values may then be words of the store's own.
        oddities: Counts of what had to be left open, for the ledger.
        local: How many messages have a time without a zone.
        senders: Counts of who wrote, kept where only the sender tells whether a message is the owner's.
        unread: For each conversation, how many of its times were not understood.
        example: A time that was not understood.
        names: Every key of the file, for the user who looks for one that was not taken.
    """

    where: str
    keys: Mapping[str, str]
    records: Callable[[], Iterable[Mapping[str, Any]]]
    me: str = ME
    dates: str = ""
    worded: bool = False
    oddities: Counter[str] = field(default_factory=Counter)
    local: int = 0
    senders: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    example: str = ""
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.me = _one_form(self.me)
        self._clock = Clock(self.where, lambda: (self._time(record) for record in self.records()), self.dates)
        self._inverted = name_of(self.keys.get("from_me", "")) in ("incoming", "is_incoming")

    def message(self, record: Mapping[str, Any], row: str) -> Message | Skipped:
        """Turn a record into a message, or say why it is none. ``row`` names it where it has no id of its own."""
        identity = self._get(record, "id") or row
        text = record.get(self.keys["text"])
        if text is None:
            return Skipped(identity, MISSING)
        if not isinstance(text, str):
            return Skipped(identity, NO_TEXT, failed=True, detail=f"it is a {type(text).__name__}")
        if not text.strip():
            return Skipped(identity, EMPTY)
        sender = self._get(record, "sender") or self._get(record, "sender_id")
        mine = self._is_mine(record, sender)
        if mine is None:
            return self._unclear(record, identity)
        thread = self._get(record, "thread") or "all"
        try:
            time = self._clock.read(self._time(record))
        except ImpossibleTime:
            self.oddities["time that cannot be, left open"] += 1
            time = None
        except ValueError:
            self.oddities["time not understood, left open"] += 1
            self.unread[thread] += 1
            self.example = self.example or self._shown(record)
            time = None
        if time is not None and time.tzinfo is None:
            self.local += 1
        if mine:
            sender = ME
        elif sender == ME:  # somebody else whom the store calls so
            sender = f"{ME} (not you)"
        return Message(identity, thread, sender or "them", mine, time, text)

    def require_owner(self) -> None:
        """Make sure, once everything is read, that some message was the owner's.

        Raises:
            OwnerUnknown: Only the sender tells, and of several none was the owner, or the owner named did not write.
        """
        if not self.senders or any(self._is_me(sender) for sender in self.senders):
            return
        if self.me != ME or len(self.senders) > 1:
            most = ", ".join(f"{sender!r} ({count:,})" for sender, count in self.senders.most_common(5))
            example = next((sender for sender, _ in self.senders.most_common() if sender), "Ada")
            hint = Hint("Say who you are, for example: ", Options("extract", me=example))
            if self.me not in (ME, ""):  # who that is here, nobody can guess
                hint = Hint("Say who of these you are: ", Options("extract", me="NAME"))
            if self.senders[""]:
                hint = Hint(hint, ". If your messages are those without a sender: ", Options("extract", me=""))
            raise OwnerUnknown(
                f"{self.where} does not say which of its senders is you. Most messages were sent by {most}."
                if self.me in (ME, "")
                else f"No message in {self.where} was sent by {self.me!r}. Most were sent by {most}.",
                hint=hint,
                candidates=self.senders.most_common(),
            )

    def notes(self) -> list[str]:
        """Say which keys were not taken, where none was taken for the time."""
        unused = [name for name in self.names if name not in self.keys.values() and name.strip()]
        if "time" in self.keys or not unused:
            return []
        listed = ", ".join(repr(visible(name, 40)) for name in unused[:_LISTED])
        more = f" and {len(unused) - _LISTED} more" if len(unused) > _LISTED else ""
        return [
            f"Nothing in {self.where} was taken for the time of a message; not used were {listed}{more}. If one of "
            f"them is the time, name it: --time {shlex.quote(unused[0])}"
        ]

    def _is_me(self, sender: str) -> bool:
        return sender == self.me or (self.me == ME and sender.lower() == ME)

    def _is_mine(self, record: Mapping[str, Any], sender: str) -> bool | None:
        if "from_me" not in self.keys:
            self.senders[sender] += 1
            return self._is_me(sender)
        value = record.get(self.keys["from_me"])
        if isinstance(value, float) and value.is_integer():  # 1.0, and -0.0
            value = int(value)
        mine = value if value is True or value is False else self._says(word(value))
        return mine if mine is None else mine != self._inverted

    def _says(self, value: str) -> bool | None:
        if value in MINE or value in SENT:
            return True
        if value in THEIRS or value in RECEIVED:
            return False
        if value in BLANK:
            return None if self._says_no else False
        if self.worded and self.me != ME:
            return value == word(self.me)
        return None

    @cached_property
    def _says_no(self) -> bool:
        """Whether the key says "no" of any message; an empty cell is no answer then."""
        key, no = self.keys["from_me"], THEIRS | RECEIVED
        return any(word(record.get(key)) in no for record in self.records())

    def _unclear(self, record: Mapping[str, Any], identity: str) -> Skipped:
        value = word(record.get(self.keys["from_me"]))
        if value in NEITHER:
            return Skipped(identity, value)
        return Skipped(identity, "unclear whether it is from me", failed=True, detail=f"in {self.keys['from_me']!r}")

    def _time(self, record: Mapping[str, Any]) -> Any:
        value = record.get(self.keys["time"]) if "time" in self.keys else None
        clock = record.get(self.keys["clock"]) if "clock" in self.keys else None
        if value is None or clock is None:
            return value
        # A table calculator may write a day as that day's midnight.
        return " ".join(part for part in (_MIDNIGHT.sub("", str(value).strip()), str(clock).strip()) if part)

    def _shown(self, record: Mapping[str, Any]) -> str:
        value = str(self._time(record)).strip()
        return value if _SHOWN.fullmatch(value) and any(letter.isdigit() for letter in value) else ""

    def _get(self, record: Mapping[str, Any], meaning: str) -> str:
        # Not `.get(keys.get(meaning, ""))`: a table may well have a column without a name (pandas' index).
        value = record.get(self.keys[meaning]) if meaning in self.keys else None
        return "" if value is None else _one_form(str(value))


def _one_form(text: str) -> str:
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


class ByFields:
    """What sources have in common whose rows have named fields: they tell what was left open in these."""

    _fields: Fields | None = None

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Count times without a zone, and what had to be left open."""
        if self._fields is None:
            return {}
        times = {"Times": {"local, without a zone": self._fields.local}} if self._fields.local else {}
        return {**times, **({"Left open": self._fields.oddities} if self._fields.oddities else {})}

    def notes(self) -> list[str]:
        """Return what the user should know of the fields."""
        return self._fields.notes() if self._fields else []

    def unread_times(self) -> tuple[Mapping[str, int], str]:
        """Return how many times of each conversation were not understood, and an example of them."""
        return (self._fields.unread, self._fields.example) if self._fields else ({}, "")
