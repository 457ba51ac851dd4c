"""What the results of analyses of contrasts have in common: how far a claim goes, and which pairs were refused.

A claim on pairs is an effect if its interval lies above its chance level, and a null result if the interval lies below
the least share that would count. Between the two nothing was shown, and the sentence says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import wonderland as wl
from wonderland.lab.contrast import ENOUGH_PAIRS
from wonderland.views import interval_over
from wonderland_circuits.phrases import pairs_told, spelled

__all__ = ["ContrastResult"]


@dataclass(frozen=True)
class ContrastResult(wl.Result):
    """What an analysis found on contrasts.

    Attributes:
        kind: What differs between the prompts; "" where they were given.
        confirming: Pairs that the claims rest on.
        refused: Why pairs were refused, each a line.
    """

    kind: str
    confirming: int
    refused: list[str]

    @property
    def what(self) -> str:
        """What differs between the prompts, in words."""
        return spelled(self.kind)

    @property
    def anecdotal(self) -> bool:
        """Whether the claims rest on fewer than 20 pairs."""
        return self.confirming < ENOUGH_PAIRS

    @property
    def confirmed_on(self) -> str:
        """The pairs that the claims rest on, counted."""
        return pairs_told(self.confirming)

    @property
    def few(self) -> str:
        """What a sentence says of too few pairs; nothing if there are enough."""
        return f", anecdotal: fewer than {ENOUGH_PAIRS} pairs" if self.anecdotal else ""

    def refusals(self) -> list[str]:
        """Return what was refused, a sentence each."""
        return [f"Refused: {reason}." for reason in self.refused]

    def warning(self) -> str:
        """Return what a reader must know before looking."""
        few = f"Fewer than {ENOUGH_PAIRS} pairs: an anecdote. " if self.anecdotal else ""
        return few + ("The linter refused pairs: " + "; ".join(self.refused) + "." if self.refused else "")

    def over(self, estimate: wl.Estimate) -> str:
        """Return what an estimate rests on: "over 32 pairs; 95% interval over n=30 conversations"."""
        return f"over {self.confirmed_on}; {interval_over(estimate)}"

    def without_pairs(self, cannot: str) -> list[str]:
        """Return the lines of a result that has no pair to ask about."""
        return [f"{cannot}: there is no usable contrast ({self.what}).", *self.refusals()]

    def graded(self, holds: bool, estimate: wl.Estimate) -> Any:
        """Return how far a claim can be trusted that ``holds`` by its number, on pairs it was not chosen on."""
        if self.anecdotal:
            return "anecdotal"
        return "solid" if holds and estimate.trusted and np.isfinite(estimate.value) else "weak"

    def claimed(
        self,
        text: str,
        view: str,
        estimate: wl.Estimate | None = None,
        *,
        trust: Any,
        kind: Literal["effect", "null", "description"] = "effect",
        select: Any = (),
    ) -> Sequence[wl.Finding]:
        """Return the one claim; without a view it is said to be a description, as nothing was measured."""
        if not view:
            return [wl.Finding(text, trust=trust, kind="description")]
        return [wl.Finding(text, view, select, trust, kind, estimate)]
