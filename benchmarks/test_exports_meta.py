"""How long does a download of Messenger take, beside chat-miner 0.6.0, which reads one conversation of it?

Both read the same conversation of 100,000 rows. chat-miner keeps rows with a text and mends all of them; here each row
also gets its class.

    pip install chat-miner
    python -m pytest benchmarks/test_exports_meta.py --benchmark-only -s
"""

from __future__ import annotations

import json
import os
import time

import pytest

import wonderland as wl
from wonderland_exports.messenger import Messenger
from wonderland_exports.testing import make_messenger

ROWS = int(os.environ.get("WONDERLAND_BENCHMARK_ROWS", "100000"))


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    """A generated download of seven conversations."""
    return make_messenger(tmp_path_factory.mktemp("meta") / "facebook", ROWS, layout="classic")


def read(path):
    """Read every row; return how many were messages and how many were not."""
    source = Messenger(path)
    stored, kinds = source.count(), [isinstance(row, wl.Message) for row in source.rows()]
    source.close()
    assert len(kinds) == stored
    return sum(kinds), stored


def cpu(run):
    """Return the seconds of processor time that something takes, which other work on the machine does not change."""
    started = time.process_time()
    run()
    return time.process_time() - started


def test_a_whole_download(benchmark, download):
    """Every row of every conversation: found, mended, classed, counted."""
    messages, stored = benchmark.pedantic(read, (download.path,), rounds=3)
    assert (messages, stored) == (len(download.said), download.rows)
    seconds = benchmark.stats.stats.min
    benchmark.extra_info.update(rows_per_second=round(stored / seconds))
    print(f"\n{stored:,} rows: {seconds:.2f} s, {stored / seconds:,.0f} rows/s")


def test_one_conversation_beside_chat_miner(benchmark, download, tmp_path):
    """The rows of one conversation in one file, which is what chat-miner takes."""
    parsers = pytest.importorskip("chatminer.chatparsers", reason="chat-miner is not installed: pip install chat-miner")
    files = sorted(download.path.glob("*/messages/inbox/chat0_*/message_*.json"))
    rows = [row for file in files for row in json.loads(file.read_text(encoding="utf-8"))["messages"]]
    whole = json.loads(files[0].read_text(encoding="utf-8")) | {"messages": rows}
    one = tmp_path / "inbox" / "chat_1" / "message_1.json"
    one.parent.mkdir(parents=True)
    one.write_text(json.dumps(whole), encoding="utf-8")

    def ours():
        source = Messenger(one, me=download.me)
        return sum(1 for _ in source.rows())

    assert benchmark.pedantic(ours, rounds=3) == len(rows)

    def theirs_too():
        peer = parsers.FacebookMessengerParser(str(one))
        peer.parse_file()

    seconds, theirs = (min(cpu(run) for _ in range(3)) for run in (ours, theirs_too))
    benchmark.extra_info.update(peer_seconds=round(theirs, 3), ratio=round(theirs / seconds, 2))
    print(f"\n{len(rows):,} rows: {seconds:.2f} s; chat-miner {theirs:.2f} s, {theirs / seconds:.2f} times as long")
