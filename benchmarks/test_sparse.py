"""How fast are the sparse gradients of a dictionary beside dense autograd of the same step?

Width 128, 512 latents of which 16 are active, batches of 1,024 vectors, one thread; both take turns in the same run, so
that a noisy neighbour meets both. Printed is the median of the paired ratios; the gradients are compared first.

    python -m pytest benchmarks/test_sparse.py --benchmark-only -s
"""

import time

import numpy as np
import pytest
import torch

from wonderland_sparse.gradients import Active, gradients

WIDTH, LATENTS, ACTIVE, BATCH, ROUNDS = 128, 512, 16, 1024, 60


def weights():
    random = torch.Generator().manual_seed(0)
    W_enc, W_dec = (torch.randn(LATENTS, WIDTH, generator=random) for _ in range(2))
    W_dec /= W_dec.norm(dim=1, keepdim=True)
    return W_enc, torch.zeros(LATENTS), W_dec, torch.zeros(WIDTH), torch.randn(BATCH, WIDTH, generator=random)


def sparse(W_enc, b_enc, W_dec, b_dec, x):
    pre = torch.addmm(b_enc, x - b_dec, W_enc.T)
    places = pre.flatten().topk(ACTIVE * BATCH, sorted=False).indices.sort().values
    found = gradients(x, Active.at(pre, places), W_enc, W_dec, b_dec)
    return found.W_enc, found.b_enc, found.W_dec, found.b_dec


def dense(W_enc, b_enc, W_dec, b_dec, x):
    parts = [part.detach().requires_grad_() for part in (W_enc, b_enc, W_dec, b_dec)]
    pre = torch.addmm(parts[1], x - parts[3], parts[0].T)
    least = pre.detach().flatten().topk(ACTIVE * BATCH).values.min()
    made = torch.where(pre >= least, pre, 0.0) @ parts[2] + parts[3]
    return torch.autograd.grad(((made - x) ** 2).sum(1).mean(), parts)


@pytest.mark.benchmark(group="sparse")
def test_sparse_gradients_against_autograd(benchmark):
    torch.set_num_threads(1)
    given = weights()
    for ours, theirs in zip(sparse(*given), dense(*given), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)
    took = {sparse: [], dense: []}
    for _ in range(ROUNDS):
        for way, times in took.items():
            begun = time.perf_counter()
            way(*given)
            times.append(time.perf_counter() - begun)
    ratio = np.array(took[dense]) / np.array(took[sparse])
    per_million = 1e6 / BATCH * np.median(took[sparse])
    print(f"\ndense autograd takes {np.median(ratio):.2f} times as long; sparse {per_million:.1f} s a million vectors")
    benchmark.pedantic(sparse, given, rounds=5)
