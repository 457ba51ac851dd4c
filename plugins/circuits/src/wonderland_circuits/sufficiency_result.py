"""What `circuit-sufficiency` found, how it is told and drawn; what it means stands in that module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.views import Axis, Bar, Bars, Wording, percent, told_p
from wonderland_circuits.contrast_result import ContrastResult
from wonderland_circuits.phrases import share

_BINS = 20
_HOW = {
    "named": "named beforehand",
    "other conversations": "chosen on other conversations",
    "same pairs": "chosen on the same pairs",
}


@dataclass(frozen=True)
class CircuitSufficiencyResult(ContrastResult):
    """Recovery of a circuit and of what it is compared with.

    Attributes:
        circuit: Its heads; empty without pairs.
        recovery: Share of the gap that the circuit brings back.
        damage: Share that corrupting it takes away.
        alone: Recovery of each head alone, by its name.
        without: Recovery of the circuit without each head, by the head's name.
        every: Recovery of all heads of the model together.
        others: Recovery of the other sets of as many heads, [set].
        exhaustive: Whether ``others`` are all there are.
        enough: Recovery from which the circuit is called sufficient.
        chosen: How the circuit was chosen: "named", "other conversations" or "same pairs".
    """

    circuit: list[str]
    recovery: wl.Estimate
    damage: wl.Estimate
    alone: dict[str, wl.Estimate]
    without: dict[str, wl.Estimate]
    every: wl.Estimate
    others: np.ndarray
    exhaustive: bool
    enough: float
    chosen: str

    @property
    def rank(self) -> int:
        """Place of the circuit among all sets compared, 1 is the best."""
        return 1 + int((self.others >= self.recovery.value).sum())

    @property
    def p(self) -> float:
        """Share of sets that do as well, the circuit included; one-sided. NaN if the circuit has no recovery."""
        return self.rank / (1 + len(self.others)) if np.isfinite(self.recovery.value) else float("nan")

    @property
    def sufficient(self) -> bool:
        """Whether the circuit brings back enough and few sets do as well."""
        return bool(self.recovery.value >= self.enough and self.p < 0.05)

    @property
    def insufficient(self) -> bool:
        """Whether even the upper end of the interval is under what it takes: a null result, not a lack of data."""
        return bool(self.recovery.high < self.enough)

    @property
    def trust(self) -> Any:
        """How far the claim can be trusted."""
        shown = self.sufficient and self.recovery.low >= self.enough
        return self.graded((shown or self.insufficient) and self.chosen != "same pairs", self.recovery)

    def _verdict(self) -> str:
        """Say whether the circuit suffices, and against which bound."""
        if self.sufficient:
            sure = "" if self.recovery.low >= self.enough else ", though its interval reaches below that"
            return f"sufficient ({percent(self.enough)} is needed{sure})"
        if self.insufficient:
            more = "more than most other sets bring back, but " if self._more else ""
            return f"{more}not sufficient: {percent(self.enough)} would be"
        if self.recovery.value < self.enough:
            return f"not shown to be sufficient: {percent(self.enough)} is needed, which is inside the interval"
        return "not shown to be sufficient: too many other sets do as well"

    def summary(self) -> str:
        if not self.circuit:
            return "\n".join(self.without_pairs("No circuit can be judged"))
        scope = "all there are" if self.exhaustive else "a random sample"
        one = len(self.circuit) == 1
        bring, sets = ("alone brings back", "single heads") if one else ("together bring back", "sets of the same size")
        lines = [
            f"{' + '.join(self.circuit)} {bring} {share(self.recovery)} of the difference ({self.what}) "
            f"over {self.confirmed_on}, {_HOW.get(self.chosen, self.chosen)}; rank {self.rank} of "
            f"{1 + len(self.others)} {sets} ({scope}), {told_p(self.p)}: {self._verdict()}{self.few}.",
            f"All heads together bring back {share(self.every)}; corrupting the circuit takes away "
            f"{share(self.damage)}.",
            "Alone: " + ", ".join(f"{head} {share(one)}" for head, one in self.alone.items()) + ".",
        ]
        if len(self.circuit) > 1:
            lines.append("Without: " + ", ".join(f"{head} {share(one)}" for head, one in self.without.items()) + ".")
            total = sum(float(one.value) for one in self.alone.values())
            lines.append(f"The sum of the heads alone is {percent(total)}.")
        return "\n".join(lines + self.refusals())

    def findings(self) -> Sequence[wl.Finding]:
        first = self.summary().splitlines()[0]
        if not self.circuit:
            return self.claimed(first, "", trust=self.trust)
        return self.claimed(
            first,
            "circuit-parts",
            replace(self.recovery, chance=self.null if len(self.others) else None),
            trust=self.trust,
            kind=self._kind,
            select=Head.parse(self.circuit[0]),
        )

    @property
    def _kind(self) -> Any:
        """More than other sets bring back is an effect, enough or not; with no other set there is only a number."""
        if not self.others.size:
            return "description"
        return "effect" if self.sufficient or self._more else "null"

    @property
    def _more(self) -> bool:
        """Whether the interval lies above what other sets bring back on average, and few do as well."""
        return bool(self.others.size and float(self.recovery.low) > self.null and self.p < 0.05)

    @property
    def null(self) -> float:
        """Mean recovery of the other sets of the same size; NaN if there are none."""
        return float(self.others.mean()) if len(self.others) else float("nan")

    def views(self) -> Sequence[wl.View]:
        return [self._parts(), self._null()] if self.circuit else []

    def _parts(self) -> wl.View:
        """Return the bars. Only the circuit itself has a chance level: the others are sets of other sizes."""
        bare = {f"{head} alone": one for head, one in self.alone.items()}
        if len(self.circuit) > 1:
            bare |= {f"without {head}": one for head, one in self.without.items()}
        bare["all heads"] = self.every
        parts = {"circuit": replace(self.recovery, chance=self.null if len(self.others) else None)}
        parts |= {name: replace(one, chance=None) for name, one in bare.items()}
        return wl.View(
            "circuit-parts",
            "Circuit sufficiency",
            Bars.of(parts, "brought back", "recovery", "share of the gap"),
            subtitle="Do a few heads together bring the difference back?",
            caption=f"Share of the gap brought back {self.over(self.recovery)}. Only the circuit has a chance level, "
            f"the mean of {len(self.others)} other sets of {len(self.circuit)} heads: a single head, a part of the "
            "circuit or all heads are sets of other sizes.",
            how_to_read="How much of the first prompt's answer comes back when only these heads are taken from it. "
            "A head is needed within the circuit if the bar without it is much lower.",
            misleads="Heads outside of the circuit run freely and may make up for it or against it; negative bars "
            "say that parts do not add up, not why.",
            order=47,
            warning=self.warning(),
        )

    def _null(self) -> wl.View:
        every = np.append(self.others, self.recovery.value)
        edges = np.histogram_bin_edges(every[np.isfinite(every)], _BINS)
        counts = {
            f"other sets of {len(self.circuit)}": np.histogram(self.others, edges)[0],
            " + ".join(self.circuit): np.histogram([self.recovery.value], edges)[0],
        }
        return wl.View(
            "circuit-null",
            "Random-circuit baseline",
            Bars(
                [Wording(percent(low)) for low in edges[:-1]],
                Axis("sets of heads"),
                [Bar(Wording(name), count.astype(float)) for name, count in counts.items()],
            ),
            subtitle="Do other sets of the same size do as well?",
            caption=f"Share of the gap brought back by {'all' if self.exhaustive else 'a random sample of'} other sets "
            f"of {len(self.circuit)} heads; the circuit has rank {self.rank} of {1 + len(self.others)}.",
            how_to_read="If many sets do as well as the circuit, the circuit is nothing special.",
            misleads="Sets that share a strong head with the circuit do well because of it.",
            order=48,
        )
