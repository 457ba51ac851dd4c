"""How long does a whole database take, beside a reader that decodes with pytypedstream?

The database has the size of the field notes': 722,772 rows, 1,016 contacts, nearly all texts in ``attributedBody``.

    python -m pytest benchmarks/test_imessage_extract.py --benchmark-only -s

``WONDERLAND_BENCHMARK_ROWS`` makes it smaller.
"""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from wonderland_imessage import ChatDb
from wonderland_imessage.testing import make_database

ROWS = int(os.environ.get("WONDERLAND_BENCHMARK_ROWS", "722772"))
CONTACTS = 1016
SAMPLE = 5_000


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A generated database of the full size."""
    return make_database(tmp_path_factory.mktemp("big") / "chat.db", ROWS, people=CONTACTS, keep_texts=False)


def read(path):
    """Read every row; return how many were messages and how many were not."""
    source = ChatDb(path)
    stored, messages, skipped = source.count(), 0, 0
    for block in source.blocks():
        messages += block.messages.num_rows
        skipped += len(block.skipped)
    source.close()
    assert messages + skipped == stored
    return messages, skipped


def test_a_whole_database(benchmark, database):
    """Every row through `blocks`: opened, joined, decoded, classified, counted."""
    messages, skipped = benchmark.pedantic(read, (database.path,), rounds=3)
    assert messages == database.messages
    assert skipped == sum(database.reasons.values())
    seconds = benchmark.stats.stats.min
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = database.path.stat().st_size / 2**20
    benchmark.extra_info.update(rows_per_second=round(ROWS / seconds), peak_gib=round(memory, 2))
    print(f"\n{ROWS:,} rows ({size:,.0f} MiB): {seconds:.2f} s, {ROWS / seconds:,.0f} rows/s, peak {memory:.2f} GiB")
    theirs = peer_rows_per_second(database.path)
    benchmark.extra_info.update(peer_rows_per_second=round(theirs), ratio=round(ROWS / seconds / theirs))
    print(f"a reader with pytypedstream: {theirs:,.0f} rows/s; {ROWS / seconds / theirs:,.0f} times as many")


def test_wonderland_extract(benchmark, database, tmp_path):
    """The command as a person types it, from starting Python to the last file written. Target: 8 s on two cores."""

    def extract():
        folder = tmp_path / "w"
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "wonderland", "extract", "-q", "-w", str(folder), str(database.path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    benchmark.pedantic(extract, rounds=3)


def peer_rows_per_second(path):
    """Read a sample of the same rows the way one would with pytypedstream."""
    typedstream = pytest.importorskip("typedstream", reason="pytypedstream is not installed: pip install pytypedstream")
    query = """SELECT m.ROWID, m.date, m.is_from_me, h.id, m.text, m.attributedBody FROM message m
        LEFT JOIN handle h ON h.ROWID = m.handle_id ORDER BY m.ROWID LIMIT ?"""
    started, texts = time.perf_counter(), 0
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        for *_, text, blob in connection.execute(query, (SAMPLE,)):
            if blob is not None:
                try:
                    text = typedstream.unarchive_from_data(blob).contents[0].value.value
                except Exception:  # noqa: BLE001 (what it raises for damaged bodies is of many kinds)
                    text = None
            texts += text is not None
    assert texts
    return SAMPLE / (time.perf_counter() - started)
