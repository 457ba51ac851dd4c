"""Ablation of heads: what replaces a head's output, and in which windows.

Shared by the analyses that ablate: windows spread over conversations, donors of other conversations, the mean of z over
the evidence, and the loss of a window summed over its tokens. Replacing itself is `wonderland.lab.interventions`'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.components import Head

_CHUNK = 1024  # tokens whose logits are held at a time


def spread(conversation: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return all windows in random order, the first of every conversation before the second of any."""
    order = random.permutation(len(conversation))
    seen: dict[int, int] = {}
    turn = []
    for window in order:
        turn.append(seen.get(int(conversation[window]), 0))
        seen[int(conversation[window])] = turn[-1] + 1
    return order[np.argsort(turn, kind="stable")]


def donors(
    lengths: np.ndarray, conversation: np.ndarray, chosen: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Return for each window one at least as long of another conversation, or -1 if there is none."""
    found = []
    for window in chosen:
        others = np.flatnonzero((conversation != conversation[window]) & (lengths >= lengths[window]))
        found.append(int(random.choice(others)) if len(others) else -1)
    return np.array(found)


def collect(specimen: wl.Specimen, wanted: set[int]) -> tuple[Tensor, dict[int, Tensor]]:
    """Return the mean of z over the evidence [layer, 1, 1, head, d_head] and z of some windows, [layer, pos, …]."""
    total, count = torch.zeros(()), 0
    stored: dict[int, Tensor] = {}
    for batch in specimen.batches("z"):
        z = batch["z"]  # [layer, batch, pos, head, d_head]
        total = total + z[:, batch.mask].double().sum(1)
        count += int(batch.mask.sum())
        for index in wanted & set(range(batch.windows.start, batch.windows.stop)):
            stored[index] = z[:, index - batch.windows.start]
    mean = (total / count).to(torch.get_default_dtype())
    return mean[:, None, None], stored


def writing(model: Any) -> list[Head]:
    """List the heads that write anything: before training that is none."""
    writes = model.W_O.flatten(2).abs().sum(-1) > 0
    return [head for head in Head.all(*writes.shape) if writes[head.layer, head.index]]


def summed_losses(model: Any, tokens: Tensor, mask: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a reader of final residuals: the loss of each row, summed over its tokens, [row] float64."""
    predicts = mask[:, 1:]  # position p predicts token p + 1

    def read(final: Tensor, at: Tensor) -> Tensor:
        rows, positions = predicts[at].nonzero(as_tuple=True)
        goal = tokens[at][rows, positions + 1]
        kept = model.ln_final(final[rows, positions])
        losses = [
            torch.nn.functional.cross_entropy(model.unembed(part).float(), target, reduction="none").double()
            for part, target in zip(kept.split(_CHUNK), goal.split(_CHUNK), strict=True)
        ]
        total = torch.zeros(len(final), dtype=torch.float64, device=final.device)
        return total.index_add_(0, rows, torch.cat(losses))

    return read
