"""Muon: momentum whose every step is made orthogonal, for the hidden matrices of a transformer.

The momentum of a matrix usually has a few large singular values; replacing it by the nearest orthogonal matrix lets
every direction learn at the same pace. The orthogonal factor comes from five Newton-Schulz iterations of an odd
quintic polynomial. Matrices of one shape (the heads and layers of one kind) are stacked and iterated as one batch.

We do not use ``torch.optim.Muon`` because it iterates in bfloat16 one matrix at a time, which on CPUs without bf16
units costs several times the fp32 batch here (benchmarks/test_training.py holds the ratio).

Reference: Jordan et al. 2024, kellerjordan.github.io/posts/muon; scale by √(max(1, rows/columns)) as there.
What would fool it: embeddings and unembedding, whose rows are sparse; they, and vectors, stay with AdamW.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Muon", "orthogonalise"]

_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Return, for each matrix [..., rows, columns], nearly the orthogonal factor U Vᵀ of its SVD U S Vᵀ.

    The polynomial is tuned for speed, not to converge: singular values end between about 0.7 and 1.2.
    """
    a, b, c = _QUINTIC
    wide = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if wide else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    orthogonal: Tensor = x.mT if wide else x
    return orthogonal


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; the last two axes of each parameter are its matrix.

    Args:
        params: Matrices, or stacks of them.
        lr: Size of a step, in units of the spectral norm.
        momentum: Decay of the momentum.
        weight_decay: Decoupled decay, times ``lr``.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                by_shape[weight.shape].append((weight, weight.grad.lerp(momentum, group["momentum"])))
            for shape, pairs in by_shape.items():
                updates = orthogonalise(torch.stack([update for _, update in pairs]))
                scale = group["lr"] * max(1.0, shape[-2] / shape[-1]) ** 0.5
                for (weight, _), update in zip(pairs, updates, strict=True):
                    if group["weight_decay"]:
                        weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update, alpha=-scale)
