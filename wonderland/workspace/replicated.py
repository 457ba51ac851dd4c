"""In how many training runs do the findings of a workspace's model hold? What a comparison of seeds left, if any.

A result that compares seeds says it (`Result.replications`). Here the one used last is taken, of those in which the
model of the report is among the seeds, on the same held-out conversations.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland import plugins
from wonderland.errors import InputError
from wonderland.workspace.kept import kept

if TYPE_CHECKING:
    from wonderland.report.findings import Replicated

__all__ = ["replicated_in"]


def replicated_in(workspace: Path, specimen: Any) -> dict[str, Replicated]:
    """Return in how many seeds each claim holds, by "analysis: claim"; nothing if no seeds were compared."""
    from wonderland.lab.result import Result, result_class

    if specimen is None or getattr(specimen, "members", None):  # a report of several models says it itself
        return {}
    own = specimen.fingerprints
    known = plugins.load().analyses
    for one in sorted(kept(workspace), key=lambda one: -one.used):
        cls = known.get(one.analysis)
        if cls is None or getattr(cls, "of", "") != "seeds":
            continue
        if result_class(cls).replications is Result.replications:
            continue
        with contextlib.suppress(InputError):
            result = result_class(cls).load(one.folder)
            prints = {} if result.provenance is None else result.provenance.fingerprints
            models = {value for what, value in prints.items() if what.startswith("model ")}
            if own["model"] in models and prints.get("held out") == own["held out"]:
                return dict(result.replications())
    return {}
