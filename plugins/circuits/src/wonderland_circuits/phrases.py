"""How are numbers told in sentences? Shares with their intervals, and p-values with two significant digits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import wonderland as wl

__all__ = ["listed", "p_value", "share", "spelled"]

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
    """Return an estimate as a share with its interval: "63% [56%, 70%]"."""
    value, low, high = (float(part) for part in (estimate.value, estimate.low, estimate.high))
    return "an undefined share" if math.isnan(value) else f"{percent(value)} [{percent(low)}, {percent(high)}]"


def percent(number: float) -> str:
    """Return a share as a percentage with a real minus sign, and 0% without one."""
    return (
        f"{number:.0%}".replace("-0%", "0%").replace("-", "−")
        if abs(number) < 0.005
        else f"{number:.0%}".replace("-", "−")
    )


def p_value(p: float, name: str = "p") -> str:
    """Return a p-value with two significant digits: "p = 0.048", "p < 0.001"."""
    if math.isnan(p):
        return f"{name} undefined"
    return f"{name} < 0.001" if p < 0.001 else f"{name} = {p:.2g}"


def listed(names: Sequence[object], most: int = 5) -> str:
    """Return names joined by commas; what is beyond ``most`` is counted."""
    rest = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + rest
