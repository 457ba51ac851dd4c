"""Analyses that declined, as there was too little data or the model cannot serve them, and analyses that failed.

That is kept like a result, under the same key, as ``results/<analysis>/.<key>.declined``: with the same model, evidence
and parameters an analysis declines again, so that nothing proposes to run it and ``run`` does not try. One that is
asked for by its name is tried all the same. What another version of wonderland declined is forgotten. An audit that
declined is kept so beside its folder, as ``.audit.declined``. That an analysis failed is kept in the same way, as
``.<key>.failed``, so that a report can name it; it is tried again whenever it is asked for.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.version import __version__
from wonderland.workspace.kept import Kept, read_record
from wonderland.workspace.stage import Stage

if TYPE_CHECKING:
    from wonderland.lab.choosing import Runnable

__all__ = [
    "declined", "forget_declined", "load_declined", "load_failed", "save_declined", "save_failed", "why_declined",
]  # fmt: skip

_WHY = "declined.json"


def save_declined(stage: Stage, why: str) -> None:
    """Note that the analysis of a stage declined, and why; a workspace that can only be read stays as it is."""
    _save(stage, "declined", why)


def save_failed(stage: Stage, why: str) -> None:
    """Note that the analysis of a stage failed, and why; a workspace that can only be read stays as it is."""
    _save(stage, "failed", why)


def _save(stage: Stage, what: str, why: str) -> None:
    place = _place(stage, what)
    with contextlib.suppress(OSError):
        for other in stage.folder.parent.glob(f".*.{what}"):  # of other inputs: it is quickly found out again
            shutil.rmtree(other, ignore_errors=True)
        with place.writing() as folder:
            told = {"why": why, "wonderland": __version__}
            (folder / _WHY).write_text(json.dumps(told), encoding="utf-8")


def forget_declined(stage: Stage) -> None:
    """Forget that the analysis of a stage declined or failed, as there is a result now."""
    for what in ("declined", "failed"):
        shutil.rmtree(_place(stage, what).folder, ignore_errors=True)


def load_declined(chosen: Sequence[Runnable], stages: Mapping[str, Stage]) -> dict[str, str]:
    """Return why analyses declined with just these inputs, by name."""
    return {one.name: why for one in chosen if (why := why_declined(stages[one.name]))}


def load_failed(chosen: Sequence[Runnable], stages: Mapping[str, Stage]) -> dict[str, str]:
    """Return why analyses failed with just these inputs, the last time they were tried, by name."""
    return {one.name: why for one in chosen if (why := _why_of(stages[one.name], "failed"))}


def why_declined(stage: Stage) -> str:
    """Return why the work of a stage declined with just these inputs; "" if it did not."""
    return _why_of(stage, "declined")


def _why_of(stage: Stage, what: str) -> str:
    place = _place(stage, what)
    return _why(place.folder) if place.folder.is_dir() and place.done else ""


def declined(workspace: Path) -> list[tuple[Kept, str]]:
    """List every analysis of a workspace that declined, as what its result would have been, with the reason."""
    found = []
    for record in sorted((workspace / "results").glob("*/.*.declined/stage.json")):
        one, why = read_record(record), _why(record.parent)
        if one is not None and why:
            found.append((one, why))
    return found


def _place(stage: Stage, what: str) -> Stage:
    return replace(stage, folder=stage.folder.with_name(f".{stage.folder.name}.{what}"))


def _why(folder: Path) -> str:
    try:
        told: dict[str, Any] = json.loads((folder / _WHY).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    same = isinstance(told, dict) and told.get("wonderland") == __version__
    return str(told.get("why", "")) if same else ""
