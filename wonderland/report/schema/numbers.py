"""Numbers in sentences: shares as percents, p never as zero, two digits that mean something."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["digits", "percent", "told_p"]

_LEAST = 0.001


def percent(share: Any) -> str:
    """Return a share as a percent, with two significant digits below 10%; "unknown" if it is NaN.

    >>> percent(0.066), percent(0.634), percent(0.00002), percent(0)
    ('6.6%', '63%', '< 0.1%', '0%')
    """
    share = float(share)
    if math.isnan(share):
        return "unknown"
    if 0 < abs(share) < _LEAST:
        return "< 0.1%" if share > 0 else "> −0.1%"
    told = f"{100 * abs(share):.2g}" if abs(share) < 0.0995 else f"{100 * abs(share):.0f}"
    return f"{'−' if share < 0 else ''}{told}%"


def told_p(p: Any, name: str = "p") -> str:
    """Return a p or a q with its name; below 0.001 only that it is.

    >>> told_p(0.0478), told_p(0.0, "q")
    ('p = 0.048', 'q < 0.001')
    """
    p = float(p)
    if math.isnan(p):
        return f"{name} unknown"
    return f"{name} < {_LEAST:g}" if p < _LEAST else f"{name} = {p:.2g}"


def digits(number: Any, count: int = 2) -> str:
    """Return a number with so many significant digits, more where it has more before its point.

    >>> digits(0.0107), digits(-1234.6), digits(0)
    ('0.011', '−1235', '0')
    """
    number = float(number)
    if not math.isfinite(number):
        return "unknown" if math.isnan(number) else ("∞" if number > 0 else "−∞")
    if number == 0:
        return "0"
    places = max(count - 1 - math.floor(math.log10(abs(number))), 0)
    told = f"{abs(number):.{places}f}"
    return f"−{told}" if number < 0 else told
