"""What every row of a generated export is, and who writes what in it, in several languages and scripts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

__all__ = ["PEOPLE", "Known", "Letters", "Said"]

PEOPLE = (
    "Ada Berg",
    "Zoë Müller",
    "Łukasz Wójcik",
    "María José Núñez",
    "Дмитрий Орлов",
    "山田 太郎",
    "Nil",
    "Özge Şahin",
    "Mohammed علي",
    "Jean-Luc d’Ambre",
    "Bo",
    "Siân O'Neill",
)
_LANGUAGES = (
    "the of and to see you at home later tonight maybe no yes ok thanks where when lunch train work is it was",
    "ja nein wir sehen uns später zu Hause für über schön größer Straße und oder aber heute morgen",
    "oui non à bientôt ça va être là où déjà très bien merci demain matin peut-être",
    "да нет сегодня завтра хорошо спасибо где когда дома потом встретимся",
    "evet hayır bugün yarın teşekkürler nerede görüşürüz çok güzel iş ev",
    "明日 会い ましょう ありがとう 今 どこ 家 仕事",
    "نعم لا اليوم غدا شكرا أين متى البيت",
)
_WORDS = tuple(language.split() for language in _LANGUAGES)
_AWKWARD = (
    "line one\nline two\n\nline four",
    'a quote " a backslash \\ and a brace } ] [ {',
    "tab\tand a zero-width\u200bspace",
    "<@U1> &amp; &lt;b&gt; is what I typed",
    "Привет, мир – €5, 100 %",
    "👨‍👩‍👧 🇩🇪 👍🏽",
    "next line\u0085 and paragraph\u2029 separators",
    "she sent an attachment.",
    '"messages": [ {"a": 1} ]',
)
_EMOJI = ("😂", "❤️", "🎉", "🥲", "🔥")


class Said(NamedTuple):
    """A message that was planted."""

    thread: str
    sender: str
    milliseconds: int
    text: str
    tags: tuple[str, ...] = ()


@dataclass
class Known:
    """A generated export, with the answer for each of its rows.

    Attributes:
        path: Where it lies.
        me: Its owner.
        rows: How many rows it holds.
        said: The messages, in no order.
        reasons: How many rows of each class are no messages.
    """

    path: Path
    me: str
    rows: int = 0
    said: list[Said] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def message(self, said: Said) -> None:
        """Note a row that is a message."""
        self.rows += 1
        self.said.append(said)

    def other(self, reason: str) -> None:
        """Note a row that is none."""
        self.rows += 1
        self.reasons[reason] += 1


class Letters:
    """Invents texts in several languages, the same for the same seed."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def text(self) -> str:
        """Invent one text."""
        random = self._random
        if random.random() < 0.04:
            return random.choice(_AWKWARD)
        words = random.choice(_WORDS)
        text = " ".join(random.choices(words, k=random.randint(1, 12)))
        return f"{text} {random.choice(_EMOJI)}" if random.random() < 0.15 else text
