"""Does the model continue a repetition, and which heads does it need for that?

The input: the token that sequences begin with (a speaker token, in chats) and 2n random words, [s, r_1 … r_n, r_1 …
r_n], all r distinct so that each has one earlier copy. Drawn twice: uniformly from the vocabulary (as in the
literature; off-distribution for chats) and from how often words occur in the held-out evidence. Three questions, the
behaviour first:

1. Behaviour. The gain, loss(r_2 … r_n the first time) − loss(the same words the second time), in nats. Its chance
   level is the same difference when the first half holds n other words: what a later position alone is worth. The
   *order* gain, loss after the same words in another order − loss after the repetition, is what is left for induction:
   a model that merely expects words again that it has seen gains nothing by their order.
2. Pattern. The prefix-matching score of each head, mean A[i, i − n + 1] over the second half: the attention to what
   came after the earlier copy. Chance is uniform attention.
3. Cause. The gain lost when the z of the candidate heads is replaced by zero or by its mean, on fresh sequences,
   against random sets of as many other heads. Heads that look at the previous token are the known other half of the
   circuit and are kept out of the random sets; every head alone is tested, too.

Intervals are over sequences, which are independent draws; they say nothing about other corpora or training seeds. It
runs the model itself and reads no activation of the evidence. Cost: about 6 × ``sequences`` windows and one pass over
``sequences / 2`` for each ablated set.

What would fool it: a threshold on the score. No head over it does not mean no induction (several heads can share it),
and one over it does not mean induction (its output may not be used). So the claim rests on 1 and 3, and the threshold
only chooses the candidates.

References: Olsson et al. 2022 (2209.11895); Elhage et al. 2021, A Mathematical Framework for Transformer Circuits.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.errors import NotEnoughData
from wonderland.lab.stats import cluster_bootstrap
from wonderland_triage.repetition import (
    copies,
    draw_words,
    look,
    losses,
    mean_z,
    reordered,
    sequence,
    word_weights,
)

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

DRAWS = ("unigram", "uniform")
_LEAST_WORDS = 4


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

    @property
    def behaves(self) -> bool:
        """Whether the order of a repetition helps the model, on either draw."""
        return any(_helps(order, self.least_gain) for order in self.order.values())

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
            f"{draw} words, n={self.length}: the second copy gains {self.gain[draw]}; by its order {self.order[draw]}."
            for draw in DRAWS
        ]
        lines.append(self._pattern())
        if self.lost_together and self.intact is not None:
            lines.append(self._cause())
        if isinstance(self.control, InductionResult):
            lines.append(f"Before training: gain of the order {self.control.order['unigram']}.")
        return "\n".join(lines)

    def _claim(self) -> str:
        order = max(self.order.values(), key=lambda estimate: float(estimate.value))
        if not self.behaves:
            return f"No induction: the order of a random repetition is worth {order}, under {self.least_gain:g} nats."
        who = "heads " + ", ".join(self.candidates) if len(self.candidates) > 1 else "head " + self.candidates[0]
        if self.caused:
            return f"The model continues random repetitions: their order is worth {order}; it needs {who} for that."
        return (
            f"The model continues random repetitions: their order is worth {order}; "
            "no head or set of heads was found that carries it alone."
        )

    def _pattern(self) -> str:
        score = self.scores["unigram"]
        best = _highest(score)
        over = ", ".join(self.candidates) if self.over_threshold else "no head"
        return f"Prefix matching over {self.threshold:g}: {over}; highest {_name(best)} at {score[best]}."

    def _cause(self) -> str:
        said = [
            f"{way} {lost} (p={self.p_random(way):.2g} among {len(self.lost_random[way])} random sets, their "
            f"highest {self.lost_random[way].max(initial=0):.2g})"
            for way, lost in self.lost_together.items()
        ]
        intact = float(self.intact.value) if self.intact is not None else math.nan
        return f"Of a gain of {intact:.3g} nats, ablating {', '.join(self.candidates)} loses: {'; '.join(said)}."

    def findings(self) -> Sequence[wl.Finding]:
        order = max(self.order.values(), key=lambda estimate: float(estimate.value))
        sure = self.caused if self.behaves else order.high < self.least_gain
        trust: Any = "solid" if order.trusted and sure else "weak"
        select = {"head": self.candidates[0]} if self.behaves and self.caused else {}
        return [wl.Finding(self._claim(), "induction", select, trust)]

    def card(self) -> Mapping[str, wl.Estimate]:
        shown = {f"Induction score, {draw}": score for draw, score in self.scores.items()}
        if self.lost is not None:
            shown["Repetition gain lost without it"] = self.lost
        return shown

    def views(self) -> Sequence[wl.View]:
        series = [
            {
                "name": f"prefix matching, {draw} words",
                "unit": "share of attention",
                "values": score.value,
                "low": score.low,
                "high": score.high,
                "chance": score.chance,
                "domain": [0, 1],
            }
            for draw, score in self.scores.items()
        ]
        if self.lost is not None:
            lost = self.lost
            series.append(
                {
                    "name": "gain lost without the head",
                    "unit": "nats",
                    "values": lost.value,
                    "low": lost.low,
                    "high": lost.high,
                    "chance": 0,
                    "scale": "diverging",
                }
            )
        layers, per_layer = self.previous.value.shape
        n = self.previous.n
        views = [
            wl.View.of_data(
                "induction",
                "Induction",
                "line",
                {
                    "x": {"label": "position in the sequence", "unit": "tokens"},
                    "y": {"label": "loss", "unit": "nats a token"},
                    "series": [
                        {
                            "name": f"{draw} words",
                            "x": np.arange(1, len(curve.value)),
                            "y": curve.value[1:],
                            "low": curve.low[1:],
                            "high": curve.high[1:],
                        }
                        for draw, curve in self.curve.items()
                    ],
                    "marks": [
                        {
                            "x": self.length + 1,
                            "title": "The second copy begins",
                            "text": "From the next token on, each word and its successor have been seen once.",
                        }
                    ],
                },
                caption=f"Mean loss by position, 95% interval over n={n} sequences of {self.length} random words said "
                f"twice. Unigram words: the second copy gains {self.gain['unigram']}, its order "
                f"{self.order['unigram']}.",
                how_to_read="A model with induction drops where the second copy begins: it finds the earlier place "
                "and reads on. Without it the curve runs on as before.",
                misleads="A lower second half can also mean that the model expects words again that it has seen; only "
                "the gain by their order, which the caption gives, is induction.",
                order=65,
            ),
            wl.View.of_data(
                "induction-heads",
                "Induction: heads",
                "matrix",
                {
                    "rows": [f"L{layer}" for layer in range(layers)],
                    "columns": [f"H{head}" for head in range(per_layer)],
                    "links": "head",
                    "series": series,
                },
                caption="Attention to what came after the earlier copy of the same word, 95% interval over "
                f"n={n} sequences; chance is uniform attention.",
                how_to_read="Strongly coloured heads look at the word that came next the last time. Switch to the gain "
                "lost to see which heads the model needs for continuing a repetition.",
                misleads=f"The line at {self.threshold:g} is a convention: many weak heads can do the work of one, and "
                "a head that looks at the right place may not be used.",
                order=66,
            ),
        ]
        if self.lost_together:
            views.append(self._ablation_view())
        return views

    def _ablation_view(self) -> wl.View:
        ways = list(self.lost_together)
        nulls = [self.lost_random[way] for way in ways]
        together = [self.lost_together[way] for way in ways]
        return wl.View.of_data(
            "induction-ablation",
            "Induction: cause",
            "bars",
            {
                "x": [f"z set to its {way}" if way == "mean" else "z set to zero" for way in ways],
                "y": {"label": "gain lost", "unit": "nats"},
                "series": [
                    {
                        "name": ", ".join(self.candidates),
                        "values": [float(e.value) for e in together],
                        "low": [float(e.low) for e in together],
                        "high": [float(e.high) for e in together],
                        "chance": [float(np.median(null)) if len(null) else math.nan for null in nulls],
                    },
                    {
                        "name": "the random set that loses most",
                        "values": [float(null.max()) if len(null) else math.nan for null in nulls],
                    },
                ],
            },
            caption=f"Gain of the second copy lost when heads are ablated, 95% interval over n={together[0].n} fresh "
            f"sequences; chance is the median of {len(nulls[0])} random sets of {len(self.candidates)} other heads.",
            how_to_read="If the candidates are what continues repetitions, they lose most of the gain and no random "
            "set does.",
            misleads="Setting z to zero takes the model where it never was; trust it where the mean says the same.",
            order=67,
        )


@dataclass(frozen=True)
class Induction:
    """Does the model continue a repetition? Behaviour, prefix-matching heads, and ablation against random heads."""

    name: ClassVar[str] = "induction"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ("triage",)

    sequences: Annotated[int, "random sequences for each draw"] = 32
    length: Annotated[int, "words of one copy; 0 for as many as the context and the vocabulary hold"] = 0
    threshold: Annotated[float, "least prefix-matching score of a candidate head"] = 0.3
    least_gain: Annotated[float, "least gain by the order, in nats, that is called induction"] = 0.05
    random_sets: Annotated[int, "random sets of heads to compare the candidates with"] = 12
    seed: Annotated[int, "seed of the sequences and of the random sets"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.induction()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> InductionResult:
        """Draw the sequences, run the model on them, and ablate."""
        weights = word_weights(specimen)
        length = self._length(specimen, weights)
        gain, order, curve, scores, previous = {}, {}, {}, {}, {}
        for number, draw in enumerate(DRAWS):
            words = draw_words(weights[draw], length, self.sequences, seed=(self.seed, number))
            once, other, mixed = words[:, :length], words[:, length:], reordered(words[:, :length], self.seed)
            repeated, patterns = look(specimen, sequence(specimen, once, once))
            first, second = copies(repeated, length)
            unrelated = copies(losses(specimen, sequence(specimen, other, once)), length)[1]
            after_mixed = copies(losses(specimen, sequence(specimen, mixed, once)), length)[1]
            chance = float((first - unrelated).mean())
            gain[draw] = _over_sequences((first - second).mean(1), chance=chance, unit="nats", seed=self.seed)
            order[draw] = _over_sequences((after_mixed - second).mean(1), chance=0.0, unit="nats", seed=self.seed)
            curve[draw] = _over_sequences(repeated, unit="nats a token", dims=("position",), seed=self.seed)
            even: dict[str, Any] = {"unit": "share of attention", "dims": ("layer", "head"), "seed": self.seed}
            rows = np.arange(length + 1, 2 * length + 1)
            scores[draw] = _over_sequences(patterns[:, 0], chance=float((1 / (rows + 1)).mean()), **even)
            rows = np.arange(2, 2 * length + 1)
            previous[draw] = _over_sequences(patterns[:, 1], chance=float((1 / (rows + 1)).mean()), **even)
        candidates = self._candidates(scores["unigram"])
        result = InductionResult(
            length=length,
            gain=gain,
            order=order,
            curve=curve,
            scores=scores,
            previous=previous["unigram"],
            candidates=[_name(head) for head in candidates],
            over_threshold=bool(scores["unigram"].value[candidates[0]] > self.threshold),
            lost=None,
            lost_together={},
            lost_random={},
            intact=None,
            threshold=self.threshold,
            least_gain=self.least_gain,
        )
        if not result.behaves:
            return result
        draw = "unigram" if _helps(order["unigram"], self.least_gain) else "uniform"
        fresh = draw_words(weights[draw], length, max(self.sequences // 2, 2), seed=(self.seed, len(DRAWS)))
        return dataclasses.replace(result, **self._ablate(specimen, fresh, candidates, previous["unigram"]))

    def _length(self, specimen: wl.Specimen, weights: Mapping[str, np.ndarray]) -> int:
        words = min(int((w > 0).sum()) for w in weights.values())
        most = min((specimen.cfg.n_ctx - 1) // 2, words // 2)
        if most < _LEAST_WORDS:
            raise NotEnoughData(
                f"A repetition needs {_LEAST_WORDS} words, said twice, and as many others: the context holds "
                f"{specimen.cfg.n_ctx} tokens and the held-out evidence {words} different words.",
                hint="Hold more out, or train with a longer context.",
            )
        return min(self.length, most) if self.length else most

    def _candidates(self, score: wl.Estimate) -> list[Head]:
        """Return the heads over the threshold and above chance, highest first; if there are none, the highest."""
        over = (score.value > self.threshold) & score.above_chance
        order = np.argsort(-np.where(over, score.value, -np.inf), axis=None, kind="stable")[: over.sum()]
        found = [np.unravel_index(index, over.shape) for index in order]
        return [Head(int(layer), int(head)) for layer, head in found] or [_highest(score)]

    def _ablate(
        self, specimen: wl.Specimen, words: np.ndarray, candidates: list[Head], previous: wl.Estimate
    ) -> dict[str, Any]:
        length = words.shape[1] // 2
        once, other = words[:, :length], words[:, length:]
        tokens = sequence(specimen, once, once)
        means = mean_z(specimen, sequence(specimen, other, once))
        every = list(Head.all(*previous.value.shape))

        def gain(ablated: Sequence[Head], way: str) -> np.ndarray:
            first, second = copies(losses(specimen, tokens, ablated, means if way == "mean" else None), length)
            return np.asarray((first - second).mean(1))

        def lost(ablated: Sequence[Head], way: str) -> np.ndarray:
            return np.asarray(intact - gain(ablated, way))

        intact = gain((), "zero")
        alone = np.stack([lost([head], "mean") for head in every], axis=1)  # [sequence, layer × head]
        others = [head for head in every if head not in candidates and previous.value[head] <= 0.5]
        sets = _random_sets(others, len(candidates), self.random_sets, self.seed)
        estimate: dict[str, Any] = {"unit": "nats", "seed": self.seed, "chance": 0.0}
        return {
            "intact": _over_sequences(intact, **estimate),
            "lost": _over_sequences(alone.reshape(-1, *previous.value.shape), dims=("layer", "head"), **estimate),
            "lost_together": {way: _over_sequences(lost(candidates, way), **estimate) for way in ("mean", "zero")},
            "lost_random": {way: np.array([lost(some, way).mean() for some in sets]) for way in ("mean", "zero")},
        }


def _random_sets(of: list[Head], size: int, count: int, seed: int) -> list[list[Head]]:
    """Return different random sets of heads; all there are if they are fewer than ``count``."""
    if math.comb(len(of), size) <= count:
        return [list(some) for some in itertools.combinations(of, size)]
    random = np.random.default_rng((seed, 7))
    found: set[tuple[int, ...]] = set()
    while len(found) < count:
        found.add(tuple(sorted(random.choice(len(of), size, replace=False).tolist())))
    return [[of[index] for index in some] for some in sorted(found)]


def _over_sequences(values: np.ndarray, **about: Any) -> wl.Estimate:
    """Return the mean over sequences [sequence, ...] with its interval."""
    number = np.arange(len(values))
    return cluster_bootstrap(values, np.ones(len(values)), number, resampled_over="sequences", **about)


def _helps(order: wl.Estimate, least: float) -> bool:
    return bool(order.low > 0 and order.value >= least)


def _highest(score: wl.Estimate) -> Head:
    layer, head = np.unravel_index(int(score.value.argmax()), score.value.shape)
    return Head(int(layer), int(head))


def _name(head: Head) -> str:
    return f"L{head[0]}H{head[1]}"
