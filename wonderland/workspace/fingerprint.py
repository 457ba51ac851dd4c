"""Short hashes of files, folders and settings, which say whether anything has changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from wonderland.paths import hash_file

__all__ = ["hash_file", "hash_value", "source_state"]


def hash_value(value: Any) -> str:
    """Return a short hash of JSON values; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def source_state(path: Path) -> list[list[Any]]:
    """Return name, size and time of change of a file, and of what lies beside it under its name (a database's WAL).

    A message store may be gigabytes that nobody wants to hash; size and time tell a change well enough. Of one that may
    not be looked at nothing is returned, so that it counts as changed, and opening it says how to be let in.
    """
    try:
        return _state(path)
    except PermissionError:
        return []


def _state(path: Path) -> list[list[Any]]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
    else:
        files = sorted(path.parent.glob(f"{path.name}*"))
    return [
        [file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files if not file.name.endswith("-shm")
    ]
