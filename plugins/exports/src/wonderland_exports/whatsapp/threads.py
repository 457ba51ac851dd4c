"""Which text files are one conversation: exported twice, by two phones, or again after the chat was renamed.

Files that share a name but for ``(1)`` are one conversation if they share a row. Of other names they are if most of the
rows are the same over the time that both cover, and two people wrote those: the first and last row that both have
bound that time. Times are compared by the minute, since Android shows no seconds.

What would fool it: two groups of the same people to which everything is sent twice; a chat that was renamed and of
which two exports share fewer than `FEW` rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from wonderland_exports.whatsapp.chats import COPY, Chat, clean, numbers
from wonderland_exports.whatsapp.rows import rows_of
from wonderland_exports.whatsapp.shapes import day, hours

__all__ = ["FEW", "name_threads"]

FEW = 5
_MOST = 0.5


def name_threads(chats: Sequence[Chat], order: Mapping[tuple[str, ...], str]) -> list[str]:
    """Give each chat its thread.

    Args:
        chats: The chats, by name of file.
        order: The order of day and month by form of heads.

    Returns:
        Notes on files of different names that are one conversation.
    """
    notes, known = [], dict[int, _Lines]()
    alike: dict[str, list[int]] = {}
    for at, chat in enumerate(chats):
        alike.setdefault(COPY.sub("", chat.title), []).append(at)

    def lines(at: int) -> _Lines:
        if at not in known:
            known[at] = _Lines.of(chats[at], order[chats[at].shape.form])
        return known[at]

    for at, chat in enumerate(chats):
        before = [one for one in alike[COPY.sub("", chat.title)] if one < at]
        again = next((one for one in before if lines(one).share_a_row(lines(at))), None)
        if again is None:
            others = (one for one in range(at) if one not in before and _know_each_other(chats[one], chat))
            again = next((one for one in others if lines(one).are_mostly(lines(at))), None)
            if again is not None:
                notes.append(
                    f"{chat.member.name} and {chats[again].member.name} hold the same messages where both have any, so "
                    "they are read as one conversation."
                )
        if again is not None:
            chat.thread = chats[again].thread
        elif chat.title in {chats[one].thread for one in before}:
            chat.thread = chat.member.name
        else:
            chat.thread = chat.title
    return notes


def _know_each_other(one: Chat, other: Chat) -> bool:
    """Say whether mostly the same people wrote in two chats, two at least."""
    both = one.senders.keys() & other.senders.keys()
    return len(both) > 1 and 2 * len(both) > min(len(one.senders), len(other.senders))


class _Lines(NamedTuple):
    """The rows of a chat, as they are compared.

    Attributes:
        hashes: Of minute, sender and text of each row, [row].
        people: The number of its sender, -1 for a row that has none, [row].
    """

    hashes: np.ndarray
    people: np.ndarray

    @classmethod
    def of(cls, chat: Chat, order: str) -> _Lines:
        rows = rows_of(chat.member, chat.shape)
        days = {date: day(numbers(date, chat.shape), order) for date in {*rows.dates}}
        clock = {time: _minutes(chat, time) for time in {*rows.times}}
        names = {name: clean(name) for name in {*rows.senders}}
        kept = zip(rows.dates, rows.times, rows.senders, rows.texts, strict=True)
        written = [(days[date], clock[time], names[sender], text) for date, time, sender, text in kept]
        codes = {name: at for at, name in enumerate(chat.senders)}
        people = [codes.get(sender, -1) for _, _, sender, _ in written]
        return cls(np.fromiter(map(hash, written), np.int64, len(written)), np.array(people, dtype=np.int64))

    def share_a_row(self, other: _Lines) -> bool:
        """Say whether any row is in both."""
        return bool(np.isin(self.hashes, other.hashes).any())

    def are_mostly(self, other: _Lines) -> bool:
        """Say whether most rows are in both, from the first to the last that two people or more wrote in both."""
        for one, there in ((self, other), (other, self)):
            same = (one.people >= 0) & np.isin(one.hashes, there.hashes)
            at = np.flatnonzero(same)
            if len(at) < FEW or len(np.unique(one.people[at])) < 2:
                return False
            if len(at) < _MOST * int((one.people[at[0] : at[-1] + 1] >= 0).sum()):
                return False
        return True


def _minutes(chat: Chat, time: str) -> timedelta | None:
    match = chat.shape.time.fullmatch(time)
    hour = hours(match["h"], match["word"]) if match else None
    return None if match is None or hour is None else timedelta(hours=hour, minutes=int(match["m"]))
