"""Results that the analyses of now did not make: by an older version of them, or by a plugin that is not installed.

Such a result stays where it is, and no report shows it: with another version an analysis may measure something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from wonderland import plugins
from wonderland.workspace.catalogue import analyses
from wonderland.workspace.kept import Kept, kept
from wonderland.workspace.layout import Layout

__all__ = ["of_other_versions", "outdated", "versions"]


def versions() -> dict[str, int]:
    """Return the version of each analysis that is installed, by name."""
    known = analyses()
    found = plugins.load().analyses if known is None else known
    return {name: int(one.version) for name, one in found.items()}


def of_other_versions(there: Sequence[Kept]) -> list[Kept]:
    """Return the results of installed analyses that another version made, or that used one of another version."""
    from wonderland.estimate import Estimate

    now, parts = versions(), tuple(one.name for one in fields(Estimate))
    known = [one for one in there if one.analysis in now]
    found = {one.key for one in known if one.version != now[one.analysis] or one.estimates != parts}
    while more := {one.key for one in known if one.key not in found and found.intersection(one.inputs[1:])}:
        found |= more
    return [one for one in known if one.key in found]


def outdated(layout: Layout) -> set[str]:
    """Return the analyses of which another version made a result about the model and the evidence of now."""
    model = layout.stage("model").key
    about_it = (one for one in of_other_versions(kept(layout.folder)) if one.inputs[:1] == (model,))
    return {one.analysis for one in about_it if dict(one.evidence) == layout.evidence}
