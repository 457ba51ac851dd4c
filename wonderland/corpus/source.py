"""Sources of messages: the `Source` protocol, and the choice of the one source that reads a file.

A source is a class that says of a path how sure it is that it can read it (`sniff`), counts the rows the store says
it has, and yields exactly one `Message` or `Skipped` for each of them. Options are further keyword parameters of its
``__init__``, annotated ``Annotated[type, "help text"]``; they become command-line options.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from wonderland.advice import Hint, Options
from wonderland.corpus.locating import CHECK_THE_PATH, is_folder, must_be_a_store
from wonderland.corpus.messages import Message, Skipped
from wonderland.corpus.misnamed import must_hold_something
from wonderland.corpus.unrecognised import look
from wonderland.errors import InputError, PluginError, SeveralSources, UsageError, must_be
from wonderland.nearby import near_of

__all__ = ["Source", "choose_source", "closing_source", "open_source"]

_SURE = 0.9  # from which on a source has found files of its own in a folder


@runtime_checkable
class Source(Protocol):
    """A place messages can be read from.

    Optional, and looked for by name:

    - ``facts() -> Mapping[str, Mapping[str, int]]``, called after `rows` is exhausted, returns further counts of what
      was read by heading, for the ledger (how each text was found, services, repairs);
    - ``notes() -> Iterable[str]`` returns sentences the user should read (a missing WAL, history kept in the cloud);
    - ``close() -> None`` lets go of what was opened. It is always called once reading is over, also after an error;
    - ``phone_numbers: ClassVar[bool] = True`` says that senders are phone numbers, so that one of at most six digits
      is a short code, which only machines have; elsewhere such a number may be anybody's;
    - ``order: str``, of a source whose times may be missing or unreadable, is what the user said of the order of the
      file ("file" or "newest-first"; "" if nothing), and ``unread_times() -> tuple[Mapping[str, int], str]`` returns
      how many times of each conversation were not understood and an example. Where the order of the messages would
      have to be guessed, reading then ends with an error that asks for ``--order``;
    - ``blocks() -> Iterator[Block]`` yields what `rows` yields, some thousands of rows at a time as columns
      (`wonderland.corpus.blocks`); it is read instead of `rows` by what reads a whole store;
    - a parameter ``names: bool`` of ``__init__`` is told whether senders are to be named, to look them up;
    - ``same_names: ClassVar[bool] = True`` says that a sender or a conversation of one name is the same one in all
      stores of this source, so that an export made twice is joined; not so where a name is a number of the file;
    - ``default_location() -> Path``, a class method of a source whose store has a place of its own, returns that place,
      so that ``wonderland extract NAME`` finds it; it raises an `InputError` that says why where there is none
      (`wonderland.corpus.locating.home_of_mac_app` does both);
    - a parameter of ``__init__`` of type `wonderland.corpus.secrets.Secret` is a pass phrase or key: no option of the
      command line and never stored; the source gets it with `wonderland.corpus.secrets.obtain` when it needs it;
    - ``refuses: ClassVar[bool] = True`` says that it only recognises what cannot be read: its ``count`` always raises
      an `InputError` that says what to read instead.
    """

    name: ClassVar[str]
    version: ClassVar[int]

    def __init__(self, path: Path) -> None: ...

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Say from 0 to 1 how sure it is that this source reads ``path``. Reads little, never raises, never writes."""
        ...

    def count(self) -> int:
        """Return how many rows the store says it has."""
        ...

    def rows(self) -> Iterator[Message | Skipped]:
        """Yield exactly one item for each stored row."""
        ...


def choose_source(path: Path, sources: Mapping[str, type[Source]], name: str | None = None) -> type[Source]:
    """Return the class that reads ``path``: the one named, or the one that is surest of it.

    Raises:
        UsageError: No source has this name.
        InputError: The path does not exist or holds nothing, no source can read it, or it is not plain which one is to.
    """
    if not _exists(path):
        raise InputError(f"There is nothing at {path}.", hint=CHECK_THE_PATH)
    must_be_a_store(path)
    must_hold_something(path)
    return _named(name, sources) if name else _surest(path, sources)


