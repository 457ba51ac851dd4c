"""The names of activations: TransformerLens' short names, and the full hook names they stand for.

A short name is what an analysis declares in its ``needs``; ``"loss"``, ``"logits"``, ``"contrasts"`` and
``"background"`` may stand there too, and are no hooks.
"""

from __future__ import annotations

from wonderland.errors import UsageError

__all__ = ["BACKGROUND", "CONTRASTS", "DERIVED", "NOT_EVERY_MODEL", "NO_HOOKS", "ONCE", "hook_name"]

IN_ATTENTION = ("q", "k", "v", "z", "attn_scores", "pattern", "result")
IN_MLP = ("pre", "post")
IN_BLOCK = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "q_input", "k_input", "v_input", "mlp_in")
ONCE = ("embed", "pos_embed")
"""Activations before the first layer, which there is one of."""
DERIVED = ("loss", "logits")
"""What a forward pass gives besides activations."""
CONTRASTS = "contrasts"
"""What an analysis declares that reads `Specimen.contrasts`."""
BACKGROUND = "background"
"""What an analysis declares that reads `Specimen.background`."""
NO_HOOKS = (*DERIVED, CONTRASTS, BACKGROUND)
"""What stands in ``needs`` and is no hook."""
NOT_EVERY_MODEL = "A model without MLPs has no MLP activations, and a TransformerLens bridge may lack some others."
"""Where an activation is not there, the hint."""


def hook_name(short: str, layer: int) -> str:
    """Return the full hook name of a TransformerLens short name in a layer.

    >>> hook_name("pattern", 2)
    'blocks.2.attn.hook_pattern'
    """
    if short in IN_ATTENTION:
        return f"blocks.{layer}.attn.hook_{short}"
    if short in IN_MLP:
        return f"blocks.{layer}.mlp.hook_{short}"
    if short in IN_BLOCK:
        return f"blocks.{layer}.hook_{short}"
    if short in ONCE:
        return f"hook_{short}"
    known = ", ".join((*IN_ATTENTION, *IN_MLP, *IN_BLOCK, *ONCE, *DERIVED))
    raise UsageError(f"There is no activation {short!r}.", hint=f"Activations: {known}.")
