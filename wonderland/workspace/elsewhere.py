"""The stage of a workspace that names a model from elsewhere and its texts, by what is in their files.

The files stay where they are. ``model/examined.json`` holds a hash of each; while place, size and time of all are as
they were, no hash is computed again. Files that were moved or written anew with the same content are the same.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from wonderland.corpus.plain_texts import files_of_texts
from wonderland.paths import expanded
from wonderland.workspace.fingerprint import hash_file
from wonderland.workspace.settings import ExaminedSettings
from wonderland.workspace.stage import Stage

__all__ = ["NOTED", "model_stage", "note"]

NOTED = "examined.json"


def model_stage(folder: Path, examined: ExaminedSettings) -> Stage:
    """Return the stage of a workspace that names its model and texts; its key is made of what is in their files.

    Args:
        folder: The workspace.
        examined: Which model and which texts.
    """
    noted, state = _noted(folder), _state(examined)
    content = noted["content"] if noted.get("state") == state else _content(tuple(map(tuple, state)))
    chosen = {key: value for key, value in asdict(examined).items() if key not in ("model", "texts")}
    return Stage("model", folder / "model", 1, {"content": content, **chosen})


def note(folder: Path, examined: ExaminedSettings) -> None:
    """Note what the files of model and texts hold now."""
    state, stage = _state(examined), model_stage(folder, examined)
    if stage.done and _noted(folder).get("state") == state:
        return
    content = _content(tuple(map(tuple, state)))
    stage = replace(stage, parameters={**stage.parameters, "content": content})
    with stage.writing() as place:
        text = json.dumps({"state": state, "content": content}, indent=1)
        (place / NOTED).write_text(text, encoding="utf-8")


def _files(examined: ExaminedSettings) -> list[Path]:
    from wonderland.lab.external.on_disk import files_of

    return [*files_of(expanded(examined.model)), *files_of_texts(expanded(examined.texts))]


def _state(examined: ExaminedSettings) -> list[list[Any]]:
    there = [(file, file.stat()) for file in _files(examined) if file.is_file()]
    return [[str(file), stat.st_size, stat.st_mtime_ns] for file, stat in there]


@lru_cache(maxsize=4)
def _content(state: tuple[tuple[Any, ...], ...]) -> list[list[str]]:
    """Return name and hash of files, which are read once for each state they are in."""
    return [[Path(place).name, hash_file(Path(place))] for place, *_ in state]


def _noted(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / "model" / NOTED).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) and {"state", "content"} <= set(value) else {}
