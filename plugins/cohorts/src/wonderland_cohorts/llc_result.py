"""What `wonderland_cohorts.llc` found: the local learning coefficient with its chains, or why none is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.views import Axis, Curve, Lines, Reference, Wording, counted, digits, formatted


@dataclass(frozen=True)
class LlcResult(wl.Result):
    """The local learning coefficient of a model, or why none is told.

    Attributes:
        llc: λ, over chains of both step sizes; NaN if none is told.
        by_step: λ of each chain by step size, [step, chain]; not to be told apart from ``declined``.
        steps: The step sizes.
        trace: nβ times the excess loss, mean over chains, [step, place of the trace].
        draws: Draw of each place of the trace.
        declined: Why no coefficient is told; empty if one is.
        parameters: Weights that were sampled.
        tokens: Predicted tokens of training text, n.
    """

    llc: wl.Estimate
    by_step: np.ndarray
    steps: list[float]
    trace: np.ndarray
    draws: np.ndarray
    declined: str
    parameters: int
    tokens: int

    def claims(self) -> dict[str, wl.Estimate]:
        return {}

    def summary(self) -> str:
        if self.declined:
            return f"No local learning coefficient is told. {self.declined}"
        apart = " and ".join(
            f"{digits(float(of.mean()), 3)} with a step of {formatted(step, '.2g')}"
            for step, of in zip(self.steps, self.by_step, strict=True)
        )
        return (
            f"The local learning coefficient is {digits(self.llc.value, 3)} [{digits(self.llc.low, 3)}, "
            f"{digits(self.llc.high, 3)}] (n={counted(self.llc.n, 'chain')}; {apart}). A regular model of these "
            f"{self.parameters:,} weights would have {self.parameters / 2:,.0f}."
        )

    def findings(self) -> Sequence[wl.Finding]:
        kind: Any = "null" if self.declined else "description"
        return [wl.Finding(self.summary(), "llc", (), "weak", kind, None if self.declined else self.llc)]

    def views(self) -> Sequence[wl.View]:
        curves = [
            Curve(Wording(f"step {formatted(step, '.2g')}"), self.draws, of)
            for step, of in zip(self.steps, self.trace, strict=True)
            if np.isfinite(of).all()
        ]
        if not curves:
            return []
        told = [] if self.declined else [Reference(Wording("λ"), float(self.llc.value))]
        return [
            wl.View(
                "llc",
                "Local learning coefficient, with its chains",
                Lines(Axis("draw"), Axis("nβ × excess loss"), curves, told),
                subtitle="Has the sampling around the model come to rest?",
                caption=f"{self.summary()} Curves are means over {self.by_step.shape[1]} chains of each step size, and "
                f"over the last round of batches; {self.draws[-1] + 1:,} draws in all; n={self.tokens:,} predicted "
                "tokens of training text.",
                how_to_read="λ is the height at which both curves stay. A curve that still rises says that a longer "
                "chain would give more; two heights say that the steps are too large or the chains too short.",
                misleads="How strongly chains are pulled back and how much text is read move λ: compare models that "
                "were asked alike only.",
                order=30,
            )
        ]
