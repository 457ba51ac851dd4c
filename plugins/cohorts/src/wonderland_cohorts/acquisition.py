"""When was a word learned? The tokens after which half of the final fall of its surprisal was made.

Of every word with at least ``least`` held-out uses: its surprisal −ln p at each snapshot, averaged over uses, an
isotonic fit over the snapshots, and the point at which half of the fall from the untrained model to the last one is
made, on a scale of the logarithm of tokens (Chang and Bergen 2022; Chang et al. 2024, 2308.15419). Its interval is over
conversations, which are drawn anew with all uses of the word in them.

How often a word is said explains most of when it is learned. So beside each age stands the median age of the ``like``
words whose frequency is nearest, and how many of them are further away from it than this word: p.

What would fool it: few snapshots, since all that happens between two of them is put on a straight line. And a word that
is hardly learned has half of hardly anything; such words have no age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import wonderland as wl
from wonderland.advice import Command, Hint, Options
from wonderland.errors import NotEnoughData, UsageError
from wonderland.lab.stats import benjamini_hochberg, rests_on_one
from wonderland.views import Axis, Column, Curve, Lines, Quoted, Table, Wording, digits, say, told_p
from wonderland_cohorts.over_training import over_time, told_tokens
from wonderland_cohorts.transitions import halfway, log_tokens

Floats = NDArray[np.float64]
_LEAST_SNAPSHOTS = 4
_LEAST_FALL = 0.1  # nats: a word whose surprisal falls by less was not learned
_SHOWN = 8
_SURE = 0.05


@dataclass(frozen=True)
class AcquisitionResult(wl.Result):
    """Words and when they were learned.

    Attributes:
        at: Tokens seen, [snapshot].
        words: The words; those asked for first, then the others by age.
        asked: How many of them were asked for.
        uses: Held-out uses of each.
        age: Tokens after which half of the fall was made, [word]; its chance level is the median of words as frequent.
        fall: By how much the surprisal falls in all, nats, [word].
        p: How far the age is from that of words as frequent, by rank among them, [word]; NaN without enough of them.
        q: The same for all words together (Benjamini and Hochberg).
        surprisal: Mean surprisal of each word, nats, [word, snapshot].
        rank_correlation: Spearman's correlation of frequency and age over all words.
        too_rare: Words that were asked for, with their too few uses.
        least_uses: How many uses it takes.
    """

    at: np.ndarray
    words: list[str]
    asked: int
    uses: np.ndarray
    age: wl.Estimate
    fall: np.ndarray
    p: np.ndarray
    q: np.ndarray
    surprisal: np.ndarray
    rank_correlation: float
    too_rare: dict[str, int]
    least_uses: int

    def claims(self) -> dict[str, wl.Estimate]:
        return {}

    def _told(self, i: int) -> Any:
        age, low, high = (float(getattr(self.age, part)[i]) for part in ("value", "low", "high"))
        if not np.isfinite(age):
            return say(
                "“{word}” was not learned: its surprisal falls by {fall} nats (n={n} uses).",
                word=Quoted(self.words[i]).strip(), fall=Wording(digits(self.fall[i])), n=int(self.uses[i]),
            )  # fmt: skip
        chance = np.asarray(self.age.chance, dtype=np.float64)[i]
        return say(
            "“{word}” was learned after {age} [{low}, {high}] (n={n} uses; words as frequent: {chance}, {p}).",
            word=Quoted(self.words[i]).strip(), age=Wording(told_tokens(age)), low=Wording(told_tokens(low)),
            high=Wording(told_tokens(high)), n=int(self.uses[i]), chance=Wording(told_tokens(float(chance))),
            p=Wording(told_p(self.p[i])),
        )  # fmt: skip

    def _count(self) -> str:
        learned = int(np.isfinite(self.age.value).sum())
        unlike = int((self.q < _SURE).sum())
        if not learned:
            return f"None of {len(self.words)} words with at least {self.least_uses} held-out uses was learned."
        return (
            f"{learned} of {len(self.words)} words with at least {self.least_uses} held-out uses were learned by the "
            f"end; half of them after {told_tokens(float(np.nanmedian(self.age.value)))}. "
            f"Spearman's correlation of frequency and age is {digits(self.rank_correlation)}; below 0, frequent words "
            f"were learned earlier. {unlike} differ from words as frequent (q < {_SURE})."
        )

    def summary(self) -> str:
        shown = range(self.asked or min(_SHOWN, len(self.words)))
        lines = [self._count(), *(self._told(i).text for i in shown)]
        rare = [f"{word!r} is said {n} times, too rarely" for word, n in self.too_rare.items()]
        return "\n".join([*lines, *([f"{'; '.join(rare)} (it takes {self.least_uses})."] if rare else [])])

    def findings(self) -> Sequence[wl.Finding]:
        found = [wl.Finding(self._count(), "acquisition", (), "weak", "description")]
        found += [
            wl.Finding(self._told(i), "acquisition", (), "weak", "description") for i in range(min(self.asked, _SHOWN))
        ]
        if self.too_rare:
            words = [Quoted(word) for word in self.too_rare]
            text = say("Said too rarely to be asked when they were learned: {words}.", words=words)
            found.append(wl.Finding(text, "acquisition", (), "anecdotal", "description"))
        return found

    def views(self) -> Sequence[wl.View]:
        quoted = [Quoted(word.strip() or word) for word in self.words]
        age = self.age.map(lambda tokens: tokens / 1000, unit="thousand tokens")
        known = [age[i] if np.isfinite(age.value[i]) else None for i in range(len(quoted))]
        table = Table.by_row(
            {
                Column("word", "Word", help="A token of the vocabulary, or a word that was asked for."): quoted,
                Column("age", "Learned after", "thousand tokens", help="With interval and chance level."): known,
                Column("like", "Words as frequent", "thousand tokens", 0, "Chance: their median."): np.array(
                    age.chance
                ),
                Column("p", "p", digits=3, help="p value: the word's rank among words as frequent, two-sided."): self.p,
                Column("q", "q", digits=3, help="False-discovery rate over all words."): self.q,
                Column("uses", "Held-out uses", "", 0, "How often it is there; a count.", True): self.uses * 1.0,
                Column("fall", "Fall of surprisal", "nats", 2, "From first to last; 0 is not learned."): self.fall,
            }
        )
        shown = range(min(self.asked or _SHOWN, _SHOWN, len(quoted)))
        curves = [Curve(quoted[i], log_tokens(self.at), self.surprisal[i]) for i in shown]
        caption = (
            f"Age: tokens seen when half of the final fall of a word's surprisal was made, with a 95% interval over "
            f"conversations; n={len(quoted):,} words with at least {self.least_uses} held-out uses. Chance is the "
            "median age of the words whose frequency is nearest; p is a rank among those."
        )
        return [
            wl.View(
                "acquisition",
                "Age of acquisition",
                table,
                subtitle="When did the model learn a word?",
                caption=caption,
                how_to_read="Compare the age with that of words as frequent: how often a word is said explains most of "
                "when it is learned. A small q: this word was learned earlier or later than its frequency says.",
                misleads="Of a word that hardly falls, half of the fall means little. Words are pieces of the "
                "tokenizer unless they were asked for.",
                order=19,
            ),
            *(
                [
                    wl.View(
                        "acquisition-curves",
                        "Surprisal of words over training",
                        Lines(over_time(self.at), Axis("surprisal", "nats"), curves),
                        subtitle="How surprised was the model by a word, then?",
                        caption="Mean −ln p of held-out uses at each snapshot, without intervals; the untrained model "
                        "at the left end is the chance level.",
                        how_to_read="A curve that falls early is a word learned early.",
                        misleads="These are the words asked for, or those learned first: not a sample of all.",
                        order=20,
                    )
                ]
                if curves
                else []
            ),
        ]


@dataclass(frozen=True)
class Acquisition:
    """When was a word learned? The tokens after which half of the fall of its surprisal was made, beside its likes."""

    name: ClassVar[str] = "acquisition"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("loss",)
    groups: ClassVar[tuple[str, ...]] = ("development",)
    no_choices: ClassVar[str] = (
        "Nothing is chosen: every word with enough uses has an age, beside those of the words that are as frequent."
    )
    of: ClassVar[str] = "snapshots"

    words: Annotated[str, "words to ask for, joined by commas"] = ""
    least: Annotated[int, "held-out uses that a word needs"] = 20
    like: Annotated[int, "words as frequent to compare with"] = 20
    listed: Annotated[int, "words to list at most"] = 200
    replicates: Annotated[int, "times that conversations are drawn anew"] = 100
    seed: Annotated[int, "seed of the intervals"] = 0

    def run(self, cohort: wl.Cohort) -> AcquisitionResult:
        """Average the surprisal of every word at every snapshot."""
        if self.least < 2:
            raise UsageError(f"A word needs 2 uses or more, not {self.least}.", hint=Hint("Usual: ", Options(least=20)))
        members, at = list(cohort.members.values()), np.asarray(cohort.at)
        if len(members) < _LEAST_SNAPSHOTS:
            raise NotEnoughData(
                f"To say when a word was learned takes {_LEAST_SNAPSHOTS} snapshots, and there are {len(members)}.",
                hint=Hint("Keep more while training: ", Command("train", snapshots=20)),
            )
        loss = np.stack([_losses(member) for member in members])  # [snapshot, window, pos]
        first = members[0]
        wanted, places, rare = self._places(first)
        if not wanted:
            hint = Hint("Hold more out, or ask for fewer: ", Options(least=max(self.least // 2, 2)))
            raise NotEnoughData(f"No word has {self.least} held-out uses.", hint=hint)
        at_word = [_by_conversation(loss, where, first.evidence.conversation) for where in places]
        ages, lows, highs, falls, curves = [], [], [], [], []
        for sums, counts in at_word:
            curve = sums.sum(0) / counts.sum()
            curves.append(curve)
            fall = float(curve[0] - curve[-1])
            falls.append(fall)
            age = halfway(at, curve, rising=False) if fall >= _LEAST_FALL else float("nan")
            low, high = self._interval(at, sums, counts) if np.isfinite(age) else (age, age)
            ages.append(age)
            lows.append(min(low, age))
            highs.append(max(high, age))
        uses = np.array([len(where[0]) for where in places])
        asked = len(self._asked(first)) - len(rare)
        every = np.array(ages)
        likes, p = self._likes(every, uses)
        order = np.r_[np.arange(asked), asked + np.argsort(np.nan_to_num(every[asked:], nan=np.inf), kind="stable")]
        order = order[: max(asked, self.listed)].astype(np.int64)
        estimate = wl.Estimate(
            every[order], np.array(lows)[order], np.array(highs)[order], n=len(np.unique(first.evidence.conversation)),
            unit="tokens", chance=likes[order], dims=("word",),
        )  # fmt: skip
        return AcquisitionResult(
            at=at,
            words=[wanted[i] for i in order],
            asked=asked,
            uses=uses[order],
            age=estimate,
            fall=np.array(falls)[order],
            p=p[order],
            q=benjamini_hochberg(p)[order],
            surprisal=np.stack(curves)[order],
            rank_correlation=_spearman(uses, every),
            too_rare=rare,
            least_uses=self.least,
        )

    def _asked(self, specimen: wl.Specimen) -> list[str]:
        return list(dict.fromkeys(word.strip() for word in self.words.split(",") if word.strip()))

    def _places(self, specimen: wl.Specimen) -> tuple[list[str], list[tuple[Any, Any, int]], dict[str, int]]:
        """Return words, where each begins with its number of tokens, and those asked for that are too rare."""
        evidence, tokenizer = specimen.evidence, specimen.tokenizer
        words: list[str] = []
        found: list[tuple[Any, Any, int]] = []
        rare: dict[str, int] = {}
        for word in self._asked(specimen):
            spellings = {tuple(tokenizer.encode(told)) for told in (word, f" {word}")}
            spellings = {one for one in spellings if not {*one} & {*tokenizer.specials}}  # it cannot be written
            where = [_sequences(evidence, spelling) for spelling in spellings if spelling]
            longest = max((len(spelling) for spelling in spellings), default=1)
            window = np.concatenate([w for w, _ in where]) if where else np.empty(0, dtype=np.int64)
            pos = np.concatenate([p for _, p in where]) if where else np.empty(0, dtype=np.int64)
            if len(window) < self.least:
                rare[word] = len(window)
                continue
            words.append(word)
            found.append((window, pos, longest))
        counts = np.bincount(evidence.tokens[:, 1:][evidence.mask[:, 1:]], minlength=specimen.cfg.d_vocab)
        counts[list(tokenizer.specials)] = 0
        asked = {word.strip() for word in words}
        for token in np.flatnonzero(counts >= self.least):
            (piece,) = tokenizer.pieces([int(token)])
            if not any(c.isalnum() for c in piece) or piece.strip() in asked:
                continue
            window, pos = _sequences(evidence, (int(token),))
            words.append(piece)
            found.append((window, pos, 1))
        return words, found, rare

    def _interval(self, at: NDArray[np.int64], sums: Floats, counts: Floats) -> tuple[float, float]:
        n = len(counts)
        if rests_on_one(counts):
            return float("nan"), float("nan")
        draws = np.random.default_rng(self.seed).multinomial(n, np.full(n, 1 / n), size=self.replicates)
        bottom = draws @ counts
        curves = (draws @ sums)[bottom > 0] / bottom[bottom > 0, None]
        found = [halfway(at, curve, rising=False) for curve in curves]
        if not np.isfinite(found).any():
            return float("nan"), float("nan")
        low, high = np.nanquantile(found, [0.025, 0.975])
        return float(low), float(high)

    def _likes(self, age: Floats, uses: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return the median age of the words nearest in frequency, and the rank of each word's distance from it."""
        likes, p = np.full(len(age), np.nan), np.full(len(age), np.nan)
        frequency = np.log(uses)
        for i in np.flatnonzero(np.isfinite(age)):
            others = np.flatnonzero(np.isfinite(age) & (np.arange(len(age)) != i))
            near = others[np.argsort(np.abs(frequency[others] - frequency[i]), kind="stable")[: self.like]]
            if len(near) < self.like:
                continue
            of = np.log(np.maximum(age[near], 1))
            middle = float(np.median(of))
            likes[i] = np.exp(middle)
            further = np.abs(of - middle) >= abs(np.log(max(age[i], 1)) - middle) - 1e-12
            p[i] = (1 + further.sum()) / (1 + len(near))
        return likes, p


