"""Blocks: rows in columns, the same as rows one by one."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

import wonderland as wl
from wonderland.corpus.blocks import Block
from wonderland.corpus.columns import SCHEMA, Builder
from wonderland.corpus.reading import read_source
from wonderland.errors import PluginError

WHEN = datetime(2024, 1, 31, 16, 30, 0, 5, tzinfo=UTC)
ROWS = [
    wl.Skipped("1", "tapback"),
    wl.Message("2", "b", "Sam", False, WHEN, "hi", tags=("group", "sms")),
    wl.Message("3", "a", "me", True, None, "ho", kind="audio"),
    wl.Skipped("4", "tapback"),
    wl.Skipped("5", "damaged", failed=True, detail="cut"),
    wl.Message("6", "a", "Ada", False, WHEN.replace(tzinfo=None), "é", tags=("edited",)),
    wl.Skipped("7", "sticker"),
]


def block(rows):
    """Put rows into columns."""
    messages = [row for row in rows if isinstance(row, wl.Message)]
    builder = Builder()
    builder.extend(messages)
    (batch,) = builder.table().to_batches()
    places = [at for at, row in enumerate(rows) if isinstance(row, wl.Message)]
    return Block(batch, [row for row in rows if isinstance(row, wl.Skipped)], np.array(places))


class Store:
    """Seven rows, one by one."""

    name, version = "store", 1

    def count(self):
        return len(ROWS)

    def rows(self):
        yield from ROWS


class Columns(Store):
    """The same rows in two blocks."""

    def rows(self):
        raise AssertionError("the blocks were not asked for")

    def blocks(self):
        yield from (block(ROWS[:3]), block(ROWS[3:]))


def test_gives_its_rows_in_the_order_of_the_store():
    assert list(block(ROWS).rows()) == ROWS
    assert len(block(ROWS)) == len(ROWS)


def test_a_store_of_blocks_reads_as_one_of_rows():
    told = []
    one = read_source(Store(), "store", None)
    other = read_source(Columns(), "store", None, lambda done, stored: told.append((done, stored)))
    assert all(found.equals(expected) for found, expected in zip(other, one, strict=True) if hasattr(found, "equals"))
    assert (other[1], other[3]) == (one[1], one[3])
    assert told == [(3, 7), (7, 7)]


def test_a_row_that_is_missing_is_noticed():
    class Short(Columns):
        def blocks(self):
            yield block(ROWS[:3])

    with pytest.raises(PluginError, match="missing from the ledger"):
        read_source(Short(), "store", None)


def test_words_stand_in_the_order_in_which_they_occur():
    builder = Builder()
    batch = block(ROWS).messages
    words = pa.DictionaryArray.from_arrays(pa.array([2, 0, 2], pa.int32()), pa.array(["a", "unused", "b"]))
    builder.add(batch.set_column(SCHEMA.get_field_index("thread"), SCHEMA.field("thread"), words))
    thread = builder.table().column("thread").combine_chunks()
    assert thread.to_pylist() == ["b", "a", "b"]
    assert thread.dictionary.to_pylist() == ["b", "a"]


@pytest.mark.parametrize("change", ["a hole", "another type"])
def test_columns_that_are_not_what_they_should_be_are_refused(change):
    batch = block(ROWS).messages
    column = pa.array(["x", None, "y"], pa.large_string()) if change == "a hole" else pa.array([1, 2, 3])
    field = SCHEMA.field("text") if change == "a hole" else pa.field("text", pa.int64())
    with pytest.raises(PluginError, match="text"):
        Builder().add(batch.set_column(SCHEMA.get_field_index("text"), field, column))
