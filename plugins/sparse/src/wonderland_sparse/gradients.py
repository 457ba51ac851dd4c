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

import functools
import threading
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

__all__ = ["Active", "Gradients", "gradients", "largest_of", "largest_of_each", "reconstruct"]


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
        rows = torch.from_numpy(places.numpy() // width)
        return cls(rows, places - rows * width, pre.reshape(-1).index_select(0, places), len(pre), width)


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


def largest_of(pre: Tensor, count: int, guess: float = 0.0) -> Tensor:
    """Return the flat places of the largest positive pre-activations [token, latent], in order, [pair].

    Nothing is sorted: the smallest of the largest is enough, and what equals it is kept as well.

    Args:
        pre: The pre-activations.
        count: How many to keep.
        guess: What the smallest kept is likely to lie over. Only what lies over it is compared, and all of them if
            that is too few: it saves time and changes nothing.
    """
    flat = pre.reshape(-1).numpy()
    over = np.flatnonzero(flat > max(guess, 0.0))
    if len(over) < count and guess > 0:
        over = np.flatnonzero(flat > 0)
    if len(over) > count:
        values = flat[over]
        over = over[values >= np.partition(values, len(values) - count)[len(values) - count]]
    return torch.from_numpy(over)


def largest_of_each(pre: Tensor, count: int) -> Tensor:
    """Return the flat places of the largest positive pre-activations of each token [token, latent], in order, [pair].

    Of each token the smallest of the largest is found by partition, and what equals it is kept as well: a fifth of the
    time that `torch.topk` and a sort of its places take.
    """
    values, first = pre.numpy(), max(pre.shape[1] - count, 0)
    least = np.partition(values, first, axis=1)[:, first]
    return torch.from_numpy(np.flatnonzero((values >= least[:, None]) & (values > 0)))


def _ends(counted: Tensor, bags: int) -> Tensor:
    """Return how many pairs lie before each bag and, last, how many there are, [bag + 1], of each pair's bag."""
    begins = np.zeros(bags + 1, dtype=np.int64)
    np.cumsum(np.bincount(counted.numpy(), minlength=bags), out=begins[1:])
    return torch.from_numpy(begins)


def _sums(weights: Tensor, of: Tensor, begins: Tensor, index: Tensor) -> Tensor:
    """Return Σ weights · of[index] by bag, [bag, d]; bags are numbered upwards along the pairs."""
    return embedding_bag(index, of, begins[:-1], mode="sum", per_sample_weights=weights)


def reconstruct(active: Active, decoder: Tensor) -> Tensor:
    """Return Σ f·w of each token, [token, d], of decoder rows [latent, d]."""
    return _sums(active.values, decoder, _ends(active.rows, active.tokens), active.columns)


def _products(left: Tensor, right: Tensor, begins: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """Return left[row]·right[column] of pairs that are sorted by row and then by column, [pair].

    Gathering both sides first would take longer than the whole dense product.
    """
    if not torch.backends.mkl.is_available():  # sampled products need it
        return (left @ right.T).reshape(-1)[rows * len(right) + columns]
    with _FIRST:
        _warned()
    wanted = torch.sparse_csr_tensor(
        begins,
        columns,
        torch.zeros(len(columns), dtype=left.dtype),
        (len(left), len(right)),
        check_invariants=False,
    )
    found: Tensor = torch.sparse.sampled_addmm(wanted, left, right.T, beta=0.0).values()
    return found


_FIRST = threading.Lock()  # filters of warnings are one for all threads


@functools.cache
def _warned() -> None:
    """Let PyTorch say, once in a process and unseen, that sparse tensors are in beta."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        nothing = torch.zeros(2, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0)
        torch.sparse_csr_tensor(*nothing, (1, 1), check_invariants=False)


def _by_latent(columns: Tensor, latents: int) -> Tensor:
    """Return the order that puts pairs latent by latent, with each in the order they had, [pair].

    Numbers of two bytes are sorted by their digits, in a tenth of the time.
    """
    numbers = columns.numpy().astype(np.uint16 if latents <= 1 << 16 else np.int64)
    return torch.from_numpy(np.argsort(numbers, kind="stable"))


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
    groups, size, m = max(len(bounds), 1), len(x), active.latents
    at = active.rows  # the reconstruction that each pair is the last to be no part of, less one
    if groups > 1:
        at = at * groups + torch.bucketize(active.columns, torch.tensor(bounds), right=True)
    begins = _ends(at, size * groups)
    made = _sums(active.values, decoder, begins, active.columns)
    if groups > 1:
        made = made.view(size, groups, -1).cumsum(1).view(size * groups, -1)
        wanted = wanted.repeat_interleave(groups, 0)
    error = made.add_(b_dec).sub_(wanted)  # [token and group, d]
    loss = float(torch.linalg.vecdot(error, error).mean())
    residual = error.view(size, groups, -1)[:, -1].neg()
    slope = answered = error.mul_(2 / (size * groups))
    if groups > 1:  # A latent of group g is part of every reconstruction from g on.
        answered = slope.view(size, groups, -1).flip(1).cumsum(1).flip(1).reshape(size * groups, -1)
    by_pair = _products(answered, decoder, begins, active.columns, at)
    order = _by_latent(active.columns, m)
    rows, weights = active.rows.index_select(0, order), by_pair.index_select(0, order)
    at = rows if groups == 1 else at.index_select(0, order)
    ends = _ends(active.columns, m)
    to_decoder = _sums(active.values.index_select(0, order), answered, ends, at)
    to_encoder = _sums(weights, read, ends, rows)
    to_bias = torch.from_numpy(np.bincount(active.columns.numpy(), by_pair.double().numpy(), m)).to(x.dtype)
    to_b_dec = slope.sum(0) - (to_bias @ encoder if target is None else 0)
    return Gradients(loss, residual, by_pair, to_encoder, to_bias, to_decoder, to_b_dec)
