"""Are two results the same, and what numbers are in one? Read by the contract of analyses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from wonderland.estimate import Estimate
from wonderland.lab.result import Result

__all__ = ["estimates", "require", "require_equal"]


def require(holds: object, message: str) -> None:
    """Raise `AssertionError` with a message unless something holds."""
    if not holds:
        raise AssertionError(message)


def estimates(value: Any, where: str = "result") -> Iterator[tuple[str, Estimate]]:
    """Yield every estimate inside of a result, with its place."""
    if isinstance(value, Estimate):
        yield where, value
    elif isinstance(value, Result):
        for field in dataclasses.fields(value):
            yield from estimates(getattr(value, field.name), field.name)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from estimates(item, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from estimates(item, f"{where}[{number}]")


def require_equal(one: Any, other: Any, message: str, where: str = "result") -> None:
    """Compare two results field by field; numbers to 1e-6, since a sum may be taken in another order."""
    if isinstance(one, (Result, Estimate)):
        for field in dataclasses.fields(one):
            if field.name not in ("provenance", "control"):
                pair = getattr(one, field.name), getattr(other, field.name)
                require_equal(*pair, message, f"{where}.{field.name}")
    elif isinstance(one, Mapping):
        one, other = ({str(key): item for key, item in mapping.items()} for mapping in (one, other))
        require(one.keys() == other.keys(), f"{message} ({where} has other keys)")
        for key in one:
            require_equal(one[key], other[key], message, f"{where}.{key}")
    elif isinstance(one, (list, tuple)):
        require(len(one) == len(other), f"{message} ({where} has another length)")
        for number, pair in enumerate(zip(one, other, strict=True)):
            require_equal(*pair, message, f"{where}[{number}]")
    elif isinstance(one, (np.ndarray, np.number, float)) and np.asarray(one).dtype.kind in "fc":
        same = np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-6, atol=1e-6, equal_nan=True)
        require(same, f"{message} ({where})")
    else:
        require(np.array_equal(one, other), f"{message} ({where}: {one!r}, {other!r})")
