"""What the graph of latents and heads must find: the way a hand-built model says who speaks, and no other."""

from __future__ import annotations

from typing import Any

import numpy as np

from wonderland.testing.handwritten import HEADS
from wonderland.testing.truth import Truth
from wonderland_sparse.replacement import LOGITS
from wonderland_sparse.stream_runs import TOKENS
from wonderland_sparse.truths import QUICK, speaking_specimen

__all__ = ["carried", "graphs"]

_USED: dict[str, dict[str, Any]] = {"sparse-dictionaries": QUICK}


def carried(result: Any, sender: tuple[Any, ...], reader: tuple[Any, ...]) -> float:
    """Return the share of the gap that goes from one part to another, taken for real; a kind alone stands for all."""
    edges = zip(result.edges, np.asarray(result.taken.value), strict=True)
    return float(
        sum(
            value
            for (one, other), value in edges
            if tuple(one[: len(sender)]) == sender and tuple(other[: len(reader)]) == reader
        )
    )


def graphs() -> list[Truth]:
    """Return what `sparse-graphs` must find."""
    head = ("head", *HEADS["speaker"])

    def through(result: Any) -> tuple[bool, str]:
        if not result.drawn:
            return False, result.summary()
        ways = [(TOKENS, head), (head, ("feature",)), (("feature",), LOGITS)]
        sizes = [carried(result, *way) for way in ways]
        other = sum(abs(carried(result, ("head", 1, number), ("feature",))) for number in (0, 1))
        told = " → ".join(f"{size:.2f}" for size in sizes)
        return bool(
            min(sizes) > 0.8 and other < 0.05
        ), f"shares token → L1H2 → latents → answer: {told}; others {other:.2f}"

    def nothing(result: Any) -> tuple[bool, str]:
        return not any(finding.trust == "solid" for finding in result.findings()), result.summary().splitlines()[0]

    return [
        Truth("who speaks goes through one head and its latents", speaking_specimen, through, used=_USED),
        Truth("an untrained model", lambda: speaking_specimen().untrained(), nothing, nothing=True, used=_USED),
    ]
