"""Statistics of neurons from one pass over the evidence, some windows at a time, that keeps only what is asked of it.

Kept of each unit (a neuron, or a random direction among the neurons of its layer): its highest activations and where
they were, its mean activation by kind of token in either half of the conversations, and how often it is active. The
same with the kinds of tokens dealt out anew over positions is the null in which activations have nothing to do with
tokens. Activations of all windows are never held: the model is run here, and not in the shared pass, because they would
be the largest thing in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.finite import require_finite
from wonderland.lab.names import hook_name
from wonderland.tokenizer import ME, THEM

KINDS = ("speaker", "separator", "common word", "other word", "word piece", "number", "punctuation")
_COMMON = 50  # how many of the commonest words are common words
_BATCH = 16


@dataclass(frozen=True)
class Firing:
    """What was kept of the units of one layer.

    Attributes:
        values: Highest activations, falling, [rank, unit].
        places: Their flat positions, window × width + position, [rank, unit].
        by_kind: Sum of positive activations by half and kind of token, [half, kind, unit].
        by_shuffled: The same with kinds dealt out anew over positions, [half, kind, unit].
        active: Share of positions where the activation is over 0, [unit].
    """

    values: np.ndarray
    places: np.ndarray
    by_kind: np.ndarray
    by_shuffled: np.ndarray
    active: np.ndarray


@dataclass(frozen=True)
class Fired:
    """What neurons and random directions did, [layer] each, and the kind of the token at each flat position.

    Attributes:
        neurons: By layer.
        directions: The same of random directions.
        kinds: Number in `KINDS` at each flat position; -1 in padding.
        shuffled: The same dealt out anew.
        half: Number of the half of each flat position.
    """

    neurons: list[Firing]
    directions: list[Firing]
    kinds: np.ndarray
    shuffled: np.ndarray
    half: np.ndarray

    def count(self, kinds: np.ndarray) -> np.ndarray:
        """Return how many tokens of each kind are in each half, [half, kind]; of ``kinds`` or ``shuffled``."""
        there = kinds >= 0
        flat = np.bincount(self.half[there] * len(KINDS) + kinds[there], minlength=2 * len(KINDS))
        return flat.reshape(2, len(KINDS))


def kinds_of_tokens(specimen: wl.Specimen) -> np.ndarray:
    """Return the kind of each token of the vocabulary, as a number in `KINDS`, [d_vocab]."""
    evidence = specimen.evidence
    counts = np.bincount(evidence.tokens[evidence.mask], minlength=specimen.cfg.d_vocab)
    pieces = specimen.tokenizer.pieces(range(specimen.cfg.d_vocab))
    specials = specimen.tokenizer.specials
    words = [token for token, piece in enumerate(pieces) if token not in specials and piece[:1].isspace()]
    common = set(sorted(words, key=lambda token: -counts[token])[:_COMMON])
    speakers = {ME, THEM} if specimen.tokenizer.tells_speakers else set()
    return np.array(
        [_kind(piece, token in common, token in specials, token in speakers) for token, piece in enumerate(pieces)]
    )


def _kind(piece: str, common: bool, special: bool, speaker: bool) -> int:
    if special:
        name = "speaker" if speaker else "separator"
    elif any(c.isdigit() for c in piece):
        name = "number"
    elif not any(c.isalpha() for c in piece):
        name = "punctuation"
    elif not piece[0].isspace():
        name = "word piece"
    else:
        name = "common word" if common else "other word"
    return KINDS.index(name)


@torch.no_grad()
def fire(specimen: wl.Specimen, half: np.ndarray, *, top: int, directions: int, seed: int) -> Fired:
    """Return what neurons and random directions do.

    Args:
        specimen: The model and its evidence.
        half: The half each window is in, 0 or 1, [window].
        top: How many of the highest activations to keep.
        directions: Random directions among the neurons of each layer.
        seed: Seed of the directions and of the dealing out.
    """
    cfg, evidence = specimen.cfg, specimen.evidence
    random = np.random.default_rng(seed)
    mixing = torch.from_numpy(random.standard_normal((cfg.n_layers, cfg.d_mlp, directions))).float() / cfg.d_mlp**0.5
    kinds = kinds_of_tokens(specimen)[evidence.tokens]  # [window, pos]
    shuffled = kinds.copy()
    shuffled[evidence.mask] = random.permutation(kinds[evidence.mask])
    keepers = [_Keeper(cfg.d_mlp + directions, top) for _ in range(cfg.n_layers)]
    marks = np.eye(2 * len(KINDS), dtype=np.float32)  # which half, which kind
    for places, post in _activations(specimen):
        some = [torch.from_numpy(marks[(of + len(KINDS) * half[:, None]).ravel()[places]]) for of in (kinds, shuffled)]
        for keeper, neurons, mixed in zip(keepers, post, mixing, strict=True):
            keeper.see(torch.cat([neurons, neurons @ mixed], dim=1), torch.from_numpy(places), *some)
    found = [keeper.kept() for keeper in keepers]
    return Fired(
        neurons=[_some(of, slice(0, cfg.d_mlp)) for of in found],
        directions=[_some(of, slice(cfg.d_mlp, None)) for of in found],
        kinds=np.where(evidence.mask, kinds, -1).ravel(),
        shuffled=np.where(evidence.mask, shuffled, -1).ravel(),
        half=np.broadcast_to(half[:, None], kinds.shape).ravel(),
    )


def _activations(specimen: wl.Specimen) -> Iterator[tuple[np.ndarray, Iterator[Tensor]]]:
    """Yield flat positions [token] and activations [token, neuron], layer after layer, of some windows at a time."""
    evidence, layers = specimen.evidence, specimen.cfg.n_layers
    names = [hook_name("post", layer) for layer in range(layers)]
    width = evidence.tokens.shape[1]
    for start in range(0, len(evidence), _BATCH):
        windows = slice(start, min(start + _BATCH, len(evidence)))
        tokens = torch.from_numpy(evidence.tokens[windows]).to(specimen.model.device)
        final, cache = specimen.model.run_with_cache(tokens, names_filter=names, stop_at_layer=layers)
        require_finite(final)
        mask = evidence.mask[windows]
        there = torch.from_numpy(mask)
        yield np.flatnonzero(mask) + start * width, (cache[name].float().cpu()[there] for name in names)
        del final, cache  # before there are those of the next windows


class _Keeper:
    def __init__(self, units: int, top: int) -> None:
        self.top = top
        self.values = torch.empty(0, units)
        self.places = torch.empty(0, units, dtype=torch.int64)
        self.by_kind: list[Tensor] = [torch.zeros(2 * len(KINDS), units, dtype=torch.float64) for _ in range(2)]
        self.active = torch.zeros(units)
        self.seen = 0

    def see(self, activations: Tensor, places: Tensor, *kinds: Tensor) -> None:
        positive = activations.clamp(min=0)
        for total, of in zip(self.by_kind, kinds, strict=True):
            total += of.T @ positive
        self.active += (activations > 0).sum(0)
        self.seen += len(activations)
        best = activations.topk(min(self.top, len(activations)), dim=0)
        values = torch.cat([self.values, best.values])
        where = torch.cat([self.places, places[best.indices]])
        again = values.topk(min(self.top, len(values)), dim=0)
        self.values, self.places = again.values, where.gather(0, again.indices)

    def kept(self) -> Firing:
        by_kind, by_shuffled = (total.numpy().reshape(2, len(KINDS), -1) for total in self.by_kind)
        active = (self.active / self.seen).numpy()
        return Firing(self.values.numpy(), self.places.numpy(), by_kind, by_shuffled, active)


def _some(of: Firing, units: slice) -> Firing:
    values, places, by_kind, by_shuffled = (
        part[..., units] for part in (of.values, of.places, of.by_kind, of.by_shuffled)
    )
    return Firing(values, places, by_kind, by_shuffled, of.active[units])
