"""Results on disk: JSON values in ``result.json``, arrays in ``arrays.safetensors``.

No pickle, so that a result from somebody else can be opened without running their code. A file is written beside its
place and moved there; ``result.json`` is moved last, so that a folder with one has the arrays that belong to it. It
holds a hash of both, and a workspace seals the folder with a ``stage.json``: a number that changed on disk is noticed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wonderland.advice import Command, Hint
from wonderland.errors import InputError, PluginError, ResourceError, UsageError
from wonderland.estimate import Estimate
from wonderland.paths import changed_file, exchanged, making_parents, replacing, to_write_it
from wonderland.report.schema.words import Quoted, Text, Wording, from_json, to_json

__all__ = ["CONTROL", "read_tree", "write_folder", "write_tree"]

CONTROL = "control"
"""The folder of a result's control in its own."""
_TREE, _ARRAYS = "result.json", "arrays.safetensors"
_SEAL, _USED = "stage.json", "used"  # beside them in a workspace


def write_tree(folder: Path, kind: str, fields: Mapping[str, Any]) -> None:
    """Write the fields of a result of a class into a folder, which is made if it is not there.

    Args:
        folder: Where to.
        kind: Name of the class.
        fields: JSON values, arrays and values of `Estimate`, nested as they like.

    Raises:
        PluginError: A field is none of these.
        ResourceError: The folder cannot be written.
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    flat = _flatten(fields, "", arrays)
    packed = save({name: np.array(array, order="C") for name, array in arrays.items()})
    tree = {"type": kind, "fields": flat, "sha256": _sum(flat, hashlib.sha256(packed).digest())}
    text = json.dumps(tree, indent=1, allow_nan=True).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CONTROL / _TREE).is_file():  # of what was saved here before
            shutil.rmtree(folder / CONTROL)
        (folder / _TREE).unlink(missing_ok=True)
        _replace(folder / _ARRAYS, packed)
        _replace(folder / _TREE, text)
    except OSError as error:
        raise ResourceError(
            f"A result cannot be written to {folder}: {error.strerror or error}. What was there before is untouched.",
            hint=to_write_it(error, folder),
        ) from error


def _replace(path: Path, data: bytes) -> None:
    with replacing(path) as partial:
        partial.write_bytes(data)


def read_tree(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the name of the class and the fields that `write_tree` wrote.

    Raises:
        InputError: The folder holds no result that can be read, or other bytes than were written there, which is not
            noticed of one that an older version saved outside a workspace.
    """
    from safetensors.numpy import load_file

    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", hint="Give the folder that a result was saved to.")
    try:
        tree = json.loads((folder / _TREE).read_text(encoding="utf-8"))
        kind, fields = str(tree["type"]), dict(_unflatten(tree["fields"], load_file(folder / _ARRAYS)))
        with open(folder / _ARRAYS, "rb") as packed:
            found = _sum(tree["fields"], hashlib.file_digest(packed, "sha256").digest())
    except InputError:
        raise
    except Exception as error:  # safetensors raises its own kind for every damage
        raise InputError(
            f"There is no readable result in {folder}: {error}.", hint=Hint("Run `", Command("analyze"), "`.")
        ) from error
    damaged = _broken_seal(folder)
    if not damaged and tree.get("sha256") not in (None, found):
        damaged = f"{_TREE} and {_ARRAYS} are not what was written there"
    if damaged:
        raise InputError(
            f"The result in {folder} is damaged: {damaged}.",
            hint=Hint(
                "Run `", Command("analyze"), "`, which makes it anew, or copy the folder again from where it was whole."
            ),
        )
    return kind, fields


def _sum(fields: Any, arrays: bytes) -> str:
    """Return the hash of a result's JSON values and of the hash of its arrays."""
    return hashlib.sha256(json.dumps(fields).encode() + arrays).hexdigest()


def _broken_seal(folder: Path) -> str:
    """Say in what a folder of a workspace is not as it was sealed; nothing of one that is whole or was never sealed."""
    seal = folder / _SEAL
    if not seal.exists():
        return f"{_SEAL}, which says what was written, is missing" if (folder / _USED).exists() else ""
    try:
        files = json.loads(seal.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        files = None
    if not isinstance(files, dict) or not {_TREE, _ARRAYS} <= files.keys():
        return f"{_SEAL} does not say what was written"
    changed = changed_file(folder, files)
    return "" if changed is None else f"{changed} is not what was written there"


def write_folder(folder: Path, mark: str, write: Any) -> None:
    """Write a whole folder beside its place and move it there, over one of its kind.

    Args:
        folder: Where to.
        mark: The file by which one of its kind is known; a folder that holds anything else is left alone.
        write: Called with the folder to write into.

    Raises:
        UsageError: The folder is there and holds something else.
        ResourceError: It cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and ((folder / mark).is_file() or not any(folder.iterdir()))):
        raise UsageError(f"{folder} holds something else, which would be lost.", hint="Choose a new folder.")
    try:
        with making_parents(folder):
            partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            try:
                write(partial)
                old = partial.with_name(f"{partial.name}.old")
                if not exchanged(partial, folder):
                    if folder.exists():
                        os.replace(folder, old)
                    try:
                        os.replace(partial, folder)
                    except OSError:
                        if old.exists():
                            os.replace(old, folder)
                        raise
                    shutil.rmtree(old, ignore_errors=True)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise ResourceError(
            f"{folder} cannot be written: {error.strerror or error}. What was there before is untouched.",
            hint=to_write_it(error, folder),
        ) from error


def _flatten(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        if path in arrays:  # {"a.b": …} and {"a": {"b": …}} read alike
            path = f"{path} ({len(arrays)})"
        arrays[path] = value
        return {"$array": path}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (Quoted, Text, Wording)):
        return to_json(value)
    if isinstance(value, Estimate):
        parts = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {"$estimate": _flatten(parts, path, arrays)}
    if isinstance(value, Mapping):
        return {str(key): _flatten(item, f"{path}.{key}" if path else str(key), arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_flatten(item, f"{path}.{i}", arrays) for i, item in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise PluginError(f"A result's field {path!r} is a {type(value).__name__}; use JSON values, arrays or Estimates.")


def _unflatten(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_unflatten(item, arrays) for item in value]
    if isinstance(value, dict):
        if set(value) == {"$array"}:
            return arrays[value["$array"]]
        if set(value) == {"$estimate"}:
            parts = _unflatten(value["$estimate"], arrays)
            known = {f.name for f in dataclasses.fields(Estimate)}
            if set(parts) - known:
                other = ", ".join(sorted(set(parts) - known))
                raise InputError(
                    f"A stored estimate has parts of another version: {other}.",
                    hint=Hint("Run `", Command("analyze"), "`."),
                )
            return Estimate(**parts)
        text = from_json(value)
        return text if text is not None else {key: _unflatten(item, arrays) for key, item in value.items()}
    return value
