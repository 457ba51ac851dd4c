"""One way into a file, a folder or a zip archive, whatever the export came as. Nothing is unpacked or written.

An archive is an attack until shown otherwise. Refused are: names that lead out of it, members that need a password, and
archives that would unpack to a size no conversation has. A folder or an archive may hold archives; they are looked
into, not deeper, and a note names what was not. One of them that is damaged, as a half-loaded attachment is, is left
out, and a note says so; it is refused where it was given itself, or where nothing else is there. A link in a folder
that leads out of it is refused too. The same file twice (the export made again, ``chat (1).txt``) is read once, and a
note says so.

What would fool it: the same conversation exported twice at different times is two different files.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from wonderland.errors import InputError, WonderlandError
from wonderland_exports.frame.archives import (
    CUT_SHORT,
    RATIO,
    SMALL,
    Damaged,
    Packed,
    begins_as_archive,
    bomb,
    damage_of,
    entries,
    entries_within,
    is_archive,
    is_packed,
)
from wonderland_exports.frame.guarded import refused
from wonderland_exports.frame.kept import Kept
from wonderland_exports.frame.member import Member, encoding_of, head, must_be_utf8

__all__ = ["Export", "Member", "encoding_of", "head", "must_be_utf8", "open_export", "peek"]

LISTED = 3000  # entries of a folder that `peek` looks at

_UNPACK = "Unpack it yourself and give the folder."

_names_within: dict[tuple[str, int, int, str], list[str]] = {}
"""What archives in archives hold, which every source looks for: by path, time, size and name of the inner one."""

Wanted = Callable[[str], bool]


@dataclass
class Export:
    """The files of an export that a source wants, in the order of their names.

    Attributes:
        path: What the user gave.
        members: The files, each content once.
        notes: What the user should know.
    """

    path: Path
    members: tuple[Member, ...]
    notes: list[str] = field(default_factory=list)
    _opened: ExitStack = field(default_factory=ExitStack, repr=False)

    def __post_init__(self) -> None:
        kept = Kept()
        self.members = tuple(replace(member, _kept=kept) for member in self.members)
        self._opened.callback(kept.clear)

    @property
    def where(self) -> str:
        """Its name, for errors."""
        return self.path.name

    def leave_out(self, members: Iterable[Member], app: str = "") -> None:
        """Note that files that have the right name are not read, since an app did not write them, or not whole.

        Args:
            members: The files.
            app: What did not write them; "" to note only those that are damaged.

        Raises:
            InputError: One of them is damaged, and is in the archive that was given itself.
        """
        for member in members:
            if member.path.name.startswith(".") or not (app or not head(member)):  # a dot: what a Mac leaves behind
                continue
            damage = _damage(member)
            if damage is not None and not self.path.is_dir():
                raise damage
            why = f"no file that {app} wrote" if damage is None else "damaged inside its archive"
            note = f"{member.name} was left out: it is {why}."
            if (app or damage is not None) and note not in self.notes:
                self.notes.append(note)

    def refuse_damaged(self, members: Iterable[Member] = ()) -> None:
        """Refuse what is damaged, where nothing was recognised: it may be why.

        Args:
            members: What was looked through; all by default.

        Raises:
            InputError: A file is damaged.
        """
        for member in members or self.members:
            if (damage := _damage(member)) is not None:
                raise damage

    def close(self) -> None:
        """Close what was opened."""
        self._opened.close()


def open_export(path: Path, wanted: Wanted, what: str = "", *, once: bool = True) -> Export:
    """Open an export.

    Args:
        path: A file, a folder or a zip archive.
        wanted: Says of a member's name whether the source reads it. A path that is itself a file is always read.
        what: What should be there, for the error ("result.json").
        once: Whether members of the same content are read once only.

    Raises:
        InputError: There is nothing, nothing wanted, or it is no safe archive.
        ResourceError: It may not be read.
    """
    path, opened = Path(path).expanduser(), ExitStack()
    damaged: list[str] = []
    closed: dict[str, str] = {}
    try:
        members = sorted(_members(path, wanted, opened, damaged, closed), key=lambda member: _natural(member.name))
        if not members and damaged:
            raise InputError(
                f"{damaged[0]} in {path} is no whole archive, and there is no {what or 'export'} beside it.",
                hint=CUT_SHORT,
            )
        if not members and closed:
            name, why = next(iter(closed.items()))
            raise InputError(
                f"There is no {what or 'export'} in {path}, and {name} in it was not looked into: {why}.", hint=_UNPACK
            )
        if not members:
            raise InputError(f"There is no {what or 'export'} in {path}.", hint="Give the export itself.")
        notes = [f"{name} was left out: it is no whole archive." for name in damaged]
        notes += [f"{name} was left out: {why}. If it is an export: {_UNPACK}" for name, why in closed.items()]
        if once:
            members, twice = _distinct(members)
            notes += twice
    except OSError as error:
        opened.close()
        raise refused(path, error) from None
    except WonderlandError:
        opened.close()
        raise
    return Export(path, tuple(members), notes, opened)


def peek(path: Path, wanted: Wanted, most: int = 4) -> list[Member]:
    """Return up to ``most`` members a source may want; for ``sniff``: reads little, never raises.

    What cannot be read in a folder is passed over, so that it hides nothing beside it; `open_export` refuses or notes
    it.
    """
    try:
        path, found = Path(path).expanduser(), []
        with ExitStack() as opened:
            for member in _members(path, wanted, opened, [], {}, lenient=True):
                peeked = _Peeked.of(member)
                found += [peeked] if not member.size or head(peeked, 1) else []  # else it cannot be read
                if len(found) == most:
                    break
        return found
    except (OSError, WonderlandError, RuntimeError, ValueError, IndexError):
        return []


def _damage(member: Member) -> WonderlandError | None:
    """Return why a file cannot be read to its end."""
    try:
        with member.open() as file:
            while file.read(1 << 20):
                pass
    except WonderlandError as error:
        return error
    return None


class _Peeked:
    """A member whose archive is closed: its first bytes are kept."""

    @staticmethod
    def of(member: Member, most: int = 1 << 16) -> Member:
        content = head(member, most)
        return Member(member.name, member.size, lambda: io.BytesIO(content))


def _members(
    path: Path, wanted: Wanted, opened: ExitStack, damaged: list[str], closed: dict[str, str], *, lenient: bool = False
) -> Iterator[Member]:
    """Yield what is wanted.

    Into ``damaged`` go the names of the archives of a folder, or in an archive, that are not whole; into ``closed``
    those that were not looked into, and why.
    """
    if path.is_dir():
        for file in _walk(path, LISTED if lenient else None):
            name = file.relative_to(path).as_posix()
            packed = file.suffix.lower() == ".zip"
            if not (packed or wanted(name)):
                continue
            if lenient and not (file.is_file() and file.resolve().is_relative_to(path.resolve())):
                continue  # reading refuses it by name; it must not hide what lies beside it
            if not file.is_file():  # to open a pipe would be to wait for ever
                kind = "a link to a file that is not there" if file.is_symlink() else "no file that holds anything"
                raise InputError(f"{name} in {path} is {kind}.", hint="Take it out of the folder, or export again.")
            if not file.resolve().is_relative_to(path.resolve()):
                raise InputError(
                    f"{name} in {path} is a link to a file outside of it.", hint="Copy the file into the folder."
                )
            try:
                if packed:
                    yield from _archived(file, wanted, opened, damaged, closed, f"{name}/")
                else:
                    yield _plain(file, name)
            except Damaged:
                if not file.name.startswith("._"):  # what a Mac leaves beside a copy
                    damaged.append(name)
            except (OSError, InputError):  # may not be read, takes a password, is not safe
                if not lenient:
                    raise
    elif is_archive(path):
        yield from _archived(path, wanted, opened, damaged, closed)
    elif begins_as_archive(path):
        raise damage_of(path)
    else:
        yield _plain(path, path.name)


def _archived(
    path: Path, wanted: Wanted, opened: ExitStack, damaged: list[str], closed: dict[str, str], prefix: str = ""
) -> Iterator[Member]:
    within: list[Packed] = []
    whole = 0
    for name, size, opener in entries(path, wanted, opened, within):
        whole += size
        yield Member(prefix + name, size, opener)
    stamp = (str(path), path.stat().st_mtime_ns, path.stat().st_size)
    for one in within:
        if one.why_not:
            closed[prefix + one.name] = one.why_not
            continue
        names = _names_within.get((*stamp, one.name))
        found: list[tuple[str, int, Callable[[], BinaryIO]]] = []
        if names is None or any(map(wanted, names)):
            try:
                found, names = entries_within(one, wanted)
            except Damaged:
                damaged.append(prefix + one.name)
                continue
            if len(_names_within) > LISTED:
                _names_within.clear()
            _names_within[(*stamp, one.name)] = names
        for name in names:
            if is_packed(name) and not wanted(name):
                closed[f"{prefix}{one.name}/{name}"] = "it is an archive in an archive in an archive"
        if (whole := whole + sum(size for _, size, _ in found)) > max(SMALL, RATIO * path.stat().st_size):
            raise bomb(path, whole)
        for name, size, opener in found:
            yield Member(f"{prefix}{one.name}/{name}", size, opener)


def _walk(folder: Path, most: int | None) -> Iterator[Path]:
    seen = 0
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            seen += 1
            if most is not None and seen > most:
                return
            yield Path(place, name)


def _plain(file: Path, name: str) -> Member:
    size = file.stat().st_size
    with file.open("rb"):
        pass  # so that a missing permission is said now
    return Member(name, size, lambda: file.open("rb"))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key by which ``message_10`` comes after ``message_2``."""
    parts: list[tuple[int, int, str]] = []
    digits, word = "", ""
    for sign in f"{name}\0":
        if sign in "0123456789":
            digits += sign
            continue
        if digits:
            parts += [(1, 0, word), (0, int(digits[:300]), digits)]
            digits, word = "", ""
        word += sign
    return [*parts, (1, 0, word)]


def _distinct(members: list[Member]) -> tuple[list[Member], list[str]]:
    by_size: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        by_size[member.size].append(member)
    first: dict[tuple[int, bytes], Member] = {}
    twice: dict[str, str] = {}
    for size, alike in by_size.items():
        for member in alike if len(alike) > 1 and size > 2 else ():  # "[]" is no file twice
            original = first.setdefault((size, _digest(member)), member)
            if original is not member:
                twice[member.name] = original.name
    notes = [f"{name} is the same file as {original}; it was read once." for name, original in twice.items()]
    return [member for member in members if member.name not in twice], notes


def _digest(member: Member) -> bytes:
    digest = hashlib.sha256()
    with member.open() as file:
        while content := file.read(1 << 20):
            digest.update(content)
    return digest.digest()
