"""Parts of a view, which say what they hold: frozen dataclasses whose annotations are their contract.

A field is ``name: Annotated[type, "what it is"]``: from this one line come the check when somebody makes the part, the
page of the reference, the JSON schema of the front end, and what redaction does with the words in it. Text is of three
kinds: ``Said``, a sentence or name of the analysis; ``Label``, which may be either's, a plain ``str`` counting as
quoted; and ``Spoken`` and ``Piece``, which are others' by nature: a part of a message, an item of a vocabulary.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np

from wonderland.components import Component, Edge
from wonderland.errors import PluginError
from wonderland.estimate import Estimate
from wonderland.report.schema.kinds import Kind, Named
from wonderland.report.schema.selection import Key
from wonderland.report.schema.words import Quoted, Text, Wording, characters, quoted_unless_named

__all__ = [
    "Cell", "Field", "Label", "Node", "Number", "Numbers", "Piece", "Said", "Select", "Sentence", "Spoken",
    "fields_of",
]  # fmt: skip


def _wrong(where: str, value: Any, wanted: str) -> PluginError:
    return PluginError(f"{where} is a {type(value).__name__}, not {wanted}.")


def _said(value: Any, where: str) -> Any:
    if isinstance(value, (str, Text)):
        return value
    if isinstance(value, Quoted):
        return Text((value,))
    if isinstance(value, (Component, Edge, int, float, np.number)) and not isinstance(value, bool):
        return str(value)
    raise _wrong(where, value, "text")


def _sentence(value: Any, where: str) -> Any:
    if isinstance(value, (int, float, np.number)) and not isinstance(value, Component):
        raise _wrong(where, value, "text")
    return _said(value, where)


def _label(value: Any, where: str) -> Any:
    if isinstance(value, (Quoted, Text, Wording)):
        return value
    if isinstance(value, Component) or (isinstance(value, Edge) and value.of_model):
        return Wording(str(value))
    if isinstance(value, Edge):
        return Quoted(str(value))
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, np.generic) and not isinstance(value, str):
        return value.item()
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        return quoted_unless_named(str.__str__(value))
    raise _wrong(where, value, "text or a number")


def _spoken(value: Any, where: str) -> Any:
    if not isinstance(value, (str, Quoted, Text)):
        raise _wrong(where, value, "text")
    return Quoted(characters(value), "message")


def _piece(value: Any, where: str) -> Any:
    if isinstance(value, Quoted) and value.source == "message":
        return value
    if not isinstance(value, (str, Quoted)):
        raise _wrong(where, value, "text")
    return Quoted(characters(value), "token")


def _numbers(value: Any, where: str) -> Any:
    if isinstance(value, Estimate):
        value = value.value
    if isinstance(value, (bool, str)) or value is None:
        raise _wrong(where, value, "numbers")
    array = value if isinstance(value, np.ndarray) else None
    if array is None:
        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise PluginError(f"{where} holds something that is no number.") from error
    if array.dtype.kind not in "biuf":
        raise PluginError(f"{where} is an array of {array.dtype}, not of numbers.")
    return array.item() if array.ndim == 0 else value


def _cell(value: Any, where: str) -> Any:
    if value is None or isinstance(value, Number):
        return value
    if isinstance(value, Estimate):
        return Number.of(value)
    if isinstance(value, (list, tuple)) and not isinstance(value, Component):
        return tuple(_label(one, f"{where}[{i}]") for i, one in enumerate(value))
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    return _label(value, where)


def _number(value: Any, where: str) -> Any:
    if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0:
        value = value.item()
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise _wrong(where, value, "a number")


def _select(value: Any, where: str) -> Any:
    return None if value is None else Key.of(value)


Said = Annotated[str | Text | Quoted, Kind("said", _said)]
"""A sentence or a name that the analysis wrote; with words of others in it, a `Text` made by `say`."""
Sentence = Annotated[str | Text | Quoted, Kind("said", _sentence)]
"""`Said`, where a number alone says nothing."""
Label = Annotated[str | Quoted | Text | Component | Edge | int | float, Kind("label", _label)]
"""A name of something: the analysis' own (`Wording`, a head, an edge, a number) or quoted (everything else)."""
Spoken = Annotated[str | Quoted, Kind("spoken", _spoken)]
"""A part of a message, or of what the model said in its place."""
Piece = Annotated[str | Quoted, Kind("piece", _piece)]
"""One item of a vocabulary, on its own."""
Numbers = Annotated[Any, Kind("numbers", _numbers)]
"""A number, an array of numbers or nested lists of them."""
Cell = Annotated[Any, Kind("cell", _cell)]
"""What can stand in a table: a number alone or as an `Estimate`, a label, a list of labels, True, or nothing."""
Real = Annotated[Any, Kind("number", _number)]
"""One number, NaN or None if undefined."""
Select = Annotated[Any, Kind("select", _select)]
"""What is selected by a click: a `Head`, `Neuron`, `Feature` or `Key`."""


@dataclass(frozen=True)
class Field:
    """A field of a part, as its annotation describes it."""

    name: str
    json: str
    hint: Any
    about: str
    default: Any
    required: bool


_FIELDS: dict[type[Any], tuple[Field, ...]] = {}


def fields_of(cls: type[Any]) -> tuple[Field, ...]:
    """Return the fields of a part of a view, with what each holds."""
    if cls not in _FIELDS:
        _FIELDS[cls] = _read_fields(cls)
    return _FIELDS[cls]


