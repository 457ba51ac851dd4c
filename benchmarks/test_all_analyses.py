"""What does it cost to look at everything? All analyses on a model of the `seed` shape, and each one's share.

The model is trained for a minute on the demo's conversations, because contrasts are mined from what a model prefers,
then everything runs as `wonderland analyze` runs it: 200 held-out windows, the untrained baseline beside every number.
Peak memory is that of the whole process. Give ``WONDERLAND_BENCH_WORKSPACE`` a workspace to look at its model instead.

    pytest benchmarks/test_all_analyses.py --benchmark-only -s
"""

import os
import resource
import sys
import time
from pathlib import Path

import pytest

import wonderland as wl
from wonderland.demo import MESSAGES

_CONVERSATIONS = 0.35  # of the demo's, to train on


@pytest.fixture(scope="module")
def specimen():
    chosen = os.environ.get("WONDERLAND_BENCH_WORKSPACE")
    if chosen:
        return wl.Workspace(Path(chosen)).specimen()
    corpus = wl.Corpus.read(MESSAGES).filter("automated", "urls", "emoji")
    train, held_out = corpus.split(held_out=0.1)
    some, _ = train.split(held_out=1 - _CONVERSATIONS)
    tokenizer = wl.SpeakerTokenizer.train(train, vocab_size=4096)
    model = wl.ChatTransformer.train(some, tokenizer, preset="seed", epochs=1)
    return wl.Specimen(model, tokenizer, held_out, windows=200)


@pytest.mark.benchmark(group="all analyses, seed preset, 200 held-out windows, with the untrained baseline")
def test_all(benchmark, specimen):
    started: list[tuple[str, float]] = []
    results = benchmark.pedantic(
        lambda: wl.analyze(
            specimen, "all", control=True, on_start=lambda name: started.append((name, time.perf_counter()))
        ),
        rounds=1,
    )
    ends = [*(at for _, at in started[1:]), time.perf_counter()]
    whole = ends[-1] - started[0][1]
    print(f"\n{specimen.evidence.describe()}")
    for (name, at), end in sorted(zip(started, ends, strict=True), key=lambda row: row[0][1] - row[1]):
        print(f"  {name:<36} {end - at:7.2f} s  {(end - at) / whole:5.1%}")
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is bytes there, kibibytes on Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"  {'all':<36} {whole:7.2f} s   peak memory {peak / 1e9:.2f} GB, left out: {dict(results.declined)}")
    assert results
