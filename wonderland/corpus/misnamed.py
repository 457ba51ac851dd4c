"""What is said where a place does not fit the source that is to read it: what it looks like, and what to type."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wonderland.advice import Command, Either, Hint
from wonderland.as_typed import as_typed, quoted
from wonderland.corpus.locating import is_folder
from wonderland.errors import InputError, OwnerUnknown

__all__ = ["blaming_the_name", "in_words", "must_be_a_file", "must_hold_something", "tables_in"]

_TABLES = (".jsonl", ".ndjson", ".csv", ".tsv")
_NAMED = 3  # files that are named one by one
_HEAD = 1 << 16  # bytes; of a longer file it is not asked whether there are only blanks in it


def must_hold_something(path: Path) -> None:
    """Refuse an empty file and a folder without a file, whatever source is to read it, in one sentence each.

    What may not be looked at is left to be opened, which says how to be let in.

    Raises:
        InputError: There is nothing in it.
    """
    try:
        if path.is_dir():
            told, hint = _empty_folder(path), "Give the folder or file that your messages were exported to."
        else:
            told, hint = _empty_file(path), "Export your messages again, or give another file."
            if told and path.suffix.lower() in (".db", ".sqlite"):
                hint = "Copy it again, with the app closed, and the files -wal and -shm beside it."
    except OSError:
        return
    if told:
        raise InputError(told, hint=hint)


def _empty_file(path: Path) -> str:
    size = path.stat().st_size
    if size == 0:
        return f"{path} is empty."
    if size > _HEAD or path.read_bytes().strip(b"\0 \t\r\n\xef\xbb\xbf"):
        return ""
    return f"There is nothing but blanks in {path}."


def _empty_folder(path: Path) -> str:
    """Say of a folder that there is no file in it, or none that holds anything; "" if there is, or it is not known."""

    def refuse(error: OSError) -> None:
        raise error

    count = 0
    for folder, folders, files in os.walk(path, onerror=refuse):
        if any(os.path.islink(os.path.join(folder, name)) for name in folders):
            return ""
        for name in files:
            count += 1
            if os.stat(os.path.join(folder, name), follow_symlinks=False).st_size:
                return ""
    if not count:
        return f"{path} is an empty folder."
    return f"The one file in {path} is empty." if count == 1 else f"All of the {count:,} files in {path} are empty."


def must_be_a_file(path: Path, name: str) -> None:
    """Refuse a folder where a source reads one file.

    Args:
        path: What is to be read.
        name: The source.

    Raises:
        InputError: It is a folder.
    """
    if is_folder(path):
        raise InputError(f"{path} is a folder, and the source {name!r} reads a file.", hint=tables_in(path))


def tables_in(folder: Path) -> str:
    """Return what to type to have the tables and JSON Lines of a folder read, or what to give where there is none.

    What is hidden is left out, as a shell does, and what is empty, which would be refused.
    """
    within = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in _TABLES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )
    found = [file for file in within if _holds_something(file)]
    if not found:
        return "Give the file with the messages itself."
    if len(found) <= _NAMED:
        return Hint("Give what is in it: ", Command("extract", *found))
    holding = set(found)
    partly = {(file.parent, file.suffix) for file in within if file not in holding}
    words = dict.fromkeys(
        quoted(file) if (file.parent, file.suffix) in partly else f"{quoted(file.parent)}/*{file.suffix}"
        for file in found
    )
    return f"Give what is in it: {' '.join([as_typed('extract'), *words])}"


def _holds_something(file: Path) -> bool:
    """Say whether a file is not empty; of what may not be looked at, opening it says how to be let in."""
    try:
        return not _empty_file(file)
    except OSError:
        return True


@contextmanager
def blaming_the_name(path: Path, kind: type[Any], sources: Mapping[str, type[Any]]) -> Iterator[None]:
    """Where a source refuses what it does not recognise and another one does, say so, and what to type.

    Args:
        path: What is read.
        kind: The source that reads it.
        sources: All sources by name.

    Raises:
        InputError: As it was, with the source that the place looks like.
    """
    try:
        yield
    except OwnerUnknown:
        raise
    except InputError as error:
        others = _looks_like(path, kind, sources)
        if not others:
            raise
        raise InputError(
            f"{path.name} looks like what {in_words(others, 'or')} reads, and the source {kind.name!r} was named, "
            f"which says: {error.message}",
            hint=Hint(
                "Leave ",
                Either("--source", "source"),
                " out, or name that one: ",
                Command("extract", path, source=others[0], in_python=f"source={others[0]!r}"),
            ),
        ) from error


def _looks_like(path: Path, kind: type[Any], sources: Mapping[str, type[Any]]) -> list[str]:
    """Return the sources that are surest of a place which the one that was named does not recognise at all."""
    scores: dict[str, float] = {}
    with suppress(Exception):  # a sniff that raises is told where a source is looked for
        if kind.sniff(path) <= 0:
            reads = {name: one for name, one in sources.items() if not getattr(one, "refuses", False)}
            scores = {name: float(one.sniff(path)) for name, one in reads.items()}
    best = max(scores.values(), default=0.0)
    return sorted(name for name, score in scores.items() if score == best > 0)


def in_words(names: list[str], word: str = "and") -> str:
    """Return names as a sentence has them.

    >>> in_words(["a"]), in_words(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
