"""The toy model of superposition: what `neurons` says of neurons that share two dimensions among five features.

x̂ = ReLU(WᵀWx + b), five features of importance 0.9^i in two dimensions: the sparser features are, the more of them
the model keeps, in directions that are no longer at right angles (Elhage et al. 2022, Toy Models of Superposition).
Trained here in seconds, then written into a `ChatTransformer`: a feature is a kind of token, the first MLP is the two
dimensions (two neurons each, for either sign), the second the five outputs. So what each neuron answers to is known.
"""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.model.presets import Config
from wonderland.testing.handwritten import word_tokenizer
from wonderland.tokenizer import END, ME, SEP, SPECIALS, THEM
from wonderland_triage.neurons import Neurons

FEATURES, DIMENSIONS = 5, 2
REPRESENTED = {0.0: 2, 0.7: 4, 0.9: 5, 0.97: 5}  # features by sparsity, as published
WORDS = ("a", "b", "1", "2", "!", "?")
TOKENS = np.array([[ME, THEM], [END, SEP], *(np.arange(6).reshape(3, 2) + len(SPECIALS))])  # [feature, loudness]
KINDS = ("speaker", "separator", "common word", "number", "punctuation")
LOUDNESS = np.array([0.5, 1.0])


def trained(sparsity, *, seeds=8, steps=700, batch=256, rate=2e-2):
    """Return W [dimension, feature] and b [feature] of the best of several models trained side by side."""
    generator = torch.Generator().manual_seed(0)
    w = (torch.randn(seeds, DIMENSIONS, FEATURES, generator=generator) * FEATURES**-0.5).requires_grad_()
    b = torch.zeros(seeds, 1, FEATURES, requires_grad=True)
    importance = 0.9 ** torch.arange(FEATURES)

    def losses(rows):
        shape = (seeds, rows, FEATURES)
        x = torch.rand(shape, generator=generator) * (torch.rand(shape, generator=generator) >= sparsity)
        return (importance * (x - torch.relu(x @ w.mT @ w + b)) ** 2).mean((1, 2))

    optimiser = torch.optim.Adam([w, b], lr=rate)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimiser.zero_grad()
        losses(batch).sum().backward()
        optimiser.step()
    with torch.no_grad():
        best = losses(8192).argmin()
    return w[best].detach().numpy(), b[best, 0].detach().numpy()


def upright(w):
    """Turn the two dimensions, which the model does not see, so that the first feature lies along the first."""
    along = w[:, 0] / np.linalg.norm(w[:, 0])
    return np.array([[along[0], along[1]], [-along[1], along[0]]]) @ w


@torch.no_grad()
def specimen_of(w, b):
    tokenizer = word_tokenizer(WORDS)
    cfg = Config(2, 1, FEATURES + DIMENSIONS, 1, FEATURES, 40, tokenizer.vocab_size, "relu", None)
    model = wl.ChatTransformer(cfg, tokenizer=tokenizer.fingerprint)
    for weight in model.parameters():
        weight.zero_()
    for feature, tokens in enumerate(TOKENS):
        model.embed.W_E[tokens, feature] = torch.from_numpy(LOUDNESS).float()
    squeeze, read = (block.mlp for block in model.blocks)
    w = torch.from_numpy(w)
    squeeze.W_in[:FEATURES, :4] = torch.cat([w.T, -w.T], dim=1)
    squeeze.W_out[:4, FEATURES:] = torch.cat([torch.eye(2), -torch.eye(2)])
    read.W_in[FEATURES:] = w
    read.b_in.copy_(torch.from_numpy(b))
    rows = np.stack([np.random.default_rng(row).permutation(np.repeat(TOKENS.ravel(), 4)) for row in range(12)])
    return wl.Specimen.of_tokens(model, tokenizer, rows.tolist())


@pytest.fixture(
    scope="module",
    params=[0.0, 0.9, *(pytest.param(one, marks=pytest.mark.slow) for one in (0.7, 0.97))],
    ids="sparsity {}".format,
)
def toy(request):
    w, b = trained(request.param)
    w = upright(w)
    return request.param, w, b, wl.analyze(specimen_of(w, b), Neurons(directions=8, listed=1))["neurons"]


def selectivity(response):
    """(μ_best − μ_rest) / (μ_best + μ_rest) of mean responses [neuron, feature]."""
    best = response.max(1)
    rest = (response.sum(1) - best) / (FEATURES - 1)
    return (best - rest) / (best + rest)


def test_as_many_features_are_kept_as_published(toy):
    sparsity, w, _, _ = toy
    assert (np.linalg.norm(w, axis=0) > 0.5).sum() == REPRESENTED[sparsity]


def test_one_output_neuron_is_found_for_each_feature_that_is_kept_and_none_for_the_others(toy):
    _, w, _, result = toy
    kept = np.linalg.norm(w, axis=0) > 0.5
    assert [result.kinds[kind] for kind in result.favourite[1][kept]] == [
        kind for kind, of in zip(KINDS, kept, strict=True) if of
    ]
    assert (result.kind_entropy[1][kept] == 0).all()
    assert (result.selectivity[1][kept] > 0.7).all()
    assert (np.nan_to_num(result.selectivity[1][~kept]) < 0.3).all()


def test_the_dimensions_are_mixed_exactly_when_there_are_more_features_than_directions(toy):
    sparsity, _, _, result = toy
    hidden = result.selectivity[0, :4][result.active[0, :4] > 0.02]
    if REPRESENTED[sparsity] <= 2 * DIMENSIONS:  # a dimension has two ends, and each can hold one feature
        assert hidden.max() > 0.9
        assert np.median(hidden) > 0.8
    else:
        assert hidden.max() < 0.8


def test_selectivity_is_what_follows_from_the_weights(toy):
    _, w, b, result = toy
    sides = np.concatenate([w, -w])  # [neuron, feature]
    of_hidden = np.maximum(sides, 0) * LOUDNESS.mean()
    assert result.selectivity[0, :4] == pytest.approx(selectivity(of_hidden), abs=1e-4)
    of_output = np.maximum((w.T @ w)[..., None] * LOUDNESS + b[:, None, None], 0).mean(-1)
    assert result.selectivity[1] == pytest.approx(selectivity(of_output), abs=1e-4)
