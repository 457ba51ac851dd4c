"""How far is a workspace? Every stage with its state (done, out of date, missing or damaged), its date and its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wonderland.errors import UsageError, WonderlandError
from wonderland.workspace.kept import kept
from wonderland.workspace.layout import CHECKPOINT, Layout
from wonderland.workspace.stage import State
from wonderland.workspace.wipe import bytes_of

__all__ = ["Step", "status"]


@dataclass(frozen=True)
class Step:
    """One line of `Workspace.status`.

    Attributes:
        name: What it is about.
        state: Whether it is done.
        detail: What else there is to say.
        size: Bytes on disk.
        written: When it was written, in seconds since 1970; None if it is not there.
    """

    name: str
    state: State
    detail: str = ""
    size: int = 0
    written: float | None = None


def status(layout: Layout) -> list[Step]:
    """Say of every stage of a workspace whether it is done."""
    steps = [_step(layout, name) for name in ("corpus", "filtered", "tokenizer", "model", "checks")]
    report = layout.folder / "report.html"
    there = report.exists()
    detail = str(report) if there else ""
    results = _results(layout)
    if there and results.written and report.stat().st_mtime < results.written:
        detail += "; results came after it: `wonderland report` shows them"
    return [*steps, results, Step("report", "done" if there else "missing", detail, *_on_disk([report]))]


def _step(layout: Layout, name: str) -> Step:
    state: State
    try:
        state = layout.stage(name).state()
    except UsageError:
        state = "missing"
    detail = ""
    if name == "model" and state != "done" and (layout.folder / CHECKPOINT).exists():
        detail = "training was interrupted and can go on"
    if name == "corpus" and state == "done" and layout.store_changed():
        detail = "the store has changed since; `wonderland extract` reads it again"
    if name == "corpus" and state != "missing" and layout.lost_source:
        detail = f"the source {layout.lost_source!r} that read it is not installed here, so it cannot be read again"
    return Step(name, state, detail, *_on_disk([layout.folder / name]))


def _on_disk(places: Sequence[Path]) -> tuple[int, float | None]:
    there = [place for place in places if place.exists()]
    written = max((place.stat().st_mtime for place in there), default=None)
    return sum(bytes_of(place) for place in there), written


def _results(layout: Layout) -> Step:
    """Say how many analyses of the settings have a result, and how many other results there are."""
    there = kept(layout.folder)
    if not there:
        return Step("results", "missing")
    size, written = _on_disk([one.folder for one in there])
    try:
        wanted = _wanted(layout)
    except WonderlandError as error:  # settings that name an analysis which is not installed
        return Step("results", "out of date", error.message, size, written)
    done = [one.analysis for one in there if wanted.get(one.analysis) == one.folder]
    others = len(there) - len(done)
    detail = f"{len(done)} of {len(wanted)} analyses"
    if others:
        detail += f"; {others} with other parameters or of another model"
    return Step("results", "done" if len(done) == len(wanted) else "out of date", detail, size, written)


def _wanted(layout: Layout) -> dict[str, Path]:
    """Return where the result of each analysis of the settings lies or would lie."""
    from wonderland.lab.analysis import select, with_used

    given = layout.settings.analysis.parameters
    stages = layout.analysis_stages(with_used(select(layout.settings.analysis.run, given), given))
    return {name: stage.folder for name, stage in stages.items()}
