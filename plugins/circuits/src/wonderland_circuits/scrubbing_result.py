"""What `causal-scrubbing` found, how it is told and drawn; what it means stands in that module."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.views import Column, Matrix, Table, Wording, counted, percent, told_p
from wonderland_circuits.phrases import share
from wonderland_circuits.scrubbing import FEATURES

_MEANING = {
    "nothing": "nothing: an output from any other place will do",
    "position": "its position",
    "speaker": "who speaks",
    "token": "the token that stands there",
    "previous": "the token before",
    "pair": "the token and the one before",
    "everything": "more than any of these",
}
_KEPT = "What is left of the head's effect if outputs are swapped between places with the same {}: 0 nothing, 1 all."
_KEEPS = {
    "position": "position",
    "speaker": "speaker",
    "token": "token",
    "previous": "token before",
    "pair": "two last tokens",
}
_POINTS = 5  # percentage points over random assignments: fewer say nothing of the features


@dataclass(frozen=True)
class CausalScrubbingResult(wl.Result):
    """A hypothesis about heads and how much of the model it leaves whole.

    Attributes:
        hypothesis: The feature each head is claimed to depend on, by its name.
        given: Whether the hypothesis was given, not found.
        recovered: Share of the model's advantage over answers to other places that is left under the hypothesis.
        covered: Share of places that had a partner.
        dealt: The same for hypotheses with these features dealt out to the heads at random, [draw].
        explained: By feature, the share of each head's effect that is left when only the feature is kept,
            [layer, head]; NaN for a head without effect.
        coverage: By feature, share of places that had a partner.
        loss: Loss of the model on these windows.
        random_loss: Loss of its answers to other places.
        enough: Share of a head's effect from which a feature explains it.
        windows: Windows that all of this rests on.
        places: Predicted tokens in them.
    """

    hypothesis: dict[str, str]
    given: bool
    recovered: wl.Estimate
    covered: float
    dealt: np.ndarray
    explained: dict[str, wl.Estimate]
    coverage: dict[str, float]
    loss: wl.Estimate
    random_loss: wl.Estimate
    enough: float
    windows: int
    places: int

    @property
    def p(self) -> float:
        """Share of random deals that recover as much, this hypothesis included; NaN if there is nothing to deal."""
        if not len(self.dealt) or not np.isfinite(self.recovered.value):
            return float("nan")
        return float((1 + (self.dealt >= self.recovered.value).sum()) / (1 + len(self.dealt)))

    @property
    def claimed(self) -> dict[str, list[str]]:
        """Heads by the feature they are claimed to depend on, in the order of features."""
        groups: dict[str, list[str]] = {}
        for feature in (*FEATURES, "everything"):
            heads = [head for head, one in self.hypothesis.items() if one == feature]
            if heads:
                groups[feature] = heads
        return groups

    @property
    def null(self) -> float:
        """What hypotheses with the same features, but of other heads, recover on average; NaN without one."""
        return float(np.mean(self.dealt)) if len(self.dealt) else float("nan")

    def _claim(self) -> str:
        how = "the hypothesis given" if self.given else "the simplest hypothesis found on other conversations"
        claims = sum(feature != "everything" for feature in self.hypothesis.values())
        few = "" if self.recovered.trusted else "; too few conversations to trust the interval"
        told = (
            f"Causal scrubbing: {how} makes claims about {claims} head{'' if claims == 1 else 's'} and recovers "
            f"{share(self.recovered)} of what the model knows (n={self.recovered.over}, "
            f"{counted(self.places, 'token')})"
        )
        if not len(self.dealt):
            return f"{told}; all its claims name one property, so there is no other assignment to compare with{few}."
        more = percent(max(float(self.recovered.high) - self.null, 0.0)).replace("%", " points")
        verdict = "" if self._beyond else f". It is not shown to recover more than they do, at most {more} more"
        random = f"The same properties assigned to the heads at random recover {percent(self.null)} on average"
        if self._beyond and not self._matters:
            little = f"but by at most {more}, too little to count, which takes {_POINTS} points"
            return f"{told}. {random}; it recovers more than by chance ({told_p(self.p)}), {little}{few}."
        return f"{told}. {random}, {told_p(self.p)}{verdict}{few}."

    @property
    def _matters(self) -> bool:
        """Whether it may recover so much more than random assignments that the features chosen say something."""
        return bool(float(self.recovered.high) - self.null >= _POINTS / 100)

    @property
    def _beyond(self) -> bool:
        """Whether it recovers more than random assignments: by p, and by an interval that lies above their mean."""
        return bool(len(self.dealt) and self.p < 0.05 and self.recovered.low > self.null)

    def summary(self) -> str:
        lines = [self._claim()]
        lines += [f"Depends on {_MEANING[feature]}: {', '.join(heads)}." for feature, heads in self.claimed.items()]
        losses = (float(self.loss.value), float(self.random_loss.value))
        told = "; loss {:.3f}, of answers to other places {:.3f} nats a token".format(*losses)
        known = all(map(math.isfinite, losses))
        lines.append(f"{percent(self.covered)} of places had a partner{told if known else ''}.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        estimate = replace(self.recovered, chance=self.null if len(self.dealt) else None)
        kind: Any = "effect" if self._beyond and self._matters else "null" if len(self.dealt) else "description"
        shown = self._beyond or not self._matters  # more than random, or at most so little more that it says nothing
        trust: Any = "solid" if self.recovered.trusted and len(self.dealt) and shown else "weak"
        return [wl.Finding(self._claim(), "scrubbing", trust=trust, kind=kind, estimate=estimate)]

    def card(self) -> Mapping[str, wl.Estimate]:
        return {f"Left if only {name} is kept": self.explained[name] for name in ("speaker", "token", "pair")}

    def views(self) -> Sequence[wl.View]:
        n = self.recovered
        coverage = ", ".join(f"{name} {percent(part)}" for name, part in self.coverage.items())
        caption = (
            f"Share of a head's effect (KL from the model's answers) that is left when its output is swapped with "
            f"that of a place of another conversation with an equal property; 95% interval over n={n.over}"
            f"; 0 is what a place drawn without regard to the property leaves. Places with a partner: "
            f"{coverage}."
        )
        kept = {name: one for name, one in self.explained.items() if name != "nothing"}  # 0 by definition
        layers, each = self.explained["token"].shape
        claims = [
            [Wording(_MEANING[self.hypothesis.get(str(Head(i, j)), "everything")]) for j in range(each)]
            for i in range(layers)
        ]
        columns: dict[Column, Any] = {
            Column("claim", "Depends on", help="The simplest property of the text that explains the head."): claims
        }
        columns |= {
            Column(name, name.capitalize(), "share", 2, _KEPT.format(_KEEPS[name])): self.explained[name]
            for name in FEATURES[1:]
        }
        return [
            wl.View(
                "scrubbing",
                "Causal scrubbing",
                Matrix.by_head({f"{name} kept": one for name, one in kept.items()}, scale="diverging"),
                subtitle="On which property of the text does each head depend?",
                caption=caption,
                how_to_read="Each head's output is swapped with what it computed somewhere else where one property is "
                "the same. Near 1, the property is all that the head passes on; near 0, the head does not pass it on.",
                misleads="A property that goes along with the true one explains it too, and places without a partner "
                "are left as they are.",
                order=56,
            ),
            wl.View(
                "scrubbing-table",
                "Causal scrubbing, table",
                Table.by_head(columns),
                subtitle="The hypothesis for each head, and how much each property explains",
                caption=f"{caption} {self._claim()}",
                how_to_read=f"A head is claimed to depend on the simplest property that leaves {percent(self.enough)} "
                "of its effect, on other conversations.",
                misleads="The whole hypothesis can fail though each head passes: then their errors add up.",
                order=57,
            ),
        ]
