"""A sparse dictionary: a vector as a sum of a few of many directions.

f = z where z = W_enc (x − b_dec) + b_enc lies over the threshold of its latent, else 0; x̂ = Σ f_j W_dec[j] + b_dec.
Rows of W_dec have length 1, so f is a length in the units of x. However a dictionary was trained, this is how it is
read: choosing the largest activations of a *batch* would make a token depend on its neighbours.

A *transcoder* reads one vector and predicts another, what the MLP reads and what it writes: f is read off the input as
it is, x̂ is of the output.

A *context dictionary* is one of x − E[x | token]: the table of means takes away what the current token alone says.

References: Bussmann et al. 2024 (2412.06410), BatchTopK; Rajamanoharan et al. 2024 (2407.14435), JumpReLU; Dooms and
Wilhelm 2025 (2502.17332), token tables; Dunefsky et al. 2024 (2406.11944), transcoders.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

__all__ = ["Dictionary", "Transcoder", "token_means"]

_CHUNK = 4096


@dataclass(frozen=True)
class Dictionary:
    """Directions of a space, and when each is active.

    Attributes:
        W_enc: [latent, d], float32.
        b_enc: [latent].
        W_dec: [latent, d], rows of length 1.
        b_dec: [d].
        threshold: Above which a pre-activation counts, [latent], at least 0.
    """

    W_enc: Tensor
    b_enc: Tensor
    W_dec: Tensor
    b_dec: Tensor
    threshold: Tensor

    @property
    def latents(self) -> int:
        """How many directions there are."""
        return len(self.W_dec)

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Return the activations [..., latent] of vectors [..., d]."""
        z = (x - self.b_dec) @ self.W_enc.T + self.b_enc
        return torch.where(z > self.threshold, z, 0.0)

    @torch.no_grad()
    def decode(self, f: Tensor) -> Tensor:
        """Return the vectors [..., d] of activations [..., latent]."""
        return f @ self.W_dec + self.b_dec

    def chunks(self, x: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield activations of some vectors at a time, of all [n, d]."""
        for start in range(0, len(x), _CHUNK):
            rows = slice(start, start + _CHUNK)
            yield rows, self.encode(x[rows].float())

    def kept(self, latents: np.ndarray | Tensor | Sequence[int]) -> Self:
        """Return the dictionary of some of the latents, in this order."""
        index = torch.as_tensor(latents)
        rows = {n: getattr(self, n)[index] for n in ("W_enc", "b_enc", "W_dec", "threshold")}
        return dataclasses.replace(self, **rows)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return its parts by name, as arrays."""
        return {f.name: getattr(self, f.name).numpy() for f in dataclasses.fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the dictionary of what `arrays` gave."""
        return cls(**{f.name: torch.from_numpy(np.array(arrays[f.name], np.float32)) for f in dataclasses.fields(cls)})


@dataclass(frozen=True)
class Transcoder(Dictionary):
    """What an MLP reads, and what it then writes: the parts of a dictionary, whose ``b_dec`` is of the output alone."""

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Return the activations [..., latent] of what the MLP reads [..., d]."""
        z = x @ self.W_enc.T + self.b_enc
        return torch.where(z > self.threshold, z, 0.0)


def token_means(x: Tensor, tokens: np.ndarray, d_vocab: int) -> np.ndarray:
    """Return E[x | token], [d_vocab, d]; of a token that never occurs the mean of all.

    Args:
        x: Vectors [n, d].
        tokens: Token of each, [n].
        d_vocab: Tokens of the vocabulary.
    """
    sums = torch.zeros(d_vocab, x.shape[1], dtype=torch.float64)
    at = torch.from_numpy(np.ascontiguousarray(tokens)).long()
    for start in range(0, len(x), 1 << 16):
        rows = slice(start, start + (1 << 16))
        sums.index_add_(0, at[rows], x[rows].double())
    count = torch.bincount(at, minlength=d_vocab)[:, None]
    means = torch.where(count > 0, sums / count.clamp(min=1), sums.sum(0) / max(len(x), 1))
    return np.asarray(means.float().numpy())
