"""Screens before a filter: one pass over a column, where judging takes a call for each message.

A screen names what every text that a filter drops must hold; what it leaves out, the filter would keep. Its expressions
are those of RE2, which reads a text once, whatever is in it. They ask for less than the filter's own: no boundaries of
words (RE2 knows only those of ASCII), and three forms of the letter i, because the filter's own expressions take the
Turkish ones for it.

What would fool it: a filter's expression that is widened without its screen. The tests compare the two on every example
they know and on texts made of their parts.
"""

from __future__ import annotations

import re
from collections.abc import Container

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["automated", "emoji", "profanity", "secrets", "short_codes", "urls"]

_TAGS = frozenset({"one-time-code", "business", "bot", "sms-tapback"})


def _turkish(pattern: str) -> str:
    """Let every letter i of an expression be any of the three that the filters take for it."""
    return re.sub("i", "[iıİ]", pattern)


_AUTOMATED = "(?is)" + "|".join(
    [
        r"\p{Nd}{3}",  # a code, a card, a tracking number
        r"[$€£].?\p{Nd}",
        _turkish(r"(?:reply|text|txt|send)[^a-z0-9]+(?:with[^a-z0-9]+)?(?:stop|help|end|cancel|quit|unsubscribe)"),
        _turkish(r"(?:package|parcel|order|shipment|delivery).*(?:://|#|track)"),
        _turkish("appointment"),
    ]
)
_URLS = "(?i)" + _turkish(r"://|www\.|\.(?:com|org|net|edu|gov|io/|co/|me/|tv/|be/|ly/|gl/|app/|dev/)")
_NO_WORDS = r"\A[^!-\"$-)+-/:-~]*\z"  # of ASCII only blanks, digits, # and *, of which emoji are made too
_PROFANITY = "(?i)" + _turkish(
    r"f+u+c+k|s+h+i+t|bullshit|bitch|bastard|ass(?:hole|hat|wipe)|dick|cunt|cock|pussy|slut|whore|twat|wank|goddamn|piss"
)


def automated(table: pa.Table) -> np.ndarray:
    """Say which messages have a tag of a machine, or a text that is not mine and holds a sign of one, [message]."""
    from_others = pc.invert(table.column("is_from_me"))
    found: np.ndarray = _tagged(table, _TAGS) | _array(pc.and_(from_others, _holds(table, _AUTOMATED)))
    return found


def short_codes(table: pa.Table) -> np.ndarray:
    """Say which messages have the tag of a short code, [message]."""
    return _tagged(table, {"short-code"})


def urls(table: pa.Table) -> np.ndarray:
    """Say which messages may hold a link, [message]."""
    return _array(_holds(table, _URLS))


def emoji(table: pa.Table) -> np.ndarray:
    """Say which messages hold something beyond ASCII and no letter of it, [message]."""
    return _array(pc.and_(pc.invert(pc.string_is_ascii(table.column("text"))), _holds(table, _NO_WORDS)))


def profanity(table: pa.Table) -> np.ndarray:
    """Say which messages hold the stem of a strong word, [message]."""
    return _array(_holds(table, _PROFANITY))


def secrets(table: pa.Table) -> np.ndarray:
    """Say which messages hold a digit, an at sign or a link, without which no secret has its shape, [message]."""
    return _array(_holds(table, r"(?i)\p{Nd}|\p{Nl}|\p{No}|@|://|" + _turkish(r"www\.")))


def _holds(table: pa.Table, pattern: str) -> pa.ChunkedArray:
    return pc.match_substring_regex(table.column("text"), pattern)


def _array(values: pa.ChunkedArray) -> np.ndarray:
    found: np.ndarray = values.to_numpy()
    return found


def _tagged(table: pa.Table, wanted: Container[str]) -> np.ndarray:
    tags = table.column("tags").combine_chunks()
    words = np.array([any(tag in wanted for tag in word.split()) for word in tags.dictionary.to_pylist()], dtype=bool)
    codes = tags.indices.to_numpy(zero_copy_only=False)
    found: np.ndarray = words[codes] if len(words) else np.zeros(len(codes), dtype=bool)
    return found
