"""A model whose every weight was written by hand, so that what is to be found in it is certain.

A two-layer attention-only transformer without LayerNorm: 24 tokens (the five specials and nineteen words, `` a`` to
`` s``), a context of 48, a residual stream of 96 dimensions that falls into three parts nobody has to guess:

======================  =====================================================================
dimensions 0 to 23      which token stands here, one-hot; the unembedding reads these alone
dimensions 24 to 71     which position this is, one-hot
dimensions 72 to 95     which token stood before, one-hot, written by the previous-token head
======================  =====================================================================

Its six heads (`HEADS`) are the previous token, the token itself, the first token (a sink: its value there is zero, so
it moves nothing), uniform attention, induction (K-composed with the previous-token head) and the latest speaker token.
Only induction writes where the unembedding reads; therefore zero-ablating it or the previous-token head ruins the
loss on repeated text and zero-ablating any other head changes no logit at all.

What would fool it: nothing is superposed here and every pattern is sharp. An instrument that passes has its indices
and its formulas right; it has not shown that it copes with a trained model.

References: Elhage et al. 2021, A Mathematical Framework for Transformer Circuits; Olsson et al. 2022 (2209.11895).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from wonderland.components import Head
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.layers import Block
from wonderland.model.presets import Config
from wonderland.tokenizer import ME, SPECIALS, THEM, SpeakerTokenizer

__all__ = [
    "HEADS",
    "WORDS",
    "handwritten_corpus",
    "handwritten_first_speaker_model",
    "handwritten_model",
    "handwritten_speaker_corpus",
    "handwritten_speaker_model",
    "handwritten_tokenizer",
    "repeated_tokens",
    "word_tokenizer",
]

HEADS = {
    "previous": Head(0, 0),
    "self": Head(0, 1),
    "first": Head(0, 2),
    "uniform": Head(1, 0),
    "induction": Head(1, 1),
    "speaker": Head(1, 2),
}
"""Each head by what it does."""

WORDS = tuple("abcdefghijklmnopqrs")
"""The words the model knows."""

_VOCABULARY = len(SPECIALS) + len(WORDS)
_CONTEXT = 48
_TOKEN = slice(0, _VOCABULARY)
_POSITION = slice(_VOCABULARY, _VOCABULARY + _CONTEXT)
_BEFORE = slice(_VOCABULARY + _CONTEXT, 2 * _VOCABULARY + _CONTEXT)
_SHARP = 40.0  # difference of scores that makes a softmax one-hot to the last bit
_COPY = 10.0  # logit that induction adds to the token it copies: e⁻¹⁰ · 24 = 0.001 nats of loss are left


@torch.no_grad()
def handwritten_model() -> ChatTransformer:
    """Return the model; its untrained baseline and its copies are ordinary `ChatTransformer` objects."""
    cfg = Config(
        n_layers=2,
        n_heads=3,
        d_model=2 * _VOCABULARY + _CONTEXT,
        d_head=_CONTEXT,
        d_mlp=1,
        n_ctx=_CONTEXT,
        d_vocab=_VOCABULARY,
        normalization_type=None,
        attn_only=True,
    )
    model = ChatTransformer(cfg, tokenizer=handwritten_tokenizer().fingerprint)
    for weight in model.parameters():
        weight.zero_()
    tokens, positions = torch.eye(_VOCABULARY), torch.eye(_CONTEXT)
    model.embed.W_E[:, _TOKEN] = tokens
    model.pos_embed.W_pos[:, _POSITION] = positions
    model.unembed.W_U[_TOKEN] = tokens

    # Scores are divided by √d_head; queries are multiplied by it, so that numbers below are the scores themselves.
    unit = cfg.d_head**0.5
    early, late = (cast(Block, block).attn for block in model.blocks)

    h = HEADS["previous"][1]  # query i asks for key i - 1: keys stand one further on
    early.W_Q[h, _POSITION] = positions * _SHARP * unit
    early.W_K[h, _POSITION] = torch.diag(torch.ones(_CONTEXT - 1), 1)
    early.W_V[h, _TOKEN, :_VOCABULARY] = tokens
    early.W_O[h, :_VOCABULARY, _BEFORE] = tokens

    h = HEADS["self"][1]  # adds its own position once more, which leaves every order of positions as it is
    early.W_Q[h, _POSITION] = positions * _SHARP * unit
    early.W_K[h, _POSITION] = positions
    early.W_V[h, _POSITION] = positions
    early.W_O[h, :, _POSITION] = positions

    h = HEADS["first"][1]  # a sink: all other values are positions, the value at position 0 is nothing
    early.b_Q[h, 0] = _SHARP * unit
    early.W_K[h, _POSITION, 0] = positions[0]
    early.W_V[h, _POSITION] = positions
    early.W_V[h, _POSITION.start] = 0
    early.W_O[h, :, _POSITION] = positions

    h = HEADS["uniform"][1]  # no query, no key; the mean of all tokens goes where nobody reads
    late.W_V[h, _TOKEN, :_VOCABULARY] = tokens
    late.W_O[h, :_VOCABULARY, _BEFORE] = tokens

    h = HEADS["induction"][1]  # this token asks for places that come after the same token, and copies what is there
    late.W_Q[h, _TOKEN, :_VOCABULARY] = tokens * _SHARP * unit
    late.W_K[h, _BEFORE, :_VOCABULARY] = tokens
    late.b_Q[h, _VOCABULARY] = _SHARP * unit  # but not for position 0, whose previous-token head saw only itself
    late.W_K[h, _POSITION.start, _VOCABULARY] = -1
    late.W_V[h, _TOKEN, :_VOCABULARY] = tokens
    late.W_O[h, :_VOCABULARY, _TOKEN] = tokens * _COPY

    h = HEADS["speaker"][1]  # a speaker token outweighs every position, and a later one an earlier one
    late.b_Q[h, 0] = unit
    late.W_K[h, _POSITION, 0] = _SHARP * torch.arange(_CONTEXT)
    late.W_K[h, [ME, THEM], 0] = 2 * _SHARP * _CONTEXT
    late.W_V[h, _TOKEN, :_VOCABULARY] = tokens
    late.W_O[h, :_VOCABULARY, _BEFORE] = tokens
    model.requires_grad_(False).eval()
    return model


def handwritten_tokenizer() -> SpeakerTokenizer:
    """Return a tokenizer of the five specials and the nineteen words, each one token after a space."""
    return word_tokenizer(WORDS)


def word_tokenizer(words: Iterable[str]) -> SpeakerTokenizer:
    """Return a tokenizer of the five specials and of these words, each one token after a space; others are lost."""
    names = [*SPECIALS, *(f"Ġ{word}" for word in words)]
    tokenizer = Tokenizer(models.WordLevel({name: token for token, name in enumerate(names)}, unk_token=SPECIALS[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(special, special=True, normalized=False) for special in SPECIALS])
    return SpeakerTokenizer(tokenizer.to_str())


def handwritten_corpus(conversations: int = 24, *, shortest: int = 32, seed: int = 0) -> Corpus:
    """Return conversations of eight messages of random words, me and them in random order.

    Args:
        conversations: How many.
        shortest: Fewest words of a conversation; the most is 32, which fills the context exactly. Messages differ in
            length either way.
        seed: Seed of everything.
    """
    random = np.random.default_rng(seed)
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    messages = []
    for number in range(conversations):
        words = int(random.integers(shortest, 32, endpoint=True))
        cuts = np.sort(random.choice(np.arange(1, words), 7, replace=False))
        for place, part in enumerate(np.split(random.choice(WORDS, words), cuts)):
            mine = bool(random.integers(2))
            messages.append(
                Message(
                    id=f"{number}-{place}",
                    thread=f"conversation {number}",
                    sender="me" if mine else "them",
                    is_from_me=mine,
                    timestamp=begin + timedelta(days=number, minutes=place),
                    text=" ".join(part),
                )
            )
    return Corpus.of(messages, name="known conversations")


def repeated_tokens(batch: int = 8, *, seed: int = 0) -> Tensor:
    """Return all 24 tokens in random order and then again in the same order, [batch, 48]."""
    generator = torch.Generator().manual_seed(seed)
    once = torch.stack([torch.randperm(_VOCABULARY, generator=generator) for _ in range(batch)])
    return torch.cat([once, once], dim=1)


@torch.no_grad()
def handwritten_speaker_model() -> ChatTransformer:
    """Return the hand-written model, in which now the latest-speaker head also says who speaks.

    It adds 10 logits to the word `` a`` while ``me`` speaks and to `` b`` while ``them`` does. So the speaker token
    is the cause of that difference, this head alone carries it, and it arrives where the next word is predicted.
    """
    model = handwritten_model()
    layer, head = HEADS["speaker"]
    out = cast(Block, model.blocks[layer]).attn.W_O
    a, b = len(SPECIALS), len(SPECIALS) + 1
    out[head, ME, a] = out[head, THEM, b] = _COPY
    return model


@torch.no_grad()
def handwritten_first_speaker_model() -> ChatTransformer:
    """Return the hand-written speaker model, in which that head now attends to the first speaker token.

    So it says who began. It looks for the token, not for the position: behind something else it finds it there.
    """
    model = handwritten_speaker_model()
    layer, head = HEADS["speaker"]
    keys = cast(Block, model.blocks[layer]).attn.W_K
    keys[head, _POSITION, 0] *= -1  # an earlier one outweighs a later one
    return model


def handwritten_speaker_corpus(conversations: int = 60, *, seed: int = 0) -> Corpus:
    """Return hand-written conversations in which nobody says `` a`` or `` b``."""
    other = str.maketrans("ab", "cd")
    corpus = handwritten_corpus(conversations, seed=seed)
    return Corpus.of([m._replace(text=m.text.translate(other)) for m in corpus], name="known conversations")
