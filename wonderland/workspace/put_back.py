"""Stages that a killed process left without a folder, put back when the workspace is opened.

Where a new folder cannot change places with the old one at once (`wonderland.paths.exchanged`), the old one is moved
away first. Killed then, or before a stage was moved to its place for the first time, a process leaves none there; but
what it had written, or what was there before, is complete beside it.

What would fool it: a process that is still at work, whose folders look the same. So it is done only while nobody holds
the workspace, and where there are no locks it is not done by a second process while a stage is there.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wonderland.errors import WonderlandError
from wonderland.workspace.locking import undisturbed
from wonderland.workspace.stage import Stage

__all__ = ["put_back"]

_NEW, _OLD = ".partial", ".old"


def put_back(workspace: Path) -> None:
    """Put back each stage of a workspace that is missing and was left beside its place; say so as a warning.

    The new one is preferred to the one before. Where somebody works in the workspace or it cannot be written, nothing
    is done.

    Args:
        workspace: Its folder.
    """
    if not any(_missing(workspace)):
        return
    told = []
    with suppress(WonderlandError, OSError), undisturbed(workspace):
        for place, left in list(_missing(workspace)):
            found = _best(place, left)
            if found is None or place.exists():
                continue
            os.replace(found, place)
            for one in left:
                shutil.rmtree(one, ignore_errors=True)
            which = "the new one" if found.suffix == _NEW else "the one before"
            told.append(f"{place.relative_to(workspace)} ({which})")
    if told:
        warnings.warn(
            f"A command was killed while it put its work in place; there again: {', '.join(told)}.",
            RuntimeWarning,
            stacklevel=3,
        )


def _missing(workspace: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield the place of each stage that is missing, and what was left beside it."""
    for folder in (workspace, workspace / "stores", workspace / "models", *(workspace / "results").glob("*/")):
        beside: dict[str, list[Path]] = {}
        with suppress(OSError):  # it is not there
            for name in os.listdir(folder):
                if name.startswith(".") and name.endswith((_NEW, _OLD)) and name.count(".") > 2:
                    beside.setdefault(name[1:].rsplit(".", 2)[0], []).append(folder / name)
        for name, left in beside.items():
            if not os.path.lexists(folder / name):
                yield folder / name, left


def _best(place: Path, left: list[Path]) -> Path | None:
    """Return the complete folder to put in a place: the new one that was sealed last, else the one before."""
    new = [one for one in left if one.suffix == _NEW]
    old = [part for one in left if one.suffix == _OLD and one.is_dir() for part in one.iterdir()]
    for chosen in (new, old):
        sealed = {one: stage.record() or {} for one in chosen if (stage := Stage(place.name, one, 1)).whole}
        if sealed:
            return max(sealed, key=lambda one: float(sealed[one].get("written", 0)))
    return next(iter(old), None)  # as it was, which was not whole
