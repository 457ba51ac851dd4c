"""What invented people write: short texts, some long, with emoji, other scripts and awkward strings among them."""

from __future__ import annotations

from random import Random

__all__ = ["AWKWARD", "Writer"]

COMMON = """i you the to a and it is that in of my me for on we so be have are not just was do what up at can this with
if but like get go ok no yeah know when your good out all now come see one got how time they think about really will
here there from he she were back home today tomorrow tonight work love want need let thanks sorry lol haha later"""
SYLLABLES = """ba be bi bo da de di do fa fe ga go ka ke ki ko la le li lo ma me mi mo na ne no pa pe ra re ri ro sa se
so ta te ti to"""
EMOJI = ["😂", "❤️", "👍🏽", "👨‍👩‍👧", "🎉", "🇩🇪", "🥲", "🔥"]
AWKWARD = [
    "he said NSString, then NSDictionary",
    "the new roman numeral ↄ and its old form Ↄ, ↄ and \u2184",
    "مرحبا كيف حالك",
    "שלום לכולם",
    "\u200fשלום\u200e hi",
    "明日会いましょう",
    "до завтра",
    "line one\nline two\n\nline four",
    "\tindented, and a trailing space ",
    "a zero-width\u200bspace, a ligature ﬁ, and a NUL\0inside",
    "streamtyped \x84\x01+",
]


class Writer:
    """Invents texts, the same for the same seed."""

    def __init__(self, random: Random) -> None:
        self._random = random
        syllables = SYLLABLES.split()
        rare = ["".join(random.choices(syllables, k=random.randint(2, 4))) for _ in range(4000)]
        words = COMMON.split() + rare
        weights = [1 / (rank + 3) for rank in range(len(words))]
        self._stream = random.choices(words, weights, k=100_000)

    def text(self) -> str:
        """Invent one text; 7.7 words on average."""
        random, stream = self._random, self._stream
        chance = random.random()
        start = int(chance * 99_000)
        length = min(int(random.expovariate(1 / 7.2)) + 1, 900)
        words = " ".join(stream[start : start + length])
        extra = random.random()
        if extra < 0.06:
            return f"{words} {EMOJI[int(extra * 1e6) % len(EMOJI)]}"
        if extra < 0.064:
            return AWKWARD[int(extra * 1e7) % len(AWKWARD)]
        if extra < 0.09:
            return words.replace("i ", "I’", 1) + "…"
        return words
