"""Chats made up for the purpose, with a nickname and a habit planted in them.

Generated conversations with two things to find: a nickname that only ``me`` calls people by, and a habit: the other
asks where something is, and ``me`` answers with the same thing and the place where it always is. Both are invisible to
a bigram, since the thing to repeat stands several words back. Two of the answers can be exchanged for a share of the
time, so that two bodies of chats are apart by a known number of nats (`exchanged_divergence`). There are two controls,
and each takes something else away: `SyntheticChats.shuffled` has the same messages in the same order with speakers
dealt out at random, so that what depends on who speaks must not be found there; `SyntheticChats.scrambled` has the same
messages by the same speakers in random order, so that nothing a message takes from an earlier one must be found there.

What would fool it: a real corpus is not this regular. Finding what is planted is needed, not enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message

__all__ = ["CHAT_WORDS", "EXCHANGED", "SyntheticChats", "exchanged_divergence", "synthetic_chats"]

_NICKNAME = "bubs"
_PLACES = {
    "lamp": "upstairs",
    "bike": "outside",
    "ring": "here",
    "coat": "downstairs",
    "book": "there",
    "soup": "inside",
}
_SMALL_TALK = ("rain", "again", "maybe", "later", "fine", "sure", "home", "soon", "work", "today", "good", "well")

EXCHANGED = ("lamp", "bike")
"""The two things whose places are exchanged, if any are."""

CHAT_WORDS = ("where", "is", "the", *_PLACES, *_PLACES.values(), *_SMALL_TALK, _NICKNAME)
"""All words that are said in the chats."""


@dataclass(frozen=True)
class SyntheticChats:
    """Chats and the truth about them.

    Attributes:
        corpus: The messages.
        nickname: A word that only ``me`` writes.
        habit: For each question that ``them`` asks, the answer that ``me`` gives to it in the next message, always;
            of two things only most of the time, if these were exchanged for a share of it.
    """

    corpus: Corpus
    nickname: str
    habit: dict[str, str]

    def shuffled(self, seed: int = 0) -> SyntheticChats:
        """Return the same chats with the speakers of all messages in random order: the control."""
        speakers = np.random.default_rng(seed).permutation(self.corpus.is_from_me)
        messages = [
            message._replace(is_from_me=bool(mine), sender="me" if mine else message.thread)
            for message, mine in zip(self.corpus, speakers, strict=True)
        ]
        return replace(self, corpus=Corpus.of(messages, name="planted chats, speakers shuffled"))

    def scrambled(self, seed: int = 0) -> SyntheticChats:
        """Return the same messages by the same speakers, dealt out anew over all chats: the other control."""
        messages = list(self.corpus)
        order = np.random.default_rng(seed).permutation(len(messages))
        dealt = [
            place._replace(
                text=messages[index].text,
                is_from_me=messages[index].is_from_me,
                sender="me" if messages[index].is_from_me else place.thread,
            )
            for place, index in zip(messages, order, strict=True)
        ]
        return replace(self, corpus=Corpus.of(dealt, name="planted chats, messages scrambled"))


def synthetic_chats(
    conversations: int = 40, exchanges: int = 12, *, seed: int = 0, exchanged: float = 0.0
) -> SyntheticChats:
    """Generate chats.

    Args:
        conversations: How many, each with another person.
        exchanges: Exchanges of two messages in each: a question and its answer half of the time, else small talk.
        seed: Seed of everything.
        exchanged: For which share of the time the places of the lamp and of the bike are exchanged, 0 to 1. All else
            is the same for any share.

    Raises:
        ValueError: The share does not lie between 0 and 1.
    """
    if not 0 <= exchanged <= 1:
        raise ValueError(f"exchanged is a share, 0 to 1, and not {exchanged}.")
    coin = np.random.default_rng([seed, 1])  # of its own, so that all else is drawn alike
    random = np.random.default_rng(seed)
    habit = {f"where is the {thing}": f"the {thing} is {place}" for thing, place in _PLACES.items()}
    one, other = (f"where is the {thing}" for thing in EXCHANGED)
    instead = {
        one: f"the {EXCHANGED[0]} is {_PLACES[EXCHANGED[1]]}",
        other: f"the {EXCHANGED[1]} is {_PLACES[EXCHANGED[0]]}",
    }
    questions = list(habit)
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    messages: list[Message] = []

    def say(thread: int, mine: bool, text: str) -> None:
        person = f"person {thread}"
        when = begin + timedelta(days=thread, minutes=len(messages))
        name = "me" if mine else person
        messages.append(Message(str(len(messages)), person, name, mine, when, text))

    for thread in range(conversations):
        for _ in range(exchanges):
            if random.random() < 0.5:
                question = str(random.choice(questions))
                say(thread, False, question)
                answer = instead[question] if question in instead and coin.random() < exchanged else habit[question]
                say(thread, True, answer)
            else:
                mine = bool(random.integers(2))
                say(thread, mine, _small_talk(random, mine))
                say(thread, not mine, _small_talk(random, not mine))
    return SyntheticChats(Corpus.of(messages, name="planted chats"), _NICKNAME, habit)


def _small_talk(random: np.random.Generator, mine: bool) -> str:
    words = list(random.choice(_SMALL_TALK, random.integers(1, 4)))
    if mine and random.random() < 0.5:
        words.append(_NICKNAME)
    return " ".join(words)


def exchanged_divergence(one: float, other: float) -> float:
    """Return D, in nats a token, of chats in which two answers are exchanged for one share of the time or another.

    D is half of the two Kullback-Leibler divergences together. The laws differ at one place only: the word that says
    where the lamp or the bike is. A token is a word or the end of a message; no speaker is told.

    >>> round(exchanged_divergence(1 / 7, 6 / 7), 3)
    0.026
    >>> exchanged_divergence(0, 1)
    inf

    Args:
        one: The share in the first chats.
        other: The share in the second.
    """

    def apart(p: float, q: float) -> float:
        parts = ((p, q), (1 - p, 1 - q))
        return sum(0.0 if a == 0 else math.inf if b == 0 else a * math.log(a / b) for a, b in parts)

    places = 0.5 * len(EXCHANGED) / len(_PLACES)  # of an exchange: half are questions, each thing as often
    asked = 4 + 1 + 4 + 1
    small_talk = 2 * (2 + 1) + 0.5  # two messages of two words and their ends; a nickname in half of those by me
    return places / (0.5 * asked + 0.5 * small_talk) * (apart(one, other) + apart(other, one)) / 2
