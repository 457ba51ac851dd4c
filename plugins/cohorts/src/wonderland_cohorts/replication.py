"""Which findings come back in models that differ in their seed only?

Each analysis says what it claims of a model without naming a head (`Result.claims`), since seeds number their heads
differently: the largest score over heads, how many heads lie above chance, how much loss is gained. Here each claim of
each seed stands side by side:

- It holds in a seed if its interval rests on ten conversations or more, lies above its chance level and, where
  untrained baselines were analysed too, above the same number of that seed's own: the largest of many heads is above
  the chance of one. So k of n seeds.
- Its mean has an interval over seeds, and one over seeds and conversations (`wonderland_cohorts.spread`).

What would fool it: seeds that are no seeds. Models that differ in data or size scatter for other reasons. And five of
five seeds of one corpus say nothing about another corpus.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import wonderland as wl
from wonderland_cohorts.replication_result import ReplicationResult
from wonderland_cohorts.spread import over_both, over_seeds, share


@dataclass(frozen=True)
class Replication:
    """In how many seeds does each finding hold, and how much does its number vary between seeds?"""

    name: ClassVar[str] = "replication"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ()
    uses: ClassVar[tuple[str, ...]] = (
        "token-loss", "head-patterns", "attention-entropy", "induction", "head-ablation", "speaker-tracking",
    )  # fmt: skip
    groups: ClassVar[tuple[str, ...]] = ("stability",)
    no_choices: ClassVar[str] = (
        "Nothing is chosen: claims name no head, and each stands beside its number before training, "
        "the highest over heads there, too."
    )
    of: ClassVar[str] = "seeds"

    def run(self, cohort: wl.Cohort) -> ReplicationResult:
        """Put the claims of all members side by side."""
        values: dict[str, wl.Estimate] = {}
        holds: dict[str, list[bool]] = {}
        untrained: dict[str, wl.Estimate] = {}
        replicated, seeds, both = {}, {}, {}
        missing: dict[str, list[str]] = {}
        members = list(cohort.members)
        used = [name for name in self.uses if name in cohort.results]
        for name in used:
            found = {member: dict(of.claims()) for member, of in cohort.results[name].items()}
            before = {
                member: dict(of.control.claims())
                for member, of in cohort.results[name].items()
                if of.control is not None
            }
            for label in dict.fromkeys(label for claims in found.values() for label in claims):
                claim = f"{name}: {label}"
                there = {m: found[m][label] for m in members if m in found and _measured(found[m].get(label))}
                if not there:
                    continue
                if lacking := [member for member in members if member not in there]:
                    missing[claim] = lacking
                levels = [one.chance for one in there.values()]
                chance = None if any(level is None for level in levels) else float(np.mean(levels))
                parts, labels = list(there.values()), {"seed": tuple(there)}
                values[claim] = _side_by_side(parts, labels)
                seeds[claim] = over_seeds([float(one.value) for one in parts], unit=parts[0].unit, chance=chance)
                both[claim] = over_both(parts, chance=chance)
                of_untrained = {m: before[m][label] for m in there if m in before and _measured(before[m].get(label))}
                if len(of_untrained) == len(there):
                    untrained[claim] = _side_by_side(list(of_untrained.values()), labels)
                if chance is not None:
                    holds[claim] = [_holds(one, of_untrained.get(member)) for member, one in there.items()]
                    replicated[claim] = share(sum(holds[claim]), len(holds[claim]))
        return ReplicationResult(
            members, values, holds, replicated, seeds, both, untrained, missing, _unasked(self, cohort)
        )


def _unasked(analysis: Replication, cohort: wl.Cohort) -> list[str]:
    return [name for name in analysis.uses if name not in cohort.results]


def _measured(one: wl.Estimate | None) -> bool:
    return one is not None and np.ndim(one.value) == 0 and math.isfinite(float(one.value))


def _holds(one: wl.Estimate, baseline: wl.Estimate | None) -> bool:
    low = float(one.low)
    return one.trusted and low > float(one.chance) and (baseline is None or low > float(baseline.high))


def _side_by_side(parts: list[wl.Estimate], labels: Mapping[str, tuple[str, ...]]) -> wl.Estimate:
    made = wl.Estimate.stacked(parts, dims=("seed",))
    fewest = min(one.n for one in parts)
    return wl.Estimate(
        made.value, made.low, made.high, fewest, made.unit, made.chance, made.resampled_over, made.dims, labels
    )
