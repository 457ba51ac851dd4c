"""The rows of a chat: heads found in one pass over the whole text, what stands between them, and both in columns.

A chat has 40,000 messages at most, so it has a few megabytes and is held whole.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wonderland_exports.frame import Member, encoding_of
from wonderland_exports.whatsapp.shapes import Shape
from wonderland_exports.whatsapp.words import WHOLE

__all__ = ["Rows", "Together", "rows_of", "touched"]

_SIGNS = ("\u200e", "https://", ")\n", ")\r")
_ENDS = frozenset(chr(code) for code in range(0x3001) if chr(code).isspace()) | {">", ")", "\u200e"}


@functools.cache
def _of(words: frozenset[str]) -> pa.Array:
    """Return words as an array: the first that is made looks for pandas, which takes as long as a command does."""
    return pa.array(sorted(words), pa.large_string())


@dataclass(frozen=True)
class Rows:
    """The rows of a chat in their order.

    Attributes:
        before: What stands before the first head, a row of its own; empty if that is nothing but blanks.
        lines: The number of the line each head stands on.
        dates: The date of each head.
        times: The time of day of each head.
        bodies: What follows each head up to the next.
        senders: What stands before the first ``: `` of each body; the body if there is none.
        texts: What stands behind it, or nothing.
        in_columns: The same where all is sound UTF-8; None where another encoding was mixed in.
    """

    before: str
    lines: Sequence[int]
    dates: Sequence[str]
    times: Sequence[str]
    bodies: Sequence[str]
    senders: Sequence[str]
    texts: Sequence[str]
    in_columns: Together | None

    def __len__(self) -> int:
        return len(self.bodies) + bool(self.before)


@dataclass(frozen=True)
class Together:
    """The rows of a chat that have a head, in columns.

    Attributes:
        dates: The dates as numbers of words.
        times: The times of day as numbers of words.
        senders: The senders as numbers of words.
        texts: The texts.
        untouched: Whether the app had certainly no hand in a text, and there is one, [row].
    """

    dates: pa.DictionaryArray
    times: pa.DictionaryArray
    senders: pa.DictionaryArray
    texts: pa.LargeStringArray
    untouched: np.ndarray


def rows_of(member: Member, shape: Shape) -> Rows:
    """Return the rows of a chat, found in one pass and kept for the next if the chat is of modest size."""
    return member.once(lambda one: _rows(_text_of(one, shape), shape))


def _text_of(member: Member, shape: Shape) -> str:
    """Return the whole text of a chat after a line break; each line ends in a line feed."""
    content = member.read()
    if encoding_of(content) == "utf-16":  # half a sign is kept as it stands, and half a unit as a sign that says so
        text = "\n" + content[: len(content) // 2 * 2].decode("utf-16", "surrogatepass") + "\ufffd" * (len(content) % 2)
    else:
        text = "\n" + content.decode("utf-8-sig", "surrogateescape")
    return shape.with_line_feeds(text) if "\r" in text else text


def _rows(text: str, shape: Shape) -> Rows:
    before, *found = shape.split(text)
    dates, times, bodies = found[::3], found[1::3], found[2::3]
    above = accumulate((body.count("\n") + 1 for body in bodies[:-1]), initial=before.count("\n") + 1)
    lines = list(above) if bodies else []
    bodies = [body.rstrip("\n") for body in bodies]  # the app takes off what a text ends in
    parts = [body.partition(": ") for body in bodies]
    senders, texts = [sender for sender, _, _ in parts], [text for _, _, text in parts]
    together = _together(dates, times, senders, texts)
    kept = before if before.strip() else ""
    return Rows(kept, lines, dates, times, bodies, senders, texts, together)


def _together(dates: list[str], times: list[str], senders: list[str], texts: list[str]) -> Together | None:
    try:
        written = pa.array(texts, pa.large_string())
        days, clock, people = (pa.array(column, pa.string()).dictionary_encode() for column in (dates, times, senders))
    except UnicodeEncodeError:
        return None
    return Together(days, clock, people, written, ~_touched(written))


def touched(text: str) -> bool:
    """Say whether the app may have had a hand in a text; quick, and right to say yes too often."""
    return text[-1] in _ENDS or text[0] == "<" or text in WHOLE or any(sign in text for sign in _SIGNS)


def _touched(texts: pa.LargeStringArray) -> np.ndarray:
    """Return the same of many texts, and yes of an empty one."""
    marks = [
        pc.is_in(pc.utf8_slice_codeunits(texts, -1), _of(_ENDS)),
        pc.starts_with(texts, "<"),
        pc.is_in(texts, _of(WHOLE)),
        *(pc.match_substring(texts, sign) for sign in _SIGNS),
        pc.equal(pc.binary_length(texts), 0),
    ]
    found: np.ndarray = np.logical_or.reduce([mark.to_numpy(zero_copy_only=False) for mark in marks])
    return found
