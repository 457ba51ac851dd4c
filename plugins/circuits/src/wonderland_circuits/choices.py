"""What these analyses choose on one half of the pairs and measure on the other; pure noise holds them to it.

Each entry says what was chosen and what it scores on the pairs to measure on; `wonderland.testing.optimism` has the
noise. Nothing here is imported until somebody checks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import wonderland as wl
from wonderland.testing.optimism import Choice

Chosen = tuple[object, float]


def activation_patching() -> list[Choice]:
    """The head that brings back most."""

    def best(result: Any) -> Chosen:
        return result.best, float(result.confirmed["denoising"].value)

    return [Choice("the head that brings back most", best, parameters={"shown": 0})]


def circuit_sufficiency() -> list[Choice]:
    """The set of heads that brings back most."""

    def circuit(result: Any) -> Chosen:
        return result.circuit, float(result.recovery.value)

    return [Choice("the set of heads that brings back most", circuit)]


def path_patching() -> list[Choice]:
    """The heads to look into."""

    def receivers(result: Any) -> Chosen:
        at = [result.senders.index(head) for head in result.receivers]
        return result.receivers, float(np.mean(result.whole["denoising"].value[at]))

    return [Choice("the heads to look into", receivers)]


def edge_attribution() -> list[Choice]:
    """The strongest edges, but the one that carries the answer."""

    def strongest(result: Any) -> Chosen:
        named = [edge for edge in result.strongest if edge != str(wl.Edge("embed", "logits"))]
        return named, float(np.mean([result.exact.value[result.edges.index(edge)] for edge in named]))

    return [Choice("the strongest edges", strongest)]


def circuit_graph() -> list[Choice]:
    """The circuit that brings back more than all there is, which only luck can."""

    def circuit(result: Any) -> Chosen:
        return result.edges, float(result.faithfulness.value) - 1 if result.reached else float("nan")

    return [Choice("a circuit of over 100%", circuit, parameters={"enough": 1.002, "circuits": 1, "subsets": 1})]


def speaker_tracking() -> list[Choice]:
    """The heads through which enough goes to have their outputs exchanged."""

    def asked(result: Any) -> Chosen:
        chosen = {side: np.isfinite(of["other − same"].value) for side, of in result.resample.items()}
        through = [result.swap[side]["confirm"]["through"].value[heads] for side, heads in chosen.items()]
        score = float(np.mean(np.concatenate(through))) if any(map(len, through)) else float("nan")
        return {side: heads.tolist() for side, heads in chosen.items()}, score

    return [Choice("the heads that are asked further", asked, parameters={"effect": 0.005, "windows": 8, "places": 4})]
