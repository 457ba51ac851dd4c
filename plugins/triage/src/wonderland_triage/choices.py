"""What do these analyses choose on one half of the conversations and measure on the other? Held to it by noise.

The noise is made for them: they choose by the text itself, and `wonderland.testing.optimism.noise_specimen` has noise
in its pairs, and no MLPs. Of `neurons` each fires by the
position of a token alone, at every second one as much above its mean as it was below at the last; which kind of token
stands at a position is drawn anew. So no neuron has anything to do with kinds of tokens, yet each is a little selective
for some kind by chance. The mirror image of a half exchanges the tokens of each two such positions: then what was above
the mean for a kind is as much below it.

For `attention-entropy` and `head-patterns` each head looks at the first token alone from half of the words, drawn for
it, and evenly at all tokens from every other token. Words are drawn alike, so all heads are alike but for the luck of
the draw. Words are in pairs of which each head has one in its half: the mirror image of a half exchanges them.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

import wonderland as wl
from wonderland.lab.halves import first_half
from wonderland.model.presets import Config
from wonderland.testing.handwritten import WORDS, handwritten_tokenizer
from wonderland.testing.optimism import Choice
from wonderland.tokenizer import END, ME, SEP, SPECIALS, THEM
from wonderland_triage.selectivity import CHOOSE, MEASURE, halves

_CONVERSATIONS, _POSITIONS, _NEURONS = 12, 48, 24
_STRENGTH = 0.9  # of a neuron's mean: none is ever silent
_LENGTH, _SECOND = 48, 24  # of a window, and where its second message begins
_PAIRS = len(WORDS) // 2
_SHARP = 100.0  # a score that takes all attention
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


def attention_entropy() -> list[Choice]:
    """The head of the lowest entropy."""
    rows = _LENGTH - 1
    words = rows - 2  # but for a separator and a speaker token; half of the words have all the entropy there is
    middle = (words / 2 + 2) / rows

    def lowest(result: Any) -> tuple[object, float]:
        return result.lowest, middle - float(result.lowest_apart.value)

    return [Choice("the head of the lowest entropy", lowest, noise=looking_specimen)]


def head_patterns() -> list[Choice]:
    """The head that gives most to the first token."""
    even = 1 / np.arange(_SECOND + 1, _LENGTH + 1)  # of uniform attention, in the rows of the second message
    middle = (even[0] + ((1 + even[1:]) / 2).sum()) / len(even)

    def highest(result: Any) -> tuple[object, float]:
        return result.highest["first"], float(result.highest_apart["first"].value) - middle

    bar = {"threshold": 0.0, "margin": -100.0}  # all heads are labelled, so that there is much to choose from
    return [Choice("the head that looks most at the first token", highest, noise=looking_specimen, parameters=bar)]


def looking_specimen(choose: int, measure: int) -> wl.Specimen:
    """Return heads of noise on conversations in the two halves that `first_half` deals them into.

    Args:
        choose: Number of the half to choose on, from 1; a negative number means its mirror image.
        measure: Number of the half to measure on.
    """
    rows: list[list[int]] = [[0, 0]] * _CONVERSATIONS
    evidence = wl.Specimen.of_tokens(_looking(), handwritten_tokenizer(), rows).evidence
    first = first_half(evidence.conversation, evidence.seed)
    for inside, number in ((first, choose), (~first, measure)):
        places = np.flatnonzero(inside).tolist()
        drawn = np.random.default_rng(abs(number)).integers(2 * _PAIRS, size=(len(places), _LENGTH))
        drawn = drawn if number > 0 else drawn ^ 1  # the other word of each pair
        for place, words in zip(places, (len(SPECIALS) + drawn).tolist(), strict=True):
            rows[place] = [ME, *words[1 : _SECOND - 1], SEP, THEM, *words[_SECOND + 1 :]]
    return wl.Specimen.of_tokens(_looking(), handwritten_tokenizer(), rows)


@functools.cache
@torch.no_grad()
def _looking() -> wl.ChatTransformer:
    """Return a model whose heads look at the first token from half of the words each, and else at all tokens."""
    vocabulary = len(SPECIALS) + len(WORDS)
    cfg = Config(2, 8, vocabulary + 1, 1, 1, _LENGTH, vocabulary, normalization_type=None, attn_only=True)
    model: Any = wl.ChatTransformer(cfg, tokenizer=handwritten_tokenizer().fingerprint)
    for weight in model.parameters():
        weight.zero_()
    model.embed.W_E[:, :vocabulary] = torch.eye(vocabulary)
    model.pos_embed.W_pos[0, vocabulary] = 1.0
    random = torch.Generator().manual_seed(0)
    for block in model.blocks:
        one = torch.randint(2, (cfg.n_heads, _PAIRS), generator=random)  # of each pair, which word a head looks from
        both = torch.stack([one, 1 - one], -1).flatten(1).float()  # [head, word]
        block.attn.W_Q[:, len(SPECIALS) : len(SPECIALS) + 2 * _PAIRS, 0] = _SHARP * both
        block.attn.W_K[:, vocabulary, 0] = 1.0
    return model  # type: ignore[no-any-return]


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
