"""How fast is a training step of a dictionary beside dense autograd of the same step?

Width 128, 16 latents active of 512 and of 1,024, batches of 1,024 vectors, one thread; both take turns in the same run,
so that a noisy neighbour meets both. Printed is the median of the paired ratios of processor time, of the gradients
alone (both are told from where on a latent is active) and of the whole step (choosing the active ones, gradients,
clipping, Adam, rows of length 1); the gradients are compared first.

And how long until planted directions are back? 96 in 32 dimensions, 3 of them in each of 200,000 vectors, 8 passes; the
same training by dense autograd on the same vectors, from the same start, with the same rates. Printed are the share of
directions that a row of each decoder has a cosine of 0.95 and more with, and seconds of a processor.

    python -m pytest benchmarks/test_sparse.py --benchmark-only -s
"""

import time

import numpy as np
import pytest
import torch

from wonderland_sparse.gradients import Active, gradients, largest_of
from wonderland_sparse.learning import Recipe, _Training, steps_of

WIDTH, ACTIVE, BATCH, ROUNDS, WARM = 128, 16, 1024, 60, 100


def vectors(count, seed=0):
    """Sums of a few of 300 directions, with some noise."""
    random = torch.Generator().manual_seed(seed)
    directions = torch.randn(300, WIDTH, generator=random)
    strength = torch.relu(torch.randn(count, 300, generator=random) - 1.5)
    return strength @ directions + 0.3 * torch.randn(count, WIDTH, generator=random)


class Dense:
    """The same step as one would write it: BatchTopK by `torch.topk`, autograd, clipping, Adam, unit rows."""

    def __init__(self, like):
        self.parts = [part.clone().requires_grad_() for part in (like.W_enc, like.b_enc, like.W_dec, like.b_dec)]
        self.active = like.recipe.active
        self.adam = torch.optim.Adam(self.parts, lr=like.recipe.rate, betas=(0.9, 0.99))

    def gradients(self, x, least=None):
        W_enc, b_enc, W_dec, b_dec = self.parts
        pre = torch.relu(torch.addmm(b_enc, x - b_dec, W_enc.T))
        if least is None:
            least = pre.detach().flatten().topk(self.active * len(x), sorted=False).values.min()
        made = torch.where(pre >= least, pre, 0.0) @ W_dec + b_dec
        return torch.autograd.grad(((made - x) ** 2).sum(1).mean(), self.parts)

    def step(self, x):
        slopes = list(self.gradients(x))
        decoder = self.parts[2].detach()
        slopes[2] = slopes[2] - (slopes[2] * decoder).sum(1, keepdim=True) * decoder
        for part, slope in zip(self.parts, slopes, strict=True):
            part.grad = slope
        torch.nn.utils.clip_grad_norm_(self.parts, 1.0)
        self.adam.step()
        decoder /= decoder.norm(dim=1, keepdim=True)


def sparse_gradients(training, x, least):
    with torch.no_grad():
        pre = torch.addmm(training.b_enc, x - training.b_dec, training.W_enc.T)
        active = Active.at(pre, torch.from_numpy(np.flatnonzero(pre.numpy() >= least)))
        found = gradients(x, active, training.W_enc, training.W_dec, training.b_dec)
    return found.W_enc, found.b_enc, found.W_dec, found.b_dec


def ratio(ours, theirs, batches):
    """Return the median of theirs over ours, and seconds a million vectors of ours."""
    took = {ours: [], theirs: []}
    for x in batches:
        for way, times in took.items():
            begun = time.thread_time()
            way(x)
            times.append(time.thread_time() - begun)
    return np.median(np.array(took[theirs]) / np.array(took[ours])), 1e6 / BATCH * np.median(took[ours])


