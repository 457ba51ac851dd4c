"""One process at a time: who trains a model keeps others from going on with the same checkpoint."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from wonderland.errors import UsageError
from wonderland.workspace.stage import guarding

__all__ = ["alone"]

_NO_PLAIN_FILE = (errno.EISDIR, errno.ELOOP, errno.ENXIO)


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
    with guarding(path.parent), _locked(path, doing, lambda file: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _locked(path: Path, doing: str, lock: Callable[[IO[str]], None]) -> IO[str]:
    """Return the file, locked; one that another process deleted before it was locked would keep nobody away."""
    while True:
        try:
            file = open(path, "a", encoding="utf-8", opener=_plain_file)  # noqa: SIM115
        except OSError as error:
            if error.errno not in _NO_PLAIN_FILE:
                raise
            raise UsageError(
                f"{path} is no plain file, so it cannot be locked.", hint="It is not wonderland's: move it away."
            ) from None
        try:
            lock(file)
        except OSError:
            file.close()
            raise UsageError(f"Another process {doing}.", hint="Wait until it has ended, or stop it first.") from None
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            return file
        file.close()


def _plain_file(name: str, flags: int) -> int:
    """Open a file without following a link or waiting for the other end of a pipe."""
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
