"""What the analyses of this plugin must find: who speaks, where a head says it, and nothing where none does."""

from __future__ import annotations

import functools
from typing import Any, cast

import numpy as np
import torch

import wonderland as wl
from wonderland.model.layers import Block
from wonderland.testing.handwritten import (
    HEADS,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.truth import Truth
from wonderland.tokenizer import ME, SPECIALS, THEM
from wonderland_sparse.features_measured import BY_CHANCE

__all__ = ["circuits", "dictionaries", "features", "needing_specimen", "speaking_specimen"]

QUICK: dict[str, Any] = {"latents": 64, "active": 4, "epochs": 4, "tokens": "keep", "layers": "1"}
_USED: dict[str, dict[str, Any]] = {"sparse-dictionaries": QUICK}
_FEW: dict[str, Any] = {"effects": 16, "listed": 6}
_SAYS = 2.0  # logits


@functools.cache
def speaking_specimen() -> wl.Specimen:
    """Return the model in which one head says who speaks, with enough text to train dictionaries on."""
    train = handwritten_speaker_corpus(1400, seed=1)
    evidence = handwritten_speaker_corpus(60, seed=2)
    return wl.Specimen(handwritten_speaker_model(), handwritten_tokenizer(), evidence, background=train)


@functools.cache
def needing_specimen() -> wl.Specimen:
    """Return a model that is better for knowing who speaks: every other word of me is `` a``, of them `` b``.

    Of the hand-written speaker model only the latest-speaker head is left. It adds 2 logits to the word, by writing
    where the unembedding reads and where nothing else writes: which token stands here has no say in what comes next.
    """
    model, vocabulary = handwritten_speaker_model(), len(SPECIALS) + 19
    layer, head = HEADS["speaker"]
    says = model.cfg.d_model - vocabulary
    with torch.no_grad():
        attn = cast(Block, model.blocks[layer]).attn
        kept = attn.W_O[head].clone()
        for block in model.blocks:
            cast(Block, block).attn.W_O.zero_()
        attn.W_O[head] = kept
        attn.W_O[head, ME, says + len(SPECIALS)] = attn.W_O[head, THEM, says + len(SPECIALS) + 1] = _SAYS
        model.unembed.W_U.zero_()
        model.unembed.W_U[says:] = torch.eye(vocabulary)
        model.pos_embed.W_pos.mul_(0.05)  # positions would be most of the stream
        attn.W_K[head, vocabulary:says].mul_(20)

    def corpus(conversations: int, seed: int) -> wl.Corpus:
        random, found = np.random.default_rng(seed), []
        for one in handwritten_speaker_corpus(conversations, seed=seed):
            own = "a" if one.is_from_me else "b"
            words = [own if random.random() < 0.5 else word for word in one.text.split()]
            found.append(one._replace(text=" ".join(words)))
        return wl.Corpus.of(found, name="who says what")

    return wl.Specimen(model, handwritten_tokenizer(), corpus(60, 2), background=corpus(1400, 1))


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
        return bool(best.low > 0.999), f"AUROC of the best latent for who speaks: {best}"

    def silent(result: Any) -> tuple[bool, str]:
        (known,) = result.known.values()  # one pair of dictionaries for all layers
        best, (needed,) = known["me speaks"]["latent"], result.needed
        there = f"AUROC of the best latent for who speaks: {best}; share of latents that are needed: {needed}"
        return bool(best.value < 0.6 and not needed.low > BY_CHANCE), there

    def of_speakers(result: Any) -> list[int]:
        solid = result.arrays["L1"]["solid"].tolist()
        return [unit for unit in solid if result.explanations["L1"][unit] in ("me speaks", "them speaks")]

    def needed(result: Any) -> tuple[bool, str]:
        return bool(of_speakers(result)), f"needed latents for who speaks: {of_speakers(result)}"

    def useless(result: Any) -> tuple[bool, str]:
        best = int(result.known["L1"]["me speaks"]["number"].value)
        mine = {*of_speakers(result), *({best} & set(result.arrays["L1"]["solid"].tolist()))}
        return not mine, f"needed latents for who speaks: {sorted(mine)}"

    small = {"sparse-dictionaries": {**QUICK, "latents": 32, "active": 2}}
    return [
        Truth("a head of the speaker model says who speaks", speaking_specimen, speaks, _FEW, used=_USED),
        Truth("what is said depends on who speaks: the latent is needed", needing_specimen, needed, _FEW, used=small),
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
