"""Lessons of a live report: what the results measured of this model, as data beside the exercises.

The page checks each answer by running the model. What was measured over many conversations stands beside it, so that
nobody takes a few invented texts for the result. A model of which nothing was measured has lessons too; they say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["PROMPTS", "lessons"]

PROMPTS = (
    (("them", "are you free tomorrow?"), ("me", "yes")),
    (("me", "where are you?"), ("them", "I am")),
    (("them", "thank you so much"), ("me", "you")),
    (("them", "what do you do for work?"), ("me", "I")),
    (("me", "I am so tired today"), ("them", "oh no")),
    (("them", "hi"), ("me", "hello, how are you?"), ("them", "good")),
    (("me", "did you see the film?"), ("them", "no"), ("me", "it was")),
    (("them", "my sister has a new dog"), ("me", "that is")),
)
"""Invented conversations that the lessons ask about: speaker and text of each message; the last is not finished."""


def lessons(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``prompts``, and what was measured of heads that say who ``speaks`` and of ``induction``, or None."""
    return {
        "prompts": [[{"who": who, "text": text} for who, text in prompt] for prompt in PROMPTS],
        "speaks": _speaks(results.get("speaker-tracking")),
        "induction": _induction(results.get("induction")),
    }


def _speaks(result: Any) -> dict[str, Any] | None:
    """Return the heads shown to say who speaks, most first, and the share of a swap that goes through each head."""
    if result is None:
        return None
    through = result.swap["current"]["confirm"]["through"]
    return {
        "heads": result.heads_that_are("current-speaker"),
        "pairs": int(result.pairs["current"]["confirm"]),
        **{name: np.asarray(getattr(through, name), dtype=np.float32) for name in ("value", "low", "high")},
    }


def _induction(result: Any) -> dict[str, Any] | None:
    """Return the claim about induction as it was told, and the bound that counts as induction."""
    if result is None:
        return None
    return {
        "claim": result.summary().splitlines()[0],
        "behaves": bool(result.behaves),
        "least": float(result.least_gain),
    }
