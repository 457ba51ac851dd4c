"""A transformer that was compiled, not trained: Tracr's ``reverse``, whose last attention is the anti-diagonal.

``make_reverse.py`` makes the weights. Tracr's attention looks both ways, so this is also a model of somebody else's
under the microscope: a `ChatTransformer` with another attention is all that it takes.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import wonderland as wl
from wonderland.lab.contrast import Contrast, ContrastBatch
from wonderland.lab.external.hf_tokenizer import HFTokenizer
from wonderland.lab.interventions import Site
from wonderland.lab.patching import patch
from wonderland.model.layers import Attention
from wonderland.model.presets import Config

BOS, A, B, C = range(4)
LENGTH, LAYERS = 5, 4


class BothWays(Attention):
    """Attention without a causal mask."""

    def forward(self, q_input, k_input, v_input):
        inputs = zip("QKV", (q_input, k_input, v_input), strict=True)
        q, k, v = (
            torch.einsum("bpm,hmd->bphd", x, getattr(self, f"W_{name}")) + getattr(self, f"b_{name}")
            for name, x in inputs
        )
        q, k, v = self.hook_q(q), self.hook_k(k), self.hook_v(v)
        scores = self.hook_attn_scores(torch.einsum("bqhd,bkhd->bhqk", q, k) / self.d_head**0.5)
        z = self.hook_z(torch.einsum("bhqk,bkhd->bqhd", self.hook_pattern(scores.softmax(-1)), v))
        return torch.einsum("bqhd,hdm->bqm", z, self.W_O) + self.b_O


@pytest.fixture(scope="module")
def model():
    cfg = Config(LAYERS, 1, 41, 12, 30, LENGTH + 1, 5, act_fn="relu", normalization_type=None)
    model = wl.ChatTransformer(cfg)
    for block in model.blocks:
        block.attn = BothWays(cfg)
    model.setup()
    model.load_state_dict(load_file(Path(__file__).with_name("reverse.safetensors")))
    return model.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def letters():
    from tokenizers import Tokenizer, models

    names = ("BOS", "a", "b", "c", "pad")
    words = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="pad"))
    return HFTokenizer(words, start="BOS")


@pytest.fixture(scope="module")
def specimen(model, letters):
    words = [[BOS, *word] for word in product((A, B, C), repeat=LENGTH)]
    return wl.Specimen.of_tokens(model, letters, words, windows=len(words))


def test_it_reverses_every_word_there_is(specimen):
    for batch in specimen.batches("logits"):
        said = batch["logits"][:, 1:].argmax(-1)
        torch.testing.assert_close(said, batch.tokens[:, 1:].flip(-1))


def test_the_last_attention_is_exactly_the_anti_diagonal(specimen):
    expected = torch.eye(LENGTH).flip(0)
    for batch in specimen.batches("pattern"):
        found = batch["pattern"][-1, :, 0, 1:, 1:]
        torch.testing.assert_close(found, expected.expand_as(found), atol=1e-6, rtol=0)
        assert (batch["pattern"][:-1, :, 0, 1:, 1:].amax(-1) < 0.9).all()  # and no earlier one is


def test_the_first_letter_reaches_the_last_place_through_that_attention_alone(model, letters):
    pairs = [
        Contrast([BOS, A, *rest], [BOS, B, *rest], A, B, copying=True) for rest in product((A, B, C), repeat=LENGTH - 1)
    ]
    batch = ContrastBatch.of(pairs, letters)
    heads = patch(model, batch, [[Site("z", layer)] for layer in range(LAYERS)]).pooled()
    assert heads.value == pytest.approx([0, 0, 0, 1], abs=1e-5)
    places = [[Site("resid_pre", layer, positions=at)] for layer in range(LAYERS) for at in range(LENGTH + 1)]
    stream = patch(model, batch, places).pooled().value.reshape(LAYERS, LENGTH + 1)
    assert stream == pytest.approx(np.tile(np.eye(LENGTH + 1)[1], (LAYERS, 1)), abs=1e-5)
