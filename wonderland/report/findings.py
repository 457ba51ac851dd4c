"""What a report says in words: findings, and what was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np

from wonderland.components import Component, Edge
from wonderland.errors import PluginError
from wonderland.estimate import Estimate
from wonderland.report.schema.kinds import Kind
from wonderland.report.schema.node import Node, Sentence
from wonderland.report.schema.selection import Key, keys_of
from wonderland.report.schema.words import characters

__all__ = ["FAILED", "TRUST", "Check", "Claim", "Finding", "Replicated", "Selection", "Trust", "judged", "with_runs"]

Trust = Literal["solid", "weak", "anecdotal"]
Claim = Literal["effect", "null", "description"]

TRUST: tuple[Trust, ...] = ("solid", "weak", "anecdotal")
"""In this order findings stand on the first page, those of one trust in the order of their views."""

FAILED = "a check failed"
"""What `Finding.runs` ends with where that alone keeps a finding from being solid."""

Selection = Mapping[str, Any] | Sequence[Key | Component | Edge | str] | Key | Component | Edge | str


def _keys(value: Any, where: str) -> tuple[Key, ...]:
    return keys_of(value)


def _one(value: Any, where: str) -> Estimate | None:
    if value is None:
        return None
    if not isinstance(value, Estimate) or np.ndim(value.value):
        raise PluginError(
            f"{where} is not one number with its interval.", hint="Give an `Estimate` of no dimensions: estimate[head]."
        )
    return value


@dataclass(frozen=True)
class Finding(Node):
    """One sentence a result can stand behind, and where its evidence is shown.

    Args:
        text: The finding in plain words, with its number; with words of messages in it, made by ``say``.
        view: The id of the view that shows it.
        select: What is selected there: ``Head(2, 1)``, a `Key`, or several; ``{"head": "L2H1"}`` says the same.
        trust: "solid" if its interval excludes its chance level on enough conversations, "weak" if not, "anecdotal"
            if it rests on too little evidence to say. Of a null result: "solid" if its interval lies inside the bound
            up to which an effect counts as none. Of a description: whether there is enough evidence.
        kind: "effect" if something is there beyond chance, or would be; "null" if the claim is that nothing is, and
            then the sentence says up to which bound; "description" if there is no chance level to compare with, and
            then its estimate has none.
        estimate: The number of the sentence, with its interval, n and chance level, where there is one.
        runs: How many training runs it rests on, of a finding about a head: "3 of 5 seeds" or "one training run". The
            report sets it.
    """

    text: Annotated[Sentence, "The finding in plain words, with its number."]
    view: Annotated[str, "The id of the view that shows it."] = ""
    select: Annotated[Any, Kind("keys", _keys), "What is selected there, as keys."] = ()
    trust: Annotated[Trust, "How far it can be trusted."] = "weak"
    kind: Annotated[Claim, "What kind of claim it is: an effect, that there is none, or a description."] = "effect"
    estimate: Annotated[Any, Kind("estimate", _one), "Its number, as an `Estimate` of no dimensions."] = None

    runs: Annotated[Sentence, "How many training runs it rests on."] = ""

    def _check(self) -> None:
        if self.kind == "description" and self.estimate is not None and self.estimate.chance is not None:
            raise PluginError(
                f"A description has a chance level: {self.sentence}",
                hint='Call the finding an "effect" or a "null", or give its estimate without one: chance=None.',
            )

    @property
    def sentence(self) -> str:
        """The sentence as bare characters, for a terminal."""
        return characters(self.text)

    @property
    def reaches_chance(self) -> bool:
        """Whether its interval includes its chance level; False where it has no interval or no chance level."""
        one = self.estimate
        return one is not None and one.chance is not None and bool(one.low <= one.chance <= one.high)

    @property
    def few(self) -> bool:
        """Whether too few units alone keep an effect from being shown: its interval does not reach chance."""
        one = self.estimate
        measured = one is not None and bool(np.isfinite([one.value, one.low, one.high]).all())
        unsure = self.kind == "effect" and self.trust != "solid"
        return unsure and measured and not one.trusted and not self.reaches_chance


def judged(finding: Finding) -> Finding:
    """Return a finding that is called anecdotal, and not weak, where only the number of its units is too small."""
    return replace(finding, trust="anecdotal") if finding.few else finding


@dataclass(frozen=True)
class Replicated:
    """In how many of several training runs a claim holds.

    Args:
        k: In how many.
        n: Of how many.
        solid: Whether its interval over training runs and conversations excludes its chance level.
    """

    k: int
    n: int
    solid: bool


def with_runs(
    finding: Finding, claims: Mapping[str, Estimate], known: Mapping[str, Replicated], analysis: str
) -> Finding:
    """Say of a finding about a head how many training runs it rests on, and call it weak if they do not bear it.

    Args:
        finding: The finding.
        claims: What its result claims without naming a head; that with the finding's number is the finding's.
        known: What was compared between training runs, by "analysis: claim".
        analysis: The name of its analysis.
    """
    if not any(key.kind == "head" for key in finding.select) or finding.runs:
        return finding
    one = finding.estimate
    told = [] if one is None else [label for label, claim in claims.items() if _same(one, claim)]
    there = [known[f"{analysis}: {label}"] for label in told if f"{analysis}: {label}" in known]
    if not there:
        return replace(finding, runs="one training run")
    runs = f"{there[0].k} of {there[0].n} seeds"
    trust: Trust = "weak" if finding.trust == "solid" and not there[0].solid else finding.trust
    return replace(finding, runs=runs, trust=trust)


def _same(one: Estimate, other: Estimate) -> bool:
    if np.ndim(other.value):
        return False
    return all(float(getattr(one, part)) == float(getattr(other, part)) for part in ("value", "low", "high"))


@dataclass(frozen=True)
class Check(Node):
    """Something that was verified about the model or the data, shown beside the findings.

    Args:
        name: What was checked, in a few plain words.
        passed: Whether it held.
        detail: The number or the reason.
        estimate: The number that was held against another, with its interval and n, where there is one.
    """

    name: Annotated[Sentence, "What was checked."]
    passed: Annotated[bool, "Whether it held."]
    detail: Annotated[Sentence, "The number or the reason."] = ""
    estimate: Annotated[Any, Kind("estimate", _one), "Its number, as an `Estimate` of no dimensions."] = None

    def plain(self) -> Any:
        """Return what the report reads: its words, and whether it held."""
        return replace(self, estimate=None)._plain()
