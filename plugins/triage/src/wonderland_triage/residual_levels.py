"""The residual stream level by level: as it enters the first layer, then after each layer."""

from __future__ import annotations

import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.batch import Batch


def levels(batch: Batch, row: int) -> Tensor:
    """Return the stream of one window of a batch, [level, pos, d_model]; needs embed, pos_embed and resid_post."""
    first = batch["embed"][row] + batch["pos_embed"][row]
    return torch.cat([first[None], batch["resid_post"][:, row]])


def level_names(specimen: wl.Specimen) -> list[str]:
    """Return "embed", "L0", "L1" and so on."""
    return ["embed", *(f"L{layer}" for layer in range(specimen.cfg.n_layers))]
