"""Wiping what wonderland wrote: first the list, then the deletion, then what is out of reach.

A workspace holds somebody's messages, and so do the model, the tokenizer and the report made of them. `traces` finds
everything that was written: the workspace's own files, and the reports, figures and exports that were written
elsewhere, which a workspace remembers (`remembering`) with a hash of their bytes. `delete` removes exactly those, and
folders that were made for them once nothing else is in them. A file in the workspace that wonderland did not write
stays, and so does one elsewhere that was changed since: both are named.

What would fool it: copies. A file that was sent, moved or backed up is out of reach, and so are the blocks of a solid
state disk until they are used again; `OUT_OF_REACH` says so to whoever wipes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from wonderland.errors import ResourceError, UsageError
from wonderland.paths import replacing
from wonderland.workspace.fingerprint import hash_file
from wonderland.workspace.locking import in_turn
from wonderland.workspace.stage import guarding

__all__ = ["OUT_OF_REACH", "Traces", "delete", "must_be_ours", "new_folders", "remember_parts", "remembering", "traces"]

OWN = (
    "wonderland.toml",
    ".gitignore",
    "people.json",
    "people.toml",
    "elsewhere.json",
    "reports.json",
    "report.html",
    "report-live.html",
    "compare.html",
    "training.checkpoint",
    "training.checkpoint.lock",
    "corpus",
    "stores",
    "filtered",
    "tokenizer",
    "model",
    "models",
    "checks",
    "audit",
    ".audit.declined",
    "results",
)
"""What wonderland writes into a workspace."""

OUT_OF_REACH = (
    "copies that were sent, moved or renamed, and what was printed or photographed",
    "backups (Time Machine, cloud folders, snapshots) of any of these files",
    "another machine that the messages or the model were copied to, such as a rented GPU",
    "blocks of a disk that is not encrypted, until they are written over",
    "the history of your shell and what scrolled by in the terminal",
)
_ELSEWHERE = "elsewhere.json"
_FOLDER = "folder"  # in place of a hash
_BEGUN = ""  # in place of the hash of a file that is being written
_PAGES = ("report.html", "report-live.html", "compare.html")  # which are made anew without asking


@dataclass(frozen=True)
class Traces:
    """What a workspace left on this machine.

    Attributes:
        workspace: Its folder.
        inside: Files and folders in it that wonderland wrote.
        elsewhere: Files written to other places, unchanged since.
        changed: Files written to other places and changed since; they stay.
        strangers: What lies in the workspace and wonderland did not write; it stays.
        folders: Folders that were made for files in other places; each goes if nothing is left in it.
        others: Folders that such files lie in and that were there before, as far as is noted; they stay.
    """

    workspace: Path
    inside: tuple[Path, ...]
    elsewhere: tuple[Path, ...]
    changed: tuple[Path, ...]
    strangers: tuple[Path, ...]
    folders: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that `delete` frees."""
        return sum(bytes_of(path) for path in (*self.inside, *self.elsewhere))


def bytes_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        return sum(part.lstat().st_size for part in path.rglob("*") if not part.is_dir())
    return path.lstat().st_size


def new_folders(place: Path) -> list[Path]:
    """Return a folder that is about to be written, and those above it, of those that are not there yet."""
    place = _absolute(place)
    return [folder for folder in (place, *place.parents) if not os.path.lexists(folder)]


def remember_parts(workspace: Path, place: Path, partial: Path, folders: Iterable[Path]) -> None:
    """Note the files of a folder that is complete, and is about to be moved to its place.

    Args:
        workspace: The workspace's folder.
        place: Where it will be.
        partial: Where it is.
        folders: Folders that are made for it (`new_folders`).

    Raises:
        ResourceError: They cannot be noted, so `delete` would not find them.
    """
    parts = {place / path.relative_to(partial): path for path in partial.rglob("*")}
    with _or_not_at_all():
        _note(
            workspace,
            {path: hash_file(part) for path, part in parts.items() if part.is_file()},
            [*folders, *(path for path, part in parts.items() if part.is_dir())],
        )


@contextmanager
def remembering(workspace: Path, places: Iterable[Path], folders: Iterable[Path] = ()) -> Iterator[None]:
    """Note files before they are written elsewhere, and what is in them afterwards; killed between, they are named.

    What cannot be noted at the end, if the disk is full by then, is taken away again unless it was there before.

    Args:
        workspace: Its folder.
        places: The files.
        folders: Folders that are made for them (`new_folders`).

    Raises:
        ResourceError: They cannot be noted, so `delete` would not find them; nothing was written.
    """
    chosen, known = list(places), _elsewhere(workspace)
    before = {path for path in chosen if os.path.lexists(path)}
    with _or_not_at_all():
        _note(workspace, {path: known.get(str(_absolute(path)), _BEGUN) for path in chosen}, folders)
    try:
        yield
    finally:
        there = {path: hash_file(path) for path in chosen if path.is_file()}
        made = [folder for folder in folders if folder.is_dir()]
        try:
            _note(workspace, there, made, {*chosen, *folders} - {*there, *made} - before)
        except ResourceError:
            for path in there.keys() - before:
                path.unlink(missing_ok=True)
            for folder in made:
                with suppress(OSError):  # something of somebody else is in it
                    folder.rmdir()
            raise


