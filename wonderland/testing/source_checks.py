"""What wonderland relies on in a source: a list of small named functions, each one sentence of the contract.

Each takes a pair (class, path of a sample) and raises `AssertionError` saying what is wrong. The sample is a file or a
folder that the source reads in well under a second; damage is done to copies of it.

What would fool it: a sample that has nothing hard in it. Put one of everything the store can hold into it.
"""

from __future__ import annotations

import hashlib
import inspect
import shutil
import tempfile
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from wonderland import plugins
from wonderland.corpus.messages import Message, Skipped
from wonderland.errors import PluginError, WonderlandError
from wonderland.testing.comparing import require

__all__ = ["SOURCE_CHECKS"]

Sample = tuple[type[Any], Path]


def has_a_name_and_a_version(sample: Sample) -> None:
    """People can call it, and what was read by an older one is read again."""
    source, _ = sample
    require(isinstance(getattr(source, "name", None), str) and source.name.strip(), "it has no name")
    version = getattr(source, "version", None)
    require(type(version) is int and version > 0, f"version must be a whole number from 1: {version!r}")
    require((source.__doc__ or "").strip(), "the class needs a docstring: `wonderland plugins` shows its first line")


def explains_every_option(sample: Sample) -> None:
    """Each has a default and a help text for the command line."""
    source, _ = sample
    hints = typing.get_type_hints(source.__init__, include_extras=True)
    for name, parameter in list(inspect.signature(source).parameters.items())[1:]:
        require(parameter.default is not parameter.empty, f"the option {name!r} needs a default")
        told = typing.get_origin(hints.get(name)) is typing.Annotated
        require(
            told or name == "names", f"the option {name!r} needs a help text: {name}: Annotated[type, 'what it is']"
        )


def sniff_never_raises(sample: Sample) -> None:
    """Whatever lies at a path, it answers with a number from 0 to 1."""
    source, path = sample
    with _copy(path) as copy:
        places = {"missing": copy.parent / "missing", "a folder": copy.parent, **_of_no_store(copy.parent)}
        places |= {"text": copy.parent / "text.txt", "its sample": copy}
        places["text"].write_text("Nothing in particular.\n", encoding="utf-8")
        for what, place in places.items():
            try:
                sure = source.sniff(place)
            except Exception as error:
                raise AssertionError(f"sniff raised {error!r} for {what}; answer 0.0 instead") from error
            require(0 <= sure <= 1, f"sniff answered {sure!r} for {what}")


def knows_its_own_sample_best(sample: Sample) -> None:
    """No other source that is installed is as sure of the sample, and it takes neither noise nor an empty file."""
    source, path = sample
    sure = source.sniff(path)
    require(sure > 0, "sniff does not know its own sample")
    others = {name: other.sniff(path) for name, other in plugins.load().sources.items() if name != source.name}
    rivals = [name for name, score in others.items() if score >= sure]
    require(not rivals, f"{', '.join(rivals)} is as sure of the sample as this one ({sure})")
    with _copy(path) as copy:
        for what, place in _of_no_store(copy.parent).items():
            answer = source.sniff(place)
            require(answer == 0, f"sniff answered {answer!r} for {what}, which is no store of it; answer 0.0")


def writes_nothing(sample: Sample) -> None:
    """Looking, counting and reading leave the store and its folder as they were."""
    source, path = sample
    with _copy(path) as copy:
        before = _contents(copy.parent)
        source.sniff(copy)
        _read(source, copy)
        require(_contents(copy.parent) == before, "something was written beside or into the store")


def every_row_is_accounted_for(sample: Sample) -> None:
    """There are as many messages and skipped rows as the store says it has rows."""
    source, path = sample
    rows, count = _read(source, path)
    require(rows, "the sample holds no row")
    require(len(rows) == count, f"count() says {count} rows and rows() yields {len(rows)}")


def rows_are_messages_or_skipped(sample: Sample) -> None:
    """Each row is one of the two, with fields of the right kind."""
    for row in _read(*sample)[0]:
        require(isinstance(row, (Message, Skipped)), f"rows() yields a {type(row).__name__}")
        require(isinstance(row.id, str) and row.id, f"the id of a row must be text: {row.id!r}")
        if isinstance(row, Skipped):
            require(row.reason.strip(), f"the row {row.id} was skipped without a reason")
            continue
        texts = (row.thread, row.sender, row.text, row.kind, *row.tags)
        require(all(isinstance(text, str) for text in texts), f"the message {row.id} has a field that is no text")
        require(isinstance(row.is_from_me, bool), f"is_from_me of {row.id} is {row.is_from_me!r}")
        require(row.text.strip(), f"the message {row.id} is empty: yield Skipped with the reason 'no text'")


