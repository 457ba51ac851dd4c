"""Reading a store into columns without losing a row.

The rows of a source are taken some thousands at a time, messages into columns, the others counted by reason. The
ledger then checks the accounting law, and names give way to pseudonyms, unless they were asked for.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from numbers import Integral
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa

from wonderland.corpus import columns
from wonderland.corpus.blocks import Block
from wonderland.corpus.messages import Ledger, Message, Skipped, count_reasons
from wonderland.corpus.order import order_notes, sorted_by_thread
from wonderland.corpus.people import ME
from wonderland.corpus.phones import is_short_code
from wonderland.corpus.source import Source
from wonderland.corpus.times import FIRST_YEAR, LAST_YEAR
from wonderland.counted import counted
from wonderland.errors import InputError, PluginError, WonderlandError
from wonderland.memory import give_back

__all__ = ["batches", "read_source"]

_BATCH = 1 << 12
_Row = TypeVar("_Row")
_Part = TypeVar("_Part")
_FAULT = "This is a fault of the source, not of your file. Please report it to the source's author."


class Naming(Protocol):
    """Says what senders and conversations are called in a corpus."""

    def person(self, sender: str) -> str:
        """Return what a sender is called."""
        ...

    def thread(self, thread: str) -> str:
        """Return what a conversation is called."""
        ...


def read_source(
    source: Source, name: str, pseudonyms: Naming | None, on_rows: Callable[[int, int], None] | None = None
) -> tuple[pa.Table, Ledger, pa.Table, tuple[str, ...]]:
    """Read every row of a source.

    Args:
        source: The source, opened.
        name: What is read, for people.
        pseudonyms: What senders and conversations are called, as `Pseudonyms` does; None to keep names.
        on_rows: Called now and then with rows read so far and rows stored.

    Returns:
        Messages with conversations together, the ledger, the skipped rows, and the notes of the source.

    Raises:
        InputError: The store holds no row at all, or the order of its messages cannot be known.
        PluginError: The source did not account for every stored row.
    """
    with _no_garbage_collection(), _naming(source):
        stored = source.count()
    if not isinstance(stored, Integral) or stored < 0:
        raise PluginError(
            f"The source {source.name!r} counts {stored!r} rows, which is no number of rows.", hint=_FAULT
        )
    if stored == 0:
        raise InputError(f"{name}: there is not a single row in it.", hint="Give a file that holds messages.")
    builder, skipped, done = columns.Builder(), list[Skipped](), 0
    with _no_garbage_collection():
        for count, others in _taken(source, builder):
            skipped += others
            done += count
            if on_rows:
                on_rows(done, stored)
    table, impossible = columns.without_impossible_times(builder.table())
    if getattr(source, "phone_numbers", False):
        table = columns.tagged(table, "sender", is_short_code, "short-code")
    with _naming(source):
        facts = {heading: dict(counts) for heading, counts in getattr(source, "facts", dict)().items()}
        notes = [*getattr(source, "notes", tuple)()]
    if impossible:
        facts.setdefault("Left open", {})["time that cannot be, left open"] = impossible
        notes.append(
            f"{counted(impossible, 'message has', 'messages have')} a time that no message can have, before "
            f"{FIRST_YEAR} or after {LAST_YEAR}. It was left open: each stands after the message before it in the file."
        )
    if builder.repaired:
        facts.setdefault("Repaired", {})["lone surrogates replaced by U+FFFD"] = builder.repaired
    repeated = table.num_rows - columns.distinct_ids(table)
    if repeated:
        facts.setdefault("Repeated", {})["messages whose id was seen before"] = repeated
        notes.append(
            f"{counted(repeated, 'message has', 'messages have')} an id that was seen before. All were kept: whether "
            "it is the same message twice, the file does not say."
        )
    order = getattr(source, "order", None)
    if order == "":
        notes += order_notes(name, table, *getattr(source, "unread_times", lambda: ({}, ""))())
    if pseudonyms is not None:
        table = columns.rename(table, "sender", lambda sender: ME if sender == ME else pseudonyms.person(sender))
        table = columns.rename(table, "thread", pseudonyms.thread)
    ledger = Ledger(name, stored, table.num_rows, count_reasons(skipped), facts)
    found = sorted_by_thread(table, order or ""), ledger, columns.skipped_table(skipped), tuple(notes)
    del table, builder
    give_back()
    return found


def _taken(source: Source, builder: columns.Builder) -> Iterator[tuple[int, Iterable[Skipped]]]:
    """Read the rows, put messages into columns, and yield how many rows were read and those that are no messages."""
    blocks: Callable[[], Iterator[Block]] | None = getattr(source, "blocks", None)
    if blocks is not None:
        for block in _guarded(source, blocks):
            builder.add(block.messages)
            builder.repaired += block.repaired
            yield len(block), block.skipped
        return
    for rows in _guarded(source, lambda: batches(source.rows())):
        messages = [row for row in rows if isinstance(row, Message)]
        builder.extend(messages)
        yield len(rows), _skipped(source, rows) if len(messages) < len(rows) else ()


def _guarded(source: Source, parts: Callable[[], Iterable[_Part]]) -> Iterator[_Part]:
    """Yield what a source gives; what fails within it names it, and what fails in who reads it does not."""
    with _naming(source):
        left = iter(parts())
    while True:
        with _naming(source):
            part = next(left, None)
        if part is None:
            return
        yield part


@contextmanager
def _naming(source: Source) -> Iterator[None]:
    """Turn what fails within a source into an error that names it.

    The words of what failed are not told: they may quote a message.
    """
    try:
        yield
    except (WonderlandError, OSError, MemoryError):
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        raise PluginError(f"The source {source.name!r} failed: {where}.", hint=_FAULT) from error


def batches(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """Yield rows some thousands at a time."""
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _skipped(source: Source, rows: list[Message | Skipped]) -> Iterator[Skipped]:
    for row in rows:
        if isinstance(row, Skipped):
            yield row
        elif not isinstance(row, Message):
            kind = type(row).__name__
            raise PluginError(f"The source {source.name!r} yielded a {kind}, not a Message or Skipped.")


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Stop looking for cycles among hundreds of thousands of new tuples, which have none (an eighth of the time)."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