def _read_fields(cls: type[Any]) -> tuple[Field, ...]:
    hints = typing.get_type_hints(cls, include_extras=True)
    found = []
    for one in dataclasses.fields(cls):
        notes = getattr(hints[one.name], "__metadata__", ())
        about = " ".join(note for note in notes if isinstance(note, str))
        name = next((note.json for note in notes if isinstance(note, Named)), one.name)
        required = one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
        found.append(Field(one.name, name, hints[one.name], about, None if required else one.default, required))
    return tuple(found)


@dataclass(frozen=True)
class Node:
    """Base of every part of a view; fields are brought into form, and then checked against each other."""

    AS_LIST: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for one in fields_of(type(self)):
            value = getattr(self, one.name)
            if one.required or value is not one.default:
                object.__setattr__(self, one.name, _formed(one.hint, value, f"{type(self).__name__}.{one.name}"))
        self._check()

    def _check(self) -> None:
        """Compare the fields with each other; raise `PluginError` where they do not fit."""

    def guarded(self) -> Self:
        """Return the part without what only shows messages, and without names that could be made of their words."""
        return self

    def require(self, holds: object, what: str) -> None:
        """Raise `PluginError` unless something holds."""
        if not holds:
            raise PluginError(f"{type(self).__name__}{what}.", hint="What it reads is written in wonderland.views.")

    def filled(self, *names: str) -> None:
        """Require that fields have something in them."""
        for name in names:
            self.require(len(getattr(self, name)), f".{name} must have something in it")

    def sized(self, shape: tuple[int, ...], *names: str, of: Node | None = None, where: str = "") -> None:
        """Require that arrays have a shape, as far as it is given; a missing one, or a single number, fits any."""
        for name in names:
            value = getattr(self if of is None else of, name)
            if value is None or isinstance(value, (int, float)):
                continue
            found = shape_of(value)
            self.require(found[: len(shape)] == shape, f"{where}.{name} has the shape {found}, not {shape}")

    def plain(self) -> Any:
        """Return what the report's renderer reads: mappings, lists, text, numbers, arrays and `Triangles`."""
        return self._plain()

    def _plain(self) -> Any:
        values = {one.json: (one, getattr(self, one.name)) for one in fields_of(type(self))}
        if self.AS_LIST:
            told = [_plain(value) for _, value in values.values()]
            while len(told) > 2 and told[-1] in (None, ""):
                told.pop()
            return told
        return {
            name: _plain(value)
            for name, (one, value) in values.items()
            if one.required or not (value is one.default or _empty(value))
        }


@dataclass(frozen=True)
class Number(Node):
    """A number with its interval, its chance level and its unit."""

    value: Annotated[Real, "The number; NaN if undefined."]
    low: Annotated[float | None, "Lower end of its 95% interval."] = None
    high: Annotated[float | None, "Upper end."] = None
    chance: Annotated[float | None, "What would be there if nothing were."] = None
    unit: Annotated[Said, 'Its unit; "1" for a pure ratio.'] = ""

    @classmethod
    def of(cls, estimate: Estimate, unit: str = "") -> Number:
        """Return the number of an estimate of no dimensions; of its unit only what ``unit`` says."""
        if np.ndim(estimate.value):
            raise PluginError(f"One number was wanted, not {estimate}.", hint="Index the estimate: estimate[head].")
        chance = None if estimate.chance is None else float(estimate.chance)
        return cls(float(estimate.value), float(estimate.low), float(estimate.high), chance, unit)


def shape_of(value: Any) -> tuple[int, ...]:
    """Return the shape of an array or of nested lists; of text and parts, only how many there are."""
    if isinstance(value, np.ndarray):
        return tuple(value.shape)
    if isinstance(value, (list, tuple)):
        return (len(value), *(shape_of(value[0]) if len(value) and len({shape_of(one) for one in value}) == 1 else ()))
    return ()


def _formed(hint: Any, value: Any, where: str) -> Any:
    """Return a value in the form that its annotation asks for."""
    if typing.get_origin(hint) is Annotated:
        kind = next((note for note in hint.__metadata__ if isinstance(note, Kind)), None)
        return _formed(hint.__origin__, value, where) if kind is None else kind.form(value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        inner = [one for one in arguments if one is not type(None)]
        return _formed_as_one(inner, value, where)
    if origin is Literal:
        if value not in arguments:
            raise PluginError(f"{where} is {value!r}, not one of {', '.join(map(repr, arguments))}.")
        return value
    if origin is not None and issubclass(origin, Sequence):
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if isinstance(value, (str, Quoted, Text)) or not isinstance(value, Sequence):
            raise _wrong(where, value, "a list")
        return tuple(_formed(arguments[0], one, f"{where}[{i}]") for i, one in enumerate(value))
    return _formed_plainly(hint, value, where)


def _formed_as_one(hints: Sequence[Any], value: Any, where: str) -> Any:
    for hint in hints:
        if isinstance(hint, type) and isinstance(value, hint):
            return value
    if len(hints) > 1:
        raise _wrong(where, value, "a " + " or ".join(hint.__name__ for hint in hints))
    return _formed(hints[0], value, where)


def _formed_plainly(hint: type[Any], value: Any, where: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if issubclass(hint, Node) and isinstance(value, (list, tuple)):
        return hint(*value)
    raise _wrong(where, value, f"a {hint.__name__}")


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, tuple, Text)) and not value)


def _plain(value: Any) -> Any:
    if isinstance(value, Node):
        return value.plain()
    if isinstance(value, (Quoted, Text)):
        return value.text
    if isinstance(value, Wording):
        return str.__str__(value)
    if isinstance(value, Key):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
