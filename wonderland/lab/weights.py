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
is no weight. Cost: a copy in double precision of the matrices that are asked for, made when they are first; those of
MLPs one layer at a time, by `folded_mlp`.

Reference: Elhage et al. 2021, A Mathematical Framework for Transformer Circuits; TransformerLens' ``fold_ln``,
``center_writing_weights`` and ``center_unembed``.
"""

from __future__ import annotations

import functools
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


@dataclass(frozen=True, eq=False)
class FoldedWeights:
    """Weights of a model, LayerNorm folded in and centred, in double precision, each when it is first asked for.

    Attributes:
        model: The model.
    """

    model: HookedModel

    @functools.cached_property
    def W_E(self) -> Floats:  # noqa: N802 - the field's name, as those below
        """Token embedding [d_vocab, d_model]."""
        return self._writing(self.model.W_E)

    @functools.cached_property
    def W_pos(self) -> Floats:  # noqa: N802
        """Positions [n_ctx, d_model]."""
        return self._writing(self.model.W_pos)

    @functools.cached_property
    def W_Q(self) -> Floats:  # noqa: N802
        """Queries [layer, head, d_model, d_head]."""
        return self._of_layers(self.model.W_Q)

    @functools.cached_property
    def W_K(self) -> Floats:  # noqa: N802
        """Keys [layer, head, d_model, d_head]."""
        return self._of_layers(self.model.W_K)

    @functools.cached_property
    def W_V(self) -> Floats:  # noqa: N802
        """Values [layer, head, d_model, d_head]."""
        return self._of_layers(self.model.W_V)

    @functools.cached_property
    def W_O(self) -> Floats:  # noqa: N802
        """What heads write [layer, head, d_head, d_model]."""
        return self._writing(self.model.W_O)

    @functools.cached_property
    def W_U(self) -> Floats:  # noqa: N802
        """Unembedding [d_model, d_vocab]."""
        return _centred(_reading(_double(self.model.W_U), self.model.ln_final, self._kind), -1)

    @property
    def d_effective(self) -> int:
        """Dimensions of the residual stream that are left: ``d_model`` − 1 where there is LayerNorm."""
        return self.model.cfg.d_model - (self._kind == "LN")

    @property
    def rotary(self) -> bool:
        """Whether the model turns queries and keys by their positions (rotary embeddings).

        W_Q W_Kᵀ is then what is compared at one and the same position only.
        """
        return bool(getattr(self.model.cfg, "rotary", False))

    @property
    def _kind(self) -> str | None:
        return self.model.cfg.normalization_type

    def _writing(self, weight: Tensor) -> Floats:
        return _centred(_double(weight), -1) if self._kind == "LN" else _double(weight)

    def _of_layers(self, weight: Tensor) -> Floats:
        own = _double(weight)
        for of_layer, block in zip(own, self.model.blocks, strict=True):
            _reading(of_layer, cast(Any, block).ln1, self._kind)
        return own


def fold(model: HookedModel) -> FoldedWeights:
    """Return the model's weights with LayerNorm folded in, writing weights and W_U centred."""
    return FoldedWeights(model)


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
    """Make a matrix [..., d_model, width] that reads a norm's output read what the norm reads, in place."""
    if kind is None:
        return weight
    weight *= _double(norm.w)[:, None]
    return _centred(weight, -2) if kind == "LN" else weight


def _double(weight: Tensor) -> Floats:
    """Return a copy: it is changed in place, for of a large vocabulary each further one is felt."""
    return weight.detach().cpu().to(torch.float64, copy=True).numpy()


def _centred(weight: Floats, axis: int) -> Floats:
    """Subtract the mean over an axis, in place; what was nothing but its mean becomes exactly zero."""
    before = _lengths(weight, axis)
    weight -= weight.mean(axis, keepdims=True)
    np.copyto(weight, 0.0, where=~(_lengths(weight, axis) > _NOTHING * before))
    return weight


def _lengths(weight: Floats, axis: int) -> Floats:
    """Return the lengths of the vectors along an axis, the last or the one before it, with that axis kept."""
    squares = np.einsum("...ij,...ij->...i" if axis == -1 else "...ij,...ij->...j", weight, weight)
    return np.asarray(np.expand_dims(np.sqrt(squares), axis))
