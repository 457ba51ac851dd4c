"""Folded weights: a model's matrices without what no output depends on.

Row vectors multiply from the left: a head moves ``x W_V W_O`` and compares ``x W_Q W_Kᵀ x'ᵀ``. Three things are taken
out, none of which changes a probability (a test runs the folded model beside the original):

- the weights of each LayerNorm are multiplied into the matrices that read its output (its biases end in biases, which
  no analysis of matrices reads);
- a LayerNorm subtracts the mean over ``d_model`` of what it reads, so that component is removed from everything that
  writes (W_E, W_pos, W_O, W_out) and reads (W_Q, W_K, W_V, W_in, W_U): ``d_effective`` is then ``d_model`` − 1. A
  model with RMSNorm, or with no norm, does see the mean, and there it stays. A LayerNorm centres and then scales, so a
  matrix that reads its output is scaled and then centred: the other order is another matrix where the scales differ;
- the softmax ignores what all logits share, so W_U has mean zero over the vocabulary.

This is the one place where norms are folded: a second formula in an analysis would be a second chance to take the
steps in the wrong order. What stays out of sight: the scale by which LayerNorm divides differs from token to token and
is no weight. Cost: a copy of the weights in double precision; those of MLPs one layer at a time, by `folded_mlp`.

Reference: Elhage et al. 2021, A Mathematical Framework for Transformer Circuits; TransformerLens' ``fold_ln``,
``center_writing_weights`` and ``center_unembed``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wonderland.lab.protocols import HookedModel

__all__ = ["FoldedWeights", "effective_embedding", "fold", "folded_mlp"]

Floats = NDArray[np.float64]
_NOTHING = 1e-12  # what is left of a vector by rounding, when all of it was the mean


@dataclass(frozen=True)
class FoldedWeights:
    """Weights of a model, LayerNorm folded in and centred, in double precision.

    Attributes:
        W_E: [d_vocab, d_model].
        W_pos: [n_ctx, d_model].
        W_Q: [layer, head, d_model, d_head].
        W_K: [layer, head, d_model, d_head].
        W_V: [layer, head, d_model, d_head].
        W_O: [layer, head, d_head, d_model].
        W_U: [d_model, d_vocab].
        d_effective: Dimensions of the residual stream that are left: ``d_model`` − 1 where there is LayerNorm.
        rotary: Whether the model turns queries and keys by their positions (rotary embeddings). W_Q W_Kᵀ is then what
            is compared at one and the same position only.
    """

    W_E: Floats
    W_pos: Floats
    W_Q: Floats
    W_K: Floats
    W_V: Floats
    W_O: Floats
    W_U: Floats
    d_effective: int
    rotary: bool = False


def fold(model: HookedModel) -> FoldedWeights:
    """Return the model's weights with LayerNorm folded in, writing weights and W_U centred."""
    W_E, W_pos, W_O = _double(model.W_E), _double(model.W_pos), _double(model.W_O)
    W_Q, W_K, W_V = _double(model.W_Q), _double(model.W_K), _double(model.W_V)
    kind, d_effective = model.cfg.normalization_type, model.cfg.d_model
    norms = [cast(Any, block).ln1 for block in model.blocks]
    W_Q, W_K, W_V = (
        np.stack([_reading(one, norm, kind) for one, norm in zip(weight, norms, strict=True)])
        for weight in (W_Q, W_K, W_V)
    )
    W_U = _centred(_reading(_double(model.W_U), model.ln_final, kind), -1)
    if kind == "LN":
        d_effective -= 1
        W_E, W_pos, W_O = _centred(W_E, -1), _centred(W_pos, -1), _centred(W_O, -1)
    return FoldedWeights(W_E, W_pos, W_Q, W_K, W_V, W_O, W_U, d_effective, bool(getattr(model.cfg, "rotary", False)))


def folded_mlp(model: HookedModel, layer: int) -> tuple[Floats, Floats]:
    """Return what the neurons of a layer read and write, with its norm folded in and centred like `fold`.

    Args:
        model: A model with MLPs.
        layer: The layer.

    Returns:
        W_in [d_model, d_mlp] and W_out [d_mlp, d_model], in double precision.
    """
    block, kind = cast(Any, model.blocks[layer]), model.cfg.normalization_type
    W_out = _double(block.mlp.W_out)
    return _reading(_double(block.mlp.W_in), block.ln2, kind), _centred(W_out, -1) if kind == "LN" else W_out


@torch.no_grad()
def effective_embedding(model: HookedModel) -> Floats:
    """Return W_E + MLP₀(W_E), what heads after layer 0 find of a token itself, [d_vocab, d_model].

    Centred like `fold` centres W_E. Attention of layer 0 and positions are left out. A model without MLPs has its W_E.
    """
    first = cast(Any, model.blocks[0])
    embedded = model.W_E
    if not model.cfg.attn_only:
        embedded = embedded + first.mlp(first.ln2(embedded))
    effective = _double(embedded)
    return _centred(effective, -1) if model.cfg.normalization_type == "LN" else effective


def _reading(weight: Floats, norm: Any, kind: str | None) -> Floats:
    """Return a matrix [..., d_model, width] that reads a norm's output, as one that reads what the norm reads."""
    if kind is None:
        return weight
    scaled = weight * _double(norm.w)[:, None]
    return _centred(scaled, -2) if kind == "LN" else scaled


def _double(weight: Tensor) -> Floats:
    return weight.detach().cpu().double().numpy()


def _centred(weight: Floats, axis: int) -> Floats:
    """Subtract the mean over an axis; what was nothing but its mean becomes exactly zero."""
    rest = weight - weight.mean(axis, keepdims=True)
    left = np.linalg.norm(rest, axis=axis, keepdims=True) > _NOTHING * np.linalg.norm(weight, axis=axis, keepdims=True)
    return np.asarray(np.where(left, rest, 0.0))
