"""Models whose local learning coefficient is known, for `wonderland_cohorts.llc`.

A model that says the same after every text, token t with probability p_t, has one weight for each token; all but one of
them matter, since probabilities sum to one. Where p is how often each token is said, it lies at a minimum and is
regular: λ = (tokens − 1)/2. Weights that move nothing, those of queries
here since its head writes nothing, have λ = 0.
"""

from __future__ import annotations

import functools

import numpy as np
import torch

import wonderland as wl
from wonderland.model.presets import Config
from wonderland.testing.handwritten import handwritten_corpus, handwritten_tokenizer
from wonderland.testing.truth import Truth
from wonderland_cohorts.llc_result import LlcResult

__all__ = ["llc", "same_after_all"]

_RARE = -12.0  # logarithm of the probability of what is never said
_COARSE = {"step": 0.02, "pull": 0.1, "chains": 3, "draws": 500, "windows": 64, "batch": 64, "weights": "unembed"}


@functools.cache
def same_after_all() -> wl.Specimen:
    """Return a model that predicts tokens by how often they are said, whatever came before, on the text it is of."""
    tokenizer, corpus = handwritten_tokenizer(), handwritten_corpus(24)
    cfg = Config(1, 1, 2, 2, 1, n_ctx=48, d_vocab=tokenizer.vocab_size, normalization_type=None, attn_only=True)
    model = wl.ChatTransformer(cfg, tokenizer=tokenizer.fingerprint)
    specimen = wl.Specimen(model, tokenizer, corpus, background=corpus)
    counts = _counts(specimen)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.embed.W_E[:, 0] = 1
        shares = np.log(np.maximum(counts, 1e-9) / counts.sum())
        model.unembed.W_U[0] = torch.from_numpy(np.maximum(shares, _RARE))
    return wl.Specimen(model.requires_grad_(False).eval(), tokenizer, corpus, background=corpus)


def _counts(specimen: wl.Specimen) -> np.ndarray:
    windows = specimen.background
    said = np.concatenate([np.asarray(windows[i])[1:] for i in range(len(windows))])
    return np.bincount(said, minlength=specimen.cfg.d_vocab)


def llc() -> list[Truth]:
    """Return the truths of `wonderland_cohorts.llc`."""
    kinds = int((_counts(same_after_all()) > 0).sum())

    def regular(result: LlcResult) -> tuple[bool, str]:
        right = not result.declined and abs(float(result.llc.value) - (kinds - 1) / 2) < 0.15 * kinds / 2
        return right, result.summary()

    def flat(result: LlcResult) -> tuple[bool, str]:
        return not result.declined and abs(float(result.llc.value)) < 0.01, result.summary()

    planted = f"a regular model of {kinds} tokens has λ = {(kinds - 1) / 2}"
    return [
        Truth(planted, same_after_all, regular, _COARSE),
        Truth(
            "weights that move nothing have λ = 0",
            same_after_all,
            flat,
            {**_COARSE, "weights": "W_Q", "pull": 10.0},
            nothing=True,
        ),
    ]
