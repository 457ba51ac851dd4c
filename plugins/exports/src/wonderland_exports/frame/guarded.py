"""A file of an export whose damage, and whatever else keeps it from being read, is said in words."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from wonderland.errors import InputError, ResourceError

__all__ = ["Guarded", "refused"]

_T = TypeVar("_T")


def refused(path: Path, error: OSError) -> InputError | ResourceError:
    """Return what is said of a file or folder that the system does not let us read."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"There is nothing at {path}.", hint="Check the path; quote it if it contains spaces.")
    if isinstance(error, PermissionError):
        return ResourceError(f"You have no permission to read {path}.", hint="Change its permissions, or copy it.")
    return InputError(f"{path} cannot be read: {error.strerror or error}.", hint="Copy it to this disk and try again.")


class Guarded(io.RawIOBase):
    """A file whose damage is said in words."""

    def __init__(self, opener: Callable[[], BinaryIO], name: str) -> None:
        super().__init__()
        self._name = name
        self._file = self._told(opener)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        content = self._told(lambda: self._file.read(len(view)))
        view[: len(content)] = content
        return len(content)

    def readall(self) -> bytes:
        return self._told(self._file.read)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()

    def _told(self, act: Callable[[], _T]) -> _T:
        try:
            return act()
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
            packed = "it is packed in a way that is not known here"
            why = packed if isinstance(error, NotImplementedError) else "it does not unpack to what was packed"
            raise InputError(
                f"{self._name} is damaged inside its archive: {why}.",
                hint="Export or download it again, or unpack it yourself and give the folder.",
            ) from None
        except OSError as error:
            raise refused(Path(self._name), error) from None
