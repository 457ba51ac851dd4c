"""How long from a file to tokens? Reading, loading, filtering and tokenising a corpus of the field notes' size.

The corpus is the embedded one repeated to 700,000 messages, with threads told apart. The peer of loading is reading
the same rows with pandas. The whole way, from JSON Lines to packed tokens, is also timed on a corpus of your own:

    WONDERLAND_BENCH_CORPUS=messages.jsonl.gz pytest benchmarks/test_corpus.py --benchmark-only -s -k pipeline
"""

import gzip
import itertools
import json
import os
import time

import pandas
import pytest

import wonderland as wl
from wonderland.corpus.windows import pack
from wonderland.demo import MESSAGES

TARGET = 700_000


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with gzip.open(MESSAGES, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    path = tmp_path_factory.mktemp("store") / "chats.jsonl"
    with open(path, "w", encoding="utf-8") as file:
        for index in range(TARGET):
            row = rows[index % len(rows)]
            again = index // len(rows)
            file.write(json.dumps({**row, "id": f"{index}", "thread": f"{row['thread']}-{again}"}) + "\n")
    return path


@pytest.fixture(scope="module")
def corpus(store):
    return wl.Corpus.read(store)


@pytest.mark.benchmark(group="read 700,000 JSON lines")
def test_read(benchmark, store):
    assert len(benchmark.pedantic(wl.Corpus.read, (store,), rounds=1)) == TARGET


@pytest.mark.benchmark(group="read 700,000 JSON lines")
def test_read_with_pandas(benchmark, store):
    assert len(benchmark.pedantic(pandas.read_json, (store,), {"lines": True}, rounds=1)) == TARGET


@pytest.mark.benchmark(group="load")
def test_load(benchmark, corpus, tmp_path):
    corpus.save(tmp_path)
    assert len(benchmark.pedantic(wl.Corpus.load, (tmp_path,), rounds=3)) == TARGET
    assert corpus.table.nbytes < 200_000_000


@pytest.mark.benchmark(group="filter")
def test_filter(benchmark, corpus):
    assert len(benchmark.pedantic(corpus.filter, rounds=1)) > 0.9 * TARGET


@pytest.mark.benchmark(group="tokenise")
def test_train_the_tokenizer(benchmark, corpus):
    assert benchmark.pedantic(wl.SpeakerTokenizer.train, (corpus, 4096), rounds=1).vocab_size == 4096


@pytest.mark.benchmark(group="tokenise")
def test_pack(benchmark, corpus):
    tokenizer = wl.SpeakerTokenizer.train(corpus.texts[:50_000], 4096)
    assert len(benchmark.pedantic(pack, (corpus, tokenizer), rounds=1)) > TARGET / 8


@pytest.mark.benchmark(group="JSON Lines to packed tokens: read, filter, split, train the tokenizer, pack")
def test_pipeline(benchmark):
    path = os.environ.get("WONDERLAND_BENCH_CORPUS")
    if not path:
        pytest.skip("WONDERLAND_BENCH_CORPUS names no file of messages")
    marks = [("", time.perf_counter())]

    def mark(name):
        marks.append((name, time.perf_counter()))

    def pipeline():
        corpus = wl.Corpus.read(path)
        mark("read")
        kept = corpus.filter()
        mark("filter")
        part, _ = kept.split(0.1)
        mark("split")
        tokenizer = wl.SpeakerTokenizer.train(part, 4096)
        mark("train the tokenizer")
        windows = pack(part, tokenizer)
        mark("pack")
        return corpus, windows

    corpus, windows = benchmark.pedantic(pipeline, rounds=1)
    print(f"\n{len(corpus):,} messages, {len(windows):,} windows, {len(windows.stream):,} tokens")
    for (_, before), (name, after) in itertools.pairwise(marks):
        print(f"  {name}: {after - before:.1f} s")
    assert marks[-1][1] - marks[0][1] < 60
