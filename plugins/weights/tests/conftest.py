"""Models whose weights are known, and random ones on which what holds for any model is tried."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.model.presets import Config
from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def specimen():
    return wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(12))


@pytest.fixture(scope="session")
def random_model():
    """Make a model of any shape whose every weight is drawn, norms' and writing ones included."""

    def make(seed=0, *, layers=2, heads=3, d_model=12, d_head=4, norm="LN", attn_only=False):
        cfg = Config(
            n_layers=layers,
            n_heads=heads,
            d_model=d_model,
            d_head=d_head,
            d_mlp=7,
            n_ctx=48,
            d_vocab=24,
            normalization_type=norm,
            attn_only=attn_only,
        )
        model = wl.ChatTransformer(cfg, tokenizer=handwritten_tokenizer().fingerprint).requires_grad_(False)
        random = np.random.default_rng(seed)
        for weight in model.parameters():
            weight.copy_(torch.from_numpy(random.standard_normal(weight.shape)))
        return model

    return make
