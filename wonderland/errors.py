"""What can go wrong, and the exit code each kind of trouble ends the command line with.

Every error a user can cause is a `WonderlandError`: its message says what happened and why, its ``hint`` what to
type or change next. The command line prints both and exits with ``exit_code``; a library user catches one class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral, Real
from typing import Any

from wonderland.advice import in_python

__all__ = [
    "CheckFailed",
    "InputError",
    "Interrupted",
    "NotEnoughData",
    "OwnerUnknown",
    "PluginError",
    "ResourceError",
    "SeveralSources",
    "Unsupported",
    "UsageError",
    "WonderlandError",
    "must_be",
    "must_be_many",
    "must_be_whole",
]


class WonderlandError(Exception):
    """Something went wrong that a user can do something about.

    Args:
        message: What happened and why, in one or two sentences; where a script is told other words, a hint, too.
        hint: What to type or change next; where it proposes a command or options, a `wonderland.advice.Hint` that holds
            them as values. The command line makes whole commands of them, and the text of the error arguments.

    Attributes:
        found: What was found before, by name; the command line prints it with the error as one JSON object.
    """

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.found: dict[str, Any] = {}

    def __str__(self) -> str:
        message = in_python(self.message)
        return f"{message}\n{in_python(self.hint)}" if self.hint else message


class CheckFailed(WonderlandError):
    """A sanity check did not pass (exit code 1)."""

    exit_code = 1


class UsageError(WonderlandError):
    """A name, option or setting that does not exist or does not fit (exit code 2)."""

    exit_code = 2


class Unsupported(UsageError):
    """Something is asked of a model that it cannot do truthfully (exit code 2)."""


class InputError(WonderlandError):
    """A file that cannot be read as what it should be (exit code 3)."""

    exit_code = 3


class OwnerUnknown(InputError):
    """A store that does not say which of its senders is its owner (exit code 3).

    Args:
        candidates: Who it may be, as the user would name them, and how many messages each sent.

    Attributes:
        store: Which of several stores it is, from 0.
    """

    def __init__(self, message: str, *, hint: str = "", candidates: Sequence[tuple[str, int]] = ()) -> None:
        super().__init__(message, hint=hint)
        self.candidates = tuple(candidates)
        self.store = 0


class SeveralSources(InputError):
    """A place that several sources read, of which none was named (exit code 3).

    Args:
        path: The place.
        names: The sources.
    """

    def __init__(self, message: str, *, hint: str = "", path: object = "", names: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.path, self.names = path, tuple(names)


class NotEnoughData(WonderlandError):
    """Too few messages, tokens or conversations for an honest answer (exit code 4)."""

    exit_code = 4


class ResourceError(WonderlandError):
    """Out of disk, memory or permission (exit code 5)."""

    exit_code = 5


class PluginError(WonderlandError):
    """A plugin that breaks its contract (exit code 6)."""

    exit_code = 6


class Interrupted(WonderlandError):
    """Stopped by the user, with everything done so far saved (exit code 130; 128 and its number by another signal)."""

    exit_code = 130


def must_be(value: object, kinds: type | tuple[type, ...], what: str, hint: str = "") -> None:
    """Refuse what was given in Python if it is of another type; True and False are no numbers.

    Args:
        value: What was given.
        kinds: What it may be.
        what: What it should be, as the subject of the sentence: "a path is text or a pathlib.Path".
        hint: What to write instead.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds in (Integral, Real)):
        first = what.split()[0]
        told = what if "_" in first else f"{what[0].upper()}{what[1:]}"  # a name of Python stays as it is written
        raise UsageError(f"{told}, not {type(value).__name__}.", hint=hint)


def must_be_whole(value: object, name: str, least: int = 0) -> None:
    """Refuse what is no whole number, or one that is too small.

    Args:
        value: What was given.
        name: What it is called.
        least: The smallest it may be.

    Raises:
        UsageError: It is something else.
    """
    hint = f"For example: {name}={max(least, 1) if name != 'seed' else 0}"
    must_be(value, Integral, f"{name} is a whole number", hint)
    if int(value) < least:  # type: ignore[call-overload]
        raise UsageError(f"{name} is at least {least}, not {value}.", hint=hint)


def must_be_many(texts: Iterable[str], what: str, hint: str) -> Iterator[str]:
    """Return texts one after another; one text, which Python would take for many of one letter, is refused at once.

    Args:
        texts: What was given.
        what: What is done with many texts, as the beginning of the sentence: "A tokenizer is trained on".
        hint: What to write instead.

    Raises:
        UsageError: It is one text or no texts; when it comes to be taken, one of them is none.
    """
    if isinstance(texts, (str, bytes)):
        raise UsageError(f"{what} many texts, not{' on' if what.endswith(' on') else ''} one.", hint=hint)
    must_be(texts, Iterable, f"{what} texts", hint)
    return _each(texts, what, hint)


def _each(texts: Iterable[str], what: str, hint: str) -> Iterator[str]:
    for text in texts:
        if not isinstance(text, str):
            raise UsageError(f"{what} texts, not {type(text).__name__}.", hint=hint)
        yield text
