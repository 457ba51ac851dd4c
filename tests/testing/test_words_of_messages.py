"""A word of a message that an analysis takes for its own is found, wherever it wrote it; one that is marked is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

import wonderland as wl
from wonderland.components import Head
from wonderland.testing.analysis_checks import a_redacted_report_tells_no_rare_word
from wonderland.testing.redaction_checks import PLANTED, comes_through, planted_specimen
from wonderland.views import Block, Column, Quoted, Row, Table, Wording, say

WORDS: dict[str, Any] = {"caption": "Counted.", "how_to_read": "High is often.", "misleads": "Few messages."}


@dataclass(frozen=True)
class CountsResult(wl.Result):
    words: list[str]
    counts: list[int]

    @property
    def word(self) -> str:
        """The word that is said most, of those that two people say."""
        return next(word for word in self.words if PLANTED in word)

    def summary(self) -> str:
        return f"{self.word} is said often."

    def findings(self):
        return [wl.Finding(say("The word {word} is said often.", word=self.word), "counts", Head(0, 0))]

    def views(self):
        table = Table.by_row({Column("word", "Word"): [*map(Quoted, self.words)], Column("n", "Count"): self.counts})
        return [wl.View("counts", "Counts", table, subtitle="How often?", **WORDS)]

    def cards(self):
        return {Head(0, 0): [Block("Said", rows=[Row("word", Quoted(self.word))])]}


def counting(change: Callable[[CountsResult, str], dict[str, Any]] = lambda result, word: {}):
    """An analysis that counts words, whose result says something differently."""

    class Changed(CountsResult):
        """What it says is changed."""

    Changed.__name__ = "CountsResult"
    for name in ("findings", "views", "cards", "card"):

        def method(self, name=name):
            changed = change(self, self.word)
            return changed[name] if name in changed else getattr(super(Changed, self), name)()

        setattr(Changed, name, method)

    @dataclass(frozen=True)
    class Counts:
        """How often is each word said?"""

        name: ClassVar[str] = "counts"
        version: ClassVar[int] = 1
        needs: ClassVar[tuple[str, ...]] = ()
        no_choices: ClassVar[str] = "Nothing is chosen: all words are in the table."

        def run(self, specimen: wl.Specimen) -> CountsResult:
            tokens, counts = np.unique(specimen.evidence.tokens, return_counts=True)
            return Changed(specimen.tokenizer.pieces(tokens.tolist()), counts.tolist())

    return Counts()


def view(**changes):
    """Change the only view."""
    return lambda result, word: {
        "views": [
            replace(one, **{name: of(word) for name, of in changes.items()}) for one in CountsResult.views(result)
        ]
    }


def told(word):
    return f"Most is said of {word}."


PLACES = {
    "title": view(title=told),
    "subtitle": view(subtitle=told),
    "caption": view(caption=told),
    "how to read": view(how_to_read=told),
    "misleads": view(misleads=told),
    "id": view(id=lambda word: word.strip()),
    "finding": lambda result, word: {"findings": [wl.Finding(told(word), "counts")]},
    "cell": view(figure=lambda word: Table.by_row({Column("word", "Word"): [Wording(word)]})),
    "column": view(figure=lambda word: Table.by_row({Column("word", Wording(word)): [1]})),
    "card": lambda result, word: {"cards": {Head(0, 0): [Block(Wording(told(word)), rows=[Row("n", Wording("1"))])]}},
    "label of numbers": lambda result, word: {"card": {told(word): wl.Estimate(*np.ones((3, 2, 3)), n=9)}},
}


@pytest.mark.parametrize("change", PLACES.values(), ids=PLACES)
def test_a_token_in_words_of_ones_own_is_found(change):
    with pytest.raises(AssertionError, match="a word of two people's messages stands in the redacted report"):
        a_redacted_report_tells_no_rare_word(counting(change))


def test_a_token_that_is_marked_as_quoted_is_replaced():
    a_redacted_report_tells_no_rare_word(counting())


def test_what_is_searched_for_stands_in_the_report_that_is_not_redacted(monkeypatch):
    from wonderland.report.redact import Redaction

    result = wl.analyze(planted_specimen(), counting())["counts"]
    assert comes_through("counts", result, planted_specimen()) == ""
    monkeypatch.setattr(Redaction, "page", lambda self, page: page)
    assert PLANTED in comes_through("counts", result, planted_specimen())
