"""The model as data for a page that runs it: its shape, its tokenizer and its weights.

The page computes in plain JavaScript (``frontend/live``), so the same file answers offline. Weights travel in half
precision, the high bytes of all numbers before the low bytes, because high bytes repeat and deflate well: on the
demo's model the largest logit is off by 0.015, the loss by less than 1e-5. Weights and tokens are personal data; who
may see them is the caller's question, not this module's.

What would fool it: a model whose parts the page does not know. It is refused here, before anything is written.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from wonderland.advice import Command, Hint
from wonderland.errors import Unsupported
from wonderland.report.live_view import SOURCES
from wonderland.tokenizer import SPECIALS, SpeakerTokenizer

if TYPE_CHECKING:
    from wonderland.model.chat_transformer import ChatTransformer

__all__ = ["MOST_PARAMETERS", "SOURCES", "half_planes", "live_data"]

MOST_PARAMETERS = 8_000_000
"""A page cannot answer in time with more: a pass over 128 tokens would take more than a second."""


def live_data(model: ChatTransformer, tokenizer: SpeakerTokenizer, *, half: bool = True) -> dict[str, Any]:
    """Return a model for the page: ``cfg``, ``tokenizer``, ``tensors`` and a prompt with the logits that must come out.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        half: Store weights in half precision; else in single precision, twice as large.

    Raises:
        Unsupported: The model is too large, or its tokenizer is not numbered as the page assumes.
    """
    if model.cfg.n_params > MOST_PARAMETERS:
        raise Unsupported(
            f"A model of {model.cfg.n_params:,} parameters is too slow in a page; {MOST_PARAMETERS:,} is the most.",
            hint=Hint("It runs outside of a page: ", Command("generate", "<|them|> are you free?")),
        )
    tensors = {
        name: {"shape": list(values.shape), "planes" if half else "values": half_planes(values) if half else values}
        for name, values in _tensors(model).items()
    }
    check = _check(model, half)
    return {"cfg": model.cfg.to_json(), "tokenizer": _vocabulary(tokenizer), "tensors": tensors, "check": check}


def half_planes(values: np.ndarray) -> np.ndarray:
    """Return numbers in half precision as bytes: all high bytes, then all low bytes, [2 × size]."""
    halves = np.ascontiguousarray(values, dtype="<f2").view(np.uint8).reshape(-1, 2)
    return np.concatenate([halves[:, 1], halves[:, 0]])


def _tensors(model: ChatTransformer) -> dict[str, np.ndarray]:
    """Return the weights as the page reads them: queries, keys and values side by side, heads beside each other."""
    state = {name: tensor.detach().float().cpu() for name, tensor in model.state_dict().items()}
    found = {"W_E": state["embed.W_E"], "W_pos": state["pos_embed.W_pos"], "W_U": state["unembed.W_U"]}
    for layer in range(model.cfg.n_layers):
        block = f"blocks.{layer}"
        attention = {name: state[f"{block}.attn.{name}"] for name in ("W_Q", "W_K", "W_V", "b_Q", "b_K", "b_V")}
        wide = torch.cat([attention[name] for name in ("W_Q", "W_K", "W_V")])  # [3 × head, d_model, d_head]
        found[f"{block}.W_QKV"] = wide.permute(1, 0, 2).flatten(1)
        found[f"{block}.b_QKV"] = torch.cat([attention[name].flatten() for name in ("b_Q", "b_K", "b_V")])
        found[f"{block}.W_O"] = state[f"{block}.attn.W_O"].flatten(0, 1)
        found[f"{block}.b_O"] = state[f"{block}.attn.b_O"]
        for name in () if model.cfg.attn_only else ("W_in", "b_in", "W_out", "b_out"):
            found[f"{block}.{name}"] = state[f"{block}.mlp.{name}"]
    norms = (name for name in state if ".ln" in name or name.startswith("ln_final"))
    found |= {name: state[name] for name in norms if name.endswith((".w", ".b"))}
    return {name: tensor.numpy() for name, tensor in found.items()}


def _vocabulary(tokenizer: SpeakerTokenizer) -> dict[str, Any]:
    """Return the names of all tokens and the merges as pairs of tokens, in the order they were learned."""
    stored = json.loads(tokenizer.serialized)["model"]
    names = sorted(stored["vocab"], key=stored["vocab"].__getitem__)
    ids = {name: number for number, name in enumerate(names)}
    if "merges" not in stored:
        raise Unsupported(
            f"The page reads byte-pair tokenizers, not one of the kind {stored.get('type', 'unknown')}.",
            hint="Write the report without live=True.",
        )
    pairs = [merge if isinstance(merge, list) else merge.split(" ") for merge in stored["merges"]]
    merges = [[ids[left], ids[right]] for left, right in pairs]
    if names[: len(SPECIALS)] != list(SPECIALS) or stored["vocab"] != ids:
        raise Unsupported("The tokenizer's tokens are not numbered as the page assumes.", hint="Train it anew.")
    return {"names": names, "merges": np.array(merges, dtype=np.int32).reshape(-1, 2)}


def _check(model: ChatTransformer, half: bool) -> dict[str, Any]:
    """Return tokens and the logits after them with the weights as they travel; the page checks itself by them."""
    tokens = torch.arange(min(24, model.cfg.n_ctx)) * 37 % model.cfg.d_vocab
    travelled = copy.deepcopy(model)
    if half:
        for weight in travelled.parameters():
            weight.data = weight.data.half().float()
    with torch.no_grad():
        logits = travelled(tokens[None].to(travelled.device))[0, -1].float().cpu().numpy()
    return {"tokens": tokens.numpy().astype(np.int32), "logits": logits}
