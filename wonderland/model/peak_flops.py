"""The peak rate of this machine: that of one large matrix product, which no training step can exceed.

A transformer's step is matrix products and things that get in their way. Tokens a second say nothing across machines;
6 × parameters × tokens a second over this rate does (model FLOPs utilisation, Chowdhery et al. 2022, "PaLM", with a
measured ceiling in place of the vendor's).
"""

from __future__ import annotations

import functools
import time

import torch

__all__ = ["peak_flops"]


@functools.cache  # it takes a second on a CPU, and is that of the machine
def peak_flops(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32, rounds: int = 5) -> float:
    """Return the operations a second of a square product (2,048 wide on CPUs, 8,192 on others), best of some rounds."""
    device = torch.device(device)
    width = 2048 if device.type == "cpu" else 8192
    a, b = (torch.randn(width, width, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(rounds + 1):  # the first warms up
        started = time.perf_counter()
        product = a @ b
        product[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - started)
    return float(2 * width**3 / best)
