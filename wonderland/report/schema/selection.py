"""What can be selected in a report, a head, an MLP, a neuron, a feature, a position …: one small key for all.

A `Key` has a kind and a name and is written ``head:L2H0``, ``mlp:MLP1``, ``neuron:L1N17``, ``edge:L1H3>L2H3``,
``conversation:3`` or ``position:12``. Views link to it, the report's address holds it and the card is opened by it,
whatever its kind. A name is made of letters, digits and ``-_.>`` only: never a word of a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from wonderland.components import Component, Edge, Feature, Head, Neuron, parse_component
from wonderland.errors import PluginError, UsageError

__all__ = ["KINDS", "Key", "keys_of"]

Kind = Literal["head", "mlp", "neuron", "feature", "edge", "class", "model", "conversation", "position", "layer"]
KINDS: tuple[str, ...] = get_args(Kind)
_COUNTED = ("conversation", "position", "layer")
_PARTS = {cls.kind: cls for cls in (Head, Neuron, Feature)} | {"edge": Edge}
_MLP = re.compile(r"MLP(?:0|[1-9]\d{0,3})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_OLD = {"head": "head", "pos": "position", "sample": "conversation", "layer": "layer"}


@dataclass(frozen=True)
class Key:
    """One thing a reader can select.

    Args:
        kind: "head", "mlp", "neuron", "feature", "edge", "class" (of messages), "model", "conversation", "position" or
            "layer".
        name: Its name: that of the head, neuron or feature; "MLP1" of the MLP of layer 1; of an edge its `Edge` with
            ">" for the arrow; a number counted from 0 for a conversation, a position or a layer.

    >>> str(Key.of(Head(2, 0))), Key.parse("edge:L1H3>L2H3").kind
    ('head:L2H0', 'edge')
    """

    kind: Kind
    name: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise PluginError(f"Nothing of the kind {self.kind!r} can be selected.", hint=f"Kinds: {', '.join(KINDS)}.")
        name = self.name
        if self.kind in _PARTS:
            try:
                _PARTS[self.kind].parse(name)
            except UsageError as error:
                raise PluginError(error.message) from error
            good = all(_NAME.fullmatch(end) for end in name.split(">"))
        elif self.kind == "mlp":
            good = _MLP.fullmatch(name) is not None
        elif self.kind in _COUNTED:
            good = name.isascii() and name.isdigit() and len(name) <= 6
        else:
            good = _NAME.fullmatch(name) is not None
        if not good:
            article = "an" if self.kind == "edge" else "a"
            raise PluginError(
                f"{name!r} is no name of {article} {self.kind}.", hint="Letters, digits and -_. make a name."
            )

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Key:
        """Return the key that is written so."""
        kind, colon, name = text.partition(":")
        if not colon:
            raise PluginError(f"{text!r} is no key.", hint="Keys are written like head:L2H0.")
        return cls(kind, name)  # type: ignore[arg-type]  # the constructor says which kinds there are

    @classmethod
    def of(cls, value: Any) -> Key:
        """Return the key of a head, a neuron, a feature, an edge, of such a name or an MLP's, or of a key's.

        >>> print(Key.of("L2H0"), Key.of("MLP1"))
        head:L2H0 mlp:MLP1
        """
        if isinstance(value, Key):
            return value
        if isinstance(value, Component):
            return cls(value.kind, str(value))  # type: ignore[arg-type]
        if isinstance(value, Edge):
            return cls("edge", str(value).replace(" → ", ">"))
        if isinstance(value, str):
            return cls.named(value) or cls.parse(value)
        raise PluginError(f"A {type(value).__name__} cannot be selected.", hint="Give a Head, or a key: position:12.")

    @classmethod
    def named(cls, name: Any) -> Key | None:
        """Return the key of the part of the model that has this name, or None if it is the name of none.

        >>> print(Key.named("MLP1"), Key.named("yes"))
        mlp:MLP1 None
        """
        if not isinstance(name, str):
            return None
        part = parse_component(name)
        return cls.of(part) if part is not None else cls("mlp", name) if _MLP.fullmatch(name) else None

    @classmethod
    def spelled(cls, kind: Kind, words: str) -> Key:
        """Return the key of something that has a name in words, such as a class of messages or a model.

        >>> print(Key.spelled("class", "words by me"))
        class:words-by-me
        """
        return cls(kind, re.sub(r"[^A-Za-z0-9._-]+", "-", words).strip("-._") or "unnamed")

    @classmethod
    def edge(cls, start: Any, end: Any) -> Key:
        """Return the key of an edge between two parts of the model."""
        return cls.of(Edge(start, end))

    @classmethod
    def position(cls, number: int) -> Key:
        """Return the key of a position in a conversation, counted from 0."""
        return cls("position", str(int(number)))

    @classmethod
    def conversation(cls, number: int) -> Key:
        """Return the key of a conversation, counted from 0."""
        return cls("conversation", str(int(number)))


def keys_of(selection: Any) -> tuple[Key, ...]:
    """Return the keys of a selection: of one thing, of several, or of a mapping such as ``{"head": "L2H0"}``."""
    if selection is None:
        return ()
    if isinstance(selection, Mapping):
        return tuple(Key(_OLD.get(kind, kind), str(name)) for kind, name in selection.items())  # type: ignore[arg-type]
    if isinstance(selection, (str, Key, Component, Edge)):
        return (Key.of(selection),)
    if isinstance(selection, Iterable) and not (isinstance(selection, np.ndarray) and not selection.ndim):
        return tuple(map(Key.of, selection))
    return (Key.of(selection),)
