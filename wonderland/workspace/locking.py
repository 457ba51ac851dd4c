"""One process at a time: who trains a model keeps others from going on with the same checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from wonderland.errors import UsageError
from wonderland.workspace.stage import guarding

__all__ = ["alone"]


@contextlib.contextmanager
def alone(path: Path, doing: str) -> Iterator[None]:
    """Hold a lock while something is done; the system lets go of it when the process ends, however that happens.

    Where the system has no such locks (Windows), nothing is held.

    Args:
        path: File to lock; it is made, and deleted at the end.
        doing: What another process does that holds it.

    Raises:
        UsageError: Another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with guarding(path.parent), open(path, "a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"Another process {doing}.", hint="Wait until it has ended, or stop it first.") from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
