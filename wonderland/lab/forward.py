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

__all__ = ["BATCH_SIZE", "batch_size", "forward", "lacks", "rows_of"]

BATCH_SIZE = 16
"""Windows of one forward pass, at most."""
_ROOM = 600_000_000  # bytes that what one pass computes may take at once


@torch.no_grad()
def forward(
    model: HookedModel, evidence: Evidence, names: frozenset[str], layers: Sequence[int] | None = None
) -> Iterator[Batch]:
    """Yield evidence some windows at a time with activations.

    Args:
        model: The model.
        evidence: The windows.
        names: Short names of the activations.
        layers: Of these layers, in this order; all if None. What comes after the last of them is not computed, unless
            logits or losses are asked for.

    Raises:
        Unsupported: The model has no such activation.
    """
    if missing := lacks(model, names):
        raise Unsupported(missing, hint=NOT_EVERY_MODEL)
    hooks = {name: _hooks(model, name, layers) for name in names if name not in DERIVED}
    every = [hook for group in hooks.values() for hook in group]
    early: dict[str, int] = {}
    if names.isdisjoint(DERIVED):
        early = {"stop_at_layer": max(layers) + 1 if layers else model.cfg.n_layers}
    size = batch_size(model, int(evidence.lengths.max()), names) if len(evidence) else BATCH_SIZE
    for start in range(0, len(evidence), size):
        windows = slice(start, min(start + size, len(evidence)))
        some = evidence.rows(windows)
        tokens = torch.from_numpy(some.tokens).to(model.device)
        logits, cache = model.run_with_cache(tokens, names_filter=every, **early)
        require_finite(logits)  # the stream after the last layer that ran, where it stopped before
        found = {
            name: cache[group[0]] if name in ONCE else torch.stack([cache[hook] for hook in group])
            for name, group in hooks.items()
        }
        if "logits" in names:
            found["logits"] = logits
        if "loss" in names:
            found["loss"] = _aligned_loss(logits, tokens, torch.from_numpy(some.mask).to(logits.device))
        del logits, cache  # of a large model they are felt beside those of the next windows
        yield Batch(windows, some, {name: found.pop(name).float().cpu() for name in sorted(found)}, names)


def batch_size(model: HookedModel, length: int, names: frozenset[str] = frozenset()) -> int:
    """Return how many windows of a length one pass takes: 16, or fewer of a model whose logits or patterns are large.

    Args:
        model: The model.
        length: Tokens of a window.
        names: Activations that are kept of the pass.
    """
    cfg = model.cfg
    layers = len(names - {"loss", "logits", "embed", "pos_embed"}) * cfg.n_layers
    # Logits, their logarithms and the losses; and each activation twice, as it comes and stacked.
    each = 4 * length * (3 * cfg.d_vocab + 2 * layers * max(cfg.d_model, cfg.n_heads * length))
    return max(min(BATCH_SIZE, _ROOM // each), 1)


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
