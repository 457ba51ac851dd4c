"""Which activations are held in memory: those that fit, and of those what is still needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wonderland.lab.batch import Batch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["fitting_in", "only"]


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
