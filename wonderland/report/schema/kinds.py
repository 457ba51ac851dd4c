"""What a field of a part can be beyond its type: its kind, its name in JSON, and attention packed as triangles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wonderland.errors import PluginError

__all__ = ["Kind", "Named", "Triangles"]


@dataclass(frozen=True)
class Kind:
    """What a field's value is, and how it is brought into form."""

    name: str
    form: Callable[[Any, str], Any]


@dataclass(frozen=True)
class Named:
    """The name of a field in the report's JSON, where Python cannot say it."""

    json: str


@dataclass(frozen=True)
class Triangles:
    """Lower triangles of attention patterns, stored in the report as deflated uint16 (exact to 8e-6).

    Args:
        values: Array [pattern, query, key] with entries in [0, 1]; what lies above the diagonal is not kept.
    """

    values: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[1] != self.values.shape[2]:
            raise PluginError(f"Triangles need an array [pattern, query, key], not one of shape {self.values.shape}.")
