"""The loss of each token, without ever holding all logits.

The logits of a batch are its largest tensor by far (4,096 tokens × 4,096 words × 4 bytes = 67 MB, and again for their
gradient) and fall out of every cache. `linear_cross_entropy` therefore takes the unembedding and the loss together, a
chunk of tokens at a time, and forms the gradient in the same pass, so that memory does not grow with the batch.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["linear_cross_entropy", "token_losses"]

_CHUNK = 512


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        total = x.new_zeros((), dtype=torch.float32)
        grad_x, grad_weight = torch.empty_like(x), torch.zeros_like(weight)
        for start in range(0, len(x), _CHUNK):
            part, goal = x[start : start + _CHUNK], targets[start : start + _CHUNK, None]
            log_probs = F.log_softmax((part @ weight).float(), dim=-1)
            total -= log_probs.gather(1, goal).sum()
            residual = log_probs.exp_()
            residual.scatter_add_(1, goal, residual.new_full(goal.shape, -1.0))
            residual = residual.to(x.dtype)
            torch.mm(residual, weight.T, out=grad_x[start : start + _CHUNK])
            grad_weight.addmm_(part.T, residual)
        ctx.save_for_backward(grad_x, grad_weight)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        grad_x, grad_weight = ctx.saved_tensors
        return grad_x * grads[0], grad_weight * grads[0], None


def linear_cross_entropy(x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Return the summed cross-entropy, in nats, of ``softmax(x @ weight)`` at the targets.

    Args:
        x: Final normalised residuals, [token, d_model].
        weight: Unembedding, [d_model, d_vocab].
        targets: The tokens that came, [token].
    """
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        total: Tensor = _LinearCrossEntropy.apply(x, weight, targets)  # type: ignore[no-untyped-call]
        return total
    parts = zip(x.split(_CHUNK), targets.split(_CHUNK), strict=True)
    sums = [F.cross_entropy((part @ weight).float(), goal, reduction="sum") for part, goal in parts]
    return torch.stack(sums).sum()


def token_losses(logits: Tensor, tokens: Tensor) -> Tensor:
    """Return the loss of each next token, in nats.

    Args:
        logits: [batch, pos, d_vocab].
        tokens: [batch, pos].

    Returns:
        Losses [batch, pos - 1]; entry p is of token p + 1.
    """
    return F.cross_entropy(logits[:, :-1].transpose(1, 2).float(), tokens[:, 1:], reduction="none")
