"""What is measured of a model at each snapshot, alike in all: losses, distances to n-grams, repetition, lens depth.

All snapshots are asked on the same tokens, the same places and the same random sequences, so that the curves differ by
training alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import wonderland as wl
from wonderland.lab.names import hook_name
from wonderland.lab.stats import cluster_bootstrap
from wonderland.model.baselines import ngram_distributions
from wonderland.tokenizer import SPECIALS

__all__ = ["NGRAMS", "Places", "kinds_of_tokens", "places", "repetition"]

Floats = NDArray[np.float64]
NGRAMS = ("unigram", "bigram", "trigram")


def kinds_of_tokens(evidence: wl.Evidence) -> dict[str, NDArray[np.bool_]]:
    """Return where each kind of predicted token stands, [window, pos]; all tokens first."""
    predicted = evidence.mask & (np.arange(evidence.tokens.shape[1]) > 0)
    found = {"all tokens": predicted}
    if not evidence.speakers:
        return found
    special = evidence.tokens < len(SPECIALS)
    first = np.zeros_like(special)
    first[:, 1:] = evidence.is_speaker[:, :-1]
    found["first token of a message"] = predicted & ~special & first
    found["other tokens of a message"] = predicted & ~special & ~first
    found["end of a message"] = predicted & special & ~evidence.is_speaker
    found["who speaks next"] = predicted & evidence.is_speaker
    return {name: where for name, where in found.items() if where.any()}


@dataclass(frozen=True)
class Places:
    """Some places of the evidence, and what n-grams predict there.

    Attributes:
        window: Window of each place.
        pos: Position of the token that is predicted.
        conversation: Conversation of each.
        ngrams: Log-probabilities [place, d_vocab] of n-gram models by name; none without training text.
    """

    window: NDArray[np.int64]
    pos: NDArray[np.int64]
    conversation: NDArray[np.int64]
    ngrams: dict[str, Tensor]

    def here(self, windows: slice) -> NDArray[np.int64]:
        """Return which places lie in some windows."""
        return np.flatnonzero((self.window >= windows.start) & (self.window < windows.stop))

    def distances(self, which: NDArray[np.int64], log_probs: Tensor) -> dict[str, Floats]:
        """Return KL(n-gram ‖ model) in nats at some places, by name, [place]."""
        found = {}
        for name, ngram in self.ngrams.items():
            told = ngram[torch.from_numpy(which)]
            found[name] = np.asarray((told.exp() * (told - log_probs)).sum(-1).double())
        return found


def places(specimen: wl.Specimen, background: Any, count: int, seed: int) -> Places:
    """Choose places with two tokens before them.

    Args:
        specimen: Any member.
        background: Training windows that do not overlap; None for no n-grams.
        count: How many.
        seed: Seed of the choice.
    """
    evidence = specimen.evidence
    window, pos = np.nonzero(evidence.mask & (np.arange(evidence.tokens.shape[1]) > 1))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(window))[:count])
    window, pos = window[chosen], pos[chosen]
    ngrams: dict[str, Tensor] = {}
    if background is not None and len(background):
        before = np.stack([evidence.tokens[window, pos - 2], evidence.tokens[window, pos - 1]], axis=1)
        told = ngram_distributions(background, before, specimen.cfg.d_vocab)
        ngrams = {name: torch.from_numpy(np.log(np.maximum(p, 1e-30))).float() for name, p in told.items()}
    return Places(window, pos, evidence.conversation[window], ngrams)


def lens_depth(specimen: wl.Specimen, stream: Tensor, final: Tensor) -> Floats:
    """Return the first layer after which the model's own end ranks first what it ranks first in the end, and stays so.

    Args:
        specimen: The model.
        stream: The residual stream after each layer, [layer, place, d_model].
        final: Log-probabilities of the model, [place, d_vocab].

    Returns:
        Layers counted from 1, [place].
    """
    answer, model = final.argmax(-1), specimen.model
    agrees = torch.stack(
        [model.unembed(model.ln_final(h.to(model.device))).argmax(-1).cpu() == answer for h in stream[:-1]]
        + [torch.ones_like(answer, dtype=torch.bool)]
    )
    stays = agrees.flip(0).long().cumprod(0).sum(0)  # layers from the end on that agree
    return np.asarray(len(stream) - stays + 1, dtype=np.float64)


@dataclass(frozen=True)
class Repeated:
    """What a model does with random words said twice.

    Attributes:
        gain: Loss of the words the first time less that the second time, nats.
        induction: Attention to what came after the earlier copy, [layer, head].
        previous: Attention to the previous token, [layer, head].
    """

    gain: wl.Estimate
    induction: wl.Estimate
    previous: wl.Estimate


@torch.no_grad()
def repetition(specimen: wl.Specimen, words: NDArray[np.int64], seed: int) -> Repeated:
    """Let a model read [start, r_1 … r_n, r_1 … r_n].

    Args:
        specimen: The model.
        words: Distinct tokens, [sequence, n].
        seed: Seed of the intervals.
    """
    n = words.shape[1]
    start = np.full((len(words), 1), specimen.tokenizer.start)
    tokens = torch.from_numpy(np.concatenate([start, words, words], axis=1)).to(specimen.model.device)
    names = [hook_name("pattern", layer) for layer in range(specimen.cfg.n_layers)]
    logits, cache = specimen.model.run_with_cache(tokens, names_filter=names)
    losses = -logits[:, :-1].float().log_softmax(-1).gather(-1, tokens[:, 1:, None])[..., 0].double().cpu()
    gain = (losses[:, 1:n].mean(1) - losses[:, n + 1 : 2 * n].mean(1)).numpy()
    pattern = torch.stack([cache[name] for name in names], dim=1).double().cpu()  # [sequence, layer, head, query, key]
    again, later = torch.arange(n + 1, 2 * n + 1), torch.arange(2, 2 * n + 1)
    scores = pattern[..., again, again - n + 1].mean(-1).numpy()
    previous = pattern[..., later, later - 1].mean(-1).numpy()

    def mean(values: Floats, **about: Any) -> wl.Estimate:
        each = np.arange(len(values))
        return cluster_bootstrap(values, np.ones(len(values)), each, resampled_over="sequences", seed=seed, **about)

    share: dict[str, Any] = {"unit": "share of attention", "dims": ("layer", "head")}
    return Repeated(mean(gain, unit="nats", chance=0.0), mean(scores, **share), mean(previous, **share))


def words_to_repeat(specimen: wl.Specimen, sequences: int, seed: int) -> NDArray[np.int64]:
    """Return distinct tokens of the evidence for each sequence, [sequence, n]; empty if there are fewer than four."""
    evidence = specimen.evidence
    counts = np.bincount(evidence.tokens[evidence.mask], minlength=specimen.cfg.d_vocab).astype(np.float64)
    counts[list(specimen.tokenizer.specials)] = 0
    n = min((specimen.cfg.n_ctx - 1) // 2, int((counts > 0).sum()), 32)
    if n < 4:
        return np.empty((0, 0), dtype=np.int64)
    random = np.random.default_rng(seed)
    share = counts / counts.sum()
    drawn = [random.permutation(random.choice(len(share), n, replace=False, p=share)) for _ in range(sequences)]
    return np.stack(drawn)
