"""Analyses that declined: there was too little data for an honest answer, or the model cannot serve them.

That is kept like a result, under the same key, as ``results/<analysis>/.<key>.declined``: with the same model, evidence
and parameters an analysis declines again, so that nothing proposes to run it and ``run`` does not try. One that is
asked for by its name is tried all the same. What another version of wonderland declined is forgotten. An audit that
declined is kept so beside its folder, as ``.audit.declined``.
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

__all__ = ["declined", "forget_declined", "load_declined", "save_declined", "why_declined"]

_WHY = "declined.json"


def save_declined(stage: Stage, why: str) -> None:
    """Note that the analysis of a stage declined, and why; a workspace that can only be read stays as it is."""
    place = _place(stage)
    with contextlib.suppress(OSError):
        for other in stage.folder.parent.glob(".*.declined"):  # of other inputs: it is quickly found out again
            shutil.rmtree(other, ignore_errors=True)
        with place.writing() as folder:
            told = {"why": why, "wonderland": __version__}
            (folder / _WHY).write_text(json.dumps(told), encoding="utf-8")


def forget_declined(stage: Stage) -> None:
    """Forget that the analysis of a stage declined, as there is a result now."""
    shutil.rmtree(_place(stage).folder, ignore_errors=True)


def load_declined(chosen: Sequence[Runnable], stages: Mapping[str, Stage]) -> dict[str, str]:
    """Return why analyses declined with just these inputs, by name."""
    found = {}
    for analysis in chosen:
        if why := why_declined(stages[analysis.name]):
            found[analysis.name] = why
    return found


def why_declined(stage: Stage) -> str:
    """Return why the work of a stage declined with just these inputs; "" if it did not."""
    place = _place(stage)
    return _why(place.folder) if place.folder.is_dir() and place.done else ""


def declined(workspace: Path) -> list[tuple[Kept, str]]:
    """List every analysis of a workspace that declined, as what its result would have been, with the reason."""
    found = []
    for record in sorted((workspace / "results").glob("*/.*.declined/stage.json")):
        one, why = read_record(record), _why(record.parent)
        if one is not None and why:
            found.append((one, why))
    return found


def _place(stage: Stage) -> Stage:
    return replace(stage, folder=stage.folder.with_name(f".{stage.folder.name}.declined"))


def _why(folder: Path) -> str:
    try:
        told: dict[str, Any] = json.loads((folder / _WHY).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    same = isinstance(told, dict) and told.get("wonderland") == __version__
    return str(told.get("why", "")) if same else ""
