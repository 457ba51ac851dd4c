"""Runs of both prompts of a contrast with edges patched, some pairs of like length at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.attribution import attribution
from wonderland.lab.contrast import ContrastBatch
from wonderland.lab.edge_patching import ComponentOutputs, run_edges
from wonderland.lab.interventions import answer_logits
from wonderland.lab.patching import recovery


@dataclass(frozen=True)
class Runs:
    """Both runs of some pairs.

    Attributes:
        model: The model.
        chosen: Which pairs of the batch these are.
        clean: The clean runs.
        corrupted: The corrupted runs.
        metric: Given final residuals and the pair of each row, its logit difference, [row].
        answer: Position whose logits are read, [pair].
    """

    model: Any
    chosen: np.ndarray
    clean: ComponentOutputs
    corrupted: ComponentOutputs
    metric: Callable[..., Tensor]
    answer: Tensor

    def run_edges(self, patched: np.ndarray, *, active: np.ndarray | None = None, noising: bool = False) -> Tensor:
        """Return the logit difference with sets of edges patched [set, sender, receiver], [set, pair].

        Clean edges are patched into the corrupted run, or with ``noising`` corrupted ones into the clean run;
        see `wonderland.lab.edge_patching.run_edges`.
        """
        base, donor = (self.clean, self.corrupted) if noising else (self.corrupted, self.clean)
        return run_edges(self.model, base, donor, patched, self.metric, active=active, last_position=self.answer)

    def attributed(self, steps: int) -> Tensor:
        """Return the estimated change by each edge patched into the corrupted run, [sender, receiver, pair]."""
        return attribution(self.model, self.corrupted, self.clean, self.metric, steps=steps, last_position=self.answer)


def runs(model: Any, batch: ContrastBatch) -> Iterator[Runs]:
    """Yield the runs of all pairs, pairs of like length together, so that there is little padding."""
    for chosen, some in batch.batches():
        clean, corrupted = (ComponentOutputs.of(model, tokens) for tokens in (some.clean, some.corrupted))
        yield Runs(model, chosen, clean, corrupted, difference(model, some), torch.from_numpy(some.answer))


def difference(model: Any, batch: ContrastBatch) -> Callable[..., Tensor]:
    """Return a metric of the logit difference target − foil at each pair's answer."""
    logits = answer_logits(model, batch.answer)
    target, foil = (torch.from_numpy(part).to(model.device) for part in (batch.target, batch.foil))

    def metric(final: Tensor, at: Tensor | None = None) -> Tensor:
        pair = torch.arange(len(final), device=final.device) if at is None else at
        found, row = logits(final, pair), torch.arange(len(final), device=final.device)
        return found[row, target[pair]] - found[row, foil[pair]]

    return metric


@dataclass(frozen=True)
class Changed:
    """Logit differences of pairs with edges changed.

    Attributes:
        clean: Of the clean runs, [pair].
        corrupted: Of the corrupted runs, [pair].
        changed: Of the corrupted runs with something of the clean ones in them, [change, pair].
        batch: The pairs.
    """

    clean: np.ndarray
    corrupted: np.ndarray
    changed: np.ndarray
    batch: ContrastBatch

    @classmethod
    def of(cls, model: Any, batch: ContrastBatch, count: int, change: Callable[[Runs], Tensor]) -> Changed:
        """Run all pairs; ``change`` returns [change, pair] for some of them."""
        clean, corrupted, changed = np.zeros(len(batch)), np.zeros(len(batch)), np.zeros((count, len(batch)))
        for some in runs(model, batch):
            clean[some.chosen] = some.metric(some.clean.stream[-1]).cpu().double().numpy()
            corrupted[some.chosen] = some.metric(some.corrupted.stream[-1]).cpu().double().numpy()
            changed[:, some.chosen] = change(some).cpu().double().numpy()
        return cls(clean, corrupted, changed, batch)

    def pairs(self, chosen: np.ndarray) -> Changed:
        """Return the same for some of the pairs."""
        batch = self.batch.rows(chosen)
        return Changed(self.clean[chosen], self.corrupted[chosen], self.changed[:, chosen], batch)

    def recovery(self, seed: int = 0) -> wl.Estimate:
        """Return the share of the gap that each change brings back, [change]."""
        return recovery(self.changed, self.corrupted, self.clean, self.batch, seed=seed)
