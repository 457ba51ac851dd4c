"""In which order were the messages of a conversation sent, and can it be known?

Times tell it. A message without a time stands after the one before it in the file. Files written newest first are
turned round before that, so that messages of one second or one minute, and those without a time, come out in the order
they were sent; whether a file is one is told by its own times, over all conversations together.

A time without a zone is what a clock showed, and clocks are put back: what was sent at 02:15 after the change stands in
the file behind what was sent at 02:40 before it. So where the times have no zone and the file runs in one direction
otherwise, a step back of at most two hours, as no clock is put back further, keeps the order of the file. What would
fool it: such a file that was put together of two which overlap by less than that.

Where times stand in the file and were not understood, or where some are missing and the others show that the file is in
no order, its order would be a guess: `order_notes` says so, and the user says what the order of the file is. A file
without any time is taken in its own order, for there is nothing else; only ids that count down speak against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from wonderland.advice import Hint, Options
from wonderland.corpus.columns import first_appearances
from wonderland.errors import InputError, UsageError

__all__ = ["FILE", "NEWEST_FIRST", "Timing", "checked_order", "order_notes", "sorted_by_thread"]

FILE, NEWEST_FIRST = "file", "newest-first"
_ONE_WAY = 0.9  # share of steps in one direction that makes a file one of that order
_PUT_BACK = 2 * 3_600_000_000  # microseconds that a clock is put back at most: Troll in Antarctica has two hours
_FEW = 0.01  # share of messages without a time whose place may be a guess
_HINT = Hint(
    "Say what the order of the file is, the oldest message first or the newest: ",
    Options("extract", order=FILE).or_(order=NEWEST_FIRST),
)


def checked_order(order: str) -> str:
    """Return an order a user named.

    Raises:
        UsageError: There is no such order.
    """
    if order not in ("", FILE, NEWEST_FIRST):
        raise UsageError(f"There is no order {order!r}.", hint=_HINT)
    return order


@dataclass(frozen=True)
class Timing:
    """What the times of a table say about its order, message by message in the order of the file.

    Attributes:
        rank: Number of each message's conversation, by first appearance, [message].
        when: Its time in microseconds, 0 if it has none, [message].
        timed: Whether it has a time, [message].
        local: Whether that time is what a clock without a zone showed, [message].
        later: Steps from a message to a later one of its conversation.
        earlier: Steps to an earlier one.
    """

    rank: np.ndarray
    when: np.ndarray
    timed: np.ndarray
    local: np.ndarray
    later: int
    earlier: int

    @classmethod
    def of(cls, table: pa.Table) -> Timing:
        """Look at the times of a table that is in the order of its file."""
        codes = table.column("thread").combine_chunks().indices.to_numpy(zero_copy_only=False)
        seen = first_appearances(codes)
        rank = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int32)
        rank[seen] = np.arange(len(seen))
        times = table.column("timestamp").combine_chunks()
        timed = ~times.is_null().to_numpy(zero_copy_only=False)
        when = times.cast(pa.int64()).fill_null(0).to_numpy()
        local = timed & ~table.column("zone_known").combine_chunks().to_numpy(zero_copy_only=False)
        ranks = rank[codes]
        together = _by_number(ranks)
        together = together[timed[together]]
        steps = np.diff(when[together])[np.diff(ranks[together]) == 0]
        return cls(ranks, when, timed, local, int((steps > 0).sum()), int((steps < 0).sum()))

    @property
    def newest_first(self) -> bool:
        """Whether the file runs from the newest message to the oldest."""
        return self.earlier > 0 and self.earlier >= _ONE_WAY * (self.later + self.earlier)

    def permutation(self, order: str = "") -> np.ndarray:
        """Return the messages with conversations together, each in the order it was sent, [message]."""
        backwards = order == NEWEST_FIRST or (not order and self.newest_first)
        # A sort keeps the order of the file among equals, so only a file that is turned round needs its places.
        place = (-np.arange(len(self.rank)),) if backwards else ()
        if order:
            return np.lexsort((*place, self.rank))
        if put_back := self._put_back(backwards):
            stored, when = put_back
            return self._arranged(stored, when)
        if self.timed.all() and not backwards:
            later: np.ndarray = np.argsort(self.when, kind="stable")
            together: np.ndarray = _by_number(self.rank[later])
            return np.take(later, together)
        if self.timed.all():
            return np.lexsort((*place, self.when, self.rank))
        return self._arranged(np.lexsort((*place, self.rank)), self.when)

    def _arranged(self, stored: np.ndarray, when: np.ndarray) -> np.ndarray:
        """Sort by time what stands in the order it was stored, each conversation together; equals stay as they stand.

        Args:
            stored: The messages in that order, [message].
            when: The time of each message, [message].
        """
        timed, rank = self.timed[stored], self.rank[stored]
        last = np.maximum.accumulate(np.where(timed, np.arange(len(stored)), -1))  # the one before it that has a time
        known = (last >= 0) & (rank[last] == rank)
        when = np.where(known, when[stored][last], np.iinfo(np.int64).min)
        return stored[np.lexsort((when, rank))]  # stable: ties keep the order of the file

    def _put_back(self, backwards: bool) -> tuple[np.ndarray, np.ndarray] | None:
        """Return messages as they stand, and times of which none lies a little before that above it.

        What a clock shows after it was put back becomes the time before that. None if no clock was put back, or if the
        file does not run forwards otherwise.
        """
        if not (self.local.any() and self.earlier and self.later):
            return None
        stored = np.lexsort((-np.arange(len(self.rank)) if backwards else np.arange(len(self.rank)), self.rank))
        at = stored[self.local[stored]]  # those alone are compared
        when, rank = self.when[at], self.rank[at]
        steps = np.where(np.diff(rank) == 0, np.diff(when), 0)
        back = np.flatnonzero((steps < 0) & (steps >= -_PUT_BACK)) + 1
        forwards, far = int((steps > 0).sum()), int((steps < -_PUT_BACK).sum())
        if not len(back) or forwards <= len(back) + far or far > (1 - _ONE_WAY) * (forwards + far):
            return None
        done = 0
        for first in back.tolist():
            place, latest = max(first, done), int(when[first - 1])
            if place > first:  # within what was told before
                continue
            while place < len(at) and rank[place] == rank[first] and 0 <= latest - int(when[place]) <= _PUT_BACK:
                when[place] = latest
                place += 1
            done = place
        told = self.when.copy()
        told[at] = when
        return stored, told


def _by_number(numbers: np.ndarray) -> np.ndarray:
    """Return what puts numbers in order, equal ones as they stand; NumPy is several times as fast with 16 bits."""
    small = numbers.max(initial=0) < 1 << 16
    order: np.ndarray = np.argsort(numbers.astype(np.uint16) if small else numbers, kind="stable")
    return order


def sorted_by_thread(table: pa.Table, order: str = "") -> pa.Table:
    """Bring the messages of a thread together, threads by first appearance, each in the order it was sent.

    Args:
        table: Messages in the order of their store.
        order: "file" or "newest-first" if that is the order of the store and times do not count.
    """
    if table.num_rows == 0:
        return table
    permutation = Timing.of(table).permutation(order)
    if (permutation[1:] > permutation[:-1]).all():
        return table
    return table.take(pa.array(permutation)).combine_chunks()


def order_notes(where: str, table: pa.Table, unread: Mapping[str, int], example: str) -> list[str]:
    """Say what a user should know of the order of a file, once it is read.

    Args:
        where: The file, for people.
        table: Its messages in the order of the file, conversations named as in the file.
        unread: For each conversation, how many of its times were not understood.
        example: One of these times, or an empty string.

    Returns:
        Sentences; none if every message of a conversation has a time.

    Raises:
        InputError: The order of the file would have to be guessed.
    """
    if table.num_rows == 0:
        return []
    timing = Timing.of(table)
    sizes = np.bincount(timing.rank)
    shared = sizes[timing.rank] > 1  # of a message alone in its conversation the place is known
    untimed = int((shared & ~timing.timed).sum())
    if not untimed:
        return []
    missed = sum(unread.values())
    told = f", for example {example!r}" if example else ""
    if missed and (_mostly_unread(table, unread) or not timing.later + timing.earlier):
        raise InputError(
            f"{where}: the order of the messages cannot be known. {missed:,} of {table.num_rows:,} times were not "
            f"understood{told}.",
            hint=Hint(
                "Name the column of the time: ",
                Options("extract", time="COLUMN"),
                ". Or write times as 2024-01-31 16:30:00. ",
                _HINT,
            ),
        )
    if not timing.timed.any():
        return _without_times(where, table, timing)
    left = f"{untimed:,} of {table.num_rows:,} messages"
    steps = timing.later + timing.earlier
    one_way = max(timing.later, timing.earlier) >= _ONE_WAY * steps
    if one_way:
        return [f"{left} have no time; each stands beside the message before it in the file."]
    if untimed > _FEW * int(shared.sum()):
        raise InputError(
            f"{where}: the order of the messages cannot be known. {untimed:,} of {table.num_rows:,} have no time, and "
            "the times of the others show that the file is not in the order they were sent.",
            hint=_HINT,
        )
    return [f"{left} have no time, and the file is not in the order of the others; their place is a guess."]


def _mostly_unread(table: pa.Table, unread: Mapping[str, int]) -> bool:
    threads = table.column("thread").combine_chunks()
    sizes = np.bincount(threads.indices.to_numpy(zero_copy_only=False), minlength=len(threads.dictionary))
    of = dict(zip(threads.dictionary.to_pylist(), sizes.tolist(), strict=True))
    return any(1 < of.get(thread, 0) < 2 * count for thread, count in unread.items())


def _without_times(where: str, table: pa.Table, timing: Timing) -> list[str]:
    ids = table.column("id").to_pylist()
    if ids[0].isdecimal() and all(one.isdecimal() and len(one) < 19 for one in ids):
        numbers = np.array([int(one) for one in ids])
        together = np.argsort(timing.rank, kind="stable")
        steps = np.diff(numbers[together])[np.diff(timing.rank[together]) == 0]
        if len(steps) > 1 and (steps < 0).all():
            raise InputError(
                f"{where}: the order of the messages cannot be known. None has a time, and their ids count down, so "
                "the newest may be first.",
                hint=_HINT,
            )
    return ["No message has a time: each conversation stands in the order of the file, taken as oldest first."]
