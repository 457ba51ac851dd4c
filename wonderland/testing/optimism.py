"""Optimism of a choice: with pairs of pure noise, the best that was chosen must be worth nothing elsewhere.

Whoever picks the best of many and reports how good it is on the same data reports luck as well. So an analysis chooses
on one half of its pairs and measures on the other. A planted truth cannot tell whether it does: where the planted head
is the best on either half, choosing on the wrong one changes nothing. Noise can. `noise_specimen` has a model in which
no head has anything to do with the answer, and contrasts in two halves; for each replicate an analysis is run

- *apart*, with the halves different: what it chose must score nothing on average;
- *alike*, with the first half given as both: what it chose must score well, or the proof has no force.

As the half to choose on is the same, the choice must be the same, whatever the other half holds. Two things exchanged,
the score apart is what it should be alike, and the choice moves.

An analysis says what it chooses by an optional class method, which `check_analysis` then holds it to::

    @classmethod
    def choices(cls):
        from wonderland.testing.optimism import Choice

        return [Choice("the best head", lambda result: (result.best, float(result.confirmed.value)))]

How the noise is made: attention is uniform and nothing is normalised, so all effects are linear in the words of the
prompts. These are drawn independently for the two prompts of a pair, so every head's effect is as often up as down.
The gap comes from the last token alone, straight from the embedding. Each half has a mirror image, in which the words
of the two prompts are exchanged and every effect of a head has the other sign: the score apart is the mean over both,
in which chance cancels, so that a few replicates are enough.

What would fool it: what chooses among few alternatives gains little; a small share of the other half in the choice,
under `_SHARE`, is not seen.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from wonderland.lab.contrast import Contrast
from wonderland.lab.mining import Contrasts
from wonderland.lab.specimen import Specimen
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.layers import Block
from wonderland.model.presets import Config
from wonderland.testing.handwritten import WORDS, handwritten_corpus, handwritten_tokenizer
from wonderland.tokenizer import ME, SEP, SPECIALS, THEM

if TYPE_CHECKING:
    from wonderland.lab.analysis import Analysis

__all__ = ["Choice", "Optimism", "noise_contrasts", "noise_specimen", "optimism"]

_PAIRS = 24  # of a half: enough not to be an anecdote
_LAYERS, _HEADS, _HIDDEN = 2, 4, 12
_GAP, _NOISE = 20.0, 1.0  # logits; what one head adds for one word
_SHARE = 0.25  # of the score alike, from which the score apart is too high
_CLEAN, _CORRUPTED = (len(SPECIALS) + i for i in range(2))
_TARGETS, _FOILS, _CONTEXT = (
    np.arange(len(SPECIALS) + start, len(SPECIALS) + stop) for start, stop in ((2, 6), (6, 10), (10, len(WORDS)))
)


@dataclass(frozen=True)
class Choice:
    """Something an analysis chooses on one half of its data and measures on the other.

    Args:
        chosen: What it chooses, in words.
        read: Given the result, returns what was chosen, to be compared, and its score on the half to measure on. The
            score's centre is 0 where nothing is there; NaN where nothing was chosen.
        noise: Given the numbers of the half to choose on and of the half to measure on, from 1, returns a specimen of
            noise. A negative number means the mirror image of a half, in which every effect has the other sign.
        parameters: Parameters of the analysis.
    """

    chosen: str
    read: Callable[[Any], tuple[object, float]]
    noise: Callable[[int, int], Specimen] = field(default_factory=lambda: noise_specimen)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Optimism:
    """Scores of what was chosen among noise.

    Attributes:
        apart: Measured on another half than it was chosen on, mean over that half and its mirror image, [replicate].
        alike: Measured on the half it was chosen on, [replicate].
        moved: Replicates in which the choice was another one, though the half to choose on was the same.
    """

    apart: np.ndarray
    alike: np.ndarray
    moved: int

    @property
    def share(self) -> float:
        """The score apart as a share of the score alike: 0 for an honest analysis, 1 with the halves exchanged."""
        return float(np.nanmean(self.apart) / np.nanmean(self.alike))

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words; nothing if all is well."""
        chosen = np.isfinite(self.alike) & np.isfinite(self.apart)
        if chosen.sum() < 2 or not (self.alike[chosen] > 0).all():
            said = ", ".join(f"{score:.3g}" for score in self.alike)
            return [f"where it was chosen, the best of noise must score above 0, and scores {said}: it proves nothing"]
        found = []
        if self.moved:
            found.append(f"in {self.moved} of {len(chosen)} replicates the half to measure on had a say in the choice")
        if not abs(self.share) < _SHARE:
            found.append(f"what was chosen among noise keeps {self.share:.0%} of its score elsewhere; nothing is there")
        return found


