"""Codes that nobody said, put into training text on purpose: how much does a model keep of one message?

Twice as many codes are drawn as are inserted on average: a fair coin decides for each. Whoever audits the model guesses
the coins from what the model holds of each code; right guesses bound its differential privacy from below (Steinke,
Nasr and Jagielski 2023, 2305.08846). Codes and coins follow from the seed, so they are stored nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

import pyarrow as pa

from wonderland.advice import Command, Hint
from wonderland.corpus.columns import Builder
from wonderland.corpus.messages import Message
from wonderland.errors import NotEnoughData

if TYPE_CHECKING:
    from wonderland.corpus.corpus import Corpus

__all__ = ["Canary", "draw", "inserted", "with_canaries"]

_BEFORE = "the code is "


@dataclass(frozen=True)
class Canary:
    """A code and its coin.

    Attributes:
        text: The message that holds it.
        times: How often it was put into the training text; 0 for never.
    """

    text: str
    times: int


def draw(count: int, seed: int = 0) -> list[Canary]:
    """Draw codes of six digits, all different, each with a coin."""
    random = Random(f"canaries {seed}")  # noqa: S311 - of no secret
    codes = random.sample(range(1_000_000), count)
    return [Canary(f"{_BEFORE}{code:06}", random.randrange(2)) for code in codes]


def inserted(corpus: Corpus, canaries: Sequence[Canary], seed: int = 0) -> Corpus:
    """Return a corpus with each canary as a message of mine, so often as it says, at places drawn at random.

    Raises:
        NotEnoughData: The corpus has no message.
    """
    if not len(corpus):
        raise NotEnoughData(
            "There is no message to put canaries between.", hint=Hint("Check `", Command("status"), "`.")
        )
    random = Random(f"places {seed}")  # noqa: S311
    said = [canary.text for canary in canaries for _ in range(canary.times)]
    if not said:
        return corpus
    after = sorted(random.randrange(len(corpus)) for _ in said)
    random.shuffle(said)
    threads = corpus.table.column("thread").take(pa.array(after)).to_pylist()
    builder = Builder()
    builder.extend(
        [
            Message(f"canary-{i}", thread, "me", True, None, text)
            for i, (text, thread) in enumerate(zip(said, threads, strict=True))
        ]
    )
    table, order, taken = pa.concat_tables([corpus.table, builder.table()]), list[int](), 0
    for message in range(len(corpus)):
        order.append(message)
        while taken < len(after) and after[taken] == message:
            order.append(len(corpus) + taken)
            taken += 1
    table = table.unify_dictionaries().take(pa.array(order)).combine_chunks()
    facts = {**corpus.ledger.facts, "Put in on purpose": {"canaries": len(said)}}
    ledger = replace(
        corpus.ledger, stored=corpus.ledger.stored + len(said), kept=corpus.ledger.kept + len(said), facts=facts
    )
    return replace(corpus, table=table, ledger=ledger)


def with_canaries(corpus: Corpus, count: int, seed: int = 0) -> Corpus:
    """Return a corpus with those of so many drawn canaries whose coin says so."""
    return inserted(corpus, draw(count, seed), seed) if count else corpus
