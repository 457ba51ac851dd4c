"""Truths of these analyses: models whose answers are known, and what is known of them.

Nothing here is imported until somebody runs the self-test.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import torch

import wonderland as wl
from wonderland.model.presets import Config
from wonderland.testing.handwritten import (
    HEADS,
    WORDS,
    handwritten_corpus,
    handwritten_model,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.truth import Truth, handwritten_specimen, repeating_specimen, untrained
from wonderland.tokenizer import END, ME, SEP, SPECIALS, THEM

Check = tuple[bool, str]
NAMES = {what: str(head) for what, head in HEADS.items()}
_UNTRAINED = "the untrained baseline of the hand-built model"


def attention_entropy() -> list[Truth]:
    """Uniform attention has all the entropy there is, and attention to one token none."""

    def focused(result: Any) -> Check:
        value = result.normalised.value
        uniform, others = value[HEADS["uniform"]], [value[HEADS[name]] for name in _ONE_TOKEN]
        holds = abs(uniform - 1) < 1e-5 and max(others) < 1e-5
        return holds, f"{uniform:.3f} of uniform attention's entropy, and at most {max(others):.3f}"

    def spread(result: Any) -> Check:
        lowest = result.normalised.value.min()
        return lowest > 0.9, f"the lowest entropy is {lowest:.3f} of uniform attention's"

    heads = ", ".join(NAMES[name] for name in _ONE_TOKEN)
    return [
        Truth(f"{NAMES['uniform']} attends to all tokens alike, {heads} to one token", handwritten_specimen, focused),
        Truth(_UNTRAINED, untrained(handwritten_specimen), spread, nothing=True),
    ]


_ONE_TOKEN = ("previous", "self", "first", "speaker")


def head_patterns() -> list[Truth]:
    """Four patterns and none."""

    def labelled(result: Any) -> Check:
        found = {name: result.labels[layer][head] for name, (layer, head) in HEADS.items()}
        expected = {name: name for name in _ONE_TOKEN} | {"uniform": "diffuse"}
        holds = {name: found[name] for name in expected} == expected
        return holds, ", ".join(f"{NAMES[name]} {label}" for name, label in found.items())

    def diffuse(result: Any) -> Check:
        labels = sorted({label for row in result.labels for label in row})
        return labels == ["diffuse"], f"labels: {', '.join(labels)}"

    planted = ", ".join(f"{NAMES[name]} {name}" for name in _ONE_TOKEN)
    return [
        Truth(f"{planted}, {NAMES['uniform']} none", handwritten_specimen, labelled),
        Truth(_UNTRAINED, untrained(handwritten_specimen), diffuse, nothing=True),
    ]


def head_clusters() -> list[Truth]:
    """Two kinds of heads, and six heads that have nothing in common."""

    def grouped(result: Any) -> Check:
        groups = [result.members(number) for number in range(result.k)]
        expected = [["L0H0", "L0H1", "L0H2"], ["L1H0", "L1H1", "L1H2"]]
        return sorted(groups) == expected and result.p < 0.05, f"{groups}, p = {result.p:.3f}"

    def single(result: Any) -> Check:
        return result.p > 0.05, f"the best {result.k} groups are no better than those of one cloud: p = {result.p:.2f}"

    return [
        Truth(
            "the heads of layer 0 attend to the previous token, those of layer 1 to the speaker", _two_kinds, grouped
        ),
        Truth(
            "six heads of the hand-built model that do six different things", handwritten_specimen, single, nothing=True
        ),
    ]


@torch.no_grad()
def _two_kinds() -> wl.Specimen:
    model = handwritten_model()
    for what in ("previous", "speaker"):
        layer, head = HEADS[what]
        attn: Any = model.blocks[layer].attn
        for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q"):
            weight = getattr(attn, name)
            weight.copy_(weight[head].clone().expand_as(weight))
    return wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(40, shortest=10))


def token_loss() -> list[Truth]:
    """Words that were said before, the speaker who always says the same, and a uniform guess."""
    cheap = math.log1p((len(SPECIALS) + len(WORDS) - 2 + math.e) * math.exp(-10))  # what induction leaves

    def repeated(result: Any) -> Check:
        late = np.mean([values[0, 5:].mean() for values in result.values])
        return abs(late / cheap - 1) < 1e-3, f"{late:.5f} nats a word"

    def mine(result: Any) -> Check:
        me, them = (result.by_speaker[who] for who in ("me", "them"))
        return me.high < 0.5 < 2 < them.low, f"words by me {me}, by them {them}"

    def uniform(result: Any) -> Check:
        chance = float(result.overall.chance)
        values = [result.overall, *result.by_kind.values(), *result.by_speaker.values()]
        apart = max(abs(float(one.value) - chance) for one in values)
        return apart < 0.01, f"{float(result.overall.value):.3f} nats, no kind further than {apart:.4f} from a guess"

    return [
        Truth(
            f"three words over and over, which the hand-built model continues at {cheap:.5f} nats a word",
            repeating_specimen,
            repeated,
        ),
        Truth("me always says the word that the hand-built model expects of me", _always_a, mine),
        Truth(_UNTRAINED, untrained(handwritten_specimen), uniform, nothing=True),
    ]


def _always_a() -> wl.Specimen:
    corpus = handwritten_corpus(20, shortest=10)
    said = [message._replace(text="a" if message.is_from_me else message.text) for message in corpus]
    return wl.Specimen(handwritten_speaker_model(), handwritten_tokenizer(), wl.Corpus.of(said, name="me says a"))


def residual_pca() -> list[Truth]:
    """One direction, and a layer that does not move."""

    def line(result: Any) -> Check:
        share, steps = float(result.variance.value[0]), np.round(result.step.value, 4).tolist()
        holds = abs(share - 1) < 1e-6 and abs(result.dimensions - 1) < 1e-6 and steps == [0.0, 3.0]
        return holds, f"{share:.3f} of the variance on the first component, steps {steps}"

    def still(result: Any) -> Check:
        longest = float(result.step.value.max())
        return longest < 1e-6, f"the longest step is {longest:.1g}"

    return [
        Truth("all tokens on one line, along which layer 1 moves them by 3", _on_a_line, line),
        Truth(_UNTRAINED, untrained(handwritten_specimen), still, nothing=True),
    ]


@torch.no_grad()
def _on_a_line() -> wl.Specimen:
    model: Any = handwritten_model()
    for weight in model.parameters():
        weight.zero_()
    model.embed.W_E[:, 0] = torch.linspace(-10, 10, len(model.embed.W_E))
    model.blocks[1].attn.b_O[0] = 3
    return wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(12, shortest=10))


def logit_lens() -> list[Truth]:
    """The layer that decides."""

    def decides(result: Any) -> Check:
        kl = result.kl.value
        holds = result.half == 2 and kl[1] > 1 and abs(kl[0] - kl[1]) < 1e-5 and abs(kl[2]) < 1e-5
        return holds, f"KL(final ‖ lens) by level {np.round(kl, 3).tolist()} nats"

    def same(result: Any) -> Check:
        return bool(np.abs(result.kl.value).max() < 1e-5), f"KL at most {np.abs(result.kl.value).max():.1g} nats"

    return [
        Truth("in the hand-built model layer 1 decides and layer 0 changes no answer", handwritten_specimen, decides),
        Truth(_UNTRAINED, untrained(handwritten_specimen), same, nothing=True),
    ]


def induction() -> list[Truth]:
    """The induction head; one that looks there and says nothing; and none."""

    def found(result: Any) -> Check:
        order = result.order["uniform"]
        holds = result.candidates == [NAMES["induction"]] and result.caused and float(order.low) > 3
        told = f"{', '.join(result.candidates)}; order is worth {order}"
        return holds, told

    def none(result: Any) -> Check:
        gain = max(float(order.value) for order in result.order.values())
        return not result.behaves, f"the order of a repetition is worth {gain:.4f} nats"

    return [
        Truth(f"{NAMES['induction']} of the hand-built model continues repetitions", handwritten_specimen, found),
        Truth("the same with an induction head that writes nothing", _silent, none, nothing=True),
        Truth(_UNTRAINED, untrained(handwritten_specimen), none, nothing=True),
    ]


@torch.no_grad()
def _silent() -> wl.Specimen:
    model: Any = handwritten_model()
    layer, head = HEADS["induction"]
    model.blocks[layer].attn.W_O[head] = 0
    return wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(12))


def neurons() -> list[Truth]:
    """Neurons for one kind of token each, and neurons drawn at random."""

    def specific(result: Any) -> Check:
        pure = float((result.kind_entropy == 0).mean())
        holds = pure == 1 and result.special == [0, 1]
        return holds, f"{pure:.0%} of neurons fire for one kind only; purer than directions: {result.specific[0]}"

    def ordinary(result: Any) -> Check:
        return not result.special, f"against random directions: {result.specific[0]}"

    return [
        Truth("each of 240 neurons fires for one kind of token only", one_kind_each, specific),
        Truth(
            "their untrained baseline: 240 neurons of random weights", untrained(one_kind_each), ordinary, nothing=True
        ),
    ]


@functools.cache
@torch.no_grad()
def one_kind_each(width: int = 120) -> wl.Specimen:
    """Return a model whose neurons fire for one kind of token each; how much depends on the position, at random."""
    tokenizer = handwritten_tokenizer()
    cfg = Config(2, 1, 72, 8, width, 48, 24, act_fn="relu", normalization_type=None)
    model: Any = wl.ChatTransformer(cfg, tokenizer=tokenizer.fingerprint)
    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        weight.zero_()
    model.embed.W_E[:, :24], model.pos_embed.W_pos[:, 24:] = torch.eye(24), torch.eye(48)
    for block in model.blocks:
        block.mlp.W_in[24:] = torch.rand(48, width, generator=generator)
        for number, tokens in enumerate(([ME, THEM], [SEP, END], list(range(5, 24)))):
            block.mlp.W_in[tokens, number::3] = 5.0
        block.mlp.b_in -= 5.8  # only at every fifth position
    return wl.Specimen(model, tokenizer, handwritten_corpus(30, shortest=10))
