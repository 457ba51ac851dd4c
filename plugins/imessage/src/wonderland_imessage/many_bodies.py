"""Thousands of bodies at once: what do they say, each as the decoder that reads them one by one would have it?

A decoder has learned how bodies go on after their text: fixed bytes with gaps, as a tree (`skeletons`). Here the bodies
lie one behind another in memory, and all of those that have come to one place of the tree take its next step together:
the fixed bytes are compared, the number in the gap is read, its content is passed over.

Only what agrees to the last byte with something learned is read here, so the walker would say the same of it. Whatever
has a number of more than two bytes (a text longer than 32,767), is damaged or of another kind is left out, and is
decoded one by one.

Costs: some 0.6 µs for a body that is text alone, half of what decoding it by itself takes; the walk takes two hundred
times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wonderland_imessage.skeletons import BYTES, LAST, RUN, Edge, Learned

__all__ = ["ManyTexts", "layout", "many_texts"]

_SHORT, _WIDE = 0x80, 0x81  # a number below the one takes one byte; the other and two bytes stand for greater ones
_MOST_DIGITS = 5  # of a number of two bytes
FEW = 8


class ManyTexts(NamedTuple):
    """Bodies that were read.

    Attributes:
        places: The place of each among all bodies, [text].
        texts: Their texts.
        names: The names of the attributes of each, as a number of ``all_names``, [text].
        all_names: Names of attributes that occur together.
    """

    places: np.ndarray
    texts: pa.LargeStringArray
    names: np.ndarray
    all_names: list[frozenset[str]]


def many_texts(bodies: pa.LargeBinaryArray, learned: Sequence[Learned], *, few: int = FEW) -> ManyTexts:
    """Read those bodies that are of a kind that was learned and not too long.

    Args:
        bodies: Bodies; NULL where there is none.
        learned: How bodies begin and go on, as `wonderland_imessage.skeletons.Decoding.learned` returns.
        few: So many bodies or fewer at one place of the tree are left out: one by one they cost less.
    """
    starts, data = layout(bodies)
    places, texts, names = [np.zeros(0, dtype=np.int64)], [pa.array([], pa.large_string())], [np.zeros(0, np.int64)]
    walk = _Walk(data, few)
    for prefix, tree in learned:
        rows = np.flatnonzero(np.diff(starts) > len(prefix))
        rows = rows[walk.same(starts[rows], prefix)]
        lengths, begins = walk.numbers(starts[rows] + len(prefix))
        fits = begins + lengths < starts[rows + 1]
        rows, begins, lengths = rows[fits], begins[fits], lengths[fits]
        words, sound = _decoded(_pieces(bodies, begins, begins + lengths))
        rows, ends = rows[sound], (begins + lengths)[sound]
        found = walk.follow(tree, ends, starts[rows + 1], _utf16_units(words))
        places.append(rows[found >= 0])
        texts.append(words.filter(pa.array(found >= 0)))
        names.append(found[found >= 0])
    return ManyTexts(np.concatenate(places), pa.concat_arrays(texts), np.concatenate(names), walk.all_names)


class _Walk:
    """Many bodies on their way through a tree of what was learned.

    Places are counted in the bytes of all bodies. A place past the end of its body is dropped as soon as it is looked
    at; one that was read wrongly before cannot come to the end of its body exactly, for places only grow.
    """

    def __init__(self, data: np.ndarray, few: int) -> None:
        self.all_names: list[frozenset[str]] = []
        self._data = data
        self._few = few
        self._windows: dict[int, np.ndarray] = {}

    def follow(self, tree: Sequence[Edge], at: np.ndarray, ends: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Return the number of the names of each body that fits, -1 for the others, [body].

        Args:
            tree: What may follow.
            at: Where each body is.
            ends: Where each ends.
            units: How many UTF-16 units the rest of its runs must cover.
        """
        names = np.full(len(at), -1)
        gone = np.zeros(len(at), dtype=bool)
        left = np.arange(len(at))
        for literal, kind, child in tree:
            if len(left) <= self._few:
                break
            here = left[at[left] + len(literal) == ends[left]] if kind == LAST else left[at[left] < ends[left]]
            here = here[at[here] + len(literal) <= ends[here]]
            here = here[self.same(at[here], literal)]
            if not len(here):
                continue
            if kind == LAST:
                names[here[units[here] == 0]] = self._number(child)
            else:
                passed = here[at[here] + len(literal) < ends[here]]
                counts, behind = self.numbers(at[passed] + len(literal))
                after = units[passed] - (counts if kind == RUN else 0)
                if kind == BYTES:
                    behind = behind + counts
                elif kind != RUN:
                    behind, told = self._behind_data(behind, counts)
                    here = passed = passed[told]
                    behind, after = behind[told], after[told]
                names[passed] = self.follow(child, behind, ends[passed], after)
            gone[here] = True
            left = left[~gone[left]]
        return names

    def same(self, at: np.ndarray, literal: bytes) -> np.ndarray:
        """Say at which places these bytes stand; so many must be left there."""
        size = len(literal)
        if not size or not len(at):
            return np.ones(len(at), dtype=bool)
        if size not in self._windows:
            shape = len(self._data) - size + 1
            self._windows[size] = np.ndarray((shape,), f"V{size}", self._data, strides=(1,))
        equal: np.ndarray = self._windows[size][at] == np.frombuffer(literal, f"V{size}")
        return equal

    def numbers(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers at some places and the places behind them; behind everything if it is of another size."""
        head = self._data[at]
        numbers, behind = head.astype(np.int64), at + 1
        long = np.flatnonzero(head >= _SHORT)
        if len(long):
            low, high = (
                self._data[np.minimum(at[long] + step, len(self._data) - 1)].astype(np.int64) for step in (1, 2)
            )
            numbers[long] = low | high << 8
            behind[long] = np.where(head[long] == _WIDE, at[long] + 3, len(self._data) + 1)
        return numbers, behind

    def _behind_data(self, at: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the places behind raw bytes, whose count their type repeats in digits, and which of them do so."""
        told = np.zeros(len(at), dtype=bool)
        for digits in range(1, _MOST_DIGITS + 1):
            some = np.flatnonzero((counts >= (10 ** (digits - 1) if digits > 1 else 0)) & (counts < 10**digits))
            some = some[at[some] + 5 + digits <= len(self._data)]
            right = self.same(at[some], b"\x84%c[" % (digits + 3)) & self.same(at[some] + 3 + digits, b"c]")
            for place in range(digits):
                digit = counts[some] // 10 ** (digits - 1 - place) % 10
                right &= self._data[at[some] + 3 + place] == digit + ord("0")
            told[some] = right
            at = at.copy()
            at[some] += 5 + digits + counts[some]
        return at, told

    def _number(self, names: frozenset[str]) -> int:
        if names not in self.all_names:
            self.all_names.append(names)
        return self.all_names.index(names)


def _pieces(bodies: pa.LargeBinaryArray, begins: np.ndarray, ends: np.ndarray) -> pa.LargeBinaryArray:
    """Return the bytes of some bodies between two places each, both ascending."""
    if not len(begins):
        return pa.array([], pa.large_binary())
    offsets = np.stack([begins, ends], axis=1).ravel()  # every second piece is what lies between two of them
    buffers = [None, pa.py_buffer(offsets), bodies.buffers()[2]]
    every = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)
    return every.take(pa.array(np.arange(0, len(offsets) - 1, 2)))


def _decoded(raw: pa.LargeBinaryArray) -> tuple[pa.LargeStringArray, np.ndarray]:
    """Return those that are UTF-8 as texts, and which are."""
    try:
        return raw.cast(pa.large_string()), np.ones(len(raw), dtype=bool)
    except pa.ArrowInvalid:
        sound = np.array([_decodes(one) for one in raw.to_pylist()], dtype=bool)
        return raw.filter(pa.array(sound)).cast(pa.large_string()), sound


def _decodes(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _utf16_units(texts: pa.LargeStringArray) -> np.ndarray:
    """Count the UTF-16 units of each text: one a character, two for those of four bytes."""
    units: np.ndarray = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    starts, data = layout(texts)
    wide = np.flatnonzero(data[starts[0] : starts[-1]] >= 0xF0) + starts[0]
    if not len(wide):
        return units
    return units + np.bincount(np.searchsorted(starts, wide, side="right") - 1, minlength=len(texts))


def layout(array: pa.LargeBinaryArray | pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each value starts in the bytes of an array, with the end of the last one, and those bytes."""
    if not len(array):
        return np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, dtype="<i8")[array.offset : array.offset + len(array) + 1]
    return starts, np.frombuffer(data if data is not None else b"", dtype=np.uint8)
