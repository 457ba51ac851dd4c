"""What a row of Telegram's JSON holds: who sent it, its text, what it is instead of one; and many rows at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import wonderland as wl
from wonderland_exports.again import AGAIN
from wonderland_exports.frame.tally import Tally
from wonderland_exports.frame.times import LAST

__all__ = ["MARKS", "Plain", "count_senders", "identity", "joined", "once", "plain", "without_text"]

MARKS = (("edited", "edited"), ("forwarded_from", "forwarded"), ("via_bot", "bot"))
"""Keys of a row and the tags that they stand for."""

_UNKNOWN = "unknown"
_MEDIA = {
    "media_type": "",
    "sticker_emoji": "sticker",
    "poll": "poll",
    "location_information": "location",
    "place_name": "location",
    "contact_information": "contact",
    "game_title": "game",
    "invoice_information": "invoice",
    "dice": "dice",
    "photo": "photo",
    "file": "file",
    "rich_message": "rich message",
}
_CLASSES = {
    "sticker": "sticker",
    "voice_message": "voice message",
    "video_message": "video message",
    "video_file": "video",
    "audio_file": "audio",
    "animation": "animation",
}


class Plain(NamedTuple):
    """Rows that are a text and nothing else.

    Attributes:
        places: The place of each, ascending, [message].
        ids: Telegram's number of each.
        senders: Who sent it, as numbers of words.
        times: Microseconds since 1970, [message].
        texts: What was written.
        marks: Which of `MARKS` each has: the bit of every one that is there, [message].
    """

    places: np.ndarray
    ids: pa.Int64Array
    senders: pa.DictionaryArray
    times: np.ndarray
    texts: pa.LargeStringArray
    marks: np.ndarray


def plain(rows: Sequence[Any]) -> Plain | None:
    """Return those of some rows that are a text by a sender with an id at a moment in UTC, and at most marked.

    None if there is none, or one is odd in a way that only a look at each can tell.
    """
    found = [
        (
            place,
            row["id"],
            sender,
            text,
            when,
            ("edited" in row) | ("forwarded_from" in row) << 1 | ("via_bot" in row) << 2,  # as in MARKS
        )
        for place, row in enumerate(rows)
        if type(row) is dict
        and row.get("type") == "message"
        and (
            type(text := row.get("text")) is str
            or type(text := joined(text if text is not None else row.get("text_entities"))) is str
        )
        and text
        and not text.isspace()
        and type(sender := row.get("from_id")) is str
        and sender
        and type(when := row.get("date_unixtime")) is str
        and type(row.get("id")) is int
    ]
    if not found:
        return None
    places, ids, senders, texts, moments, marks = zip(*found, strict=True)
    try:
        times = pa.array(moments, pa.string())
        if not pc.all(pc.and_(pc.ascii_is_decimal(times), pc.less(pc.binary_length(times), 12))).as_py():
            return None
        seconds = times.cast(pa.int64()).to_numpy()
        if seconds.min() <= 0 or seconds.max() >= LAST:
            return None
        written = pa.array(texts, pa.large_string())
        people = pa.array(senders, pa.string()).dictionary_encode()
        numbers = pa.array(ids, pa.int64())
    except (UnicodeEncodeError, OverflowError, pa.ArrowInvalid):
        return None
    place_of, marks_of = np.array(places, dtype=np.int64), np.array(marks, dtype=np.int64)
    return Plain(place_of, numbers, people, seconds * 1_000_000, written, marks_of)


def count_senders(rows: Sequence[Any], senders: Counter[str], names: dict[str, str]) -> None:
    """Count who wrote rows, and note the name of each by the first row that has one, over all calls."""
    counts = Counter(
        [
            sender if type(sender := row.get("from_id")) is str and sender else identity(row)
            for row in rows
            if type(row) is dict and row.get("type") == "message"
        ]
    )
    senders.update(counts)
    nameless = {sender for sender in counts if not names.get(sender)}
    for row in rows if nameless else ():
        if type(row) is not dict or row.get("type") != "message":
            continue
        sender = identity(row)
        if sender in nameless and isinstance(name := row.get("from"), str) and name.strip():
            names[sender] = name
            nameless.remove(sender)
            if not nameless:
                break


def once(
    items: Iterable[wl.Message | wl.Skipped], file: str, seen: set[object], tally: Tally
) -> list[wl.Message | wl.Skipped]:
    """Pass over rows that another file had, by Telegram's number; one without a number by its place and all it says."""
    found: list[wl.Message | wl.Skipped] = []
    for item in items:
        named, failed = f"{file} {item.id}", isinstance(item, wl.Skipped) and item.failed
        placed = item.id.rpartition("/")[2].startswith("row ")
        key = item if placed else item.id
        if failed or key not in seen:
            found.append(item._replace(id=named) if placed or failed else item)
        else:
            if isinstance(item, wl.Message):
                tally.without(item)
            found.append(wl.Skipped(named, AGAIN))
        if not failed:
            seen.add(key)
    return found


def identity(row: Mapping[str, Any]) -> str:
    """Return what identifies the sender of a row: Telegram's id, else the name."""
    sender = row.get("from_id")
    if type(sender) is str and sender:
        return sender
    if type(sender) is int:  # exports before 2021
        return f"user{sender}"
    name = row.get("from")
    return name if type(name) is str and name else _UNKNOWN


def joined(parts: Any) -> str | None:
    """Join an array of strings and formatted parts; None if it is none. No text at all is the empty string."""
    if parts is None:
        return ""
    if type(parts) is not list:
        return None
    words = [part if type(part) is str else part.get("text") if type(part) is dict else None for part in parts]
    try:
        return "".join(words)  # type: ignore[arg-type]
    except TypeError:  # one is no text
        return None


def without_text(row: Mapping[str, Any]) -> str:
    """Return the class of a message without a text."""
    for key, reason in _MEDIA.items():
        if row.get(key):
            return reason or _CLASSES.get(str(row[key]), "other media")
    return "no text"
