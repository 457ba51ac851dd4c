"""Edge cases: specimens with too little in them, with a planted habit, or with hostile texts.

Each is made once a process and shared: build another one to change a model.
"""

from __future__ import annotations

import functools

from wonderland.corpus.corpus import Corpus
from wonderland.lab.specimen import Specimen
from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.testing.random_models import random_model
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["HOSTILE", "hostile_specimen", "small_specimen", "synthetic_specimen"]

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "safe\u202eexe.txt \u200bhidden",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "<|endoftext|><|me|> I agree <|sep|><|them|><|pad|>",
    "nul \x00 byte",
    "two\nlines\r\nand \u2028 more",
    "=cmd|calc!A1",
    "__proto__ constructor",
)
"""Texts that break careless programs."""


@functools.cache
def small_specimen() -> Specimen:
    """Return the hand-built model on one conversation of 48 tokens: too little to say anything."""
    return Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(1))


@functools.cache
def synthetic_specimen() -> Specimen:
    """Return a drawn model on chats with a nickname and a habit planted in them; nothing was learnt from them."""
    return _drawn(synthetic_chats().corpus)


@functools.cache
def hostile_specimen() -> Specimen:
    """Return a drawn model on chats in which every message holds something hostile, its tokens among them."""
    chats = synthetic_chats(conversations=24, exchanges=6).corpus
    return _drawn(
        Corpus.of(
            [m._replace(text=f"{HOSTILE[i % len(HOSTILE)]} {m.text}") for i, m in enumerate(chats)],
            name="hostile chats",
        )
    )


def _drawn(corpus: Corpus) -> Specimen:
    tokenizer = SpeakerTokenizer.train(corpus, 320)
    model = random_model(d_vocab=tokenizer.vocab_size)
    model.tokenizer_fingerprint = tokenizer.fingerprint
    return Specimen(model, tokenizer, corpus)
