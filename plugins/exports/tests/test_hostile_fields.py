"""Every field of every kind of store with a value that does not belong there, and its files in other encodings.

One value is replaced at a time. A store that can no longer be read is refused in words; else each row has one class,
and a field of one row changes no other row and loses none. By default some fields get one value each and one file some
encodings, drawn with a seed; the slow run takes more of both, some values of 10 MB, and all encodings.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

import pytest

import wonderland as wl
from wonderland.corpus.reading import read_source
from wonderland.errors import InputError, PluginError, WonderlandError

from .reading import read
from .test_flipped import KINDS, made

MISSING = object()
VALUES: list[Any] = [MISSING, None, 7, -1, 10**30, 1.5, True, False, [], [1, "x"], [[["x"]]], {}, {"id": {"id": 1}}]
VALUES += ["", " ", "a\x00b", "x\ud83dy", "\u00b2", "1e400", "1869-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "<", '"']
VALUES += [-(10**6), 10**15, 10**21, "9" * 5000, "<a:" * 50_000, "&#55357;"]
VALUES += [b"1e400", b"NaN", b"[" * 10**4 + b"]" * 10**4, b'{"a":' * 10**4 + b"1" + b"}" * 10**4, b'{"a":1,"a":[2]}']
"""Bytes stand in the file as they are: JSON that `json.dumps` does not write."""
LONG = ["N" * 10**7, "<a:" * 3 * 10**6, "9" * 10**7, " a" * 5 * 10**6, "\n&#55357;" * 10**6, "2024-01-01 " * 10**6]
PLACE = "here stands what is raw"

ROWS = re.compile(
    r"(?:.*\.)?(?:messages|events)\.\*|(?:\d{4}-\d\d-\d\d|messages)\.json:\*|chatItem\.|(?:chat|data)\.json.*:"
)
"""Where rows stand in JSON, as the name of the file and the way to them."""

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, the other order": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16, unmarked": lambda text: text.encode("utf-16-le"),
    "UTF-16, cut": lambda text: text.encode("utf-16")[:-1],
    "Latin-1": lambda text: re.sub("(?<=[a-z])[aeo](?=[a-z])", "é", text).encode("latin-1", "replace"),
    "UTF-8, marked": lambda text: text.encode("utf-8-sig"),
    "CR LF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "mixed ends": lambda text: re.sub("\n(.*)\n(.*)\n", "\r\n\\1\r\\2\n", text).encode(),
    "nothing": lambda text: b"",
    "blanks": lambda text: b" \n\n",
    "NUL": lambda text: b"\x00" * 64,
    "NUL at the end": lambda text: text.encode() + b"\x00" * 64,
    "null": lambda text: b"null",
    "{}": lambda text: b"{}",
    "[]": lambda text: b"[]",
    "twice": lambda text: text.encode() * 2,
    "nested": lambda text: b"[" * 100_000,
}


class Field(NamedTuple):
    """A field of a file: where it is, whether in a row, and what writes the file with another value in it."""

    place: str
    in_row: bool
    write: Callable[[Any], bytes]


def fields_of(name: str, content: bytes) -> list[Field]:
    """Return the fields of a file; none of a text or database. Elements of one array are one place."""
    if name.endswith(".csv"):
        return [*fields_of_csv(content)]
    if name.endswith(".xml"):
        return [*fields_of_xml(content)]
    return [*fields_of_json(name, content)] if name.endswith((".json", ".jsonl")) else []


def fields_of_json(name: str, content: bytes) -> Iterator[Field]:
    pieces = content.splitlines(keepends=True) if name.endswith("l") or name == "data.json" else [content]
    for number, piece in enumerate(pieces):
        try:
            document = json.loads(piece)
        except ValueError:  # a line that is broken already
            continue
        before, after = b"".join(pieces[:number]), b"".join(pieces[number + 1 :])
        for path in paths(document):
            way = ".".join("*" if isinstance(step, int) else step for step in path)
            write = partial(in_json, document, path, before, after)
            yield Field(f"{name}:{way}", bool(ROWS.match(way) or ROWS.match(f"{name}:{way}")), write)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from paths(inner, (*path, key))


def in_json(document: Any, path: tuple[Any, ...], before: bytes, after: bytes, value: Any) -> bytes:
    inside = holder = {"": copy.deepcopy(document)}
    *way, last = ("", *path)
    for step in way:
        inside = inside[step]
    if value is MISSING and isinstance(last, str) and path:
        del inside[last]
    else:
        inside[last] = PLACE if isinstance(value, bytes) else None if value is MISSING else value
    raw = value if isinstance(value, bytes) else b""
    return (
        before + json.dumps(holder[""]).encode().replace(json.dumps(PLACE).encode(), raw) + b"\n" * bool(after) + after
    )


def fields_of_xml(content: bytes) -> Iterator[Field]:
    for tag in re.finditer(rb"<(\w+)[^>]*>", content):
        for found in re.finditer(rb'([\w-]+)="[^"]*"', tag[0]):
            before, after = content[: tag.start() + found.start()], content[tag.start() + found.end() :]
            write = partial(in_xml, before, found[1], after)
            yield Field(f"{tag[1].decode()} {found[1].decode()}", tag[1] != b"smses", write)


def in_xml(before: bytes, name: bytes, after: bytes, value: Any) -> bytes:
    if value is MISSING:
        return before + after
    if isinstance(value, str) and not re.search("&|\n", value):
        value = quoteattr(value)
    said = str(value).strip('"').encode("utf-8", "surrogatepass")
    return before + name + b'="' + said.replace(b'"', b"&quot;") + b'"' + after


def fields_of_csv(content: bytes) -> Iterator[Field]:
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    for row in (0, 1):
        for column, name in enumerate(table[0]):
            yield Field(f"{row} {name}", row == 1, partial(in_csv, table, row, column))


def in_csv(table: list[list[str]], row: int, column: int, value: Any) -> bytes:
    changed = [list(cells) for cells in table]
    changed[row][column : column + 1] = [] if value is MISSING else [value if isinstance(value, str) else str(value)]
    out = io.StringIO(newline="")
    csv.writer(out).writerows(changed)
    return out.getvalue().encode("utf-8", "surrogatepass")


def message(item: Any) -> bool:
    return isinstance(item, wl.Message)


class Store:
    """A sound store of a kind, whose files are changed one at a time."""

    def __init__(self, kind, folder):
        self.source, self.path, files, self.options = made(kind, folder)
        self.files = [file for file in files if file.read_bytes()[:6] != b"SQLite"]
        self.sound = self.items()
        found = [(file, field) for file in self.files for field in fields_of(file.name, file.read_bytes())]
        self.fields = list({field.place: (file, field) for file, field in found}.values())

    def items(self) -> list[Any]:
        """Return what became of each row; the two ways of reading agree, and each row has one class."""
        items, opened = read(self.source, self.path, **self.options)
        getattr(opened, "close", list)()
        opened = self.source(self.path, **self.options)
        try:
            _, ledger, _, _ = read_source(opened, "store", None)
        finally:
            getattr(opened, "close", list)()
        assert ledger.stored == len(items)
        assert ledger.kept == sum(map(message, items))
        return items

    def survives(self, file, content: bytes | None, *, in_row: bool = False) -> None:
        """Check what becomes of the store with a file changed, or with a folder in its place."""
        before = file.read_bytes()
        file.unlink()
        file.mkdir() if content is None else file.write_bytes(content)
        try:
            assert 0 <= self.source.sniff(self.path) <= 1
            items = self.items()
            if in_row:
                assert len(items) == len(self.sound)
                assert sum(map(lambda one, other: one != other, items, self.sound)) <= 1
        except PluginError as error:
            raise AssertionError(str(error)) from error
        except WonderlandError as error:
            if not (error.message and error.hint):
                raise AssertionError(f"no word of what to do: {error}") from error
        finally:
            file.rmdir() if content is None else file.unlink()
            file.write_bytes(before)


def put(store: Store, field: tuple[Any, Field], value: Any) -> None:
    file, (place, in_row, write) = field
    try:
        store.survives(file, write(value), in_row=in_row)
    except Exception as error:
        error.add_note(f"{place} was {value if value is not MISSING else 'missing'!r:.80}")
        raise


def rewrite(store: Store, file: Any, encodings: Mapping[str, Callable[[str], bytes]]) -> None:
    text = file.read_text("utf-16" if file.read_bytes()[:2] == b"\xff\xfe" else "utf-8")
    for encode in encodings.values():
        store.survives(file, encode(text))
    store.survives(file, None)


@pytest.mark.parametrize(
    "kind",  # Instagram's and Messenger's rows are read by the same code
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind == "instagram")) for kind in KINDS],
)
def test_a_field_with_another_value_is_told_or_changes_its_row_alone(kind, tmp_path):
    store, random = Store(kind, tmp_path), Random(kind)
    for field in random.sample(store.fields, min(len(store.fields), 12)):
        put(store, field, random.choice(VALUES))
    if store.files:
        rewrite(store, random.choice(store.files), dict(random.sample([*ENCODINGS.items()], 3)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_fields_with_other_values_and_files_in_every_encoding(kind, tmp_path):
    store, random = Store(kind, tmp_path), Random(kind)
    few = 60 if len(store.files) < 20 else 12
    for field in random.sample(store.fields, min(len(store.fields), few)):
        for value in random.sample(VALUES, 5):
            put(store, field, value)
    for field in random.sample(store.fields, min(len(store.fields), 3)):
        put(store, field, random.choice(LONG))
    for file in random.sample(store.files, min(len(store.files), 3)):
        rewrite(store, file, ENCODINGS)


@pytest.mark.parametrize("ends", ["CR", "CR LF", "mixed ends"])
@pytest.mark.parametrize("kind", ["whatsapp", "signal text"])
def test_a_text_whose_lines_end_otherwise_has_the_same_rows(kind, ends, tmp_path):
    store = Store(kind, tmp_path)
    (file,) = store.files
    file.write_bytes(ENCODINGS[ends](file.read_text("utf-8")))
    found = [item._replace(id="", text=re.sub("\r\n?", "\n", item.text)) for item in store.items() if message(item)]
    assert found == [item._replace(id="") for item in store.sound if message(item)]


@pytest.mark.parametrize("kind", ["sms", "signal", "signal export", "signal text"])
def test_utf_16_is_refused_by_its_name_where_it_cannot_be_read(kind, tmp_path):
    store = Store(kind, tmp_path)
    file = next(file for file in store.files if file.stat().st_size > 100)
    file.write_bytes(ENCODINGS["UTF-16"](file.read_text("utf-8")))
    with pytest.raises(InputError, match="is written in UTF-16"):
        store.items()


@pytest.mark.parametrize("kind", ["discord", "google-chat", "imazing", "messenger", "slack", "telegram", "whatsapp"])
def test_utf_16_is_read_as_utf_8_is(kind, tmp_path):
    store = Store(kind, tmp_path)
    for file in store.files:
        file.write_bytes(ENCODINGS["UTF-16"](file.read_text("utf-8-sig")))
    assert store.items() == store.sound
