"""How far is a workspace? Every stage with its state: done, out of date, missing or damaged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wonderland.errors import UsageError
from wonderland.workspace.stage import State

if TYPE_CHECKING:
    from wonderland.workspace.workspace import Workspace

__all__ = ["Step", "status"]


@dataclass(frozen=True)
class Step:
    """One line of `Workspace.status`."""

    name: str
    state: State
    detail: str = ""


def status(workspace: Workspace) -> list[Step]:
    """Say of every stage of a workspace whether it is done."""
    steps = [_step(workspace, name) for name in ("corpus", "filtered", "tokenizer", "model", "checks")]
    report = workspace.folder / "report.html"
    there = report.exists()
    return [*steps, _results(workspace), Step("report", "done" if there else "missing", str(report) if there else "")]


def _step(workspace: Workspace, name: str) -> Step:
    from wonderland.workspace.workspace import CHECKPOINT

    state: State
    try:
        state = workspace.stage(name).state()
    except UsageError:
        state = "missing"
    detail = ""
    if name == "model" and state != "done" and (workspace.folder / CHECKPOINT).exists():
        detail = "training was interrupted and can go on"
    if name == "corpus" and state == "done" and workspace.store_changed():
        detail = "the store has changed since; `wonderland extract` reads it again"
    return Step(name, state, detail)


def _results(workspace: Workspace) -> Step:
    folder = workspace.folder / "results"
    done = sorted(path.parent.name for path in folder.glob("*/stage.json")) if folder.is_dir() else []
    key = workspace.stage("model").key if workspace.settings.source.path else ""
    fresh = [name for name in done if _model_of(workspace, name) == key]
    return Step(
        "results", "missing" if not done else "done" if len(fresh) == len(done) else "out of date", ", ".join(done)
    )


def _model_of(workspace: Workspace, name: str) -> str:
    """Return the key of the model that a stored result is about, "" if that cannot be read."""
    try:
        record = json.loads((workspace.folder / "results" / name / "stage.json").read_text(encoding="utf-8"))
        return str(record["inputs"][0])
    except (OSError, ValueError, KeyError, IndexError):
        return ""
