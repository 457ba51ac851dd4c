"""Edges taken out of the real model, one by one: what an answer loses if one part no longer reads another.

An account (`replacement`) is linear because its nonlinearities are frozen. Here nothing is: what the sender writes is
taken off what the receiver reads, the receiver computes anew with its own nonlinearity (a head with new queries, keys
and values, a latent with its threshold, the logits with the scale of the final norm), and the rest of the model runs
on from what it then writes. The effect of an edge is what the answer loses. For a latent, what it then writes less is
taken off what the MLP writes; the error of the transcoder stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wonderland.lab.names import hook_name
from wonderland_sparse.dictionary import Transcoder
from wonderland_sparse.replacement import Account, Part

__all__ = ["taken_out"]


@torch.no_grad()
def taken_out(
    model: Any,
    transcoders: Mapping[int, Transcoder],
    one: Account,
    edges: Sequence[tuple[Sequence[Part], Part]],
    target: int,
    foil: int,
) -> np.ndarray:
    """Return what the logit difference loses without each edge, in logits, [edge].

    Args:
        model: A `ChatTransformer`.
        transcoders: Of its MLPs, by layer.
        one: The account of the prompt.
        edges: Senders, taken together, and the receiver of each.
        target: The token whose logit counts.
        foil: The token whose logit is taken off.
    """
    there = set(one.parts)
    places = torch.from_numpy(one.at)
    found = np.zeros(len(edges))
    by_layer: dict[tuple[int, str], list[tuple[int, Tensor]]] = {}
    before = _answer(model, one.run[hook_name("resid_post", model.cfg.n_layers - 1)][None], target, foil)[0]
    for number, (senders, receiver) in enumerate(edges):
        senders = [sender for sender in senders if sender in there]
        if not senders or receiver not in there:
            continue  # neither is in this prompt, so nothing flows
        mine = torch.from_numpy(np.isin(one.part_of, [one.parts.index(sender) for sender in senders]))
        removed = torch.zeros(len(one.tokens), one.rows.shape[1], dtype=one.rows.dtype)
        removed.index_add_(0, places[mine], one.rows[mine])
        kind = receiver[0]
        if kind == "logits":
            stream = one.run[hook_name("resid_post", model.cfg.n_layers - 1)] - removed
            found[number] = before - _answer(model, stream[None], target, foil)[0]
        elif kind == "head":
            change = _head(model, one, receiver[1], receiver[2], removed)
            by_layer.setdefault((receiver[1], "resid_mid"), []).append((number, change))
        else:
            change = _latent(model, transcoders[receiver[1]], one, receiver[1], receiver[2], removed)
            by_layer.setdefault((receiver[1], "resid_post"), []).append((number, change))
    for (layer, site), changes in by_layer.items():
        numbers = [number for number, _ in changes]
        stacked = torch.stack([change for _, change in changes])
        found[numbers] = before - _onward(model, one, layer, site, stacked, target, foil)
    return found


def _own(model: Any, x: Tensor) -> Tensor:
    return x.to(model.device, model.W_E.dtype)


def _answer(model: Any, stream: Tensor, target: int, foil: int) -> np.ndarray:
    """Return the logit difference after the last position of final streams [row, pos, d_model], [row]."""
    logits = model.unembed(model.ln_final(_own(model, stream[:, -1:])))[:, 0].double().cpu()
    return np.asarray((logits[:, target] - logits[:, foil]).numpy())


def _head(model: Any, one: Account, layer: int, head: int, removed: Tensor) -> Tensor:
    """Return what a head writes less, [pos, d_model], if it no longer reads what was removed."""
    block = model.blocks[layer]
    attn, read = block.attn, block.ln1(_own(model, one.run[hook_name("resid_pre", layer)] - removed))
    q, k, v = (read @ getattr(attn, f"W_{name}")[head] + getattr(attn, f"b_{name}")[head] for name in ("Q", "K", "V"))
    seen = torch.ones(len(q), len(q), dtype=torch.bool, device=q.device).tril()
    z = (q @ k.T / attn.d_head**0.5).masked_fill(~seen, float("-inf")).softmax(-1) @ v
    less = one.run[hook_name("z", layer)][:, head] - z.double().cpu()
    written: Tensor = less @ attn.W_O[head].double().cpu()
    return written


def _latent(model: Any, coder: Transcoder, one: Account, layer: int, unit: int, removed: Tensor) -> Tensor:
    """Return what a latent writes less, [pos, d_model], if it no longer reads what was removed."""
    stream, alone = one.run[hook_name("resid_mid", layer)], coder.kept([unit])
    was, now = (alone.encode(model.blocks[layer].ln2(_own(model, x)).float().cpu()) for x in (stream, stream - removed))
    return ((was - now) * coder.W_dec[unit]).double()


def _onward(model: Any, one: Account, layer: int, site: str, less: Tensor, target: int, foil: int) -> np.ndarray:
    """Return the logit differences with something taken off the stream at a site, [row, pos, d_model], for each row."""
    found = []
    for some in less.split(16):
        stream = _own(model, one.run[hook_name(site if not model.cfg.attn_only else "resid_post", layer)] - some)
        if site == "resid_mid" and not model.cfg.attn_only:
            block = model.blocks[layer]
            stream = stream + block.mlp(block.ln2(stream))
        last = model.cfg.n_layers
        if layer + 1 < last:
            stream = model(stream, start_at_layer=layer + 1, stop_at_layer=last)
        found.append(_answer(model, stream, target, foil))
    return np.concatenate(found)
