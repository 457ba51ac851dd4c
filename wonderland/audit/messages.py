"""Which messages are examined? Those that were read and those that were held out, laid out as training laid them out.

A message is examined alone behind its speaker, and again behind what stood before it in one of its training windows: a
context that training never showed hides what was learned by heart.

What would fool it: a split by time. Both parts then hold the same conversations, and whatever is new looks unread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wonderland.advice import Command, Hint
from wonderland.audit.forcing import spoken
from wonderland.corpus.corpus import Corpus
from wonderland.errors import NotEnoughData
from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["Messages"]

_SIZE, _STRIDE = 8, 4  # messages of a training window, and from one to the next
_LEAST = 20


@dataclass(frozen=True)
class Messages:
    """The messages of both parts, conversation after conversation, those that were read first.

    Attributes:
        texts: What was written, [message].
        rows: Tokens of each: its speaker, its text, the separator.
        read: Whether the model was trained on it, [message].
        conversation: Number of its conversation, those of the two parts apart, [message].
        sender: Who wrote it, [message].
        by_time: Whether the parts hold the same conversations.
    """

    texts: Sequence[str]
    rows: Sequence[list[int]]
    read: np.ndarray
    conversation: np.ndarray
    sender: np.ndarray
    by_time: bool

    @classmethod
    def of(cls, train: Corpus, held_out: Corpus, tokenizer: SpeakerTokenizer) -> Messages:
        """Lay out the two parts of a corpus."""
        parts = (train, held_out)
        texts = [text for part in parts for text in part.texts]
        mine = np.concatenate([part.is_from_me for part in parts])
        known = len(train.thread_starts)
        threads = [set(part.table.column("thread").unique().to_pylist()) for part in parts]
        return cls(
            texts,
            spoken(tokenizer, texts, mine.tolist()),
            np.arange(len(texts)) < len(train),
            np.concatenate([train.thread_index, held_out.thread_index + known]),
            np.array([name for part in parts for name in part.table.column("sender").to_pylist()], dtype=object),
            bool(threads[0] & threads[1]),
        )

    def __len__(self) -> int:
        return len(self.texts)

    def sample(self, read: bool, count: int, least: int, seed: int, *, most: int) -> np.ndarray:
        """Return the numbers of some messages of so many tokens, the separator counted, in order.

        Args:
            read: Of those that were read, or of those held out.
            count: How many at most; 0 for all.
            least: Fewest tokens after the speaker.
            seed: Seed of the choice.
            most: Most tokens, the speaker counted: those of the model's context.

        Raises:
            NotEnoughData: There are fewer than twenty.
        """
        long = np.array([least < len(row) <= most for row in self.rows], dtype=bool)
        found = np.flatnonzero(long & (self.read == read))
        if len(found) < _LEAST:
            part, more = (
                ("training", Hint("Give more messages, or hold out fewer of them: ", Command("tokenize", held_out=0.1)))
                if read
                else (
                    "held-out",
                    Hint("Give more messages, or hold out more of them: ", Command("tokenize", held_out=0.2)),
                )
            )
            one = len(found) == 1
            which = f"{f'Only {len(found)}' if len(found) else 'No'} {part} message{' has' if one else 's have'}"
            fits = f"{least} tokens or more and fit{'s' if one else ''} the context of {most:,}"
            raise NotEnoughData(
                f"{which} {fits}, and an audit takes {_LEAST}.",
                hint=more,
            )
        if count and len(found) > count:
            found = np.random.default_rng(seed).choice(found, count, replace=False)
        return np.sort(found)

    def too_long(self, most: int) -> list[int]:
        """Return how many messages have more tokens than that, of those that were read and of those held out."""
        long = np.array([len(row) > most for row in self.rows], dtype=bool)
        return [int((long & (self.read == read)).sum()) for read in (True, False)]

    def contexts(self, chosen: np.ndarray) -> list[list[int]]:
        """Return the tokens before each message in the earlier of its training windows, a list each."""
        starts = np.flatnonzero(np.r_[True, self.conversation[1:] != self.conversation[:-1]])
        begins = starts[np.searchsorted(starts, chosen, side="right") - 1]
        told = []
        for i, begin in zip(chosen.tolist(), begins.tolist(), strict=True):
            place = i - begin
            window = max(0, place // _STRIDE * _STRIDE - (_SIZE - _STRIDE))
            told.append([token for j in range(begin + window, i) for token in self.rows[j]])
        return told
