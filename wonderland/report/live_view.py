"""The live view: names of its files and the sentences around it; no torch.

The view is the one that has a program of its own, in files that only live reports hold (``frontend/live``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wonderland.advice import Either, Hint
from wonderland.errors import UsageError

__all__ = ["LIVE_VIEW", "MODULES", "SOURCES", "redacted_model"]

SOURCES = ("tokenizer", "kernel", "engine", "probe", "flow", "trials")
"""The files of ``frontend/live`` that compute, in the order they build on each other."""

MODULES = (
    *SOURCES,
    *("work", "state", "blocks", "keep", "elsewhere", "write", "heads", "before_after", "swap", "paths", "steering"),
    *("lessons", "view"),
)
"""All files of ``frontend/live``: those that compute, then those that show."""

LIVE_VIEW: Mapping[str, Any] = {
    "id": "try-it",
    "title": "Try it",
    "subtitle": "Write, and the model in this page answers. Nothing you type is stored, sent or put into the address.",
    "renderer": "live",
    "caption": "Every number here is of the text you wrote: one case, n = 1. It is an anecdote, not a result.",
    "howToRead": "A token is shaded by how much it surprised the model. Point at a token to see where each head looks "
    "from there. Switch a head off and the likely next tokens are shown before and after.",
    "misleads": "One text shows what can happen, not what usually does. A head that changes nothing here may matter "
    "elsewhere, and other heads can stand in for it. Where averages were measured, they stand beside with intervals.",
    "warning": "",
    "group": "try-it",
    "selects": ["head"],
    "section": "read",
}
"""The view as the front end reads it. It is no `View`: it has a program of its own, which no plugin may have."""


def redacted_model() -> UsageError:
    """Return why a report with the model in it cannot be redacted."""
    return UsageError(
        "A report with the model in it cannot be redacted: the weights and the tokens were learned from the messages, "
        "and no word can be taken out of them.",
        hint=Hint("Leave out one of the two: ", Either("--live or --redact", "live or redact"), "."),
    )
