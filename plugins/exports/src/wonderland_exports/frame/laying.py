"""The columns of many messages of one conversation that are a text and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import wonderland as wl
from wonderland.corpus.blocks import Block
from wonderland.corpus.columns import SCHEMA, without_lone_surrogates

__all__ = ["FEW", "gathered", "laid_out", "numbered", "one_word", "words"]

FEW = 1 << 7
"""So many rows are decided one by one as quickly as together."""
_MANY = 1 << 12
_TIME = SCHEMA.field("timestamp").type


def gathered(parts: Iterable[Block | Sequence[wl.Message | wl.Skipped]]) -> Iterator[Block]:
    """Yield blocks; rows that come a few at a time are gathered into larger ones."""
    waiting: list[wl.Message | wl.Skipped] = []
    for part in parts:
        if waiting and (isinstance(part, Block) or len(waiting) >= _MANY):
            yield Block.of(waiting)
            waiting = []
        if isinstance(part, Block):
            yield part
        else:
            waiting.extend(part)
    if waiting:
        yield Block.of(waiting)


def numbered(before: str, numbers: pa.Array) -> pa.StringArray:
    """Return what rows are called by their number.

    >>> numbered("chat line ", pa.array([1, 20])).to_pylist()
    ['chat line 1', 'chat line 20']
    """
    return pc.binary_join_element_wise(without_lone_surrogates(before), numbers.cast(pa.string()), "")


def laid_out(
    ids: pa.StringArray,
    threads: pa.DictionaryArray,
    of: np.ndarray,
    senders: Sequence[tuple[str, bool]],
    times: np.ndarray,
    texts: pa.LargeStringArray,
    tags: pa.DictionaryArray,
    *,
    zone_known: bool,
) -> pa.RecordBatch:
    """Return messages as columns.

    Args:
        ids: What each is called, [message].
        threads: The conversation of each, [message].
        of: The number of the sender of each, [message].
        senders: What each sender is called, and whether it is the owner.
        times: Microseconds since 1970, [message].
        texts: What was written, [message].
        tags: The tags of each, joined by blanks, [message].
        zone_known: Whether times are moments, or what a clock somewhere showed.
    """
    mine = np.array([is_owner for _, is_owner in senders], dtype=bool)
    columns = [
        ids,
        threads,
        words(of, [name for name, _ in senders]),
        pa.array(mine[of]),
        pa.array(times).cast(_TIME),
        pa.array(np.full(len(of), zone_known)),
        texts,
        one_word("text", len(of)),
        tags,
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def one_word(word: str, times: int) -> pa.DictionaryArray:
    """Return a column of which every row says the same."""
    return words(np.zeros(times, dtype=np.int32), [word])


def words(codes: np.ndarray, words: Sequence[str]) -> pa.DictionaryArray:
    """Return a column of words, given by their numbers."""
    sound = pa.array([without_lone_surrogates(word) for word in words], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), sound)
