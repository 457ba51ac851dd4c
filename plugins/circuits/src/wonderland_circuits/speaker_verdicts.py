"""Sink, first speaker or current speaker: the rule that makes one verdict of six tests.

Each test has an outcome in words, from an estimate, its whole interval and a threshold. Each verdict asks for certain
outcomes, and holds if all of them are there; if none holds the head is undetermined, and the reason names the tests
that stood against the verdict that came nearest. So attention alone never makes a speaker head, and a missing test
makes none either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

import wonderland as wl

VERDICTS = ("sink", "first-speaker", "current-speaker", "none")
UNDETERMINED = "undetermined"
SIDES = ("current", "first")
TESTS = ("values", "shift", "attention", "swap", "resample", "probe")


@dataclass(frozen=True)
class Thresholds:
    """What counts as an outcome.

    Args:
        attention: Least share of attention to say that a head looks somewhere.
        small: Norm of the value at position 0, against other values, under which it is small.
        effect: Least share of the difference that a speaker swap makes, to say that it goes through a head.
    """

    attention: float
    small: float
    effect: float


@dataclass(frozen=True)
class Measured:
    """The six tests of one head.

    Attributes:
        ratio: ‖v₀‖ over mean ‖vⱼ‖.
        stays: Attention to a neutral token put in front.
        follows: Attention to the first speaker token behind it.
        moved: Their difference.
        latest: Attention to the latest speaker token, in later turns.
        first: Attention to position 0, in later turns.
        swap: By side, the share of the swap that goes through the head, on the pairs to explore and to confirm; None
            if a swap moves nothing at all in this model.
        few: Sides on which there are too few pairs to say anything.
        resample: By side, what the other speaker's output costs more than the same speaker's; None as above, NaN if
            the head was not asked, since little goes through it on the pairs to explore.
        probe: By side, how well the speaker is read off the head's output.
        readable: By side, the highest of the probe's nulls.
    """

    ratio: wl.Estimate
    stays: wl.Estimate
    follows: wl.Estimate
    moved: wl.Estimate
    latest: wl.Estimate
    first: wl.Estimate
    swap: Mapping[str, tuple[wl.Estimate, wl.Estimate] | None]
    few: frozenset[str]
    resample: Mapping[str, wl.Estimate | None]
    probe: Mapping[str, wl.Estimate]
    readable: Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    """What the tests of one head come to.

    Attributes:
        name: One of `VERDICTS`, or "undetermined".
        outcomes: By test, its outcome in words.
        reason: Which tests made it, or stood against the nearest.
    """

    name: str
    outcomes: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


def outcomes(head: Measured, at: Thresholds) -> dict[str, str]:
    """Return the outcome of each test in words."""
    swap = {side: _swap(head, side, at) for side in SIDES}
    resample = {side: _resample(head, side, at) for side in SIDES}
    probe = {side: _probe(head, side) for side in SIDES}
    looks = {"latest": head.latest, "first": head.first}
    return {
        "values": _values(head.ratio, at.small),
        "shift": _shift(head, at),
        "attention": _named({name: _looks(one, at.attention) for name, one in looks.items()}),
        "swap": _named(swap),
        "resample": _named(resample),
        "probe": _named(probe),
    }


def judge(head: Measured, at: Thresholds) -> Verdict:
    """Return the one verdict all of whose conditions hold, or undetermined with what stood against the nearest."""
    found = outcomes(head, at)
    against = {
        name: [test for test, holds in conditions.items() if not holds(found[test])]
        for name, conditions in _CONDITIONS.items()
    }
    holding = [name for name in VERDICTS if not against[name]]
    if len(holding) == 1:
        return Verdict(holding[0], found, f"{len(_CONDITIONS[holding[0]])} of {len(TESTS)} tests ask for it, all agree")
    nearest = min(VERDICTS, key=lambda name: len(against[name]) / len(_CONDITIONS[name]))
    said = ", ".join(f"{test} says {found[test]}" for test in against[nearest])
    return Verdict(UNDETERMINED, found, f"nearest is {nearest}, but {said}")


def _is(*wanted: str) -> Callable[[str], bool]:
    return lambda outcome: outcome in wanted


_CONDITIONS: dict[str, dict[str, Callable[[str], bool]]] = {
    "sink": {
        "values": _is("small"),
        "shift": _is("stays"),
        "attention": _is("first"),
        "swap": _is("neither"),
        "resample": _is("neither", "unclear"),
    },
    "first-speaker": {
        "values": _is("ordinary"),
        "shift": _is("follows"),
        "attention": _is("first", "both"),
        "swap": _is("first", "first, current unclear"),
        "resample": _is("first", "first, current unclear"),
        "probe": _is("first", "both", "first, current unclear"),
    },
    "current-speaker": {
        "attention": _is("latest", "both"),
        "swap": _is("current", "current, first unclear"),
        "resample": _is("current", "current, first unclear"),
        "probe": _is("current", "both", "current, first unclear"),
    },
    "none": {"attention": _is("neither"), "swap": _is("neither")},
}

RULE = {
    "sink": "looks at position 0 wherever the speaker stands, finds small values there, and no swap goes through it",
    "first-speaker": "looks at the first speaker token wherever it stands; swapping the first speaker, and no other, "
    "goes through it; the other speaker's output costs more than the same speaker's; a probe reads it",
    "current-speaker": "looks at the latest speaker token; swapping the current speaker, and no other, goes through "
    "it; the other speaker's output costs more than the same speaker's; a probe reads it",
    "none": "looks at no speaker token, and no swap goes through it",
    UNDETERMINED: "the tests disagree, or one of them cannot tell",
}
"""What each verdict asks for, in words."""


def _values(ratio: wl.Estimate, small: float) -> str:
    if ratio.high < small:
        return "small"
    return "ordinary" if ratio.low >= small else "unclear"


def _shift(head: Measured, at: Thresholds) -> str:
    if _looks(head.first, at.attention) != "yes":
        return "not asked"
    if max(float(head.stays.value), float(head.follows.value)) < at.attention / 2:
        return "neither"
    if head.moved.low > 0:
        return "stays"
    return "follows" if head.moved.high < 0 else "unclear"


def _looks(share: wl.Estimate, least: float) -> str:
    return "yes" if share.value >= least and share.low > share.chance else "no"


def _swap(head: Measured, side: str, at: Thresholds) -> str:
    both = head.swap[side]
    if both is None or side in head.few:
        return "unclear" if side in head.few else "no"
    explore, confirm = both
    outcome = _effect(confirm, at.effect)
    return outcome if outcome != "yes" or explore.value >= at.effect else "unclear"


def _resample(head: Measured, side: str, at: Thresholds) -> str:
    difference = head.resample[side]
    if side in head.few:
        return "unclear"
    return "no" if difference is None or np.isnan(difference.value) else _effect(difference, at.effect)


def _effect(share: wl.Estimate, least: float) -> str:
    """Return "yes" if a share is large and surely above 0, "no" if surely small either way, else "unclear"."""
    if share.value >= least and share.low > 0:
        return "yes"
    return "no" if -least < share.low and share.high < least else "unclear"


def _probe(head: Measured, side: str) -> str:
    one, null = head.probe[side], head.readable[side]
    if one.low > null:
        return "yes"
    return "no" if one.value <= null else "unclear"


def _named(by: Mapping[str, str]) -> str:
    """Join the outcomes of two sides: one of them, "both", "neither", or "unclear" where one cannot tell."""
    yes = [name for name, outcome in by.items() if outcome == "yes"]
    if "unclear" in by.values():
        return f"{yes[0]}, {' '.join(name for name in by if name not in yes)} unclear" if yes else "unclear"
    return "both" if len(yes) == len(by) else yes[0] if yes else "neither"
