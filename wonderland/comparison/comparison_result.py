"""What a comparison of sides found, in sentences and figures: D of each pair with its null, and the words that make it.

A contact is a person: its name is quoted, and the words of one are on no redacted page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wonderland.comparison.divergence import FREQUENT
from wonderland.estimate import Estimate
from wonderland.lab.result import Result
from wonderland.report.findings import Finding
from wonderland.report.schema import (
    Axis,
    Bars,
    Column,
    Curve,
    Lines,
    Matrix,
    Quoted,
    Reference,
    Series,
    Table,
    View,
    Wording,
    bounds,
    counted,
    digits,
    say,
    told_p,
)

__all__ = ["Comparison"]

END_OF_MESSAGE = "<|sep|>"
_SURE = 0.05
_TOLD = 8


@dataclass(frozen=True)
class Comparison(Result):
    """Sides of messages, each with each.

    Attributes:
        names: What the sides are called.
        kind: What they are: "period", "contact", "speaker" or "workspace".
        of: What was halved, dealt out anew and resampled.
        messages: Messages of each side, [side].
        pairs: The pairs, as numbers of sides.
        d: D of each pair, [pair], nats a token; chance is the mean of its null.
        p: Its p, [pair].
        q: The same for all pairs together.
        null: D of every null draw, [pair, draw].
        frequent: D over the most frequent tokens alone, [pair].
        frequent_p: Its p, [pair].
        cross: Losses [pair, model of side, tested on side].
        counted: Tokens each model of a pair was counted on, [pair].
        words: Tokens that add most to D of the first pair.
        shares: What they add, nats a token, [word].
        shares_p: p of each by the largest over all tokens, [word].
        months: Months of the first pair, since year 0.
        by_month: By how much the first side's model loses more in each month, [month]; None without times.
        left_out: How many messages are on no side though they may belong to one, by why.
    """

    names: list[str]
    kind: str
    of: str
    messages: np.ndarray
    pairs: list[list[int]]
    d: Estimate
    p: np.ndarray
    q: np.ndarray
    null: np.ndarray
    frequent: Estimate
    frequent_p: np.ndarray
    cross: np.ndarray
    counted: np.ndarray
    words: list[str]
    shares: np.ndarray
    shares_p: np.ndarray
    months: np.ndarray
    by_month: Estimate | None
    left_out: dict[str, int] = field(default_factory=dict)

    def _named(self, number: int) -> Any:
        """Return the name of a side: of a contact it is quoted, since it may be a person's name."""
        name = self.names[number]
        return Quoted(name) if self.kind == "contact" else Wording(name)

    def _word(self, word: str) -> Quoted | Wording:
        """Return a word, which a redacted page shows if many used it, and never if the side is one contact."""
        if word == END_OF_MESSAGE:
            return Wording("(end of a message)")
        return Quoted(word.strip() or word, "message" if self.kind == "contact" else "words")

    def _in_marks(self, word: str) -> Any:
        """Return a word of messages in quotation marks, so that it is not read as one of the sentence."""
        own = self._word(word)
        return own if isinstance(own, Wording) else say("“{word}”", word=own)

    def _sentence(self, pair: int) -> Any:
        a, b = self.pairs[pair]
        one = self.d[pair]
        low, high = np.quantile(self.null[pair], [0.025, 0.975]) if self.null.size else (np.nan, np.nan)
        apart = "The sides {a} and {b} are {d} nats a token apart {interval}"
        if not self._sure(pair):
            apart = "The sides {a} and {b} are not shown to be apart: D is {d} nats a token {interval}"
        null = "dealt out anew {null_low} to {null_high}, " if self.null.size else ""
        return say(
            f"{apart} ({{p}}; {null}n={{n}}).",
            a=self._named(a), b=self._named(b), d=Wording(digits(one.value)),
            interval=Wording(bounds(one, digits) or "[no interval]"), p=Wording(told_p(self.p[pair])),
            null_low=Wording(digits(low)), null_high=Wording(digits(high)), n=Wording(self._n),
        )  # fmt: skip

    @property
    def _n(self) -> str:
        return counted(self.d.n, self.of.removesuffix("s"))

    def _sure(self, pair: int) -> bool:
        """Whether two sides are apart by chance and by the interval, which need not agree."""
        return bool(self.q[pair] < _SURE and self.d[pair].low > 0)

    def _sure_of_style(self, pair: int) -> bool:
        return bool(self.frequent_p[pair] < _SURE and self.frequent[pair].low > 0)

    def _style(self, pair: int) -> str:
        one = self.frequent[pair]
        many = f"The {FREQUENT} most frequent tokens, mostly function words,"
        number = f"{digits(one.value)} nats a token {bounds(one, digits) or '[no interval]'}"
        null = f"; dealt out anew {digits(one.chance)} on average" if self.null.size else ""
        told = f"make {number} of D" if self._sure_of_style(pair) else f"are not shown to make a part of D: {number}"
        return f"{many} {told} ({told_p(self.frequent_p[pair])}{null})."

    @property
    def telling(self) -> list[str]:
        """Tokens whose share of D is larger than chance, most first, p < 0.05 over all tokens."""
        return [word for word, p in zip(self.words, self.shares_p, strict=True) if p < _SURE]

    def _leading(self) -> Any:
        every = list({word.strip() or word: word for word in reversed(self.telling)}.values())[::-1]
        words = every[:_TOLD]  # a token at the start of a message and one behind a space are one word
        if not np.isfinite(self.shares_p).any():
            return "No word was tested: the sides were not dealt out anew."
        if not words:
            return "No single word adds more to it than chance has it (largest of all words, p < 0.05)."
        more = f" and {len(every) - len(words)} more" if len(every) > len(words) else ""
        return say(
            "Words that add more than chance has it (largest of all words, p < 0.05): {words}{more}.",
            words=[self._in_marks(word) for word in words],
            more=Wording(more),
        )

    def summary(self) -> str:
        """Say D of each pair, its share of style, and the words that lead."""
        told = [self._sentence(pair).text for pair in range(len(self.pairs))]
        leading = self._leading()
        first = leading if isinstance(leading, str) else leading.text
        return "\n".join([told[0], self._style(0), first, *told[1:], *filter(None, [self._left_out()])])

    def _left_out(self) -> str:
        many = ((why, f"is {n} message" if n == 1 else f"are {n:,} messages") for why, n in self.left_out.items())
        return " ".join(f"Left out {told} {why}." for why, told in many)

    def findings(self) -> Sequence[Finding]:
        """Return D of each pair, its share of style, and the words that lead."""
        found = []
        for pair in range(len(self.pairs)):
            sure = self._sure(pair)
            trust: Any = "solid" if sure and self.d.n >= 10 else "weak"
            effect: Any = "effect" if sure else "null"
            found.append(Finding(self._sentence(pair), "comparison", (), trust, effect, self.d[pair]))
        sure = self._sure_of_style(0)
        kind: Any = "effect" if sure else "null"
        style: Any = "solid" if sure and self.d.n >= 10 else "weak"
        found.append(Finding(self._style(0), "comparison", (), style, kind, self.frequent[0]))
        found.append(Finding(self._leading(), "comparison-words", (), "weak", "description"))
        return found

    def views(self) -> Sequence[View]:
        """Return D, the matrix of cross-losses, the words and the months."""
        views = [self._apart(), self._cross(), self._words()]
        return [*views, self._months()] if self.by_month is not None else views

    def _apart(self) -> View:
        names = [say("{a} – {b}", a=self._named(a), b=self._named(b)) for a, b in self.pairs]
        labels: list[Any] = [Quoted(name.text) if self.kind == "contact" else Wording(name.text) for name in names]
        bars = Bars.by_place(
            labels, {"all tokens": self.d, f"the {FREQUENT} most frequent": self.frequent}, Axis("D", "nats a token")
        )
        return View(
            "comparison",
            "Divergence D of two sides",
            bars,
            subtitle="How far are they apart?",
            caption="D = ½[(ℓ(A→B) − ℓ(B→B)) + (ℓ(B→A) − ℓ(A→A))] of trigram models counted on equally many tokens, "
            f"tested on other {self.of}; 95% interval over n={self._n}. {self._chance()} "
            f"{self._left_out()}".rstrip(),
            how_to_read="0: a model of one side predicts the other as well as its own. Who is hard to predict cancels. "
            "The bar of the most frequent tokens is mostly style, the rest is topic as well.",
            misleads="Who was written to changes as well as who wrote: two periods may differ by their partners.",
            order=10,
        )

    def _tested(self) -> str:
        if not self.null.size:
            return "No token was tested;"
        return f"p is by the largest over all tokens in {counted(self.null.shape[1], 'draw')},"

    def _chance(self) -> str:
        if not self.null.size:
            return "The sides were not dealt out anew, so there is no chance level."
        return f"Chance is the mean of {counted(self.null.shape[1], 'draw')} in which the sides are dealt out anew."

    def _cross(self) -> View:
        n = len(self.names)
        loss, apart, q = np.full((n, n), np.nan), np.full((n, n), np.nan), np.full((n, n), np.nan)
        for pair, (a, b) in enumerate(self.pairs):
            for i, one in enumerate((a, b)):
                for j, other in enumerate((a, b)):
                    if one != other or np.isnan(loss[one, other]):
                        loss[one, other] = self.cross[pair, i, j]
            apart[a, b] = apart[b, a] = float(np.asarray(self.d.value)[pair])
            q[a, b] = q[b, a] = self.q[pair]
        names = [self._named(i) for i in range(n)]
        series = [
            Series(Wording("loss"), loss, "nats a token", scale="linear", domain=_ends(loss)),
            Series(Wording("D"), apart, "nats a token", domain=[0, float(np.nanmax(apart, initial=1e-3))]),
            Series(Wording("q of D"), q, "1", domain=[0, 1]),
        ]
        return View(
            "comparison-matrix",
            "Cross-loss and divergence, each with each",
            Matrix(names, names, series),
            subtitle="How well does a model of one side predict another?",
            caption="Rows: the side a trigram model was counted on; columns: the side it was tested on, in other "
            f"{self.of}, n={self.d.n:,}. D has its interval in the view of divergence; q is over all pairs.",
            how_to_read="Compare a column from row to row: which model predicts this side best? The diagonal is its "
            "own. Turn to D, in which it cancels how hard a side is to predict.",
            misleads="A row with low losses is a side with simple texts, or a model that was counted on more.",
            order=11,
        )

    def _words(self) -> View:
        a, b = (self._named(i) for i in self.pairs[0])
        table = Table.by_row(
            {
                Column("word", "Word", help="A token of the vocabulary; a dot is the space before it."): [
                    self._word(word) for word in self.words
                ],
                Column(
                    "share", "Adds to D", "millinats a token", 3, "Its part of the divergence; all add up to D.", True
                ): 1000 * self.shares,
                Column(
                    "p", "p", digits=3, help="How often chance makes the largest of all words this large."
                ): self.shares_p,
            }
        )
        return View(
            "comparison-words",
            "Words by their share of D",
            table,
            subtitle=say("Which words make the difference between {a} and {b}?", a=a, b=b),
            caption="What each token of the vocabulary adds to D, in thousandths of a nat a token; the sum over all is "
            f"D. {self._tested()} n={self._n}. "
            "A token after a space and the same letters without one are two tokens.",
            how_to_read="The words on top are those that a model of the other side expects least, or expects in vain. "
            "Those with a small p are there more than by chance.",
            misleads="A word can be there because of one conversation about one thing; p sees it, the share does not.",
            order=12,
        )

    def _months(self) -> View:
        assert self.by_month is not None
        years = [f"{m // 12}-{m % 12 + 1:02d}" for m in range(int(self.months[0]), int(self.months[-1]) + 1)]
        curve = Curve(Wording("first less second"), self.months - self.months[0], self.by_month)
        a, b = (self._named(i) for i in self.pairs[0])
        return View(
            "comparison-months",
            "Difference of losses by month",
            Lines(
                Axis("month", names=Wording.every(years)),
                Axis("difference of losses", "nats a token"),
                [curve],
                [Reference(Wording("no difference"), 0.0)],
            ),
            subtitle=say("When was it written like {a}, when like {b}?", a=a, b=b),
            caption="Loss of the model of the first side less that of the second, on messages of both sides that "
            f"neither was counted on, by month; 95% interval over "
            f"n={counted(self.by_month.n, self.of.removesuffix('s'))}.",
            how_to_read="Under 0 the month is more like the first side, over 0 more like the second. Of two periods, a "
            "step says that something changed at once, a slope that it changed slowly.",
            misleads="Months with few messages scatter widely.",
            order=13,
        )


def _ends(values: NDArray[np.float64]) -> list[float]:
    """Return the lowest and the highest number, apart even if they are the same."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return [low, high if high > low else low + 1]
