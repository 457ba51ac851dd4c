"""Pass phrases and keys: asked for when they are needed, kept in memory, written nowhere.

An option of a source whose type is `Secret` is no option of the command line, where it would stay in the history of
the shell, nor of ``wonderland.toml``. It comes from a variable of the environment, or from whoever sits at the
terminal, and is asked for again when the store is read again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NewType, get_args, get_type_hints

from wonderland.errors import InputError

__all__ = ["Secret", "answering", "beside", "is_secret", "obtain", "secrets_of", "variable_of"]

Secret = NewType("Secret", str)
"""The type of an option that must never be stored."""

_Answer = Callable[[str], str | None]
_beside: ContextVar[dict[str, str]] = ContextVar("wonderland_secrets_beside", default={})  # noqa: B039 - never changed
_answers: ContextVar[_Answer | None] = ContextVar("wonderland_secrets", default=None)


def variable_of(source: str, option: str) -> str:
    """Return the variable of the environment that a secret option of a source is taken from.

    >>> variable_of("whatsapp-db", "passphrase")
    'WONDERLAND_WHATSAPP_DB_PASSPHRASE'
    """
    return f"WONDERLAND_{source}_{option}".upper().replace("-", "_")


def is_secret(kind: Any) -> bool:
    """Say whether an option of this type must never be stored."""
    return kind is Secret or any(is_secret(inner) for inner in get_args(kind))


def secrets_of(source: type[Any]) -> dict[str, str]:
    """Return the secret options of a source and what each is, from the annotations of its ``__init__``."""
    hints = get_type_hints(source.__init__, include_extras=True)
    return {name: str(get_args(hint)[1]) for name, hint in hints.items() if len(get_args(hint)) > 1 and is_secret(hint)}


def obtain(source: str, option: str, what: str) -> Secret:
    """Return a secret that a source needs now.

    Args:
        source: Name of the source.
        option: Its option.
        what: What is asked for, as the question is put: "Pass phrase of the iPhone backup".

    Raises:
        InputError: It is not in the environment, and there is nobody to ask.
    """
    variable = variable_of(source, option)
    if found := os.environ.get(variable):
        return Secret(found)
    answer = _answers.get()
    said = answer(what) if answer is not None else None
    if not said:
        asked = _beside.get()
        same = [other for other, what_else in asked.items() if what_else == asked.get(variable)]
        unset = [other for other in dict.fromkeys([variable, *same]) if not os.environ.get(other)]
        named = " and ".join(unset)
        raise InputError(
            f"It takes the {what[0].lower()}{what[1:]}, and there is nobody to ask.",
            hint=f"Run it in a terminal, which asks without showing what you type, or set {named} for this command "
            f"alone (from Python: {option}=...). It is stored nowhere.",
        )
    return Secret(said)


@contextmanager
def beside(sources: Iterable[type[Any]]) -> Iterator[None]:
    """Have what is said of a missing secret name the variables of all sources that are read and ask for the same."""
    found = {variable_of(one.name, name): what for one in sources for name, what in secrets_of(one).items()}
    token = _beside.set(found)
    try:
        yield
    finally:
        _beside.reset(token)


@contextmanager
def answering(ask: _Answer) -> Iterator[None]:
    """Have secrets asked of somebody; each question once, for a store may be opened several times."""
    known: dict[str, str | None] = {}

    def answer(what: str) -> str | None:
        if what not in known:
            known[what] = ask(what)
        return known[what]

    token = _answers.set(answer)
    try:
        yield
    finally:
        _answers.reset(token)
