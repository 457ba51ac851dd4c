"""Which pairs does a causal analysis ask about? Mined or given ones, linted, with the reason for every refusal.

Mined pairs come in two sets of different conversations: what an analysis chooses, it chooses on the first and measures
on the second. Given pairs are one set, so what is chosen on them is measured on the same; results say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.lab.contrast import ContrastBatch, lint

_WHAT = {
    "speaker": "who speaks",
    "first-speaker": "who spoke first",
    "affirmation": "yes or no",
    "question": "question or statement",
}


@dataclass(frozen=True)
class Questions:
    """Pairs that passed the linter.

    Attributes:
        contrasts: The pairs.
        batch: The same as arrays.
        explore: Which of them to choose on.
        confirm: Which of them to measure on.
        refused: Why others were refused, each a line.
    """

    contrasts: list[wl.Contrast]
    batch: ContrastBatch
    explore: np.ndarray
    confirm: np.ndarray
    refused: list[str]

    @classmethod
    def of(cls, specimen: wl.Specimen, given: Sequence[wl.Contrast], *, kind: str, pairs: int, seed: int) -> Questions:
        """Return the given pairs, or mined ones of a kind if none are given, without those that have a problem."""
        if given:
            asked, exploring = list(given), len(given)
        else:
            mined = specimen.contrasts(kind, pairs=pairs, seed=seed)
            asked, exploring = [*mined.explore, *mined.confirm], len(mined.explore)
        problems = lint(asked, specimen.tokenizer, specimen.model)
        fit = np.array([i for i, found in enumerate(problems) if not found], dtype=int)
        names = Counter(found[0].name for found in problems if found)
        refused = [f"{count} of {len(asked)} contrasts, {name}" for name, count in names.items()]
        if not asked:
            why = ", ".join(f"{count} {name}" for name, count in mined.refused.items()) or "no place for one"
            refused = [f"none could be mined from the held-out conversations: {why}"]
        contrasts = [asked[i] for i in fit]
        explore = np.flatnonzero(fit < exploring)
        confirm = explore if given else np.flatnonzero(fit >= exploring)
        return cls(contrasts, ContrastBatch.of(contrasts, specimen.tokenizer), explore, confirm, refused)


def described(contrast: wl.Contrast, tokenizer: Any, gap: float) -> dict[str, Any]:
    """Return a pair as texts, with its gap in logits."""
    clean, corrupted = contrast.tokens(tokenizer)
    target, foil = contrast.answers(tokenizer)
    return {
        "clean": tokenizer.decode(clean),
        "corrupted": tokenizer.decode(corrupted),
        "target": tokenizer.pieces(target)[0],
        "foil": tokenizer.pieces(foil)[0],
        "gap": float(gap),
    }


def spelled(kind: str) -> str:
    """Return what differs between the prompts, in words."""
    return _WHAT.get(kind, kind or "the contrasts given")


def share(estimate: wl.Estimate) -> str:
    """Return an estimate as a share with its interval: "63% [56%, 70%]"."""
    return f"{float(estimate.value):.0%} [{float(estimate.low):.0%}, {float(estimate.high):.0%}]"
