"""The gradient of a batch that does not fit: in micro-batches, as large as the machine takes.

A step's batch is a number of tokens fixed by the settings, so that a run means the same everywhere. How many of them
are worked on at once is the machine's affair: every process takes each n-th window, cuts its share into micro-batches
and adds their gradients; on a CPU each thread works on micro-batches of its own (docs/decisions/0009-threads.md has
what that gains). When memory runs out, the micro-batch is halved, that is said, and the step begins again;
what was learned so far is untouched, because weights move only after a whole batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wonderland.advice import Hint, Options
from wonderland.corpus.windows import Windows
from wonderland.errors import ResourceError
from wonderland.model.batches import cut
from wonderland.model.engine import Engine
from wonderland.model.loss import linear_cross_entropy
from wonderland.model.transformer import Transformer
from wonderland.tokenizer import PAD

__all__ = ["Batch", "batch_gradient", "feed", "loss_sum"]


@dataclass(frozen=True)
class Batch:
    """One process's share of a step.

    Attributes:
        rows: Its windows, shortest first, padded, [window, longest].
        lengths: Their tokens, [window].
        count: Tokens predicted in the whole batch, over all processes.
    """

    rows: Tensor
    lengths: np.ndarray
    count: int


def feed(windows: Windows, plan: Sequence[np.ndarray], engine: Engine) -> Iterator[Batch]:
    """Yield the batches of a plan; the next one is read, padded and pinned while the one before is worked on."""
    pinned = engine.device.type == "cuda"

    def read(chosen: np.ndarray) -> Batch:
        share = chosen[engine.rank :: engine.processes]
        rows = windows.batch(share, PAD) if len(share) else np.zeros((0, 1), dtype=np.int64)
        tensor = torch.from_numpy(rows)
        count = int((windows.lengths[chosen] - 1).sum())
        return Batch(tensor.pin_memory() if pinned else tensor, windows.lengths[share], count)

    with ThreadPoolExecutor(1) as reader:
        ahead = deque(reader.submit(read, chosen) for chosen in plan[:1])
        for number in range(len(plan)):
            batch = ahead.popleft().result()
            ahead.extend(reader.submit(read, chosen) for chosen in plan[number + 1 : number + 2])
            yield batch


def batch_gradient(
    model: Transformer, batch: Batch, engine: Engine, micro_tokens: int, on_trouble: Callable[[str], None]
) -> tuple[float, int]:
    """Leave the gradient of the batch's mean loss in the weights.

    Args:
        model: The model; its gradients are None.
        batch: The share of this process.
        engine: Where to compute it.
        micro_tokens: Most tokens to work on at once, padding included.
        on_trouble: Told when memory ran out and what is tried next.

    Returns:
        The mean loss over the whole batch, nats a token, and the micro-batch that fitted.

    Raises:
        ResourceError: Not even one window fits, or another process is gone.
    """
    weights = list(model.parameters())
    while True:
        try:
            total = _accumulate(model, batch, engine, micro_tokens)
            break
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            smaller = min(micro_tokens, batch.rows.numel()) // 2
            if smaller < batch.rows.shape[1]:
                raise ResourceError(
                    f"Out of memory: not even a window of {batch.rows.shape[1]} tokens fits on {engine.device}.",
                    hint=Hint("Take a smaller preset, for example: ", Options("train", preset="nano")),
                ) from error
            on_trouble(f"Out of memory at {micro_tokens:,} tokens at once; trying {smaller:,}.")
            micro_tokens = smaller
        for weight in weights:
            weight.grad = None
        if engine.device.type == "cuda":
            torch.cuda.empty_cache()
    engine.sum_gradients(weights)
    return float(engine.sum(total)) / batch.count, micro_tokens


def _accumulate(model: Transformer, batch: Batch, engine: Engine, micro_tokens: int) -> Tensor:
    weights = list(model.parameters())
    parts = cut(np.arange(len(batch.rows)), batch.lengths, micro_tokens)

    def work(share: list[np.ndarray]) -> tuple[Tensor, list[Tensor]]:
        total, sums = torch.zeros((), device=engine.device), list[Tensor]()
        for part in share:
            rows = engine.put(batch.rows[part[0] : part[-1] + 1, : int(batch.lengths[part].max())])
            with engine.autocast():
                loss, _ = loss_sum(model, rows)
            gradients = torch.autograd.grad(loss / batch.count, weights)
            sums = _added(sums, gradients)
            total += loss.detach()
        return total, sums

    total, sums = torch.zeros((), device=engine.device), list[Tensor]()
    for loss, gradients in engine.side_by_side(work, [parts[n :: engine.threads] for n in range(engine.threads)]):
        total += loss
        sums = _added(sums, gradients)
    for weight, gradient in zip(weights, sums, strict=False):  # a process without a window has no gradient
        weight.grad = gradient
    return total


def _added(sums: list[Tensor], more: Sequence[Tensor]) -> list[Tensor]:
    if not sums:
        return list(more)
    if more:
        torch._foreach_add_(sums, list(more))
    return sums


def loss_sum(model: Transformer, tokens: Tensor) -> tuple[Tensor, int]:
    """Return the summed loss of padded windows [window, pos], in nats, and the number of tokens predicted."""
    targets = tokens[:, 1:].flatten()
    wanted = (targets != PAD).nonzero()[:, 0]
    final = model.ln_final(model(tokens[:, :-1], stop_at_layer=model.cfg.n_layers)).flatten(0, 1)
    return linear_cross_entropy(final[wanted], model.unembed.W_U, targets[wanted]), len(wanted)


def _out_of_memory(error: Exception) -> bool:
    # On CPUs and on Apple's GPUs, running out of memory is a plain RuntimeError that says so.
    told = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "out of memory" in told or "allocate" in told
