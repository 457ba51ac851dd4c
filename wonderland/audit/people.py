"""Of whom does the model give something back, and whose words are tokens? By pseudonym, where the data allow it.

Whether somebody is in the training text at all can be told by person only if enough people are not: those who wrote in
held-out conversations alone. A split by conversation leaves few of them, so this part often declines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from wonderland.audit.completion import share
from wonderland.audit.membership import auc_estimate
from wonderland.audit.messages import Messages
from wonderland.corpus.people import ME
from wonderland.errors import NotEnoughData
from wonderland.estimate import FEW, Estimate
from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["CLASSES", "PART", "by_person", "membership_by_person", "vocabulary"]

CLASSES = ("only me", "1 contact", "2 to 4", "5 or more")
"""By how many contacts, people beside the owner, a word was used."""
PART = "word part"
"""What else a token is: a part of words, or a sign."""

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SHOWN = 200


def by_person(
    messages: Messages, chosen: np.ndarray, hits: np.ndarray, secrets: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return how many messages of each contact are completed word for word, those with most hits first.

    Args:
        messages: All messages.
        chosen: Numbers of the training messages that were examined.
        hits: Whether each of them was completed, [chosen].
        secrets: How many secrets each said.
    """
    senders = messages.sender[chosen]
    rows = []
    for name in sorted({*senders.tolist()} - {ME}):
        own = senders == name
        one = share(hits[own], messages.conversation[chosen][own])
        told = int((~np.isnan(hits[own])).sum())
        rows.append(
            {
                "person": name,
                "messages": told,
                "completed": int(np.nansum(hits[own])),
                "share": one,
                "secrets": int(secrets.get(name, 0)),
            }
        )
    rows.sort(key=lambda row: (-row["secrets"], -row["completed"], -row["messages"]))
    return rows[:_SHOWN]


def membership_by_person(messages: Messages, chosen: np.ndarray, scores: np.ndarray) -> Estimate:
    """Return with which AUC one can tell of a contact that the model read them.

    Args:
        messages: All messages.
        chosen: Numbers of the messages that were examined.
        scores: The score of each, [chosen].

    Raises:
        NotEnoughData: Too few contacts stand in held-out conversations alone.
    """
    senders, read = messages.sender[chosen], messages.read[chosen]
    people = sorted({*senders.tolist()} - {ME})
    known = {*messages.sender[messages.read].tolist()}
    is_read = np.array([name in known for name in people])
    alone = int((~is_read).sum())
    if min(alone, int(is_read.sum())) < FEW:
        raise NotEnoughData(
            f"{alone} of {len(people)} contacts stand in held-out conversations alone, and an AUC by contact takes "
            f"{FEW}: it needs a split by contact."
        )
    # Of those who were read, only what was read counts.
    means = np.array(
        [
            float(scores[(senders == name) & (read == was)].mean())
            if ((senders == name) & (read == was)).any()
            else np.nan
            for name, was in zip(people, is_read, strict=True)
        ]
    )
    told = ~np.isnan(means)
    one = auc_estimate(means[told], is_read[told], np.arange(int(told.sum())))
    return Estimate(one.value, one.low, one.high, n=one.n, unit="AUC", chance=0.5, resampled_over="contacts")


def vocabulary(messages: Messages, tokenizer: SpeakerTokenizer) -> dict[str, int]:
    """Count the tokens that are whole words of the training text, by how many contacts used the word; see `CLASSES`.

    Returns:
        Counts by class, and `PART` for the rest of the vocabulary.
    """
    users: dict[str, set[str]] = {}
    for i in np.flatnonzero(messages.read).tolist():
        sender = messages.sender[i]
        for word in {word.casefold() for word in _WORD.findall(messages.texts[i])}:
            known = users.setdefault(word, set())
            if sender != ME and len(known) < 5:
                known.add(sender)
    counts = dict.fromkeys((*CLASSES, PART), 0)
    for piece in tokenizer.pieces(range(tokenizer.vocab_size)):
        word = piece.strip().casefold()
        whole = piece.startswith(" ") and len(word) > 1 and word in users
        many = len(users[word]) if whole else 0
        label = CLASSES[0 if many == 0 else 1 if many == 1 else 2 if many < 5 else 3] if whole else PART
        counts[label] += 1
    return counts
