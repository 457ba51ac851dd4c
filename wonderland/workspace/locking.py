"""Several processes in one workspace: who may work at the same time, who is refused, and who waits.

The system lets go of a lock when the process that holds it ends, however that happens. Where it has no such locks
(Windows, some network drives) nothing is held.

- `alone`: a piece of work that two must not do at once, such as training a model. The second is refused.
- `in_turn`: a file that is read, changed and written again. The second waits, for as long as that takes.
- `held` and `holder`: whether somebody does such work now, and with which command.
- `at_work` and `undisturbed`: all that write into a workspace hold its folder together; who deletes it, alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import IO, Concatenate, ParamSpec, Protocol, TypeVar

from wonderland.advice import Command, Hint
from wonderland.errors import InputError, UsageError
from wonderland.workspace.stage import guarding

__all__ = ["alone", "at_work", "held", "holder", "in_turn", "undisturbed"]

P = ParamSpec("P")
R = TypeVar("R")

_LONGEST = 100  # bytes of a command
_NO_PLAIN_FILE = (errno.EISDIR, errno.ELOOP, errno.ENXIO)


@contextlib.contextmanager
def alone(path: Path, doing: str, command: str = "") -> Iterator[None]:
    """Hold a lock while something is done.

    Args:
        path: File to lock; it is made, and deleted at the end.
        doing: What another process does that holds it.
        command: The command that does it, which `holder` tells; "" for none in particular.

    Raises:
        UsageError: Another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with guarding(path.parent):
        file = _locked(path, doing, lambda file: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB))
    with file:
        try:
            with contextlib.suppress(OSError):  # of a full disk it is not told
                os.truncate(file.fileno(), 0)  # a process that ended may have left its command in it
                os.write(file.fileno(), command.encode())
            yield
        finally:
            path.unlink(missing_ok=True)


def held(path: Path) -> bool:
    """Return whether somebody holds a lock of `alone`; of a file that a process which ended left behind, nobody does.

    Args:
        path: File that is locked; it is not made.
    """
    return holder(path) is not None


def holder(path: Path) -> str | None:
    """Return the command that holds a lock of `alone`, "" if it is none in particular; None if nobody holds it.

    Args:
        path: File that is locked; it is not made.
    """
    try:
        import fcntl

        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(opened, _LONGEST).decode("utf-8", "replace")
    except OSError:  # the file system has no locks
        return None
    finally:
        os.close(opened)
    return None


@contextlib.contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Hold a lock while a file is read, changed and written again; wait for it if another process holds it.

    Args:
        path: File to lock; it is made, and deleted at the end.

    Raises:
        InputError: Its folder is gone.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    if not path.parent.is_dir():
        raise _gone(path.parent)
    with guarding(path.parent):
        file = _locked(path, "", lambda file: fcntl.flock(file, fcntl.LOCK_EX))
    with file:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


class _InFolder(Protocol):
    folder: Path


_Self = TypeVar("_Self", bound=_InFolder)


def at_work(method: Callable[Concatenate[_Self, P], R]) -> Callable[Concatenate[_Self, P], R]:
    """Let nobody delete the workspace while a method of it works; others may work in it at the same time.

    Raises:
        InputError: The workspace is gone.
        UsageError: Another process deletes it.
    """

    @wraps(method)
    def working(self: _Self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with _folder_held(self.folder, "deletes this workspace", alone=False):
            return method(self, *args, **kwargs)

    return working


@contextlib.contextmanager
def undisturbed(folder: Path) -> Iterator[None]:
    """Hold a workspace while it is deleted.

    Raises:
        InputError: It is gone.
        UsageError: Another process works in it, which would write again what is deleted.
    """
    with _folder_held(folder, "works in this workspace", alone=True):
        yield


@contextlib.contextmanager
def _folder_held(folder: Path, doing: str, *, alone: bool) -> Iterator[None]:
    """Lock a folder itself, which needs no file in it."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        opened = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        raise _gone(folder) from None
    try:
        try:
            fcntl.flock(opened, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refused(doing) from None
        except OSError:  # the file system has no locks
            pass
        yield
    finally:
        os.close(opened)


def _gone(folder: Path) -> InputError:
    return InputError(
        f"There is no workspace at {folder} any more.", hint=Hint("Make it anew: ", Command("extract", "PATH"))
    )


def _refused(doing: str) -> UsageError:
    return UsageError(f"Another process {doing}.", hint="Wait until it has ended, or stop it first.")


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
        except BlockingIOError:
            file.close()
            raise _refused(doing) from None
        except OSError:  # the file system has no locks
            return file
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            return file
        file.close()


def _plain_file(name: str, flags: int) -> int:
    """Open a file without following a link or waiting for the other end of a pipe."""
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
