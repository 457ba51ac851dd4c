"""What folding takes out of the weights changes no probability, and nothing is left of what was only a mean."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.lab.weights import effective_embedding, fold, folded_mlp
from wonderland.model.presets import Config


def model_of(norm="LN", attn_only=True):
    cfg = Config(2, 2, 10, 3, 6, 12, 20, normalization_type=norm, attn_only=attn_only)
    model = wl.ChatTransformer(cfg).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        weight.copy_(torch.randn(weight.shape, generator=generator))
        if name.rsplit(".", 1)[-1].startswith("b"):
            weight.zero_()  # biases of the norms end in biases, which `fold` does not give
    return model


@pytest.mark.parametrize("norm", ["LN", None])
@pytest.mark.parametrize("attn_only", [True, False])
def test_the_folded_model_gives_the_same_probabilities(norm, attn_only):
    model, twin = model_of(norm, attn_only), model_of(norm, attn_only)
    folded = fold(model)
    twin.embed.W_E.copy_(torch.from_numpy(folded.W_E))
    twin.pos_embed.W_pos.copy_(torch.from_numpy(folded.W_pos))
    twin.unembed.W_U.copy_(torch.from_numpy(folded.W_U))
    for layer, block in enumerate(twin.blocks):
        for name in ("W_Q", "W_K", "W_V", "W_O"):
            getattr(block.attn, name).copy_(torch.from_numpy(getattr(folded, name)[layer]))
        if not attn_only:
            for name, weight in zip(("W_in", "W_out"), folded_mlp(model, layer), strict=True):
                getattr(block.mlp, name).copy_(torch.from_numpy(weight))
    for name, weight in twin.named_parameters():
        if name.endswith(".w"):
            weight.fill_(1)
    tokens = torch.arange(20).reshape(2, 10)
    torch.testing.assert_close(model(tokens).log_softmax(-1), twin(tokens).log_softmax(-1), atol=2e-4, rtol=1e-4)
    assert folded.W_U.mean(1) == pytest.approx(np.zeros(10))
    assert folded.d_effective == (9 if norm else 10)


def test_what_layer_norm_takes_out_nobody_reads_or_writes():
    folded = fold(model_of())
    for weight, axis in ((folded.W_E, 1), (folded.W_pos, 1), (folded.W_O, 3), (folded.W_U, 0), (folded.W_Q, 2)):
        assert np.abs(weight.sum(axis)).max() < 1e-12
        assert np.abs(weight).max() > 0.1
    W_in, W_out = folded_mlp(model_of(attn_only=False), 1)
    assert max(np.abs(W_in.sum(0)).max(), np.abs(W_out.sum(1)).max()) < 1e-12
    assert min(np.abs(W_in).max(), np.abs(W_out).max()) > 0.1


def test_a_head_that_writes_nothing_but_the_mean_writes_nothing():
    model = model_of()
    model.blocks[1].attn.W_O[0] = 0.1
    assert not fold(model).W_O[1, 0].any()
    without = model_of(norm=None)
    without.blocks[1].attn.W_O[0] = 0.1
    assert fold(without).W_O[1, 0] == pytest.approx(0.1)


@pytest.mark.parametrize("norm", ["LN", None])
def test_the_effective_embedding_is_what_the_mlp_of_layer_0_makes_of_a_token(norm):
    model = model_of(norm, attn_only=False)
    block = model.blocks[0]
    made = (model.W_E + block.mlp(block.ln2(model.W_E))).double().numpy()
    if norm:
        made = made - made.mean(1, keepdims=True)
    np.testing.assert_allclose(effective_embedding(model), made, atol=1e-6)
    alone = model_of(norm)
    np.testing.assert_allclose(effective_embedding(alone), fold(alone).W_E, atol=1e-6)
