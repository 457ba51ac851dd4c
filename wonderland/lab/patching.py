"""Patching and recovery: what pairs of prompts say about cause, over every intervention at once.

`patch` puts activations of one side of a contrast into the run of the other and reads the logit difference.
`recovery` is (m(patched) − m(base)) / (m(donor) − m(base)), pooled over pairs as a ratio of means: 0 if nothing
changed, 1 if the base run now gives the donor's answer. Denoising puts clean activations into the corrupted run and
asks what suffices to restore; noising puts corrupted activations into the clean run and asks what is needed. They
differ where components back each other up. Neither is bounded by 0 and 1.

Cost: that of `wonderland.lab.interventions.intervene`, for both directions.
What would fool it: a gap m(donor) − m(base) near 0. See `Contrast.problems`.

References: Zhang and Nanda 2023 (2309.16042); Heimersheim and Nanda 2024 (2404.15255).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from wonderland.estimate import Estimate
from wonderland.lab.contrast import ContrastBatch, logit_difference
from wonderland.lab.interventions import Activations, Intervention, answer_logits, intervene
from wonderland.lab.stats import cluster_bootstrap

if TYPE_CHECKING:
    from wonderland.lab.protocols import HookedModel

__all__ = ["DIRECTIONS", "Patched", "patch", "recovery"]

DIRECTIONS = ("denoising", "noising")
"""Clean activations put into the corrupted run, and corrupted ones into the clean run."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Patched:
    """Logit differences of pairs, as they are and with each intervention patched.

    Attributes:
        clean: Δ of the clean run, [pair].
        corrupted: Δ of the corrupted run, [pair].
        denoised: Δ of the corrupted run with an intervention's clean activations, [intervention, pair].
        noised: Δ of the clean run with an intervention's corrupted activations, [intervention, pair].
        batch: The pairs.
    """

    clean: Floats
    corrupted: Floats
    denoised: Floats
    noised: Floats
    batch: ContrastBatch

    def pairs(self, chosen: Any) -> Patched:
        """Return the same for some of the pairs."""
        return Patched(
            self.clean[chosen],
            self.corrupted[chosen],
            self.denoised[:, chosen],
            self.noised[:, chosen],
            self.batch.rows(chosen),
        )

    def pooled(self, *, noising: bool = False, seed: int = 0) -> Estimate:
        """Return the recovery of each intervention over all pairs, or the damage by noising, [intervention]."""
        base, donor = (self.clean, self.corrupted) if noising else (self.corrupted, self.clean)
        return recovery(self.noised if noising else self.denoised, base, donor, self.batch, seed=seed)

    def per_pair(self, *, noising: bool = False) -> Floats:
        """Return the recovery of each intervention on each pair, [intervention, pair]."""
        base, donor = (self.clean, self.corrupted) if noising else (self.corrupted, self.clean)
        patched = self.noised if noising else self.denoised
        return np.asarray((patched - base) / (donor - base))


def recovery(patched: Floats, base: Floats, donor: Floats, batch: ContrastBatch, *, seed: int = 0) -> Estimate:
    """Return Σ (patched − base) / Σ (donor − base) over pairs, with an interval over their clusters.

    Args:
        patched: Metric of the base run with something of the donor's put in, [intervention, pair].
        base: Metric of the base run, [pair].
        donor: Metric of the donor's run, [pair].
        batch: The pairs, for their clusters.
        seed: Seed of the bootstrap.

    Returns: Estimate [intervention]: 0 if nothing changed, 1 if the base run gives the donor's answer; all NaN without
        pairs.
    """
    about: dict[str, Any] = {"unit": "recovery", "chance": 0.0, "resampled_over": batch.resampled_over}
    about["dims"] = ("intervention",)
    if not len(batch):
        return Estimate.missing((len(patched),), **about)
    change = np.moveaxis(patched - base, -1, 0)  # [pair, intervention]
    return cluster_bootstrap(change, donor - base, batch.cluster, **about, seed=seed)


def patch(
    model: HookedModel,
    batch: ContrastBatch,
    interventions: Sequence[Intervention],
    *,
    positions: Mapping[str, np.ndarray] | None = None,
    directions: Sequence[str] = DIRECTIONS,
    pairs_at_once: int = 16,
) -> Patched:
    """Patch every intervention in every pair: clean into corrupted (denoising) and corrupted into clean (noising).

    Args:
        model: The model.
        batch: The pairs.
        interventions: What to patch together.
        positions: Positions by name, [pair, pos] bool, for sites that name them.
        directions: Which of the two to do; NaN stands for what was not.
        pairs_at_once: Pairs whose activations are held at a time.
    """
    names = sorted({site.name for intervention in interventions for site in intervention})
    clean, corrupted = np.zeros(len(batch)), np.zeros(len(batch))
    denoised, noised = (np.full((len(interventions), len(batch)), np.nan) for _ in range(2))
    for chosen, some in batch.batches(pairs_at_once):
        size = some.clean.shape[1]
        masks = {name: torch.from_numpy(mask[chosen, :size]) for name, mask in (positions or {}).items()}
        metric = answer_logits(model, some.answer)
        runs = [Activations.of(model, tokens, names) for tokens in (some.clean, some.corrupted)]
        for direction, base, donor, single, grid in (
            ("denoising", runs[1], runs[0], corrupted, denoised),
            ("noising", runs[0], runs[1], clean, noised),
        ):
            wanted = interventions if direction in directions else []
            last_position = torch.from_numpy(some.answer)
            untouched, patched = intervene(
                model, base, donor.values, wanted, metric, positions=masks, last_position=last_position
            )
            single[chosen] = logit_difference(untouched, some)
            if direction in directions:
                grid[:, chosen] = logit_difference(patched, some)
    return Patched(clean, corrupted, denoised, noised, batch)
