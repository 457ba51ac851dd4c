"""Whoever names a part of the model says how it was chosen; whoever shows all of them need not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

import wonderland as wl
from wonderland import plugins
from wonderland.components import Head, Neuron
from wonderland.testing.choosing_checks import how_it_chose
from wonderland.views import Bars, Card, Cards

WORDS = {"how_to_read": "High is much.", "misleads": "If few."}


@dataclass(frozen=True)
class Told(wl.Result):
    said: str = "One head does it."
    select: tuple = ()
    caption: str = "All heads."
    cards_of: tuple = ()

    def summary(self):
        return self.said

    def findings(self):
        return [wl.Finding("It is there.", "bars", self.select)]

    def views(self):
        found = [wl.View("bars", "Bars", Bars.by_place(["a"], {"n": [1.0]}, "n"), caption=self.caption, **WORDS)]
        if self.cards_of:
            cards = Cards([Card(part) for part in self.cards_of])
            found.append(wl.View("cards", "Cards", cards, caption="Some.", **WORDS))
        return found


def asked(result=None, **declared):
    """Ask an analysis that found something, and declares something, how it chose."""
    how_it_chose(type("Some", (), declared)(), lambda analysis: (result or Told(), None))


def test_who_names_nothing_needs_nothing():
    asked()
    asked(Told("Layers L0 and L1 lose 3 nats.", caption="L0 to L3"))


@pytest.mark.parametrize(
    ("result", "where"),
    [
        (Told("L1H3 does it."), "the summary names L1H3"),
        (Told(select=(Head(0, 1),)), "what a finding selects names"),
        (Told(caption="Without L0F12 there is none."), "the view 'bars' names L0F12"),
        (Told(cards_of=(Neuron(0, 3),)), "the list of cards 'cards' names L0N3"),
    ],
)
def test_who_names_a_part_and_is_silent_is_refused(result, where):
    with pytest.raises(AssertionError, match=where):
        asked(result)
    asked(result, no_choices="Nothing is chosen: the part is named by hand.")
    asked(result, choices=classmethod(lambda cls: []))


@pytest.mark.parametrize("reason", ["", "None.", "Nothing is chosen here, it is so", "a\nb c d e f g.", 3])
def test_a_reason_is_a_sentence(reason):
    with pytest.raises(AssertionError, match="a sentence that says why"):
        asked(no_choices=reason)


def test_who_has_choices_has_no_reason_to_have_none():
    with pytest.raises(AssertionError, match="leave one out"):
        asked(choices=classmethod(lambda cls: []), no_choices="Nothing is chosen: the part is named by hand.")


@pytest.mark.parametrize("name", plugins.load().analyses)
def test_each_of_our_analyses_says_how_it_chooses_whatever_it_names(name):
    cls = plugins.load().analyses[name]

    @dataclass(frozen=True)
    class Naming(Told):
        """It names a head."""

        said: str = "L0H0 does it."

    how_it_chose(cls.__new__(cls), lambda analysis: (Naming(), None))
    assert isinstance(getattr(cls, "no_choices", ""), str)


@dataclass(frozen=True)
class Silent:
    """It says nothing of how it chose."""

    name: ClassVar[str] = "silent"


def test_an_analysis_that_says_nothing_would_be_seen_among_ours():
    with pytest.raises(AssertionError):
        how_it_chose(Silent(), lambda analysis: (Told("L0H0 does it."), None))
