"""Results that are kept, and which of them are those of the settings of now.

A result lies in ``results/<analysis>/<key>/``. Each parametrisation of an analysis has a key of its own, so several
live beside each other, and a change of the model leaves the results about the old one where they are: going back finds
them.

A run that is stopped keeps what it found: each result is written as soon as it is there, and one whose untrained
baseline is still to come beside its place, as ``.<key>.begun``, where the next run finds it and goes on.

What bounds their number: of each analysis the `MOST` used last stay, and the others are deleted when a new one is
written. A workspace of before held one result in ``results/<analysis>/`` itself; `move_old` puts it into its place.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.errors import InputError
from wonderland.paths import making_parents, replacing
from wonderland.workspace.fingerprint import hash_value
from wonderland.workspace.locking import alone
from wonderland.workspace.stage import Stage, guarding

if TYPE_CHECKING:
    from wonderland.lab.choosing import Runnable
    from wonderland.lab.result import Result

__all__ = [
    "MOST",
    "Kept",
    "claimed",
    "damaged",
    "kept",
    "latest",
    "load_begun",
    "load_done",
    "move_old",
    "read_record",
    "save",
    "save_begun",
    "scratch_of",
    "touch",
]

MOST = 12
"""Results kept of each analysis."""
_RECORD = "stage.json"
_ABANDONED_SECONDS = 30 * 24 * 3600.0  # after which a stopped run is not gone on with


@dataclass(frozen=True)
class Kept:
    """A result in a workspace.

    Attributes:
        analysis: Its analysis.
        key: The name of its folder.
        version: Version of the analysis.
        parameters: What it was made with.
        evidence: What of the settings says which windows were examined.
        inputs: Keys of the model it is about and of the results it used.
        estimates: What the estimates in it are made of; with other parts they cannot be read.
        used: When it was last written or asked for, in seconds since 1970. It stands in a file, as a copy of a
            workspace has other times of change.
        folder: Where it is.
    """

    analysis: str
    key: str
    version: int
    parameters: Mapping[str, Any]
    evidence: Mapping[str, Any]
    inputs: tuple[str, ...]
    estimates: tuple[str, ...]
    used: float
    folder: Path


def kept(workspace: Path) -> list[Kept]:
    """List every result in a workspace, by analysis, those used last first."""
    move_old(workspace)
    return sorted(_kept(workspace / "results"), key=lambda one: (one.analysis, -one.used))


def _kept(results: Path, pattern: str = "*/*") -> Iterator[Kept]:
    for record in results.glob(f"{pattern}/{_RECORD}"):
        if record.parent.name.startswith("."):  # half written
            continue
        if one := read_record(record):
            yield one


def read_record(record: Path) -> Kept | None:
    """Return what a ``stage.json`` says of the result it seals, or None if it says nothing that can be read."""
    try:
        value = json.loads(record.read_text(encoding="utf-8"))
        made, inputs = value["parameters"], tuple(map(str, value["inputs"]))
        about = (int(value["version"]), dict(made["parameters"]), dict(made["evidence"]), inputs)
        key, estimates = str(value["key"]), tuple(made.get("estimates", ()))
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    folder = record.parent
    return Kept(folder.parent.name, key, *about, estimates, _last_used(folder), folder)


def damaged(folder: Path) -> bool:
    """Whether the folder of a result holds other bytes than were sealed there, or no seal that can be read."""
    return Stage("", folder, 0).state() == "damaged"


def _last_used(folder: Path) -> float:
    try:
        return float(_used(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # of a version that did not note it
        with contextlib.suppress(FileNotFoundError):  # another process is replacing it
            return folder.stat().st_mtime
        return 0.0


def _used(folder: Path) -> Path:
    return folder / "used"


def load_done(chosen: Sequence[Runnable], stages: Mapping[str, Stage]) -> dict[str, Result]:
    """Return the results that are up to date, by analysis. One that cannot be read counts as not being there."""
    return _load(chosen, stages)


def load_begun(chosen: Sequence[Runnable], stages: Mapping[str, Stage]) -> dict[str, Result]:
    """Return the results that lack only their control, by analysis."""
    return _load(chosen, {name: _begun(stage) for name, stage in stages.items()})


def _begun(stage: Stage) -> Stage:
    return replace(stage, folder=stage.folder.with_name(f".{stage.folder.name}.begun"))


def _load(chosen: Sequence[Runnable], stages: Mapping[str, Stage]) -> dict[str, Result]:
    from wonderland.lab.analysis import result_class

    found: dict[str, Result] = {}
    for analysis in chosen:
        stage = stages[analysis.name]
        with contextlib.suppress(InputError):  # of another version of wonderland or of the plugin
            if stage.done:
                found[analysis.name] = stage.read(result_class(type(analysis)).load)
    return found


def touch(stage: Stage) -> None:
    """Note that a result was asked for."""
    # A workspace that can only be read is read all the same.
    with contextlib.suppress(OSError), replacing(_used(stage.folder)) as partial:
        partial.write_text(f"{time.time():.6f}", encoding="utf-8")


def latest(workspace: Path, usual: Stage, models: int = 1) -> Stage:
    """Return the stage of the result of an analysis that was asked for last, whatever its parameters.

    Args:
        workspace: The workspace.
        usual: The stage of the settings of now. The other is about the same models, evidence and version.
        models: How many models it is about.
    """
    about = {key: value for key, value in usual.parameters.items() if key != "parameters"}
    for one in kept(workspace):
        record = Stage(usual.name, one.folder, usual.version).record() or {}
        stage = Stage(usual.name, one.folder, one.version, dict(record.get("parameters", {})), one.inputs)
        its = {key: value for key, value in stage.parameters.items() if key != "parameters"}
        its_models, of_now = one.inputs[:models], usual.inputs[:models]
        same = (one.analysis, one.version, its_models) == (usual.name, usual.version, of_now)
        if same and hash_value(its) == hash_value(about) and stage.done:
            return stage
    return usual


def scratch_of(stage: Stage) -> Path:
    """Return the folder beside a stage in which an analysis writes on the way; it is there again if it was stopped."""
    return stage.folder.with_name(f".{stage.folder.name}.scratch")


@contextlib.contextmanager
def claimed(stages: Iterable[Stage]) -> Iterator[None]:
    """Keep other processes from making the same results, whose scratch folders they would share.

    Raises:
        UsageError: Another process makes one of them; its analysis is named.
    """
    with contextlib.ExitStack() as held:
        for stage in stages:
            with guarding(stage.folder), making_parents(stage.folder):
                lock = stage.folder.with_name(f".{stage.folder.name}.lock")
                held.enter_context(alone(lock, f"runs {stage.folder.parent.name} in this workspace"))
        yield


def save_begun(stage: Stage, result: Result) -> None:
    """Keep a result whose control is still to come, where `load_begun` finds it."""
    with _begun(stage).writing() as folder:
        result.save(folder)


def save(stage: Stage, result: Result, most: int = 0) -> list[Kept]:
    """Keep a result, with what its analysis left in its scratch folder; return those deleted to make room for it."""
    scratch = scratch_of(stage)
    with stage.writing() as folder:
        result.save(folder)
        if scratch.is_dir():
            shutil.copytree(scratch, folder / "scratch")
    touch(stage)
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.rmtree(_begun(stage).folder, ignore_errors=True)
    for left in stage.folder.parent.glob(".*"):  # of runs that were stopped and never went on
        if left.suffix in (".scratch", ".begun") and time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    analysis = stage.folder.parent
    there = sorted(_kept(analysis.parent, f"{analysis.name}/*"), key=lambda one: one.used, reverse=True)
    others = [one for one in there if one.folder != stage.folder]
    for one in others[max(most, MOST) - 1 :]:
        shutil.rmtree(one.folder, ignore_errors=True)
    return others[max(most, MOST) - 1 :]


def move_old(workspace: Path) -> None:
    """Move results that lie where workspaces of before kept them into folders named by their keys."""
    for moving in (workspace / "results").glob(".*.moving"):  # killed between the two steps below
        _settle(moving)
    for record in (workspace / "results").glob(f"*/{_RECORD}"):
        moving = record.parent.with_name(f".{record.parent.name}.moving")
        with contextlib.suppress(OSError):
            os.replace(record.parent, moving)
            _settle(moving)


def _settle(moving: Path) -> None:
    try:
        key = str(json.loads((moving / _RECORD).read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return
    place = moving.with_name(moving.name.removeprefix(".").removesuffix(".moving"))
    place.mkdir(mode=0o700, exist_ok=True)
    os.replace(moving, place / key)
