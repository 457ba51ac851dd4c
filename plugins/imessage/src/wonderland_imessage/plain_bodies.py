"""Thousands of bodies at once: which of them are a text and nothing else, and what do they say?

Such a body is a fixed beginning, the length of the text, the text, and a fixed ending in which one number stands, how
long the text is in UTF-16 units. What is fixed, a decoder has learned (`skeletons`). Here the bodies lie one behind
another in memory, and every part is compared for all of them together.

Only what agrees to the last byte with something learned is read here, so the walker would say the same of it. Whatever
is longer than 32,767 bytes, damaged or of another kind is left out, and is decoded one by one.

Costs: some 0.6 µs for a body, half of what decoding it by itself takes; the walk takes two hundred times as long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wonderland_imessage.skeletons import Form

__all__ = ["layout", "plain_texts"]

_SHORT, _WIDE = 0x80, 0x81  # a number below the one takes one byte; the other and two bytes stand for greater ones
_SIZE = (1, 3)


def plain_texts(bodies: pa.LargeBinaryArray, forms: Sequence[Form]) -> tuple[np.ndarray, pa.LargeStringArray]:
    """Return the places of the bodies that are of one of these forms and not too long, and their texts.

    Args:
        bodies: Bodies; NULL where there is none.
        forms: What text-only bodies are made of, as `wonderland_imessage.skeletons.Decoding.forms` returns.
    """
    places, texts = [np.zeros(0, dtype=np.int64)], [pa.array([], pa.large_string())]
    starts, data = layout(bodies)
    lengths = np.diff(starts)
    for form in forms:
        begins = pc.starts_with(bodies, form.before).fill_null(False).to_numpy(zero_copy_only=False)
        here = np.flatnonzero(begins & (lengths > len(form.before)))
        first = data[starts[here] + len(form.before)]
        short, long = here[first < _SHORT], here[first == _WIDE]
        for some, wide in ((short, (False, False)), (long, (True, False)), (long, (True, True))):
            if len(some):
                found, words = _of_form(bodies, form, some, wide)
                places.append(found)
                texts.append(words)
    return np.concatenate(places), pa.concat_arrays(texts)


def _of_form(
    bodies: pa.LargeBinaryArray, form: Form, places: np.ndarray, wide: tuple[bool, bool]
) -> tuple[np.ndarray, pa.LargeStringArray]:
    """Read those of some bodies whose two numbers, bytes and units, take three bytes where ``wide`` and else one."""
    starts, data = layout(bodies)
    head, middle = len(form.before) + _SIZE[wide[0]], len(form.between) + _SIZE[wide[1]]
    tail = middle + len(form.after)
    lengths = starts[places + 1] - starts[places]
    places, lengths = places[lengths >= head + tail], lengths[lengths >= head + tail]
    count, fits = _numbers(data, starts[places] + len(form.before), wide=wide[0])
    places = places[fits & (lengths == head + count + tail)]
    units, fits = _numbers(data, starts[places + 1] - len(form.after) - _SIZE[wide[1]], wide=wide[1])
    places, units = places[fits], units[fits]
    some = bodies.take(pa.array(places))
    ending = pc.binary_slice(some, -tail, None)
    same = pc.and_(pc.starts_with(ending, form.between), pc.ends_with(ending, form.after))
    raw = pc.binary_slice(some, head, -tail).filter(same)
    places, units = _where(same, places, units)
    try:
        texts = raw.cast(pa.large_string())
    except pa.ArrowInvalid:
        sound = pa.array([_decodes(one) for one in raw.to_pylist()], pa.bool_())
        texts = raw.filter(sound).cast(pa.large_string())
        places, units = _where(sound, places, units)
    agree = pa.array(_utf16_units(texts) == units)
    return _where(agree, places)[0], texts.filter(agree)


def _where(mask: pa.BooleanArray, *arrays: np.ndarray) -> list[np.ndarray]:
    """Return of each array what stands where the mask says yes."""
    yes = mask.to_numpy(zero_copy_only=False)
    return [array[yes] for array in arrays]


def _numbers(data: np.ndarray, at: np.ndarray, *, wide: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers that begin at some bytes, and which of them are written in so many bytes."""
    head = data[at].astype(np.int64)
    if not wide:
        return head, head < _SHORT
    return data[at + 1].astype(np.int64) | data[at + 2].astype(np.int64) << 8, head == _WIDE


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
