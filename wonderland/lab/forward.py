"""Activations of a model over windows, some windows at a time: one forward pass, nothing kept.

All are in single precision and in main memory, whatever the model computes in and where.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from wonderland.corpus.windows import Windows
from wonderland.errors import Unsupported
from wonderland.lab.batch import Batch
from wonderland.lab.evidence import Evidence
from wonderland.lab.finite import require_finite
from wonderland.lab.names import DERIVED, NO_HOOKS, NOT_EVERY_MODEL, ONCE, hook_name
from wonderland.lab.protocols import HookedModel
from wonderland.model.loss import token_losses
from wonderland.tokenizer import PAD

__all__ = ["BATCH_SIZE", "forward", "lacks", "rows_of"]

BATCH_SIZE = 16
"""Windows of one forward pass."""


@torch.no_grad()
def forward(
    model: HookedModel, evidence: Evidence, names: frozenset[str], layers: Sequence[int] | None = None
) -> Iterator[Batch]:
    """Yield evidence some windows at a time with activations.

    Args:
        model: The model.
        evidence: The windows.
        names: Short names of the activations.
        layers: Of these layers, in this order; all if None.

    Raises:
        Unsupported: The model has no such activation.
    """
    if missing := lacks(model, names):
        raise Unsupported(missing, hint=NOT_EVERY_MODEL)
    hooks = {name: _hooks(model, name, layers) for name in names if name not in DERIVED}
    every = [hook for group in hooks.values() for hook in group]
    for start in range(0, len(evidence), BATCH_SIZE):
        windows = slice(start, min(start + BATCH_SIZE, len(evidence)))
        some = evidence.rows(windows)
        tokens = torch.from_numpy(some.tokens).to(model.device)
        logits, cache = model.run_with_cache(tokens, names_filter=every)
        require_finite(logits)
        found = {
            name: cache[group[0]] if name in ONCE else torch.stack([cache[hook] for hook in group])
            for name, group in hooks.items()
        }
        if "logits" in names:
            found["logits"] = logits
        if "loss" in names:
            found["loss"] = _aligned_loss(logits, tokens, torch.from_numpy(some.mask).to(logits.device))
        yield Batch(windows, some, {name: value.float().cpu() for name, value in found.items()}, names)


def rows_of(windows: Windows, start: int, stop: int, speakers: bool) -> Evidence:
    """Return some windows of a text as rows, from ``start`` until before ``stop``."""
    chosen = np.arange(start, stop)
    return Evidence(
        windows.batch(chosen, PAD), windows.lengths[start:stop], windows.conversation[start:stop], 0, speakers
    )


def lacks(model: HookedModel, needs: Sequence[str] | frozenset[str]) -> str:
    """Return why the first of these activations that the model cannot give is not there; nothing if all are."""
    for need in sorted(needs):
        if need in NO_HOOKS:
            continue
        asked = getattr(model, "lacks", None)
        if asked and (why := asked(need)):
            return str(why)
        if not asked and hook_name(need, 0) not in model.hook_dict:
            return f"This model has no activation {need!r}."
    return ""


def _hooks(model: HookedModel, name: str, layers: Sequence[int] | None) -> list[str]:
    every = range(model.cfg.n_layers) if layers is None else layers
    return [hook_name(name, layer) for layer in ((0,) if name in ONCE else every)]


def _aligned_loss(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    losses = torch.full(tokens.shape, float("nan"), device=logits.device)
    losses[:, 1:] = token_losses(logits, tokens)
    return losses.masked_fill(~mask, float("nan"))
