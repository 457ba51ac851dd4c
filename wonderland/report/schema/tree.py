"""A walk over all words of a view, along the tree of its parts; redaction changes them so."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from wonderland.components import Component
from wonderland.report.schema.node import Node, fields_of
from wonderland.report.schema.words import Quoted, Text

__all__ = ["rewrite", "walk"]

N = TypeVar("N")


def rewrite(value: N, change: Callable[[Any], Any]) -> N:
    """Return a tree of parts with every `Quoted` and every `Text` replaced by what ``change`` says of it."""
    if isinstance(value, (Quoted, Text)):
        return change(value)  # type: ignore[no-any-return]
    if isinstance(value, tuple) and not isinstance(value, Component):
        made = tuple(rewrite(one, change) for one in value)
        return value if all(a is b for a, b in zip(made, value, strict=True)) else made  # type: ignore[return-value]
    if isinstance(value, Node):
        parts = {one.name: (getattr(value, one.name)) for one in fields_of(type(value))}
        new = {name: rewrite(part, change) for name, part in parts.items()}
        changed = {name: part for name, part in new.items() if part is not parts[name]}
        return dataclasses.replace(value, **changed) if changed else value
    return value


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Quoted | Text]]:
    """Yield every text that may hold words of others, with its path; the members of a list share one."""
    if isinstance(value, (Quoted, Text)):
        yield path, value
    elif isinstance(value, (list, tuple)) and not isinstance(value, Component):
        for one in value:
            yield from walk(one, f"{path}[]")
    elif isinstance(value, Node):
        for one in fields_of(type(value)):
            yield from walk(getattr(value, one.name), f"{path}.{one.name}")
