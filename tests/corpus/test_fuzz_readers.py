"""Whatever a table or JSON Lines file looks like: no traceback, no row lost, and the texts that were written come back.

The files are written here, so that how many rows they hold and what they say is known without reading them. The tests
take a small share; ``benchmarks/fuzz_readers.py`` takes as many as it is told.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.corpus.corpus import Corpus
from wonderland.errors import InputError, WonderlandError

HARD = st.sampled_from([*",;|\t\"'\\\n\r \u00a0=#-0/é–“", '""', '"\n', ', "', '\\"', "\r\n", "sep=;", "me"])
TEXT = st.lists(HARD | st.characters(codec="cp1252", exclude_characters="\x00"), max_size=12).map("".join)
ANY_TEXT = st.lists(HARD | st.characters(exclude_categories=["Cs"]), max_size=12).map("".join)
NAMES = st.sampled_from(["Ivo", "Vera Lund", "+15550100004", "40404", "ME2", "Noël", "x; y", 'the "boss"'])
ENCODINGS = {"utf-8": "", "utf-8-sig": "", "utf-16": "", "cp1252": "cp1252"}
WORDS = {True: ("1", "1.0", "TRUE", "yes"), False: ("0", "0.0", "FALSE", "no")}
CLOCKS = {
    "iso": lambda t: (t.isoformat(),),
    "iso with zone": lambda t: (t.replace(tzinfo=UTC).isoformat(),),
    "zone by name": lambda t: (f"{t:%Y-%m-%d %H:%M} UTC",),
    "seconds": lambda t: (str(int(t.replace(tzinfo=UTC).timestamp())),),
    "milliseconds": lambda t: (str(int(t.replace(tzinfo=UTC).timestamp()) * 1000),),
    "day first": lambda t: (f"{t:%d/%m/%Y %H:%M}",),
    "month first": lambda t: (f"{t.month}/{t.day}/{t:%Y %I:%M %p}",),
    "dots": lambda t: (f"{t:%d.%m.%y, %H:%M}",),
    "words": lambda t: (f"{t:%b %d, %Y %I:%M %p}",),
    "two columns": lambda t: (f"{t:%Y-%m-%d}", f"{t:%H:%M}"),
    "none": lambda t: (),
}
AWARE = ("iso with zone", "zone by name", "seconds", "milliseconds")
ORDERED = {"day first": "dmy", "month first": "mdy", "dots": "dmy"}


@dataclass(frozen=True)
class Row:
    """One message, or what is no message, of a table."""

    text: str
    sender: str
    mine: bool
    time: datetime
    damage: int = 0  # cells too many (1) or too few (-1)


@dataclass(frozen=True)
class Plan:
    """A table and how it is written."""

    rows: list[Row]
    delimiter: str
    quoting: int
    end: str
    encoding: str
    clock: str
    owner: str
    said: bool  # a first line that says the delimiter
    noise: str  # the name of a column nobody needs
    blanks: int

    def header(self) -> list[str]:
        clock = {"none": [], "two columns": ["Date", "Time"]}.get(self.clock, ["Timestamp"])
        owner = {"flag": ["is_from_me"], "word": ["Type"], "sender": []}[self.owner]
        return [self.noise, "Sender", *owner, *clock, "Text"]

    def cells(self, row: Row, at: int) -> list[str]:
        owner = {"flag": WORDS[row.mine][at % 4], "word": "Sent" if row.mine else "Received"}.get(self.owner)
        sender = "me" if self.owner == "sender" and row.mine else row.sender
        cells = ["n", sender, *([owner] if owner else []), *CLOCKS[self.clock](row.time), row.text]
        return [*cells, "more"] if row.damage > 0 else cells[: row.damage or None]

    def write(self) -> bytes:
        lines = [f"sep={self.delimiter}{self.end}"] if self.said else []
        for at, cells in enumerate([self.header(), *(self.cells(row, at) for at, row in enumerate(self.rows))]):
            out = io.StringIO()
            writer = csv.writer(out, delimiter=self.delimiter, quoting=self.quoting, lineterminator=self.end)
            writer.writerow(cells)
            lines.append(out.getvalue() + self.end * (self.blanks if at else 0))
        return "".join(lines).encode(self.encoding)

    def options(self) -> dict[str, str]:
        return {"encoding": ENCODINGS[self.encoding]} if ENCODINGS[self.encoding] else {}

    def kept(self) -> list[Row]:
        return [row for row in self.rows if not row.damage and row.text.strip()]


@st.composite
def plans(draw: Any) -> Plan:
    encoding = draw(st.sampled_from(list(ENCODINGS)))
    texts = TEXT if encoding == "cp1252" else ANY_TEXT
    moments = st.datetimes(datetime(2002, 1, 1), datetime(2040, 1, 1)).map(lambda t: t.replace(second=0, microsecond=0))
    damage = st.sampled_from([0] * 8 + [1, -1])
    rows = draw(st.lists(st.builds(Row, texts, NAMES, st.booleans(), moments, damage), min_size=1, max_size=8))
    rows[0] = Row("first " + rows[0].text, rows[0].sender, True, rows[0].time)
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    if quoting == csv.QUOTE_MINIMAL and end == "\n":  # Python writes a lone return without quotation marks then
        rows = [replace(row, text=row.text.replace("\r", "\r\n")) for row in rows]
    return Plan(
        rows,
        draw(st.sampled_from(",;\t|")),
        quoting,
        end,
        encoding,
        draw(st.sampled_from(list(CLOCKS))),
        draw(st.sampled_from(["flag", "word", "sender"])),
        draw(st.booleans()),
        draw(st.sampled_from(["No", "a, b, c, d, e", "x;y;z;;;", "one|two|three|four"])),
        draw(st.sampled_from([0, 0, 1])),
    )


@contextmanager
def file(name: str, content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


def read(path: Path, **options: str) -> Corpus:
    """Read a file, and whatever it asks the user for, say it."""
    try:
        return Corpus.read(path, source="csv", names=True, **options)
    except InputError as error:
        if "--quotes" in error.hint and "quotes" not in options and "two ways" in error.message:
            return read(path, quotes="yes", **options)
        raise


@settings(deadline=None)
@given(plans())
def test_a_table_comes_back_as_it_was_written(plan: Plan) -> None:
    options, order = plan.options(), ORDERED.get(plan.clock, "")
    with file("a.csv", plan.write()) as path:
        days = [row.time for row in plan.rows if not row.damage]
        if order and any(day.day != day.month for day in days) and all(day.day <= 12 for day in days):
            with pytest.raises(InputError, match="dates="):
                read(path, **options)
            options |= {"dates": order}
        elif order == "dmy" and plan.clock == "dots":
            options |= {"dates": order}  # years of two digits may be taken for days
        corpus = read(path, **options)
    assert corpus.ledger.stored == len(plan.rows)
    kept = plan.kept()
    assert corpus.ledger.kept == len(kept)
    assert corpus.ledger.count("read", "wrong number of cells") == sum(bool(row.damage) for row in plan.rows)
    found = Counter((m.sender, m.is_from_me, m.timestamp, m.text) for m in corpus)
    zone = UTC if plan.clock in AWARE else None
    wanted = Counter(
        (
            "me" if row.mine else row.sender,
            row.mine,
            None if plan.clock == "none" else row.time.replace(tzinfo=zone),
            row.text,
        )
        for row in kept
    )
    assert found == wanted
    if plan.clock != "none":
        for thread in {m.thread for m in corpus}:
            times = [m.timestamp for m in corpus if m.thread == thread]
            assert times == sorted(times)
    elif plan.owner == "sender":
        assert corpus.texts == [row.text for row in kept]


BARE = st.lists(st.sampled_from(['"', "a", " b", ", ", ";", "“", "'", '""', "\\"]), max_size=6).map("".join)


@settings(deadline=None)
@given(st.lists(BARE, min_size=1, max_size=8), st.sampled_from(["\t", "|"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_table_without_quotation_marks_comes_back_if_the_user_says_so_and_loses_no_row_if_not(
    said: list[str], delimiter: str, end: str
) -> None:
    lines = [f"sender{delimiter}text", *(f"me{delimiter}{text}" for text in said)]
    with file("a.tsv", "".join(line + end for line in lines).encode()) as path:
        corpus = Corpus.read(path, quotes="no")
        assert corpus.ledger.stored == len(said)
        assert corpus.texts == [text for text in said if text.strip()]
        guessed = told_of_quotes(path)
    assert guessed in (None, len(said))


def told_of_quotes(path: Path) -> int | None:
    """Return how many rows are read without being told of quotation marks, or None if they are asked for."""
    try:
        return Corpus.read(path).ledger.stored
    except InputError as error:
        if "--quotes" in error.hint:
            return None
        raise


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
TIMES = st.sampled_from(
    [None, "", "soon", 0, 12, "2021-05-03T07:08:09Z", 1620025689, "0001-01-01T00:00:00Z", True, [1]]
)
RECORDS = st.fixed_dictionaries(
    {"text": ANY_TEXT | JSON, "is_from_me": st.sampled_from([True, False, 1, 0.0, "no"]) | JSON},
    optional={"sender": NAMES | JSON, "time": TIMES | JSON, "thread": ANY_TEXT | JSON, "id": JSON, "x": JSON},
)
GARBAGE = ANY_TEXT.map(lambda text: text.replace("\n", " "))


@settings(deadline=None)
@given(st.lists(RECORDS | GARBAGE, max_size=10), st.booleans(), st.booleans(), st.integers(0, 10))
def test_json_lines_of_any_shape_are_accounted_for(lines: list[Any], ascii_only: bool, marked: bool, at: int) -> None:
    good = {"text": "hello", "is_from_me": True, "sender": "Ivo"}
    lines = [*lines[:at], good, *lines[at:]]
    written = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=ascii_only) for one in lines]
    content = b"".join(line.encode() + b"\n" for line in written)
    with file("a.jsonl", b"\xef\xbb\xbf" * marked + content) as path:
        corpus = Corpus.read(path, source="jsonl", order="file", dates="dmy", names=True)
    stored = sum(not f"{line}\n".encode().isspace() for line in written)
    first_is_blank = marked and not written[0].strip(" \t\r\v\f")  # the mark makes a row of a blank first line
    assert corpus.ledger.stored == stored + first_is_blank
    sure = [
        one["text"]
        for one in lines
        if isinstance(one, dict) and isinstance(one["text"], str) and one["text"].strip()
        and (isinstance(one["is_from_me"], bool) or one["is_from_me"] in (1, 0, "no"))
    ]  # fmt: skip
    assert not Counter(sure) - Counter(corpus.texts)
    words = [one["text"] for one in lines if isinstance(one, dict) and isinstance(one["text"], str)]
    assert not Counter(corpus.texts) - Counter(words)


WORDS_OF_FILES = st.sampled_from(["text", "sender", "me", "1/2/03", "13/1/24", "{", "[", "}", "\n"])
NOISE = st.lists(HARD | WORDS_OF_FILES).map("".join).map(str.encode)


@settings(deadline=None)
@given(
    st.binary(max_size=60) | NOISE,
    st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a"]),
    st.sampled_from(["", "csv", "jsonl"]),
    st.dictionaries(st.sampled_from(["text", "sender", "time", "me", "from_me"]), ANY_TEXT, max_size=2),
)
def test_noise_is_read_or_refused_in_words(content: bytes, name: str, source: str, options: dict[str, str]) -> None:
    header = b"text,sender,time\n"
    for start in (b"", header, b"\xff\xfe", b"\xef\xbb\xbf" + header):
        with file(name, start + content) as path:
            try:
                corpus = Corpus.read(path, source=source or None, **(options if source else {}))
            except WonderlandError as error:
                str(error).encode("utf-8", "replace")
            else:
                assert corpus.ledger.kept + corpus.ledger.count() == corpus.ledger.stored


def test_the_fuzzer_writes_what_it_means_to() -> None:
    row = Row("a, b", "Ivo", True, datetime(2021, 5, 3, 7, 8))
    plan = Plan([row], ";", csv.QUOTE_ALL, "\n", "utf-8", "day first", "flag", True, "No", 1)
    assert plan.write() == (
        b'sep=;\n"No";"Sender";"is_from_me";"Timestamp";"Text"\n"n";"Ivo";"1";"03/05/2021 07:08";"a, b"\n\n'
    )
