"""Dictionaries that are finished, kept in an analysis' scratch folder: a run that was stopped does not train them anew.

Files of safetensors, written beside their place and moved there; what was trained with other settings is not taken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from wonderland_sparse.dictionary import Dictionary

__all__ = ["clear", "kept"]


def kept(folder: Path, name: str, about: dict[str, Any], train: Callable[[], Any], kind: Any = Dictionary) -> Any:
    """Return the dictionary of a name if it is there with the same settings; else train it and keep it.

    Args:
        folder: The scratch folder.
        name: Its name there.
        about: Everything that decides what it will be, as JSON values.
        train: Trains it.
        kind: What it is: a `Dictionary` or a `Transcoder`.
    """
    path, mark = folder / f"{name}.safetensors", json.dumps(about, sort_keys=True)
    try:
        with safe_open(path, "numpy") as file:
            if (file.metadata() or {}).get("about") == mark:
                return kind.of({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, KeyError, ValueError):
        pass  # not there, or half of it: it is trained
    made = train()
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(save(made.arrays(), metadata={"about": mark}))
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return made


def clear(folder: Path) -> None:
    """Delete what was kept, once it is in the result."""
    for path in folder.glob("*.safetensors"):
        path.unlink()
