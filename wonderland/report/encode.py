"""Arrays and other people's words as inert JSON in a web page, so that they never become code.

Arrays become ``{"$array": type, "shape": [...], "z": text}`` and attention patterns ``{"$triangles": count, "n": side,
"z": text}``, where ``z`` is deflated and base64-encoded; the browser unpacks them with its own ``DecompressionStream``.
Small arrays, which deflating would not shrink and whose many streams would delay the first picture, are ``raw`` base64.
The JSON is ASCII only and has no ``<``, ``>`` or ``&``, so no message can end the script element it lies in; lone
surrogates travel as ``\\udXXX`` escapes. NaN, which JSON lacks, is written as null, and infinities as ``{"$number"}``.

Triangles: rounding to 16 bits errs by at most 1/131070 < 8e-6. The high bytes come before the low bytes, because
most attention is near zero and a run of equal high bytes deflates well.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from wonderland.errors import PluginError
from wonderland.report.schema import Triangles

__all__ = ["decode", "deflate", "encode", "inert"]

_TYPES = {"f4": "<f4", "f8": "<f8", "i4": "<i4", "u1": "u1"}
_SMALL = 600  # bytes
_FORBIDDEN_KEYS = ("__proto__", "constructor", "prototype")


def encode(value: Any, where: str = "data") -> Any:
    """Turn JSON values, numpy arrays and `Triangles` into a tree of plain JSON values.

    Args:
        value: What a view or a card holds.
        where: Where it lies, for the message of an error.

    Raises:
        PluginError: There is something the report cannot hold.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Triangles):
        return _pack_triangles(value, where)
    if isinstance(value, np.ndarray):
        return _pack_array(value, where)
    if isinstance(value, np.generic):
        return encode(value.item(), where)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else {"$number": "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or key.startswith("$") or key in _FORBIDDEN_KEYS:
                raise PluginError(f"{where} has the key {key!r}; keys are text that does not begin with '$'.")
        return {key: encode(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise PluginError(
        f"{where} is a {type(value).__name__}, which a report cannot hold.",
        hint="Give JSON values, numpy arrays or Triangles.",
    )


def decode(tree: Any) -> Any:
    """Turn what `encode` made back into values, as the browser does."""
    if isinstance(tree, list):
        return [decode(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "$number" in tree:
        return float(tree["$number"])
    if "$array" in tree:
        data = _inflate(tree["z"]) if "z" in tree else base64.b64decode(tree["raw"])
        return np.frombuffer(data, _TYPES[tree["$array"]]).reshape(tree["shape"])
    if "$triangles" in tree:
        return _unpack_triangles(tree)
    return {key: decode(item) for key, item in tree.items()}


def inert(tree: Any) -> str:
    """Write an encoded tree as JSON that can lie in a ``<script type="application/json">`` whatever it says."""
    text = json.dumps(tree, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _pack_array(array: np.ndarray, where: str) -> dict[str, Any]:
    if array.dtype.kind == "b" or array.dtype == np.uint8:
        kind = "u1"
    elif array.dtype.kind in "iu":
        fits = not array.size or (array.min() >= -(2**31) and array.max() < 2**31)
        kind = "i4" if fits else "f8"
    elif array.dtype.kind == "f":
        kind = "f4"
    else:
        raise PluginError(f"{where} is an array of {array.dtype}, which a report cannot hold.", hint="Give numbers.")
    return {"$array": kind, "shape": list(array.shape), **_packed(array.astype(_TYPES[kind]).tobytes())}


def _pack_triangles(triangles: Triangles, where: str) -> dict[str, Any]:
    values = np.asarray(triangles.values)
    count, n, _ = values.shape
    lower = values[:, *np.tril_indices(n)].astype(np.float64)
    if lower.size and not (np.isfinite(lower).all() and lower.min() >= -1e-6 and lower.max() <= 1 + 1e-6):
        raise PluginError(f"{where} holds attention outside [0, 1] or not finite.")
    levels = np.rint(np.clip(lower, 0, 1) * 65535).astype(np.uint16)
    planes = np.concatenate([(levels >> 8).astype(np.uint8).ravel(), (levels & 255).astype(np.uint8).ravel()])
    return {"$triangles": count, "n": n, "z": deflate(planes.tobytes())}


def _unpack_triangles(tree: Mapping[str, Any]) -> Triangles:
    count, n = tree["$triangles"], tree["n"]
    high, low = np.frombuffer(_inflate(tree["z"]), np.uint8).reshape(2, count, n * (n + 1) // 2).astype(np.uint16)
    values = np.zeros((count, n, n), dtype=np.float32)
    values[:, *np.tril_indices(n)] = ((high << 8) | low) / np.float32(65535)
    return Triangles(values)


def _packed(data: bytes) -> dict[str, str]:
    if len(data) <= _SMALL:
        return {"raw": base64.b64encode(data).decode("ascii")}
    return {"z": deflate(data)}


def deflate(data: bytes) -> str:
    """Return bytes deflated, as base64: what ``z`` holds."""
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def _inflate(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
