"""Paths as they are typed, and files that are written whole or not at all and are known again by their hashes."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wonderland.errors import InputError, ResourceError, must_be

__all__ = [
    "as_os_error",
    "changed_file",
    "exchanged",
    "expanded",
    "hash_file",
    "inside",
    "lack_of_room",
    "making_parents",
    "must_have_a_name",
    "replacing",
    "to_write_it",
]

_HERE = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS
_NO_PLACE = "No usable temporary directory"  # what tempfile says
_OS_ERROR = re.compile(r"\(os error (\d+)\)")  # as Rust ends the text of one


def expanded(typed: str | Path) -> Path:
    """Return a path with its ``~`` replaced by the home folder.

    Raises:
        InputError: It begins with ``~`` and a name that no user of this computer has.
        UsageError: It is no path.
    """
    must_be(typed, (str, os.PathLike), "a path is text or a pathlib.Path", "For example: 'me.wonderland'")
    try:
        return Path(typed).expanduser()
    except RuntimeError as error:
        user = Path(typed).parts[0]
        raise InputError(
            f"{str(typed)!r} begins with {user!r}, and the home folder of that user is not known here.",
            hint=f"Give the whole path; of a file that is called so, write: ./{typed}",
        ) from error


def inside(path: Path, name: str) -> Path:
    """Return a file that is meant: the path, or if that is a folder the file of this name in it."""
    return path / name if path.is_dir() else path


def must_have_a_name(path: Path) -> None:
    """Refuse a path that is no text: it could be neither stored in a file of settings nor printed.

    Raises:
        InputError: It holds bytes that are not UTF-8.
    """
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"The name {os.fsencode(path)!r} is not UTF-8, so it cannot be stored.", hint="Rename the file or folder."
        ) from error


def as_os_error(error: Exception) -> OSError:
    """Return what the system said of a file, where a library that is not of Python says it in an error of its own.

    >>> as_os_error(ValueError("Error while serializing: I/O error: File too large (os error 27)")).errno == errno.EFBIG
    True
    """
    if isinstance(error, OSError):
        return error
    number = _OS_ERROR.search(str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))


def lack_of_room(error: BaseException) -> ResourceError | None:
    """Return what to tell of an error that came of a full disk, wherever it was raised; None of any other.

    Args:
        error: What was raised; of Python's own where it finds no place for temporary files.
    """
    if isinstance(error, FileNotFoundError) and _NO_PLACE in str(error):
        places = ", ".join(re.findall(r"'([^']*)'", str(error)))
        return ResourceError(
            f"There is no room for temporary files: none could be written in {places}.",
            hint="Free some there, or name a folder that has some: export TMPDIR=~/tmp. Where `ulimit -f` says 0, no "
            "file can be written at all.",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        named = error.filename or "a file"
        return ResourceError(
            f"{named} could not be written: {error.strerror}.",
            hint=to_write_it(error, Path(os.fsdecode(error.filename or "."))),
        )
    return None


def to_write_it(error: OSError, place: Path, name: str = "") -> str:
    """Return what to do about a file or a folder that could not be written.

    Args:
        error: What came of it.
        place: The file or folder.
        name: What a file may be called, where a folder was given instead.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Free some space and run the same again."
    if error.errno == errno.EFBIG:
        return "Raise the limit of a file (`ulimit -f` shows one of the shell), or choose a place on another disk."
    if name and place.is_dir():
        return f"That is a folder: give a file, for example: {place / name}"
    if not place.parent.is_dir():
        return f"Make its folder first, or choose another place: mkdir -p {place.parent}"
    return "Choose a place that you may write to, in your home folder for example."


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a new file in the same folder to write to, of mode 0600, which takes the place of a file afterwards.

    The name of the new file is drawn, so that it is nobody else's file and no link. If writing fails, what stood at
    the path before is untouched and the new file is deleted.

    Raises:
        OSError: The folder cannot be written, or something that is no file has the name.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def exchanged(one: Path, other: Path) -> bool:
    """Let two files or folders of one disk change places at once, so that at no moment one of them is missing.

    Linux and macOS can do so on most disks, and Python has no name for it.

    Returns:
        Whether they did. If not, all is as it was: one is missing, or this system or disk cannot.
    """
    import ctypes

    libc: Any = ctypes.CDLL(None) if os.name == "posix" else None
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(libc, "renameat2"):
        return bool(libc.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)
    if hasattr(libc, "renamex_np"):
        return bool(libc.renamex_np(*names, _EXCHANGE) == 0)
    return False


@contextmanager
def making_parents(place: Path) -> Iterator[None]:
    """Make the folders that a place needs, for their owner only; take them away again if what needs them fails."""
    made = [parent for parent in reversed(place.parents) if not parent.exists()]
    for parent in made:  # mkdir(parents=True) gives its mode to the last one only
        parent.mkdir(exist_ok=True, mode=0o700)
    try:
        yield
    except BaseException:
        for parent in reversed(made):
            with suppress(OSError):  # another process has put something there
                parent.rmdir()
        raise


def hash_file(path: Path) -> str:
    """Return a short hash of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def changed_file(folder: Path, files: Mapping[str, str]) -> str | None:
    """Return the first file of a folder that is not there as it was written, or None if all are.

    Args:
        folder: The folder.
        files: The `hash_file` of each file, by its path in the folder.
    """

    def same(name: str, digest: str) -> bool:
        try:
            return (folder / name).is_file() and hash_file(folder / name) == digest
        except FileNotFoundError:  # another process is replacing the folder
            return False

    return next((name for name, digest in files.items() if not same(name, digest)), None)
