"""Training of a sparse dictionary: BatchTopK on a small model's stream, in about a minute of one processor.

Vectors are centred and scaled to length √d on average. Of each batch the B·k largest positive pre-activations are kept;
the loss is the mean squared error, and of the latents that have been silent for long, d/2 also try to predict what the
others leave. A decoder row loses the part of its gradient along itself and is
brought back to length 1. Adam, gradients of length 1 at most, a warm-up of 2% of the steps and a linear decay over the
second half. The threshold for use is a running mean of the smallest activation each batch kept.

Rates and patience are for some 10⁵ to 10⁷ tokens. Those in use for 10⁸ and more leave a small dictionary near its
random start, where it looks stable and explains nothing: of planted directions, being patient for 100,000 tokens of
800,000 and forgetting as slowly as Adam does by default finds 59%, the settings here 95%. Two seeds must not share a
start either: a shared start fakes agreement (2606.02061).

A transcoder is trained alike, with both sides centred and scaled apart. Its encoder begins as its decoder does not: a
decoder row begins as what the output is, on average, where the encoder's random direction is large.

References: Gao et al. 2024 (2406.04093); Bussmann et al. 2024 (2412.06410), 2025 (2503.17547, Matryoshka).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from wonderland_sparse.dictionary import Dictionary, Transcoder
from wonderland_sparse.gradients import Active, gradients, largest_of, largest_of_each

__all__ = ["KINDS", "SOONER", "Kind", "Recipe", "learn", "passes", "start_of", "steps_of", "transcode"]

Kind = Literal["batchtopk", "topk", "matryoshka", "jumprelu"]
KINDS: tuple[Kind, ...] = ("batchtopk", "topk", "matryoshka", "jumprelu")
"""Which activations are kept: the largest of a batch, of a token, of a batch for nested dictionaries, or those over a
learned threshold of their latent."""

SOONER = 4
"""The part of the training after which a frozen decoder and noise have arrived."""

_SILENT, _MOST_SILENT = 1 / 160, 100_000  # of all tokens that will be seen, after which a latent counts as dead
_AUXILIARY = 1.0  # weight of what dead latents predict; the others have no part in it
_MOMENTUM = 0.99  # of the running threshold
_BANDWIDTH = 0.1  # of the kernel around a learned threshold, in units of a vector of length √d
_PULL = 1.0  # weight of (L0/k − 1)² beside the error, in shares of the variance


@dataclass(frozen=True)
class Recipe:
    """How to train a dictionary.

    Attributes:
        latents: How many directions.
        active: How many of them are active on a token, on average.
        kind: Which are kept; see `KINDS`.
        rate: Learning rate.
        epochs: How often every vector is seen.
        batch: Vectors of a step.
        most: Most vectors seen in all.
        frozen: Whether the decoder stays as it was drawn: a control.
    """

    latents: int
    active: int = 16
    kind: Kind = "batchtopk"
    rate: float = 4e-3
    epochs: int = 8
    batch: int = 1024
    most: int = 15_000_000
    frozen: bool = False

    def sooner(self, times: int) -> Recipe:
        """Return the same training with so many times fewer vectors, each seen once at least."""
        return dataclasses.replace(self, epochs=max(self.epochs // times, 1), most=max(self.most // times, 1))


def steps_of(recipe: Recipe, vectors: int) -> int:
    """Return how many steps training takes on so many vectors."""
    return max(min(recipe.epochs * vectors, recipe.most) // min(recipe.batch, vectors), 1)


def passes(vectors: int, seen: int, least: int, most: int) -> int:
    """Return how many passes over vectors see so many of them in all, from the least to the most.

    >>> passes(590_809, 2_400_000, 4, 6), passes(60_000, 2_400_000, 4, 6), passes(10_000_000, 2_400_000, 4, 6)
    (4, 6, 4)
    """
    return min(max(round(seen / max(vectors, 1)), least), most)


def start_of(name: str, seed: int) -> int:
    """Return the seed of a start: no two dictionaries of a run share one."""
    return int(np.random.default_rng([seed, *name.encode()]).integers(2**31))


@torch.no_grad()
def learn(x: Tensor, recipe: Recipe, seed: int, on_step: Callable[[int], None] | None = None) -> Dictionary:
    """Train a dictionary on vectors [n, d]; the same seed gives the same dictionary.

    Args:
        x: The vectors, in any floating type.
        recipe: How.
        seed: Seed of its start and of the order of the vectors.
        on_step: Called with the number of each step that is done.
    """
    training = _Training(x, recipe, seed)
    training.run(on_step)
    return training.folded()


@torch.no_grad()
def transcode(
    x: Tensor, y: Tensor, recipe: Recipe, seed: int, on_step: Callable[[int], None] | None = None
) -> Transcoder:
    """Train a transcoder from vectors x to vectors y, [n, d] each; the same seed gives the same one.

    Args:
        x: What is read.
        y: What is predicted.
        recipe: How; nested dictionaries and learned thresholds are not for transcoders.
        seed: Seed of its start and of the order of the vectors.
        on_step: Called with the number of each step that is done.
    """
    training = _Training(x, recipe, seed, y)
    training.run(on_step)
    return training.folded_across()


class _Training:
    def __init__(self, x: Tensor, recipe: Recipe, seed: int, y: Tensor | None = None) -> None:
        self.x, self.y, self.recipe = x, y, recipe
        n, d = x.shape
        self.random = torch.Generator().manual_seed(seed)
        some = torch.randperm(n, generator=self.random)[: 1 << 16]
        self.mean, self.scale = _centre(x[some])
        decoder = torch.randn(recipe.latents, d, generator=self.random)
        decoder /= decoder.norm(dim=1, keepdim=True)
        self.W_dec, self.W_enc = decoder, decoder.clone()
        if y is not None:
            self.mean_y, self.scale_y = _centre(y[some])
            few = some[: 1 << 13]
            read, told = ((of[few].float() - mean) * scale for of, mean, scale in self.sides())
            self.W_dec = torch.relu(read @ self.W_enc.T).T @ told
            self.W_dec /= self.W_dec.norm(dim=1, keepdim=True).clamp(min=1e-12)
        self.b_enc, self.b_dec = torch.zeros(recipe.latents), torch.zeros(d)
        self.log_threshold = torch.full((recipe.latents,), math.log(0.5))
        # All weights lie in one tensor: Adam takes a few long steps in the place of many short ones.
        parts = (self.W_enc, self.b_enc, self.b_dec, self.W_dec, self.log_threshold)
        every = torch.cat([part.flatten() for part in parts])
        views = zip(every.split([part.numel() for part in parts]), parts, strict=True)
        self.W_enc, self.b_enc, self.b_dec, self.W_dec, self.log_threshold = (of.view_as(part) for of, part in views)
        self.adam, self.rate = _Adam([every]), recipe.rate
        self.silent = torch.zeros(recipe.latents, dtype=torch.int64)
        seen = steps_of(recipe, n) * min(recipe.batch, n)
        self.patience = min(max(round(_SILENT * seen), 4 * recipe.batch), _MOST_SILENT)
        self.threshold, self.guess, self.begun = 0.0, 0.0, False
        self.bounds: tuple[int, ...] = ()
        if recipe.kind == "matryoshka":
            self.bounds = tuple(sorted({max(recipe.latents >> shift, 1) for shift in range(4)}))

    def sides(self) -> list[tuple[Tensor, Tensor, float]]:
        """Return what is read, and what is predicted if it is another thing, each with its mean and scale."""
        read = [(self.x, self.mean, self.scale)]
        return read if self.y is None else [*read, (self.y, self.mean_y, self.scale_y)]

    def run(self, on_step: Callable[[int], None] | None) -> None:
        n = len(self.x)
        batch, steps = min(self.recipe.batch, n), steps_of(self.recipe, n)
        warm, half = max(round(0.02 * steps), 1), steps // 2
        order, place = torch.randperm(n, generator=self.random), 0
        for step in range(steps):
            if place + batch > n:
                order, place = torch.randperm(n, generator=self.random), 0
            rows = order[place : place + batch]
            sides = [of.index_select(0, rows).float().sub_(mean).mul_(scale) for of, mean, scale in self.sides()]
            place += batch
            left = 1.0 if step < half else (steps - step) / max(steps - half, 1)
            self.rate = self.recipe.rate * min((step + 1) / warm, 1.0) * left
            self.step(*sides)
            if on_step is not None:
                on_step(step + 1)

    def step(self, x: Tensor, y: Tensor | None = None) -> None:
        pre = torch.addmm(self.b_enc, x if y is not None else x - self.b_dec, self.W_enc.T)
        if self.recipe.kind == "jumprelu":
            active, of_threshold = self.jump(x, pre)
        else:
            active, of_threshold = self.largest(pre), torch.zeros_like(self.log_threshold)
        found = gradients(x, active, self.W_enc, self.W_dec, self.b_dec, self.bounds, y)
        slopes = [found.W_enc, found.b_enc, found.b_dec, found.W_dec, of_threshold]
        self.silent += len(x)
        self.silent[active.columns] = 0
        dead = torch.nonzero(self.silent >= self.patience).flatten()
        if len(dead):
            self.revive(x if y is not None else x - self.b_dec, pre, dead, found.residual, slopes)
        # What lengthens a row of length 1 is taken back below; Adam must not remember it.
        slopes[3].addcmul_(torch.linalg.vecdot(slopes[3], self.W_dec)[:, None], self.W_dec, value=-1)
        if self.recipe.frozen:
            slopes[3] = torch.zeros_like(slopes[3])
        every = torch.cat([slope.flatten() for slope in slopes])
        norm = float(every.norm())
        self.adam.step([every.div_(norm) if norm > 1 else every], self.rate)
        self.W_dec /= self.W_dec.norm(dim=1, keepdim=True)

    def largest(self, pre: Tensor) -> Active:
        """Return the k·B largest positive pre-activations, or the k largest of each token."""
        k = min(self.recipe.active, pre.shape[1])
        each = self.recipe.kind == "topk"
        places = largest_of_each(pre, k) if each else largest_of(pre, k * len(pre), self.guess)
        active = Active.at(pre, places)
        if len(places):
            # What the k·B largest of the batch have in common; where each token keeps k, its smallest is often tiny.
            smallest = float(pre.reshape(-1).topk(k * len(pre)).values[-1] if each else active.values.min())
            self.guess = 0.9 * smallest
            self.threshold = _MOMENTUM * self.threshold + (1 - _MOMENTUM) * smallest if self.begun else smallest
            self.begun = True
        return active

    def jump(self, x: Tensor, pre: Tensor) -> tuple[Active, Tensor]:
        """Return what lies over the learned thresholds, and the gradient of their logarithms.

        A threshold has no gradient of its own; a rectangular kernel around it estimates one (2407.14435).
        """
        at = self.log_threshold.exp()
        over = torch.from_numpy(np.flatnonzero((pre > at).numpy()))
        active = Active.at(pre, over)
        near = torch.from_numpy(np.flatnonzero(((pre - at).abs() < _BANDWIDTH / 2).numpy()))
        pairs = Active.at(pre, near)
        residual = gradients(x, active, self.W_enc, self.W_dec, self.b_dec).residual
        by_pair = torch.linalg.vecdot(residual[pairs.rows], self.W_dec[pairs.columns]) * (2 / len(x))
        l0 = len(over) / len(x)
        variance = float(x.square().sum(1).mean())
        pull = 2 * _PULL * variance * (l0 / self.recipe.active - 1) / (self.recipe.active * len(x))
        height = at[pairs.columns]
        slope = (by_pair * height - pull) * height / _BANDWIDTH
        total = np.bincount(pairs.columns.numpy(), slope.double().numpy(), pre.shape[1])
        return active, torch.from_numpy(total).float()

    def revive(self, x: Tensor, pre: Tensor, dead: Tensor, residual: Tensor, slopes: list[Tensor]) -> None:
        """Add the gradients of the dead latents that try to predict the residual."""
        z = pre[:, dead]
        if len(dead) <= x.shape[1] // 2:  # all of them predict, and so few are multiplied sooner than looked up
            f, decoder = torch.relu(z), self.W_dec[dead]
            error = (f @ decoder).sub_(residual).mul_(2 / len(x))
            by_pair = (error @ decoder.T).mul_(z > 0)
            for slope, more in ((0, by_pair.T @ x), (1, by_pair.sum(0)), (3, f.T @ error)):
                slopes[slope][dead] += _AUXILIARY * more
            return
        places = largest_of_each(z, x.shape[1] // 2)
        if not len(places):
            return
        # The residual is what they predict, and not what they read: that is x.
        nothing = torch.zeros_like(self.b_dec)
        some = Active.at(z, places)
        found = gradients(x, some, self.W_enc[dead], self.W_dec[dead], nothing, target=residual)
        slopes[0][dead] += _AUXILIARY * found.W_enc
        slopes[1][dead] += _AUXILIARY * found.b_enc
        slopes[3][dead] += _AUXILIARY * found.W_dec

    def folded(self) -> Dictionary:
        """Return the dictionary of the vectors as they came: centring and scale go into biases and thresholds."""
        jump = self.recipe.kind == "jumprelu"
        at = self.log_threshold.exp() if jump else torch.full((self.recipe.latents,), max(self.threshold, 0.0))
        b_dec = self.mean + self.b_dec / self.scale
        return Dictionary(self.W_enc.clone(), self.b_enc / self.scale, self.W_dec.clone(), b_dec, at / self.scale)

    def folded_across(self) -> Transcoder:
        """Return the transcoder of the vectors as they came."""
        at = torch.full((self.recipe.latents,), max(self.threshold, 0.0)) / self.scale_y
        encoder = self.W_enc * (self.scale / self.scale_y)
        b_enc = self.b_enc / self.scale_y - encoder @ self.mean
        return Transcoder(encoder, b_enc, self.W_dec.clone(), self.mean_y + self.b_dec / self.scale_y, at)


class _Adam:
    """Adam on plain tensors: that of `torch.optim` loads a compiler first, which takes seconds."""

    def __init__(self, weights: list[Tensor], betas: tuple[float, float] = (0.9, 0.99)) -> None:
        self.weights, self.betas, self.steps = weights, betas, 0
        self.first, self.second = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))

    def step(self, slopes: list[Tensor], rate: float) -> None:
        self.steps += 1
        one, two = self.betas
        size, spread = rate / (1 - one**self.steps), math.sqrt(1 - two**self.steps)
        for weight, slope, first, second in zip(self.weights, slopes, self.first, self.second, strict=True):
            first.lerp_(slope, 1 - one)
            second.mul_(two).addcmul_(slope, slope, value=1 - two)
            weight.addcdiv_(first, second.sqrt().div_(spread).add_(1e-8), value=-size)


def _centre(x: Tensor) -> tuple[Tensor, float]:
    """Return the mean of vectors [n, d], and what makes them √d long on average without it."""
    mean = x.float().mean(0)
    length = float((x.float() - mean).norm(dim=1).mean())
    return mean, math.sqrt(x.shape[1]) / length if length > 0 else 1.0
