"""Answers of a model must be numbers: infinities and NaN would go through every mean in silence.

Weights that are finite do not settle it: in half precision a product overflows at 65,504, and what is built on an
infinity is NaN. What would fool it: an infinity inside of the model that a norm or a mask takes out again.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wonderland.errors import Unsupported

__all__ = ["require_finite"]


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
