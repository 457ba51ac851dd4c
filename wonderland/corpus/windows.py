"""Windows of messages, cut to the context: what a model is trained on and examined on.

The tokens of all messages lie in one stream, conversation after conversation, each message as its speaker, its text
after a space and a separator::

    <|them|> are you free<|sep|><|me|> yeah<|sep|>

A window is a run of messages of one conversation, so it is a slice of the stream whose last separator stands for
``<|endoftext|>``; windows overlap without being stored twice. A window longer than the context is cut at message
boundaries into several, and a message longer than the context into several pieces, each with its speaker: no token of
the corpus is left out, and `Windows.facts` counts every cut.

What would fool it: overlapping windows as evidence. With a stride under the window's size a message counts twice, so
held-out evidence uses ``stride == size``.
"""

from __future__ import annotations

import functools
import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from wonderland.advice import Command, Hint, Options
from wonderland.corpus.corpus import Corpus
from wonderland.errors import InputError, NotEnoughData, UsageError
from wonderland.memory import give_back

__all__ = ["Windows", "pack", "windows_a_message", "windows_of"]

_END, _ME, _THEM, _SEP = 0, 1, 2, 3  # the ids the tokenizer fixes


class Encodes(Protocol):
    """What is asked of a tokenizer here; `wonderland.SpeakerTokenizer` is one."""

    @property
    def vocab_size(self) -> int:
        """How many tokens it has."""
        ...

    def encode_messages(self, texts: Sequence[str]) -> Sequence[list[int]]:
        """Return the tokens of each text."""
        ...


@dataclass(frozen=True)
class Windows:
    """Windows over one stream of tokens.

    Attributes:
        stream: Tokens of every message, [token], uint16 or int32.
        start: First token of each window in the stream, [window].
        stop: One past its last token, [window].
        conversation: Number of the conversation each window is from, [window].
        facts: Counts: messages, windows, windows cut to fit the context, messages split.
    """

    stream: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    conversation: np.ndarray
    facts: dict[str, int]

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return the tokens of one window, int64, ending in ``<|endoftext|>``."""
        tokens = self.stream[self.start[index] : self.stop[index]].astype(np.int64)
        tokens[-1] = _END
        return tokens

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each window, [window]."""
        lengths: np.ndarray = self.stop - self.start
        return lengths

    @functools.cached_property
    def fingerprint(self) -> str:
        """A short hash of the tokens and of where they are cut."""
        digest = hashlib.sha256()
        for part in (self.stream, self.start, self.stop, self.conversation):
            digest.update(np.ascontiguousarray(part, dtype=part.dtype.newbyteorder("<")).data)
        return digest.hexdigest()[:16]

    def batch(self, chosen: np.ndarray, pad: int) -> np.ndarray:
        """Return windows as rows [chosen, longest of them], padded on the right."""
        lengths = self.lengths[chosen]
        rows = np.full((len(chosen), int(lengths.max())), pad, dtype=np.int64)
        for row, index in enumerate(chosen):
            rows[row, : lengths[row]] = self[index]
        return rows

    def save(self, folder: Path) -> None:
        """Write the arrays as ``.npy`` files, so that they can be memory-mapped."""
        for name in ("stream", "start", "stop", "conversation"):
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, facts: dict[str, int] | None = None) -> Windows:
        """Read what `save` wrote, memory-mapped."""
        names = ("stream", "start", "stop", "conversation")
        try:
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names}
            stream, start, stop, conversation = (arrays[name] for name in names)
            if not len(start) == len(stop) == len(conversation) or (stop > len(stream)).any() or (start >= stop).any():
                raise ValueError("the arrays do not belong together")
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"There are no readable tokens in {folder}: {error}.", hint=Hint("Run `", Command("tokenize"), "`.")
            ) from error
        return cls(**arrays, facts=facts or {})


