"""What is in a file that no source recognises, and what to type or do instead.

Looks at the first bytes, at the whole of a JSON file of modest size, and at the names in a folder or an archive. Keys
and names are told, what stands in texts never is.
"""

from __future__ import annotations

import codecs
import itertools
import json
import os
import re
import shlex
import sqlite3
import struct
import zipfile
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from wonderland.advice import Hint, Options
from wonderland.corpus.iphone_backup import MAKE_ONE, is_backup
from wonderland.corpus.misnamed import tables_in
from wonderland.counted import counted

__all__ = ["Found", "damaged_archives", "fresh_name", "list_within", "look"]

_HEAD = 1 << 16  # bytes that are looked at
_WHOLE = 64_000_000  # bytes of a JSON file that is parsed to tell what it consists of
_SHOWN = 6  # names that are told
_BOMS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32"}
_BOMS |= {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
_AGAIN = "Export it again, as JSON, CSV or text."
_UNLOCK = "Unpack it with the password, then give the folder."
_UNPACK = "Unpack it first, and give what was in it."
_MAGIC: dict[bytes, tuple[str, str]] = {
    b"%PDF": ("It is a PDF, which is for people to read.", _AGAIN),
    b"\x1f\x8b": (
        "It is packed with gzip, and what is in it is not JSON Lines.",
        "Unpack it first: gunzip -c < {path} > {new}",
    ),
    b"7z\xbc\xaf\x27\x1c": ("It is a 7z archive.", _UNPACK),
    b"Rar!\x1a\x07": ("It is a RAR archive.", _UNPACK),
    b"BZh": ("It is packed with bzip2.", _UNPACK),
    b"\xfd7zXZ\x00": ("It is packed with xz.", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("It is packed with zstd.", _UNPACK),
    b"PAR1": (
        "It is a table in Parquet.",
        "Give it as a data frame: wonderland.Corpus.from_frame(pandas.read_parquet({name!r}))",
    ),
    b"bplist": ("It is a binary property list.", "Give the folder or database that it came with."),
    b"\xd0\xcf\x11\xe0": ("It is a document of an older Office.", "Save it as CSV UTF-8, and give that."),
    b"\x89PNG": ("It is a picture.", "Give an export of the messages instead."),
    b"\xff\xd8\xff": ("It is a picture.", "Give an export of the messages instead."),
}


class Found(NamedTuple):
    """What was found, in a sentence, and what to type or do; both empty if it cannot be told."""

    what: str = ""
    hint: str = ""


def look(path: Path) -> Found:
    """Look into a file or folder that no source recognises; never raises."""
    try:
        return _folder(path) if path.is_dir() else _file(path)
    except (OSError, ValueError, RecursionError, MemoryError):
        return Found()


def damaged_archives(path: Path) -> list[str]:
    """Return the names of files in a folder that are called ``.zip`` and are no whole archive."""
    try:
        files = [file for file in sorted(path.iterdir()) if file.suffix.lower() == ".zip" and file.is_file()]
    except OSError:  # no folder, or one that may not be looked into
        return []
    return [file.name for file in files if not _ends_as_archive(file)]


def _ends_as_archive(file: Path) -> bool:
    try:
        return zipfile.is_zipfile(file)
    except (OSError, zipfile.BadZipFile, ValueError, struct.error, IndexError, OverflowError):  # one of several parts
        return False


def _is_locked(file: Path) -> bool:
    """Say whether an archive holds a file that takes a password."""
    if not (file.is_file() and _ends_as_archive(file)):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(info.flag_bits & 0x1 for info in archive.infolist())


def _folder(path: Path) -> Found:
    if damaged := damaged_archives(path):
        return Found(f"It holds {', '.join(damaged)}, damaged or cut short.", "Export or download it again.")
    if locked := [file.name for file in sorted(path.glob("*.[zZ][iI][pP]")) if _is_locked(file)]:
        return Found(f"It holds {', '.join(locked)}, protected by a password.", _UNLOCK)
    if is_backup(path):
        told = "It is a backup of an iPhone, and neither the messages of iMessage nor those of WhatsApp are in it."
        return Found(told, MAKE_ONE)
    files = [file for file in path.rglob("*") if file.is_file()]
    kinds = Counter(file.suffix.lower() or "without an ending" for file in files)
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{count:,} {kind}" for kind, count in ordered[:_SHOWN])
    return Found(
        f"It is a folder of {counted(len(files), 'file')} ({told}), and none is what an app exports, as "
        "far as is known here.",
        tables_in(path),
    )


def _file(path: Path) -> Found:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for magic, (what, hint) in _MAGIC.items():
        if head.startswith(magic):
            new = fresh_name(f"{path.stem}-unpacked", "")
            return Found(what, hint.format(path=shlex.quote(str(path)), name=path.name, new=new))
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        return Found("It begins with nothing but blanks.", "Export your messages again, or give another file.")
    if head.startswith(b"SQLite format 3\0"):
        return _database(path)
    if head.startswith(b"PK\x03\x04"):
        return _archive(path)
    encoding = _BOMS.get(head[:4], "") or _BOMS.get(head[:2], "") or _wide(head)
    if encoding:
        return _of_encoding(path, head.decode(encoding, errors="ignore"), encoding.upper()[:6], encoding)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        return _json(path, size, head)
    if re.match(rb"(?i)<(!doctype html|html|head|body)", start):
        return Found("It is HTML, which is for people to read.", _AGAIN)
    if start.startswith(b"<"):
        return Found(
            f"It is XML{_element(start)}; of XML, only backups of SMS Backup & Restore are read.", "Export it as CSV."
        )
    if b"\0" in head:
        return Found("It is a binary file of a kind that is not known here.", _AGAIN)
    return Found(
        "It is text, and it begins neither as JSON nor as a table with a column for the text, nor with the time and "
        "name of a message as a messenger writes them.",
        Hint(
            "Of a table, name the columns, for example: ",
            Options("extract", source="csv", text="body", sender="who", time="when"),
        ),
    )


def _wide(head: bytes) -> str:
    """Return the kind of UTF-16 that text without a mark is in, or an empty string."""
    odd, even = head[1:400:2].count(0), head[0:400:2].count(0)
    most = 0.7 * len(head[:400]) / 2
    return "utf-16-le" if odd > most and even == 0 else "utf-16-be" if even > most and odd == 0 else ""


def _of_encoding(path: Path, text: str, told: str, name: str) -> Found:
    """Say how to read a file whose encoding is not UTF-8."""
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        new = fresh_name(f"{path.stem}-utf8", path.suffix)
        return Found(
            f"It is JSON in {told}, and JSON is read in UTF-8 only.",
            f"Convert it: iconv -f {name.upper()} -t UTF-8 {shlex.quote(str(path))} > {new}",
        )
    return Found(
        f"It is text in {told}.",
        Hint("If it is a table, say so, for example: ", Options("extract", source="csv", encoding=name, text="body")),
    )


def _element(start: bytes) -> str:
    found = re.search(rb"<([A-Za-z][\w:.-]{0,40})", start)
    return f", its first element is <{found[1].decode()}>" if found else ""


def _database(path: Path) -> Found:
    try:
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro&immutable=1", uri=True)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    except sqlite3.Error:
        return Found("It is an SQLite database, damaged or cut short.", "Copy it again, with the app closed.")
    told = f"with the tables {_some([str(name) for (name,) in rows])}" if rows else "without a single table"
    return Found(
        f"It is an SQLite database {told}; those of Messages, WhatsApp and Signal are read.",
        f"Write its messages into a table: sqlite3 -header -csv {shlex.quote(str(path))} 'SELECT ...' "
        f"> {fresh_name('messages', '.csv')}",
    )


def _archive(path: Path) -> Found:
    if not _ends_as_archive(path):
        return Found("It is an archive, damaged or cut short.", "Export or download it again.")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if _is_locked(path):
        return Found("It is an archive protected by a password.", _UNLOCK)
    if any(name.startswith("xl/") for name in names):
        return Found("It is an Excel workbook.", "Save the sheet of the messages as CSV UTF-8, and give that.")
    if any(name.lower().endswith(".zip") for name in names):
        return Found(
            f"It is an archive of {counted(len(names), 'file')} ({_some(names)}), archives among them.",
            "If one of these is an export, unpack this and give the folder, or that archive itself.",
        )
    return Found(
        f"It is an archive of {counted(len(names), 'file')} ({_some(names)}), and none is what an app exports, as "
        "far as is known here.",
        "If the messages are a table or JSON Lines, unpack it and give that file.",
    )


def _json(path: Path, size: int, head: bytes) -> Found:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return _of_encoding(path, "{", "another encoding than UTF-8, perhaps Windows-1252", "cp1252")
    lines = re.split(rb"[\r\n]+", head.strip())
    if b"\n" not in head and len(lines) > 1 and _parsed(lines[0]) is not None:
        new = fresh_name(f"{path.stem}-lines", ".jsonl")
        return Found(
            "Its lines end with a carriage return alone, as on very old systems.",
            f"Convert it: tr '\\r' '\\n' < {shlex.quote(str(path))} > {new}",
        )
    if size > _WHOLE:
        what = "list" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") else "object"
        return Found(f"It begins as one JSON {what} of a shape that is not known here.", _as_lines(path, ".[]"))
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return Found(
            f"It begins as JSON and is none: line {error.lineno}, column {error.colno}.",
            "Export it again; it may be cut short. Of JSON Lines, each line is one object.",
        )
    except RecursionError:
        return Found("It is JSON in more levels than any export has.", _AGAIN)
    return _list(path, value) if isinstance(value, list) else _object(path, value)


def _list(path: Path, value: list[Any]) -> Found:
    if not value:
        return Found("It is an empty JSON list.", "Export your messages again, or give another file.")
    objects = [one for one in value if isinstance(one, dict)]
    if not objects:
        return Found(f"It is one JSON list of {counted(len(value), 'value')}, none of them an object.", _AGAIN)
    return Found(
        f"It is one JSON list of {counted(len(value), 'value')}, the first object with the keys {_some(objects[0])}; "
        "an object for each message is read from JSON Lines, an object a line.",
        _as_lines(path, ".[]"),
    )


def _object(path: Path, value: dict[str, Any]) -> Found:
    told = f"It is one JSON object with the keys {_some(value)}, of a shape that is not known here."
    key = list_within(value)
    if key is None:
        return Found(told, _AGAIN)
    return Found(f"{told} {key!r} holds a list of objects.", _as_lines(path, f".[{json.dumps(key)}][]"))


def list_within(value: Mapping[str, Any]) -> str | None:
    """Return the key of the longest list of objects in an object; None if there is none."""
    lists = {key: one for key, one in value.items() if isinstance(one, list) and any(isinstance(x, dict) for x in one)}
    return max(lists, key=lambda key: len(lists[key])) if lists else None


def _as_lines(path: Path, way: str) -> str:
    new = fresh_name(path.stem, ".jsonl")
    return f"Write each message on a line: jq -c {shlex.quote(way)} {shlex.quote(str(path))} > {new}"


def fresh_name(stem: str, suffix: str) -> str:
    """Return a name for what a command is to write where one types, as one types it: of no file that is there."""
    names = (f"{stem}{more}{suffix}" for more in itertools.chain([""], (f"-{n}" for n in itertools.count(2))))
    name = next(name for name in names if not os.path.lexists(name))
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _some(names: Any) -> str:
    names = [name if len(name) <= 40 else f"{name[:40]}…" for name in map(str, names)]
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")
