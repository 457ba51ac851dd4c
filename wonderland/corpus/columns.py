"""Messages as Arrow columns: 700,000 of them are some 60 MB and load at once.

This is the only module that knows the column layout; `Corpus` speaks in messages. Arrow holds UTF-8, which lone
surrogates (half an emoji, in some exports) are not: they become U+FFFD here, and are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wonderland.corpus.messages import Message, Skipped
from wonderland.corpus.times import FIRST_YEAR, LAST_YEAR
from wonderland.errors import PluginError

__all__ = [
    "NONE",
    "SCHEMA",
    "SKIPPED_SCHEMA",
    "Builder",
    "count_words",
    "distinct_ids",
    "first_appearances",
    "iterate",
    "raw_texts",
    "rename",
    "skipped_table",
    "tagged",
    "without_impossible_times",
    "without_lone_surrogates",
]

_STRING = pa.string()
_WORDS = pa.dictionary(pa.int32(), _STRING)
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("thread", _WORDS),
        ("sender", _WORDS),
        ("is_from_me", pa.bool_()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("zone_known", pa.bool_()),
        ("text", pa.large_string()),
        ("kind", _WORDS),
        ("tags", _WORDS),  # joined by spaces
    ]
)
NONE = pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in SCHEMA], schema=SCHEMA)  # loads no pandas
"""No message."""
SKIPPED_SCHEMA = pa.schema([("id", pa.string()), ("reason", _WORDS), ("failed", pa.bool_()), ("detail", pa.string())])

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "thread": str,
    "sender": str,
    "is_from_me": bool,
    "timestamp": (datetime, type(None)),
    "text": str,
    "kind": str,
    "tags": tuple,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_BATCH = 1 << 16
_FAULT = "This is a fault of the source, not of your file. Please report it to the source's author."


class Builder:
    """Collects messages in batches and turns each batch into Arrow columns.

    Raises:
        PluginError: A message holds something else than its type says.

    Attributes:
        repaired: How many texts held lone surrogates that became U+FFFD.
    """

    def __init__(self) -> None:
        self.repaired = 0
        self._batches: list[pa.RecordBatch] = []

    def table(self) -> pa.Table:
        """Return everything added as one table in the order it was added, and let go of it.

        One column after another is joined and its parts given up, so that memory holds hardly more than one of each.
        """
        table = pa.Table.from_batches(self._batches, SCHEMA).unify_dictionaries()
        self._batches = []
        for index, field in enumerate(SCHEMA):
            table = table.set_column(index, field, table.select([index]).combine_chunks().column(0))
        return _words_in_order(table)

    def add(self, messages: pa.RecordBatch) -> None:
        """Add messages that are columns already; the words of a dictionary may stand in any order."""
        holes = (
            []
            if not messages.schema.equals(SCHEMA)
            else [name for name in SCHEMA.names if name != "timestamp" and messages.column(name).null_count]
        )
        if holes or not messages.schema.equals(SCHEMA):
            told = f"nothing in some rows of {holes[0]}" if holes else f"these columns: {messages.schema.to_string()}"
            raise PluginError(f"A block of messages has {told}.", hint=_FAULT)
        self._batches.append(messages)

    def extend(self, rows: Sequence[Message]) -> None:
        """Add messages; some tens of thousands at a time cost least."""
        if not rows:
            return
        ids, threads, senders, from_me, times, texts, kinds, tags = zip(*rows, strict=True)
        try:
            columns = [
                _strings(ids),
                _strings(threads).dictionary_encode(),
                _strings(senders).dictionary_encode(),
                pa.array(from_me, pa.bool_()),
                pa.array([_microseconds(time) for time in times], pa.int64()).cast(SCHEMA.field("timestamp").type),
                pa.array([time is None or time.tzinfo is not None for time in times], pa.bool_()),
                self._texts(texts),
                _mostly_one(kinds, kinds),
                _mostly_one(tags, map(_joined_tags, tags)),
            ]
        except (TypeError, AttributeError, pa.ArrowException):
            _complain(rows)
            raise
        if any(column.null_count for column, field in zip(columns, SCHEMA, strict=True) if field.name != "timestamp"):
            _complain(rows)
        self._batches.append(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))

    def _texts(self, texts: Sequence[str]) -> pa.Array:
        try:
            return pa.array(texts, pa.large_string())
        except UnicodeEncodeError:
            self.repaired += sum(without_lone_surrogates(text) is not text for text in texts)
            return _strings(texts, pa.large_string())


def iterate(table: pa.Table | pa.RecordBatch) -> Iterator[Message]:
    """Yield the messages of a table."""
    for batch in [table] if isinstance(table, pa.RecordBatch) else table.to_batches(max_chunksize=_BATCH):
        columns = {name: batch.column(name) for name in SCHEMA.names}
        columns["timestamp"] = columns["timestamp"].cast(pa.int64())
        lists = [column.to_pylist() for column in columns.values()]
        for identity, thread, sender, from_me, time, zone_known, text, kind, tags in zip(*lists, strict=True):
            epoch = _EPOCH if zone_known else _NAIVE_EPOCH
            moment = None if time is None else epoch + timedelta(microseconds=time)
            yield Message(identity, thread, sender, from_me, moment, text, kind, tuple(tags.split()))


def tagged(table: pa.Table, column: str, words: Callable[[str], object], tag: str) -> pa.Table:
    """Add a tag to the messages whose word in a dictionary column ``words`` is true of, unless they have it."""
    array = table.column(column).combine_chunks()
    wanted = np.array([bool(words(word)) for word in array.dictionary.to_pylist()], dtype=bool)
    if not wanted.any():
        return table
    tags = table.column("tags").combine_chunks()
    plain = tags.dictionary.to_pylist()
    more = [word if tag in word.split() else f"{word} {tag}".strip() for word in plain]
    codes = tags.indices.to_numpy(zero_copy_only=False)
    codes = codes + len(plain) * wanted[array.indices.to_numpy(zero_copy_only=False)].astype(codes.dtype)
    return _with_words(table, "tags", codes, plain + more)


def raw_texts(table: pa.Table) -> Iterator[tuple[bytes, memoryview]]:
    """Yield, for each chunk of the texts, their lengths in bytes (int64, little endian) and their UTF-8 bytes."""
    for chunk in table.column("text").chunks:
        if len(chunk):
            _, offset_buffer, data = chunk.buffers()
            offsets = np.frombuffer(offset_buffer, dtype="<i8")[chunk.offset : chunk.offset + len(chunk) + 1]
            texts = memoryview(data)[offsets[0] : offsets[-1]] if data is not None else memoryview(b"")
            yield np.diff(offsets).astype("<i8").tobytes(), texts


def skipped_table(rows: Iterable[Skipped]) -> pa.Table:
    """Return skipped rows as a table."""
    rows = list(rows)
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    arrays = [
        _strings(columns[0]),
        _strings(columns[1]).dictionary_encode(),
        pa.array(columns[2], pa.bool_()),
        _strings(columns[3]),
    ]
    return pa.Table.from_arrays(arrays, schema=SKIPPED_SCHEMA)


def rename(table: pa.Table, column: str, name: Callable[[str], str]) -> pa.Table:
    """Replace each distinct word of a dictionary column by ``name(word)``, in order of first appearance."""
    array = table.column(column).combine_chunks()
    codes = array.indices.to_numpy(zero_copy_only=False)
    words = array.dictionary.to_pylist()
    new: list[Any] = [None] * len(words)
    for code in first_appearances(codes):
        new[code] = name(words[code])
    return _with_words(table, column, codes, new)


def without_impossible_times(table: pa.Table) -> tuple[pa.Table, int]:
    """Leave open the times that no message can have, and count them."""
    times = table.column("timestamp").combine_chunks()
    kind = SCHEMA.field("timestamp").type
    first, end = (pa.scalar(datetime(year, 1, 1, tzinfo=UTC), kind) for year in (FIRST_YEAR, LAST_YEAR + 1))
    impossible = pc.or_(pc.less(times, first), pc.greater_equal(times, end)).fill_null(False)
    count = int(pc.sum(impossible).as_py() or 0)
    if not count:
        return table, 0
    left = pc.if_else(impossible, pa.scalar(None, kind), times)
    return table.set_column(table.schema.get_field_index("timestamp"), SCHEMA.field("timestamp"), left), count


def _with_words(table: pa.Table, column: str, codes: np.ndarray, words: Sequence[str | None]) -> pa.Table:
    # Two codes may stand for the same word now; decode and encode again so that equal words share a code.
    array = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words, _STRING)).cast(_STRING)
    return table.set_column(table.schema.get_field_index(column), SCHEMA.field(column), array.dictionary_encode())


def _words_in_order(table: pa.Table) -> pa.Table:
    """Bring the words of each dictionary column into the order of their first appearance."""
    for index, field in enumerate(table.schema):
        if not pa.types.is_dictionary(field.type) or not table.num_rows:
            continue
        array = table.column(index).combine_chunks()
        codes = array.indices.to_numpy(zero_copy_only=False)
        seen = first_appearances(codes)
        if len(seen) < len(array.dictionary) or (seen[1:] < seen[:-1]).any():
            place = np.zeros(len(array.dictionary), dtype=np.int32)
            place[seen] = np.arange(len(seen))
            words = array.dictionary.take(pa.array(seen))
            table = table.set_column(index, field, pa.DictionaryArray.from_arrays(pa.array(place[codes]), words))
    return table


def first_appearances(codes: np.ndarray) -> np.ndarray:
    """Return the distinct codes of a dictionary column, in order of first appearance, without sorting all of them."""
    first = np.full(int(codes.max(initial=-1)) + 1, len(codes))
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # the last that is written stays: the first of the column
    ordered: np.ndarray = np.argsort(first)[: int((first < len(codes)).sum())]
    return ordered


def distinct_ids(table: pa.Table) -> int:
    """Count the distinct ids. Row numbers that only grow, as databases have them, are told without hashing them."""
    ids = table.column("id")
    try:
        numbers = ids.cast(pa.int64()).to_numpy()
        if (numbers[1:] > numbers[:-1]).all():
            return len(numbers)
    except pa.ArrowInvalid:
        pass
    return int(pc.count_distinct(ids).as_py())


_IS_SIGN = np.array([not chr(code).isspace() for code in range(128)])


def count_words(table: pa.Table) -> int:
    """Count the words of all texts: what stands between blanks, as `str.split` takes them."""
    texts = table.column("text")
    plain = pc.string_is_ascii(texts)
    words = sum(len(text.split()) for text in texts.filter(pc.invert(plain)).to_pylist())
    for chunk in texts.filter(plain).chunks:  # in ASCII a word begins at a byte behind a blank, or at the beginning
        _, offset_buffer, data = chunk.buffers()
        offsets = np.frombuffer(offset_buffer, dtype="<i8")[chunk.offset : chunk.offset + len(chunk) + 1]
        if data is None or offsets[0] == offsets[-1]:
            continue
        signs = np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]]
        begins = _IS_SIGN[signs]
        behind = begins[:-1].copy()
        starts = offsets[:-1] - offsets[0]
        starts = starts[(starts > 0) & (starts < len(signs))]
        behind[starts - 1] = False
        begins[1:] &= ~behind
        words += int(np.count_nonzero(begins))
    return words


def _strings(values: Sequence[str], kind: pa.DataType = _STRING) -> pa.Array:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array([without_lone_surrogates(value) for value in values], kind)


def _mostly_one(values: Sequence[Any], words: Iterable[str]) -> pa.DictionaryArray:
    """Return words as a dictionary column, quickly where all the values that they come from are one and the same."""
    if values[0] is None or values.count(values[0]) < len(values):
        return _strings(list(words)).dictionary_encode()
    only = _strings([next(iter(words))])
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(values), dtype=np.int32)), only)


def _joined_tags(tags: Sequence[str]) -> str:
    """Return tags with spaces between; raise `TypeError` where they would not be the same when read again."""
    joined = " ".join(tags)
    if joined and (isinstance(tags, str) or joined.split() != list(tags)):
        raise TypeError("tags are words")
    return joined


def _complain(rows: Iterable[Message]) -> None:
    """Raise for the first field that is not what `Message` says; the batch is known to hold one."""
    for message in rows:
        for name, wanted in _FIELDS.items():
            value = getattr(message, name)
            if not isinstance(value, wanted):
                raise PluginError(
                    f"The message {message.id!r} has a {type(value).__name__} as its {name}, against its type.",
                    hint=_FAULT,
                )
        if any(not isinstance(tag, str) or tag.split() != [tag] for tag in message.tags):
            raise PluginError(
                f"The message {message.id!r} has the tags {message.tags!r}, and each should be a word without spaces.",
                hint='For example: tags=("group", "one-time-code")',
            )


def _microseconds(time: datetime | None) -> int | None:
    if time is None:
        return None
    delta = time - (_NAIVE_EPOCH if time.tzinfo is None else _EPOCH)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def without_lone_surrogates(text: str) -> str:
    """Return a text as UTF-8 can hold it; the very same object if it already is."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
