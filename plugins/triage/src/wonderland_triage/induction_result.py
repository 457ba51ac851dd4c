"""What is said and shown of induction: the claim with its bound, the curve, the heads and what their ablation costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.estimate import Estimate
from wonderland.views import Axis, Bars, Lines, Mark, Matrix, Series, Wording, digits, formatted, interval_over, told_p

DRAWS = ("unigram", "uniform")

_CHANCE = "Chance of that gain: what the later position alone is worth, as it is after other words"


@dataclass(frozen=True)
class InductionResult(wl.Result):
    """Behaviour, pattern and cause of induction.

    Attributes:
        length: n, the words of one copy.
        gain: By draw, loss of the first copy minus loss of the second, nats; chance is the same with n other words
            in the first half.
        order: By draw, loss after the same words in another order minus loss after the repetition, nats.
        curve: By draw, loss at each position of the repeated sequence, nats, [pos]; NaN at position 0.
        scores: By draw, prefix-matching score, [layer, head].
        previous: Attention to the previous token in the same sequences, [layer, head].
        candidates: Heads ablated together: those with a score over ``threshold``, or else the one highest.
        over_threshold: Whether the candidates' scores are over it.
        lost: Gain lost by ablating each head alone (mean of z), nats, [layer, head]; None without a gain to lose.
        lost_together: Gain lost by ablating the candidates, by way ("mean", "zero").
        lost_random: The same for random sets of as many other heads, by way, [set].
        intact: The gain on the fresh sequences that the ablations are measured on.
        threshold: Least score of a candidate.
        least_gain: Least order gain, nats, that is called induction.
        drawn: Of the heads ablated alone, those drawn at random among the ones of lower scores, [layer, head]; none of
            a model all of whose heads are ablated.
    """

    length: int
    gain: dict[str, wl.Estimate]
    order: dict[str, wl.Estimate]
    curve: dict[str, wl.Estimate]
    scores: dict[str, wl.Estimate]
    previous: wl.Estimate
    candidates: list[str]
    over_threshold: bool
    lost: wl.Estimate | None
    lost_together: dict[str, wl.Estimate]
    lost_random: dict[str, np.ndarray]
    intact: wl.Estimate | None
    threshold: float
    least_gain: float
    drawn: np.ndarray | None = None

    @property
    def behaves(self) -> bool:
        """Whether the order of a repetition helps the model, on either draw."""
        return any(helps(order, self.least_gain) for order in self.order.values())

    def p_random(self, way: str) -> float:
        """Return the share of random sets that lose as much as the candidates, counting the candidates."""
        null = self.lost_random[way]
        return float((1 + (null >= self.lost_together[way].value).sum()) / (1 + len(null)))

    @property
    def caused(self) -> bool:
        """Whether the candidates carry at least half of the gain and more than any random set, in both ways."""
        if self.intact is None:
            return False
        half = self.intact.value / 2
        return all(
            lost.low > half and len(self.lost_random[way]) > 0 and lost.value > self.lost_random[way].max()
            for way, lost in self.lost_together.items()
        )

    def summary(self) -> str:
        lines = [self._claim()]
        lines += [
            f"{draw} words, n={self.length:,}: gain at the second copy {self.gain[draw]}; by its order "
            f"{self.order[draw]}."
            for draw in DRAWS
        ]
        lines.append(f"{_CHANCE}.")
        lines.append(self._pattern())
        if self.lost_together and self.intact is not None:
            lines.append(self._cause())
        if told := self._alone():
            lines.append(told)
        if isinstance(self.control, InductionResult):
            lines.append(f"Before training: gain of the order {self.control.order['unigram']}.")
        return "\n".join(lines)

    @property
    def _worth(self) -> wl.Estimate:
        """What the order is worth on the draw where it is worth most, among those where it helps if there are some."""
        orders = list(self.order.values())
        helping = [order for order in orders if helps(order, self.least_gain)]
        return max(helping or orders, key=lambda order: float(np.nan_to_num(order.value, nan=-np.inf)))

    @property
    def _none(self) -> bool:
        """Whether the intervals of all draws lie under what would count as induction."""
        return all(bool(order.high < self.least_gain) for order in self.order.values())

    def _claim(self) -> str:
        order, least = self._worth, f"{self.least_gain:g} nats"
        if not np.isfinite(order.value):
            return "Whether the model continues random repetitions could not be measured."
        if not self.behaves and self._none:
            none = f"the order of a random repetition is worth {order}, under the {least} that count"
            return f"The model does not continue a repetition (no induction): {none}."
        if not self.behaves:
            unsure = f"the order of a random repetition is worth {order}; {least} would count"
            return f"The model is not shown to continue a repetition (induction): {unsure}."
        who = "heads " + ", ".join(self.candidates) if len(self.candidates) > 1 else "head " + self.candidates[0]
        if self.caused:
            return f"The model continues random repetitions: their order is worth {order}; it needs {who} for that."
        return (
            f"The model continues random repetitions: their order is worth {order}; "
            "no head or set of heads was found that carries it alone."
        )

    def _pattern(self) -> str:
        score = self.scores["unigram"]
        best = highest(score)
        over = ", ".join(self.candidates) if self.over_threshold else "no head"
        return f"Prefix matching over {self.threshold:g}: {over}; highest {best} at {score[best]}."

    def _cause(self) -> str:
        said = []
        for way, lost in self.lost_together.items():
            null = self.lost_random[way]
            against = "no other heads to compare with"
            if len(null):
                against = (
                    f"{told_p(self.p_random(way))} among {len(null)} random sets, their highest {digits(null.max())}"
                )
            said.append(f"{way} {lost} ({against})")
        intact = math.nan if self.intact is None else float(self.intact.value)
        if not math.isfinite(intact):
            return f"What ablating {', '.join(self.candidates)} loses could not be measured."
        gain = formatted(intact, ".3g")
        return f"Of a gain of {gain} nats, ablating {', '.join(self.candidates)} loses: {'; '.join(said)}."

    def _alone(self) -> str:
        """Say what the head of the highest score loses alone, beside those drawn at random; nothing if none were."""
        if self.lost is None or self.drawn is None or not self.drawn.any():
            return ""
        best, others = highest(self.scores["unigram"]), self.lost.value[self.drawn]
        tried = int(np.isfinite(self.lost.value).sum())
        of = f"Of {self.drawn.size} heads {tried} were ablated alone"
        if not np.isfinite(self.lost.value[best]):
            return f"{of}; {best}, of the highest score, is not among them."
        return (
            f"{of}: {best}, of the highest score, loses {self.lost[best]}; {len(others)} drawn at random among the "
            f"others lose {digits(others.mean())} on average and {digits(others.max())} at most."
        )

    def findings(self) -> Sequence[wl.Finding]:
        order = self._worth
        if not np.isfinite(order.value):
            return [wl.Finding(self._claim(), "induction", (), "anecdotal", "description")]
        sure = self.caused if self.behaves else self._none
        select = Head.parse(self.candidates[0]) if self.behaves and self.caused else ()
        trust: Any = "solid" if order.trusted and sure else "weak"
        return [wl.Finding(self._claim(), "induction", select, trust, "effect" if self.behaves else "null", order)]

    def card(self) -> Mapping[str, wl.Estimate]:
        shown = {f"Induction score, {draw}": score for draw, score in self.scores.items()}
        if self.lost is not None:
            shown["Repetition gain lost without it"] = self.lost
        return shown

    def claims(self) -> Mapping[str, wl.Estimate]:
        gained = {f"Gain by the order of a repetition, {draw} words": order for draw, order in self.order.items()}
        return {**gained, **super().claims()}

    def views(self) -> Sequence[wl.View]:
        return [self._curves(), self._heads(), *([self._ablation()] if self.lost_together else [])]

    def _curves(self) -> wl.View:
        curves = {f"{draw} words": curve[1:] for draw, curve in self.curve.items()}
        second = Mark(self.length + 1, "The second copy begins: each word and its successor have been seen once.")
        places = np.arange(1, len(next(iter(self.curve.values())).value))
        return wl.View(
            "induction",
            "Loss on repeated random tokens",
            Lines.of(curves, Axis("position in the sequence", "tokens"), "loss", places, marks=[second]),
            subtitle="Does the model continue a sequence that it has just seen?",
            caption=f"Mean loss by position, {interval_over(self.previous)} of {self.length} random "
            f"words said twice. Unigram words: gain at the second copy {self.gain['unigram']}, by its order "
            f"{self.order['unigram']}. {_CHANCE}.",
            how_to_read="With induction the loss drops where the second copy begins: the model finds the earlier place "
            "and reads on. Without it the curve runs on as before.",
            misleads="A lower second half can also mean that the model expects words again that it has seen; only "
            "the gain by their order, which the caption gives, is induction.",
            order=65,
        )

    def _heads(self) -> wl.View:
        scores = {name: Series(Wording(name), score, domain=[0, 1]) for name, score in self._scores().items()}
        lost, tab = {}, ""
        if self.lost is not None:
            name = "gain lost without the head"
            lost = {name: Series(Wording(name), self.lost, scale="diverging")}
            tab = f" The tab '{name}' shows which heads the model needs for continuing a repetition."
            if told := self._alone():
                tab += f" {told}"
        return wl.View(
            "induction-heads",
            "Induction score by head",
            Matrix.by_head({**scores, **lost}),
            subtitle="Which heads look at what came next the last time?",
            caption="Prefix matching: attention to what came after the earlier copy of the same word, "
            f"{interval_over(self.previous)}; chance is uniform attention.",
            how_to_read="A high score: the head looks at the word that came next the last time. Heads over "
            f"{self.threshold:g} are candidates; if there are none, the highest is.{tab}",
            misleads=f"The threshold of {self.threshold:g} is a convention: many weak heads can do the work of one, "
            "and a head that looks at the right place may not be used.",
            order=66,
        )

    def _scores(self) -> dict[str, wl.Estimate]:
        return {f"prefix matching, {draw} words": score for draw, score in self.scores.items()}

    def _ablation(self) -> wl.View:
        nulls = [self.lost_random[way] for way in self.lost_together]
        some = all(map(len, nulls))
        medians = np.array([np.median(null) for null in nulls]) if some else None
        together = replace(Estimate.stacked(list(self.lost_together.values())), chance=medians)
        bars: dict[str, Any] = {", ".join(self.candidates): together}
        chance = "; there are no other heads to compare with"
        if some:
            bars["the random set that loses most"] = [null.max() for null in nulls]
            size = len(self.candidates)
            of = "single other heads" if size == 1 else f"random sets of {size} other heads"
            alike = (
                " of the same layers, if they have as many, on half of the sequences"
                if self.drawn is not None and self.drawn.any()
                else ""
            )
            chance = f"; chance is the median of {len(nulls[0])} {of}{alike}"
        ways = [f"z set to {'its mean' if way == 'mean' else 'zero'}" for way in self.lost_together]
        return wl.View(
            "induction-ablation",
            "Ablation of induction heads",
            Bars.by_place(ways, bars, "gain lost"),
            subtitle="Does the model need these heads to continue a repetition?",
            caption=f"Gain of the second copy lost when heads are ablated, 95% interval over n={together.over} "
            f"drawn anew{chance}.",
            how_to_read="If the candidates are what continues repetitions, they lose most of the gain and no random "
            "set does.",
            misleads="Setting z to zero takes the model where it never was; trust it where the mean says the same.",
            order=67,
        )


def helps(order: wl.Estimate, least: float) -> bool:
    """Say whether the order of a repetition is worth something, and enough."""
    return bool(order.low > 0 and order.value >= least)


def highest(score: wl.Estimate) -> Head:
    """Return the head of the highest score."""
    layer, head = np.unravel_index(int(np.nan_to_num(score.value, nan=-np.inf).argmax()), score.value.shape)
    return Head(int(layer), int(head))
