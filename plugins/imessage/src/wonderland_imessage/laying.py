"""The columns of many messages at once, from what was decided of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from wonderland.corpus.columns import SCHEMA
from wonderland_imessage.origins import Origins, Words

__all__ = ["AUDIO", "KINDS", "TEXT", "Written", "laid_out", "moments"]

NANOSECONDS = 10**11  # a larger number counts nanoseconds, a smaller one seconds (which would be the year 5169)
EPOCH = 978_307_200_000_000  # 2001-01-01 UTC in microseconds since 1970
KINDS = TEXT, AUDIO = ("text", "audio")
_TIME = SCHEMA.field("timestamp").type


class Written(NamedTuple):
    """What somebody wrote: the text of a message, its kind, and its tags beside those of its origin."""

    text: str
    kind: str = TEXT
    tags: tuple[str, ...] = ()


def moments(dates: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of rows in microseconds since 1970 and whether each has one, [row]."""
    odd = [] if set(map(type, dates)) == {int} else [at for at, date in enumerate(dates) if type(date) is not int]
    values = list(dates)
    for at in odd:
        values[at] = int(dates[at]) if isinstance(dates[at], float) and 0 < dates[at] < 2**63 else -1
    raw = np.array(values, dtype=np.int64)
    known = raw > 0
    known[odd] = raw[odd] >= 0
    return EPOCH + np.where(raw >= NANOSECONDS, raw // 1000, raw % NANOSECONDS * 1_000_000), known


def laid_out(
    rowids: np.ndarray,
    origins: Origins,
    of: np.ndarray,
    times: tuple[np.ndarray, np.ndarray],
    texts: pa.LargeStringArray,
    kinds: np.ndarray,
    further: np.ndarray,
) -> pa.RecordBatch:
    """Return messages as columns.

    Args:
        rowids: ROWID of each, [message].
        origins: All origins.
        of: The number of the origin of each, [message].
        times: What `moments` says of them.
        texts: Their texts.
        kinds: The number of the kind of each among ``KINDS``, [message].
        further: The number of the tags that each has beside those of its origin, [message].
    """
    numbers, known = times
    threads, senders, tags, mine, _ = origins.table()[:, of]
    columns = [
        pa.array(rowids).cast(pa.string()),
        _words(threads, origins.threads),
        _words(senders, origins.senders),
        pa.array(mine.astype(bool)),
        pa.array(numbers, mask=~known).cast(_TIME),
        pa.array(np.ones(len(of), dtype=bool)),
        texts,
        _words(kinds, KINDS),
        _words(origins.with_tags(tags, of, further), origins.tags),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _words(numbers: np.ndarray, words: Sequence[str] | Words) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(list(words), pa.string()))
