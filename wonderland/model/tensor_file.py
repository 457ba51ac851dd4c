"""Tensors on disk: one safetensors file with a JSON header, written beside the old one and swapped in.

A kill or a full disk at any moment leaves the old file or the new one, never half of one. No pickle: a file from
somebody else can be opened without running their code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from wonderland.errors import InputError, ResourceError
from wonderland.paths import as_os_error, replacing, to_write_it

__all__ = ["damaged", "read", "write"]

_HEADER = "wonderland"


def write(path: Path, about: Mapping[str, Any], tensors: Mapping[str, Tensor], *, what: str) -> None:
    """Write a file in place of the one before.

    Args:
        path: The file.
        about: Header, JSON values.
        tensors: Tensors by name, on any device.
        what: What the file is, for the error: "model", "checkpoint".

    Raises:
        ResourceError: It could not be written; the one before is untouched.
    """
    from safetensors.torch import save_file

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with replacing(path) as partial:
            save_file(plain, partial, metadata={_HEADER: json.dumps(about)})
    except Exception as error:  # safetensors wraps OSError in its own kind
        cause = as_os_error(error)
        raise ResourceError(
            f"The {what} {path} could not be written: {cause.strerror or cause}. What was there before is untouched.",
            hint=to_write_it(cause, path),
        ) from error


def read(path: Path, *, what: str, hint: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the header and the tensors that `write` wrote.

    Raises:
        InputError: The file is damaged, or is none of ours.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            about = dict(json.loads((file.metadata() or {})[_HEADER]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # safetensors raises its own kind for every damage
        raise damaged(path, error, what=what, hint=hint) from error
    return about, tensors


def damaged(path: Path, error: Exception, *, what: str, hint: str) -> InputError:
    """Return the error for a file whose contents make no sense."""
    return InputError(f"The {what} {path} is damaged: {type(error).__name__} {error}.", hint=hint)
