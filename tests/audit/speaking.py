"""Conversations of two kinds of people, and models whose answers are known."""

from __future__ import annotations

import random

import torch

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message
from wonderland.model.presets import Config
from wonderland.tokenizer import ME, THEM

SENTENCE = "the boat leaves at nine tomorrow from the old harbour"
SECRET = "my number is +44 20 7946 0958 if you need it"
WORDS = [
    "we",
    "can",
    "meet",
    "there",
    "after",
    "lunch",
    "or",
    "maybe",
    "later",
    "when",
    "you",
    "have",
    "time",
    "for",
    "a",
    "walk",
    "by",
    "the",
    "river",
    "with",
    "them",
]


class Speaking:
    """A model that says what it learned by heart whatever stood before, and anything else with equal probability."""

    device = torch.device("cpu")

    def __init__(self, sentences, d_vocab, n_ctx=64, sure=25.0):
        self.cfg = Config(1, 1, 4, 4, 4, n_ctx, d_vocab)
        self.sentences, self.sure, self.fingerprint = sentences, sure, "a model"
        self.after = {}  # what follows each beginning of a sentence
        for row in sentences:
            for length in range(1, len(row)):
                self.after.setdefault(tuple(row[:length]), set()).add(row[length])

    def untrained(self, seed=1):
        return Speaking([], self.cfg.d_vocab, self.cfg.n_ctx)

    def __call__(self, tokens):
        logits = torch.zeros(*tokens.shape, self.cfg.d_vocab)
        for r, row in enumerate(tokens.tolist()):
            said = ()
            for t, token in enumerate(row):
                said = (token,) if token in (ME, THEM) else (*said, token)
                for following in self.after.get(said, ()):
                    logits[r, t, following] = self.sure
        return logits


def chats(conversations=40, each=10, seed=0, extra=()):
    """Random messages of a small vocabulary, every conversation with a contact of its own; ``extra`` are said once."""
    draw = random.Random(seed)
    messages = []
    for thread in range(conversations):
        for place in range(each):
            mine = place % 2 == 0
            text = " ".join(draw.choice(WORDS) for _ in range(draw.randrange(8, 14)))
            sender = "me" if mine else f"P{thread:03}"
            messages.append(Message(f"{thread}-{place}", f"t{thread:03}", sender, mine, None, text))
    for number, (text, thread) in enumerate(extra):
        messages.append(Message(f"extra-{number}", f"t{thread:03}", "me", True, None, text))
    return Corpus.of(messages)
