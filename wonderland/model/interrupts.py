"""Stopping a run without cutting a step in half: a signal becomes a question asked between two steps.

Ctrl-C is a person's, SIGTERM a machine's: a launcher whose other process died, or a rented machine that is taken back.
Both leave a checkpoint. A second one ends the process at once, as it would have without us.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["noting_interrupts"]


@contextmanager
def noting_interrupts(*signals: signal.Signals) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether one of these signals (by default both) has come.

    Outside the main thread, where signals cannot be handled, nothing changes.
    """
    seen = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield seen.is_set
        return
    before = {number: signal.getsignal(number) for number in signals or (signal.SIGINT, signal.SIGTERM)}

    def give_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(_number: int, _frame: Any) -> None:
        seen.set()
        give_back()

    for number in before:
        signal.signal(number, note)
    try:
        yield seen.is_set
    finally:
        give_back()
