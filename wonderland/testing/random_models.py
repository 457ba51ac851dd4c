"""Models whose every weight is random, to try what must hold of any model.

An untrained `ChatTransformer` writes nothing, so that nothing can go wrong in it; here norms, biases and output
projections are drawn as well. Whatever is found in such a model was not planted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import Config
from wonderland.testing.handwritten import handwritten_tokenizer

__all__ = ["random_model"]


@torch.no_grad()
def random_model(seed: int = 0, *, scale: float = 0.4, **shape: Any) -> ChatTransformer:
    """Return a model over the known vocabulary whose weights are all normal.

    Args:
        seed: Seed of the weights.
        scale: Their standard deviation; those of norms have a mean of 1.
        **shape: Fields of its `Config`, in place of two layers of three heads, 12 dimensions, 4 a head, 7 neurons.
    """
    small = {"n_layers": 2, "n_heads": 3, "d_model": 12, "d_head": 4, "d_mlp": 7, "n_ctx": 48, "d_vocab": 24}
    model = ChatTransformer(Config(**{**small, **shape}), tokenizer=handwritten_tokenizer().fingerprint)
    random = np.random.default_rng(seed)
    for name, weight in model.named_parameters():
        weight.copy_(torch.from_numpy(random.standard_normal(weight.shape) * scale))
        if name.endswith(".w"):
            weight += 1
    model.requires_grad_(False).eval()
    return model
