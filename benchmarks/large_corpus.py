"""How much memory and time does a large corpus take, from a file to packed tokens?

    python benchmarks/large_corpus.py 500000

makes so many messages (never held at once), and then reads, filters, tokenizes and packs them, each step in the same
process, saying after each how long it took and the most memory the process has had so far.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

_WORDS = ("you", "the", "to", "and", "I", "it", "that", "is", "what", "are", "we", "on", "for", "tomorrow", "yeah")
_WORDS += ("dinner", "late", "train", "home", "call", "later", "sure", "haha", "ok", "when", "where", "see", "good")


def write(path: Path, count: int) -> None:
    """Write messages as JSON Lines: conversations of 40, words by Zipf's law out of 20,000."""
    draw = random.Random(0)
    rare = [f"{draw.choice(_WORDS)}{draw.choice('aeiou')}{i}" for i in range(20_000)]
    words = [*_WORDS, *rare]
    weights = [1 / (rank + 2) for rank in range(len(words))]
    pool = draw.choices(words, weights, k=1 << 20)
    with open(path, "w", encoding="utf-8") as file:
        at = 0
        for number in range(count):
            length = 1 + int(draw.expovariate(1 / 7))
            at = (at + length) % (len(pool) - 64)
            thread = number // 40
            row = {
                "id": str(number),
                "thread": f"t{thread}",
                "sender": "me" if (number * 7919) % 5 < 2 else f"p{thread % 300}",
                "is_from_me": (number * 7919) % 5 < 2,
                "text": " ".join(pool[at : at + min(length, 60)]),
                "timestamp": 1_500_000_000 + number * 30,
            }
            file.write(json.dumps(row) + "\n")


def main(count: int) -> None:
    import wonderland as wl
    from wonderland.corpus.windows import pack

    began = time.perf_counter()

    def told(what: str, more: str = "") -> None:
        nonlocal began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        cpu = time.process_time()
        print(
            f"{what:<10} {time.perf_counter() - began:7.1f} s, CPU {cpu:7.1f} s so far, peak {peak:5.2f} GB {more}",
            flush=True,
        )
        began = time.perf_counter()

    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "messages.jsonl"
        write(file, count)
        told("written", f"{file.stat().st_size / 1e6:,.0f} MB")
        corpus = wl.Corpus.read(file)
        told("read", f"{len(corpus):,} messages")
        corpus = corpus.filter("automated", "short-codes", "urls", "emoji")
        told("filtered", f"{len(corpus):,} left")
        train, _ = corpus.split(held_out=0.1)
        del corpus  # as in a workspace, which keeps the two parts
        told("split")
        tokenizer = wl.SpeakerTokenizer.train(train, vocab_size=4096)
        told("tokenizer")
        windows = pack(train, tokenizer)
        told("packed", f"{windows.facts['tokens']:,} tokens in {len(windows):,} windows")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
