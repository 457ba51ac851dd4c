"""Every number of a result as one table, one row a number.

The fields of a result are walked, mappings and lists in them too. A row says of which analysis a number is, which
quantity (the path of its field, such as ``cost.resample``), where in the quantity's dimensions it stands, its interval,
its chance level, its n, what was resampled, and its unit.

What would fool it: an array that is no `Estimate`. It has no interval, so it is not in the table; read it from the
result's field.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from wonderland.estimate import Estimate

if TYPE_CHECKING:
    import pandas

__all__ = ["estimates", "joined", "table"]

_LAST = ["value", "low", "high", "chance", "n", "resampled_over", "unit"]


def estimates(value: Any, path: str = "") -> Iterator[tuple[str, Estimate]]:
    """Yield every estimate in a dataclass, a mapping or a list, however deep, with its path.

    Args:
        value: Where to look. Of a result, ``provenance`` and ``control`` are left out.
        path: Path of the value itself.
    """
    if isinstance(value, Estimate):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from estimates(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from estimates(item, f"{path}.{number}" if path else str(number))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.name not in ("provenance", "control"):
                yield from estimates(getattr(value, field.name), f"{path}.{field.name}" if path else field.name)


def table(analysis: str, found: Mapping[str, Estimate]) -> pandas.DataFrame:
    """Return estimates by their path as one table: analysis, quantity, dimensions, numbers, n and unit."""
    frames = []
    for path, estimate in found.items():
        frame = estimate.to_frame()
        frame.insert(0, "quantity", path)
        frame.insert(0, "analysis", analysis)
        frames.append(frame)
    return joined(frames)


def joined(frames: Iterable[pandas.DataFrame]) -> pandas.DataFrame:
    """Return tables of `table` as one, with every dimension that any of them has; NaN where one has it not."""
    import pandas

    parts = [frame for frame in frames if len(frame)]
    first = ["analysis", "quantity"]
    if not parts:
        return pandas.DataFrame(columns=[*first, *_LAST])
    first = ["member", *first] if any("member" in frame.columns for frame in parts) else first
    whole = pandas.concat(parts, ignore_index=True)
    places = [name for name in whole.columns if name not in {*first, *_LAST}]
    return whole[[*first, *places, *_LAST]]
