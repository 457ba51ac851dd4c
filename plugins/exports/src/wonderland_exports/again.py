"""Rows that were in an earlier file already: an export made twice, or one file under two names, says the same again.

A row is the same again if an earlier file holds a row of the same conversation, sender, time and text. What a person
sent twice within one file stays twice: a later file repeats a row only as often as an earlier one had it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable

import numpy as np

import wonderland as wl

__all__ = ["AGAIN", "TWICE", "Again", "Once", "Shared"]

AGAIN = "in two files, counted once"
TWICE = "twice in one file, counted once"


class Once:
    """Makes the item of each row once, by what the store itself calls the row."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def __call__(
        self, known: str, place: str, make: Callable[[str], wl.Message | wl.Skipped]
    ) -> wl.Message | wl.Skipped:
        """Return the item of a row, or that it was there before. A row that cannot be read hides no later one.

        Args:
            known: What the store calls the row, everywhere the same; an empty string if it does not say.
            place: Where the row stands: the file, a colon, and the row's number.
            make: Makes the item, given what to call it.
        """
        if not known:
            return make(place)
        file = place.rpartition(":")[0]
        if known in self._seen:
            return wl.Skipped(f"{known} in {place}", TWICE if self._seen[known] == file else AGAIN)
        item = make(known)
        if isinstance(item, wl.Skipped) and item.failed:
            return item._replace(id=f"{known} in {place}")
        self._seen[known] = file
        return item


class Shared:
    """Which times occur in several files of one conversation: no other row can be in two of them."""

    def __init__(self) -> None:
        self._times: dict[str, list[np.ndarray]] = {}

    def add(self, thread: str, times: Iterable[int]) -> None:
        """Note the times of the rows of one file, in 64 bits."""
        self._times.setdefault(thread, []).append(np.unique(np.fromiter(times, dtype=np.int64)))

    def of(self, thread: str) -> frozenset[int]:
        """Return the times that several files of a conversation have."""
        found = self._times.get(thread, [])
        if len(found) < 2:
            return frozenset()
        times, files = np.unique(np.concatenate(found), return_counts=True)
        return frozenset(times[files > 1].tolist())


class Again:
    """Remembers rows by their hash, file by file."""

    def __init__(self) -> None:
        self._before: dict[int, int] = {}
        self._here: Counter[int] = Counter()

    def next_file(self) -> None:
        """Say that rows of another file follow."""
        for key, count in self._here.items():
            self._before[key] = max(count, self._before.get(key, 0))
        self._here.clear()

    def __call__(self, row: Hashable) -> bool:
        """Note a row; say whether an earlier file had it."""
        key = hash(row)
        self._here[key] += 1
        return self._here[key] <= self._before.get(key, 0)
