"""The entries of one zip archive, checked before any is read.

Refused are: names that lead out of the archive or name nothing, entries that need a password, and archives that would
unpack to a size no conversation has. What is no whole archive is `Damaged`.
"""

from __future__ import annotations

import errno
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from wonderland.errors import InputError

__all__ = [
    "CUT_SHORT",
    "RATIO",
    "SMALL",
    "Damaged",
    "Packed",
    "begins_as_archive",
    "bomb",
    "damage_of",
    "entries",
    "entries_within",
    "is_archive",
    "is_packed",
]

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


class Packed(NamedTuple):
    """An archive that is an entry of another.

    Attributes:
        name: Its name in the other.
        content: Returns what it holds, anew at each call.
        why_not: Why it is not looked into; empty if it may be.
    """

    name: str
    content: Callable[[], bytes]
    why_not: str


def is_packed(name: str) -> bool:
    """Say whether a name is that of an archive; False of what a Mac leaves beside one."""
    inside = PurePosixPath(name)
    return inside.suffix.lower() == ".zip" and not inside.name.startswith("._")


def entries(
    path: Path, wanted: Callable[[str], bool], opened: ExitStack, within: list[Packed] | None = None
) -> Iterator[tuple[str, int, Callable[[], BinaryIO]]]:
    """Yield name, unpacked size in bytes and opener of each entry that is wanted and no folder.

    Args:
        path: The archive.
        wanted: Says of a name whether it is.
        opened: Closes the archive.
        within: Takes in the entries that are not wanted and are archives themselves.

    Raises:
        Damaged: It is no whole archive.
        InputError: It is not safe, or needs a password.
        OSError: It may not be read.
    """
    archive = _opened(path, path, opened)
    named = [(_name(info), info) for info in archive.infolist()]
    chosen = [(name, info) for name, info in named if not name.endswith("/") and wanted(name)]
    _check(path, [info for _, info in chosen], path.stat().st_size)
    for name, info in named if within is not None else ():
        if is_packed(name) and not wanted(name):
            within.append(Packed(name, lambda info=info: archive.read(info), _why_not(info)))  # type: ignore[union-attr,misc]
    for name, info in chosen:
        yield name, info.file_size, _opener(archive, info)


def entries_within(
    one: Packed, wanted: Callable[[str], bool]
) -> tuple[list[tuple[str, int, Callable[[], BinaryIO]]], list[str]]:
    """Return name, unpacked size and opener of each entry of an archive in an archive, and the names of all.

    Nothing of it stays in memory: it is unpacked anew for each entry that is opened.

    Raises:
        Damaged: It is no whole archive.
        InputError: It is not safe, or needs a password.
    """
    where = Path(one.name)
    with ExitStack() as opened:
        try:
            content = one.content()
        except (*_DAMAGE, zlib.error, RuntimeError) as error:
            raise damage_of(where, error) from None
        named = [(_name(info), info) for info in _opened(where, io.BytesIO(content), opened).infolist()]
    chosen = [(at, name, info) for at, (name, info) in enumerate(named) if not name.endswith("/") and wanted(name)]
    _check(where, [info for _, _, info in chosen], len(content))
    found = [(name, info.file_size, _opener_within(one, at)) for at, name, info in chosen]
    return found, [name for name, _ in named]


def _opener_within(one: Packed, at: int) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        archive = zipfile.ZipFile(io.BytesIO(one.content()))
        return cast(BinaryIO, archive.open(archive.infolist()[at]))

    return opened


def _why_not(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & 0x1:
        return "it is protected by a password"
    if info.file_size > SMALL:
        return f"an archive in an archive is looked into up to {SMALL >> 20} MB"
    return ""


def _opened(where: Path, file: Path | io.BytesIO, opened: ExitStack) -> zipfile.ZipFile:
    """Return an archive whose list of files is whole."""
    try:
        archive = opened.enter_context(zipfile.ZipFile(file))
        infos = archive.infolist()
        told = _told(file)
    except _DAMAGE:
        raise damage_of(where, "the list of its files cannot be read") from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise damage_of(where, "the list of its files lies outside of it") from None
    if told is not None and told != len(infos) % _MOST:
        raise damage_of(where, f"its end tells of {told:,} entries, and its list of files names {len(infos):,}")
    return archive


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


def _told(whole: Path | io.BytesIO) -> int | None:
    """Return how many entries the end of an archive tells of, of more than a number of two bytes holds what is over.

    Python's reader does not ask: a wrong length in the list makes it pass over entries without a word. None where the
    number stands elsewhere, as in an archive of the kind for more than 4 GB, or cannot be found.
    """
    if isinstance(whole, io.BytesIO):
        end = whole.getvalue()[-_LONGEST_END:]
    else:
        with whole.open("rb") as file:
            file.seek(max(whole.stat().st_size - _LONGEST_END, 0))
            end = file.read()
    at = end.rfind(_LAST)
    if at < 0 or at + 22 > len(end):
        return None
    (told,) = struct.unpack_from("<H", end, at + 10)
    return None if told == _MOST - 1 else int(told)


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, archive.open(info))


def _check(path: Path, infos: Iterable[zipfile.ZipInfo], size: int) -> None:
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
            raise bomb(path, info.file_size)
    if whole > SMALL and whole > RATIO * size:
        raise bomb(path, whole)


def bomb(path: Path, size: int) -> InputError:
    """Return what refuses an archive that would fill a disk."""
    return InputError(
        f"{path.name} would unpack to {size / 1e9:,.1f} GB, over {RATIO} times its size. No text is that repetitive: "
        "this looks like an archive made to fill a disk.",
        hint="If you trust it, unpack it yourself and give the folder.",
    )
