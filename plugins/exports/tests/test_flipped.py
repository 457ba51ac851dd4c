"""Every kind of store with a bit that flipped, cut short, or with values in its columns that do not belong there.

What is drawn is seeded. By default a few of each kind; the slow run takes 200 flips, 50 cuts and every column.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from contextlib import closing, suppress
from random import Random

import pytest

from wonderland import plugins
from wonderland.errors import OwnerUnknown, WonderlandError
from wonderland_exports import testing

from .reading import read, survives
from .test_fuzz_exports import MAKERS

ROWS = [("id", "thread", "timestamp", "sender", "is_from_me", "text")]
ROWS += [(str(n), f"t{n % 2}", f"2024-01-{n + 1:02}T10:00:00Z", f"p{n % 2}", n % 2, f"hi {n}") for n in range(25)]


def in_csv(path):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(ROWS)
    return path


def in_json_lines(path):
    path.write_text("".join(json.dumps(dict(zip(ROWS[0], row, strict=True))) + "\n" for row in ROWS[1:]), "utf-8")
    return path


MORE = {
    "csv": lambda folder: in_csv(folder / "chat.csv"),
    "jsonl": lambda folder: in_json_lines(folder / "chat.jsonl"),
    "discord package": lambda folder: testing.make_package(folder / "package", 25).path,
    "google-chat hangouts": lambda folder: testing.make_hangouts(folder / "Hangouts.json", 25).path,
    "signal export": lambda folder: testing.make_signal_export(folder / "signal", 25).path,
    "signal text": lambda folder: testing.make_signal_export(folder / "signal", 25, text=True).path,
    "signal desktop": lambda folder: testing.make_signal_desktop(folder / "signal", 25).path,
    "whatsapp utf-16": lambda folder: in_utf16(testing.make_whatsapp(folder / "Chat with Bo.txt", 25).path),
    "whatsapp-db android": lambda folder: testing.make_whatsapp_db(folder / "msgstore.db", 25, store="android").path,
    "whatsapp-db old": lambda folder: testing.make_whatsapp_db(folder / "msgstore.db", 25, store="old android").path,
}
KINDS = {**MAKERS, **MORE}
VALUES = [
    None,
    -1,
    0,
    2**62,
    -(2**63),
    1e300,
    float("inf"),
    -0.0,
    "",
    "a\x00b",
    "\u202eBo\u2066",
    "\x1b[31m\r\n",
    "1e400",
]
VALUES += ["NaN", "0000-00-00", "9999-12-31T23:59:59-12:00", b"\xff\xfe\x00", b"", b"\xed\xa0\x80", 10**15, 17 * 10**17]


def in_utf16(path):
    path.write_bytes(path.read_text("utf-8").encode("utf-16"))
    return path


def made(kind, folder):
    """Return the source of a kind of store, a sound store, its files, and who its owner is where it does not say so."""
    path, source = KINDS[kind](folder), plugins.load().sources[kind.split()[0]]
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    try:
        read(source, path)
    except OwnerUnknown as error:
        return source, path, files, {"me": error.candidates[0][0]}
    except WonderlandError as error:
        raise AssertionError(f"{kind} is not sound: {error}") from error
    return source, path, files, {}


def damage(kind, folder, flips, cuts):
    source, path, files, options = made(kind, folder)
    random = Random(kind)
    for number in range(flips + cuts):
        file = random.choice([file for file in files if file.stat().st_size])
        content = file.read_bytes()
        at = random.randrange(random.choice([len(content), min(len(content), 300)]))
        flipped = content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]
        file.write_bytes(flipped if number < flips else content[:at])
        assert 0 <= source.sniff(path) <= 1
        survives(source, path, **options)
        file.write_bytes(content)


def overwrite(kind, folder, most):
    source, path, files, options = made(kind, folder)
    (file,) = (file for file in files if file.read_bytes()[:6] == b"SQLite")
    with closing(sqlite3.connect(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [(name, row[1]) for name in tables for row in connection.execute(f"PRAGMA table_info('{name}')")]
    inside = file.relative_to(path) if path.is_dir() else None
    for number, (table, column) in enumerate(Random(kind).sample(columns, min(most, len(columns)))):
        copy = folder / str(number) / path.name  # a source that was read stays open
        copy.parent.mkdir()
        (shutil.copytree if inside else shutil.copy)(path, copy)
        with closing(sqlite3.connect(copy / inside if inside else copy)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            for place, (rowid,) in enumerate(connection.execute(f"SELECT rowid FROM '{table}'").fetchall()):
                with suppress(sqlite3.Error):
                    value = VALUES[place % len(VALUES)]
                    connection.execute(f"UPDATE '{table}' SET \"{column}\" = ? WHERE rowid = ?", (value, rowid))
            connection.commit()
        survives(source, copy, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_or_a_cut_is_told_or_every_row_is_accounted_for(kind, tmp_path):
    damage(kind, tmp_path, flips=5, cuts=2)


@pytest.mark.parametrize("kind", ["whatsapp-db", "whatsapp-db android", "whatsapp-db old", "signal desktop"])
def test_values_of_another_kind_in_a_column_are_told_or_every_row_is_accounted_for(kind, tmp_path):
    overwrite(kind, tmp_path, most=6)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_flipped_bits_and_cuts(kind, tmp_path):
    damage(kind, tmp_path, flips=200, cuts=50)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["whatsapp-db", "whatsapp-db android", "whatsapp-db old", "signal desktop"])
def test_values_of_another_kind_in_every_column(kind, tmp_path):
    overwrite(kind, tmp_path, most=1000)
