"""What came of comparing claims between seeds, in words and as a forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.report.findings import Replicated
from wonderland.views import (
    Axis,
    Bar,
    Bars,
    Block,
    Column,
    Key,
    Panel,
    Panels,
    Row,
    Table,
    Wording,
    bounds,
    counted,
    digits,
)
from wonderland_cohorts.spread import FEWEST

_SAYS = 8  # findings on the first page at most


@dataclass(frozen=True)
class ReplicationResult(wl.Result):
    """Claims by seed. A claim is called "analysis: what is claimed".

    Attributes:
        members: Names of the models.
        values: Each claim in each seed that has it, [seed], with its interval over conversations.
        holds: Whether it holds in each of those seeds; only claims that have a chance level.
        replicated: The share of seeds it holds in, with its exact interval.
        over_seeds: Mean over seeds, with an interval over seeds.
        over_both: Mean over seeds, with an interval over seeds and conversations.
        untrained: The same number in the untrained baseline of each seed, [seed]; only where those were analysed.
        missing: Seeds that lack a claim, because its analysis had nothing to say of them.
        not_run: Analyses that declined in all seeds, or are not installed.
    """

    members: list[str]
    values: dict[str, wl.Estimate]
    holds: dict[str, list[bool]]
    replicated: dict[str, wl.Estimate]
    over_seeds: dict[str, wl.Estimate]
    over_both: dict[str, wl.Estimate]
    untrained: dict[str, wl.Estimate]
    missing: dict[str, list[str]]
    not_run: list[str]

    def k_of_n(self, claim: str) -> tuple[int, int]:
        """Return in how many seeds a claim holds, and of how many."""
        return sum(self.holds[claim]), len(self.holds[claim])

    def solid(self, claim: str) -> bool:
        """Return whether the interval over seeds and conversations lies above chance, on ten conversations or more."""
        return self.values[claim].trusted and bool(self.over_both[claim].above_chance)

    def replications(self) -> Mapping[str, Replicated]:
        return {claim: Replicated(*self.k_of_n(claim), self.solid(claim)) for claim in self.holds}

    def summary(self) -> str:
        lines = [self._count()]
        lines += [self._sentence(claim) for claim in self.holds]
        lines += [f"{claim}: not measured in {', '.join(lacking)}." for claim, lacking in self.missing.items()]
        if self.not_run:
            lines.append(f"Nothing to compare of: {', '.join(self.not_run)}.")
        return "\n".join(lines)

    def _count(self) -> str:
        n = len(self.members)
        if not self.holds:
            return f"No claim with a chance level could be compared between {n} seeds."
        every = sum(all(held) for held in self.holds.values())
        none = sum(not any(held) for held in self.holds.values())
        few = f" With fewer than {FEWEST} seeds there is no interval over seeds." if n < FEWEST else ""
        rule = "above chance and above the untrained baseline" if self.untrained else "above chance"
        return (
            f"Of {len(self.holds)} claims, {every} hold in every one of {n} seeds and {none} in none "
            f"(a claim holds in a seed if its interval over ten conversations or more lies {rule}).{few}"
        )

    def _sentence(self, claim: str) -> str:
        k, n = self.k_of_n(claim)
        share, both = self.replicated[claim], self.over_both[claim]
        unit = "" if both.unit == "1" else f" {both.unit}"
        interval = (
            f", 95% interval over {both.resampled_over} {digits(both.low)} to {digits(both.high)}"
            if np.isfinite(both.low)
            else ", no interval over seeds"
        )
        untrained = f"; untrained {digits(np.mean(self.untrained[claim].value))}" if claim in self.untrained else ""
        analysis, _, label = claim.partition(": ")
        label = label[:1].lower() + label[1:] if label[1:2].islower() else label
        return (
            f"Holds in {k} of {n} seeds {bounds(share) or '[no interval]'}: {label} ({analysis}). On average "
            f"{digits(both.value)}{unit}{interval} (chance {digits(both.chance)}{untrained})."
        )

    def findings(self) -> Sequence[wl.Finding]:
        kind: Any = "description"
        found = [wl.Finding(self._count(), "replication" if self.values else "", (), "weak", kind)]
        said: dict[str, str] = {}
        for claim in self.holds:
            said.setdefault(claim.split(":", 1)[0], claim)  # the first claim of each analysis
        for claim in list(said.values())[:_SAYS]:
            solid = self.solid(claim)
            trust: Any = "solid" if solid else "weak" if len(self.members) >= FEWEST else "anecdotal"
            effect: Any = "effect" if solid or any(self.holds[claim]) else "null"
            found.append(wl.Finding(self._sentence(claim), "replication", (), trust, effect, self.over_both[claim]))
        return found

    def cards(self) -> Mapping[Any, Sequence[Block]]:
        """Return what was measured of each model, in the order of the claims."""
        said: dict[Key, list[Row]] = {}
        for claim, one in self.values.items():
            label = claim.split(": ", 1)[1] + ("" if one.unit == "1" else f", {one.unit}")
            for i, seed in enumerate(one.labels["seed"]):
                said.setdefault(Key.spelled("model", str(seed)), []).append(Row(label, one[i]))
        return {key: [Block(rows=rows)] for key, rows in said.items()}

    def views(self) -> Sequence[wl.View]:
        if not self.values:
            return []
        over = f"n={counted(len(self.members), 'seed')}"
        table = wl.View(
            "replication",
            "Replication over seeds",
            self._table(),
            subtitle="Which findings come back when the same model is trained again?",
            caption=f"Each claim in {over} of one corpus. The share of seeds has an exact binomial 95% interval. The "
            "mean has a 95% interval over seeds and conversations. Scatter over seeds is a standard deviation; beside "
            "it the mean standard error over conversations.",
            how_to_read="A claim names no head, since every seed numbers its heads anew. It holds in a seed if its "
            "interval lies above chance and, where it was measured, above that seed's own untrained baseline. Where "
            "the scatter over seeds is larger than the error over conversations, one model says little about the next.",
            misleads="All seeds read the same messages: that a finding comes back says nothing about other messages.",
            order=4,
        )
        forest = wl.View(
            "replication-forest",
            "Forest plot over seeds",
            Panels([Panel(Wording(claim), self._forest(claim)) for claim in self.values], "claim"),
            subtitle="How much does each number differ from seed to seed?",
            caption="A bar for each seed with its 95% interval over conversations; then the mean with its interval "
            "over seeds, and with its interval over seeds and conversations. The line is the chance level.",
            how_to_read="If the whiskers of single seeds do not overlap, the interval over conversations says nothing "
            "about another training run. Only the last bar does.",
            misleads="The largest number over heads is not the same head in every seed.",
            order=5,
        )
        return [table, forest]

    def _forest(self, claim: str) -> Bars:
        one = self.values[claim]
        parts = [one[i] for i in range(len(one.value))] + [self.over_seeds[claim], self.over_both[claim]]
        names = [*one.labels["seed"], "mean, over seeds", "mean, over both"]
        value, low, high = (np.array([float(getattr(e, part)) for e in parts]) for part in ("value", "low", "high"))
        low, high = np.where(np.isnan(low), value, low), np.where(np.isnan(high), value, high)
        levels = np.array([np.nan if e.chance is None else float(e.chance) for e in parts])
        chance = None if np.isnan(levels).any() else levels
        label = claim.split(": ", 1)[1]
        unit = "" if one.unit == "1" else one.unit
        keys = [*(Key.spelled("model", seed) for seed in one.labels["seed"]), None, None]
        return Bars(
            Wording.every(names), Axis("value", unit), [Bar(Wording(label), value, low, high, chance)], keys=keys
        )

    def _table(self) -> Table:
        claims = list(self.values)
        analysis, label = zip(*(claim.split(": ", 1) for claim in claims), strict=True)
        errors = [
            float(np.nanmean((np.asarray(one.high) - np.asarray(one.low)) / (2 * 1.96))) for one in self.values.values()
        ]
        spread = [float(np.std(one.value, ddof=1)) if len(one.value) > 1 else None for one in self.values.values()]
        held = [
            Wording(f"{self.k_of_n(claim)[0]} of {self.k_of_n(claim)[1]}") if claim in self.holds else None
            for claim in claims
        ]
        untrained = [
            float(np.mean(self.untrained[claim].value)) if claim in self.untrained else None for claim in claims
        ]
        columns = {
            Column("claim", "Claim", help="What was measured in every seed."): [Wording(one) for one in label],
            Column("analysis", "Analysis", help="The analysis that claims it."): [Wording(one) for one in analysis],
            Column(
                "holds", "Holds in seeds", help="In how many seeds the interval lies beyond the chance level."
            ): held,
            Column("share", "Share of seeds", help="With its exact binomial interval."): [
                self.replicated.get(claim) for claim in claims
            ],
            Column("mean", "Mean", help="With its interval over seeds and conversations."): [
                self.over_both[claim] for claim in claims
            ],
            Column("spread", "Scatter over seeds", help="Standard deviation between seeds."): spread,
            Column("error", "Error over conversations", help="Mean standard error of one seed."): errors,
            Column("untrained", "Untrained", help="Mean of the untrained models."): untrained,
            Column("unit", "Unit", help="The unit of mean, scatter and error."): [
                Wording(one.unit if one.unit != "1" else "") for one in self.values.values()
            ],
        }
        return Table.by_row(columns)
