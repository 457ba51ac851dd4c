"""What is put under the microscope when a model from elsewhere is handed in? The truest form of it there is.

A `ChatTransformer` as it is. A TransformerLens ``TransformerBridge`` whose architecture ours can represent exactly (the
GPT-2 family) becomes a `ChatTransformer`, so that every hook is genuine and every analysis works; its logits are
compared. Any other bridge is looked at through `BridgedModel`, which refuses what cannot be done truthfully. A model of
your own is taken as it is if it offers what `HookedModel` names.

Memory: a converted model is a copy.
"""

from __future__ import annotations

from typing import Any, cast

from wonderland.errors import InputError, Unsupported
from wonderland.lab.hooked import HookedModel
from wonderland.model.transformer import ChatTransformer

__all__ = ["adopt"]

_SURFACE = ["cfg", "blocks", "ln_final", "unembed", "W_E", "W_U", "W_Q", "W_K", "W_V", "W_O", "device", "n_params"]
_SURFACE += ["fingerprint", "run_with_cache", "run_with_hooks", "untrained", "tokenizer_fingerprint"]


def adopt(model: Any) -> HookedModel:
    """Return a model as the analyses can use it.

    Args:
        model: A `ChatTransformer`, a TransformerLens ``TransformerBridge``, or anything that offers `HookedModel`.

    Raises:
        InputError: It is none of these.
        Unsupported: It is a bridge of an architecture that the analyses cannot read.
    """
    if isinstance(model, ChatTransformer):
        return cast(HookedModel, model)
    if type(model).__name__ == "TransformerBridge":
        from wonderland.lab.bridged import BridgedModel
        from wonderland.model.bridge import from_transformer_lens

        try:
            return cast(HookedModel, from_transformer_lens(model))
        except Unsupported:
            return cast(HookedModel, BridgedModel(model))
    missing = [name for name in _SURFACE if not hasattr(model, name)]
    if missing:
        raise InputError(
            f"A {type(model).__name__} cannot be examined: it has no {missing[0]!r}.",
            hint="Give a ChatTransformer or a TransformerLens TransformerBridge, such as "
            "TransformerBridge.boot_transformers(...); wonderland.lab.hooked.HookedModel names all that is needed.",
        )
    return cast(HookedModel, model)
