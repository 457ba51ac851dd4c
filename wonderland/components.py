"""Names of the parts of a model, `Head`, `Neuron` and `Feature`, and of what leads from one to another, `Edge`.

All are values that print, parse and order. A part is a pair of whole numbers with a name of its own: ``Head(2, 0)``
prints ``L2H0``, ``Head.parse("L2H0")`` gives it back, and ``pattern_scores[Head(2, 0)]`` is its entry in an array
[layer, head]. The kinds never equal each other: ``Head(2, 0) != Neuron(2, 0)``. An edge has a sender, a receiver and
perhaps an input of that: ``Edge(Head(0, 2), Head(1, 0), "k")`` prints ``L0H2 → L1H0.k``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar, Self

from wonderland.errors import UsageError, must_be

__all__ = ["READS", "Component", "Edge", "Feature", "Head", "Neuron", "parse_component"]

READS = {"q": "queries", "k": "keys", "v": "values"}
"""What a head reads the residual stream for, by the letter after the dot in the name of an edge."""


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


@functools.total_ordering
@dataclass(frozen=True, slots=True, repr=False)
class Edge:
    """An edge of the computational graph: what one part writes, read by another.

    Edges order as the model computes them: by sender, then by receiver. What is drawn of one in a graph is a
    `wonderland.views.Edge`.

    Args:
        sender: What writes: a head, a neuron, a feature, "embed", "MLP1", or another name without an arrow, such as
            "error L0". The name of a head, a neuron or a feature becomes one.
        receiver: What reads: the same, or "logits". "L1H0.k" stands for the head and its input.
        input: Of a head, through what it reads: "q", "k" or "v"; "" for all of them, or for a part of one input.

    Raises:
        UsageError: An end is no name, there is no such input, or the receiver does not come after the sender.

    >>> edge = Edge(Head(0, 2), Head(1, 0), "k")
    >>> print(edge, edge == Edge.parse("L0H2>L1H0.k"), edge < Edge("MLP0", "logits"))
    L0H2 → L1H0.k True True
    """

    sender: Component | str
    receiver: Component | str
    input: str = ""

    def __post_init__(self) -> None:
        sender, receiver, what = self.sender, self.receiver, self.input
        if isinstance(receiver, str) and not what:
            name, _, letter = receiver.rpartition(".")
            receiver, what = (name, letter) if letter in READS else (receiver, what)
        for place, end in (("sender", sender), ("receiver", receiver)):
            must_be(end, (Component, str), "an end of an edge is a part of the model or its name", _EDGE_NAMES)
            if isinstance(end, str):
                if not end.strip() or re.search("[→>\\n]", end):
                    raise UsageError(f"{end!r} is no name of an end of an edge.", hint=_EDGE_NAMES)
                end = parse_component(end.strip()) or end.strip()
            object.__setattr__(self, place, end)
        object.__setattr__(self, "input", what)
        if what and (what not in READS or not isinstance(self.receiver, Head)):
            raise UsageError(
                f"{self.receiver} has no input {what!r}.",
                hint="A head reads through q, k or v; other parts as a whole.",
            )
        first, second = _depth(self.sender), _depth(self.receiver)
        if first is not None and second is not None and first >= second:
            raise UsageError(
                f"{self.receiver} does not read what {self.sender} writes.",
                hint="An edge leads from an earlier part to a later one; heads of one layer do not read each other.",
            )

    @classmethod
    def parse(cls, name: str, shape: tuple[int, int] | None = None) -> Self:
        """Return the edge of this name.

        Args:
            name: Such as "L0H2 → L1H0.k" or "embed>MLP0".
            shape: How many layers, and how many heads in each; an end beyond them is refused, and so is one that is
                neither a head nor "embed", an MLP or "logits".

        Raises:
            UsageError: The name is of another form, or the model has no such edge.
        """
        ends = re.split("[→>]", name)
        if len(ends) != 2:
            raise UsageError(f"{name!r} is no name of an edge.", hint=_EDGE_NAMES)
        found = cls(*ends)
        for end in (found.sender, found.receiver) if shape is not None else ():
            layer = _depth(end)
            if layer is None or isinstance(end, Neuron):
                raise UsageError(f"The model has no part {str(end)!r}.", hint=_EDGE_NAMES)
            if isinstance(end, Head):
                Head.parse(str(end), shape)
            elif shape is not None and shape[0] <= layer[0] < _LAST:
                raise UsageError(f"The model has no part {str(end)!r}.", hint=f"It has {shape[0]} layers, from 0.")
        return found

    @property
    def of_model(self) -> bool:
        """Whether both ends are parts of a model: heads, neurons, features, "embed", MLPs or "logits"."""
        return all(isinstance(end, Component) or _depth(end) is not None for end in (self.sender, self.receiver))

    def __str__(self) -> str:
        return f"{self.sender} → {self.receiver}" + (f".{self.input}" if self.input else "")

    def __repr__(self) -> str:
        ends = f"{self.sender!r}, {self.receiver!r}"
        return f"Edge({ends}, {self.input!r})" if self.input else f"Edge({ends})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Edge):
            return NotImplemented
        return self._order() < other._order()

    def _order(self) -> tuple[Any, ...]:
        what = " qkv".index(self.input or " ")
        return *_place(self.sender), *_place(self.receiver, what), str(self)


_EDGE_NAMES = "An edge is named like L0H2 → L1H0.k, embed → MLP0 or L1H3 → logits; > may stand for →."
_LAST = 1 << 30  # after every layer


def _depth(end: Component | str) -> tuple[int, int] | None:
    """Return when an end is computed, layer and place in it; None if its name does not say."""
    if isinstance(end, Component):
        return None if isinstance(end, Feature) else (end.layer, int(isinstance(end, Neuron)))
    if end in ("embed", "logits"):
        return (-1, 0) if end == "embed" else (_LAST, 0)
    match = re.fullmatch(r"MLP(\d+)", end)
    return (int(match[1]), 1) if match else None


def _place(end: Component | str, what: int = 0) -> tuple[int, int, int, int]:
    """Return where an end stands in the order of edges; names without a layer come first."""
    layer = re.search(r"\bL(\d+)", str(end))
    depth = _depth(end) or (int(layer[1]) if layer else -1, 1)
    return *depth, what, end.index if isinstance(end, Component) else 0
