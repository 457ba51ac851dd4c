"""Signals that end a process: noticed between two steps of a training run, an exception everywhere else.

Ctrl-C is a person's, SIGTERM a machine's: a launcher whose other process died, or a rented machine that is taken back;
SIGHUP comes when a terminal is closed. In training each leaves a checkpoint; elsewhere each unwinds what was begun, so
that temporary files go and no file is half written. A second one ends the process at once, as it would have without us.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Ended", "came", "ending_on_signals", "noting_interrupts", "unwinding"]

_FROM_OUTSIDE = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


_came = [0]


class Ended(BaseException):
    """A signal asked the process to end.

    Attributes:
        number: Which one.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def came() -> int:
    """Return the signal that ends the command that runs, 0 if none came."""
    return _came[0]


def unwinding() -> None:
    """From here on something may have been begun: have a signal unwind it that ended the process at once until now.

    A handler that ends the process at once says so by an attribute ``at_once``.
    """
    for number in (signal.SIGINT, *_FROM_OUTSIDE):
        if getattr(signal.getsignal(number), "at_once", False):
            signal.signal(number, _stop if number == signal.SIGINT else _end)


def _stop(number: int, frame: Any) -> None:
    _came[0] = number
    signal.default_int_handler(number, frame)


def _end(number: int, _frame: Any) -> None:
    _came[0] = number
    for other in _FROM_OUTSIDE:  # a second one ends the process
        if signal.getsignal(other) is _end:
            signal.signal(other, signal.SIG_DFL)
    _leave_the_terminal(number)
    raise Ended(number)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise `Ended`; one that is ignored or handled already stays so (``nohup``).

    Outside the main thread, where signals cannot be handled, nothing changes.
    """
    _came[0] = 0
    if threading.current_thread() is threading.main_thread():
        ours = [number for number in _FROM_OUTSIDE if signal.getsignal(number) is signal.SIG_DFL]
        for number in ours:
            signal.signal(number, _end)
    else:
        ours = []
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def noting_interrupts(*signals: signal.Signals) -> Iterator[Callable[[], int]]:
    """Yield a function that says which of these signals (by default all three) has come, 0 if none has.

    Outside the main thread, where signals cannot be handled, nothing changes.
    """
    seen = [0]
    if threading.current_thread() is not threading.main_thread():
        yield lambda: seen[0]
        return
    before = {number: signal.getsignal(number) for number in signals or (signal.SIGINT, *_FROM_OUTSIDE)}
    if not signals:  # what runs under `nohup` ignores that the terminal is closed
        before = {n: how for n, how in before.items() if n == signal.SIGINT or how is not signal.SIG_IGN}

    def give_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, _frame: Any) -> None:
        seen[0] = number
        _leave_the_terminal(number)
        give_back()

    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: seen[0]
    finally:
        give_back()


def _leave_the_terminal(number: int) -> None:
    """After SIGHUP, have what is still printed go nowhere if the terminal is gone, where to print would be an error."""
    if signal.Signals(number).name != "SIGHUP":
        return
    for stream in (1, 2):
        if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)