def open_source(
    path: Path, sources: Mapping[str, type[Source]], name: str | None = None, options: Mapping[str, Any] | None = None
) -> Source:
    """Return a source on ``path``, chosen as by `choose_source`.

    Raises:
        UsageError: It lacks an option that was given.
        InputError: It only says why nothing can be read there.
    """
    chosen = choose_source(path, sources, name)
    if getattr(chosen, "refuses", False):  # whatever options were given: what is wrong with the file comes first
        chosen(path).count()
    known = [key for key in inspect.signature(chosen).parameters if key != "path"]
    unknown = [key for key in options or {} if key not in known]
    if unknown:
        raise UsageError(
            f"The source {chosen.name!r} has no option {unknown[0]!r}.",
            hint=near_of(unknown[0], known, f"Its options: {', '.join(known) or 'none'}."),
        )
    for name, value in (options or {}).items():
        _must_fit(chosen, name, value)
    return chosen(path, **(options or {}))


def _must_fit(kind: type[Source], name: str, value: object) -> None:
    """Refuse an option of another type where its source takes text, or True or False; others check their own.

    Raises:
        UsageError: It is of another type.
    """
    try:
        wanted = typing.get_type_hints(kind.__init__).get(name)
    except (NameError, TypeError):  # a plugin that names a type it does not import
        return
    if wanted is bool:
        must_be(value, (bool, np.bool_), f"the option {name} is True or False", f"For example: {name}=True")
    elif wanted is str or (wanted == str | None and value is not None):
        example = Hint("For example: ", Options("extract", **{name: "Ada"})) if name == "me" else ""
        must_be(value, str, f"the option {name} is text", example)


@contextmanager
def closing_source(source: Source) -> Iterator[None]:
    """Close a source at the end, if it can be closed, whatever happened.

    Raises:
        PluginError: It cannot be closed.
    """
    try:
        yield
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            try:
                close()
            except Exception as error:
                raise PluginError(
                    f"The source {source.name!r} failed to close what it had opened: {error!r}.",
                    hint="This is a fault of the source, not of your file. Please report it to the source's author.",
                ) from error


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # there may be something; the source that opens it can say how to be let in
        return True


def _named(name: str, sources: Mapping[str, type[Source]]) -> type[Source]:
    if name not in sources:
        raise UsageError(
            f"There is no source named {name!r}.",
            hint=near_of(name, sources, f"Sources: {', '.join(sorted(sources))}."),
        )
    return sources[name]


def _surest(path: Path, sources: Mapping[str, type[Source]]) -> type[Source]:
    scores = {name: _sniff(source, path) for name, source in sources.items()}
    best = max(scores.values(), default=0.0)
    winners = sorted(name for name, score in scores.items() if score == best)
    if best <= 0:
        found = look(path)
        name_one = Hint(
            "Name one: ",
            Options("extract", source="NAME"),
            f". There are {', '.join(sorted(sources))}; `wonderland plugins` says what each reads.",
        )
        raise InputError(f"No source recognises {path}. {found.what}".strip(), hint=found.hint or name_one)
    folder = is_folder(path)
    if folder:  # each may have found files of its own; the surest alone would pass over those of the others
        there = [one for one in scores if scores[one] >= _SURE and not getattr(sources[one], "refuses", False)]
        winners = sorted(there) if len(there) > 1 else winners
    if len(winners) > 1:
        what = "Several sources find something of theirs in" if folder else "Several sources are equally sure of"
        raise SeveralSources(
            f"{what} {path}: {', '.join(winners)}.",
            hint=Hint(
                "To read it with each: ",
                Options("extract", source=tuple(winners)),
                ". With one of them: ",
                Options("extract", source=winners[0]),
            ),
            path=path,
            names=winners,
        )
    return sources[winners[0]]


def _sniff(source: type[Source], path: Path) -> float:
    try:
        score = float(source.sniff(path))
    except PermissionError:  # it is not this source's to say how to be let in
        return 0.0
    except Exception as error:
        raise PluginError(
            f"The source {source.name!r} failed to look at {path}: {error!r}. A source's sniff must never raise.",
            hint=Hint(
                "Report this to the plugin's author, and name another source: ", Options("extract", source="NAME")
            ),
        ) from error
    if not 0 <= score <= 1:  # NaN too: it would win and lose every comparison at once
        raise PluginError(
            f"The source {source.name!r} says {score} of {path}; a source's sniff answers from 0 to 1.",
            hint=Hint(
                "Report this to the plugin's author, and name another source: ", Options("extract", source="NAME")
            ),
        )
    return score
