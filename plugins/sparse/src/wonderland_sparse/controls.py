"""What a dictionary finds where nothing was learned: the same training on streams without the model's work.

- *Scrambled weights*: the entries of each hidden matrix are dealt out anew. Layers write to the stream, as much as in
  the trained model, and compute nothing that was learned. The untrained model is no such control for later layers: in
  it, what writes to the stream starts at zero, so its stream is the embedding in every layer.
- *Noise*: vectors of the same mean and covariance with no structure beyond them.

Reference: Heap et al. 2025 (2501.17727), sparse autoencoders can interpret randomly initialized transformers.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["components", "moments", "noise", "partners_by_chance", "scrambled"]


def scrambled(model: Any, seed: int = 0) -> Any:
    """Return the model with the entries of each hidden matrix in another order; embeddings and norms stay."""
    other, random = copy.deepcopy(model), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in other.blocks.named_parameters():
            if weight.ndim >= 2 and not name.rpartition(".")[2].startswith("b"):  # biases of heads have two dimensions
                order = torch.randperm(weight.numel(), generator=random).to(weight.device)
                weight.copy_(weight.flatten()[order].view_as(weight))
    return other


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean [d] and covariance [d, d] of vectors, in double precision."""
    total, square = torch.zeros(x.shape[1], dtype=torch.float64), torch.zeros(x.shape[1], x.shape[1]).double()
    for start in range(0, len(x), 1 << 15):
        part = x[start : start + (1 << 15)].double()
        total += part.sum(0)
        square += part.T @ part
    mean = total / len(x)
    return mean, square / len(x) - torch.outer(mean, mean)


def noise(of: tuple[Tensor, Tensor], count: int, seed: int = 0) -> Tensor:
    """Return Gaussian vectors [count, d] of a mean [d] and covariance [d, d], as `moments` gives them."""
    mean, covariance = of
    values, vectors = torch.linalg.eigh(covariance)
    shape = (vectors * values.clamp(min=0).sqrt()).T.float()
    random = torch.Generator().manual_seed(seed)
    made = torch.empty(count, len(mean), dtype=torch.float16)
    for start in range(0, count, 1 << 15):
        part = made[start : start + (1 << 15)]
        part.copy_(torch.randn(part.shape, generator=random) @ shape + mean.float())
    return made


def components(of: tuple[Tensor, Tensor], count: int) -> tuple[Tensor, Tensor]:
    """Return the mean [d] of vectors and their first principal components [component, d], of their `moments`."""
    mean, covariance = of
    vectors = torch.linalg.eigh(covariance).eigenvectors.flip(1).T[:count]
    return mean.float(), vectors.float().contiguous()


def partners_by_chance(x: Tensor, of: tuple[Tensor, Tensor], latents: int, seed: int = 0) -> np.ndarray:
    """Return directions [latent, d] of length 1 drawn with the covariance of vectors: what two starts share anyway.

    Args:
        x: The vectors, [n, d].
        of: Their `moments`.
        latents: How many directions.
        seed: Seed of the draw.
    """
    directions = noise(of, latents, seed).float() - x[: 1 << 16].float().mean(0)
    return np.asarray((directions / directions.norm(dim=1, keepdim=True).clamp(min=math.ulp(1.0))).numpy())
