"""Runs of a TransformerLens bridge in part: from a layer on, or up to the last stream.

TransformerLens 4.3 computes the layers before the one a run begins at and throws their output away, and a run that is
to end with the last stream goes on to the logits: of SmolLM2-135M a fifth of the work, and most of the memory. Here the
layers before hand on what they are given, and a run that has what was asked for ends.

`Beginnings` shows it on the very bridge before it is relied on: a run from a layer, on the stream that a whole run had
there, ends in the stream of the whole run. Where layers share more than the stream (keys of an earlier layer, say) it
does not, and then such runs are refused.

Cost: two whole runs of 16 tokens, and a run from each of three layers, once.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from wonderland.errors import Unsupported

__all__ = ["Beginnings", "ending"]

_LENGTH = 8
_NEAR = 16  # roundings of the largest value: the same layers compute the same, up to the order of a sum


def ending(bridge: Any, fwd_hooks: Sequence[Any], tokens: Tensor, **options: Any) -> Tensor:
    """Run a bridge with hooks and return the stream after the last layer; nothing behind it is computed.

    Args:
        bridge: The bridge.
        fwd_hooks: Hooks, which come before the end.
        tokens: Tokens [batch, pos], or the stream where a run begins at a layer.
        **options: ``start_at_layer``.
    """
    from transformer_lens.model_bridge.exceptions import StopAtLayerException

    def stop(value: Tensor, hook: Any = None) -> None:
        raise StopAtLayerException(value)

    last = f"blocks.{len(bridge.blocks) - 1}.hook_resid_post"
    stream: Tensor = bridge.run_with_hooks(tokens, fwd_hooks=[*fwd_hooks, (last, stop)], **options)
    return stream


class Beginnings:
    """Whether and how runs of a bridge can begin at a layer.

    Args:
        bridge: The bridge.
        vocabulary: Number of its tokens.
        device: Where its tokens are to be.
    """

    def __init__(self, bridge: Any, *, vocabulary: int, device: torch.device) -> None:
        self._bridge = bridge
        drawn = torch.randint(0, vocabulary, (2, _LENGTH), generator=torch.Generator().manual_seed(1))
        self._tokens = drawn.to(device)

    @contextlib.contextmanager
    def at(self, layer: int) -> Iterator[None]:
        """Within this context, the layers before this one are passed by.

        Raises:
            Unsupported: A run of this bridge that begins at a layer is not the rest of a whole run.
        """
        with self._passing_by(self._bridge.blocks[:layer] if layer and self._passes else []):
            yield

    @functools.cached_property
    @torch.no_grad()
    def _passes(self) -> bool:
        """Whether layers can be passed by; if not, they are computed for nothing."""
        layers = len(self._bridge.blocks)
        begins = sorted({layer for layer in (1, layers // 2, layers - 1) if layer})
        streams: dict[int, Tensor] = {}
        single = self._single

        def keeping(layer: int) -> tuple[str, Callable[..., None]]:
            def keep(value: Tensor, hook: Any = None) -> None:
                streams[layer] = value.clone()

            return f"blocks.{layer}.hook_resid_pre", keep

        whole = ending(self._bridge, [keeping(layer) for layer in begins], self._tokens)
        ending(self._bridge, [], self._tokens.flip(0, 1))  # what layers keep of a run is now that of another

        def same(layer: int, blocks: Any) -> bool:
            try:
                with self._passing_by(blocks):
                    rest = ending(self._bridge, [], streams[layer], start_at_layer=layer)
            except Exception:  # noqa: BLE001 - a layer that misses what an earlier one left raises whatever it does
                return False
            return bool((rest - whole).abs().max() <= _NEAR * torch.finfo(whole.dtype).eps * whole.abs().max())

        if single and all(same(layer, self._bridge.blocks[:layer]) for layer in begins):
            return True
        if all(same(layer, []) for layer in begins):
            return False
        raise Unsupported(
            "A run of this bridge that begins at a layer does not end as a whole run does: its layers share more than "
            "the stream.",
            hint="Analyses that replace nothing (attention-entropy, head-patterns, neurons) can be run on it.",
        )

    @functools.cached_property
    def _single(self) -> dict[int, bool]:
        """Whether each layer returns its stream in a tuple, by the layer's identity; empty if in one with more."""
        found: dict[int, bool] = {}
        lengths: set[int] = set()

        def look(block: Any, given: Any, out: Any) -> None:
            found[id(block)] = isinstance(out, tuple)
            lengths.add(len(out) if isinstance(out, tuple) else 1)

        handles = [block.register_forward_hook(look) for block in self._bridge.blocks]
        try:
            with torch.no_grad():
                self._bridge(self._tokens)
        finally:
            for handle in handles:
                handle.remove()
        return found if lengths == {1} and len(found) == len(self._bridge.blocks) else {}

    @contextlib.contextmanager
    def _passing_by(self, blocks: Any) -> Iterator[None]:
        passed = list(blocks)
        try:
            for block in passed:
                # A bridge hands attributes on to the layer it wraps, which is to stay as it is.
                block.__dict__["forward"] = _handing_on(in_tuple=self._single[id(block)])
            yield
        finally:
            for block in passed:
                block.__dict__.pop("forward", None)


def _handing_on(*, in_tuple: bool) -> Callable[..., Any]:
    def forward(*arguments: Any, **named: Any) -> Any:
        stream = arguments[0] if arguments else named["hidden_states"]
        return (stream,) if in_tuple else stream

    return forward
