"""Truths: what an analysis must find where something was planted, and nothing where nothing was.

A `Truth` is one such expectation in a form that a machine can hold and a person can read: what was planted, the
specimen it was planted in, and a check that says in words what was found there and whether that is it. An analysis
offers its truths as an optional class method; nothing else is needed for `wonderland selftest` and the tests to run
them, for a plugin by anybody::

    @classmethod
    def truths(cls):
        from wonderland.testing.truth import Truth, handwritten_specimen, untrained

        def names(result):
            return result.heads == ["L1H1"], f"heads: {result.heads}"

        def none(result):
            return not result.heads, f"heads: {result.heads}"

        return [
            Truth("L1H1 of the hand-built model does it", handwritten_specimen, names),
            Truth("its untrained baseline", untrained(handwritten_specimen), none, nothing=True),
        ]

Import this module inside the method, so that an installed plugin costs nothing until it is tested. The specimens below
are made once a process and shared: build another one to change a model. What would fool it: a check that holds whatever
comes out. Break the formula once and see it fail.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wonderland.lab.evidence import Evidence
from wonderland.lab.specimen import Specimen
from wonderland.testing.handwritten import (
    WORDS,
    handwritten_corpus,
    handwritten_model,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.random_models import random_model
from wonderland.tokenizer import SPECIALS

__all__ = ["Truth", "handwritten_specimen", "random_specimen", "repeating_specimen", "speaking_specimen", "untrained"]


@dataclass(frozen=True)
class Truth:
    """What is known of a specimen and has to come out of an analysis.

    Args:
        planted: What was planted, in words that name the model it was planted in.
        specimen: Makes the specimen; called when the truth is tested.
        check: Given the result, returns whether it holds and, in words, what was found.
        parameters: Parameters of the analysis, where its defaults take too long or ask for more than there is.
        nothing: Whether this is the other half of a proof: nothing was planted, so nothing may be found.
        used: Parameters of the analyses that it uses, by their names.
    """

    planted: str
    specimen: Callable[[], Specimen]
    check: Callable[[Any], tuple[bool, str]]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    nothing: bool = False
    used: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@functools.cache
def handwritten_specimen() -> Specimen:
    """Return the hand-built model on conversations of several lengths, so that padding would spoil what it got into."""
    return Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(40, shortest=10))


@functools.cache
def speaking_specimen() -> Specimen:
    """Return the hand-built model in which one head says who speaks, on conversations where nobody else does."""
    return Specimen(handwritten_speaker_model(), handwritten_tokenizer(), handwritten_speaker_corpus())


@functools.cache
def repeating_specimen() -> Specimen:
    """Return the hand-built model on windows that repeat three words, two from each of twelve conversations."""
    specimen = Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(4))
    random = np.random.default_rng(0)
    rows = [np.tile(len(SPECIALS) + random.permutation(len(WORDS))[:3], 16) for _ in range(24)]
    specimen.evidence = Evidence(np.stack(rows), np.full(24, 48), np.repeat(np.arange(12), 2))
    return specimen


@functools.cache
def random_specimen() -> Specimen:
    """Return a model in which nothing was planted: four layers of six heads, every weight drawn."""
    model = random_model(n_layers=4, n_heads=6, d_model=24, d_head=6)
    return Specimen(model, handwritten_tokenizer(), handwritten_corpus(12))


def untrained(specimen: Callable[[], Specimen]) -> Callable[[], Specimen]:
    """Return what makes the untrained baseline of a specimen, in which nothing is planted."""
    return lambda: specimen().untrained()
