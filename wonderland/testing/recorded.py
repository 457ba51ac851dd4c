"""The numbers of results, recorded in a small file, so that whoever changes one is told of which analysis it is.

A result's stored numbers are folded by field: a list of things that each have a number is one field, and for a field
of more than `FEW` numbers stand its size and four means, in which the sign and the place of every number count. Another
processor adds in another order, so numbers are compared up to `TOLERANCE` of the field's size.

What would fool it: a change so small that it drowns in the mean of a large field, or one that the recorded model never
meets.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from wonderland import plugins
from wonderland.lab.result import Result

__all__ = ["FEW", "LEAST", "TOLERANCE", "changes", "difference", "folded", "record", "stored_numbers"]

FEW = 8
"""Numbers of a field that are recorded one by one."""
TOLERANCE = 1e-4
"""By how much of the mean size of a field's numbers one may differ; float32 adds up to this in any order."""
LEAST = 1e-2
"""Mean size under which a field's numbers are compared as if it were this: what is all but 0 is noise."""
RENAMED = {"of": "resampled_over"}
"""Parts of an estimate that had another name in older results."""


def stored_numbers(folder: Path) -> dict[str, np.ndarray]:
    """Return every number of a stored result by its path in the result.

    Args:
        folder: A folder that `Result.save` wrote.
    """
    tree = json.loads((folder / "result.json").read_text(encoding="utf-8"))["fields"]
    tree.pop("provenance", None)
    return dict(_walk(tree, "", load_file(folder / "arrays.safetensors")))


def _walk(node: Any, path: str, arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(node, dict):
        if set(node) == {"$array"}:
            yield path, arrays[node["$array"]]
            return
        inner = node["$estimate"] if set(node) == {"$estimate"} else node
        for key, value in inner.items():
            yield from _walk(value, f"{path}.{RENAMED.get(key, key)}".lstrip("."), arrays)
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _walk(value, f"{path}.{i}", arrays)
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        yield path, np.asarray(node, dtype=np.float64)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest absolute difference; NaN equals NaN, another shape is infinitely far."""
    if one.shape != other.shape:
        return float("inf")
    if not one.size:
        return 0.0
    a, b = one.astype(np.float64), other.astype(np.float64)
    apart = np.where(a == b, 0.0, np.abs(a - b))  # infinities that are equal differ by nothing
    return float(np.max(np.where(np.isnan(a) & np.isnan(b), 0.0, np.where(np.isnan(apart), np.inf, apart))))


def folded(result: Result) -> dict[str, Any]:
    """Return a result's numbers by field: a list of few, or a mapping of what stands for many; None is no number."""
    with tempfile.TemporaryDirectory() as folder:
        result.save(folder)
        found = stored_numbers(Path(folder))
    fields: dict[str, list[np.ndarray]] = {}
    for path, array in found.items():
        fields.setdefault(re.sub(r"\.\d+(?=\.|$)", "", path), []).append(np.ravel(array).astype(np.float64))
    return {path: _fold(np.concatenate(parts)) for path, parts in fields.items()}


def _fold(values: np.ndarray) -> Any:
    if len(values) <= FEW:
        return [_plain(value) for value in values]
    there = np.where(np.isfinite(values), values, 0.0)
    turned = np.cos(np.arange(len(values)))  # every place has a weight of its own
    means = (np.abs(there).mean(), there.mean(), (there * turned).mean(), (np.abs(there) * turned[::-1]).mean())
    return {"size": len(values), "numbers": int(np.isfinite(values).sum()), "means": list(map(_plain, means))}


def _plain(value: Any) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def record(results: Mapping[str, Result], but: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """Return what is kept of results, by analysis: its version and its numbers by field.

    Args:
        results: Results by the name of their analysis.
        but: By analysis, fields that are left out: those that hang by the last digits of other numbers.
    """
    known = plugins.load().analyses
    return {
        name: {
            "version": known[name].version,
            "numbers": {path: one for path, one in folded(result).items() if path not in but.get(name, ())},
        }
        for name, result in sorted(results.items())
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Return what differs of each analysis between two records, the field that differs most; {} if nothing does.

    Args:
        before: What `record` returned once.
        now: What it returns now.
    """
    found = {name: "it is not recorded" for name in now if name not in before}
    found |= {name: "it is recorded and no longer there" for name in before if name not in now}
    for name in sorted(before.keys() & now.keys()):
        if told := _change(before[name]["numbers"], now[name]["numbers"]):
            found[name] = told
    return dict(sorted(found.items()))


def _change(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if other := sorted(before.keys() ^ now.keys()):
        return f"the fields {', '.join(other)} are in one only"
    far = {path: _apart(before[path], now[path]) for path in before}
    worst = max(far, key=lambda path: far[path], default="")
    if not worst or far[worst] <= TOLERANCE:
        return ""
    count = sum(one > TOLERANCE for one in far.values())
    return f"{count} of {len(far)} fields, most of all {worst}: {_shown(before[worst])}, now {_shown(now[worst])}"


def _apart(before: Any, now: Any) -> float:
    """Return by how much of the mean size of its numbers a field differs."""
    many = isinstance(before, dict)
    if many != isinstance(now, dict):
        return float("inf")
    if many and any(before[key] != now[key] for key in ("size", "numbers")):
        return float("inf")
    a, b = (np.array(one["means"] if many else one, dtype=np.float64) for one in (before, now))
    if not len(a) and not len(b):
        return 0.0
    size = abs(a[0]) if many else float(np.nanmean(np.abs(a))) if np.isfinite(a).any() else 0.0
    return difference(a, b) / max(size, LEAST)


def _shown(field: Any) -> str:
    if isinstance(field, dict):
        return f"{field['numbers']} numbers of {field['size']} places, means {_shown(field['means'])}"
    return f"[{', '.join('nan' if one is None else f'{one:.6g}' for one in field)}]"
