"""The parameters of analyses: which there are, and whether what was given for one is of its annotated type.

An analysis is a plain dataclass, so Python itself takes any value for a field: text where a number belongs would end in
an error of NumPy's minutes later, and NaN in a result that looks like one.

What would fool it: a number of the right type that means nothing, such as a share of 3. What a number may be says the
analysis itself.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Collection, Mapping
from numbers import Integral, Real
from typing import Annotated, Any, Literal, Union

import numpy as np

from wonderland.errors import UsageError

__all__ = ["must_be_ready", "parameters_of"]

_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "a text",
    types.NoneType: "None",
}


def parameters_of(cls: type[Any]) -> dict[str, tuple[Any, str, Any]]:
    """Return {name: (type, help text, default)} of the parameters of an analysis class."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found: dict[str, tuple[Any, str, Any]] = {}
    for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
        hint = hints[field.name]
        kind, help_text = hint, ""
        if typing.get_origin(hint) is Annotated:
            kind, *notes = typing.get_args(hint)
            help_text = next((note for note in notes if isinstance(note, str)), "")
        found[field.name] = (kind, help_text, field.default)
    return found


def must_be_ready(analysis: object) -> None:
    """Raise `UsageError` unless this is an analysis with its parameters, each of the type it is annotated with.

    Args:
        analysis: What somebody wants to be run.

    Raises:
        UsageError: It is a class, or no analysis at all; or a parameter is of another type, NaN or infinite.
    """
    if isinstance(analysis, type) or not hasattr(analysis, "run") or not hasattr(analysis, "name"):
        named = analysis.__name__ if isinstance(analysis, type) else repr(analysis)
        raise UsageError(
            f"{named} is no analysis with its parameters.",
            hint="Give one, for example Induction(), or by name: wonderland.analyses['induction']()",
        )
    for name, (hint, _, default) in parameters_of(type(analysis)).items():
        value = getattr(analysis, name)
        if not _fits(hint, value):
            told = "" if default is dataclasses.MISSING else f" Its default is {default!r}."
            raise UsageError(
                f"The parameter {name!r} of {analysis.name} is {_shortened(value)}, and should be {_called(hint)}.",
                hint=f"Give {_called(hint)}: {type(analysis).__name__}({name}=…).{told}",
            )


def _fits(hint: Any, value: Any) -> bool:
    """Say whether a value is of a type; of a type that is not known here, any value is."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _fits(arguments[0], value)
    if origin in (Union, types.UnionType):
        return any(_fits(one, value) for one in arguments)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in arguments)
    if hint is bool:
        return isinstance(value, (bool, np.bool_))
    if hint in (int, float):
        number = isinstance(value, Integral if hint is int else Real) and not isinstance(value, (bool, np.bool_))
        return number and math.isfinite(value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    if isinstance(origin, type) and issubclass(origin, Collection):
        one = arguments[0] if arguments else Any
        same = len(arguments) < 2 or arguments[-1] is Ellipsis  # not the types of a pair, one by one
        listed = isinstance(value, Collection) and not isinstance(value, (str, bytes, Mapping))
        return listed and (not same or all(_fits(one, item) for item in value))
    known = isinstance(hint, type) and hint is not Any and not getattr(hint, "_is_protocol", False)
    return not known or isinstance(value, hint)


def _called(hint: Any) -> str:
    """Return what a type is called in a sentence."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _called(arguments[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_called(one) for one in arguments)
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if isinstance(origin, type) and issubclass(origin, Collection) and not issubclass(origin, Mapping) and arguments:
        return f"a list, each {_called(arguments[0])}"
    return _NAMES.get(hint, f"a {getattr(hint, '__name__', hint)}")


def _shortened(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= 60 else f"{told[:57]}…"
