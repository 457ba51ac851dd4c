"""Names of the parts of a model, `Head`, `Neuron` and `Feature`: values that print, parse and index arrays.

A part is a pair of whole numbers with a name of its own: ``Head(2, 0)`` prints ``L2H0``, ``Head.parse("L2H0")`` gives
it back, and ``pattern_scores[Head(2, 0)]`` is its entry in an array [layer, head]. The kinds never equal each other:
``Head(2, 0) != Neuron(2, 0)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar, Self

from wonderland.errors import UsageError, must_be

__all__ = ["Component", "Feature", "Head", "Neuron", "parse_component"]


class Component(tuple[int, int]):
    """A part of one layer: a pair (layer, number) that prints as its name and indexes arrays [layer, number, ...]."""

    __slots__ = ()
    letter: ClassVar[str]
    kind: ClassVar[str]

    def __new__(cls, layer: int, index: int) -> Self:
        """Return the part ``index`` of ``layer``, both counted from 0."""
        for number in (layer, index):
            must_be(
                number, Integral, "a layer and what is in it have whole numbers", f"For example: {cls.__name__}(2, 0)"
            )
        if layer < 0 or index < 0:
            raise UsageError(f"There is no {cls.kind} {index} in a layer {layer}.", hint="Both are counted from 0.")
        return super().__new__(cls, (int(layer), int(index)))

    @property
    def layer(self) -> int:
        """The layer, counted from 0."""
        return self[0]

    @property
    def index(self) -> int:  # type: ignore[override]
        """The number in its layer, counted from 0."""
        return self[1]

    @classmethod
    def parse(cls, name: str, shape: tuple[int, int] | None = None) -> Self:
        """Return the part of this name.

        Args:
            name: Such as "L2H0".
            shape: How many layers, and how many parts in each; a name beyond them is refused.

        Raises:
            UsageError: The name is of another form, or the model has no such part.
        """
        match = re.fullmatch(rf"L(\d+){cls.letter}(\d+)", name.strip())
        if match is None and shape is None:
            raise UsageError(
                f"{name!r} is no name of a {cls.kind}.", hint=f"A {cls.kind} is named like L2{cls.letter}0."
            )
        found = None if match is None else cls(int(match[1]), int(match[2]))
        if shape is not None and (found is None or found.layer >= shape[0] or found.index >= shape[1]):
            last = cls(shape[0] - 1, shape[1] - 1)
            raise UsageError(
                f"The model has no {cls.kind} {name!r}.", hint=f"Its {cls.kind}s are L0{cls.letter}0 to {last}."
            )
        assert found is not None
        return found

    @classmethod
    def all(cls, layers: int, each: int) -> Iterator[Self]:
        """Yield every part of a model, layer by layer.

        Args:
            layers: How many layers it has.
            each: How many of these parts each layer has.
        """
        for layer in range(layers):
            for index in range(each):
                yield cls(layer, index)

    def __str__(self) -> str:
        return f"L{self[0]}{self.letter}{self[1]}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self[0]}, {self[1]})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Component) and type(other) is not type(self):
            return False
        return tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return tuple.__hash__(self)

    def __getnewargs__(self) -> Any:
        return tuple(self)


class Head(Component):
    """An attention head.

    >>> print(Head(2, 0), Head.parse("L1H3").layer)
    L2H0 1
    """

    __slots__ = ()
    letter: ClassVar[str] = "H"
    kind: ClassVar[str] = "head"


class Neuron(Component):
    """A neuron of an MLP, named like ``L1N17``."""

    __slots__ = ()
    letter: ClassVar[str] = "N"
    kind: ClassVar[str] = "neuron"


class Feature(Component):
    """A feature of a dictionary of one layer, named like ``L2F339``."""

    __slots__ = ()
    letter: ClassVar[str] = "F"
    kind: ClassVar[str] = "feature"


def parse_component(name: str) -> Component | None:
    """Return the head, neuron or feature of this name, or None if it is the name of none.

    >>> parse_component("L1N17"), parse_component("yes")
    (Neuron(1, 17), None)
    """
    for kind in (Head, Neuron, Feature):
        if re.fullmatch(rf"L\d+{kind.letter}\d+", name):
            return kind.parse(name)
    return None
