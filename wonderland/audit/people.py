"""Of whom does the model give something back, whose messages can be told, and whose words are tokens? By pseudonym.

Two questions of membership, and each needs its own split:

- *Of this person's messages, which ones did the model read?* An AUC for each person who wrote in at least five
  conversations that were read and five that were not. Style and topics are then the same on both sides. Its null deals
  the person's conversations anew to the two sides, whole; q is that of Benjamini and Hochberg over all people tested.
- *Did the model read this person at all?* One AUC over all contacts. It needs ten who stand in held-out conversations
  alone.

Where the data do not allow it, the reason is given instead, and the split that would.

What would fool it: of many people some stand high by chance, hence q; and a person whose few held-out conversations are
about something else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from wonderland.audit.completion import share
from wonderland.audit.membership import AT_ONCE, auc_estimate, aucs
from wonderland.audit.messages import Messages
from wonderland.corpus.people import ME
from wonderland.corpus.splitting import EACH
from wonderland.errors import NotEnoughData
from wonderland.estimate import FEW, Estimate
from wonderland.lab.stats import benjamini_hochberg
from wonderland.tokenizer import SpeakerTokenizer

__all__ = [
    "CLASSES",
    "PART",
    "by_person",
    "membership_by_person",
    "membership_within",
    "too_few",
    "vocabulary",
    "who_has_no_row",
]

CLASSES = ("only me", "1 contact", "2 to 4", "5 or more")
"""By how many contacts, people beside the owner, a word was used."""
PART = "word part"
"""What else a token is: a part of words, or a sign."""

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SHOWN = 200
_DEALT = 999  # times that conversations are dealt anew
_WITHIN = (
    f"An AUC of a person's own messages takes {EACH} conversations in each part: wonderland tokenize --by "
    "within-contacts."
)


def by_person(
    messages: Messages, chosen: np.ndarray, hits: np.ndarray, secrets: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return how many messages of each person are completed word for word, those with most hits first.

    A row holds ``person``, ``messages`` and ``completed`` of them, their ``share``, how many of those completed no
    other training message of somebody else holds (``alone``), and ``secrets``.

    Args:
        messages: All messages.
        chosen: Numbers of the training messages that were examined.
        hits: Whether each of them was completed, [chosen].
        secrets: How many secrets each said.
    """
    senders = messages.sender[chosen]
    rows = []
    written = _written_by(messages, (messages.texts[i] for i in chosen[hits == 1].tolist()))
    for name in sorted({*senders.tolist()}):
        own = senders == name
        one = share(hits[own], messages.conversation[chosen][own])
        told = int((~np.isnan(hits[own])).sum())
        rows.append(
            {
                "person": name,
                "messages": told,
                "completed": int(np.nansum(hits[own])),
                "share": one,
                "alone": sum(len(written[messages.texts[i]]) == 1 for i in chosen[own & (hits == 1)].tolist()),
                "secrets": int(secrets.get(name, 0)),
            }
        )
    rows.sort(key=lambda row: (-row["secrets"], -row["completed"], -row["messages"]))
    return rows[:_SHOWN]


def _written_by(messages: Messages, texts: Iterable[str]) -> dict[str, set[str]]:
    """Return who wrote each of these texts, word for word, in the training text."""
    found: dict[str, set[str]] = {text: set() for text in texts}
    for i in np.flatnonzero(messages.read).tolist() if found else ():
        if messages.texts[i] in found:
            found[messages.texts[i]].add(messages.sender[i])
    return found


def membership_within(
    messages: Messages, chosen: np.ndarray, scores: np.ndarray, *, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Return with which AUC one can tell of a person's messages which ones the model read, by person.

    Args:
        messages: All messages.
        chosen: Numbers of the messages that were examined.
        scores: The score of each, higher for what looks read, [chosen].
        seed: Seed of the resampling and of the permutations.

    Returns:
        For each person ``conversations``, how many were read and how many not; and ``auc``, an `Estimate` over
        conversations with n that of the smaller side; ``null``, the middle 95% of the same with the person's
        conversations dealt anew; ``p``, one-sided; and ``q``, Benjamini and Hochberg's over the people tested. Without
        `EACH` conversations on both sides ``auc`` is None and the rest is missing.

    Raises:
        NotEnoughData: The parts hold the same conversations.
    """
    if messages.by_time:
        raise NotEnoughData(
            "The held-out messages of each person are later than those that were read, and what is new looks unread. "
            f"{_WITHIN}"
        )
    found: dict[str, dict[str, Any]] = {}
    for name in sorted({*messages.sender[chosen].tolist()}):
        own = messages.sender[chosen] == name
        read, conversation = messages.read[chosen][own], messages.conversation[chosen][own]
        sides = [np.unique(conversation[read == side]) for side in (True, False)]
        found[name] = {"conversations": [len(side) for side in sides], "auc": None}
        if min(map(len, sides)) >= EACH:
            found[name] |= _against_dealt(scores[own], read, conversation, seed)
    tested = [row for row in found.values() if row["auc"] is not None]
    for row, q in zip(
        tested, benjamini_hochberg(np.array([row["p"] for row in tested])) if tested else (), strict=True
    ):
        row["q"] = float(q)
    return found


def _against_dealt(scores: np.ndarray, read: np.ndarray, conversation: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the AUC of one person's messages beside that of the same conversations dealt anew to the two sides."""
    observed = auc_estimate(scores, read, conversation, seed=seed)
    labels, index = np.unique(conversation, return_inverse=True)
    known = np.isin(labels, conversation[read])
    random = np.random.default_rng(seed)
    sides = np.array([random.permutation(known)[index] for _ in range(_DEALT)])
    pieces = np.array_split(sides, math.ceil(_DEALT / AT_ONCE))
    dealt = np.concatenate([aucs(scores, piece, ~piece) for piece in pieces])
    p = (1 + int((dealt >= float(observed.value)).sum())) / (1 + _DEALT)
    return {"auc": observed, "null": np.quantile(dealt, [0.025, 0.975]).tolist(), "p": p}


def too_few(people: int, of: int) -> str:
    """Say why so many people have no AUC of their own."""
    return (
        f"{people:,} of {of:,} people wrote in fewer than {EACH} of the conversations examined that were read, or of "
        f"those that were held out. {_WITHIN}"
    )


def who_has_no_row(examined: Mapping[str, int], shown: int) -> str:
    """Say how many people wrote, and why some have no row of `by_person`; empty where an older audit did not count.

    Args:
        examined: How many people there are, by name, as ``wonderland.audit.measured`` holds them.
        shown: How many have a row.
    """
    if "people examined" not in examined:
        return ""
    there, all_, read = (examined[f"people{of}"] for of in ("", " examined", " examined of those read"))
    told = f" Of {there:,} who wrote, the owner among them, messages of {all_:,} were examined"
    if there > all_:
        told += " (those of the others are too short or too long, or were not drawn)"
    if all_ > read:
        told += f", of {all_ - read:,} of these only held-out ones: they have no row"
    return f"{told}{f'; the table ends after {shown:,}' if shown < read else ''}."


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
            f"{FEW}: it needs a split by contact (wonderland tokenize --by contact)."
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
