"""Writes the files of a generated export: into a zip if the path ends so, else into a folder."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write"]


def write(path: Path, files: Mapping[str, object]) -> None:
    """Write files by their names inside the export; what is not text already is written as JSON."""
    contents = {name: _content(value) for name, value in files.items()}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return
    for name, content in contents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)


def _content(value: object) -> bytes:
    return value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
