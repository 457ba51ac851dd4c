"""What is said when a command is stopped, from its first moment to its last. Imports nothing that takes time."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

__all__ = ["ending_at_once", "interrupted", "staying"]

_GO_ON = ("train", "analyze", "run", "demo")
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def interrupted(arguments: Sequence[str]) -> tuple[str, str]:
    """Return what happened to a command that was stopped, and what typing it again does.

    >>> interrupted(["train"])[1], interrupted(["report", "--all"])[1]
    ('Run the same command again to go on.', 'Run the same command again to go on.')
    >>> interrupted(["extract", "train"])[1]
    'Run the same command again: what was being done is begun anew, and nothing of it is left half written.'
    """
    command = next((word for word in arguments if not word.startswith("-")), "")
    if command in _GO_ON or (command, True) in (("report", "--all" in arguments), ("audit", "--full" in arguments)):
        return "Interrupted.", "Run the same command again to go on."
    anew = "what was being done is begun anew, and nothing of it is left half written."
    return "Interrupted.", f"Run the same command again: {anew}"


def ending_at_once() -> None:
    """While nothing was begun that would have to be unwound, have a signal end the process with words and its code.

    A signal that is ignored or handled already stays so (``nohup``, a job in the background).
    `wonderland.model.interrupts.unwinding` ends this.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)


def staying() -> None:
    """After the last line, when all is done and said, have signals change nothing any more."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end(number: int, _frame: object) -> None:
    try:
        _say(sys.argv[1:], 128 + number)
    finally:
        os._exit(128 + number)


_end.at_once = True  # type: ignore[attr-defined]


def _say(arguments: Sequence[str], code: int) -> None:
    from wonderland.model.processes import is_main

    if not is_main():
        return
    message, hint = interrupted(arguments)
    if "--json" in arguments:
        import json

        print(json.dumps({"error": message, "hint": hint, "exit_code": code}), flush=True)
    else:
        print(f"Error: {message}\n{hint}", file=sys.stderr, flush=True)
