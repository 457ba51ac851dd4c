"""Choosing the messages to learn from, by time and by people, with a line in the ledger for the others.

A person is chosen by conversations: those in which one of the people wrote, whole, because what I wrote to them is what
they are chosen for. A person is left out by messages: theirs go everywhere, and from a conversation of two goes all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, date, datetime, time
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wonderland.advice import Either, Hint
from wonderland.errors import UsageError, must_be

__all__ = ["Choice", "between", "moment", "of_people", "only_direct", "repeats"]

_PART = 1 << 16  # texts that are Python strings at a time
Choice = tuple[np.ndarray, Counter[str]]
"""Which messages stay, [message], and how many go for which reason."""


def moment(value: str | date | datetime | None, name: str) -> datetime | None:
    """Return a time that a person wrote; a day is its first moment, and what has no zone is taken as UTC.

    Raises:
        UsageError: It is no date.
    """
    if value is None or value == "":
        return None
    must_be(value, (str, date), f"{name} is a day or a time", "Write it as 2024-01-31 or 2024-01-31T16:30")
    try:
        said = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise UsageError(
            f"{name} is {value!r}, which is no date.", hint="Write it as 2024-01-31 or 2024-01-31T16:30"
        ) from None
    said = said if isinstance(said, datetime) else datetime.combine(said, time())
    return said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)


def between(table: pa.Table, since: datetime | None, until: datetime | None) -> Choice:
    """Choose messages sent from one time on and before another; those without a time go.

    Raises:
        UsageError: The first is not before the other, so that nothing can be between.
    """
    if since and until and since >= until:
        raise UsageError(
            f"Nothing is sent from {since:%Y-%m-%d %H:%M} on and before {until:%Y-%m-%d %H:%M}.",
            hint=Hint("Give ", Either("--until", "until"), " a later day than ", Either("--since", "since"), "."),
        )
    times = table.column("timestamp").combine_chunks()
    missing = times.is_null().to_numpy(zero_copy_only=False)
    when = times.cast(pa.int64()).fill_null(0).to_numpy()
    early = ~missing & (when < _microseconds(since)) if since else np.zeros(len(when), dtype=bool)
    late = ~missing & (when >= _microseconds(until)) if until else np.zeros(len(when), dtype=bool)
    reasons = {"before": early, "after": late, "without a time": missing}
    return ~(early | late | missing), _counted(reasons)


def of_people(
    table: pa.Table, thread_index: np.ndarray, people: Collection[str], without: Collection[str], me: str
) -> Choice:
    """Choose conversations in which one of the people wrote, and leave others out.

    Args:
        table: The messages.
        thread_index: Number of the conversation of each, [message].
        people: Senders of whom one at least must have written in a conversation; everybody if empty.
        without: Senders who are left out.
        me: What the owner is called.

    Raises:
        UsageError: Somebody named wrote nothing.
    """
    senders = table.column("sender").cast(pa.string()).to_numpy(zero_copy_only=False)
    unknown = [one for one in (*people, *without) if one not in set(senders)]
    if unknown:
        most = Counter(sender for sender in senders if sender != me).most_common(8)
        listed = ", ".join(f"{sender} ({count:,})" for sender, count in most)
        nobody = f"Nobody wrote any but {me!r}." if len(senders) else "There is no message to choose from."
        raise UsageError(f"{unknown[0]!r} wrote no message here.", hint=f"Most wrote: {listed}." if most else nobody)
    grouped = _grouped(table, thread_index, me)
    out = np.isin(senders, list(without))
    direct = _in_conversations(thread_index, out & ~grouped) & ~grouped
    other = ~_in_conversations(thread_index, np.isin(senders, list(people))) if people else np.zeros(len(out), bool)
    reasons = {
        "conversation without the people chosen": other,
        "conversation of two with somebody left out": direct & ~other,
        "from somebody left out": out & ~direct & ~other,
    }
    return ~(other | direct | out), _counted(reasons)


def only_direct(table: pa.Table, thread_index: np.ndarray, me: str) -> Choice:
    """Choose conversations of two; see `of_people` for the arguments."""
    grouped = _grouped(table, thread_index, me)
    return ~grouped, _counted({"group conversation": grouped})


def repeats(table: pa.Table, most: int, least_words: int) -> Choice:
    """Choose the first so many of messages that say the same but for case and space, where they have so many words.

    What is said often is learned by heart first; short messages are left alone, because everybody says "ok".

    Raises:
        UsageError: ``most`` is under 1.
    """
    if most < 1:
        raise UsageError(
            f"At least one of several messages that say the same stays, not {most}.",
            hint="For example: corpus.cap_repeats(1)",
        )
    seen: Counter[str] = Counter()
    keep = np.ones(table.num_rows, dtype=bool)
    parts = (batch.column(0).to_pylist() for batch in table.select(["text"]).to_batches(max_chunksize=_PART))
    for index, text in enumerate(chain.from_iterable(parts)):
        words = text.casefold().split()
        if len(words) >= least_words:
            same = " ".join(words)
            seen[same] += 1
            keep[index] = seen[same] <= most
    return keep, _counted({f"said more than {most} times": ~keep})


def _grouped(table: pa.Table, thread_index: np.ndarray, me: str) -> np.ndarray:
    """Return which messages are of a conversation of more than two, [message].

    Its store says so by the tag "group", or more than one person wrote in it beside the owner: tables and plain text
    have no such tag.
    """
    tags = table.column("tags").combine_chunks()
    words = np.array(["group" in word.split() for word in tags.dictionary.to_pylist()], dtype=bool)
    codes = tags.indices.to_numpy(zero_copy_only=False)
    tagged = words[codes] if len(words) else np.zeros(len(codes), dtype=bool)
    senders = table.column("sender").combine_chunks()
    who = senders.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    names = senders.dictionary.to_pylist()
    other = np.array([name != me for name in names], dtype=bool)[who] if names else np.zeros(len(who), dtype=bool)
    pairs = np.unique(thread_index[other] * max(len(names), 1) + who[other])  # each person once in each conversation
    others = np.bincount(pairs // max(len(names), 1), minlength=int(thread_index.max(initial=-1)) + 1)
    found: np.ndarray = tagged | (others[thread_index] > 1)
    return found


def _in_conversations(thread_index: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the messages of conversations that hold a chosen one, [message]."""
    found = np.zeros(int(thread_index.max(initial=-1)) + 1, dtype=bool)
    found[thread_index[chosen]] = True
    chosen_too: np.ndarray = found[thread_index]
    return chosen_too


def _microseconds(value: datetime) -> int:
    return int(pc.cast(pa.scalar(value, pa.timestamp("us", tz="UTC")), pa.int64()).as_py())


def _counted(reasons: dict[str, np.ndarray]) -> Counter[str]:
    return Counter({reason: int(mask.sum()) for reason, mask in reasons.items()})
