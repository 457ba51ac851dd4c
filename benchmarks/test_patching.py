"""What does a patching grid cost? Ours beside TransformerLens' own, on the same model and prompts, with equal values.

TransformerLens makes one forward pass a cell. Ours runs cells as rows of a batch, from the patched layer on, and leaves
out rows that cannot differ (here those of the first layer at equal tokens). The values of all three ways are compared.
"""

import numpy as np
import pytest
import torch
from transformer_lens import patching

from wonderland.lab.contrast import Contrast, ContrastBatch
from wonderland.lab.interventions import Site
from wonderland.lab.patching import patch
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import PRESETS
from wonderland.testing.handwritten import handwritten_tokenizer

LENGTH, TARGET, FOIL = 16, 5, 6
MODES = ("resid_pre", "attn_out", "mlp_out")
THEIRS = {
    "resid_pre": patching.get_act_patch_resid_pre,
    "attn_out": patching.get_act_patch_attn_out,
    "mlp_out": patching.get_act_patch_mlp_out,
}


@pytest.fixture(scope="module")
def setting():
    """A model of the nano shape with random weights, and a pair that differs at two of sixteen positions."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    model = ChatTransformer(PRESETS["nano"].config)
    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.1)
    model.requires_grad_(False).eval()
    random = np.random.default_rng(0)
    clean = random.integers(7, 24, LENGTH)
    corrupted = clean.copy()
    corrupted[[0, 5]] = 7 + (clean[[0, 5]] - 7 + 3) % 17
    yield model, clean, corrupted, model.to_transformer_lens()
    torch.set_num_threads(before)


def ours(setting):
    model, clean, corrupted, _ = setting
    batch = ContrastBatch.of([Contrast(clean.tolist(), corrupted.tolist(), TARGET, FOIL)], handwritten_tokenizer())
    layers = range(model.cfg.n_layers)
    cells = [[Site(mode, layer, positions=at)] for mode in MODES for layer in layers for at in range(LENGTH)]
    return patch(model, batch, cells, directions=("denoising",)).denoised.reshape(len(MODES), -1, LENGTH)


def transformer_lens(setting):
    _, clean, corrupted, bridge = setting
    clean, corrupted = (torch.from_numpy(side)[None] for side in (clean, corrupted))
    with torch.no_grad():
        _, cache = bridge.run_with_cache(clean)
        grids = [
            THEIRS[mode](bridge, corrupted, cache, lambda logits: logits[0, -1, TARGET] - logits[0, -1, FOIL])
            for mode in MODES
        ]
    return torch.stack(grids).numpy()


def one_by_one(setting):
    model, clean, corrupted, _ = setting
    clean, corrupted = (torch.from_numpy(side)[None] for side in (clean, corrupted))
    _, cache = model.run_with_cache(clean)
    grid = np.zeros((len(MODES), model.cfg.n_layers, LENGTH))
    for m, layer, at in np.ndindex(*grid.shape):

        def put(activation, hook, at=at):
            activation[:, at] = cache[hook.name][:, at]
            return activation

        hooks = [(f"blocks.{layer}.hook_{MODES[m]}", put)]
        logits = model.run_with_hooks(corrupted, fwd_hooks=hooks)[0, -1]
        grid[m, layer, at] = logits[TARGET] - logits[FOIL]
    return grid


@pytest.mark.benchmark(group="patching grid, 3 modes × 4 layers × 16 positions")
@pytest.mark.parametrize("grid", [ours, one_by_one, transformer_lens])
def test_grid(benchmark, setting, grid):
    values = benchmark.pedantic(grid, (setting,), rounds=3)
    np.testing.assert_allclose(values, ours(setting), atol=1e-5)
