"""Truths of the analyses of edges: the one edge that was written by hand, and none where nothing was.

Nothing here is imported until somebody runs the self-test.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import wonderland as wl
from wonderland.testing.handwritten import HEADS
from wonderland.testing.truth import Truth, handwritten_specimen, speaking_specimen

Check = tuple[bool, str]
_NAMES = {what: str(head) for what, head in HEADS.items()}
_SPEAKER = _NAMES["speaker"]
_PLANTED = f"{_SPEAKER} of the hand-built model reads who speaks by its values and says so, alone"
_EDGES = {str(wl.Edge("embed", _SPEAKER, "v")), str(wl.Edge(_SPEAKER, "logits"))}
_CARELESS = "the hand-built model that does not mind who speaks"


def path_patching() -> list[Truth]:
    """One head that tells the answer straight, and hears of it from the embedding by its values."""

    def straight(result: Any) -> Check:
        at = result.senders.index(_SPEAKER)
        direct = result.direct["denoising"]
        others = np.delete(np.asarray(direct.value), at)
        into = result.into.get(_SPEAKER)
        by_values = into is not None and abs(float(into.value[2, 0]) - 1) < 1e-3
        holds = abs(float(direct.value[at]) - 1) < 1e-3 and np.abs(others).max() < 1e-3 and by_values
        into_it = "; ".join(str(edge) for edge, _ in result.paths()[:2])
        return holds, f"{wl.Edge(_SPEAKER, 'logits')} {direct[at]}; {into_it}"

    def none(result: Any) -> Check:
        return not result.receivers, f"{len(result.receivers)} heads named"

    return [
        Truth(_PLANTED, speaking_specimen, straight, {"pairs": 40}),
        Truth(_CARELESS, handwritten_specimen, none, nothing=True),
    ]


def edge_attribution() -> list[Truth]:
    """Two edges that carry everything."""

    def both(result: Any) -> Check:
        effects = dict(zip(result.edges, np.asarray(result.exact.value).tolist(), strict=True))
        found = {name for name, one in effects.items() if one > 0.5}
        rest = max(abs(one) for name, one in effects.items() if name not in _EDGES)
        agrees = min(float(part["correlation"].value) for part in result.agreement.values())
        holds = found == _EDGES and rest < 1e-3 and agrees > 0.99
        return holds, f"{', '.join(sorted(found))}; all other edges at most {rest:.1g}; estimates agree {agrees:.2f}"

    def none(result: Any) -> Check:
        return not result.strongest, f"{len(result.strongest)} edges named"

    return [
        Truth(_PLANTED, speaking_specimen, both, {"pairs": 40}),
        Truth(_CARELESS, handwritten_specimen, none, nothing=True),
    ]


def circuit_graph() -> list[Truth]:
    """A circuit of two edges, faithful, complete and minimal."""

    def two(result: Any) -> Check:
        found = set(result.edges)
        whole = abs(float(result.faithfulness.value) - 1) < 1e-3 and result.incompleteness.max() < 1e-3
        holds = found == _EDGES and whole and not result.idle
        return holds, f"{', '.join(result.edges)}: {result.faithfulness}, p={result.p:.3f}"

    def none(result: Any) -> Check:
        return not result.edges, f"{len(result.edges)} edges named"

    return [
        Truth(_PLANTED, speaking_specimen, two, {"pairs": 40, "circuits": 60}),
        Truth(_CARELESS, handwritten_specimen, none, nothing=True),
    ]


def causal_scrubbing() -> list[Truth]:
    """A head that depends on who speaks, and a hypothesis that is not true of it."""

    def speaker(result: Any) -> Check:
        at = HEADS["speaker"]
        left = {name: float(one.value[at]) for name, one in result.explained.items()}
        told = ", ".join(f"{name} {one:.2f}" for name, one in left.items())
        holds = result.hypothesis[_SPEAKER] == "speaker" and abs(left["speaker"] - 1) < 1e-6
        return holds and abs(left["token"]) < 0.35 and float(result.recovered.value) > 0.99, f"left of it: {told}"

    def wrong(result: Any) -> Check:
        left = float(result.explained["position"].value[HEADS["speaker"]])
        return abs(left) < 0.35, f"left if only its position is kept: {left:.2f}"

    return [
        Truth(
            f"{_SPEAKER} of the hand-built model depends on who speaks and on nothing else", speaking_specimen, speaker
        ),
        Truth(f"position, which {_SPEAKER} does not mind", speaking_specimen, wrong, nothing=True),
    ]
