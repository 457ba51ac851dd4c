"""What `head-ablation` found, how it is told and drawn; what it means stands in that module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.views import (
    Block,
    Column,
    Matrix,
    Row,
    Table,
    Wording,
    bounds_in_words,
    counted,
    formatted,
    interval_over,
)
from wonderland_circuits import head_pairs

KINDS = ("resample", "mean", "zero")
NOT_TRIED = "not tried"
_MEANING = {
    "resample": "what it computed in another conversation",
    "mean": "its mean",
    "zero": "zeros",
}
_VERDICT = "Whether the model predicts worse without the head, by all kinds of ablation and q."


@dataclass(frozen=True)
class HeadAblationResult(wl.Result):
    """Cost of losing each head.

    Attributes:
        cost: ΔL in nats a token by kind of ablation, each [layer, head].
        q: False-discovery rate of each cost being different from 0, by kind, each [layer, head].
        verdicts: "needed", "harmful", "only when zeroed", "depends on the ablation", "no effect found" or
            "not tried", [layer][head].
        dearest: The head that costs most under resampling on half of the conversations; "" if there is none.
        dearest_cost: What it costs on the other half.
        conversations: How many there are to choose by, and to measure on.
        loss: Loss without ablation.
        level: The false-discovery rate the verdicts go by.
        windows: Windows ablated in.
        enough: Whether the evidence is enough to trust.
        pairs: Names of the heads that were also ablated together, [pair][2].
        interaction: What both cost beyond the sum of what each costs (`wonderland_circuits.head_pairs`), on the half to
            measure on, [pair].
        pair_explored: The same on the half to choose by, [pair].
        pair_q: On the half to measure on, the false-discovery rate of its being different from 0 among the pairs that
            were chosen, [pair]; NaN for the others.
        pair_windows: Windows in which it was measured.
        pairs_left_out: Pairs that were not, since there were too many.
        tried: Which heads were ablated, [layer, head].
        expected: What the gradient of the loss expects mean ablation to cost, nats a token, [layer, head]; NaN if all
            were ablated.
    """

    cost: dict[str, wl.Estimate]
    q: dict[str, np.ndarray]
    verdicts: list[list[str]]
    dearest: str
    dearest_cost: wl.Estimate
    conversations: list[int]
    loss: wl.Estimate
    level: float
    windows: int
    enough: bool
    pairs: list[list[str]]
    interaction: wl.Estimate
    pair_explored: np.ndarray
    pair_q: np.ndarray
    pair_windows: int
    pairs_left_out: int
    tried: np.ndarray
    expected: np.ndarray

    def heads_that_are(self, verdict: str) -> list[str]:
        """List the heads of a verdict, largest cost under resampling first."""
        size = np.abs(np.nan_to_num(np.asarray(self.cost["resample"].value)))
        found = [head for head in Head.all(*size.shape) if self.verdicts[head.layer][head.index] == verdict]
        return [str(head) for head in sorted(found, key=lambda head: -size[head])]

    @property
    def _total(self) -> int:
        return int(self.tried.sum())

    def _ranked(self) -> list[str]:
        """Say how heads were chosen to be ablated, and how well what was expected agrees with what was found."""
        if self.tried.all():
            return []
        rest = self.tried.size - self._total
        if not np.isfinite(self.expected).any():
            return [f"{rest} heads of other layers were not tried."]
        mean = np.asarray(self.cost["mean"].value)
        with np.errstate(invalid="ignore"):
            agrees = np.corrcoef(self.expected[self.tried], mean[self.tried])[0, 1]
        return [
            f"{rest} of {self.tried.size} heads were not tried: the gradient of the loss expects less of them, except "
            f"for a random sample that was. Among those tried, what was expected and what ablation to the mean costs "
            f"correlate at {agrees:.2f}."
        ]

    def _rule(self) -> str:
        return f"false-discovery rate {self.level:g}, resample and mean ablation agreeing"

    def _none(self) -> str:
        """Say that no head is shown to be needed, and the most that one alone can cost by its interval."""
        trust = "" if self.enough else "; too little evidence to trust"
        high = np.asarray(self.cost["resample"].high)
        most = f", at most {formatted(np.nanmax(high), '.2g')} nats a token" if np.isfinite(high).any() else ""
        return (
            f"None of {self._total} heads is shown to be needed on its own{most} ({self._rule()}; n={self.loss.over}"
            f"){trust}."
        )

    def _dearest(self) -> str:
        """Say what the head costs that was chosen on half of the conversations, on the other half."""
        if not np.isfinite(self.dearest_cost.value):
            return ""
        first, second = self.conversations
        told = counted(first, "conversation")
        return f"; on {told} {self.dearest} costs most, and on {counted(second, 'other')} {self.dearest_cost}"

    @property
    def _pairs(self) -> head_pairs.Pairs:
        return head_pairs.Pairs(self.pairs, self.interaction, self.pair_explored, self.pair_q)

    def summary(self) -> str:
        needed = self.heads_that_are("needed")
        trust = "" if self.enough else "; too little evidence to trust"
        lines = [self._none()]
        if needed:
            lines = [
                f"{len(needed)} of {self._total} heads {'is' if len(needed) == 1 else 'are'} needed ({self._rule()})"
                f"{trust}{self._dearest()}."
            ]
            lines.append(f"Needed, the largest cost first: {', '.join(needed)}.")
        for verdict, meaning in (
            ("harmful", "The loss falls without"),
            ("only when zeroed", "Needed only against zeros, which the model never meets in text, so not counted"),
            ("depends on the ablation", "The kinds of ablation disagree on"),
        ):
            if found := self.heads_that_are(verdict):
                lines.append(f"{meaning}: {', '.join(found)}.")
        lines += self._ranked()
        lines += head_pairs.told(self._pairs, self.level, self.pairs_left_out, self.conversations)
        if isinstance(self.control, HeadAblationResult):
            lines.append(f"Before training {len(self.control.heads_that_are('needed'))} were needed.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        cost_of = self.cost["resample"]
        needed = [head for head in self.heads_that_are("needed") if np.isfinite(cost_of[Head.parse(head)].value)]
        if not needed:
            return [wl.Finding(self._none(), "head-ablation", kind="null", trust="weak")]
        cost = self.dearest_cost
        least = min(float(cost_of[Head.parse(head)].value) for head in needed)
        many = (
            "is needed"
            if len(needed) == 1
            else f"are needed, the least of them by {formatted(least, '.2g')} nats a token"
        )
        text = f"{len(needed)} of {self._total} heads {many}."
        if not np.isfinite(cost.value):
            return [wl.Finding(f"{text} {self._rule().capitalize()}.", "head-ablation", (), "weak", "effect")]
        trust: Any = "solid" if self.enough and cost.trusted and cost.low > 0 else "weak"
        told = (
            f"{text} {self.dearest} costs most on {counted(self.conversations[0], 'conversation')}: with "
            f"{_MEANING['resample']} in its place the loss on {counted(cost.n, 'other')} rises by "
            f"{formatted(float(cost.value), '.3g')} nats a token ({bounds_in_words(cost, '.3g')})."
        )
        return [wl.Finding(told, "head-ablation", Head.parse(self.dearest), trust, "effect", cost)]

    def card(self) -> Mapping[str, wl.Estimate]:
        return {
            "Ablation, nats a token, all conversations": self.cost["resample"],
            "Ablation to the mean, nats a token, all conversations": self.cost["mean"],
            "Ablation to zero, nats a token, all conversations": self.cost["zero"],
        }

    def cards(self) -> Mapping[Any, Sequence[Block]]:
        together = head_pairs.blocks(self._pairs, self.level)
        return {
            head: [
                Block("Head ablation", rows=[Row("verdict", Wording(self.verdicts[head.layer][head.index]))]),
                *together.get(str(head), []),
            ]
            for head in Head.all(*self.cost["zero"].shape)
        }

    def views(self) -> Sequence[wl.View]:
        caption = (
            f"Rise of the held-out loss without each head, over {counted(self.windows, 'window')}; "
            f"{interval_over(self.loss)}"
        )
        intact = f"; in these windows the loss without ablation is {self.loss.value:.3f} nats a token"
        caption += f"{intact if np.isfinite(self.loss.value) else ''}."
        verdicts: dict[Column, Any] = {Column("verdict", "Verdict", help=_VERDICT): Wording.every(self.verdicts)}
        costs = {
            Column(
                kind,
                kind.capitalize(),
                "nats a token",
                3,
                help=f"Rise of the loss with {_MEANING[kind]} in place of the head's output; 0 is no effect.",
            ): self.cost[kind]
            for kind in KINDS
        }
        q = {
            Column("q", "q", digits=3, help="False-discovery rate over all heads, of ablation by resampling."): self.q[
                "resample"
            ]
        }
        return [
            wl.View(
                "head-ablation",
                "Head ablation",
                Matrix.by_head({kind: self.cost[kind] for kind in KINDS}, scale="diverging"),
                subtitle="How much worse does the model predict without each head?",
                caption=caption,
                how_to_read="How much worse the model predicts when a head's output is replaced. Above 0 the model "
                "needs the head, below 0 it does better without. Toggle between what it is replaced by: the same "
                "head's output in another conversation, its mean, or zeros.",
                misleads="Heads that back each other up each look dispensable alone; and zeros, which the model never "
                "meets, make heads look needed that say the same thing everywhere.",
                order=40,
            ),
            wl.View(
                "head-ablation-table",
                "Head ablation, table",
                Table.by_head({**verdicts, **costs, **q}),
                subtitle="Which heads does the model need, and how sure is that?",
                caption=caption,
                how_to_read="A head is needed if the loss rises under resample and under mean ablation, with at most "
                f"{self.level:.0%} expected false discoveries among the heads named.",
                misleads="No effect found is not no effect: the interval says how large it could be.",
                order=42,
            ),
            *head_pairs.views(
                self._pairs,
                windows=self.pair_windows,
                left_out=self.pairs_left_out,
                alone={str(head): float(one.value) for head, one in self.cost["mean"].heads()},
            ),
        ]
