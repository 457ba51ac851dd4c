"""Shares with their intervals, and what differs between prompts, as parts of sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import wonderland as wl
from wonderland.views import with_bounds

__all__ = ["listed", "pairs_told", "share", "spelled"]

_WHAT = {
    "speaker": "who speaks",
    "first-speaker": "who spoke first",
    "affirmation": "yes or no",
    "question": "question or statement",
}


def spelled(kind: str) -> str:
    """Return what differs between the prompts, in words."""
    return _WHAT.get(kind, "the contrasts given")


def share(estimate: wl.Estimate) -> str:
    """Return an estimate as a share with its interval: "63% [56%, 70%]"; of one cluster without."""
    return "an undefined share" if math.isnan(float(estimate.value)) else with_bounds(estimate)


def pairs_told(count: int) -> str:
    """Return how many pairs: "32 pairs", "1 pair"."""
    return "1 pair" if count == 1 else f"{count} pairs"


def listed(names: Sequence[object], most: int = 5) -> str:
    """Return names joined by commas; what is beyond ``most`` is counted."""
    rest = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + rest
