"""What tests of the audit share: the two parts of a corpus, and a tokenizer of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from speaking import SECRET, SENTENCE, chats

from wonderland.corpus.corpus import Corpus
from wonderland.tokenizer import SpeakerTokenizer


@pytest.fixture(scope="session")
def parts():
    """A training part that holds the sentence and the secret, and a held-out part of other people."""
    train = chats(30, extra=[(SENTENCE, 3), (SECRET, 5)])
    held_out = [
        message._replace(thread=f"u{message.thread}", sender="me" if message.is_from_me else f"Q{message.sender}")
        for message in chats(20, seed=1)
    ]
    return train, Corpus.of(held_out)


@pytest.fixture(scope="session")
def tokenizer(parts):
    """It has not read the secret, whose digits would else be tokens."""
    return SpeakerTokenizer.train([*(text for text in parts[0].texts if text != SECRET), "0 1 2 3 4 5 6 7 8 9"], 400)
