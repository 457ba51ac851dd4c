"""Memory that is free and that the process still has: kept for what comes next, or given back to the system.

The C library keeps what was freed in pieces between what is still in use, and Arrow keeps some of its own. After a step
that needed much, the next one would come on top of that: `give_back`. Arrays of many megabytes it takes from the system
each time and gives back at once, and each page of them is cleared first. Passes of a large model take and free such
arrays hundreds of times: `keep_freed`. Both are of Linux with glibc; elsewhere nothing happens.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable

__all__ = ["give_back", "keep_freed"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as malloc.h of glibc numbers them
_LARGE, _MOST = 1 << 30, (1 << 31) - 1  # bytes of an array that is taken from the system alone; kept at the end


def give_back() -> None:
    """Give free memory back to the system."""
    if (arrow := sys.modules.get("pyarrow")) is not None:
        arrow.default_memory_pool().release_unused()
    _of_the_c_library("malloc_trim")(0)


def keep_freed() -> None:
    """Keep what is freed until `give_back`, from now on and for the whole process: for programs of our own only."""
    set_option = _of_the_c_library("mallopt")
    set_option(_MMAP_THRESHOLD, _LARGE)
    set_option(_TRIM_THRESHOLD, _MOST)


@functools.cache
def _of_the_c_library(name: str) -> Callable[..., object]:
    try:
        found: Callable[..., object] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return lambda *given: None
    return found
