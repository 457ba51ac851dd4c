"""The sanity checks of a workspace, kept like everything else it made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wonderland.corpus.corpus import Corpus
from wonderland.estimate import Estimate
from wonderland.workspace.layout import Layout

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
    from wonderland.report.findings import Check

    stage = layout.stage("checks")
    if stage.done:
        text = stage.read(lambda folder: (folder / "checks.json").read_text(encoding="utf-8"))
        return [Check(**{**row, "estimate": _number(row.get("estimate"))}) for row in json.loads(text)]
    found = run_checks(specimen(), *parts())
    with stage.writing(lambda: layout.stage("checks").key) as folder:
        text = json.dumps([asdict(check) for check in found], indent=1, default=float)
        (folder / "checks.json").write_text(text, encoding="utf-8")
    return found


def _number(value: dict[str, Any] | None) -> Estimate | None:
    return None if value is None else Estimate(**value)
