"""Processes that train together: what their launcher says, readable without loading torch.

``torchrun`` and ``accelerate launch`` start the same command several times and number the copies in the environment.
Number 0 writes and speaks; the others compute.
"""

from __future__ import annotations

import os

__all__ = ["is_main", "processes", "rank"]


def rank() -> int:
    """Return the number of this process, 0 if it is alone."""
    return int(os.environ.get("RANK", "0")) if processes() > 1 else 0


def processes() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this process is the one that writes."""
    return rank() == 0
