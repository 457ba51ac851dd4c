"""Annotated fields as command-line options: one annotation gives name, type, choices, help and default.

Settings, parameters of analyses and options of sources are all ``Annotated[type, "help text"]``. The types that can be
typed: ``int``, ``float``, ``str``, ``bool``, ``Path``, ``date``, ``datetime``, ``Literal[...]``, ``X | None``, and
``tuple`` or ``list`` of these, its items separated by commas. Numbers must be finite and fit 64 bits: what a library
below would stumble over is refused here, in a sentence.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import click

from wonderland.corpus.secrets import is_secret
from wonderland.paths import must_have_a_name

__all__ = [
    "FURTHER",
    "Number",
    "Place",
    "Whole",
    "click_type",
    "given",
    "option",
    "settings_options",
    "signature_options",
]

FURTHER = "further__"
"""What the names of options of plugins begin with, so that they cannot be taken for a command's own."""
_Command = Callable[..., Any]
_Type: TypeAlias = "click.ParamType[Any]"
_LARGEST = 2**63 - 1
_LARGE = 1_000_000  # beyond which nobody comes near a bound


class Number(click.ParamType):  # type: ignore[type-arg]
    """A finite number, between bounds if there are any.

    Args:
        low: The least there may be.
        high: The most there may be.
    """

    name = "number"

    def __init__(self, low: float = -math.inf, high: float = math.inf) -> None:
        self.low, self.high = low, high

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Name the type in a command's help, with its bounds."""
        return _with_bounds(self.name, self.low, self.high)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            self.fail(f"{value!r} is no number.", param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number.", param, ctx)
        if not self.low <= number <= self.high:
            self.fail(f"{value} is not {_between(self.low, self.high)}.", param, ctx)
        return number


class Place(click.Path):
    """A path with a name that can be stored and printed; an empty one would mean the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a path."""
        if str(value) == "":
            self.fail("The path is empty; write . for the current folder.", param, ctx)
        must_have_a_name(Path(value))
        return super().convert(value, param, ctx)


class Whole(click.ParamType):  # type: ignore[type-arg]
    """A whole number between bounds, which fit 64 bits.

    Args:
        low: The least there may be.
        high: The most there may be.
    """

    name = "integer"

    def __init__(self, low: int = -_LARGEST, high: int = _LARGEST) -> None:
        self.low, self.high = low, high

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Name the type in a command's help, with its bounds."""
        return _with_bounds(self.name, self.low, self.high)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a whole number."""
        try:
            number = int(value)
        except (TypeError, ValueError):
            self.fail(f"{value!r} is no whole number.", param, ctx)
        if not self.low <= number <= self.high:
            self.fail(f"{value} is not {_between(self.low, self.high)}.", param, ctx)
        return number


class _OneOf(click.Choice):  # type: ignore[type-arg]
    """One of the values of a ``Literal``, which need not be texts."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        super().__init__([str(value) for value in values])
        self.values = {str(value): value for value in values}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a choice."""
        return self.values[str(super().convert(value, param, ctx))]


class _Moment(click.ParamType):  # type: ignore[type-arg]
    """A date, or a date and a time, as ISO 8601 writes them."""

    def __init__(self, kind: type[date]) -> None:
        self.kind, self.name = kind, "time" if kind is datetime else "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read a date."""
        try:
            return value if isinstance(value, self.kind) else self.kind.fromisoformat(value)
        except ValueError:
            example = "2024-05-31T18:30" if self.kind is datetime else "2024-05-31"
            self.fail(f"{value!r} is no {self.name}; write it like {example}.", param, ctx)


class _Several(click.ParamType):  # type: ignore[type-arg]
    """Items separated by commas.

    Args:
        make: ``tuple`` or ``list``.
        items: Type of each item if there are as many as types, of all of them if there is one and ``any_number``.
        any_number: Whether there may be any number of them.
    """

    def __init__(self, make: Callable[[Any], Any], items: list[_Type], any_number: bool) -> None:
        self.make, self.items, self.any_number = make, items, any_number
        self.name = f"{items[0].name},…" if any_number else ",".join(item.name for item in items)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the items."""
        words = [word.strip() for word in value.split(",")] if isinstance(value, str) else list(value)
        if not self.any_number and len(words) != len(self.items):
            self.fail(f"{value!r} is not {len(self.items)} values separated by commas.", param, ctx)
        kinds = self.items * len(words) if self.any_number else self.items
        return self.make(kind.convert(word, param, ctx) for kind, word in zip(kinds, words, strict=True))


def click_type(kind: Any) -> _Type | None:
    """Return how values of an annotated type are typed on the command line, or None if they cannot be."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return click_type(inner[0])
    if origin in (typing.Union, types.UnionType):
        kinds = [one for one in inner if one is not type(None)]
        return click_type(kinds[0]) if len(kinds) == 1 else None
    if origin is Literal:
        return _OneOf(inner)
    if kind in (tuple, list) or origin in (tuple, list):
        make = kind if origin is None else origin
        any_number = make is list or not inner or inner[-1] is ...
        items = [click_type(one) for one in (inner or (str,)) if one is not ...]
        known = [item for item in items if item is not None and not isinstance(item, _Several)]
        return _Several(make, known, any_number) if len(known) == len(items) else None
    plain: dict[Any, _Type] = {
        bool: click.BOOL,
        int: Whole(),
        float: Number(),
        str: click.STRING,
        Path: Place(),
        date: _Moment(date),
        datetime: _Moment(datetime),
    }
    return plain.get(kind)


def option(name: str, kind: Any, help_text: str, default: Any = None, prefix: str = "") -> click.Option | None:
    """Return the option of an annotated field, None by default, or nothing if it cannot be typed.

    Args:
        name: The field.
        kind: Its type.
        help_text: What it says.
        default: Shown in the help.
        prefix: What the name of the value begins with.
    """
    typed = click_type(kind)
    if typed is None:
        return None
    if name == "seed" and isinstance(typed, Whole):
        typed = Whole(low=0)
    flag = f"--{name.replace('_', '-')}"
    shown = ",".join(map(str, default)) if isinstance(default, (tuple, list)) else default
    told = "" if shown in (None, "", inspect.Parameter.empty, dataclasses.MISSING) else f"  [default: {shown}]"
    if typed is click.BOOL:
        return click.Option([prefix + name, f"{flag}/--no-{flag[2:]}"], default=None, help=f"{help_text}{told}")
    return click.Option([prefix + name, flag], type=typed, default=None, help=f"{help_text}{told}")


def settings_options(settings: type[Any], *names: str) -> Callable[[_Command], _Command]:
    """Return a decorator that adds an option for each field of a settings dataclass, or for those named."""

    def add(command: _Command) -> _Command:
        hints = typing.get_type_hints(settings, include_extras=True)
        chosen = [field for field in dataclasses.fields(settings) if not names or field.name in names]
        made = [option(field.name, *typing.get_args(hints[field.name])[:2]) for field in chosen]
        params: list[click.Parameter] = command.__dict__.setdefault("__click_params__", [])
        params.extend(one for one in reversed(made) if one is not None)
        return command

    return add


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in values.items() if value is not None}


def signature_options(function: Callable[..., Any]) -> dict[str, tuple[Any, str, Any]]:
    """Return {name: (type, help text, default)} of the annotated keyword parameters of a source's ``__init__``.

    Secrets are left out: what is typed stays in the history of the shell.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    found: dict[str, tuple[Any, str, Any]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if typing.get_origin(hints.get(name)) is typing.Annotated:
            kind, help_text = typing.get_args(hints[name])[:2]
            if not is_secret(kind):
                found[name] = (kind, str(help_text), parameter.default)
    return found


def _with_bounds(name: str, low: float, high: float) -> str | None:
    """Return the name of a type of numbers with both bounds, or None if one is missing or too large to matter."""
    told = low > -_LARGE and high < _LARGE
    return f"{name.upper()} {low:g} TO {high:g}" if told else None


def _between(low: float, high: float) -> str:
    if high in (math.inf, _LARGEST):
        return f"at least {low:g}" if low != -_LARGEST else "small enough for this machine"
    return f"between {low:g} and {high:g}"
