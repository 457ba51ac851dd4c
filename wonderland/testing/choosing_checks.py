"""How did an analysis choose what it names? Two sentences of its contract.

Whoever names a head has picked it among many, and the number that picked it is too high. So an analysis that names a
part of the model, in its summary, its findings or the words of its views, says how it chose: by ``choices()``, which
lets it choose among noise (`wonderland.testing.optimism`), or in one sentence, where that cannot be or nothing is
chosen::

    no_choices: ClassVar[str] = "Weights are no sample: each head is measured exactly and named by a corrected p."

An analysis that names none, but shows them all, needs neither.

What would fool it: a sentence is words. And "the largest over heads is 0.8" names no head, though it picks one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from wonderland.lab.result import Result
from wonderland.report.schema import Cards, characters
from wonderland.testing.comparing import require
from wonderland.testing.optimism import Choice, optimism

__all__ = ["how_it_chose", "measured_elsewhere"]

_PART = re.compile(r"\bL\d+[HNF]\d+\b")
_WORDS = 6  # of a sentence that says something


def how_it_chose(analysis: Any, found: Callable[[Any], tuple[Result, Any]]) -> None:
    """Raise `AssertionError` if an analysis names parts of the model and does not say how it chose them."""
    cls = type(analysis)
    reason = getattr(cls, "no_choices", None)
    if hasattr(cls, "choices"):
        require(reason is None, "it has choices(), and no_choices says why it has none: leave one out")
        return
    if reason is not None:
        whole = isinstance(reason, str) and reason.endswith(".") and "\n" not in reason
        require(whole and len(reason.split()) >= _WORDS, f"no_choices must be a sentence that says why: {reason!r}")
        return
    for where, part in named(found(analysis)[0]):
        raise AssertionError(
            f"{where} names {part}, one of many. Say what it chooses on one half of its data and measures on the "
            "other, by choices(); or why there is no such choice, in one sentence: no_choices: ClassVar[str] = '…'"
        )


def measured_elsewhere(analysis: Any) -> None:
    """Raise `AssertionError` if what an analysis says it chooses, among noise, scores on the half to measure on."""
    offered = getattr(type(analysis), "choices", None)
    if offered is None:
        return
    choices = list(offered())
    require(choices and all(isinstance(one, Choice) for one in choices), "choices() must return Choice objects")
    for choice in choices:
        faults = optimism(analysis, choice).faults
        require(not faults, f"{choice.chosen}: {'; '.join(faults)}")


def named(result: Result) -> Iterator[tuple[str, str]]:
    """Yield where a result names a part of the model that it must have picked, and the part."""
    for part in _PART.findall(result.summary()):
        yield "the summary", part
    for finding in result.findings():
        for part in _PART.findall(finding.sentence):
            yield "a finding", part
        for key in finding.select:
            yield "what a finding selects", str(key)
    for view in result.views():
        if isinstance(view.figure, Cards):
            for card in view.figure.cards:
                for part in _PART.findall(characters(card.title)):
                    yield f"the list of cards {view.id!r}", part
        for words in (view.title, view.subtitle, view.caption):
            for part in _PART.findall(characters(words)):
                yield f"the view {view.id!r}", part
