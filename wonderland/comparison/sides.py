"""What is compared with what? Messages dealt to sides, with the units that are dealt out anew for the null.

A side is a period, a contact, who wrote, or a whole workspace. The unit is the conversation. Where a side has fewer
than ten conversations, it is a day of a conversation (or fifty messages of it, where no times are known), because
a few units cannot be dealt out in enough ways.

Two things are refused, since they would tell a stranger who somebody is, or would tell nothing: a side of fewer than
1,000 messages, and two corpora that hold the same conversations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from wonderland.advice import Command, Hint
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message
from wonderland.errors import InputError, NotEnoughData, UsageError

__all__ = ["LEAST_MESSAGES", "Sides", "by_contact", "by_period", "by_speaker", "of_two"]

LEAST_MESSAGES = 1000
"""Messages that each side needs."""
_FEW_UNITS = 10
_BLOCK = 50
_SHARED = 0.01  # of the messages of the smaller corpus, from which two corpora are the same in part
_LONG = 24  # characters from which a text without a time is no coincidence


@dataclass(frozen=True)
class Sides:
    """Messages of two or more sides.

    Attributes:
        names: What the sides are called.
        texts: The messages.
        side: Side of each message.
        unit: Unit of each message, which is dealt out anew for the null.
        month: Months since year 0 of each message, -1 where the time is unknown.
        of: What the units are.
        kind: "period", "contact", "speaker" or "workspace".
        messages: The messages with all that is known of them.
        left_out: How many messages are on no side though they may belong to one, by why.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    side: NDArray[np.int64]
    unit: NDArray[np.int64]
    month: NDArray[np.int64]
    of: str
    kind: str
    messages: tuple[Message, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    def pair(self, a: int, b: int) -> Sides:
        """Return two of the sides."""
        which = np.flatnonzero((self.side == a) | (self.side == b))
        texts = tuple(self.texts[i] for i in which)
        _, unit = np.unique(self.unit[which], return_inverse=True)
        side = (self.side[which] == b).astype(np.int64)
        messages = tuple(self.messages[i] for i in which) if self.messages else ()
        return Sides(
            (self.names[a], self.names[b]),
            texts,
            side,
            unit,
            self.month[which],
            self.of,
            self.kind,
            messages,
            self.left_out,
        )


def by_speaker(corpus: Corpus) -> Sides:
    """Compare what I wrote with what the others wrote."""
    return _sides(corpus, "speaker", ("me", "them"), lambda message: int(not message.is_from_me))


def by_period(corpus: Corpus, at: Sequence[str | date]) -> Sides:
    """Compare periods.

    Args:
        corpus: The messages; those without a time are left out, and counted.
        at: The days at which one period ends and the next begins, such as "2022-01-01".

    Raises:
        UsageError: A day cannot be read, or they do not increase.
        NotEnoughData: No message has a time, or a period has too few messages.
    """
    days = [_day(one) for one in at]
    if not days or any(a >= b for a, b in itertools.pairwise(days)):
        raise UsageError(
            "Periods need the days at which they end, in order.",
            hint=Hint("For example: ", Command("compare", in_python="at=['2022-01-01']", by="period", at="2022-01-01")),
        )
    timeless = sum(message.timestamp is None for message in corpus)
    if timeless == len(corpus):
        raise NotEnoughData(
            f"None of the {len(corpus):,} messages has a time, so that there are no periods.",
            hint=Hint("Compare something else: ", Command("compare", by="speaker")),
        )
    names = [f"before {days[0]}", *(f"{a} to {b}" for a, b in itertools.pairwise(days)), f"since {days[-1]}"]

    def which(message: Message) -> int:
        if message.timestamp is None:
            return -1
        return sum(message.timestamp.date() >= day for day in days)

    return _sides(corpus, "period", tuple(names), which, {"without a time": timeless})


def by_contact(corpus: Corpus, contacts: Sequence[str]) -> Sides:
    """Compare what was written in the conversations with each of some contacts.

    Args:
        corpus: The messages.
        contacts: At least two contacts, as the corpus names them.

    Raises:
        UsageError: There is no such contact, or fewer than two.
    """
    if len(set(contacts)) < 2:
        raise UsageError(
            "Contacts are compared with each other: name two or more.",
            hint=Hint(
                "For example: ", Command("compare", "--by", "contact", "P001", "P002", in_python="['P001', 'P002']")
            ),
        )
    known = {message.sender for message in corpus if not message.is_from_me}
    for one in contacts:
        if one not in known:
            raise UsageError(
                f"There is no contact {one!r}.", hint=Hint("`", Command("report"), "` names them, as does people.json.")
            )
    with_whom: dict[str, set[str]] = {}
    for message in corpus:
        with_whom.setdefault(message.thread, set()).add(message.sender)

    def which(message: Message) -> int:
        there = [number for number, one in enumerate(contacts) if one in with_whom[message.thread]]
        return there[0] if len(there) == 1 else -1  # a conversation with two of them is of neither

    several = sum(len(with_whom[message.thread].intersection(contacts)) > 1 for message in corpus)
    return _sides(corpus, "contact", tuple(contacts), which, {"of conversations with more than one of them": several})


def of_two(one: Corpus, other: Corpus, names: tuple[str, str] = ("this workspace", "the other workspace")) -> Sides:
    """Compare two corpora.

    Raises:
        InputError: They hold the same conversations.
    """
    shared = _shared(one, other)
    if shared > _SHARED * min(len(one), len(other)):
        raise InputError(
            f"The two corpora hold {shared:,} messages in common: one side would be tested on what was counted on the "
            "other.",
            hint=Hint("Compare parts of one workspace instead: ", Command("compare", by="period", at="2022-01-01")),
        )
    parts = []
    for number, corpus in enumerate((one, other)):
        parts += [(message, number, f"{number} {message.thread}") for message in corpus]
    return _made(parts, "workspace", names)


def _shared(one: Corpus, other: Corpus) -> int:
    def marks(corpus: Corpus) -> set[tuple[object, str]]:
        return {
            (message.timestamp, message.text)
            for message in corpus
            if message.timestamp is not None or len(message.text) >= _LONG
        }

    return len(marks(one) & marks(other))


def _day(value: str | date) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise UsageError(f"{value!r} is no day.", hint="Write it like 2022-01-31.") from error


def _sides(
    corpus: Corpus,
    kind: str,
    names: tuple[str, ...],
    which: Callable[[Message], int],
    left_out: Mapping[str, int] | None = None,
) -> Sides:
    parts = [(message, number, message.thread) for message in corpus if (number := which(message)) >= 0]
    return _made(parts, kind, names, {why: n for why, n in (left_out or {}).items() if n})


def _made(
    parts: list[tuple[Message, int, str]], kind: str, names: tuple[str, ...], left_out: Mapping[str, int] | None = None
) -> Sides:
    """Lay the messages out, and say what the units are.

    Raises:
        NotEnoughData: A side has fewer than 1,000 messages.
    """
    side = np.array([number for _, number, _ in parts], dtype=np.int64)
    counts = np.bincount(side, minlength=len(names))
    for number, name in enumerate(names):
        if counts[number] < LEAST_MESSAGES:
            what = "It would be an identity card of somebody" if kind == "contact" else "So few say nothing of a style"
            without = "".join(f" Left out are {n:,} messages {why}." for why, n in (left_out or {}).items())
            raise NotEnoughData(
                f"{name!r} has {counts[number]:,} messages, and a side needs {LEAST_MESSAGES:,}. {what}.{without}",
                hint="Compare larger parts.",
            )
    threads = [thread for _, _, thread in parts]
    of, keys = "conversations", threads
    per_side = [len({t for t, s in zip(threads, side, strict=True) if s == number}) for number in range(len(names))]
    if min(per_side) < _FEW_UNITS:
        of, keys = "days of conversations", _pieces(parts)
    _, unit = np.unique(keys, return_inverse=True)
    month = [-1 if m.timestamp is None else m.timestamp.year * 12 + m.timestamp.month - 1 for m, _, _ in parts]
    texts = tuple(message.text for message, _, _ in parts)
    messages = tuple(message for message, _, _ in parts)
    months = np.array(month, dtype=np.int64)
    return Sides(names, texts, side, unit.astype(np.int64), months, of, kind, messages, left_out or {})


def _pieces(parts: list[tuple[Message, int, str]]) -> list[str]:
    """Return the day of its conversation each message is from, or the block of fifty where no time is known."""
    seen: dict[str, int] = {}
    keys = []
    for message, _, thread in parts:
        seen[thread] = seen.get(thread, -1) + 1
        when = message.timestamp
        keys.append(f"{thread} {when.date() if when is not None else seen[thread] // _BLOCK}")
    return keys
