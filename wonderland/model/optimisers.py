"""Optimisers: Muon with AdamW by default, plain AdamW on request, one schedule of learning rates for both.

With ``muon``, Muon moves the hidden matrices and AdamW the embeddings, the unembedding and the vectors, each at a rate
of its own (docs/decisions/0004-learning-rates.md). With ``adamw``, AdamW moves everything at one rate, as most loops
do; it is there to compare with. The rate rises over the first steps and falls linearly to zero, measured in tokens, so
that runs of any batch size end at zero.
"""

from __future__ import annotations

import torch

from wonderland.model.muon import Muon
from wonderland.model.settings import TrainingSettings
from wonderland.model.transformer import Transformer

__all__ = ["optimisers_of", "schedule", "set_rate"]

_WARMUP_STEPS = 20


def optimisers_of(model: Transformer, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    """Return the optimisers of a run. Matrices decay; vectors do not. Settings must be resolved."""
    weights = dict(model.named_parameters())
    embeddings = [weights.pop("embed.W_E"), weights.pop("pos_embed.W_pos")]
    unembedding = [weights.pop("unembed.W_U")]
    matrices = [weights.pop(name) for name in list(weights) if ".W_" in name]
    vectors = list(weights.values())
    rate, decay = settings.learning_rate, settings.weight_decay
    chosen: list[torch.optim.Optimizer]
    if settings.optimiser == "adamw":
        groups = [
            {"params": [*embeddings, *unembedding, *matrices], "lr": rate, "weight_decay": decay},
            {"params": vectors, "lr": rate, "weight_decay": 0.0},
        ]
        chosen = [torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)]
    else:
        groups = [
            {"params": embeddings, "lr": settings.embedding_learning_rate, "weight_decay": decay},
            {"params": unembedding, "lr": rate, "weight_decay": decay},
            {"params": vectors, "lr": rate, "weight_decay": 0.0},
        ]
        chosen = [
            torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-10, fused=True),
            Muon(matrices, lr=settings.muon_learning_rate, weight_decay=decay),
        ]
    for optimiser in chosen:
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return chosen


def schedule(step: int, share: float) -> float:
    """Return the learning rate as a share of its peak: up over the first steps, then linearly down to zero."""
    return min(1.0, (step + 1) / _WARMUP_STEPS) * max(0.0, 1.0 - share)


def set_rate(optimisers: list[torch.optim.Optimizer], rate: float) -> None:
    """Set every learning rate to a share of its peak."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * rate
