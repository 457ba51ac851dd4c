"""Keys and values of an earlier run, reused: a changed run is computed again only where it can differ.

Attention looks back only. If a change to a run begins at position p, the run before p is what it was, and only the
positions from p on are computed again: their queries read the keys and values of the earlier positions from the run
before the change. Nothing is computed behind the last position that the metric reads. A swap of the last speaker
changes the last few tokens of a prompt, so that patching it costs a tenth.

A `Suffix` is these positions. Each row has a first and a last one of its own; all rows are as long as the longest. The
suffix cuts activations to these positions, runs the model on them, and puts the new values back. Where everything has
to be computed, or the model takes no prefix (a bridge), it is all positions, and running it is running the model.

What would fool it: a row that changes before the place it is said to change from. `wonderland.lab.interventions` finds
that place by comparing the runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from wonderland.lab.names import hook_name

if TYPE_CHECKING:
    from wonderland.lab.protocols import Hook, HookedModel

__all__ = ["KVCache", "Suffix", "cacheable"]

KVCache = tuple[Tensor, Tensor]
"""Keys and values of a run, each [layer, batch, pos, head, d_head]."""


def cacheable(model: HookedModel) -> list[str]:
    """Return the activations to keep of a run so that another can go on from it, if the model can."""
    return ["k", "v"] if getattr(model, "accepts_kv_prefix", False) else []


@dataclass(frozen=True)
class Suffix:
    """The positions of each row that are computed again.

    Attributes:
        positions: Where they are in the whole row, [batch, suffix], without gaps; a row that needs fewer begins
            earlier.
        prefix: Keys and values of the run that is gone on from, up to the latest beginning; None if ``positions`` are
            all there are.
    """

    positions: Tensor
    prefix: KVCache | None

    @classmethod
    def of(
        cls, model: HookedModel, kv_cache: KVCache | None, differs: Tensor, last_position: Tensor | None = None
    ) -> Suffix:
        """Find what has to be computed again.

        Args:
            model: The model.
            kv_cache: Keys and values of the run to go on from; None if they were not kept.
            differs: Where anything may be changed, [batch, pos].
            last_position: Last position of each row that anybody reads, [batch]; the last there is if None.
        """
        batch, size = differs.shape
        every = torch.arange(size, device=differs.device)
        if last_position is None:
            end = torch.full((batch,), size - 1, device=differs.device)
        else:
            end = last_position.to(differs.device)
        first = torch.where(differs, every, size).amin(1).minimum(end)
        length = int((end - first).max()) + 1 if batch else size
        if kv_cache is None or length == size or not cacheable(model):
            return cls(every.expand(batch, -1), None)
        positions = (end - (length - 1)).clamp(min=0)[:, None] + every[:length]
        latest = int(positions[:, 0].max())
        return cls(positions, (kv_cache[0][:, :, :latest], kv_cache[1][:, :, :latest]))

    @property
    def length(self) -> int:
        """Positions of a row that are run."""
        return self.positions.shape[1]

    def of_rows(self, values: Tensor) -> Tensor:
        """Cut [batch, pos, ...] to [batch, suffix, ...]."""
        return self.of_layers(values[None])[0]

    def of_layers(self, values: Tensor) -> Tensor:
        """Cut [layer, batch, pos, ...] to [layer, batch, suffix, ...]."""
        if self.prefix is None:
            return values
        return values[:, torch.arange(len(self.positions), device=values.device)[:, None], self.positions]

    def put_back(self, values: Tensor, whole: Tensor, row: Tensor) -> Tensor:
        """Return whole rows [row, pos, ...] with what was computed again [row, suffix, ...] in its places.

        Args:
            values: What was computed again.
            whole: The run that was gone on from, [batch, pos, ...].
            row: Which of the batch each row is.
        """
        if self.prefix is None:
            return values
        full = whole[row]  # a copy
        full[torch.arange(len(row), device=row.device)[:, None], self.positions[row]] = values
        return full

    def run(
        self,
        model: HookedModel,
        stream: Tensor,
        row: Tensor,
        hooks: Sequence[Hook] = (),
        *,
        start_at_layer: int = 0,
        stop_at_layer: int,
    ) -> Tensor:
        """Run the model on the suffix of some rows, behind their prefix.

        Args:
            model: The model.
            stream: The residual stream before the first layer that is run, [row, suffix, d_model].
            row: Which of the batch each row is.
            hooks: Interventions; what they see has ``suffix`` positions.
            start_at_layer: First layer to run.
            stop_at_layer: Layer to stop before.
        """
        prefix = self._prefix_hooks(row, range(start_at_layer, stop_at_layer))
        return model.run_with_hooks(
            stream, fwd_hooks=[*hooks, *prefix], start_at_layer=start_at_layer, stop_at_layer=stop_at_layer
        )

    def _prefix_hooks(self, row: Tensor, layers: range) -> list[Hook]:
        if self.prefix is None:
            return []
        keys, values = self.prefix
        # All rows get the longest prefix. A row whose suffix begins earlier must not see the rest of it.
        hidden = torch.arange(keys.shape[2], device=row.device) >= self.positions[row, :1]
        hooks: list[Hook] = []
        for layer in layers:
            hooks.append((hook_name("k", layer), _after(keys[layer, row])))
            hooks.append((hook_name("v", layer), _after(values[layer, row])))
            if hidden.any():
                hooks.append((hook_name("attn_scores", layer), _hiding(hidden[:, None, None])))
        return hooks


def _after(prefix: Tensor) -> Callable[..., Tensor]:
    def join(activation: Tensor, hook: Any) -> Tensor:
        return torch.cat([prefix, activation], 1)

    return join


def _hiding(hidden: Tensor) -> Callable[..., Tensor]:
    def hide(scores: Tensor, hook: Any) -> Tensor:
        prefix = scores[..., : hidden.shape[-1]].masked_fill(hidden, -torch.inf)
        return torch.cat([prefix, scores[..., hidden.shape[-1] :]], -1)

    return hide
