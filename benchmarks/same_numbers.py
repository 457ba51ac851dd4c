"""Are the numbers of every analysis the same before and after a change?

Run both versions' analyses on one model, then compare what they stored::

    python benchmarks/same_numbers.py before.wonderland/results after.wonderland/results --changed neurons

prints, for each analysis, how many numbers were compared, their largest difference, and whatever stands on one side
only. The exit code is 1 if a number differs by more than the tolerance in an analysis that is not named as changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from safetensors.numpy import load_file

RENAMED = {"of": "resampled_over"}
"""Parts of an estimate that had another name in older results."""


def stored(folder: Path) -> dict[str, Path]:
    """Return the folder of the newest stored result of each analysis, in ``results/<analysis>/`` or a key below it."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*/**/result.json"), key=lambda path: path.stat().st_mtime):
        if "control" not in path.parts:
            found[path.relative_to(folder).parts[0]] = path.parent
    return found


def numbers(folder: Path) -> dict[str, np.ndarray]:
    """Return every number of a stored result by its path in the result."""
    tree = json.loads((folder / "result.json").read_text(encoding="utf-8"))["fields"]
    tree.pop("provenance", None)
    return dict(_walk(tree, "", load_file(folder / "arrays.safetensors")))


def _walk(node: Any, path: str, arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
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


@click.command()
@click.argument("before", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--tolerance", default=1e-6, show_default=True, help="Largest difference that counts as the same.")
@click.option("--changed", multiple=True, help="An analysis whose numbers were changed on purpose; may be repeated.")
def main(before: Path, after: Path, tolerance: float, changed: tuple[str, ...]) -> None:
    """Compare the results that two versions stored for one model."""
    old, new = stored(before), stored(after)
    wrong = sorted(set(old) - set(new))
    for name in wrong:
        click.echo(f"{name}: only before")
    for name in sorted(set(old) & set(new)):
        a, b = numbers(old[name]), numbers(new[name])
        apart = {path: difference(a[path], b[path]) for path in a.keys() & b.keys()}
        worst = max(apart, key=lambda path: apart[path], default="")
        largest = apart.get(worst, 0.0)
        counted = sum(a[path].size for path in apart)
        verdict = "same" if largest <= tolerance else "changed on purpose" if name in changed else "DIFFERENT"
        if verdict == "DIFFERENT":
            wrong.append(name)
        where = f" at {worst}" if largest > 0 else ""
        click.echo(f"{name}: {verdict}; {counted:,} numbers, largest difference {largest:.2g}{where}")
        for label, paths in (("only before", a.keys() - b.keys()), ("only after", b.keys() - a.keys())):
            if paths:
                click.echo(f"  {label}: {len(paths)} numbers, for example {', '.join(sorted(paths)[:3])}")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
