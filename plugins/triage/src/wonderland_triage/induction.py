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
runs the model itself and reads no activation of the evidence. Cost: about 6 × ``sequences`` windows, and over
``sequences / 2`` for each set the layers from the first ablated one on. Of a model with more than ``alone`` heads those
of the highest scores are taken out one at a time and a quarter at random among the others, on ``sequences / 4``, and so
are the random sets, which are then drawn from the layers of the candidates.

What would fool it: a threshold on the score. No head over it does not mean no induction (several heads can share it),
and one over it does not mean induction (its output may not be used). So the claim rests on 1 and 3, and the threshold
only chooses the candidates.

References: Olsson et al. 2022 (2209.11895); Elhage et al. 2021, A Mathematical Framework for Transformer Circuits.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.errors import NotEnoughData
from wonderland.lab.shortlist import drawn_apart, layers_in
from wonderland.lab.stats import cluster_bootstrap
from wonderland_triage.induction_result import DRAWS, InductionResult, helps, highest
from wonderland_triage.repetition import (
    copies,
    draw_words,
    gains,
    look,
    losses,
    mean_z,
    reordered,
    sequence,
    whole_runs,
    word_weights,
)

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_LEAST_WORDS, _MOST_WORDS = 4, 63  # of one copy: with a context of 128 tokens more do not fit


