"""Zip archives that nothing may be read from are recognised, and refused with the reason.

An archive that was cut short, is protected by a password, is empty, leads out of itself or was made to fill a disk
shows no source what is in it, so none would say a word about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import wonderland as wl
from wonderland.advice import Command, Either, Hint
from wonderland.errors import InputError, WonderlandError
from wonderland_exports.frame import open_export
from wonderland_exports.frame.archives import CUT_SHORT, begins_as_archive, damage_of, is_archive

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
        """Be sure of what begins as an archive and does not end as one; of others that cannot be opened, hardly."""
        path = Path(path)
        if _fault(path) is None:
            return 0.0
        return 0.05 if is_archive(path) or not begins_as_archive(path) else 1.0

    def count(self) -> int:
        """Refuse.

        Raises:
            InputError: Always; it says what is wrong.
        """
        if fault := _fault(self.path):
            raise fault
        if not (self.path.is_file() and is_archive(self.path)):
            raise InputError(
                f"{self.path} is no zip archive, and this source only says what is wrong with one.",
                hint=Hint(
                    "Leave ",
                    Either("--source", "source"),
                    " out, and the source is found by what is in the file or folder: ",
                    Command("extract", self.path, in_python=f"Corpus.read({str(self.path)!r})"),
                ),
            )
        raise InputError(
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
        if not is_archive(path):
            return InputError(
                f"{path.name} is no whole zip archive: the list of its files, which stands at the end, is not there.",
                hint=CUT_SHORT,
            )
        open_export(path, lambda name: True, "file", once=False).close()
    except OSError:
        return None
    except WonderlandError as error:
        return error
    except (IndexError, ValueError) as error:
        return damage_of(path, error)
    return None