def _losses(member: wl.Specimen) -> Floats:
    found: Floats = np.full(member.evidence.tokens.shape, np.nan)
    for batch in member.batches("loss"):
        found[batch.windows, : batch.tokens.shape[1]] = batch["loss"].numpy()
    return found


def _sequences(evidence: wl.Evidence, tokens: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return window and position where a sequence of tokens begins, after the first position."""
    size = len(tokens)
    width = evidence.tokens.shape[1] - size + 1
    if width < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    match = evidence.mask[:, size - 1 :][:, :width].copy()
    for offset, token in enumerate(tokens):
        match &= evidence.tokens[:, offset : offset + width] == token
    match[:, 0] = False
    window, pos = np.nonzero(match)
    return window, pos


def _by_conversation(
    loss: Floats, where: tuple[Any, Any, int], conversation: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return sums of surprisal [conversation, snapshot] and uses [conversation] of a word, over all its tokens."""
    from wonderland.lab.stats import sum_by_cluster

    window, pos, size = where
    told = sum(np.nan_to_num(loss[:, window, np.minimum(pos + k, loss.shape[2] - 1)]) for k in range(size))
    clusters = conversation[window]
    return sum_by_cluster(np.asarray(told).T, clusters), sum_by_cluster(np.ones(len(window)), clusters)


def _spearman(uses: NDArray[np.int64], age: Floats) -> float:
    from scipy.stats import spearmanr

    known = np.isfinite(age)
    if known.sum() < 3 or len(np.unique(age[known])) < 2 or len(np.unique(uses[known])) < 2:
        return float("nan")
    return float(spearmanr(uses[known], age[known]).statistic)
