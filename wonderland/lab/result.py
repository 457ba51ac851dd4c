"""The result of an analysis: numbers that explain themselves, show themselves, save and load themselves.

A result is a frozen dataclass whose fields are JSON values, numpy arrays and `Estimate`s. Saving writes the values to
``result.json`` and the arrays to ``arrays.safetensors``: no pickle, so that a result from somebody else can be opened
without running their code.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from wonderland.errors import InputError, PluginError, UsageError
from wonderland.estimate import Estimate
from wonderland.report.findings import Finding
from wonderland.report.schema import Block, Role
from wonderland.report.schema.words import Quoted, Text, Wording, from_json, to_json

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from wonderland.report.glance import Shown
    from wonderland.report.schema import View

__all__ = ["Provenance", "Result"]


@dataclass(frozen=True)
class Provenance:
    """How a result came about: everything needed to get it again."""

    analysis: str
    version: int
    parameters: Mapping[str, Any]
    fingerprints: Mapping[str, str]
    evidence: Mapping[str, Any]
    seconds: float
    wonderland: str


@dataclass(frozen=True)
class Result:
    """Base of what analyses return. Subclass it as a frozen dataclass and say the `summary`.

    Attributes:
        provenance: Attached by `analyze`.
        control: The same analysis of the untrained baseline, attached by ``analyze(..., control=True)``.
    """

    provenance: Provenance | None = field(default=None, kw_only=True, repr=False)
    control: Result | None = field(default=None, kw_only=True, repr=False)

    def summary(self) -> str:
        """Say what was found: the first line is the claim, its number and whether to trust it."""
        return f"{type(self).__name__}: no summary"

    def findings(self) -> Sequence[Finding]:
        """List what the report's first page says; the summary's first line unless overridden.

        That line counts as quoted, as it is plain text that may hold anything: say findings to have them in a redacted
        report.
        """
        views = self.views()
        return [Finding(Quoted(self.summary().splitlines()[0]), views[0].id if views else "")]

    def views(self) -> Sequence[View]:
        """Return the pictures of this result, as data for the report's renderers."""
        return []

    def card(self) -> Mapping[str, Estimate]:
        """Return what the card of a selected head shows: estimates [layer, head] by label."""
        return {}

    def cards(self) -> Mapping[Any, Sequence[Block | Role]]:
        """Return what else the card of a head, or of anything else that can be selected, says, as blocks.

        Keys are heads, neurons, features or `Key`s. A `Role` is what the thing is called and the rule that gave it.
        """
        return {}

    def figure(self) -> Figure:
        """Draw the first view with matplotlib."""
        from wonderland.report.plots import figure

        views = self.views()
        if not views:
            raise UsageError(f"{type(self).__name__} has no views to draw.", hint="Print it: print(result)")
        return figure(views[0])

    def to_frame(self) -> pandas.DataFrame:
        """Return the estimates of `card` as a table with one row for each head and quantity."""
        import pandas

        rows = [
            {"head": str(head), "quantity": label, "value": float(e.value), "low": float(e.low), "high": float(e.high)}
            | {"chance": np.nan if e.chance is None else float(e.chance), "n": e.n, "unit": e.unit}
            for label, estimate in self.card().items()
            for head, e in estimate.heads()
        ]
        return pandas.DataFrame(rows, columns=["head", "quantity", "value", "low", "high", "chance", "n", "unit"])

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        from wonderland.report.glance import glance

        return glance(self.summary(), self.card())

    def show(self, height: int = 640) -> Shown:
        """Return the interactive views of this result for a notebook, in a frame that can reach nothing outside.

        It opens at the first view. A frame may not save files, so it offers no export: `wonderland report` does.

        Args:
            height: Height of the frame in pixels.

        Raises:
            UsageError: The result has no views.
        """
        from wonderland.report.build import gather, render
        from wonderland.report.glance import Shown

        views = sorted(self.views(), key=lambda view: view.order)
        if not views:
            raise UsageError(f"{type(self).__name__} has no views to show.", hint="Print it: print(result)")
        name = self.provenance.analysis if self.provenance is not None else type(self).__name__
        page = dataclasses.replace(gather({name: self}, None), opens=views[0].id)
        return Shown(render(page), height)

    def save(self, folder: Path) -> None:
        """Write ``result.json`` and ``arrays.safetensors`` into an existing folder."""
        from safetensors.numpy import save_file

        arrays: dict[str, np.ndarray] = {}
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("control",)}
        fields["provenance"] = None if self.provenance is None else dataclasses.asdict(self.provenance)
        tree = {"type": type(self).__name__, "fields": _flatten(fields, "", arrays)}
        (folder / "result.json").write_text(json.dumps(tree, indent=1, allow_nan=True), encoding="utf-8")
        save_file({name: np.array(array, order="C") for name, array in arrays.items()}, folder / "arrays.safetensors")
        if self.control is not None:
            (folder / "control").mkdir()
            self.control.save(folder / "control")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote, as this class.

        Raises:
            InputError: The folder holds no result, or one of another class.
        """
        from safetensors.numpy import load_file

        try:
            tree = json.loads((folder / "result.json").read_text(encoding="utf-8"))
            arrays = load_file(folder / "arrays.safetensors")
        except Exception as error:  # safetensors raises its own kind for every damage
            raise InputError(
                f"There is no readable result in {folder}: {error}.", hint="Run `wonderland analyze`."
            ) from error
        if tree.get("type") != cls.__name__:
            raise InputError(
                f"{folder} holds a {tree.get('type')}, not a {cls.__name__}: an older version wrote it.",
                hint="Run `wonderland analyze` again.",
            )
        fields = _unflatten(tree["fields"], arrays)
        if fields.get("provenance") is not None:
            fields["provenance"] = Provenance(**fields["provenance"])
        known = {f.name for f in dataclasses.fields(cls)} - {"control"}
        if set(fields) != known:
            other = ", ".join(sorted(set(fields) ^ known))
            raise InputError(
                f"{folder} was written by another version of {cls.__name__}, with other fields: {other}.",
                hint="Run `wonderland analyze` again.",
            )
        control = cls.load(folder / "control") if (folder / "control").is_dir() else None
        return cls(**fields, control=control)


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
                    f"A stored estimate has parts of another version: {other}.", hint="Run `wonderland analyze`."
                )
            return Estimate(**parts)
        text = from_json(value)
        return text if text is not None else {key: _unflatten(item, arrays) for key, item in value.items()}
    return value
