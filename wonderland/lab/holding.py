"""Which activations are held in memory: those that fit, of those what is still needed, and whether they still hold."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from wonderland.lab.batch import Batch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["fitting_in", "only", "state_of"]


def fitting_in(activations: Mapping[str, Tensor], times: float, most: int) -> frozenset[str]:
    """Return the names of those activations that fit into so many bytes, the smallest first, for all the evidence."""
    sizes = {name: value.numel() * value.element_size() * times for name, value in activations.items()}
    total, fitting = 0.0, set[str]()
    for name in sorted(sizes, key=lambda name: (sizes[name], name)):
        total += sizes[name]
        if total > most:
            break
        fitting.add(name)
    return frozenset(fitting)


def only(batches: Sequence[Batch], names: frozenset[str]) -> list[Batch]:
    """Return batches with the activations of these names alone; nothing if there are none."""
    if not names:
        return []
    return [
        Batch(one.windows, one.evidence, {name: one._activations[name] for name in names}, names) for one in batches
    ]


def state_of(model: Any) -> int | None:
    """Return a checksum of a model's weights and hooks: another one if something was written into them, or hung up.

    None for a model that does not tell its modules.
    """
    if not hasattr(model, "named_modules"):
        return None
    total = 0
    for parameter in model.parameters():
        content = parameter.detach().cpu().contiguous().view(-1).view(torch.uint8)
        total = zlib.crc32(content.numpy(), total)
    hung = sorted(name for name, module in model.named_modules() if module._forward_hooks)
    return zlib.crc32(" ".join(hung).encode(), total)
