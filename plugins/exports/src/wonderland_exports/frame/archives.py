"""The entries of one zip archive, checked before any is read.

Refused are: names that lead out of the archive or name nothing, entries that need a password, and archives that would
unpack to a size no conversation has. What is no whole archive is `Damaged`.
"""

from __future__ import annotations

import errno
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from wonderland.errors import InputError

__all__ = ["CUT_SHORT", "Damaged", "begins_as_archive", "damage_of", "entries", "is_archive"]

CUT_SHORT = "Export or download it again; it may be cut short."
RATIO = 200  # text is packed some 3 to 30 times smaller; a bomb 1,000 times
SMALL = 1 << 26  # what unpacks to less than this is no bomb

_UTF8 = 1 << 11
_FIRST = b"PK\x03\x04"  # before the first entry; APPNOTE.TXT of PKWARE, 4.3.7
_LAST, _LONGEST_END, _MOST = b"PK\x05\x06", 22 + 0xFFFF, 1 << 16  # before the end; the same, 4.3.16
_DAMAGE = (zipfile.BadZipFile, ValueError, NotImplementedError, IndexError, EOFError, OverflowError, struct.error)


class Damaged(InputError):
    """An archive that is not whole."""


def damage_of(path: Path, error: object = "the list of its files, which stands at the end, is not there") -> Damaged:
    """Return what refuses a damaged archive."""
    return Damaged(f"{path.name} is a damaged archive: {error}.", hint=CUT_SHORT)


def is_archive(path: Path) -> bool:
    """Say whether a file ends as an archive does; False of what cannot be opened."""
    try:
        return zipfile.is_zipfile(path)
    except _DAMAGE:  # one of several parts, for example
        return True


def begins_as_archive(path: Path) -> bool:
    """Say whether a file begins as an archive does.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return file.read(len(_FIRST)) == _FIRST


def entries(
    path: Path, wanted: Callable[[str], bool], opened: ExitStack
) -> Iterator[tuple[str, int, Callable[[], BinaryIO]]]:
    """Yield name, unpacked size in bytes and opener of each entry that is wanted and no folder.

    Args:
        path: The archive.
        wanted: Says of a name whether it is.
        opened: Closes the archive.

    Raises:
        Damaged: It is no whole archive.
        InputError: It is not safe, or needs a password.
        OSError: It may not be read.
    """
    try:
        archive = opened.enter_context(zipfile.ZipFile(path))
        infos = archive.infolist()
        told = _told(path)
    except _DAMAGE:
        raise damage_of(path, "the list of its files cannot be read") from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise damage_of(path, "the list of its files lies outside of it") from None
    if told is not None and told != len(infos) % _MOST:
        raise damage_of(path, f"its end tells of {told:,} entries, and its list of files names {len(infos):,}")
    named = [(_name(info), info) for info in infos]
    named = [(name, info) for name, info in named if not name.endswith("/") and wanted(name)]
    _check(path, [info for _, info in named])
    for name, info in named:
        yield name, info.file_size, _opener(archive, info)


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name of an entry: in UTF-8 if its bytes are that, also where the archive does not say so.

    Some programs leave out bit 11, by which an entry says that its name is UTF-8 (APPNOTE.TXT 4.4.4). Bytes above 127
    of another code page are hardly ever UTF-8 by chance.
    """
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _told(path: Path) -> int | None:
    """Return how many entries the end of an archive tells of, of more than a number of two bytes holds what is over.

    Python's reader does not ask: a wrong length in the list makes it pass over entries without a word. None where the
    number stands elsewhere, as in an archive of the kind for more than 4 GB, or cannot be found.
    """
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _LONGEST_END, 0))
        end = file.read()
    at = end.rfind(_LAST)
    if at < 0 or at + 22 > len(end):
        return None
    (told,) = struct.unpack_from("<H", end, at + 10)
    return None if told == _MOST - 1 else int(told)


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, archive.open(info))


def _check(path: Path, infos: Iterable[zipfile.ZipInfo]) -> None:
    whole = 0
    for info in infos:
        inside = PurePosixPath(info.filename.replace("\\", "/"))
        if not inside.parts:
            raise damage_of(path, f"it holds a file whose name is {info.filename!r}")
        if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
            raise InputError(
                f"{path.name} holds a file whose name leads out of the archive. No messenger writes such an archive.",
                hint="Do not unpack it. Export your messages again.",
            )
        if info.flag_bits & 0x1:
            raise InputError(
                f"{path.name} is protected by a password.", hint="Unpack it with the password, then give the folder."
            )
        whole += info.file_size
        if info.file_size > SMALL and info.file_size > RATIO * info.compress_size:
            raise _bomb(path, info.file_size)
    if whole > SMALL and whole > RATIO * path.stat().st_size:
        raise _bomb(path, whole)


def _bomb(path: Path, size: int) -> InputError:
    return InputError(
        f"{path.name} would unpack to {size / 1e9:,.1f} GB, over {RATIO} times its size. No text is that repetitive: "
        "this looks like an archive made to fill a disk.",
        hint="If you trust it, unpack it yourself and give the folder.",
    )
