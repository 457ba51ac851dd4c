"""Options of a source, from what ``wonderland.toml`` can hold to what the source wants: TOML knows no paths."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wonderland.corpus.secrets import secrets_of, variable_of
from wonderland.corpus.source import Source
from wonderland.errors import UsageError

__all__ = ["as_annotated"]


def as_annotated(source: type[Source], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as the source wants them: TOML knows neither paths nor tuples.

    Raises:
        UsageError: One of them is secret.
    """
    for name in secrets_of(source):
        if name in options:
            raise UsageError(
                f"wonderland.toml holds {name} of the source {source.name}, a secret that must not lie in a file.",
                hint=f"Take {name} out of the options under [source]. You are asked for it, or set "
                f"{variable_of(source.name, name)}.",
            )
    hints = typing.get_type_hints(source.__init__)
    return {name: _converted(value, hints.get(name)) for name, value in options.items()}


def _converted(value: Any, kind: Any) -> Any:
    kinds = {kind, typing.get_origin(kind), *typing.get_args(kind)}
    if isinstance(value, str) and Path in kinds and str not in kinds:
        return Path(value)
    return tuple(value) if isinstance(value, list) and tuple in kinds else value
