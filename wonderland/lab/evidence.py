"""Evidence: the fixed held-out windows a model is examined on, and who speaks where in them.

Windows do not overlap (stride equals size) and are long enough to matter: statistics of attention taken on a handful
of six-token prompts say little about a model of 128 tokens. Below 200 windows of 64 tokens the evidence is marked as
thin, and everything computed from it carries the mark.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np

from wonderland.advice import Command, Hint
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.windows import pack
from wonderland.errors import NotEnoughData, UsageError, must_be, must_be_whole
from wonderland.tokenizer import ME, PAD, THEM, SpeakerTokenizer

__all__ = ["Evidence", "rows_of_tokens"]

ENOUGH_WINDOWS, ENOUGH_TOKENS = 200, 64
_MOST = 1 << 62
_SEQUENCES = "For example: [[2, 300, 301], [2, 302]]; of one window: [[2, 300, 301]]"
_NUMBERED = "For example: conversation=[0, 0, 1]"


@dataclass(frozen=True)
class Evidence:
    """Windows of tokens, one a row, padded on the right.

    Attributes:
        tokens: [window, pos], int64.
        lengths: Tokens of each window, [window].
        conversation: Number of the conversation each window is from, [window]: the unit of resampling.
        seed: Seed of the choice.
        speakers: Whether tokens say who speaks. Where they do not, asking for it raises `NotEnoughData`, so that what
            needs to know declines with the reason.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    conversation: np.ndarray
    seed: int = 0
    speakers: bool = True

    @classmethod
    def choose(
        cls,
        held_out: Corpus,
        tokenizer: SpeakerTokenizer,
        *,
        context: int,
        windows: int = ENOUGH_WINDOWS,
        seed: int = 0,
    ) -> Evidence:
        """Choose windows from held-out conversations, long ones first choice, at random among those.

        Args:
            held_out: Conversations the model was not trained on.
            tokenizer: The model's tokenizer.
            context: The model's context.
            windows: How many to choose.
            seed: Seed of the choice.

        Raises:
            NotEnoughData: There is no window of two tokens.
            UsageError: No window is asked for, or the seed is under 0.
        """
        _must_be_possible(windows, seed)
        packed = pack(held_out, tokenizer, size=8, stride=8, context=context)
        lengths = packed.lengths
        long = np.flatnonzero(lengths >= min(ENOUGH_TOKENS, context))
        if len(long) < windows:  # too few long ones: take the longest there are, marked as thin
            long = np.argsort(-lengths, kind="stable")[:windows]
            long = long[lengths[long] > 1]
        if not len(long):
            raise NotEnoughData(
                "The held-out part has no window of two tokens.", hint="Hold more out, or read more messages."
            )
        chosen = np.sort(np.random.default_rng(seed).permutation(long)[:windows])
        return cls(packed.batch(chosen, PAD), lengths[chosen], packed.conversation[chosen], seed)

    @classmethod
    def of_tokens(
        cls,
        sequences: Iterable[Iterable[int]],
        conversation: Sequence[int] | None = None,
        *,
        windows: int = ENOUGH_WINDOWS,
        seed: int = 0,
        speakers: bool = False,
    ) -> Evidence:
        """Take sequences of tokens as they are, some at random if there are more than asked for.

        Args:
            sequences: Token numbers of each window; those of fewer than two tokens say nothing and are left out.
            conversation: Number of the conversation or text each is from; each is its own if None.
            windows: How many to take at most.
            seed: Seed of the choice.
            speakers: Whether tokens say who speaks.

        Raises:
            NotEnoughData: No sequence has two tokens.
            UsageError: A sequence holds something else than whole numbers, there are not as many conversations as
                sequences, no window is asked for, or the seed is under 0.
        """
        _must_be_possible(windows, seed)
        rows = rows_of_tokens(sequences)
        groups = np.arange(len(rows)) if conversation is None else np.asarray(conversation)
        if groups.ndim != 1 or (groups.size and groups.dtype.kind not in "iu"):
            raise UsageError("Conversations are numbered by whole numbers, one for each sequence.", hint=_NUMBERED)
        if len(groups) != len(rows):
            raise UsageError(
                f"{len(rows)} sequences have {len(groups)} numbers of conversations.",
                hint="Give one for each sequence, or none: each is then a conversation of its own.",
            )
        kept = [index for index, sequence in enumerate(rows) if len(sequence) > 1]
        if not kept:
            raise NotEnoughData("There is no sequence of two tokens.", hint="Give longer texts, or longer sequences.")
        chosen = np.sort(np.random.default_rng(seed).permutation(kept)[:windows])
        lengths = np.array([len(rows[index]) for index in chosen])
        tokens = np.full((len(chosen), lengths.max()), PAD, dtype=np.int64)
        for row, index in enumerate(chosen):
            tokens[row, : lengths[row]] = rows[index]
        return cls(tokens, lengths, groups[chosen], seed, speakers)

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, windows: slice) -> Evidence:
        """Return some of the windows, no longer than the longest of them."""
        longest = int(self.lengths[windows].max())
        return replace(
            self,
            tokens=np.ascontiguousarray(self.tokens[windows, :longest]),
            lengths=self.lengths[windows],
            conversation=self.conversation[windows],
        )

    @property
    def enough(self) -> bool:
        """Whether there are at least 200 windows of at least 64 tokens."""
        return bool(len(self) >= ENOUGH_WINDOWS and self.lengths.min() >= ENOUGH_TOKENS)

    @functools.cached_property
    def mask(self) -> np.ndarray:
        """Where there is a token, not padding, [window, pos]."""
        return np.asarray(np.arange(self.tokens.shape[1]) < self.lengths[:, None])

    @functools.cached_property
    def is_speaker(self) -> np.ndarray:
        """Where the token says who speaks, [window, pos].

        Raises:
            NotEnoughData: Tokens do not say so; the same of all that follows from it.
        """
        if not self.speakers:
            raise NotEnoughData(
                "It needs to know who speaks, which the tokens of this model do not say.",
                hint=Hint("Train a ChatTransformer on conversations: ", Command("run")),
            )
        return np.asarray((self.tokens == ME) | (self.tokens == THEM))

    @functools.cached_property
    def speaker_position(self) -> np.ndarray:
        """Position of the latest speaker token at or before each position, [window, pos]."""
        at = np.where(self.is_speaker, np.arange(self.tokens.shape[1]), 0)
        return np.asarray(np.maximum.accumulate(at, axis=1))

    @functools.cached_property
    def speaker(self) -> np.ndarray:
        """Who is speaking at each position, as the id of the speaker token, [window, pos]."""
        return np.asarray(np.take_along_axis(self.tokens, self.speaker_position, axis=1))

    @functools.cached_property
    def message(self) -> np.ndarray:
        """Number of the message, within its window, that each position belongs to, [window, pos]."""
        return np.asarray(np.maximum(np.cumsum(self.is_speaker, axis=1) - 1, 0))

    def describe(self) -> dict[str, Any]:
        """Return what the evidence is, as JSON values."""
        return {
            "windows": len(self),
            "conversations": len(np.unique(self.conversation)),
            "tokens": int(self.lengths.sum()),
            "shortest window": int(self.lengths.min()),
            "longest window": int(self.lengths.max()),
            "seed": self.seed,
            "enough": self.enough,
        }


