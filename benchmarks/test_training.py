"""What does a training step cost, and what did each choice save? Every figure beside a peer in the same run."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.loss import linear_cross_entropy
from wonderland.model.muon import Muon
from wonderland.model.presets import PRESETS

ROWS, LENGTH = 32, 128


@pytest.fixture(scope="module")
def model():
    return ChatTransformer(PRESETS["nano"].config)


@pytest.fixture(scope="module")
def tokens():
    return torch.from_numpy(np.random.default_rng(0).integers(5, 2048, (ROWS, LENGTH)))


@pytest.mark.parametrize("looked_at", [False, True], ids=["fused attention", "explicit attention (scores hooked)"])
@pytest.mark.benchmark(group="forward pass")
def test_forward(benchmark, model, tokens, looked_at):
    hooks = [(f"blocks.{layer}.attn.hook_pattern", lambda t, hook: None) for layer in range(4)] if looked_at else []
    with torch.no_grad(), model.hooks(fwd_hooks=hooks):
        benchmark(model, tokens, stop_at_layer=4)


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked with the unembedding", "all logits at once"])
@pytest.mark.benchmark(group="loss, forward and backward")
def test_loss(benchmark, chunked):
    x = torch.randn(ROWS * LENGTH, 128, requires_grad=True)
    weight = torch.randn(128, 4096, requires_grad=True)
    targets = torch.randint(0, 4096, (ROWS * LENGTH,))

    def step():
        loss = (
            linear_cross_entropy(x, weight, targets)
            if chunked
            else F.cross_entropy(x @ weight, targets, reduction="sum")
        )
        loss.backward()

    benchmark(step)


@pytest.mark.parametrize(
    "ours", [True, False], ids=["wonderland's Muon, fp32 batches", "torch.optim.Muon, bf16 one by one"]
)
@pytest.mark.benchmark(group="optimiser step")
def test_muon(benchmark, ours):
    shapes = [(128, 128)] * 16 + [(128, 512)] * 4 + [(512, 128)] * 4
    weights = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    optimiser = Muon(weights) if ours else torch.optim.Muon(weights)
    benchmark(optimiser.step)
