"""The sanity checks of a workspace, kept like everything else it made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wonderland.corpus.corpus import Corpus
from wonderland.errors import PluginError
from wonderland.estimate import Estimate
from wonderland.workspace.layout import Layout
from wonderland.workspace.stage import Stage

if TYPE_CHECKING:
    from wonderland.lab.specimen import Specimen
    from wonderland.report.findings import Check

__all__ = ["checks"]


def checks(layout: Layout, specimen: Callable[[], Specimen], parts: Callable[[], tuple[Corpus, Corpus]]) -> list[Check]:
    """Run the sanity checks, unless that is done.

    Args:
        layout: The workspace.
        specimen: Returns the trained model with its evidence.
        parts: Returns the training part and the held-out part.
    """
    from wonderland.lab.sanity_checks import run_checks

    stage = layout.stage("checks")
    if stage.done and (known := _kept(stage)) is not None:
        return known
    found = run_checks(specimen(), *parts())
    with stage.writing(lambda: layout.stage("checks").key) as folder:
        text = json.dumps([asdict(check) for check in found], indent=1, default=float)
        (folder / "checks.json").write_text(text, encoding="utf-8")
    return found


def _kept(stage: Stage) -> list[Check] | None:
    """Return the checks that a folder holds, or None if it was written in another form and they are to be made anew."""
    from wonderland.report.findings import Check

    text = stage.read(lambda folder: (folder / "checks.json").read_text(encoding="utf-8"))
    try:
        return [Check(**{**row, "estimate": _number(row.get("estimate"))}) for row in json.loads(text)]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, PluginError):
        return None


def _number(value: dict[str, Any] | None) -> Estimate | None:
    return None if value is None else Estimate(**value)
