"""How many rows a second do the readers of exports read, beside chat-miner 0.6.0 on the same file?

    python -m pytest benchmarks/test_exports.py --benchmark-only -s

``WONDERLAND_BENCHMARK_ROWS`` changes the size (100,000 rows; 1,000,000 rows of Telegram are some 600 MB with
``WONDERLAND_BENCHMARK_LONG=1``). ``WONDERLAND_PEER_PYTHON`` names the Python of an environment with chat-miner; without
it the comparison is left out. Both sides are measured in seconds of CPU, ours with the columns of the corpus, the peer
without start-up, progress bars to nowhere and data frames. It drops rows on the way; what is compared is the time for
the same file.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

import pytest

from wonderland.corpus.reading import read_source
from wonderland_exports.signal import Signal
from wonderland_exports.sms import Sms
from wonderland_exports.telegram import Telegram
from wonderland_exports.testing import make_signal_export, make_sms, make_telegram, make_whatsapp, make_whatsapp_db
from wonderland_exports.whatsapp import WhatsApp
from wonderland_exports.whatsapp_db import WhatsAppDb

ROWS = int(os.environ.get("WONDERLAND_BENCHMARK_ROWS", "100000"))
PEER = os.environ.get("WONDERLAND_PEER_PYTHON", "")
THEIRS = """
import logging, sys, time
from chatminer import chatparsers
logging.disable(logging.CRITICAL)
started = time.process_time()
parser = getattr(chatparsers, sys.argv[1])(sys.argv[2])
parser.parse_file()
assert len(parser.parsed_messages._parsed_messages) > 0
print(time.process_time() - started)
"""
MAKERS = {
    "whatsapp": lambda folder: make_whatsapp(folder / "WhatsApp Chat with Bo.txt", ROWS).path,
    "telegram": lambda folder: make_telegram(folder / "result.json", ROWS, account=False, hard=False).path,
    "signal": lambda folder: make_signal_export(folder, ROWS, text=True).path / "Bo.txt",
    "sms": lambda folder: make_sms(folder / "sms.xml", ROWS).path,
    "whatsapp-db": lambda folder: make_whatsapp_db(folder / "ChatStorage.sqlite", ROWS).path,
}
SOURCES = {"whatsapp": WhatsApp, "telegram": Telegram, "signal": Signal, "sms": Sms, "whatsapp-db": WhatsAppDb}
PEERS = {"whatsapp": "WhatsAppParser", "telegram": "TelegramJsonParser", "signal": "SignalParser"}


@pytest.fixture(scope="module", params=MAKERS)
def export(request, tmp_path_factory) -> tuple[str, Path]:
    """A generated export of each source."""
    return request.param, MAKERS[request.param](tmp_path_factory.mktemp(request.param))


def read(source, path):
    """Count and read every row into the columns of a corpus, as `Corpus.read` does; return the seconds of CPU."""
    started = time.process_time()
    opened = source(path)
    _, ledger, _, _ = read_source(opened, path.name, None)
    opened.close()
    assert ledger.stored > 0
    return time.process_time() - started


def test_rows_a_second(benchmark, export):
    name, path = export
    seconds = [read(SOURCES[name], path) for _ in range(3)]
    benchmark.pedantic(read, (SOURCES[name], path), rounds=1)
    ours = ROWS / min(seconds)
    benchmark.extra_info.update(rows_per_second=round(ours))
    print(f"\n{name}: {ours:,.0f} rows/s of CPU, {path.stat().st_size / 1e6:,.0f} MB")
    if name in PEERS and PEER:
        command = [PEER, "-c", THEIRS, PEERS[name], str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        theirs = ROWS / float(done.stdout.split()[-1])
        benchmark.extra_info.update(peer_rows_per_second=round(theirs), ratio=round(ours / theirs, 1))
        print(f"chat-miner: {theirs:,.0f} rows/s; {ours / theirs:,.1f} times as many")


@pytest.mark.skipif(
    not os.environ.get("WONDERLAND_BENCHMARK_LONG"), reason="600 MB; WONDERLAND_BENCHMARK_LONG=1 runs it"
)
def test_a_million_rows_of_telegram(benchmark, tmp_path):
    """Target: under 30 s and 500 MB on two cores."""
    path = make_telegram(tmp_path / "result.json", 1_000_000, padding=280).path
    cpu = benchmark.pedantic(read, (Telegram, path), rounds=1)
    memory, size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, path.stat().st_size / 1e6
    wall = benchmark.stats.stats.min
    print(f"\n{size:,.0f} MB: {wall:.1f} s ({cpu:.1f} s of CPU), peak {memory:,.0f} MB")
