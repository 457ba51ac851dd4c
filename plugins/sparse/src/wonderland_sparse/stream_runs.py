"""Both runs of contrasts, cut at the layers that have a dictionary: what every part writes, and what reads it.

After a layer with a dictionary the stream is an exact sum: its latents, what the dictionary leaves (the *error*), and
in a context dictionary the mean of the token that stands there. Nothing gets past such a *cut*, so paths are made of
steps from cut to cut. The parts that write between two cuts are those of the first one and the heads in between; those
that read are these heads and the parts of the second one. A *step* is a sender and a reader with nothing but MLPs
between them: the other heads keep what they write, and every MLP computes anew.

Before the first cut the tokens write their embedding; after the last one the logits read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.contrast import ContrastBatch
from wonderland.lab.names import hook_name
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.replacement import LOGITS, Part

__all__ = ["TOKENS", "Cut", "Runs", "Side"]

TOKENS: Part = ("token", "differs")
"""The tokens in which the prompts differ: their embedding, and their means in a context dictionary."""


@dataclass(frozen=True)
class Cut:
    """A layer with its dictionary.

    Attributes:
        layer: After which layer.
        dictionary: Of the stream there.
        table: The mean of each token, [d_vocab, d_model], that is taken off first; none where tokens are kept.
    """

    layer: int
    dictionary: Dictionary
    table: Tensor | None

    def means(self, tokens: np.ndarray) -> Tensor:
        """Return the mean of each token [...], [..., d_model], or 0 where tokens are kept."""
        return torch.zeros(()) if self.table is None else self.table[torch.from_numpy(tokens)]

    def before(self, x: Tensor) -> Tensor:
        """Return the pre-activations [..., latent] of vectors [..., d_model] less the means of their tokens."""
        of = self.dictionary
        return (x - of.b_dec) @ of.W_enc.T + of.b_enc

    def error(self, x: Tensor) -> Tensor:
        """Return what the dictionary leaves of such vectors, [..., d_model]."""
        return x - self.dictionary.decode(self.dictionary.encode(x))


@dataclass(frozen=True)
class Side:
    """One prompt of each contrast as the model runs it, in single precision.

    Attributes:
        tokens: [pair, pos].
        pre: The stream before each layer, [pair, pos, d_model]; ``mid`` after its heads, ``post`` after the layer.
        mid: By layer.
        post: By layer.
        z: What each head has read, by layer, [pair, pos, head, d_head].
        values: Activations of the latents of each cut, by layer, [pair, pos, latent].
        errors: What each dictionary leaves, by layer, [pair, pos, d_model].
    """

    tokens: np.ndarray
    pre: list[Tensor]
    mid: list[Tensor]
    post: list[Tensor]
    z: list[Tensor]
    values: dict[int, Tensor]
    errors: dict[int, Tensor]


class Runs:
    """Contrasts, run on both sides, and the model between their cuts.

    Attributes:
        specimen: The model.
        batch: The contrasts.
        cuts: By layer.
        sides: The clean and the corrupted prompts.
    """

    @torch.no_grad()
    def __init__(self, specimen: wl.Specimen, batch: ContrastBatch, cuts: Mapping[int, Cut]) -> None:
        self.specimen, self.model, self.cuts = specimen, specimen.model, dict(cuts)
        self.batch = batch.rows(np.arange(len(batch)))
        self.last = specimen.cfg.n_layers - 1
        self.sides = tuple(self._side(tokens) for tokens in (self.batch.clean, self.batch.corrupted))

    def _side(self, tokens: np.ndarray) -> Side:
        layers, mid = range(self.last + 1), "resid_post" if self.model.cfg.attn_only else "resid_mid"
        names = [hook_name(name, layer) for layer in layers for name in ("resid_pre", mid, "resid_post", "z")]
        _, cache = self.model.run_with_cache(torch.from_numpy(tokens).to(self.model.device), names_filter=names)
        pre, middle, post, z = (
            [cache[hook_name(name, layer)].float().cpu() for layer in layers]
            for name in ("resid_pre", mid, "resid_post", "z")
        )
        values, errors = {}, {}
        for layer, cut in self.cuts.items():
            x = post[layer] - cut.means(tokens)
            values[layer] = cut.dictionary.encode(x)
            errors[layer] = x - cut.dictionary.decode(values[layer])
        return Side(tokens, pre, middle, post, z, values, errors)

    def begin(self, reader: Part) -> int:
        """Return the layer of the last cut before a reader; −1 if it can read the embedding."""
        end = self.last + 1 if reader == LOGITS else reader[1]
        return max((layer for layer in self.cuts if layer < end), default=-1)

    def of(self, part: Part, side: int, start: int) -> Tensor:
        """Return what a part writes in a run, [pair, pos, d_model]; of tokens at the beginning of a step.

        Args:
            part: A latent, an error, a head, or `TOKENS`.
            side: 0 for the clean prompts, 1 for the corrupted ones.
            start: The layer that the step begins after, −1 for the embedding.
        """
        one = self.sides[side]
        if part == TOKENS:
            return one.pre[0] if start < 0 else self.cuts[start].means(one.tokens).expand_as(one.pre[0])
        kind, layer, *unit = part
        if kind == "head":
            written: Tensor = one.z[layer][:, :, unit[0]] @ self.model.blocks[layer].attn.W_O[unit[0]].float().cpu()
            return written
        if kind == "rest":
            return one.errors[layer]
        return one.values[layer][:, :, unit[0], None] * self.cuts[layer].dictionary.W_dec[unit[0]]

    def change(self, part: Part, start: int) -> Tensor:
        """Return how much more a part writes in the clean run, [pair, pos, d_model]."""
        return self.of(part, 0, start) - self.of(part, 1, start)

    def own(self, x: Tensor) -> Tensor:
        """Return a stream where the model is, in its precision."""
        return x.to(self.model.device, self.model.W_E.dtype)

    def after_mlp(self, layer: int, mid: Tensor) -> Tensor:
        """Return the stream after a layer, from that after its heads."""
        if self.model.cfg.attn_only:
            return mid
        block = self.model.blocks[layer]
        added: Tensor = block.mlp(block.ln2(self.own(mid))).float().cpu()
        return mid + added

    def head(self, layer: int, head: int, pre: Tensor) -> Tensor:
        """Return what a head writes, [pair, pos, d_model], if it reads this stream."""
        block = self.model.blocks[layer]
        attn, read = block.attn, block.ln1(self.own(pre))
        q, k, v = (
            read @ getattr(attn, f"W_{name}")[head] + getattr(attn, f"b_{name}")[head] for name in ("Q", "K", "V")
        )
        seen = torch.ones(q.shape[1], q.shape[1], dtype=torch.bool, device=q.device).tril()
        pattern = (q @ k.transpose(1, 2) / attn.d_head**0.5).masked_fill(~seen, float("-inf")).softmax(-1)
        written: Tensor = (pattern @ v @ attn.W_O[head]).float().cpu()
        return written

    def heads_of(self, side: int, layer: int) -> Tensor:
        """Return what all heads of a layer write together in a run, [pair, pos, d_model]."""
        return self.sides[side].mid[layer] - self.sides[side].pre[layer]
