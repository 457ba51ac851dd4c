"""What does `neurons` choose on one half of the conversations and measure on the other? Held to it by noise.

The noise is made for it, since `wonderland.testing.optimism.noise_specimen` has no MLPs. Each neuron fires by the
position of a token alone, at every second one as much above its mean as it was below at the last; which kind of token
stands at a position is drawn anew. So no neuron has anything to do with kinds of tokens, yet each is a little selective
for some kind by chance. The mirror image of a half exchanges the tokens of each two such positions: then what was above
the mean for a kind is as much below it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

import wonderland as wl
from wonderland.model.presets import Config
from wonderland.testing.handwritten import WORDS, handwritten_tokenizer
from wonderland.testing.optimism import Choice
from wonderland.tokenizer import END, ME, SEP, SPECIALS, THEM
from wonderland_triage.selectivity import CHOOSE, MEASURE, halves

_CONVERSATIONS, _POSITIONS, _NEURONS = 12, 48, 24
_STRENGTH = 0.9  # of a neuron's mean: none is ever silent
_TOKENS = ((ME, THEM), (SEP, END), tuple(len(SPECIALS) + i for i in range(len(WORDS))))  # three kinds


def neurons() -> list[Choice]:
    """The neurons to list, each with its favourite kind."""

    def listed(result: Any) -> tuple[object, float]:
        chosen = [(row["neuron"], row["kind"]) for row in result.listed]
        return chosen, float(np.nanmean(result.listed_selectivity.value))

    return [
        Choice(
            "the most selective neurons",
            listed,
            noise=noise_specimen,
            parameters={"listed": 3, "directions": 2, "tokens": 1},
        )
    ]


def noise_specimen(choose: int, measure: int) -> wl.Specimen:
    """Return neurons of noise on conversations in the two halves that `neurons` deals them into.

    Args:
        choose: Number of the half to choose on, from 1; a negative number means its mirror image.
        measure: Number of the half to measure on.
    """
    rows: list[list[int]] = [[0, 0]] * _CONVERSATIONS
    half = halves(wl.Specimen.of_tokens(_model(), handwritten_tokenizer(), rows).evidence, seed=0)
    for which, number in ((CHOOSE, choose), (MEASURE, measure)):
        places = np.flatnonzero(half == which).tolist()
        for place, row in zip(places, _rows(number, len(places)), strict=True):
            rows[place] = row
    return wl.Specimen.of_tokens(_model(), handwritten_tokenizer(), rows)


def _rows(number: int, count: int) -> list[list[int]]:
    random = np.random.default_rng(abs(number))
    kinds = random.integers(len(_TOKENS), size=(count, _POSITIONS))
    tokens = np.array([[int(random.choice(_TOKENS[kind])) for kind in row] for row in kinds])
    if number < 0:
        tokens = tokens.reshape(count, _POSITIONS // 2, 2)[..., ::-1].reshape(count, _POSITIONS)
    return [[int(token) for token in row] for row in tokens]


@functools.cache
@torch.no_grad()
def _model() -> wl.ChatTransformer:
    """Return a model without attention whose neurons read positions: at each second one the opposite of the last."""
    vocabulary, pairs = len(SPECIALS) + len(WORDS), _POSITIONS // 2
    cfg = Config(1, 1, vocabulary + pairs, 8, _NEURONS, _POSITIONS, vocabulary, act_fn="relu", normalization_type=None)
    model: Any = wl.ChatTransformer(cfg, tokenizer=handwritten_tokenizer().fingerprint)
    for weight in model.parameters():
        weight.zero_()
    model.embed.W_E[:, :vocabulary] = torch.eye(vocabulary)
    model.pos_embed.W_pos[0::2, vocabulary:], model.pos_embed.W_pos[1::2, vocabulary:] = (
        sign * torch.eye(pairs) for sign in (1, -1)
    )
    random = torch.Generator().manual_seed(0)
    mlp = model.blocks[0].mlp
    mlp.W_in[vocabulary:] = _STRENGTH * (2 * torch.rand(pairs, _NEURONS, generator=random) - 1)
    mlp.b_in.fill_(1.0)
    return model  # type: ignore[no-any-return]
