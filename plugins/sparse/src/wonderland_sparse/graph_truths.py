"""What transcoders and attribution graphs must find: an MLP whose two neurons are known, and the way through them."""

from __future__ import annotations

import functools
from dataclasses import replace
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

__all__ = ["QUICK", "graphs", "known_mlp_model", "known_mlp_specimen", "transcoders"]

QUICK: dict[str, Any] = {"latents": 8, "active": 1, "epochs": 8, "rate": 2e-2}
_WRITES = 10.0  # logits


@torch.no_grad()
def known_mlp_model() -> wl.ChatTransformer:
    """Return the hand-written speaker model, in which now an MLP turns who speaks into a word.

    The latest-speaker head writes who speaks where only the MLP of its layer reads, and that MLP has two neurons: one
    for ``me``, which adds 10 logits to `` a``, and one for ``them``, which adds 10 to `` b``. The MLP before it writes
    nothing.
    """
    plain = handwritten_speaker_model()
    model = wl.ChatTransformer(
        replace(plain.cfg, attn_only=False, d_mlp=2, act_fn="relu"), tokenizer=plain.tokenizer_fingerprint
    )
    for weight in model.parameters():
        weight.zero_()
    model.load_state_dict(plain.state_dict(), strict=False)
    vocabulary = plain.cfg.d_vocab
    says = plain.cfg.d_model - vocabulary  # where the latest-speaker head writes the token it saw
    for name, head in HEADS.items():
        out = cast(Block, model.blocks[head.layer]).attn.W_O[head.index]
        for speaker in (ME, THEM):
            out[speaker, says + speaker] = float(name == "speaker")
    layer, index = HEADS["speaker"]
    block = cast(Block, model.blocks[layer])
    block.attn.W_O[index, :, :vocabulary] = 0
    for neuron, speaker in enumerate((ME, THEM)):
        block.mlp.W_in[says + speaker, neuron] = 1
        block.mlp.W_out[neuron, len(SPECIALS) + neuron] = _WRITES
    model.requires_grad_(False).eval()
    return model


@functools.cache
def known_mlp_specimen() -> wl.Specimen:
    """Return that model, with enough text to train transcoders on."""
    train, evidence = handwritten_speaker_corpus(1400, seed=1), handwritten_speaker_corpus(60, seed=2)
    return wl.Specimen(known_mlp_model(), handwritten_tokenizer(), evidence, background=train)


def transcoders() -> list[Truth]:
    """Return what `transcoders` must find."""

    def exact(result: Any) -> tuple[bool, str]:
        left = result.measured["L1"]["transcoder"]["fvu"]
        return bool(left.high < 0.02 and result.silent == [0]), f"share of variance left: {left}"

    def nothing(result: Any) -> tuple[bool, str]:
        return result.layers == [], f"layers with a transcoder: {result.layers}"

    return [
        Truth("an MLP of two neurons is two latents", known_mlp_specimen, exact, QUICK),
        Truth("the MLPs of an untrained model write nothing", _untrained, nothing, QUICK, True),
    ]


def graphs() -> list[Truth]:
    """Return what `attribution-graphs` must find."""

    def through(result: Any) -> tuple[bool, str]:
        if not result.told:
            return False, result.summary()
        by_latents = float(np.asarray(result.straight.value)[3])
        head = ["head", *HEADS["speaker"]]
        there = any(sender == head and receiver[0] == "latent" for sender, receiver in result.edges)
        return by_latents > 0.95 and there, f"straight from latents to the answer: {by_latents:.2f} of the gap"

    def nothing(result: Any) -> tuple[bool, str]:
        return not result.told, result.summary().splitlines()[0]

    used = {"transcoders": QUICK}
    return [
        Truth("who speaks goes through a head and an MLP", known_mlp_specimen, through, used=used),
        Truth("an untrained model", _untrained, nothing, nothing=True, used=used),
    ]


def _untrained() -> wl.Specimen:
    return known_mlp_specimen().untrained()
