"""A short hash of a model's shape and of its weights' own bytes: which weights these are.

What is hashed is what is measured: the bytes as they lie in memory, never a copy in another precision. So a model in
half precision has another fingerprint than the model it was rounded from, also where rounding changed nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["hash_weights"]


def hash_weights(shape: Mapping[str, Any], weights: Iterable[tuple[str, Tensor]]) -> str:
    """Return a short hash of a model's shape and weights.

    Args:
        shape: Its configuration, JSON values or what prints as one.
        weights: Names and weights, of any precision and on any device; their order does not matter.
    """
    digest = hashlib.sha256(json.dumps(shape, sort_keys=True, default=str).encode())
    for name, weight in sorted(weights, key=lambda one: one[0]):
        digest.update(name.encode())
        if weight.dtype != torch.float32:  # single precision goes without saying, as it did before there were others
            digest.update(str(weight.dtype).encode())
        plain = weight.detach().cpu().contiguous().flatten()
        digest.update(plain.view(torch.uint8).numpy().tobytes())  # numpy has no bfloat16; bytes it has
    return digest.hexdigest()[:16]
