"""Answers of a model must be numbers: infinities and NaN would go through every mean in silence.

Weights that are finite do not settle it: in half precision a product overflows at 65,504, and what is built on an
infinity is NaN. What would fool it: an infinity inside of the model that a norm or a mask takes out again.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wonderland.errors import Unsupported

__all__ = ["require_finite", "require_lengths"]


def require_finite(answers: Tensor) -> None:
    """Raise `Unsupported` unless what a model computed is finite.

    Args:
        answers: Logits, or the stream they are read from, any shape.
    """
    if torch.isfinite(answers).all():
        return
    precision = str(answers.dtype).removeprefix("torch.")
    raise Unsupported(
        f"The model's answers on the held-out text are not finite numbers, computed in {precision}.",
        hint="If it is whole in a higher precision, examine model.float(); else train it again with lower rates.",
    )


def require_lengths(stream: Tensor) -> None:
    """Raise `Unsupported` unless the lengths of a residual stream can be computed: where one overflows, a norm gives 0.

    The answers behind such a norm are finite, and the same for every text.

    Args:
        stream: The residual stream that a norm reads, of shape (..., d_model).
    """
    if torch.isfinite(stream.float().pow(2).sum(-1)).all():
        return
    raise Unsupported(
        f"The model's numbers are too large: its residual stream reaches {float(stream.abs().max()):.1e}, whose square "
        "single precision cannot hold, so its norms and what it answers mean nothing.",
        hint="Its weights are finite, and what they compute is not: copy the model again from where it is whole, or "
        "give a checkpoint from before its training went wrong.",
    )
