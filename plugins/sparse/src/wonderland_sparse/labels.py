"""What can be said of a place in a conversation without a language model: the labels that may explain a latent.

Families of labels, of which each place has one each: the token here, before, two before; the word without case and
space; the kind of token; who speaks; where in the window; and whether the message holds a question mark, or will hold
one. What comes next is a family apart (`COMING`): it is about what a place leads to, not about what it is. A latent is
explained by the label that its firing agrees with best, by F1, the harmonic mean of how often it fires
where the label is (recall) and the label is where it fires (precision).

The label is chosen on one text and its F1 reported on another: of some thousand labels the best one always fits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wonderland.tokenizer import ME, SPECIALS, THEM
from wonderland.views import Quoted, Text, say
from wonderland_sparse.streams import Places

__all__ = ["COMING", "CONTEXTUAL", "Explained", "Labels", "explain", "named"]

_LEAST = 20  # places a label must have on the text where it is chosen
_KINDS = (
    "special token",
    "number",
    "sign",
    "capital letters",
    "capitalised word",
    "beginning of a word",
    "inside of a word",
)
_PLACES = ("position 0 to 3", "position 4 to 15", "position 16 to 63", "position 64 and later")
_HERE = ("token", "word", "kind")
CONTEXTUAL = ("before", "two before", "speaker", "question")
"""Families that the current token and its position do not decide."""
COMING = ("next",)
"""Families about the token that follows; asked for by name only."""


@dataclass(frozen=True)
class Labels:
    """The labels of a text.

    Attributes:
        of: Number of the label of each place, by family, [token]; −1 where it has none.
        names: Names of the labels of each family.
    """

    of: dict[str, np.ndarray]
    names: dict[str, list[Text | str]]

    @classmethod
    def read(cls, places: Places, pieces: Sequence[str], *, speakers: bool) -> Labels:
        """Label each place of a text.

        Args:
            places: The text.
            pieces: The token of each number of the vocabulary.
            speakers: Whether tokens say who speaks.
        """
        tokens, first = places.tokens.astype(np.int64), places.position == 0
        before = np.where(first, -1, np.roll(tokens, 1))
        earlier = np.where(places.position < 2, -1, np.roll(tokens, 2))
        following = np.where(np.r_[first[1:], True], -1, np.roll(tokens, -1))
        quoted = [Quoted(piece, "token") for piece in pieces]
        words = {word: number for number, word in enumerate(sorted({_word(piece) for piece in pieces}))}
        word_of = np.array([words[_word(piece)] for piece in pieces])
        kind_of = np.array([_kind(number, piece) for number, piece in enumerate(pieces)])
        of = {
            "token": tokens,
            "word": word_of[tokens],
            "kind": kind_of[tokens],
            "before": before,
            "two before": earlier,
            "place": np.digitize(places.position, (4, 16, 64)),
            "next": following,
        }
        names: dict[str, list[Text | str]] = {
            "token": [say("{token}", token=one) for one in quoted],
            "word": [say("{word}, however it is written", word=Quoted(word)) for word in words],
            "kind": list(_KINDS),
            "before": [say("after {token}", token=one) for one in quoted],
            "two before": [say("two after {token}", token=one) for one in quoted],
            "place": list(_PLACES),
            "next": [say("{token} follows", token=one) for one in quoted],
        }
        if speakers:
            spoken = tokens >= len(SPECIALS)
            opens = (tokens == ME) | (tokens == THEM)
            begun = np.maximum.accumulate(np.where(opens | first, np.arange(len(tokens)), 0))
            of["speaker"] = np.where(spoken & opens[begun], (tokens[begun] == THEM).astype(np.int64), -1)
            names["speaker"] = ["me speaks", "them speaks"]
            asks = np.isin(tokens, [number for number, piece in enumerate(pieces) if "?" in piece])
            message = np.cumsum(opens | first) - 1
            last = np.full(message.max() + 1, -1)
            np.maximum.at(last, message[asks], np.flatnonzero(asks))
            earliest = np.full(message.max() + 1, len(tokens))
            np.minimum.at(earliest, message[asks], np.flatnonzero(asks))
            at = np.arange(len(tokens))
            of["question"] = np.where(last[message] > at, 0, np.where(earliest[message] < at, 1, -1))
            names["question"] = ["a question mark will come in this message", "after this message's question mark"]
        return cls(of, names)


def _word(piece: str) -> str:
    return re.sub(r"(.+?)\1+", r"\1", piece.strip().casefold()) or piece


def _kind(number: int, piece: str) -> int:
    bare = piece.strip()
    if number < len(SPECIALS):
        return 0
    if any(c.isdigit() for c in bare):
        return 1
    if not any(c.isalpha() for c in bare):
        return 2
    if len(bare) > 1 and bare.isupper():
        return 3
    if bare[:1].isupper():
        return 4
    return 5 if piece[:1].isspace() else 6


@dataclass(frozen=True)
class Explained:
    """The best label of each unit, [unit] each.

    Attributes:
        family: Number of its family, in the order of the labels; −1 of a unit that never fires.
        label: Its number in its family.
        f1: On the text where it was not chosen; NaN where neither is there.
        precision: Of firing there.
        recall: Of the label there.
        chosen: F1 where it was chosen: too high.
    """

    family: np.ndarray
    label: np.ndarray
    f1: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    chosen: np.ndarray


def explain(
    rows: np.ndarray,
    units: np.ndarray,
    count: int,
    labels: Labels,
    rows_elsewhere: np.ndarray,
    units_elsewhere: np.ndarray,
    elsewhere: Labels,
    families: Sequence[str] | None = None,
) -> Explained:
    """Choose the label each unit's firing agrees with best on one text, and measure it on another.

    Args:
        rows: Where something fires on the first text, [firing]; ``units`` what, of ``count``.
        units: Which unit fires.
        count: How many units there are.
        labels: Labels of the first text.
        rows_elsewhere: The same of the second text.
        units_elsewhere: The same.
        elsewhere: Labels of the second text.
        families: Only these families; all but what comes next if None.
    """
    fires = np.bincount(units, minlength=count)
    best = np.full(count, -1.0)
    family, label = np.full(count, -1), np.zeros(count, dtype=np.int64)
    names = list(labels.of)
    for number, name in enumerate(names):
        if name not in families if families is not None else name in COMING:
            continue
        of, size = labels.of[name], len(labels.names[name])
        there = np.bincount(of[of >= 0], minlength=size)
        allowed = np.flatnonzero(there >= _LEAST)
        if not len(allowed):
            continue
        small = np.full(size + 1, -1)  # number of an allowed label; the last for places that have none
        small[allowed] = np.arange(len(allowed))
        found = small[of[rows]]
        kept = found >= 0
        both = np.bincount(units[kept] * len(allowed) + found[kept], minlength=count * len(allowed))
        f1 = 2 * both.reshape(count, -1) / np.maximum(fires[:, None] + there[allowed], 1)
        top = f1.argmax(1)
        better = f1[np.arange(count), top] > best
        best = np.where(better, f1[np.arange(count), top], best)
        family, label = np.where(better, number, family), np.where(better, allowed[top], label)
    family[fires == 0] = -1
    fires_there = np.bincount(units_elsewhere, minlength=count)
    true, total = np.zeros(count), np.zeros(count)
    for number, name in enumerate(names):
        of = elsewhere.of[name]
        hit = (family[units_elsewhere] == number) & (of[rows_elsewhere] == label[units_elsewhere])
        true += np.bincount(units_elsewhere[hit], minlength=count)
        sizes = np.bincount(of[of >= 0], minlength=len(elsewhere.names[name]))
        total = np.where(family == number, sizes[np.where(family == number, label, 0)], total)
    with np.errstate(invalid="ignore", divide="ignore"):
        found_f1 = 2 * true / (fires_there + total)
        return Explained(family, label, found_f1, true / fires_there, true / total, np.where(family < 0, np.nan, best))


def named(labels: Labels, found: Explained, unit: int) -> Any:
    """Return the name of the label of a unit; nothing if it has none."""
    family = int(found.family[unit])
    return "" if family < 0 else labels.names[list(labels.of)[family]][int(found.label[unit])]