@pytest.mark.benchmark(group="sparse")
@pytest.mark.parametrize("latents", [512, 1024])
def test_a_step_against_autograd(benchmark, latents):
    torch.set_num_threads(1)
    x = vectors((WARM + 2 * ROUNDS) * BATCH)
    training = _Training(x, Recipe(latents, ACTIVE, rate=4e-3), seed=0)
    batches = ((x - training.mean) * training.scale).split(BATCH)
    with torch.no_grad():
        for some in batches[:WARM]:
            training.step(some)
    dense = Dense(training)
    with torch.no_grad():
        pre = torch.addmm(training.b_enc, batches[0] - training.b_dec, training.W_enc.T)
    places = largest_of(pre, ACTIVE * BATCH)
    assert torch.equal(places, largest_of(pre, ACTIVE * BATCH, training.guess))
    least = float(pre.flatten()[places].min())
    both = sparse_gradients(training, batches[0], least), dense.gradients(batches[0], least)
    for ours, theirs in zip(*both, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)
    alone, _ = ratio(
        lambda some: sparse_gradients(training, some, least),
        lambda some: dense.gradients(some, least),
        batches[WARM : WARM + ROUNDS],
    )
    step = torch.no_grad()(training.step)
    whole, per_million = ratio(step, dense.step, batches[WARM + ROUNDS :])
    dead = int((training.silent >= training.patience).sum())
    print(
        f"\n{latents} latents: dense autograd takes {alone:.2f} times as long for the gradients, {whole:.2f} times for "
        f"a step; a sparse step takes {per_million:.1f} s a million vectors, {dead} latents dead"
    )
    benchmark.pedantic(step, (batches[-1],), rounds=5)


def planted(count=200_000, features=96, d=32, l0=3, seed=0):
    """Sums of three of 96 directions in 32 dimensions, with the directions, [feature, d]."""
    random = torch.Generator().manual_seed(seed)
    directions = torch.randn(features, d, generator=random)
    directions /= directions.norm(dim=1, keepdim=True)
    chosen = torch.rand(count, features, generator=random).topk(l0, dim=1).indices
    strength = 1 + torch.rand(count, l0, generator=random)
    return (strength[:, :, None] * directions[chosen]).sum(1), directions


def back(decoder, directions):
    """Return the share of directions that a row of a decoder has a cosine of 0.95 with."""
    rows = decoder / decoder.norm(dim=1, keepdim=True)
    return float(((directions @ rows.T).max(1).values >= 0.95).float().mean())


def dense_training(x, recipe, seed):
    """Train as `_Training.run` does, from its start, by autograd; nothing brings silent latents back."""
    like = _Training(x, recipe, seed)
    dense, steps = Dense(like), steps_of(recipe, len(x))
    warm, half = max(round(0.02 * steps), 1), steps // 2
    rows = torch.cat([torch.randperm(len(x), generator=like.random) for _ in range(recipe.epochs)])
    for step in range(steps):
        left = 1.0 if step < half else (steps - step) / max(steps - half, 1)
        for group in dense.adam.param_groups:
            group["lr"] = recipe.rate * min((step + 1) / warm, 1.0) * left
        some = rows[step * recipe.batch : (step + 1) * recipe.batch]
        dense.step((x[some] - like.mean) * like.scale)
    return dense.parts[2].detach()


@pytest.mark.benchmark(group="planted")
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_directions_against_autograd(benchmark, seed):
    torch.set_num_threads(1)
    x, directions = planted(seed=seed)
    recipe, took, share = Recipe(96, active=3, rate=8e-3, batch=512), {}, {}

    def ours():
        training = _Training(x, recipe, seed)
        with torch.no_grad():
            training.run(None)
        return training.W_dec

    for name, way in (("sparse", ours), ("dense", lambda: dense_training(x, recipe, seed))):
        begun = time.thread_time()
        share[name] = back(way(), directions)
        took[name] = time.thread_time() - begun
    print(
        f"\n96 directions in 32 dimensions: {share['sparse']:.0%} back in {took['sparse']:.1f} s; by dense autograd "
        f"{share['dense']:.0%} in {took['dense']:.1f} s; a random dictionary "
        f"{back(torch.randn(96, 32, generator=torch.Generator().manual_seed(5)), directions):.0%}"
    )
    assert share["sparse"] >= 0.95
    benchmark.pedantic(lambda: back(directions, directions), rounds=1)
