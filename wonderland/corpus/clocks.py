"""How far a clock that says no zone stood from UTC, told by messages that are also in a store whose times are moments.

A text that one person sent once in either store is one message if its two times differ by whole quarters of an hour,
from 12 hours behind UTC to 14 before it, as zones do. `AGREE` such texts at least, and one of 20 of them, have to say
the same offset, and so have most of those next to it in time. The offset holds until the next such text. Between two
that differ lies a change: texts that were sent more than once tell it more narrowly, each that is in the other store
under one of the two offsets and not under the other, if all of them agree on one change. Where that says nothing,
nothing is joined. So a clock may change in spring and autumn, or travel.

What would fool it: the same person sends a text again in that conversation, to the minute as many quarters of an hour
later as the clock is before UTC, and either is in one store only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["AGREE", "UNKNOWN", "Clock", "Written", "compared", "numbered"]

AGREE = 5
UNKNOWN = np.iinfo(np.int64).min
"""The time of a message that the clock does not tell."""

_SHARE = 0.05  # an offset that chance makes has some 1 % of all
_QUARTER, _LEAST, _MOST = 900, -12 * 3600, 14 * 3600
_Whole = npt.NDArray[np.int64]


class Written(NamedTuple):
    """Messages by person and text, and their times.

    Attributes:
        what: A number for person and text, [message].
        seconds: Seconds since 1970, of UTC or of a clock somewhere, [message].
        chats: The number of its conversation, [message].
    """

    what: _Whole
    seconds: _Whole
    chats: _Whole

    def where(self, chosen: npt.NDArray[np.bool_]) -> Written:
        """Return some of the messages."""
        return Written(self.what[chosen], self.seconds[chosen], self.chats[chosen])


class Clock(NamedTuple):
    """A clock without a zone beside moments.

    Attributes:
        moments: Seconds since 1970 of the messages that tell its offset, ascending, [message].
        offsets: Seconds that the clock was before UTC at each, [message].
        unit: The seconds that the clock shows: 1, or 60 where it shows minutes.
    """

    moments: _Whole
    offsets: _Whole
    unit: int

    def shown(self, moments: _Whole) -> _Whole:
        """Return what the clock showed at some moments, in seconds since 1970, whole units; `UNKNOWN` at a change.

        A change lies somewhere between two moments of different offsets, so only those two are known there.
        """
        last = len(self.moments) - 1
        after = np.minimum(np.searchsorted(self.moments, moments), last)
        before = np.where(self.moments[after] > moments, np.maximum(after - 1, 0), after)
        shown: _Whole = moments // self.unit * self.unit + self.offsets[after]
        return np.where(self.offsets[after] == self.offsets[before], shown, UNKNOWN)

    def words(self) -> str:
        """Return its offsets as one writes zones.

        >>> Clock(np.array([0, 9]), np.array([3600, -12600]), 1).words()
        '-03:30 and +01:00'
        """
        offsets = sorted({*self.offsets.tolist()})
        written = [f"{'-' if at < 0 else '+'}{abs(at) // 3600:02}:{abs(at) % 3600 // 60:02}" for at in offsets]
        return " and ".join(filter(None, (", ".join(written[:-1]), written[-1])))


def compared(known: Written, local: Written, alike: Callable[[int, int], bool], unit: int) -> Clock | None:
    """Return the clock of messages without a zone, told by messages with one; None if too few agree.

    Args:
        known: Messages whose times have a zone.
        local: Messages whose times have none.
        alike: Whether two conversations, of the first and of the second, may be one.
        unit: The seconds that the clock shows: 1, or 60 where it shows minutes.
    """
    one, other = _once(known), _once(local)
    _, of_one, of_other = np.intersect1d(one.what, other.what, assume_unique=True, return_indices=True)
    moments = one.seconds[of_one]
    offsets = other.seconds[of_other] - moments // unit * unit
    zones = (offsets % _QUARTER == 0) & (offsets >= _LEAST) & (offsets <= _MOST)
    pairs = zip(one.chats[of_one].tolist(), other.chats[of_other].tolist(), strict=True)
    zones &= np.fromiter((alike(*pair) for pair in pairs), dtype=bool, count=len(zones))
    moments, offsets = moments[zones], offsets[zones]
    values, counts = np.unique(offsets, return_counts=True)
    agreed = np.isin(offsets, values[counts >= max(AGREE, _SHARE * len(offsets))])
    order = np.argsort(moments[agreed], kind="stable")
    moments, offsets = moments[agreed][order], offsets[agreed][order]
    usual = _is_usual(offsets)
    clock = Clock(moments[usual], offsets[usual], unit)
    return _narrowed(clock, known, local, alike) if usual.any() else None


def _narrowed(clock: Clock, known: Written, local: Written, alike: Callable[[int, int], bool]) -> Clock:
    """Return the clock with what other messages say about when it changed."""
    changes = np.flatnonzero(np.diff(clock.offsets))
    if not len(changes):
        return clock
    there: dict[tuple[int, int], list[int]] = {}
    for what, second, chat in zip(*(column.tolist() for column in local), strict=True):
        there.setdefault((what, second), []).append(chat)
    more: list[tuple[int, int]] = []
    for at in changes.tolist():
        both = clock.offsets[at : at + 2].tolist()
        within = (known.seconds > clock.moments[at]) & (known.seconds < clock.moments[at + 1])
        told = []
        for what, moment, chat in zip(*(column.tolist() for column in known.where(within)), strict=True):
            shown = moment // clock.unit * clock.unit
            under = [one for one in both if any(alike(chat, other) for other in there.get((what, shown + one), ()))]
            told += [(moment, under[0])] if len(under) == 1 else []
        told.sort()
        if all(one == other or (one, other) == tuple(both) for (_, one), (_, other) in pairwise(told)):
            more += told
    moments = np.append(clock.moments, np.array([moment for moment, _ in more], dtype=np.int64))
    offsets = np.append(clock.offsets, np.array([offset for _, offset in more], dtype=np.int64))
    order = np.argsort(moments, kind="stable")
    return clock._replace(moments=moments[order], offsets=offsets[order])


def _is_usual(offsets: _Whole) -> npt.NDArray[np.bool_]:
    """Return which offsets are those of most of their neighbours in time: another one there is chance."""
    near = [offsets[max(0, at - AGREE + 1) : at + AGREE] for at in range(len(offsets))]
    return np.array(
        [2 * int((some == own).sum()) > len(some) for some, own in zip(near, offsets, strict=True)], dtype=bool
    )


def _once(written: Written) -> Written:
    """Return the messages whose person and text occur once."""
    what, first, counts = np.unique(written.what, return_index=True, return_counts=True)
    alone = counts == 1
    return Written(what[alone], written.seconds[first[alone]], written.chats[first[alone]])


def numbered(people: Sequence[str], texts: Sequence[str]) -> _Whole:
    """Return a number for each person and text, the same for the same in this process."""
    return np.fromiter((hash(one) for one in zip(people, texts, strict=True)), dtype=np.int64, count=len(texts))
