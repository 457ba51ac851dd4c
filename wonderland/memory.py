"""Memory that is free and that the process still has, given back to the system.

The C library keeps what was freed for what comes next, in pieces between what is still in use, and Arrow keeps some of
its own. After a step that needed much, the next one would come on top of that.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable

__all__ = ["give_back"]


def give_back() -> None:
    """Give free memory back to the system, where the C library can (Linux with glibc); elsewhere nothing happens."""
    if (arrow := sys.modules.get("pyarrow")) is not None:
        arrow.default_memory_pool().release_unused()
    _trim()(0)


@functools.cache
def _trim() -> Callable[[int], object]:
    try:
        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return lambda kept: None
    return trim
