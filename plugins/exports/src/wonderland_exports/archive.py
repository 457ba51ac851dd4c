"""Zip archives that nothing may be read from are recognised, and refused with the reason.

An archive that was cut short, is protected by a password, is empty, leads out of itself or was made to fill a disk
shows no source what is in it, so none would say a word about it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import wonderland as wl
from wonderland.errors import InputError, WonderlandError
from wonderland_exports.frame import open_export

__all__ = ["Archive"]

_MAGIC = b"PK"


class Archive:
    """Damaged, empty, protected and dangerous zip archives: not read; says what is wrong with one."""

    name: ClassVar[str] = "archive"
    version: ClassVar[int] = 1
    refuses: ClassVar[bool] = True

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Say a little more than nothing of an archive that cannot be opened."""
        return 0.05 if _fault(Path(path)) is not None else 0.0

    def count(self) -> int:
        """Refuse.

        Raises:
            InputError: Always; it says what is wrong.
        """
        raise _fault(self.path) or InputError(
            f"{self.path} is a sound archive, and no source says that it reads what is in it.",
            hint="Give the export itself, as the messenger or its own tool made it.",
        )

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Refuse, as `count` does."""
        self.count()
        yield from ()


def _fault(path: Path) -> WonderlandError | None:
    """Return what is wrong with an archive; None of what is sound, or no archive."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            if path.suffix.lower() != ".zip" and file.read(len(_MAGIC)) != _MAGIC:
                return None
        if not zipfile.is_zipfile(path):
            return InputError(
                f"{path.name} is no whole zip archive: the list of its files, which stands at the end, is not there.",
                hint="Export or download it again; it may be cut short.",
            )
        open_export(path, lambda name: True, "file", once=False).close()
    except OSError:
        return None
    except WonderlandError as error:
        return error
    return None
