"""A file that no source recognises: what is in it is said, and what to type or do."""

import gzip
import json
import re
import sqlite3
import zipfile
from contextlib import closing

import pytest

import wonderland as wl
from wonderland.corpus.unrecognised import look
from wonderland.errors import InputError, UsageError

ROWS = [{"sender": "Ada", "text": f"private {n} caf\u00e9", "at": n} for n in range(3)]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
FILES = {
    "a list": (json.dumps(ROWS), "one JSON list of 3 values.*sender, text, at", r"jq -c '\.\[\]' .* > chat\.jsonl"),
    "a list over lines": (json.dumps(ROWS, indent=1), "one JSON list of 3 values", "jq -c"),
    "an empty list": ("[]", "empty JSON list", "again"),
    "a list of numbers": ("[1, 2]", "2 values, none of them an object", "again"),
    "an object": (
        json.dumps({"v": 1, "rows": ROWS}, indent=1),
        "keys v, rows.*'rows' holds",
        r"jq -c '\.\[\"rows\"\]\[\]'",
    ),
    "an object without rows": (json.dumps({"v": 1}, indent=1), "one JSON object with the keys v,", "again"),
    "cut JSON": (json.dumps(ROWS)[:-9], "begins as JSON and is none: line 1", "again"),
    "deep JSON": ("[" * 100_000, "more levels|begins as JSON", "again"),
    "lines of UTF-16": (LINES.encode("utf-16"), "JSON in UTF-16", "iconv -f UTF-16 -t UTF-8"),
    "lines of UTF-32": (LINES.encode("utf-32"), "JSON in UTF-32", "iconv -f UTF-32 -t UTF-8"),
    "lines of UTF-16 without a mark": (LINES.encode("utf-16-le"), "JSON in UTF-16", "iconv -f UTF-16-LE -t UTF-8"),
    "lines of Latin-1": (LINES.encode("latin-1"), "perhaps Windows-1252", "iconv -f CP1252 -t UTF-8"),
    "lines with carriage returns": (LINES.replace("\n", "\r"), "carriage return alone", r"tr '\\r' '\\n'"),
    "text of UTF-16": ("who said what".encode("utf-16-le"), "text in UTF-16", "--encoding utf-16-le"),
    "text": ("who said what\n", "It is text, and it begins neither", "--source csv --text"),
    "blanks": (" \n\n\t" * 99_999, "nothing but blanks", "again"),
    "NULs": (b"\0" * 99_999, "nothing but blanks", "again"),
    "HTML": ("<!DOCTYPE html><p>private", "It is HTML", "JSON"),
    "XML": ("<?xml version='1.0'?><feed a='private'>", "XML, its first element is <feed>", "CSV"),
    "PDF": (b"%PDF-1.7 private", "a PDF", "again"),
    "gzip": (gzip.compress(b"private"), "packed with gzip", "gunzip -c < .* > chat-unpacked"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0", "a picture", "messages"),
    "a binary file": (b"\x07\0private\0\x01\x02", "binary file", "again"),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_is_in_a_file_is_said_and_what_to_do(write, kind):
    content, what, hint = FILES[kind]
    path = write("chat.json", content)
    with pytest.raises(InputError, match=f"(?s)No source recognises .*{what}") as caught:
        wl.Corpus.read(path)
    assert re.search(hint, caught.value.hint)
    assert "private" not in str(caught.value)


def test_what_is_in_an_archive_a_workbook_and_a_database(tmp_path):
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        for number in range(9):
            archive.writestr(f"{number}.bin", b"\x01")
    with zipfile.ZipFile(tmp_path / "table.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with sqlite3.connect(tmp_path / "notes.db") as connection:
        connection.execute("CREATE TABLE notes (body TEXT)")
    connection.close()
    assert "9 files (0.bin, 1.bin, 2.bin, 3.bin, 4.bin, 5.bin and 3 more)" in look(tmp_path / "some.zip").what
    assert "CSV UTF-8" in look(tmp_path / "table.xlsx").hint
    assert "with the tables notes;" in look(tmp_path / "notes.db").what
    assert "sqlite3 -header -csv" in look(tmp_path / "notes.db").hint
    whole = (tmp_path / "notes.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[:600])
    assert "damaged" in look(tmp_path / "cut.db").what


def test_what_is_in_a_folder(tmp_path):
    for name in ("a.jpg", "b.jpg", "in/c.html", "in/README"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert "4 files (2 .jpg, 1 .html, 1 without an ending)" in look(tmp_path).what


def test_what_cannot_be_looked_at_is_told_nothing_of(tmp_path):
    assert look(tmp_path / "missing") == ("", "")


@pytest.mark.parametrize("lines", [1, 3])
def test_lines_that_hold_whole_conversations_are_refused_with_what_makes_messages_of_them(write, lines):
    """As fine-tuning services write them."""
    line = json.dumps({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]})
    path = write("chat.jsonl", (line + "\n") * lines)
    with pytest.raises(InputError, match="'messages' holds a list of objects") as caught:
        wl.Corpus.read(path)
    assert """jq -c '{thread: input_line_number} + .["messages"][]'""" in caught.value.hint


@pytest.mark.parametrize("name", ["a list", "an object", "lines with carriage returns"])
def test_paths_in_what_to_type_are_quoted(tmp_path, name):
    path = tmp_path / "my $(rm) chat.json"
    path.write_text(FILES[name][0])
    hint = look(path).hint
    assert f"'{path}'" in hint
    assert hint.count("'") % 2 == 0


@pytest.mark.parametrize(
    ("name", "there", "new"),
    [
        ("chats.jsonl", [], "chats-2.jsonl"),
        ("chats.json", ["chats.jsonl", "chats-2.jsonl"], "chats-3.jsonl"),
        ("-list.json", [], "./-list.jsonl"),
    ],
)
def test_what_is_to_be_typed_writes_over_no_file_that_is_there(tmp_path, monkeypatch, name, there, new):
    monkeypatch.chdir(tmp_path)
    for one in (name, *there):
        (tmp_path / one).write_text(json.dumps(ROWS), encoding="utf-8")
    assert look(tmp_path / name).hint.endswith(f" > {new}")


def test_nor_does_what_is_to_be_typed_for_a_database(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "messages.csv").write_text("text\n", encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE notes (body)")
        connection.commit()
    assert look(tmp_path / "other.db").hint.endswith(" > messages-2.csv")


def test_columns_of_one_name_are_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([["a", "b", "me"]], columns=["text", "text", "sender"])
    with pytest.raises(UsageError, match="Several columns of the frame are called 'text'"):
        wl.Corpus.from_frame(frame)


def test_an_archive_that_takes_a_password_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "chat.zip", "w") as archive:
        archive.writestr("chat.txt", "private")
    raw = bytearray((tmp_path / "chat.zip").read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "chat.zip").write_bytes(raw)
    for path, what in (
        (tmp_path / "chat.zip", "It is an archive protected"),
        (tmp_path, "It holds chat.zip, protected"),
    ):
        found = look(path)
        assert found.what.startswith(what)
        assert found.hint.startswith("Unpack it with the password")
