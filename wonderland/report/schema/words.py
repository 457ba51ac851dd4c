"""Whose words these are: text that an analysis wrote, and text that comes from messages or tokens, as types.

A sentence of an analysis is a plain ``str``. What comes from a message, or from a tokenizer that was trained on
messages, is `Quoted`: it is no ``str``, so it cannot slip into an f-string by accident; `say` puts both together into
a `Text`, which remembers which part is whose. Redaction replaces quoted words only, so nobody has to guess afterwards
whether "locker" was a label or a secret.

Where a field may hold either, such as the label of a row, a plain ``str`` counts as quoted, because the labels of one
analysis are the tokens of another. An analysis marks its own label as `Wording`.

What would fool it: an author who writes a token into an f-string as plain text. A tokenizer's pieces are ``str``, so
quote them where they are made: ``Quoted(piece)``.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, Literal

from wonderland.components import Component, Edge
from wonderland.counted import formatted
from wonderland.errors import PluginError

__all__ = ["Quoted", "Text", "Wording", "characters", "from_json", "join", "say", "spoken", "to_json"]

Source = Literal["words", "token", "message"]
_NAME = re.compile(r"L\d{1,4}(?:[HNF]\d{1,6})?|H\d{1,4}", re.ASCII)


def _refuse() -> str:
    raise PluginError(
        "Words of messages were put into plain text, where redaction could not find them again.",
        hint='Use say("fires on {word}", word=token), or .text for the bare characters.',
    )


class Quoted:
    """Words that somebody else wrote, or a token that was learned from them.

    Args:
        text: The characters.
        source: "words" for a word or some, "token" for one item of a vocabulary, "message" for a message or a part of
            one, which a redacted report leaves out whatever it says.
    """

    __slots__ = ("source", "text")
    text: str
    source: Source

    def __init__(self, text: str, source: Source = "words") -> None:
        if not isinstance(text, str) or source not in ("words", "token", "message"):
            raise PluginError(f"Quoted takes text and what it is, not {type(text).__name__} and {source!r}.")
        object.__setattr__(self, "text", str.__str__(text))
        object.__setattr__(self, "source", source)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Quoted cannot be changed: {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.text, self.source)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quoted) and (self.text, self.source) == (other.text, other.source)

    def __hash__(self) -> int:
        return hash((self.text, self.source))

    def __repr__(self) -> str:
        return f"<Quoted {self.source}, {len(self.text)} characters>"

    def __str__(self) -> str:
        return _refuse()

    def __format__(self, spec: str) -> str:
        return _refuse()

    def strip(self) -> Quoted:
        """Return the same without space around it."""
        return Quoted(self.text.strip(), self.source)


class Wording(str):
    """Text an analysis wrote itself, in a field where a plain ``str`` would count as quoted.

    >>> Wording("residual stream") == "residual stream"
    True
    """

    __slots__ = ()

    @classmethod
    def every(cls, words: Any) -> Any:
        """Return lists of an analysis' own words, however nested, with each marked; what is no text stays as it is."""
        if isinstance(words, str):
            return cls(words)
        return (
            [cls.every(one) for one in words]
            if isinstance(words, (list, tuple)) and type(words) in (list, tuple)
            else words
        )


