"""The pairs that a causal analysis asks about: mined or given, linted, with the reason for every refusal.

Mined pairs come in two sets of different conversations: what an analysis chooses, it chooses on the first and measures
on the second. Given pairs are one set, so what is chosen on them is measured on the same; results say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

import wonderland as wl
from wonderland.lab.contrast import ContrastBatch, lint


@dataclass(frozen=True)
class ContrastSelection:
    """Pairs that passed the linter.

    Attributes:
        contrasts: The pairs.
        batch: The same as arrays.
        explore: Which of them to choose on.
        confirm: Which of them to measure on.
        refused: Why others were refused, each a line. A line counts reasons and never quotes a prompt.
    """

    contrasts: list[wl.Contrast]
    batch: ContrastBatch
    explore: np.ndarray
    confirm: np.ndarray
    refused: list[str]

    @classmethod
    def of(
        cls, specimen: wl.Specimen, given: Sequence[wl.Contrast], *, kind: str, pairs: int, seed: int
    ) -> ContrastSelection:
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


@dataclass(frozen=True)
class AsksContrasts:
    """The options of every analysis that asks about contrasts, and the contrasts they choose."""

    kind: Annotated[str, "what differs: speaker, first-speaker, affirmation or question"] = "speaker"
    pairs: Annotated[int, "pairs to mine at most, half to explore and half to confirm"] = 64
    seed: Annotated[int, "seed of pairs, of intervals and of whatever else is drawn"] = 0
    contrasts: Annotated[tuple[wl.Contrast, ...], "contrasts of your own, in place of mined ones"] = ()

    def asked(self, specimen: wl.Specimen) -> ContrastSelection:
        """Return the contrasts to ask about."""
        return ContrastSelection.of(specimen, self.contrasts, kind=self.kind, pairs=self.pairs, seed=self.seed)

    @property
    def differs(self) -> str:
        """What differs between mined prompts; "" where the contrasts were given."""
        return "" if self.contrasts else self.kind

    @property
    def held_back(self) -> bool:
        """Whether what is chosen is measured on other pairs."""
        return not self.contrasts


def described(contrast: wl.Contrast, tokenizer: Any, gap: float) -> dict[str, Any]:
    """Return a pair as quoted texts, with its gap in logits."""
    clean, corrupted = contrast.tokens(tokenizer)
    target, foil = contrast.answers(tokenizer)
    return {
        "clean": tokenizer.decode(clean),
        "corrupted": tokenizer.decode(corrupted),
        "target": tokenizer.pieces(target)[0],
        "foil": tokenizer.pieces(foil)[0],
        "gap": float(gap),
    }
