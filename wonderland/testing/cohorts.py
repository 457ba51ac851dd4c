"""Several models that are known to be related: one model in a few versions, to try analyses of cohorts on.

Of seeds and of corpora, each member is the first with its heads in another order in every layer and weights that differ
by a thousandth of their size: it does the same by other heads, as a training with another seed may. Of snapshots, each
lies on the straight line from the untrained baseline to the trained model.

What would fool it: members that are so much alike. What is the same in all of them need not be so in models of other
trainings; and no training goes along a straight line.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from wonderland.errors import UsageError
from wonderland.lab.cohort import Cohort
from wonderland.lab.specimen import Specimen
from wonderland.model.chat_transformer import ChatTransformer

__all__ = ["related_models"]

_APART = 0.001  # of the standard deviation of a weight
_TOKENS = 1000  # that were seen between two snapshots


def related_models(specimen: Specimen, kind: str, members: int = 4) -> Cohort:
    """Return the model of a specimen in several versions, on its evidence.

    Args:
        specimen: The specimen; its own model is the first member, of snapshots the last.
        kind: What the members differ in: "seeds", "snapshots" or "corpora".
        members: How many there are, at least two.
    """
    model = specimen.model
    if not isinstance(model, ChatTransformer):
        raise UsageError(
            f"Versions are made of a ChatTransformer, not of a {type(model).__name__}.",
            hint="Give a specimen of a ChatTransformer.",
        )
    if kind == "snapshots":
        shares = np.linspace(0, 1, members)
        grown = {f"snapshot-{i}": specimen.with_model(_on_the_way(model, share)) for i, share in enumerate(shares)}
        return Cohort(kind, grown, at=_TOKENS * np.arange(members))
    made = {f"{kind.removesuffix('s')}-{i}": specimen.with_model(_version(model, i)) for i in range(members)}
    return Cohort(kind, made)


@torch.no_grad()
def _version(model: ChatTransformer, number: int) -> ChatTransformer:
    """Return a model that does the same by other heads, all but a little; 0 is the model itself."""
    if not number:
        return model
    made: Any = copy.deepcopy(model)
    random = torch.Generator().manual_seed(number)
    for block in made.blocks:
        order = torch.randperm(model.cfg.n_heads, generator=random)
        for weight in (getattr(block.attn, f"{kind}_{part}", None) for kind in "Wb" for part in "QKV"):
            if weight is not None:
                weight.copy_(weight[order])
        block.attn.W_O.copy_(block.attn.W_O[order])
    for weight in made.parameters():
        if weight.numel() > 1:
            weight += _APART * weight.std() * torch.randn(weight.shape, generator=random).to(weight)
    return made  # type: ignore[no-any-return]


@torch.no_grad()
def _on_the_way(model: ChatTransformer, share: float) -> ChatTransformer:
    """Return a model on the straight line from the untrained baseline (0) to the model (1)."""
    if share == 1:
        return model
    made = copy.deepcopy(model)
    for weight, first in zip(made.parameters(), model.untrained().parameters(), strict=True):
        weight.copy_(torch.lerp(first, weight, float(share)))
    return made
