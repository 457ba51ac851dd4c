"""How long analyses will take and how long they have left, in words: told before the first, corrected on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from wonderland import plugins
from wonderland.cli.console import Meter

if TYPE_CHECKING:
    from wonderland.lab.forecast import Forecast

__all__ = ["able", "before", "counting"]

_SURE_AFTER = 5.0  # seconds of work after which what is left can be told


def able(todo: Sequence[str]) -> bool:
    """Whether any of the analyses can say what it will take."""
    known = plugins.load().analyses
    return any(name in known and callable(getattr(known[name], "forecast", None)) for name in todo)


def before(todo: Sequence[str], passes: int, forecasts: Mapping[str, Forecast]) -> str:
    """Say how many analyses will run and what they will take, as far as that is known; nothing if all are quick.

    Args:
        todo: Names of the analyses.
        passes: How often each runs: twice if also on the untrained baseline.
        forecasts: What each run will take, of those that can say so.
    """
    from wonderland.lab.forecast import UNTRAINED

    known = plugins.load().analyses
    slow = [name for name in todo if name in known and getattr(known[name], "on_request", False)]
    asked = {name for name in slow if {name, name + UNTRAINED} & forecasts.keys()}
    twice = f", each on the model and on its untrained baseline: {passes * len(todo)} runs" if passes > 1 else ""
    if len(todo) == 1:
        many = f"{todo[0]}{', on the model and on its untrained baseline' if passes > 1 else ''}."
    else:
        many = f"{len(todo)} analyses{twice}."
    if not asked:
        if len(slow) < 2:
            return ""
        return (
            f"{many} {len(slow)} of them take minutes; how long one has left is told of that one alone, after its "
            "first steps"
        )
    of = list(forecasts.values())
    memory, disk = _size(max(one.memory for one in of)), _size(sum(one.disk for one in of))
    takes = (
        f"{minutes(sum(one.seconds for one in of))} on this machine, as busy as it is now, {memory} of memory and "
        f"{disk} of disk: told from a short measurement, corrected on the way"
    )
    if len(todo) == 1 or len(asked) == len(todo):
        return f"{many} About {takes}"
    others = len(slow) - len(asked)
    untold = f"; {others} {'others take' if others > 1 else 'other takes'} minutes, too" if others else ""
    return f"{many} {len(asked)} of them take about {takes}{untold}"


def minutes(seconds: float) -> str:
    """Return a time that is only about right: minutes, or hours from two on.

    >>> minutes(20), minutes(100), minutes(800), minutes(9000)
    ('1 min', '2 min', '13 min', '2.5 hours')
    """
    return f"{max(seconds / 60, 1):.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def _size(count: int) -> str:
    """Return a number of bytes that is only about right."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 1):.0f} MB"


def counting(
    meter: Meter, total: int, forecasts: Mapping[str, Forecast] | None = None
) -> tuple[Callable[[str], None], Callable[[str, int, int], None]]:
    """Return what moves the meter when a run begins, and when one that takes long has come a way further.

    What is left of a run is told from its pace, once it has one, and by its forecast until then. Where each run has a
    forecast, what is left of all is told: those to come are expected to miss theirs as those before did.

    Args:
        meter: Where it is shown.
        total: How many runs there are.
        forecasts: What each run will take, in their order, of those that can say so.
    """
    expected = {name: one.seconds for name, one in (forecasts or {}).items()}
    to_come, every = dict(expected), len(expected) >= total > 0
    name, begun, started, first = "", 0, 0.0, 0.0
    told, took = 0.0, 0.0  # seconds of the runs that have ended: by their forecasts, and by the clock

    def begin(called: str) -> None:
        nonlocal name, begun, started, first, told, took
        now = time.monotonic()
        if name in expected:
            told, took = told + expected[name], took + now - started
        name, begun, started, first = called, begun + 1, now, -1.0
        while called in to_come:  # those before it that never began will not begin
            del to_come[next(iter(to_come))]
        meter.update(begun - 1, max(total, begun), f"{begun} of {max(total, begun)}: {called}{left(0.0, 0.0)}")

    def go_on(called: str, done: int, of: int) -> None:
        nonlocal first
        share, seconds = done / max(of, 1), time.monotonic() - started
        first = share if first < 0 else first  # what was there already of a run that was stopped took no time
        most = max(total, begun)
        meter.update(begun - 1 + share, most, f"{begun} of {most}: {called}, {share:.0%}{left(seconds, share)}")

    def left(seconds: float, share: float) -> str:
        own, so_far = expected.get(name, 0.0), max(share - max(first, 0.0), 0.0)
        passed = (took + seconds) / (told + own * so_far) if told + own * so_far > 0 else 0.0
        rate = passed if took + seconds > _SURE_AFTER and passed else 1.0
        if seconds > _SURE_AFTER and so_far > 0:
            remaining = seconds * (1 - share) / so_far
        elif name in expected:
            remaining = rate * own * (1 - share)
        else:
            return ""
        remaining += rate * sum(to_come.values()) if every else 0.0
        said = f"about {minutes(remaining)}" if remaining >= 60 else "under a minute"
        return f", {said} left{' of this one' if begun < total and not every else ''}"

    return begin, go_on
