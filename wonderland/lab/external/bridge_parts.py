"""What a TransformerLens bridge is made of, under the names of our own model: its sizes, norms, MLPs and layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["BridgeBlock", "BridgeMLP", "BridgeNorm", "BridgeShape"]


@dataclass(frozen=True)
class BridgeShape:
    """The sizes of a bridge, under the names of our own model."""

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    n_ctx: int
    d_vocab: int
    act_fn: str
    normalization_type: str | None
    attn_only: bool
    eps: float
    rotary: bool


class BridgeNorm:
    """A norm of the bridge: its weight, and what it does to the stream."""

    def __init__(self, part: Any, width: int, device: torch.device) -> None:
        weight = next((p for name, p in part.named_parameters() if name.rsplit(".", 1)[-1] == "weight"), None)
        self.w = torch.ones(width, device=device) if weight is None else weight.detach()
        if getattr(part, "uses_weight_offset", False):
            self.w = self.w + 1
        self._part = part

    def __call__(self, x: Tensor) -> Tensor:
        """Normalise a stream."""
        normalised: Tensor = self._part(x)
        return normalised


@dataclass(frozen=True)
class BridgeMLP:
    """An MLP of the bridge, with its weights."""

    part: Any
    W_in: Tensor
    W_out: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return what the MLP adds to the stream."""
        out: Tensor = self.part(x)
        return out


@dataclass(frozen=True)
class BridgeBlock:
    """Norms and MLP of a layer, None where there is none."""

    ln1: BridgeNorm
    ln2: BridgeNorm | None
    mlp: BridgeMLP | None