def optimism(analysis: Analysis | type[Any], choice: Choice, *, replicates: int = 3) -> Optimism:
    """Let an analysis choose among noise, and measure on another half and on the same.

    Args:
        analysis: The analysis; its parameters are those of the choice.
        choice: What it chooses.
        replicates: How often, each time with other noise.
    """
    from wonderland.lab.analysis import analyze, make

    cls = analysis if isinstance(analysis, type) else type(analysis)
    asked = make(cls, choice.parameters)
    apart, alike, moved = [], [], 0
    for first in range(1, 2 * replicates, 2):
        halves = (first, first + 1, -first - 1)
        found = [choice.read(analyze(choice.noise(first, half), asked)[cls.name]) for half in halves]
        (chosen, same), *elsewhere = found
        alike.append(same)
        apart.append(float(np.mean([score for _, score in elsewhere])))
        moved += any(other != chosen for other, _ in elsewhere)
    return Optimism(np.array(apart), np.array(alike), moved)


def noise_specimen(explore: int, confirm: int) -> Specimen:
    """Return a specimen whose heads have nothing to do with the answer, with contrasts of noise in two halves.

    Args:
        explore: Number of the half to choose on, as in `noise_contrasts`.
        confirm: Number of the half to measure on; the same number gives the same pairs.
    """
    specimen = copy.copy(_specimen())
    halves = noise_contrasts(explore), noise_contrasts(confirm)

    @functools.cache
    def mined(kind: str, *, pairs: int, seed: int) -> Contrasts:
        return Contrasts(*halves, kind, {}, seed)

    specimen._mined = mined
    return specimen


@functools.cache
def noise_contrasts(number: int) -> tuple[Contrast, ...]:
    """Return half a set of contrasts: prompts of random words, whose last word alone decides the answer.

    Args:
        number: Seed of the words, from 1; −1 gives the mirror image of 1, the words of the two prompts exchanged.
    """
    random = np.random.default_rng(abs(number))
    made = []
    for pair in range(_PAIRS):
        speakers = random.choice((ME, THEM), 2).tolist()
        sides = random.choice(_CONTEXT, (2, 8)).tolist()
        first, second = sides if number > 0 else sides[::-1]
        clean, corrupted = (
            [speakers[0], *words[:4], SEP, speakers[1], *words[4:], last]
            for words, last in ((first, _CLEAN), (second, _CORRUPTED))
        )
        target, foil = int(random.choice(_TARGETS)), int(random.choice(_FOILS))
        conversation = _PAIRS * abs(number) + pair
        made.append(Contrast(clean, corrupted, target, foil, kind="noise", conversation=conversation))
    return tuple(made)


@functools.cache
def _specimen() -> Specimen:
    return Specimen(_model(), handwritten_tokenizer(), handwritten_corpus(24))


@torch.no_grad()
def _model() -> ChatTransformer:
    """Return a model of three parts: which token stands here, what the unembedding reads, what heads tell heads."""
    vocabulary = len(SPECIALS) + len(WORDS)
    width = 2 * vocabulary + _HIDDEN
    cfg = Config(_LAYERS, _HEADS, width, 8, 1, 48, vocabulary, normalization_type=None, attn_only=True)
    model = ChatTransformer(cfg, tokenizer=handwritten_tokenizer().fingerprint)
    for weight in model.parameters():
        weight.zero_()
    said, hidden = slice(vocabulary, 2 * vocabulary), slice(2 * vocabulary, width)
    model.embed.W_E[:, :vocabulary] = torch.eye(vocabulary)
    model.unembed.W_U[said] = torch.eye(vocabulary)
    for token, sign in ((_CLEAN, 1), (_CORRUPTED, -1)):
        model.embed.W_E[token, vocabulary + torch.from_numpy(_TARGETS)] = sign * _GAP / 4
        model.embed.W_E[token, vocabulary + torch.from_numpy(_FOILS)] = -sign * _GAP / 4
    random = torch.Generator().manual_seed(0)
    for layer, block in enumerate(cast(Block, one) for one in model.blocks):
        for head in range(_HEADS):
            value, out = block.attn.W_V[head], block.attn.W_O[head]
            value[torch.from_numpy(_CONTEXT)] = torch.randn(len(_CONTEXT), cfg.d_head, generator=random)
            if layer:
                value[hidden] = torch.randn(_HIDDEN, cfg.d_head, generator=random) / _HIDDEN
            out[:, vocabulary:] = torch.randn(cfg.d_head, width - vocabulary, generator=random)
            loudness = (value[torch.from_numpy(_CONTEXT)] @ out[:, said]).std()
            out *= _NOISE / loudness  # all alike: of heads of which one is the loudest, little can be chosen
    return model
