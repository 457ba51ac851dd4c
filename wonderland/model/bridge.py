"""How is a model handed on to TransformerLens? As a native ``TransformerBridge`` with the same weights.

TransformerLens' native model is the same architecture (learned positions, pre-LayerNorm, biases everywhere but in the
unembedding) with heads side by side in two-dimensional matrices, so the weights are copied, not approximated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformer_lens import TransformerBridge, TransformerBridgeConfig

if TYPE_CHECKING:
    from wonderland.model.layers import Block
    from wonderland.model.transformer import ChatTransformer

__all__ = ["to_transformer_lens"]


@torch.no_grad()
def to_transformer_lens(model: ChatTransformer) -> TransformerBridge:
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
