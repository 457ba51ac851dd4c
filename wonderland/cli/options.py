"""How do the fields of a dataclass become command-line options? One annotation gives name, type, help and default.

Settings known beforehand become real click options (`settings_options`). Options of sources and analyses, which only
the chosen plugin knows, are parsed from what click leaves over (`parse_extras`).
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from wonderland.errors import UsageError

__all__ = ["given", "parse_extras", "settings_options", "signature_options"]

_Command = Callable[..., Any]


def settings_options(settings: type[Any], *names: str) -> Callable[[_Command], _Command]:
    """Return a decorator that adds an option for each field of a settings dataclass, or for those named."""

    def add(command: _Command) -> _Command:
        hints = typing.get_type_hints(settings, include_extras=True)
        for field in reversed(dataclasses.fields(settings)):
            if names and field.name not in names:
                continue
            kind, help_text = typing.get_args(hints[field.name])[:2]
            flag = f"--{field.name.replace('_', '-')}"
            if kind is bool:
                command = click.option(f"{flag}/--no-{flag[2:]}", default=None, help=help_text)(command)
            elif kind in (int, float, str):
                command = click.option(flag, type=kind, default=None, help=help_text)(command)
        return command

    return add


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in values.items() if value is not None}


def signature_options(function: Callable[..., Any]) -> dict[str, tuple[Any, str, Any]]:
    """Return {name: (type, help text, default)} of the annotated keyword parameters of a source's ``__init__``."""
    hints = typing.get_type_hints(function, include_extras=True)
    found: dict[str, tuple[Any, str, Any]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if typing.get_origin(hints.get(name)) is typing.Annotated:
            kind, help_text = typing.get_args(hints[name])[:2]
            found[name] = (kind, str(help_text), parameter.default)
    return found


def parse_extras(extras: Sequence[str], known: Mapping[str, tuple[Any, str, Any]], what: str) -> dict[str, Any]:
    """Read ``--name value``, ``--name=value`` and ``--flag`` against the parameters there are.

    Raises:
        UsageError: A name does not exist or a value is not of its type.
    """
    values: dict[str, Any] = {}
    rest = list(extras)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise UsageError(f"{word!r} was not expected.", hint=f"Options of {what}: {_spelled(known)}.")
        flag, _, value = word.removeprefix("--").partition("=")
        name = flag.replace("-", "_")
        negated = name.removeprefix("no_")
        if negated != name and known.get(negated, (None,))[0] is bool:
            values[negated] = False
            continue
        if name not in known:
            raise UsageError(f"{what} has no option --{flag}.", hint=f"Its options: {_spelled(known)}.")
        kind = known[name][0]
        if kind is bool:
            values[name] = True
            continue
        if "=" not in word:
            if not rest:
                raise UsageError(f"--{flag} needs a value.")
            value = rest.pop(0)
        values[name] = _convert(value, kind, flag)
    return values


def _convert(value: str, kind: Any, flag: str) -> Any:
    if typing.get_origin(kind) is typing.Literal:
        if value not in typing.get_args(kind):
            raise UsageError(f"--{flag} is {value!r}; choose one of: {', '.join(typing.get_args(kind))}.")
        return value
    if typing.get_origin(kind) in (typing.Union, types.UnionType):  # "str | None": what is typed is never None
        return _convert(value, next(part for part in typing.get_args(kind) if part is not type(None)), flag)
    try:
        if typing.get_origin(kind) in (tuple, list):
            inner = (typing.get_args(kind) or (str,))[0]
            return (typing.get_origin(kind) or tuple)(inner(item) for item in value.split(","))
        return kind(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--{flag} is {value!r}; it should be a {getattr(kind, '__name__', kind)}.") from error


def _spelled(known: Mapping[str, Any]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in known) or "none"
