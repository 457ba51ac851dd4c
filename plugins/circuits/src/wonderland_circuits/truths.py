"""Truths of these analyses: heads that cause what they were written to cause, and none that were not.

Nothing here is imported until somebody runs the self-test.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

import wonderland as wl
from wonderland.testing.handwritten import (
    HEADS,
    handwritten_first_speaker_model,
    handwritten_model,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.truth import Truth, handwritten_specimen, repeating_specimen, speaking_specimen, untrained

Check = tuple[bool, str]
_NAMES = {what: str(head) for what, head in HEADS.items()}
_PAIR = [_NAMES["uniform"], _NAMES["speaker"]]


def head_ablation() -> list[Truth]:
    """Two heads that repeated text needs, four that it does not."""
    needed = sorted(_NAMES[name] for name in ("previous", "induction"))

    def two(result: Any) -> Check:
        found = sorted(result.heads_that_are("needed"))
        idle = [name for name in HEADS if _NAMES[name] not in needed]
        least = min(float(of.low[HEADS[name]]) for of in result.cost.values() for name in ("previous", "induction"))
        most = max(abs(float(of.value[HEADS[name]])) for of in result.cost.values() for name in idle)
        told = f"needed: {', '.join(found)}, at least {least:.2f} nats each; the others cost at most {most:.1g}"
        return found == needed and least > 1 and most < 1e-5, told

    def none(result: Any) -> Check:
        found = result.heads_that_are("needed")
        return not found, f"needed: {', '.join(found) or 'none'}"

    return [
        Truth(f"repeated text, for which the hand-built model needs {' and '.join(needed)}", repeating_specimen, two),
        Truth("its untrained baseline", untrained(repeating_specimen), none, nothing=True),
    ]


def activation_patching() -> list[Truth]:
    """One head that carries who speaks, and a model that does not care."""
    speaker = _NAMES["speaker"]

    def carries(result: Any) -> Check:
        expected = np.zeros((2, 3))
        expected[HEADS["speaker"]] = 1
        apart = max(np.abs(grid.value - expected).max() for grid in result.by_head.values())
        one = result.confirmed["denoising"]
        return result.best == speaker and apart < 1e-3, f"{result.best} alone, recovery {one}"

    def none(result: Any) -> Check:
        return not result.best, f"{len(result.pairs)} pairs with a difference to trace, no head named"

    return [
        Truth(f"{speaker} of the hand-built model says who speaks, alone", speaking_specimen, carries, {"pairs": 40}),
        Truth("the hand-built model that does not mind who speaks", handwritten_specimen, none, nothing=True),
    ]


def circuit_sufficiency() -> list[Truth]:
    """Two heads of one half each, and two that carry nothing."""

    def both(result: Any) -> Check:
        halves = [float(one.value) for one in result.alone.values()]
        holds = result.circuit == _PAIR and abs(float(result.recovery.value) - 1) < 1e-3 and result.rank == 1
        holds = holds and bool(np.abs(np.subtract(halves, 0.5)).max() < 1e-3)
        return holds, f"{', '.join(result.circuit)}: recovery {result.recovery}, best of {len(result.others) + 1} sets"

    def none(result: Any) -> Check:
        value = float(result.recovery.value)
        return abs(value) < 1e-3 and not result.sufficient, f"{', '.join(result.circuit)} bring back {value:.3f}"

    others = (_NAMES["previous"], _NAMES["induction"])
    return [
        Truth(
            f"{' and '.join(_PAIR)} of a hand-built model say half of who speaks each",
            shared_speaker,
            both,
            {"pairs": 16},
        ),
        Truth(
            f"{' and '.join(others)} of it, which say nothing of it",
            shared_speaker,
            none,
            {"pairs": 16, "heads": others},
            nothing=True,
        ),
    ]


def speaker_tracking() -> list[Truth]:
    """A head that says who speaks, one that says who began, a sink, and one that looks and says nothing."""
    speaker, sink = _NAMES["speaker"], _NAMES["first"]
    small = {"pairs": 48, "windows": 24, "places": 400}

    def told(result: Any) -> str:
        kinds = ("current-speaker", "first-speaker", "sink")
        return "; ".join(f"{kind} {', '.join(result.heads_that_are(kind)) or 'none'}" for kind in kinds)

    def one(verdict: str, other: str) -> Any:
        def check(result: Any) -> Check:
            holds = result.heads_that_are(verdict) == [speaker] and not result.heads_that_are(other)
            return holds and result.heads_that_are("sink") == [sink], told(result)

        return check

    def none(result: Any) -> Check:
        return not result.heads_that_are("current-speaker") + result.heads_that_are("first-speaker"), told(result)

    return [
        Truth(
            f"{speaker} of the hand-built model says who speaks; {sink} is a sink",
            speaking_specimen,
            one("current-speaker", "first-speaker"),
            small,
        ),
        Truth(
            f"{speaker} of a hand-built model says who began; {sink} is a sink",
            lambda: wl.Specimen(
                handwritten_first_speaker_model(), handwritten_tokenizer(), handwritten_speaker_corpus()
            ),
            one("first-speaker", "current-speaker"),
            small,
        ),
        Truth(
            f"a hand-built model whose {speaker} looks at the speaker and says nothing",
            lambda: wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_speaker_corpus()),
            none,
            small,
            nothing=True,
        ),
    ]


def head_taxonomy() -> list[Truth]:
    """Roles for the heads that do something, and none for those that do not."""
    early, late, speaker, sink = (_NAMES[name] for name in ("previous", "induction", "speaker", "first"))

    def told(result: Any) -> str:
        return "; ".join(f"{role}: {', '.join(heads)}" for role, heads in result.by_role.items())

    def repeating(result: Any) -> Check:
        named = {result.heads[i] for i in result.named}
        relays = result.role(early) == "relays the previous token" and result.role(late) == "induction"
        return relays and named == {early, late}, told(result)

    def speaking(result: Any) -> Check:
        holds = result.role(speaker) == "says who speaks" and result.role(sink) == "sink"
        return holds and speaker in {result.heads[i] for i in result.named}, told(result)

    def none(result: Any) -> Check:
        return not result.named, told(result)

    return [
        Truth(f"repeated text: {early} relays, {late} continues, the others do nothing", repeating_specimen, repeating),
        Truth(f"{speaker} of the hand-built model says who speaks; {sink} is a sink", speaking_specimen, speaking),
        Truth("the untrained baseline of the hand-built model", untrained(repeating_specimen), none, nothing=True),
    ]


@functools.cache
@torch.no_grad()
def shared_speaker() -> wl.Specimen:
    """Return a specimen of a model with two heads that each say half of who speaks."""
    model: Any = handwritten_speaker_model()
    attn, loud, quiet = model.blocks[1].attn, HEADS["speaker"][1], HEADS["uniform"][1]
    for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q"):
        getattr(attn, name)[quiet] = getattr(attn, name)[loud]
    return wl.Specimen(model, handwritten_tokenizer(), handwritten_speaker_corpus())