def rows_of_tokens(sequences: Iterable[Iterable[int]]) -> list[np.ndarray]:
    """Return each sequence of tokens as an array [pos] of int64.

    Args:
        sequences: Lists, arrays or tensors of whole numbers.

    Raises:
        UsageError: A sequence holds something else, or is none.
    """
    must_be(sequences, Iterable, "sequences of tokens are lists of whole numbers", _SEQUENCES)
    if isinstance(sequences, (str, bytes, dict)):
        raise UsageError(
            f"Sequences of tokens are lists of whole numbers, not {type(sequences).__name__}.", hint=_SEQUENCES
        )
    rows = []
    for number, sequence in enumerate(sequences, start=1):
        plain = sequence.tolist() if hasattr(sequence, "tolist") else sequence
        if not isinstance(plain, Iterable) or isinstance(plain, (str, bytes, dict)):
            told = f"Sequence {number} of tokens is a list of whole numbers, not {type(sequence).__name__}."
            raise UsageError(told, hint=_SEQUENCES)
        tokens = list(plain)
        strange = [one for one in tokens if not isinstance(one, Integral) or isinstance(one, bool)]
        if strange:
            raise UsageError(f"Sequence {number} holds {strange[0]!r}, which is no whole number.", hint=_SEQUENCES)
        if beyond := [one for one in tokens if not -_MOST <= one < _MOST]:
            raise UsageError(f"Sequence {number} holds {beyond[0]!r}, which is no token.", hint=_SEQUENCES)
        rows.append(np.array(tokens, dtype=np.int64))
    return rows


def _must_be_possible(windows: int, seed: int) -> None:
    must_be_whole(windows, "windows", 1)
    must_be_whole(seed, "seed")
