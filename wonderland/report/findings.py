"""Findings: the sentences a result can stand behind, which the report's first page says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["TRUST", "Finding", "Trust"]

Trust = Literal["solid", "weak", "anecdotal"]

TRUST: tuple[Trust, ...] = ("solid", "weak", "anecdotal")
"""In this order findings stand on the first page, those of one trust in the order of their views."""


@dataclass(frozen=True)
class Finding:
    """One sentence a result can stand behind, and where its evidence is shown.

    Args:
        text: The finding in plain words, with its number.
        view: The id of the view that shows it.
        select: What is selected there, for example ``{"head": "L2H1"}``.
        trust: "solid" if its interval excludes its chance level on enough conversations, "weak" if not, "anecdotal"
            if it rests on too little evidence to say.
    """

    text: str
    view: str = ""
    select: Mapping[str, Any] = field(default_factory=dict)
    trust: Trust = "weak"