@dataclass(frozen=True)
class Induction:
    """Does the model continue a repetition? Behaviour, prefix-matching heads, and ablation against random heads."""

    name: ClassVar[str] = "induction"
    version: ClassVar[int] = 4
    needs: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ("triage",)
    no_choices: ClassVar[str] = (
        "Candidates are chosen by attention on some sequences, and what is lost without them is "
        "measured on fresh ones, against random sets of heads."
    )

    sequences: Annotated[int, "random sequences for each draw"] = 32
    length: Annotated[int, "words of one copy; 0 for as many as context and vocabulary hold, at most 63"] = 0
    threshold: Annotated[float, "least prefix-matching score of a candidate head"] = 0.3
    least_gain: Annotated[float, "least gain by the order, in nats, that is called induction"] = 0.05
    random_sets: Annotated[int, "random sets of heads to compare the candidates with"] = 12
    alone: Annotated[int, "heads to take out one at a time: those of the highest scores, and a random quarter"] = 64
    layers: Annotated[str, "of these layers only, such as 2, 0,2 or 5-7; all if empty"] = ""
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
            unrelated, after_mixed = (
                copies(losses(specimen, sequence(specimen, before, once), length + 1), length)[1]
                for before in (other, mixed)
            )
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
            candidates=list(map(str, candidates)),
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
        draw = "unigram" if helps(order["unigram"], self.least_gain) else "uniform"
        fresh = draw_words(weights[draw], length, max(self.sequences // 2, 2), seed=(self.seed, len(DRAWS)))
        return dataclasses.replace(
            result, **self._ablate(specimen, fresh, candidates, scores["unigram"], previous["unigram"])
        )

    def _length(self, specimen: wl.Specimen, weights: Mapping[str, np.ndarray]) -> int:
        words = min(int((w > 0).sum()) for w in weights.values())
        most = min((specimen.cfg.n_ctx - 1) // 2, words // 2)
        if most < _LEAST_WORDS:
            raise NotEnoughData(
                f"A repetition needs {_LEAST_WORDS} words, said twice, and as many others: the context holds "
                f"{specimen.cfg.n_ctx} tokens and the held-out evidence {words} different words.",
                hint="Hold more out, or train with a longer context.",
            )
        return min(self.length or _MOST_WORDS, most)

    def _candidates(self, score: wl.Estimate) -> list[Head]:
        """Return the heads over the threshold and above chance, highest first; if there are none, the highest."""
        over = (score.value > self.threshold) & score.above_chance
        order = np.argsort(-np.where(over, score.value, -np.inf), axis=None, kind="stable")[: over.sum()]
        found = [np.unravel_index(index, over.shape) for index in order]
        return [Head(int(layer), int(head)) for layer, head in found] or [highest(score)]

    def _ablate(
        self,
        specimen: wl.Specimen,
        words: np.ndarray,
        candidates: list[Head],
        scores: wl.Estimate,
        previous: wl.Estimate,
    ) -> dict[str, Any]:
        length = words.shape[1] // 2
        once, other = words[:, :length], words[:, length:]
        tokens = sequence(specimen, once, once)
        means = mean_z(specimen, sequence(specimen, other, once))
        every = list(Head.all(*previous.value.shape))
        score = np.maximum(scores.value, previous.value)  # the two halves of the circuit
        tried, drawn = drawn_apart(score, self.alone, layers=layers_in(self.layers, len(score)), seed=self.seed)
        others = [head for head in every if head not in candidates and previous.value[head] <= 0.5]
        sets = _random_sets(_alike(others, candidates, by_layer=bool(drawn.any())), self.random_sets, self.seed)
        together: dict[str, np.ndarray] = {}
        at_random: dict[str, np.ndarray] = {}
        # Of many heads each alone, and each random set, is measured on half of the sequences: what is then told of one
        # of them is less sure by the root of two.
        some = tokens[: max(len(tokens) // 2, 2)] if drawn.any() else tokens
        runs = whole_runs(specimen, tokens)
        for way in ("mean", "zero"):
            intact, left = gains(specimen, runs, [candidates], means, way=way)
            together[way] = (intact - left)[0]
        runs = whole_runs(specimen, some) if drawn.any() else runs
        for way in ("mean", "zero"):
            whole, left = gains(specimen, runs, sets, means, way=way)
            at_random[way] = (whole - left).mean(1)
        single = [head for head in every if tried[head]]
        whole, left = gains(specimen, runs, [[head] for head in single], means, way="mean")
        alone = np.full((len(some), *previous.value.shape), np.nan)
        for head, values in zip(single, whole - left, strict=True):
            alone[(slice(None), *head)] = values
        estimate: dict[str, Any] = {"unit": "nats", "seed": self.seed, "chance": 0.0}
        return {
            "intact": _over_sequences(intact, **estimate),
            "lost": _over_sequences(alone, dims=("layer", "head"), **estimate),
            "lost_together": {way: _over_sequences(lost, **estimate) for way, lost in together.items()},
            "lost_random": at_random,
            "drawn": drawn,
        }


def _alike(others: list[Head], candidates: list[Head], *, by_layer: bool) -> list[tuple[list[Head], int]]:
    """Return groups of heads and how many of each are like the candidates: of each layer as many, if it has them."""
    layers = collections.Counter(head.layer for head in candidates)
    groups = [([head for head in others if head.layer == layer], size) for layer, size in sorted(layers.items())]
    if by_layer and all(len(heads) >= size for heads, size in groups):
        return groups
    return [(others, len(candidates))]


def _random_sets(groups: list[tuple[list[Head], int]], count: int, seed: int) -> list[list[Head]]:
    """Return different sets with so many random heads of each group; all there are if no more than ``count``."""
    if math.prod(math.comb(len(heads), size) for heads, size in groups) <= count:
        parts = itertools.product(*(itertools.combinations(heads, size) for heads, size in groups))
        return [list(itertools.chain(*some)) for some in parts]
    random = np.random.default_rng((seed, 7))
    found: set[tuple[Head, ...]] = set()
    while len(found) < count:
        drawn = [sorted(random.choice(len(heads), size, replace=False)) for heads, size in groups]
        found.add(tuple(heads[i] for (heads, _), some in zip(groups, drawn, strict=True) for i in some))
    return [list(some) for some in sorted(found)]


def _over_sequences(values: np.ndarray, **about: Any) -> wl.Estimate:
    """Return the mean over sequences [sequence, ...] with its interval."""
    number = np.arange(len(values))
    return cluster_bootstrap(values, np.ones(len(values)), number, resampled_over="sequences", **about)
