"""Stored rows some thousands at a time, their messages in columns.

A source of which every row goes through Python anyway yields `Message` and `Skipped` one by one. One that can decide
thousands of rows at once yields blocks instead, and no object is made for each row; `Block.rows` gives the same rows
one by one to whoever wants them so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from wonderland.corpus import columns
from wonderland.corpus.messages import Message, Skipped

__all__ = ["Block"]


@dataclass(frozen=True)
class Block:
    """Some rows of a store, one after another.

    Attributes:
        messages: Those that are messages, as `wonderland.corpus.columns.SCHEMA` says, in the order of the store.
        skipped: The others, in the order of the store.
        places: The place of each message among the rows of the block, ascending, [message].
    """

    messages: pa.RecordBatch
    skipped: Sequence[Skipped]
    places: np.ndarray

    def __len__(self) -> int:
        return int(self.messages.num_rows) + len(self.skipped)

    def rows(self) -> Iterator[Message | Skipped]:
        """Yield every row, as a `Message` or a `Skipped`."""
        skipped, at = iter(self.skipped), 0
        for place, message in zip(self.places.tolist(), columns.iterate(self.messages), strict=True):
            for _ in range(place - at):
                yield next(skipped)
            yield message
            at = place + 1
        yield from skipped
