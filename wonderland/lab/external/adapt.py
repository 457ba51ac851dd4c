"""A model from elsewhere, as the analyses can use it without being told anything false.

A `ChatTransformer` as it is. A TransformerLens ``TransformerBridge`` whose architecture ours can represent exactly (the
GPT-2 family) becomes a `ChatTransformer`, so that every hook is genuine and every analysis works; its logits are
compared. Any other bridge is examined through `BridgeModel`, which refuses what cannot be done truthfully. A model of
your own is taken as it is if it offers what `HookedModel` names.

Memory: a converted model is a copy.
"""

from __future__ import annotations

from typing import Any, cast

import torch

from wonderland.errors import InputError, Unsupported
from wonderland.lab.protocols import HookedModel, Tokenizer
from wonderland.model.chat_transformer import ChatTransformer

__all__ = ["as_hooked_model", "checked_model"]

_SPARE = 1024  # rows of an embedding that round its size up and stand for no token
_SURFACE = ["cfg", "blocks", "ln_final", "unembed", "W_E", "W_U", "W_Q", "W_K", "W_V", "W_O", "device", "n_params"]
_SURFACE += ["fingerprint", "run_with_cache", "run_with_hooks", "untrained", "tokenizer_fingerprint"]


def as_hooked_model(model: Any) -> HookedModel:
    """Return a model as the analyses can use it.

    Args:
        model: A `ChatTransformer`, a TransformerLens ``TransformerBridge``, or anything that offers `HookedModel`.

    Raises:
        InputError: It is none of these.
        Unsupported: It is a bridge of an architecture that the analyses cannot read.
    """
    if isinstance(model, ChatTransformer):
        return model
    if type(model).__name__ == "TransformerBridge":
        from wonderland.lab.external.bridge_model import BridgeModel

        try:
            return ChatTransformer.from_transformer_lens(model)
        except Unsupported:
            return BridgeModel(model)
    missing = [name for name in _SURFACE if not hasattr(model, name)]
    if missing:
        raise InputError(
            f"A {type(model).__name__} cannot be examined: it has no {missing[0]!r}.",
            hint="Give a ChatTransformer or a TransformerLens TransformerBridge, such as "
            "TransformerBridge.boot_transformers(...); wonderland.lab.protocols.HookedModel names all that is needed.",
        )
    return cast(HookedModel, model)


def checked_model(model: Any, tokenizer: Tokenizer) -> HookedModel:
    """Return a model ready to be examined with its tokenizer: adapted, checked, its gradients off.

    Raises:
        InputError: Model and tokenizer do not belong together, or the model has weights that are not finite.
    """
    if getattr(model, "tokenizer_fingerprint", "") not in ("", tokenizer.fingerprint):
        raise InputError(
            f"The model was trained with the tokenizer {model.tokenizer_fingerprint}, not with this one "
            f"({tokenizer.fingerprint}): its token numbers would mean other words.",
            hint="Load the tokenizer that was saved beside the model.",
        )
    broken = [name for name, weight in model.named_parameters() if not torch.isfinite(weight).all()]
    if broken:
        raise InputError(f"The model has weights that are not finite: {broken[0]}.", hint="Train or load it again.")
    adopted = as_hooked_model(model)
    spare = adopted.cfg.d_vocab - tokenizer.vocab_size
    if not 0 <= spare < _SPARE:
        raise InputError(
            f"The model has {adopted.cfg.d_vocab:,} tokens and the tokenizer {tokenizer.vocab_size:,}: they do not "
            "belong together.",
            hint="Load the tokenizer the model was trained with.",
        )
    adopted.requires_grad_(False).eval()
    return adopted
