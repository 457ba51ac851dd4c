"""What came of following a model through its training: sentences, curves, and views with a slider over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.views import (
    Axis,
    Block,
    Curve,
    Key,
    Lines,
    Mark,
    Reference,
    Row,
    Wording,
    digits,
    told_p,
)
from wonderland_cohorts.development_views import attention_then, samples_then, scores_by_head
from wonderland_cohorts.over_training import over_time, told_tokens
from wonderland_cohorts.transitions import LEAST_SNAPSHOTS, log_tokens

_SURE = 0.05


@dataclass(frozen=True)
class DevelopmentResult(wl.Result):
    """The same numbers at every snapshot.

    Attributes:
        at: Tokens seen, [snapshot].
        loss: Held-out loss by kind of token, each [snapshot].
        trained: Loss on training text, [snapshot]; None without it.
        distance: KL(n-gram ‖ model) in nats by n-gram, each [snapshot]; none without training text.
        depth: Layers after which the answer is there, [snapshot].
        curves: Highest score over heads by pattern, and the gain of a repetition, each [snapshot]; chance is the first
            snapshot's.
        halfway: Tokens after which each curve has made half of its rise; NaN if it has none.
        halfway_loss: The same of the fall of the held-out loss.
        rises: Of each curve that rises: the snapshot at which the largest single rise ended, its share, p and q.
        scores: Scores of all heads by pattern, each [snapshot, layer, head].
        labels: Labels of heads, [snapshot][layer][head].
        attention: Attention on one held-out window at each snapshot, [layer × head, query, key], uint16 of 65,535ths.
        shown: That window: tokens, speakers, messages.
        samples: What the model said at each snapshot with the same seeds.
    """

    at: np.ndarray
    loss: dict[str, wl.Estimate]
    trained: wl.Estimate | None
    distance: dict[str, wl.Estimate]
    depth: wl.Estimate
    curves: dict[str, wl.Estimate]
    halfway: dict[str, float]
    halfway_loss: float
    rises: dict[str, list[float]]
    scores: dict[str, np.ndarray]
    labels: list[list[list[str]]]
    attention: list[np.ndarray]
    shown: dict[str, Any]
    samples: list[list[dict[str, Any]]]

    @property
    def transitions(self) -> list[str]:
        """Names of the curves whose largest single rise is larger than chance has it, q < 0.05."""
        return [name for name, (_, _, _, q) in self.rises.items() if q < _SURE]

    def claims(self) -> dict[str, wl.Estimate]:
        return {}

    def summary(self) -> str:
        lines = [self._loss(), self._closest(), self._memorised(), self._sudden()]
        lines += [self._rise(name) for name in self.rises]
        return "\n".join(line for line in lines if line)

    def _loss(self) -> str:
        one = self.loss["all tokens"]
        falls = float(one.value[-1]) < float(one.value[0])
        half = f"; half of the fall is made after {told_tokens(self.halfway_loss)}" if falls else ""
        return (
            f"Over {len(self.at)} snapshots the held-out loss {'falls' if falls else 'rises'} from "
            f"{digits(one.value[0], 3)} to {digits(one.value[-1], 3)} nats a token [{digits(one.low[-1], 3)}, "
            f"{digits(one.high[-1], 3)}] (n={one.over}){half}."
        )

    def _closest(self) -> str:
        if not self.distance:
            return ""
        told = []
        for name, one in self.distance.items():
            best = int(np.argmin(one.value))
            told.append(f"{name} {digits(one.value[best])} nats after {told_tokens(self.at[best])}")
        return f"It is closest to n-grams, by KL(n-gram ‖ model), here: {'; '.join(told)}."

    def _memorised(self) -> str:
        if self.trained is None:
            return ""
        gap = np.asarray(self.loss["all tokens"].value) - np.asarray(self.trained.value)
        best = int(np.argmin(self.loss["all tokens"].value))

        def told(nats: float) -> str:
            return f"{digits(abs(nats))} nats a token {'less' if nats >= 0 else 'more'}"

        later = f"; at the end {told(gap[-1])}" if best < len(gap) - 1 else ", at the end of training"
        return (
            f"At the lowest held-out loss, after {told_tokens(self.at[best])}, text it was trained on costs "
            f"{told(gap[best])} than held-out text{later}."
        )

    def _sudden(self) -> str:
        if len(self.at) < LEAST_SNAPSHOTS:
            return (
                f"Of transitions nothing is said: it takes {LEAST_SNAPSHOTS} snapshots, and there are {len(self.at)}."
            )
        if not self.rises:
            return "No score of heads and no gain of a repetition ends higher than it began."
        if self.transitions:
            return f"What rises at once: {', '.join(self.transitions)}."
        return "No curve rises at once: no single rise is larger than if the whole rise were cut at random places."

    def _rise(self, name: str) -> str:
        at, share, p, q = self.rises[name]
        curve = self.curves[name]
        unit = "" if curve.unit == "1" else f" {curve.unit}"
        return (
            f"{name}: rises from {digits(curve.value[0])} (untrained) to {digits(curve.value[-1])}{unit} "
            f"[{digits(curve.low[-1])}, {digits(curve.high[-1])}], halfway after {told_tokens(self.halfway[name])}; "
            f"the largest single rise, before {told_tokens(self.at[int(at)])}, is {100 * share:.0f}% of it "
            f"({told_p(p)}, {told_p(q, 'q')})."
        )

    def findings(self) -> Sequence[wl.Finding]:
        one = self.loss["all tokens"][-1]
        trust: Any = "solid" if one.trusted else "weak"
        found = [wl.Finding(self._loss(), "development-loss", (), trust, "description", one)]
        found += [wl.Finding(self._rise(name), "development-heads", (), "weak", "effect") for name in self.transitions]
        if not self.transitions:
            kind: Any = "null" if len(self.at) >= LEAST_SNAPSHOTS else "description"
            view = "development-heads" if self.curves else "development-loss"
            found.append(wl.Finding(self._sudden(), view, (), "weak", kind))
        return found

    def _keys(self) -> list[Key]:
        """Return the key of the model at each snapshot, by the tokens it had seen."""
        return [Key.spelled("model", f"{int(tokens)}-tokens") for tokens in self.at]

    def cards(self) -> Mapping[Any, Sequence[Block]]:
        """Return what was measured of the model at each snapshot."""
        measured = {"held-out loss, all tokens": self.loss["all tokens"]}
        measured |= {f"highest {name}": one for name, one in self.curves.items()}
        measured["layers after which the answer is there"] = self.depth
        return {
            key: [Block(rows=[Row(label, one[i]) for label, one in measured.items()])]
            for i, key in enumerate(self._keys())
        }

    def _curve(self, name: str, one: wl.Estimate) -> Curve:
        return Curve(Wording(name), log_tokens(self.at), one.value, one.low, one.high)

    def views(self) -> Sequence[wl.View]:
        views = [self._losses()]
        if self.distance:
            views.append(self._ngrams())
        if self.curves:
            views.append(self._heads())
        if self.scores:
            views.append(scores_by_head(self.at, self.scores, self.labels))
        if self.attention:
            layers, heads = map(int, next(iter(self.scores.values())).shape[1:])
            views.append(attention_then(self.at, self.attention, self.shown, layers, heads))
        if self.samples and self.samples[0]:
            views.append(samples_then(self.at, self.samples))
        views.append(self._depth())
        return views

    def _losses(self) -> wl.View:
        series = [self._curve(name, one) for name, one in self.loss.items()]
        if self.trained is not None:
            series.append(self._curve("training text, all tokens", self.trained))
        n = self.loss["all tokens"].over
        return wl.View(
            "development-loss",
            "Loss over training",
            Lines(over_time(self.at), Axis("loss", "nats a token"), series, keys=self._keys()),
            subtitle="Which parts of a message did the model learn to predict first?",
            caption=f"Loss on the same tokens at {len(self.at)} snapshots; 95% interval over n={n}. The "
            "untrained model stands at the left end and is the chance level.",
            how_to_read="A curve that falls early is learned early. Where the curve of training text leaves that of "
            "held-out text, the model memorises.",
            misleads="The learning rate falls towards the end, and the loss with it, whatever is learned then.",
            order=12,
        )

    def _ngrams(self) -> wl.View:
        n = next(iter(self.distance.values())).over
        return wl.View(
            "development-ngrams",
            "Distance to n-gram models",
            Lines(
                over_time(self.at),
                Axis("KL(n-gram ‖ model)", "nats"),
                [self._curve(name, one) for name, one in self.distance.items()],
                keys=self._keys(),
            ),
            subtitle="When is the model like a table of single words, of pairs, of triples?",
            caption="Kullback–Leibler divergence of interpolated n-gram models, counted on the training text, from the "
            f"model, averaged over the same held-out places; 95% interval over n={n}.",
            how_to_read="0 would be the n-gram model itself. A curve that falls and then rises again: the model was "
            "like that table and has gone beyond it.",
            misleads="A model can be near a table of counts and still know other things.",
            order=13,
        )

    def _heads(self) -> wl.View:
        shares = {name: one for name, one in self.curves.items() if one.unit == "share of attention"} or self.curves
        marks = [
            Mark(float(log_tokens([self.at[int(self.rises[name][0])]])[0]), f"{name} rises", self._rise(name))
            for name in self.transitions
        ]
        start = max(float(one.value[0]) for one in shares.values())
        n = next(iter(shares.values())).over
        return wl.View(
            "development-heads",
            "Heads over training",
            Lines(
                over_time(self.at),
                Axis("highest score over heads", "share of attention"),
                [self._curve(name, one) for name, one in shares.items()],
                [Reference(Wording("highest before training"), start)],
                marks,
                keys=self._keys(),
            ),
            subtitle="When did heads begin to look at something particular?",
            caption="The highest score over heads for each pattern at each snapshot; 95% interval of that head over "
            f"n={n}. The line is the highest score of the untrained model. Marks: rises "
            "that are larger than if the whole rise were cut at random places, q < 0.05.",
            how_to_read="A step is a head that forms within one stretch of training. Point at a mark to read how large "
            "it is.",
            misleads="It is not one head's curve: at each snapshot it is that of whichever head is highest then.",
            order=14,
        )

    def _depth(self) -> wl.View:
        one = self.depth
        return wl.View(
            "development-depth",
            "Logit-lens depth over training",
            Lines(over_time(self.at), Axis("layers", "layers"), [self._curve("depth", one)], keys=self._keys()),
            subtitle="After how many layers is the answer there?",
            caption="The first layer after which the model's own unembedding ranks first what it ranks first in the "
            f"end, and stays so; mean over the same places, 95% interval over n={one.over}. The untrained "
            "model at the left end is the chance level.",
            how_to_read="A curve that rises: later layers change the answer more and more.",
            misleads="Early layers need not write so that the unembedding can read them.",
            order=18,
        )

    def heads_with(self, number: int, label: str) -> list[Head]:
        """List the heads that carry a label at a snapshot."""
        grid = self.labels[number]
        return [Head(i, j) for i, row in enumerate(grid) for j, of in enumerate(row) if label in of]
