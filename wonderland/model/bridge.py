"""Models handed on to TransformerLens and taken over from there, with the same weights.

TransformerLens' native model is the same architecture (learned positions, pre-LayerNorm, biases everywhere but in the
unembedding) with heads side by side in two-dimensional matrices, so the weights are copied, not approximated. The other
way goes for every bridge of that architecture, GPT-2 among them. Whether it was of that architecture is not left to its
configuration: the logits of both are compared, and where they differ it is refused.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from transformer_lens import TransformerBridge, TransformerBridgeConfig

from wonderland.errors import Unsupported
from wonderland.model.layers import ACTIVATIONS, Block
from wonderland.model.presets import Config
from wonderland.model.transformer import Transformer

__all__ = ["from_transformer_lens", "to_transformer_lens"]

M = TypeVar("M", bound=Transformer)

_EQUAL = 1e-4  # of the spread of the logits: what rounding leaves through a dozen layers


@torch.no_grad()
def to_transformer_lens(model: Transformer) -> TransformerBridge:
    """Return a ``TransformerBridge`` with the weights of a model."""
    cfg = model.cfg
    bridge = TransformerBridge.boot_native(
        TransformerBridgeConfig(
            d_model=cfg.d_model,
            d_head=cfg.d_head,
            n_layers=cfg.n_layers,
            n_ctx=cfg.n_ctx,
            n_heads=cfg.n_heads,
            d_vocab=cfg.d_vocab,
            d_mlp=cfg.d_mlp,
            act_fn=cfg.act_fn,
            eps=cfg.eps,
            normalization_type=cfg.normalization_type,
            attn_only=cfg.attn_only,
            init_weights=False,
        )
    )
    native = bridge.original_model
    weights: dict[str, Tensor] = {
        "tok_embed.weight": model.embed.W_E,
        "pos.weight": model.pos_embed.W_pos,
        "head.weight": model.unembed.W_U.T,
    }
    if cfg.normalization_type is not None:
        weights |= {"ln_out.weight": model.ln_final.w, "ln_out.bias": model.ln_final.b}
    for layer, block in enumerate(model.blocks):
        weights |= {f"layers.{layer}.{name}": weight for name, weight in _block(block).items()}  # type: ignore[arg-type]
    # The bridge wraps each part of the native model, so a weight's name there may have "_original_component" in it.
    own = {name.replace("_original_component.", ""): weight for name, weight in native.named_parameters()}
    for name, weight in weights.items():
        own[name].copy_(weight)
    native.to(model.embed.W_E.dtype)
    return bridge.eval()


def _block(block: Block) -> dict[str, Tensor]:
    attn = block.attn
    weights = {"attn.o.weight": attn.W_O.flatten(0, 1).T, "attn.o.bias": attn.b_O}
    for name in "qkv":
        weight, bias = getattr(attn, f"W_{name.upper()}"), getattr(attn, f"b_{name.upper()}")
        weights |= {f"attn.{name}.weight": weight.permute(0, 2, 1).flatten(0, 1), f"attn.{name}.bias": bias.flatten()}
    if not block.ln1.identity:
        weights |= {"ln1.weight": block.ln1.w, "ln1.bias": block.ln1.b}
    if not block.attn_only:
        mlp = block.mlp
        weights |= {"mlp.fc_in.weight": mlp.W_in.T, "mlp.fc_in.bias": mlp.b_in}
        weights |= {"mlp.fc_out.weight": mlp.W_out.T, "mlp.fc_out.bias": mlp.b_out}
        if not block.ln2.identity:
            weights |= {"ln2.weight": block.ln2.w, "ln2.bias": block.ln2.b}
    return weights


@torch.no_grad()
def from_transformer_lens(bridge: TransformerBridge, kind: type[M]) -> M:
    """Return a model with the weights of a bridge and the same logits.

    Args:
        bridge: The bridge.
        kind: The class of the model.

    Raises:
        Unsupported: The bridge is of an architecture that a `ChatTransformer` is not.
    """
    cfg, shape = bridge.cfg, _shape(bridge)
    weight = next(bridge.parameters())
    model = kind(shape).to(weight.device, weight.dtype)
    own = dict(model.named_parameters())
    for name, weight in own.items():
        weight.fill_(1.0 if name.endswith(".w") else 0.0)
    for name in ("embed.W_E", "pos_embed.W_pos", "unembed.W_U"):
        own[name].copy_(getattr(bridge, name.rsplit(".", 1)[-1]))
    _norm(own, "ln_final", bridge.ln_final)
    for layer, block in enumerate(bridge.blocks):
        _norm(own, f"blocks.{layer}.ln1", block.ln1)
        for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O"):
            _copy(own[f"blocks.{layer}.attn.{name}"], block.attn, name)
        if not shape.attn_only:
            _norm(own, f"blocks.{layer}.ln2", block.ln2)
            for name in ("W_in", "b_in", "W_out", "b_out"):
                _copy(own[f"blocks.{layer}.mlp.{name}"], block.mlp, name)
    tokens = torch.arange(min(cfg.n_ctx, 16), device=model.device)[None] % cfg.d_vocab
    half = weight.dtype.itemsize < 4  # rounding would hide another architecture: compared is in single precision
    one, other = (copy.deepcopy(model).float(), copy.deepcopy(bridge).float()) if half else (model, bridge)
    ours, theirs = one(tokens), other(tokens)
    apart = float((ours - theirs).abs().max() / theirs.std())
    if not apart < _EQUAL:
        raise Unsupported(
            f"A Transformer with this bridge's weights has other logits (by {apart:.1g} of their spread): the "
            "architecture is another one."
        )
    return cast(M, model.requires_grad_(False).eval())


def _shape(bridge: TransformerBridge) -> Config:
    cfg = bridge.cfg
    norm = cfg.normalization_type
    heads = getattr(cfg, "n_key_value_heads", None)
    other = {
        f"norms of kind {norm}": norm not in ("LN", "LNPre", None),
        f"positions of kind {cfg.positional_embedding_type}": cfg.positional_embedding_type != "standard",
        f"the activation {cfg.act_fn}": not cfg.attn_only and cfg.act_fn not in ACTIVATIONS,
        "a gated MLP": bool(cfg.gated_mlp),
        "shared keys": heads not in (None, cfg.n_heads),
        "attention beside the MLP": bool(getattr(cfg, "parallel_attn_mlp", False)),
    }
    for what, there in other.items():
        if there:
            raise Unsupported(f"A ChatTransformer has no {what}, as this bridge has.")
    return Config(
        n_layers=cfg.n_layers,
        n_heads=cfg.n_heads,
        d_model=cfg.d_model,
        d_head=cfg.d_head,
        d_mlp=cfg.d_mlp or 1,
        n_ctx=cfg.n_ctx,
        d_vocab=cfg.d_vocab,
        act_fn="gelu" if cfg.attn_only else cfg.act_fn,
        normalization_type=None if norm is None else "LN",
        attn_only=bool(cfg.attn_only),
        eps=float(cfg.eps),
    )


def _norm(own: dict[str, Any], name: str, part: Any) -> None:
    """Copy a norm, if there is one; one without weights is folded, and keeps 1 and 0."""
    theirs = {leaf.rsplit(".", 1)[-1]: weight for leaf, weight in part.named_parameters()}
    for ours, leaf in (("w", "weight"), ("b", "bias")):
        if f"{name}.{ours}" in own and leaf in theirs:
            own[f"{name}.{ours}"].copy_(theirs[leaf])


def _copy(own: Tensor, part: Any, name: str) -> None:
    """Copy a weight; a bias that is not there is 0."""
    theirs = getattr(part, name, None)
    if theirs is None and not name.startswith("b_"):
        raise Unsupported(f"The bridge has no weight {name}.")
    if theirs is not None:
        own.copy_(theirs.reshape(own.shape))