class Text:
    """A sentence of an analysis with words of others in it; `say` and `join` make one.

    Attributes:
        parts: ``str`` where the analysis speaks, `Quoted` where others do.
    """

    __slots__ = ("parts",)
    parts: tuple[str | Quoted, ...]

    def __init__(self, parts: Iterable[str | Quoted]) -> None:
        object.__setattr__(self, "parts", tuple(part for part in parts if part != ""))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Text cannot be changed: {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.parts,)

    @property
    def text(self) -> str:
        """The bare characters, as a reader sees them."""
        return "".join(map(characters, self.parts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __repr__(self) -> str:
        return f"Text({list(self.parts)!r})"

    def __str__(self) -> str:
        return _refuse()

    def __format__(self, spec: str) -> str:
        return _refuse()


Words = str | Quoted | Text | Component | Edge


def characters(words: Any) -> str:
    """Return the bare characters of any text: of a ``str``, a `Quoted`, a `Text`, or of what prints as its name."""
    return words.text if isinstance(words, (Quoted, Text)) else str(words)


def say(sentence: str, **words: Any) -> Text:
    """Fill the fields of a sentence of one's own with numbers and with words of others.

    Args:
        sentence: As for ``str.format``: ``"{head} fires on {word} ({share:.0%})"``.
        **words: A plain ``str`` counts as quoted, as do the members of a list, which is joined by commas; numbers,
            estimates, names of heads and `Wording` are one's own.

    Raises:
        PluginError: A field has no value, or a format that quoted words cannot have.

    >>> say("{head} fires on {word}", head="L0H1", word=" hi").text
    'L0H1 fires on  hi'
    """
    parts: list[str | Quoted] = []
    for literal, name, spec, conversion in string.Formatter().parse(sentence):
        parts.append(literal)
        if name is None:
            continue
        if name not in words:
            raise PluginError(f"The sentence {sentence!r} has no value for {{{name}}}.")
        value = words[name]
        if isinstance(value, Edge) and not value.of_model:
            value = Quoted(str(value))
        quoted = isinstance(value, (Quoted, Text, list, tuple)) and not isinstance(value, Component)
        if (quoted or (isinstance(value, str) and not isinstance(value, Wording))) and not conversion and not spec:
            parts += _parts(value)
        elif quoted or conversion:
            raise PluginError(f"In {sentence!r}, {{{name}}} has a format that quoted words cannot have.")
        else:
            number = isinstance(value, Real) and not isinstance(value, bool)
            parts.append(formatted(value, spec or "") if number else format(value, spec or ""))
    return Text(parts)


def join(parts: Iterable[Words], separator: str = " ") -> Text:
    """Put sentences one after another; here a plain ``str`` is a sentence of one's own."""
    told: list[str | Quoted] = []
    for part in parts:
        told += [separator] if told else []
        told += part.parts if isinstance(part, Text) else [part if isinstance(part, Quoted) else str(part)]
    return Text(told)


def spoken(tokens: Sequence[str | Quoted]) -> list[Quoted]:
    """Mark tokens along a conversation as parts of messages, which a redacted report leaves out."""
    return [Quoted(characters(token), "message") for token in tokens]


def _parts(value: Any) -> list[str | Quoted]:
    if isinstance(value, Text):
        return list(value.parts)
    if isinstance(value, (list, tuple)) and not isinstance(value, Component):
        told = [[str(one)] if isinstance(one, (Component, Wording)) else _parts(one) for one in value]
        return [part for i, one in enumerate(told) for part in ([", "] if i else []) + one]
    return [value if isinstance(value, Quoted) else quoted_unless_named(str(value))]


def quoted_unless_named(text: str) -> str | Quoted:
    """Return plain text as quoted, unless it is the name of a part of the model, such as L2, L2H0 or H3."""
    return text if is_name(text) else Quoted(text)


def is_name(text: str) -> bool:
    """Say whether text is the name of a layer, a head, a neuron or a feature: L2, H3, L2H0, L1N17, L2F339."""
    return _NAME.fullmatch(text) is not None


def to_json(value: Quoted | Text | Wording) -> dict[str, Any]:
    """Return marked text as a JSON value that keeps its mark."""
    if isinstance(value, Quoted):
        return {"$quoted": value.text, "source": value.source}
    if isinstance(value, Wording):
        return {"$wording": str(value)}
    return {"$text": [part if isinstance(part, str) else to_json(part) for part in value.parts]}


def from_json(value: dict[str, Any]) -> Quoted | Text | Wording | None:
    """Return the text that `to_json` wrote, or None if this is something else."""
    if set(value) == {"$quoted", "source"}:
        return Quoted(value["$quoted"], value["source"])
    if set(value) == {"$wording"}:
        return Wording(value["$wording"])
    if set(value) == {"$text"}:
        return Text(
            part if isinstance(part, str) else Quoted(part["$quoted"], part["source"]) for part in value["$text"]
        )
    return None
