"""Heads of twins of two sides: how much further apart they are than twins of one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wonderland.components import Head
from wonderland.estimate import Estimate
from wonderland.lab.result import Result
from wonderland.report.findings import Finding
from wonderland.report.schema import Matrix, Quoted, Series, View, Wording, counted, digits, percent, say, told_p

__all__ = ["Twins"]

_SURE = 0.05


@dataclass(frozen=True)
class Twins(Result):
    """How far the heads of models that were fine-tuned on two sides are apart.

    Attributes:
        names: What the sides are called.
        kind: What they are: "period", "contact", "speaker" or "workspace".
        of: What was dealt to groups.
        more: Attention that goes elsewhere between twins of different sides, less that between twins of the same side,
            [layer, head], share of attention; chance is the 95th percentile over all ways to deal twins to sides.
        across: The first of the two, likewise.
        within: The second.
        p: Its p by the largest over heads, [layer, head].
        overall: ``more``, mean over heads.
        overall_p: Its p.
        ways: Ways to deal the twins to two sides, all of which are the null.
        kept: Whether each head kept its number in every twin, [layer, head].
        tokens: Tokens each twin learned from.
        steps: Steps of each fine-tuning.
    """

    names: list[str]
    kind: str
    of: str
    more: Estimate
    across: Estimate
    within: Estimate
    p: np.ndarray
    overall: Estimate
    overall_p: float
    ways: int
    kept: np.ndarray
    tokens: int
    steps: int

    def _named(self, number: int) -> Any:
        name = self.names[number]
        return Quoted(name) if self.kind == "contact" else Wording(name)

    @property
    def differing(self) -> list[Head]:
        """Heads that differ between the sides beyond chance, p < 0.05 over all heads, the furthest apart first."""
        at = [
            (int(layer), int(head)) for layer, head in np.argwhere((self.p < _SURE) & (np.asarray(self.more.low) > 0))
        ]
        return [Head(*one) for one in sorted(at, key=lambda one: -float(self.more[one].value))]

    def _sentence(self) -> Any:
        one = self.overall
        sure = self._sure
        claim = "The two sides move heads apart" if sure else "Nothing shows that the two sides move heads apart"
        return say(
            "{claim}: of models fine-tuned on {a} and on {b}, heads differ in {more} of their attention "
            "[{low}, {high}] more than of two groups of one side ({p}, n={n}).",
            claim=Wording(claim), a=self._named(0), b=self._named(1),
            more=Wording(percent(one.value)), low=Wording(percent(one.low)), high=Wording(percent(one.high)),
            p=Wording(told_p(self.overall_p)), n=Wording(one.over),
        )  # fmt: skip

    @property
    def _sure(self) -> bool:
        """Whether the sides move heads apart by chance and by the interval, which need not agree."""
        return bool(self.overall_p < _SURE and self.overall.low > 0)

    def _heads(self) -> str:
        heads, count = self.differing, counted(self.p.size, "head")
        kept = f"{int(self.kept.sum())} of {count} kept {'its' if self.p.size == 1 else 'their'} number in every twin."
        if not heads:
            return f"No head differs more than chance has it (largest of {count}, p < 0.05). {kept}"
        told = ", ".join(
            f"{head} {percent(self.more[head.layer, head.index].value)}, {told_p(self.p[head.layer, head.index])}"
            for head in heads[:5]
        )
        more = f" and {len(heads) - 5} more" if len(heads) > 5 else ""
        return f"Heads that differ more than chance has it (largest of {count}): {told}{more}. {kept}"

    def summary(self) -> str:
        """Say how far twins of the two sides are apart, and in which heads."""
        return f"{self._sentence().text}\n{self._heads()}"

    def claims(self) -> Mapping[str, Estimate]:
        """Return nothing: this is of one model."""
        return {}

    def card(self) -> Mapping[str, Estimate]:
        """Return the number of each head."""
        return {"Attention elsewhere, between sides": self.more}

    def findings(self) -> Sequence[Finding]:
        """Return how far the sides are apart, and in which heads."""
        sure = self._sure
        trust: Any = "solid" if sure and self.overall.n >= 10 else "weak"
        kind: Any = "effect" if sure else "null"
        heads = tuple(self.differing[:5])
        return [
            Finding(self._sentence(), "comparison-heads", (), trust, kind, self.overall),
            Finding(self._heads(), "comparison-heads", heads, "weak", "effect" if heads else "null"),
        ]

    def views(self) -> Sequence[View]:
        """Return a matrix of heads."""
        layers, heads = self.p.shape
        more, across, within = (_percent(one) for one in (self.more, self.across, self.within))
        top = max(float(np.abs(np.asarray(more.value)).max()), 1e-6)
        both = [0.0, max(float(np.asarray(across.value).max()), 1e-6)]
        series = [
            Series(Wording("more between sides"), more, scale="diverging", domain=[-top, top]),
            Series(Wording("between sides"), across, domain=both),
            Series(Wording("within a side"), within, domain=both),
            Series(Wording("p"), self.p, "1", domain=[0, 1]),
        ]
        return [
            View(
                "comparison-heads",
                "Attention of twins fine-tuned on two sides, head by head",
                Matrix(
                    [Wording(f"layer {layer}") for layer in range(layers)],
                    [Wording(f"head {head}") for head in range(heads)],
                    series,
                ),
                subtitle="Which heads do the two sides move apart?",
                caption="Total variation distance of attention, mean over tokens of held-out windows; 95% interval "
                f"over n={self.more.over}, for these models. Each side was dealt into groups, one model "
                f"fine-tuned on each, {counted(self.steps, 'step')} and {self.tokens:,} tokens. p is by "
                f"the largest over heads in all {self.ways:,} ways to deal the models to two sides; "
                f"{digits(1 / self.ways)} is the smallest there can be. Chance is the 95th percentile over these ways, "
                "for each head alone.",
                how_to_read="Over 0: the sides move this head further apart than two groups of one side do. Turn to "
                "the two parts to see how far any two fine-tunings are apart.",
                misleads="After few steps differs what fine-tuning reaches first. That no head differs does not show "
                "that the sides are alike.",
                order=14,
            )
        ]


def _percent(one: Estimate) -> Estimate:
    """Return shares as percent: they are small."""
    value, low, high = (100 * np.asarray(part) for part in (one.value, one.low, one.high))
    chance = None if one.chance is None else 100 * np.asarray(one.chance)
    return Estimate(value, low, high, one.n, "% of attention", chance, one.resampled_over, one.dims)
