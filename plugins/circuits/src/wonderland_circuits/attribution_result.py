"""What `edge-attribution` found, how it is told and drawn; what it means stands in that module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.lab.edges import by_edge
from wonderland.views import Axis, Column, Point, Scatter, Table, Wording, counted, digits, interval_over
from wonderland_circuits.contrast_result import ContrastResult
from wonderland_circuits.phrases import share

METHODS = ("EAP", "EAP-IG")
MEASURES = ("correlation", "rank correlation", "same sign", "strongest shared")
_LISTED = 60
_HELP = {
    "exact": "Share of the gap that comes back when this reader alone gets the patched output; 0 is no effect.",
    "EAP": "Edge attribution patching: an estimate of the exact share from one gradient.",
    "EAP-IG": "The same from integrated gradients: the mean of several between the two prompts.",
    "correlation": "Correlation of estimated and exact effects over the edges: 1 is agreement, 0 is chance.",
    "rank correlation": "The same of their ranks, which a few large edges do not decide.",
    "same sign": "Share of edges whose estimated and exact effects have one sign; 0.5 is chance.",
    "strongest shared": "Share of the strongest edges by estimate that are also the strongest exactly.",
}


@dataclass(frozen=True)
class EdgeAttributionResult(ContrastResult):
    """Effects of edges, exact and estimated.

    Attributes:
        edges: Names of the edges patched exactly, "L2H0 → logits".
        exact: Share of the gap each brings back, over the pairs to confirm with, [edge].
        estimated: By method, the share each was estimated to bring back, over the same pairs, [edge].
        agreement: By method and measure, how well the estimates agree with the exact effects.
        strongest: The edges of the largest estimate (EAP-IG) on the pairs to explore with.
        count: Edges the model has.
        held_back: Whether ``strongest`` were chosen on other pairs.
    """

    edges: list[str]
    exact: wl.Estimate
    estimated: dict[str, wl.Estimate]
    agreement: dict[str, dict[str, wl.Estimate]]
    strongest: list[str]
    count: int
    held_back: bool

    def effect(self, edge: wl.Edge | str) -> wl.Estimate:
        """Return the exact effect of an edge, or of the edge of this name."""
        return self.exact[self.edges.index(str(wl.Edge.parse(str(edge))))]

    def estimates(self) -> Mapping[str, wl.Estimate]:
        return by_edge(super().estimates(), self.edges, ("exact",))

    @property
    def trust(self) -> Any:
        """How far the claim can be trusted."""
        if not self.strongest:
            return "anecdotal" if self.anecdotal else "weak"
        one = self.effect(self.strongest[0])
        return self.graded(self.held_back and bool(one.low > 0), one)

    def summary(self) -> str:
        if not self.strongest:
            return "\n".join(self.without_pairs("No edge can be measured"))
        rest = ", ".join(f"{name} {share(self.effect(name))}" for name in self.strongest[1:5])
        lines = [self._claim(), *([f"The next by their estimates: {rest}."] if rest else [])]
        for method in METHODS:
            told = ", ".join(f"{name} {digits(one.value)}" for name, one in self.agreement[method].items())
            lines.append(f"{method} against exact patching: {told}.")
        return "\n".join(lines + self.refusals())

    def _claim(self) -> str:
        edge = self.strongest[0]
        one = self.effect(edge)
        exactly = "" if len(self.edges) == self.count else f" ({len(self.edges)} of them patched exactly)"
        over = f"over {self.confirmed_on}{self.few}"
        if one.low > 0:
            return (
                f"Of {counted(self.count, 'edge')}{exactly}, {edge} has the largest estimate, and alone it brings back "
                f"{share(one)} of the difference ({self.what}), {over}."
            )
        return (
            f"Of {counted(self.count, 'edge')}{exactly}, none is shown to bring the difference back alone "
            f"({self.what}): {edge}, "
            f"which has the largest estimate, brings back {share(one)}, {over}."
        )

    def findings(self) -> Sequence[wl.Finding]:
        if not self.strongest:
            return self.claimed(self.summary().splitlines()[0], "", trust=self.trust)
        one = self.effect(self.strongest[0])
        return self.claimed(self._claim(), "edges", one, trust=self.trust, kind="effect" if one.low > 0 else "null")

    def views(self) -> Sequence[wl.View]:
        if not self.strongest:
            return []
        n = self.exact
        caption = f"Share of the gap brought back by one edge, {self.over(n)}; 0 is no effect."
        order = np.argsort(-np.abs(np.nan_to_num(n.value)), kind="stable")[:_LISTED]
        columns: dict[Column, Any] = {
            Column("edge", "Edge", help="The part that writes and the part that reads it."): [
                wl.Edge.parse(self.edges[i]) for i in order
            ]
        }
        columns |= {
            Column(name, name.capitalize() if name == "exact" else name, "share", 3, _HELP[name]): effect[order]
            for name, effect in ({"exact": n} | {method: self.estimated[method] for method in METHODS}).items()
        }
        points = [
            Point(Wording(name), float(n.value[i]), float(self.estimated[method].value[i]), group)
            for group, method in enumerate(METHODS)
            for i, name in enumerate(self.edges)
        ]
        agreement: dict[Column, Any] = {
            Column("method", "Method", help="How the effect of an edge is estimated from gradients."): Wording.every(
                METHODS
            )
        }
        agreement |= {
            Column(name, name.capitalize(), digits=2, help=_HELP[name]): [
                self.agreement[method][name] for method in METHODS
            ]
            for name in MEASURES
        }
        return [
            wl.View(
                "edges",
                "Edge attribution",
                Table.by_row(columns),
                subtitle="Which connection between two parts carries how much?",
                caption=caption,
                how_to_read="Each row is one part writing and one part reading. Exact: that reader alone gets the "
                "writer's output from the first prompt. EAP and EAP-IG are estimates of it from gradients.",
                misleads="An edge that another backs up has no effect alone, and effects do not add up.",
                order=52,
                warning=self.warning(),
            ),
            wl.View(
                "edges-estimated",
                "Edge attribution: estimated and exact",
                Scatter(
                    Axis("exact", "share of the gap"),
                    Axis("estimated", "share of the gap"),
                    points,
                    Wording.every(METHODS),
                    diagonal=True,
                ),
                subtitle="Can estimates from gradients be believed?",
                caption=caption,
                how_to_read="On the diagonal an estimate is right. Far below it, gradients miss an edge; far above, "
                "they see one that is not there.",
                misleads="A few large edges make a high correlation; the table of agreement has ranks beside it.",
                order=53,
            ),
            wl.View(
                "edges-agreement",
                "Edge attribution: agreement with exact patching",
                Table.by_row(agreement),
                subtitle="How far can estimates stand in for exact patching?",
                caption=f"Over {counted(len(self.edges), 'edge')}; {interval_over(n)}; chance: 0 for "
                "correlations, 0.5 for signs, the share of edges that are called strongest for the last.",
                how_to_read="How far estimates from gradients can stand in for exact patching on this model and these "
                "prompts. 1 is perfect.",
                misleads="It is measured here and may differ for another model or another kind of prompt.",
                order=54,
            ),
        ]