def ids_are_unique(sample: Sample) -> None:
    """A row can be found again by its id."""
    ids = [row.id for row in _read(*sample)[0]]
    twice = {identity for identity in ids if ids.count(identity) > 1}
    require(not twice, f"{len(twice)} ids occur more than once, {min(twice, default='')!r} among them")


def times_say_their_zone(sample: Sample) -> None:
    """A time is aware; where the store does not say the zone, or the time, ``facts()`` counts it."""
    source, path = sample
    opened = source(path)
    times = [row.timestamp for row in opened.rows() if isinstance(row, Message)]
    require(all(t is None or isinstance(t, datetime) for t in times), "a timestamp must be a datetime or None")
    unsaid = sum(t is None or t.tzinfo is None for t in times)
    told = bool(getattr(opened, "facts", dict)())
    require(not unsaid or told, f"{unsaid} times have no zone or are missing, and facts() does not count them")


def opened_twice_it_reads_the_same(sample: Sample) -> None:
    """A store that did not change gives the same rows in the same order."""
    require(_read(*sample) == _read(*sample), "a second reading gives other rows")


def a_missing_file_is_an_error_in_words(sample: Sample) -> None:
    """What is not there raises a `WonderlandError`, at the latest when its rows are asked for."""
    source, path = sample
    with _copy(path) as copy:
        rows = _read_or_refusal(source, copy.parent / f"missing{path.suffix}", "a missing file")
    require(rows is None, "a missing file was read as if it were there")


def an_empty_file_is_no_accident(sample: Sample) -> None:
    """An empty file has no rows or is refused with a `WonderlandError`."""
    source, path = sample
    with _copy(path) as copy:
        empty = copy.parent / f"empty{path.suffix}"
        empty.touch()
        require(not (_read_or_refusal(source, empty, "an empty file") or ([], 0))[0], "an empty file gave rows")


def damage_is_said(sample: Sample) -> None:
    """A file cut short or overwritten is refused with a `WonderlandError`, or what is left is accounted for."""
    source, path = sample
    for what, damage in (("cut in half", _cut), ("overwritten in the middle", _overwrite)):
        with _copy(path) as copy:
            for file in [copy] if copy.is_file() else [inside for inside in copy.rglob("*") if inside.is_file()]:
                file.write_bytes(damage(file.read_bytes()))
            left = _read_or_refusal(source, copy, f"a file {what}")
            if left is not None:
                rows, count = left
                require(len(rows) == count, f"{what}: count() says {count} rows and rows() yields {len(rows)}")


SOURCE_CHECKS: tuple[Callable[[Sample], None], ...] = (
    has_a_name_and_a_version,
    explains_every_option,
    sniff_never_raises,
    knows_its_own_sample_best,
    writes_nothing,
    every_row_is_accounted_for,
    rows_are_messages_or_skipped,
    ids_are_unique,
    times_say_their_zone,
    opened_twice_it_reads_the_same,
    a_missing_file_is_an_error_in_words,
    an_empty_file_is_no_accident,
    damage_is_said,
)
"""The contract of a source, a sentence each."""


def _read(source: type[Any], path: Path) -> tuple[list[Any], int]:
    opened = source(path)
    count = opened.count()
    return list(opened.rows()), count


def _read_or_refusal(source: type[Any], path: Path, what: str) -> tuple[list[Any], int] | None:
    try:
        return _read(source, path)
    except PluginError as error:
        raise AssertionError(f"{what} makes it break its contract: {error}") from error
    except WonderlandError:
        return None
    except Exception as error:
        raise AssertionError(f"{what} raised {error!r}; raise a WonderlandError that says what to do") from error


def _of_no_store(folder: Path) -> dict[str, Path]:
    """Return what no source can read, by what it is: an empty file and one of random bytes."""
    places = {"empty": folder / "empty", "noise": folder / "noise"}
    places["empty"].touch()
    places["noise"].write_bytes(hashlib.shake_256(b"noise").digest(4096))
    return {"an empty file": places["empty"], "a file of noise": places["noise"]}


@contextmanager
def _copy(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / path.name
        if path.is_dir():
            shutil.copytree(path, place)
        else:
            shutil.copy2(path, place)
        yield place


def _contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _overwrite(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + b"\xff\x00" * 8 + content[middle + 16 :]