def pack(corpus: Corpus, tokenizer: Encodes, *, size: int = 8, stride: int = 4, context: int = 128) -> Windows:
    """Lay a corpus out as windows of tokens.

    Args:
        corpus: The messages.
        tokenizer: The tokenizer that encodes them.
        size: Messages a window.
        stride: Messages from one window to the next of the same conversation.
        context: Most tokens a window may have.

    Raises:
        NotEnoughData: The corpus is empty.
        UsageError: ``stride`` would step over messages, or ``context`` holds no text beside the specials.
    """
    if not 1 <= stride <= size:
        raise UsageError(
            f"A window of {size} messages takes a stride from 1 to {size}, not {stride}.",
            hint=Hint("For example: ", Options(stride=max(1, size // 2))),
        )
    if context < 3:
        raise UsageError(
            f"A context holds a speaker, a token and a separator: at least 3 tokens, not {context}.",
            hint="For example: context=256",
        )
    if not len(corpus):
        raise NotEnoughData(
            "There is no message left to make windows of.", hint=Hint("Check `", Command("status"), "`.")
        )
    kind = np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.int32
    streams, lengths, conversations = list[np.ndarray](), list[np.ndarray](), list[np.ndarray]()
    split = 0
    room = context - 2  # a piece has its speaker before and a separator after
    give_back()  # what was freed on the way here, of millions of messages a table or two
    speakers = np.where(corpus.is_from_me, np.uint8(_ME), np.uint8(_THEM))
    threads = corpus.thread_index
    begin = 0
    for texts in corpus.texts_in_parts():  # of each part only arrays are kept: millions of small ones fill the memory
        tokens, sizes, messages = list[int](), list[int](), list[int]()
        for message, ids in enumerate(tokenizer.encode_messages(texts), begin):
            parts = [ids] if len(ids) <= room else [ids[i : i + room] for i in range(0, len(ids), room)]
            split += len(parts) > 1
            speaker = int(speakers[message])
            for part in parts:
                tokens.append(speaker)
                tokens += part
                tokens.append(_SEP)
                sizes.append(len(part) + 2)
                messages.append(message)
        begin += len(texts)
        streams.append(np.array(tokens, dtype=kind))
        lengths.append(np.array(sizes, dtype=np.int32))
        conversations.append(threads[messages].astype(np.int32))
    stream, threads = np.concatenate(streams), np.concatenate(conversations)
    each = np.concatenate(lengths)
    del streams, lengths, conversations  # what is made of millions of messages below would come on top of them
    ends = np.cumsum(each, dtype=np.int64)
    starts = ends - each
    first, last, cut = _ranges(threads, starts, ends, size, stride, context)
    facts = {
        "messages": len(corpus),
        "tokens": int(ends[-1]),
        "windows": len(first),
        "windows cut": cut,
        "messages split": split,
    }
    return Windows(stream, starts[first], ends[last - 1], threads[first].astype(np.int64), facts)


def windows_a_message(lengths: np.ndarray, *, size: int = 8, stride: int = 4) -> float:
    """Return in how many windows of `pack` a message is on average: 1 where no conversation is longer than a window.

    Args:
        lengths: Messages of each conversation, [conversation].
        size: Messages a window.
        stride: Messages from one window to the next of the same conversation.

    >>> windows_a_message(np.array([3, 8])), windows_a_message(np.array([12]))
    (1.0, 1.3333333333333333)
    """
    further = windows_of(lengths, size=size, stride=stride) - len(lengths)  # windows after the first
    return float((lengths.sum() + further * (size - stride)) / lengths.sum())


def windows_of(lengths: np.ndarray, *, size: int = 8, stride: int = 4) -> int:
    """Return how many windows `pack` makes, but for those it cuts in pieces since they do not fit the context.

    Args:
        lengths: Messages of each conversation, [conversation].
        size: Messages a window.
        stride: Messages from one window to the next of the same conversation.

    >>> windows_of(np.array([3, 8])), windows_of(np.array([12]))
    (2, 2)
    """
    return len(lengths) + int(np.ceil((lengths - size).clip(min=0) / stride).sum())


def _ranges(
    conversations: np.ndarray, starts: np.ndarray, ends: np.ndarray, size: int, stride: int, context: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return first and one-past-last message of each window that fits the context, and how many windows were cut."""
    bounds = np.flatnonzero(np.r_[True, conversations[1:] != conversations[:-1], True])
    first, last, cut = array("q"), array("q"), 0  # numbers, not objects: of millions of messages there are millions
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        at = begin
        while True:
            stop = min(at + size, end)
            pieces = 0
            left = at
            while left < stop:
                fits = int(np.searchsorted(ends[left:stop], starts[left] + context, side="right"))
                first.append(left)
                last.append(left + fits)
                left += fits
                pieces += 1
            cut += pieces > 1
            if stop == end:
                break
            at += stride
    return np.array(first), np.array(last), cut
