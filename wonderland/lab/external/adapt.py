"""A model from elsewhere, as the analyses can use it without being told anything false.

A `ChatTransformer` as it is. A TransformerLens ``TransformerBridge`` whose architecture ours can represent exactly (the
GPT-2 family) becomes a `ChatTransformer`, so that every hook is genuine and every analysis works; its logits are
compared. Any other bridge is examined through `BridgeModel`, which refuses what cannot be done truthfully. A model of
your own is taken as it is if it offers what `HookedModel` names.

Memory: a converted model is a copy.
"""

from __future__ import annotations

from typing import Any, cast

from wonderland.errors import InputError, Unsupported
from wonderland.lab.protocols import HookedModel
from wonderland.model.chat_transformer import ChatTransformer

__all__ = ["as_hooked_model"]

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
