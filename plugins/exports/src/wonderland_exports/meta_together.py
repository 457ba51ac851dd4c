"""Which rows of a file are a text at a sound time and nothing else, found and mended together.

Nearly all rows have one of a few sets of keys, so what a row may be is asked once a set. Texts are mended some hundreds
at a time: with a NUL between them they are UTF-8 read as Latin-1 exactly if each of them is. One text with a NUL in it,
or one that is sound, has its hundreds mended one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wonderland_exports.frame.mojibake import Mender
from wonderland_exports.frame.times import LAST

__all__ = ["Shapes", "Together", "sender_counts"]

_AT_ONCE = 256  # texts
_MOST = 10_000  # sets of keys that are remembered
_Keys = tuple[str, str, str]


class Together(NamedTuple):
    """Rows that are a text at a sound time and nothing else.

    Attributes:
        places: The place of each among the rows, ascending, [row].
        senders: Who sent each, mended, [row].
        times: Milliseconds since 1970, [row].
        texts: What was written, mended, [row].
    """

    places: list[int]
    senders: list[str]
    times: np.ndarray
    texts: list[str]


class Shapes:
    """Finds such rows by their keys.

    Args:
        telling: Keys of which a row has one, if it says itself what it is.
    """

    def __init__(self, telling: frozenset[str]) -> None:
        self._telling = telling
        self._known: dict[tuple[Any, ...], _Keys | None] = {}

    def together(self, rows: Sequence[Any], mend: Mender) -> Together | None:
        """Return them; None where that has to be asked row by row."""
        if {*map(type, rows)} != {dict}:
            return None
        kinds = list(map(self._of, map(tuple, rows)))
        keys = {*kinds} - {None}
        if len(keys) != 1:
            return None
        of_sender, of_time, of_text = next(iter(keys))  # type: ignore[misc]
        places = [at for at, kind in enumerate(kinds) if kind]
        chosen = rows if len(places) == len(rows) else [rows[at] for at in places]
        senders = [row[of_sender] for row in chosen]
        times = [row[of_time] for row in chosen]
        texts = [row[of_text] for row in chosen]
        if ({*map(type, senders)}, {*map(type, times)}, {*map(type, texts)}) != ({str}, {int}, {str}):
            return None
        try:
            moments = np.array(times, dtype=np.int64)
        except OverflowError:
            return None
        sound = (moments > 0) & (moments < LAST * 1000)
        sound &= ~np.array([not text or text.isspace() for text in texts], dtype=bool)
        called = {written: written.strip() for written in {*senders}}
        if not all(called.values()):
            sound &= np.array([bool(called[written]) for written in senders], dtype=bool)
        if not sound.all():
            left = np.flatnonzero(sound).tolist()
            places, senders, texts = ([column[at] for at in left] for column in (places, senders, texts))
            moments = moments[sound]
        for written, count in Counter(senders).items():
            called[written] = mend(called[written], count)
        return Together(places, [called[written] for written in senders], moments, _mended(texts, mend))

    def _of(self, keys: tuple[Any, ...]) -> _Keys | None:
        try:
            return self._known[keys]
        except KeyError:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[keys] = self._asked(keys)
            return found

    def _asked(self, keys: tuple[Any, ...]) -> _Keys | None:
        """Return the keys of sender, time and text, the first that there is of each; None where a row tells more."""
        senders = [key for key in ("sender_name", "senderName") if key in keys]
        times = [key for key in ("timestamp_ms", "timestamp") if key in keys]
        texts = [key for key in ("content", "text") if key in keys]
        if len(senders) != 1 or not times or not texts or not self._telling.isdisjoint(keys):
            return None
        return senders[0], times[0], texts[0]


def _mended(texts: list[str], mend: Mender) -> list[str]:
    found: list[str] = []
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        joined = "\0".join(some)
        if joined.isascii():
            found += some
            continue
        try:
            mended = joined.encode("latin-1").decode("utf-8").split("\0")
        except UnicodeError:
            mended = []
        if len(mended) == len(some):
            mend.count_mended(len(some) - sum(map(str.isascii, some)))
            found += mended
        else:
            found += map(mend, some)
    return found


def sender_counts(rows: Iterable[Any], of: Callable[[Any], str]) -> Counter[str]:
    """Count who sent rows, as it is written; ``of`` says it of any row."""
    try:
        written = Counter([row["sender_name"] for row in rows])
        if {*map(type, written)} == {str} and "" not in written:
            counts = Counter[str]()
            for sender, count in written.items():
                counts[sender.strip()] += count
            return counts
    except (KeyError, TypeError, IndexError):  # another layout, or rows that are none
        pass
    return Counter(map(of, rows))
