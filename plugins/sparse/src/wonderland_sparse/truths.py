"""What the analyses of this plugin must find: who speaks, where a head says it, and nothing where none does."""

from __future__ import annotations

import functools
from typing import Any

import wonderland as wl
from wonderland.testing.handwritten import (
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.truth import Truth
from wonderland_sparse.features_measured import BY_CHANCE

__all__ = ["circuits", "dictionaries", "features", "speaking_specimen"]

QUICK: dict[str, Any] = {"latents": 64, "active": 4, "epochs": 4, "tokens": "keep", "layers": "1"}
_USED: dict[str, dict[str, Any]] = {"sparse-dictionaries": QUICK}
_FEW: dict[str, Any] = {"effects": 16, "listed": 6}


@functools.cache
def speaking_specimen() -> wl.Specimen:
    """Return the model in which one head says who speaks, with enough text to train dictionaries on."""
    train = handwritten_speaker_corpus(1400, seed=1)
    evidence = handwritten_speaker_corpus(60, seed=2)
    return wl.Specimen(handwritten_speaker_model(), handwritten_tokenizer(), evidence, background=train)


def dictionaries() -> list[Truth]:
    """Return what `sparse-dictionaries` must find."""

    def found(result: Any) -> tuple[bool, str]:
        left = result.measured["dictionary"]["fvu"][0]
        return bool(left.high < 0.2), f"share of variance left: {left}"

    def nothing(result: Any) -> tuple[bool, str]:
        return result.shared, f"one pair for all layers: {result.shared}"

    quick = {**QUICK, "layers": ""}
    return [
        Truth("the stream of the hand-built speaker model is sparse", speaking_specimen, found, QUICK),
        Truth("an untrained model writes nothing", lambda: speaking_specimen().untrained(), nothing, quick, True),
    ]


def features() -> list[Truth]:
    """Return what `sparse-features` must find: one latent for who speaks where a head says it, and none elsewhere.

    "Elsewhere" is the untrained baseline, whose stream holds the token alone. A model whose output does not mind who
    speaks is no null: its stream may hold it all the same, and a latent then finds it rightly.
    """

    def speaks(result: Any) -> tuple[bool, str]:
        best = result.known["L1"]["me speaks"]["latent"]
        return bool(best.low > 0.95), f"AUROC of the best latent for who speaks: {best}"

    def silent(result: Any) -> tuple[bool, str]:
        (known,) = result.known.values()  # one pair of dictionaries for all layers
        best, (needed,) = known["me speaks"]["latent"], result.needed
        there = f"AUROC of the best latent for who speaks: {best}; share of latents that are needed: {needed}"
        return bool(best.value < 0.6 and not needed.low > BY_CHANCE), there

    def useless(result: Any) -> tuple[bool, str]:
        units = {int(result.known["L1"]["me speaks"]["number"].value)}
        mine = units & set(result.arrays["L1"]["solid"].tolist())
        return not mine, f"needed latents for who speaks: {sorted(mine)}"

    return [
        Truth("a head of the speaker model says who speaks", speaking_specimen, speaks, _FEW, used=_USED),
        Truth(
            "nobody says what this model says: it is no better for it", speaking_specimen, useless, _FEW, True, _USED
        ),
        Truth("an untrained model", lambda: speaking_specimen().untrained(), silent, _FEW, True, _USED),
    ]


def circuits() -> list[Truth]:
    """Return what `sparse-circuits` must find: latents that bring the speaker back, where a head says who speaks."""

    def carried(result: Any) -> tuple[bool, str]:
        whole = result.whole.get("L1")
        return whole is not None and bool(whole.low > 0.5), f"recovery of all latents: {whole}"

    def refused(result: Any) -> tuple[bool, str]:
        return not any(f.trust == "solid" for f in result.findings()), result.summary().splitlines()[0]

    return [
        Truth("the speaker model's latents carry who speaks", speaking_specimen, carried, used=_USED),
        Truth("an untrained model", lambda: speaking_specimen().untrained(), refused, nothing=True, used=_USED),
    ]
