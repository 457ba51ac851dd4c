"""Truths of these analyses: the circuit that was written into the hand-built model, and nothing in random weights.

Nothing here is imported until somebody runs the self-test.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wonderland.components import Head
from wonderland.testing.handwritten import HEADS
from wonderland.testing.truth import Truth, handwritten_specimen, random_specimen

Check = tuple[bool, str]
_PREVIOUS, _INDUCTION = map(str, (HEADS["previous"], HEADS["induction"]))
_RANDOM = "a model of the hand-built one's kind whose weights are all drawn at random"


def ov_circuits() -> list[Truth]:
    """One head that copies."""

    def copies(result: Any) -> Check:
        score = float(result.copying[HEADS["induction"]])
        names = [str(Head(layer, head)) for layer, head in result.copiers]
        holds = names == [_INDUCTION] and abs(score - 1) < 1e-6 and not result.suppressors
        return holds, f"copying: {', '.join(names) or 'none'}, {_INDUCTION} with a score of {score:.3f}"

    def none(result: Any) -> Check:
        named = [*result.copiers, *result.suppressors]
        return not named, f"{len(named)} of {result.copying.size} heads copy or suppress, lowest q {_least(result.q)}"

    return [
        Truth(
            f"{_INDUCTION} of the hand-built model copies, and no other head does",
            handwritten_specimen,
            copies,
            {"rotations": 200},
        ),
        Truth(_RANDOM, random_specimen, none, nothing=True),
    ]


def composition() -> list[Truth]:
    """One head that reads another in its keys."""

    def composes(result: Any) -> Check:
        scaled = float(result.scaled[result.at("K", _PREVIOUS, _INDUCTION)])
        holds = result.pairs == [("K", _PREVIOUS, _INDUCTION)] and abs(scaled - 2) < 1e-6
        told = ", ".join(f"{kind} {earlier} → {later}" for kind, earlier, later in result.pairs) or "none"
        return holds, f"{told}; {scaled:.2f} times the chance level"

    def none(result: Any) -> Check:
        return not result.pairs, f"{len(result.pairs)} compositions beyond chance, lowest q {_least(result.q)}"

    return [
        Truth(
            f"{_INDUCTION} of the hand-built model reads {_PREVIOUS} by its keys, twice as much as chance would",
            handwritten_specimen,
            composes,
            {"rotations": 1000},
        ),
        Truth(_RANDOM, random_specimen, none, {"rotations": 3000}, nothing=True),
    ]


def _least(q: np.ndarray) -> str:
    return f"{np.nanmin(q):.2f}"
