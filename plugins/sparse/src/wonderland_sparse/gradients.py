"""The exact gradients of a sparse dictionary, without the products that are zero.

Of a batch of B tokens and m latents only B·k activations are not zero, so of the five products of a step only the
pre-activations are dense. The others are sums over the active pairs (token, latent): over those of a token for the
reconstruction, over those of a latent for the weights. `torch.nn.functional.embedding_bag` adds them up without
writing them down, and a sampled product takes of the gradient of the activations only what is asked for.

Nested dictionaries (Matryoshka) reconstruct from their first latents alone, too. Latents then lie in groups, a
reconstruction is made after each group, and a latent answers for all reconstructions from its own group on.

What would fool it: an approximation. These are the gradients of autograd, to rounding; a test compares them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

__all__ = ["Active", "Gradients", "gradients", "reconstruct"]


@dataclass(frozen=True)
class Active:
    """The pairs (token, latent) that are active, token by token, and with each token latent by latent.

    Attributes:
        rows: Token of each pair, [pair], int64.
        columns: Its latent, [pair].
        values: Its activation, [pair].
        tokens: How many tokens there are.
        latents: How many latents there are.
    """

    rows: Tensor
    columns: Tensor
    values: Tensor
    tokens: int
    latents: int

    @classmethod
    def at(cls, pre: Tensor, places: Tensor) -> Active:
        """Return the pairs at sorted flat places of pre-activations [token, latent]."""
        width = pre.shape[1]
        rows = torch.div(places, width, rounding_mode="floor")
        return cls(rows, places - rows * width, pre.reshape(-1)[places], len(pre), width)


@dataclass(frozen=True)
class Gradients:
    """The loss of a batch and its gradients, named like the parameters.

    Attributes:
        loss: Mean over tokens of the squared error, of several reconstructions their mean.
        residual: What the whole dictionary leaves, x − x̂, [token, d].
        active: The gradient of the activation of each pair, [pair].
    """

    loss: float
    residual: Tensor
    active: Tensor
    W_enc: Tensor
    b_enc: Tensor
    W_dec: Tensor
    b_dec: Tensor


def _sums(weights: Tensor, of: Tensor, bag: Tensor, bags: int, index: Tensor) -> Tensor:
    """Return Σ weights · of[index] by bag, [bag, d]; bags are numbered upwards along the pairs."""
    offsets = torch.zeros(bags, dtype=torch.int64)
    offsets[1:] = torch.bincount(bag, minlength=bags).cumsum(0)[:-1]
    return embedding_bag(index, of, offsets, mode="sum", per_sample_weights=weights)


def reconstruct(active: Active, decoder: Tensor) -> Tensor:
    """Return Σ f·w of each token, [token, d], of decoder rows [latent, d]."""
    return _sums(active.values, decoder, active.rows, active.tokens, active.columns)


def _products(left: Tensor, right: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return left[row]·right[column] of pairs that are sorted by row and then by column, [pair].

    Gathering both sides first would take longer than the whole dense product.
    """
    if not torch.backends.mkl.is_available():  # sampled products need it
        return (left @ right.T).reshape(-1)[rows * len(right) + columns]
    begins = torch.zeros(len(left) + 1, dtype=torch.int64)
    begins[1:] = torch.bincount(rows, minlength=len(left)).cumsum(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        wanted = torch.sparse_csr_tensor(
            begins,
            columns,
            torch.zeros(len(columns), dtype=left.dtype),
            (len(left), len(right)),
            check_invariants=False,
        )
        found: Tensor = torch.sparse.sampled_addmm(wanted, left, right.T, beta=0.0).values()
    return found


def gradients(
    x: Tensor,
    active: Active,
    encoder: Tensor,
    decoder: Tensor,
    b_dec: Tensor,
    bounds: tuple[int, ...] = (),
    target: Tensor | None = None,
) -> Gradients:
    """Return the loss of reconstructing a batch from its active pairs, and its exact gradients.

    Args:
        x: What is read and reconstructed, [token, d].
        active: The pairs; their values are pre-activations (x − b_dec)·W_enc + b_enc, with a target x·W_enc + b_enc.
        encoder: Encoder rows [latent, d].
        decoder: Decoder rows [latent, d].
        b_dec: [d], added to what is decoded and taken off what is encoded.
        bounds: For nested dictionaries, where each group of latents ends; one group of all if left out.
        target: What is predicted from x in the place of x itself, [token, d]: nothing is then taken off x.
    """
    read, wanted = (x - b_dec, x) if target is None else (x, target)
    bounds = bounds or (active.latents,)
    groups, size = len(bounds), len(x)
    group = torch.bucketize(active.columns, torch.tensor(bounds), right=True)
    made = _sums(active.values, decoder, active.rows * groups + group, size * groups, active.columns)
    made = made.view(size, groups, -1).cumsum(1) + b_dec
    error = made - wanted[:, None]  # [token, group, d]
    loss = float(error.square().sum(-1).mean())
    slope = error * (2 / (size * groups))
    # A latent of group g is part of every reconstruction from g on.
    answered = slope.flip(1).cumsum(1).flip(1).reshape(size * groups, -1)
    at = active.rows * groups + group
    by_pair = _products(answered, decoder, at, active.columns)
    order = torch.argsort(active.columns, stable=True)
    columns, rows = active.columns[order], active.rows[order]
    m = active.latents
    to_decoder = _sums(active.values[order], answered, columns, m, at[order])
    to_encoder = _sums(by_pair[order], read, columns, m, rows)
    to_bias = torch.from_numpy(np.bincount(columns.numpy(), by_pair[order].double().numpy(), m)).to(x.dtype)
    to_b_dec = slope.sum((0, 1)) - (to_bias @ encoder if target is None else 0)
    return Gradients(loss, -error[:, -1], by_pair, to_encoder, to_bias, to_decoder, to_b_dec)
