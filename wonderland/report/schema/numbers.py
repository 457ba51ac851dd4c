"""Numbers in sentences: shares as percents, p never as zero, two digits that mean something."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from wonderland.counted import counted, formatted

__all__ = [
    "bounds",
    "bounds_in_words",
    "counted",
    "digits",
    "formatted",
    "interval_over",
    "no_more",
    "percent",
    "told_p",
    "with_bounds",
]

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
    ('0.011', '−1,235', '0')
    """
    number = float(number)
    if not math.isfinite(number):
        return "unknown" if math.isnan(number) else ("∞" if number > 0 else "−∞")
    if number == 0:
        return "0"
    places = max(count - 1 - math.floor(math.log10(abs(number))), 0)
    told = f"{abs(number):,.{places}f}"
    return f"−{told}" if number < 0 else told


def no_more(number: Any, least: float = 1e-5) -> str:
    """Return what a number of no interest by itself does not exceed.

    >>> no_more(5e-6), no_more(0.000234)
    ('less than 0.00001', 'at most 0.00023')
    """
    return f"less than {formatted(least, 'g')}" if float(number) < least else f"at most {digits(number)}"


Told = Callable[[Any], str] | str
"""How a number of an estimate is told: a function such as `percent`, or a format such as ".2f"."""


def bounds(estimate: Any, told: Told = percent) -> str:
    """Return the interval of one estimate in brackets: "[56%, 70%]"; nothing if it has none."""
    if math.isnan(float(estimate.low)) or math.isnan(float(estimate.high)):
        return ""
    return f"[{_told(estimate.low, told)}, {_told(estimate.high, told)}]"


def with_bounds(estimate: Any, told: Told = percent) -> str:
    """Return one estimate with its interval: "63% [56%, 70%]"."""
    return f"{_told(estimate.value, told)} {bounds(estimate, told)}".rstrip()


def bounds_in_words(estimate: Any, told: Told = percent) -> str:
    """Return the interval of one estimate as sentences have it: "95% interval 56% to 70%", "no interval"."""
    if not bounds(estimate, told):
        return "no interval"
    return f"95% interval {_told(estimate.low, told)} to {_told(estimate.high, told)}"


def interval_over(estimate: Any) -> str:
    """Return what the interval of an estimate rests on, as captions have it: "95% interval over n=42 conversations"."""
    if estimate.n == 1 and estimate.resampled_over != "models":
        return f"n={estimate.over}, so no interval"
    return f"95% interval over n={estimate.over}"


def _told(number: Any, told: Told) -> str:
    return formatted(float(number), told) if isinstance(told, str) else told(number)
