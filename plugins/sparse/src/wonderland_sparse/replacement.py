"""The model on one prompt as a sum over paths, with its nonlinearities frozen: how much of an answer comes from where.

On one prompt, attention patterns, the scales of the norms and the set of active latents are held as they are, and every
MLP is written as its transcoder's active latents plus an *error* that stays what it is. What is left is linear: the
logit difference of the answer is a sum over paths that begin at a token, a position, an error or a bias and lead
through heads and latents. An *edge* from one part to another is the sum of all paths that pass it, in logits: what the
sender writes, read by the receiver, times how much the receiver's output does for the answer. The edges into a part add
up to what the part does (its *attribution*), the edges into the logits to the logit difference itself.

Parts at different positions are one part here, so an edge may be the sum of some that cancel.

Two scores say how much of this is told by latents (Ameisen et al. 2025). Of the edges into each part their sizes are
taken as shares; following shares back from the logits gives each part an *influence*. The *replacement score* is the
influence of tokens and positions over that and the errors'; *completeness* is the share of edges into a part that do
not come from an error, on average over parts, weighted by influence.

What would fool it: nothing here is an intervention. Attention would move if a part were taken out, latents would fall
silent and others wake. So edges that are shown are also taken out for real (`taken_out`).

References: Dunefsky et al. 2024 (2406.11944); Ameisen et al. 2025, Circuit Tracing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wonderland.lab.names import hook_name
from wonderland_sparse.dictionary import Transcoder

__all__ = ["LOGITS", "Account", "Part", "account", "scores"]

Part = tuple[Any, ...]
"""A part of the sum: ("token", position), ("position",), ("head", layer, head), ("latent", layer, unit),
("error", layer), ("bias", layer, step), or `LOGITS`."""
LOGITS: Part = ("logits",)
_SOURCES = ("token", "position", "error", "bias")


@dataclass(frozen=True)
class Account:
    """The logit difference of one prompt as a sum.

    Attributes:
        answer: logit[target] − logit[foil], as the model computes it.
        parts: The parts, in the order of computation; the last is the logits.
        edges: What flows from part to part, in logits, [sender, receiver].
        tokens: The prompt.
        rows: Everything that is written to the stream: vectors [row, d_model], position by position.
        part_of: Number of the part that writes each, [row].
        at: The position it is written at, [row].
        active: By layer, which latents are active, [pos, latent].
        run: What the model computed, by hook.
    """

    answer: float
    parts: list[Part]
    edges: np.ndarray
    tokens: np.ndarray
    rows: Tensor
    part_of: np.ndarray
    at: np.ndarray
    active: dict[int, Tensor]
    run: Mapping[str, Tensor]

    @property
    def attribution(self) -> dict[Part, float]:
        """What each part does for the answer, in logits: the sum of the edges into it, or out of it if none lead in."""
        into, out = self.edges.sum(0), self.edges.sum(1)
        return {part: float(out[i] if part[0] in _SOURCES else into[i]) for i, part in enumerate(self.parts)}

    def written(self, part: Part) -> Tensor:
        """Return what a part writes to the stream, [pos, d_model]."""
        made = torch.zeros(len(self.tokens), self.rows.shape[1], dtype=self.rows.dtype)
        mine = self.part_of == self.parts.index(part)
        made[torch.from_numpy(self.at[mine])] = self.rows[torch.from_numpy(mine)]
        return made

    def edge(self, sender: Part, receiver: Part) -> float:
        """Return what flows along an edge, in logits; 0 if there is none."""
        if sender not in self.parts or receiver not in self.parts:
            return 0.0
        return float(self.edges[self.parts.index(sender), self.parts.index(receiver)])


class _Norm:
    """A LayerNorm whose scale on one prompt is frozen: a linear map and a constant."""

    def __init__(self, norm: Any, x: Tensor) -> None:
        self.plain = bool(getattr(norm, "identity", False))
        if not self.plain:
            self.w, self.b = (part.detach().double().cpu() for part in (norm.w, norm.b))
            centred = x - x.mean(-1, keepdim=True)
            self.scale = (centred.square().mean(-1, keepdim=True) + norm.eps).sqrt()

    @property
    def constant(self) -> Tensor | float:
        """What it adds whatever it is given, [d_model]."""
        return 0.0 if self.plain else self.b

    def back(self, slope: Tensor, place: int | None = None) -> Tensor:
        """Return the gradient of its input of that of its output: [pos, d_model], or [..., d_model] at a place."""
        if self.plain:
            return slope
        scaled: Tensor = slope * self.w / (self.scale if place is None else self.scale[place])
        return scaled - scaled.mean(-1, keepdim=True)


def run(model: Any, tokens: np.ndarray) -> dict[str, Tensor]:
    """Return what an account needs of one run of a prompt [pos], by hook, without the batch dimension."""
    layers = range(model.cfg.n_layers)
    names = [hook_name(name, layer) for layer in layers for name in ("resid_pre", "pattern", "z", "resid_post")]
    if not model.cfg.attn_only:
        names += [hook_name(name, layer) for layer in layers for name in ("resid_mid", "mlp_out")]
    with torch.no_grad():
        _, cache = model.run_with_cache(torch.from_numpy(tokens)[None].to(model.device), names_filter=names)
    return {name: cache[name][0].double().cpu() for name in names}


@torch.no_grad()
def account(model: Any, transcoders: Mapping[int, Transcoder], tokens: np.ndarray, target: int, foil: int) -> Account:
    """Write the logit difference after a prompt as a sum over paths.

    Args:
        model: A `ChatTransformer`.
        transcoders: Of its MLPs, by layer; an MLP without one is an error as a whole.
        tokens: The prompt, [pos]; the answer follows its last token.
        target: The token whose logit counts.
        foil: The token whose logit is taken off.
    """
    found = run(model, tokens)
    return _Sum(model, transcoders, tokens, found).told(target, foil)


class _Sum:
    """One prompt: what every part writes, and how much a change of the stream would do at each place."""

    def __init__(
        self, model: Any, transcoders: Mapping[int, Transcoder], tokens: np.ndarray, found: dict[str, Tensor]
    ) -> None:
        self.model, self.tokens, self.found = model, tokens, found
        self.layers, self.heads = range(model.cfg.n_layers), range(model.cfg.n_heads)
        self.has_mlp = not model.cfg.attn_only
        self.values: dict[int, Tensor] = {}  # of latents, [pos, latent]
        self.coders: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        written = self._written(transcoders)
        parts = sorted({part for part, _, _ in written}, key=_rank)
        self.parts, self.number = [*parts, LOGITS], {part: i for i, part in enumerate([*parts, LOGITS])}
        written.sort(key=lambda one: (one[1], self.number[one[0]]))
        self.rows = torch.stack([vector for _, _, vector in written])
        self.part_of = np.array([self.number[part] for part, _, _ in written])
        self.at = np.array([place for _, place, _ in written])
        self.step = np.array([_rank(part)[:2] for part, _, _ in written])
        ends = np.searchsorted(self.at, np.arange(len(tokens) + 1))
        self.places = [slice(int(ends[i]), int(ends[i + 1])) for i in range(len(tokens))]

    def _written(self, transcoders: Mapping[int, Transcoder]) -> list[tuple[Part, int, Tensor]]:
        """Return what every part writes to the stream, as (part, position, vector)."""
        every, model = range(len(self.tokens)), self.model
        embedding, position = model.W_E[torch.from_numpy(self.tokens)].double().cpu(), model.W_pos.double().cpu()
        found: list[tuple[Part, int, Tensor]] = [
            *((("token", p), p, embedding[p]) for p in every),
            *((("position",), p, position[p]) for p in every),
            (("bias", -1, 0), 0, torch.zeros_like(position[0])),  # what readers add of their own
        ]
        for layer in self.layers:
            attn, z = model.blocks[layer].attn, self.found[hook_name("z", layer)]
            for head in self.heads:
                made = z[:, head] @ attn.W_O[head].detach().double().cpu()
                found += [(("head", layer, head), p, made[p]) for p in every]
            b_o = attn.b_O.detach().double().cpu()
            found += [(("bias", layer, 0), p, b_o) for p in every]
            if self.has_mlp:
                found += self._of_mlp(layer, transcoders.get(layer))
        return found

    def _of_mlp(self, layer: int, one: Transcoder | None) -> list[tuple[Part, int, Tensor]]:
        left, found = self.found[hook_name("mlp_out", layer)], list[tuple[Part, int, Tensor]]()
        if one is not None:
            mid = self.found[hook_name("resid_mid", layer)]
            read = self.model.blocks[layer].ln2(mid.to(self.model.device, self.model.W_E.dtype)).double().cpu()
            encoder, decoder, b_enc, b_dec = (part.double() for part in (one.W_enc, one.W_dec, one.b_enc, one.b_dec))
            z = read @ encoder.T + b_enc
            values = torch.where(z > one.threshold.double(), z, 0.0)
            self.values[layer], self.coders[layer] = values, (encoder, decoder, b_enc)
            left = left - values @ decoder - b_dec
            for place, unit in values.nonzero().tolist():
                found.append((("latent", layer, unit), place, values[place, unit] * decoder[unit]))
            found += [(("bias", layer, 1), p, b_dec) for p in range(len(left))]
        return found + [(("error", layer), p, left[p]) for p in range(len(left))]

    def told(self, target: int, foil: int) -> Account:
        """Follow the answer back through the layers, and note what flows along each edge."""
        edges = np.zeros((len(self.parts), len(self.parts)))
        w_u = self.model.W_U[:, [target, foil]].detach().double().cpu()
        asked = torch.zeros(len(self.tokens), len(w_u), dtype=torch.float64)
        asked[-1] = w_u[:, 0] - w_u[:, 1]
        norm = _Norm(self.model.ln_final, self.found[hook_name("resid_post", self.layers[-1])])
        slope = norm.back(asked)
        flows = (self.rows * slope[torch.from_numpy(self.at)]).sum(1).numpy()
        np.add.at(edges[:, -1], self.part_of, flows)
        edges[self.number["bias", -1, 0], -1] += float((asked[-1] * norm.constant).sum())
        for layer in reversed(self.layers):
            if layer in self.coders:
                slope = slope + self._latents(layer, slope, edges)
            slope = slope + self._heads(layer, slope, edges)
        active = {layer: values > 0 for layer, values in self.values.items()}
        answer = float(edges[:, -1].sum())
        return Account(answer, self.parts, edges, self.tokens, self.rows, self.part_of, self.at, active, self.found)

    def _before(self, place: int, layer: int, step: int) -> np.ndarray:
        """Return which rows at a position are written before a step of a layer."""
        at = self.places[place]
        steps = self.step[at]
        earlier = (steps[:, 0] < layer) | ((steps[:, 0] == layer) & (steps[:, 1] < step))
        return np.asarray(np.arange(at.start, at.stop)[earlier])

    def _latents(self, layer: int, slope: Tensor, edges: np.ndarray) -> Tensor:
        """Note the edges into the latents of a layer; return what they add to the gradient of the stream."""
        encoder, decoder, b_enc = self.coders[layer]
        values, more = self.values[layer], torch.zeros_like(slope)
        norm = _Norm(self.model.blocks[layer].ln2, self.found[hook_name("resid_mid", layer)])
        for place in range(len(self.tokens)):
            units = values[place].nonzero().flatten()
            gain = decoder[units] @ slope[place]  # what one more of each does
            asks = norm.back(gain[:, None] * encoder[units], place)  # [unit, d_model]
            rows = self._before(place, layer, 1)
            columns = np.array([self.number["latent", layer, unit] for unit in units.tolist()], dtype=int)
            np.add.at(edges, np.ix_(self.part_of[rows], columns), (self.rows[rows] @ asks.T).numpy())
            constant = gain * ((encoder[units] * norm.constant).sum(1) + b_enc[units])
            np.add.at(edges[self.number["bias", -1, 0]], columns, constant.numpy())
            more[place] = asks.sum(0)
        return more

    def _heads(self, layer: int, slope: Tensor, edges: np.ndarray) -> Tensor:
        """Note the edges into the heads of a layer; return what they add to the gradient of the stream."""
        attn, more = self.model.blocks[layer].attn, torch.zeros_like(slope)
        norm = _Norm(self.model.blocks[layer].ln1, self.found[hook_name("resid_pre", layer)])
        w_v, b_v, w_o = (part.detach().double().cpu() for part in (attn.W_V, attn.b_V, attn.W_O))
        pattern = self.found[hook_name("pattern", layer)]  # [head, query, key]
        asked = torch.einsum("hqk,qd,hed->khe", pattern, slope, w_o)  # of each head's values, [key, head, d_head]
        read = torch.einsum("khe,hde->khd", asked, w_v)
        columns = np.array([self.number["head", layer, head] for head in self.heads])
        for place in range(len(self.tokens)):
            asks = norm.back(read[place], place)
            rows = self._before(place, layer, 0)
            np.add.at(edges, np.ix_(self.part_of[rows], columns), (self.rows[rows] @ asks.T).numpy())
            more[place] = asks.sum(0)
        constant = torch.einsum("khe,he->h", asked, b_v) + (read * norm.constant).sum((0, 2))
        np.add.at(edges[self.number["bias", -1, 0]], columns, constant.numpy())
        return more


def _rank(part: Part) -> tuple[float, ...]:
    """Return where a part stands in the order of computation: layer, then step (heads 0, latents and errors 1)."""
    kind, *about = part
    if kind in ("token", "position"):
        return (-1, 0, kind == "position", *about)
    if kind == "bias":
        return (*about, -1)
    if kind == "error":
        return (about[0], 1, float("inf"))
    return (about[0], int(kind == "latent"), about[1])


def scores(one: Account) -> tuple[float, float]:
    """Return the replacement score and completeness of an account, from 0 to 1 each."""
    sizes = np.abs(one.edges)
    total = sizes.sum(0)
    shares = sizes / np.where(total > 0, total, 1)
    influence = np.zeros(len(one.parts))
    influence[-1] = 1
    for receiver in range(len(one.parts) - 1, -1, -1):  # a part's receivers all stand behind it
        influence += shares[:, receiver] * influence[receiver]
    kinds = np.array([part[0] for part in one.parts])
    inputs = influence[(kinds == "token") | (kinds == "position")].sum()
    errors = influence[kinds == "error"].sum()
    reads = ~np.isin(kinds, _SOURCES)
    by_error = shares[kinds == "error"].sum(0)
    complete = float((influence * (1 - by_error))[reads].sum() / influence[reads].sum())
    return float(inputs / (inputs + errors)) if inputs + errors > 0 else float("nan"), complete