def _note(workspace: Path, files: Mapping[Path, str], folders: Iterable[Path] = (), gone: Iterable[Path] = ()) -> None:
    """Note hashes of files, and folders, that are not the workspace's own; forget what is gone."""
    fresh = {**files, **dict.fromkeys(folders, _FOLDER)}
    mine = {str(_absolute(path)): digest for path, digest in fresh.items() if not _own(workspace, _absolute(path))}
    lost = {str(_absolute(path)) for path in gone}
    if not mine and not lost:
        return
    file = workspace / _ELSEWHERE
    with in_turn(workspace / ".elsewhere.lock"):
        known = {path: digest for path, digest in _elsewhere(workspace).items() if path not in lost}
        with guarding(file), replacing(file) as partial:
            partial.write_text(json.dumps({**known, **mine}, indent=1), encoding="utf-8")


@contextmanager
def _or_not_at_all() -> Iterator[None]:
    try:
        yield
    except ResourceError as error:
        why = "Nothing was written: what is written elsewhere is noted there, so that `wonderland wipe` finds it."
        raise ResourceError(f"{error.message} {why}", hint=error.hint) from error


def must_be_ours(workspace: Path, places: Iterable[Path]) -> None:
    """Refuse to write over files that this workspace did not write, or that were changed since.

    Args:
        workspace: Its folder.
        places: Where files are about to be written.

    Raises:
        UsageError: There is such a file; it would be lost.
    """
    known = _elsewhere(workspace)
    for path in map(_absolute, places):
        if not os.path.lexists(path) or path.is_dir() or (_own(workspace, path) and path.name in _PAGES):
            continue
        digest = known.get(str(path))
        if digest is None or not path.is_file() or hash_file(path) != digest:
            why = "this workspace did not write it" if not digest else "it was changed since it was written"
            raise UsageError(
                f"There is a file {path} already, and {why}; it would be lost.",
                hint="Name another place, or move that file away.",
            )


def traces(workspace: Path) -> Traces:
    """Find everything that wonderland wrote for a workspace."""
    inside: list[Path] = []
    strangers: list[Path] = []
    noted = _elsewhere(workspace)
    for path in sorted(workspace.iterdir()):
        left = path.name.startswith(".") and path.name.endswith((".partial", ".old", ".tmp", ".lock"))
        if noted.get(str(_absolute(path)), _FOLDER) == _FOLDER:  # a folder of ours may hold what is not
            (inside if path.name in OWN or left else strangers).append(path)
    elsewhere: list[Path] = []
    changed: list[Path] = []
    for name, digest in sorted(noted.items()):
        path = Path(name)
        if path.is_file() and digest != _FOLDER:
            (elsewhere if hash_file(path) == digest else changed).append(path)
    folders = [Path(name) for name, digest in noted.items() if digest == _FOLDER]
    folders.sort(key=lambda path: -len(path.parts))  # what lies in another goes before it
    ours = {_absolute(workspace), *folders}
    others = sorted({path.parent for path in elsewhere} - ours)
    return Traces(
        workspace, tuple(inside), tuple(elsewhere), tuple(changed), tuple(strangers), tuple(folders), tuple(others)
    )


def delete(found: Traces) -> None:
    """Delete what was found, the workspace's settings last: interrupted, the same can be done again.

    Raises:
        ResourceError: Something could not be deleted; what is left is still in its place.
    """
    last = found.workspace / "wonderland.toml"
    for path in found.elsewhere:
        with guarding(path):
            path.unlink(missing_ok=True)
    for folder in found.folders:
        with guarding(folder):
            if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
                folder.rmdir()
    ordered = sorted((path for path in found.inside if path != last), key=lambda path: path.name == _ELSEWHERE)
    for path in [*ordered, last]:
        with guarding(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    if not any(found.workspace.iterdir()):
        with guarding(found.workspace):
            found.workspace.rmdir()


def _elsewhere(workspace: Path) -> dict[str, str]:
    try:
        value = json.loads((workspace / _ELSEWHERE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {str(_absolute(Path(path))): str(digest) for path, digest in value.items()}


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # without "..", and a link stays a link


def _own(workspace: Path, path: Path) -> bool:
    """Whether a path is one of those that every workspace has, or in one of its folders."""
    folder = _absolute(workspace)
    return folder in path.parents and path.relative_to(folder).parts[0] in OWN
