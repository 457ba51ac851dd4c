"""How far a clock that says no zone stood from UTC, told by messages that are also in a store whose times are moments.

A text that one person sent once in either store is one message if its two times differ by whole quarters of an hour,
from 12 hours behind UTC to 14 before it, as zones do. `AGREE` such texts at least, and one of 20 of them, have to say
the same offset; then it holds for every message that is nearest in time to one of these. So a clock may change in
spring and autumn, or travel.

What would fool it: the same person sends a text again, to the minute as many quarters of an hour later as the clock is
before UTC, and either is in one store only; near a change of the clock also the quarters between the two offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["AGREE", "Clock", "Written", "compared", "numbered"]

AGREE = 5
_SHARE = 0.05  # an offset that chance makes has some 1 % of all
_QUARTER, _LEAST, _MOST = 900, -12 * 3600, 14 * 3600
_Whole = npt.NDArray[np.int64]


class Written(NamedTuple):
    """Messages by person and text, and their times.

    Attributes:
        what: A number for person and text, [message].
        seconds: Seconds since 1970, of UTC or of a clock somewhere, [message].
    """

    what: _Whole
    seconds: _Whole

    def where(self, chosen: npt.NDArray[np.bool_]) -> Written:
        """Return some of the messages."""
        return Written(self.what[chosen], self.seconds[chosen])


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
        """Return what the clock showed at some moments, in seconds since 1970, whole units."""
        after = np.clip(np.searchsorted(self.moments, moments), 1, max(1, len(self.moments) - 1))
        before = after - 1
        after = np.minimum(after, len(self.moments) - 1)
        nearer = np.abs(self.moments[after] - moments) < np.abs(self.moments[before] - moments)
        found: _Whole = moments // self.unit * self.unit + self.offsets[np.where(nearer, after, before)]
        return found

    def words(self) -> str:
        """Return its offsets as one writes zones.

        >>> Clock(np.array([0, 9]), np.array([3600, -12600]), 1).words()
        '-03:30 and +01:00'
        """
        offsets = sorted({*self.offsets.tolist()})
        written = [f"{'-' if at < 0 else '+'}{abs(at) // 3600:02}:{abs(at) % 3600 // 60:02}" for at in offsets]
        return " and ".join(filter(None, (", ".join(written[:-1]), written[-1])))


def compared(known: Written, local: Written) -> Clock | None:
    """Return the clock of messages without a zone, told by messages with one; None if too few agree."""
    unit = 1 if np.any(local.seconds % 60) else 60
    one, other = _once(known), _once(local)
    _, of_one, of_other = np.intersect1d(one.what, other.what, assume_unique=True, return_indices=True)
    moments = one.seconds[of_one]
    offsets = other.seconds[of_other] - moments // unit * unit
    zones = (offsets % _QUARTER == 0) & (offsets >= _LEAST) & (offsets <= _MOST)
    moments, offsets = moments[zones], offsets[zones]
    values, counts = np.unique(offsets, return_counts=True)
    agreed = np.isin(offsets, values[counts >= max(AGREE, _SHARE * len(offsets))])
    order = np.argsort(moments[agreed], kind="stable")
    return Clock(moments[agreed][order], offsets[agreed][order], unit) if len(order) else None


def _once(written: Written) -> Written:
    """Return the messages whose person and text occur once."""
    what, first, counts = np.unique(written.what, return_index=True, return_counts=True)
    alone = counts == 1
    return Written(what[alone], written.seconds[first[alone]])


def numbered(people: Sequence[str], texts: Sequence[str]) -> _Whole:
    """Return a number for each person and text, the same for the same in this process."""
    return np.fromiter((hash(one) for one in zip(people, texts, strict=True)), dtype=np.int64, count=len(texts))
