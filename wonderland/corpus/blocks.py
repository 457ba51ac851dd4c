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
        repaired: How many texts held lone surrogates that became U+FFFD.
    """

    messages: pa.RecordBatch
    skipped: Sequence[Skipped]
    places: np.ndarray
    repaired: int = 0

    @classmethod
    def of(cls, rows: Sequence[Message | Skipped]) -> Block:
        """Return rows that were decided one by one as a block."""
        return cls.joined(columns.NONE, np.zeros(0, dtype=np.int64), list(enumerate(rows)))

    @classmethod
    def joined(
        cls, together: pa.RecordBatch, places: np.ndarray, others: Sequence[tuple[int, Message | Skipped]]
    ) -> Block:
        """Return messages that were decided together and rows that were decided one by one as one block.

        Args:
            together: The messages in columns, in the order of the store.
            places: The place of each among the rows of the block, ascending, [message].
            others: Every other row of the block with its place, ascending.
        """
        skipped = [row for _, row in others if isinstance(row, Skipped)]
        alone = [(place, row) for place, row in others if isinstance(row, Message)]
        if not alone:
            return cls(together, skipped, places)
        builder = columns.Builder()
        builder.add(together)
        builder.extend([row for _, row in alone])
        everywhere = np.concatenate([places, np.array([place for place, _ in alone], dtype=np.int64)])
        order = np.argsort(everywhere)
        table = builder.table()
        if together.num_rows:
            table = table.take(pa.array(order)).combine_chunks()
        return cls(table.to_batches()[0], skipped, everywhere[order], builder.repaired)

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
