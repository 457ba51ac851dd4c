"""What was written into a generated export, and the words it was written with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

__all__ = ["NAMES", "Planted", "Writer"]

NAMES = ("Ada", "Bo", "Cem Öz", "Dee: the second", "Eve", "Finn O'Hara", "Gül", "Hana 花", "Ivo", "Jo")
"""Senders; the first is the owner. One holds what separates a name from a text, some are not ASCII."""

_WORDS = (
    *("yes", "no", "maybe", "later", "now", "the", "train", "is", "late", "again", "I", "will", "be", "there", "soon"),
    *("are", "you", "free", "tomorrow", "good night", "see you", "at eight", "what", "did", "she", "say", "lol", "ok"),
    *("fine", "café", "über", "naïve", "👋", "❤️", "😀", "привет", "好的"),
)


@dataclass
class Planted:
    """What a reader must find in an export.

    Attributes:
        path: The file or folder.
        rows: How many rows it stores.
        reasons: How many rows of each class are no messages.
        texts: Text of each message in the order of the file.
        senders: Sender of each message, "me" for the owner.
    """

    path: Path
    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)

    @property
    def messages(self) -> int:
        """How many rows are messages."""
        return self.rows - sum(self.reasons.values())

    def message(self, sender: str, text: str) -> None:
        """Note a planted message."""
        self.rows += 1
        self.senders.append(sender)
        self.texts.append(text)

    def passed(self, reason: str) -> None:
        """Note a planted row that is no message."""
        self.rows += 1
        self.reasons[reason] += 1


class Writer:
    """Draws texts like those people write: short mostly, some of several lines, some with odd characters."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311

    def text(self) -> str:
        """Draw a text of one line."""
        return " ".join(self.random.choices(_WORDS, k=1 + int(self.random.expovariate(0.15))))
