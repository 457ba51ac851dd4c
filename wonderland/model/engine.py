"""Devices, precision and other processes of a training run, as Hugging Face Accelerate finds them.

One process on a laptop, ``torchrun`` over several GPUs and ``accelerate launch`` over several hosts go through the
same loop: each process computes the gradient of its share of a batch, and the shares are summed. We sum them by hand
(one flat tensor a step) instead of wrapping the model in ``DistributedDataParallel``, because the wrapper hides the
hook points, weighs processes equally although their shares have different numbers of tokens, and saves nothing for
models of some megabytes.

What would fool it: a collective call that only some processes make waits for ever. Every decision that ends or
lengthens the loop is therefore taken from summed values, which are the same everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import torch
from torch import Tensor

from wonderland.advice import Hint, Options
from wonderland.errors import ResourceError, UsageError
from wonderland.model.processes import processes, rank

__all__ = ["Engine", "ProcessLost", "device_called", "fastest_device"]

_SPLITTERS = ("FSDP", "DEEPSPEED", "MEGATRON_LM")


class ProcessLost(ResourceError):
    """Another process of the run is gone (exit code 5)."""


Share = TypeVar("Share")
Done = TypeVar("Done")


def fastest_device() -> str:
    """Return "cuda", "mps" or "cpu", the first that is there."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def device_called(name: str | None) -> str:
    """Return the device of this name, or the fastest there is.

    Raises:
        UsageError: There is no such device here.
    """
    fastest = fastest_device()
    if name not in (None, "", "cpu", fastest):
        raise UsageError(
            f"There is no device {name!r} here.", hint=Hint("The fastest there is: ", Options(device=fastest))
        )
    return name or fastest


class Engine:
    """The devices, the precision and the processes of a run.

    Args:
        device: "cpu", "cuda" or "mps"; the fastest there is by default.
        precision: "auto" (bf16 on GPUs that have it), "bf16" or "fp32".

    Raises:
        UsageError: There is no such device, or the launcher was asked to split the weights over processes.
    """

    def __init__(self, device: str | None = None, precision: str = "auto") -> None:
        kind = device_called(device)
        for splitter in _SPLITTERS:
            if os.environ.get(f"ACCELERATE_USE_{splitter}", "").lower() == "true":
                raise UsageError(
                    f"{splitter} splits the weights over processes, but each holds a whole model here: half a "
                    "gigabyte for the largest preset.",
                    hint="Several GPUs share the work without it: accelerate launch --multi_gpu -m wonderland train",
                )
        if precision == "auto":
            precision = "bf16" if kind == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
        from accelerate import Accelerator  # takes a second to import, so only when training
        from accelerate.state import AcceleratorState

        together = processes() > 1
        # Accelerate keeps its state for the life of a process; another run in it may want another device.
        AcceleratorState._reset_state(reset_partial_state=not together)
        os.environ.setdefault("ACCELERATE_DISABLE_RICH", "1")
        self._accelerator = Accelerator(cpu=kind == "cpu", mixed_precision="bf16" if precision == "bf16" else "no")
        if self._accelerator.device.type == "cuda":
            torch.set_float32_matmul_precision("high")  # TF32 where a product stays in fp32
        self.precision = precision
        self.device: torch.device = self._accelerator.device
        self.rank, self.processes = rank(), processes()
        self.threads = torch.get_num_threads() if self.device.type == "cpu" else 1
        self._pool = ThreadPoolExecutor(self.threads)

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which products are taken in the run's precision."""
        context: AbstractContextManager[Any] = self._accelerator.autocast()
        return context

    def side_by_side(self, work: Callable[[Share], Done], shares: Sequence[Share]) -> list[Done]:
        """Return what ``work`` makes of each share, on a CPU all at the same time with one thread each.

        PyTorch's own threads divide every single operation and meet at its end; on layers as small as ours that
        waiting takes longer than the sums. Threads that each take a share of the batch meet once a step.
        """
        if self.threads == 1 or len(shares) == 1:
            return [work(share) for share in shares]
        torch.set_num_threads(1)
        try:
            futures = [self._pool.submit(work, share) for share in shares]
            wait(futures)
            return [future.result() for future in futures]
        finally:
            torch.set_num_threads(self.threads)

    def put(self, array: Tensor) -> Tensor:
        """Copy a tensor to the device; a pinned one while the device works."""
        return array.to(self.device, non_blocking=True)

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes.

        Raises:
            ProcessLost: One of them is gone.
        """
        if self.processes == 1:
            return values
        try:
            summed: Tensor = self._accelerator.reduce(values, reduction="sum")
        except RuntimeError as error:
            raise ProcessLost(
                f"Process {self.rank} of {self.processes} lost another one: {str(error).splitlines()[0]}",
                hint="Start the same command again: it goes on from the last checkpoint.",
            ) from error
        return summed

    def agree(self, number: int) -> bool:
        """Whether every process says the same number, of at most 56 bits; all get the same answer."""
        if self.processes == 1:
            return True
        mine = torch.tensor(number, device=self.device)
        differs = self.sum(mine.clone()) != mine * self.processes
        return not bool(self.sum(differs.float()))

    def sum_gradients(self, weights: Sequence[Tensor]) -> None:
        """Replace every gradient by its sum over all processes; a process with nothing to do counts as zero."""
        if self.processes == 1:
            return
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        flat = self.sum(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))
