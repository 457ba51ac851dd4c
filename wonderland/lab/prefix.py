"""What need not be computed again? Everything before two runs differ, and everything behind the last place one reads.

Attention looks back only. If a change to a run begins at position p, the run is what it was before p, and only the
positions from p on are computed again: their queries read the keys and values of earlier positions from the run before
the change. A swap of the last speaker changes the last few tokens of a prompt, so that patching it costs a tenth.

A `Rest` is those positions, for rows that begin and end at places of their own. It cuts activations down to them, runs
the model on them, and puts what comes out back where it belongs. Where everything has to be computed, or the model
cannot read a prefix (a bridge), it stands for all positions, and running it is running the model.

What would fool it: a row that changes before the place it is said to change from. `wonderland.lab.interventions` finds
that place by comparing the runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from wonderland.lab.specimen import hook_name

if TYPE_CHECKING:
    from wonderland.lab.hooked import Hook, HookedModel

__all__ = ["Memory", "Rest", "remembered"]

Memory = tuple[Tensor, Tensor]
"""Keys and values of a run, each [layer, batch, pos, head, d_head]."""


def remembered(model: HookedModel) -> list[str]:
    """Return the activations to keep of a run so that another can go on from it, if the model can."""
    return ["k", "v"] if getattr(model, "reads_prefix", False) else []


@dataclass(frozen=True)
class Rest:
    """The positions of each row that are computed again.

    Attributes:
        place: Where they are in the whole row, [batch, rest], without gaps; a row that needs fewer begins earlier.
        before: Keys and values of the run that is gone on from, up to the latest beginning; None if ``place`` is
            everything.
    """

    place: Tensor
    before: Memory | None

    @classmethod
    def of(cls, model: HookedModel, memory: Memory | None, differs: Tensor, until: Tensor | None = None) -> Rest:
        """Find what has to be computed again.

        Args:
            model: The model.
            memory: Keys and values of the run to go on from; None if they were not kept.
            differs: Where anything may be changed, [batch, pos].
            until: Last position of each row that anybody reads, [batch]; the last there is if None.
        """
        batch, size = differs.shape
        every = torch.arange(size, device=differs.device)
        end = torch.full((batch,), size - 1, device=differs.device) if until is None else until.to(differs.device)
        first = torch.where(differs, every, size).amin(1).minimum(end)
        length = int((end - first).max()) + 1 if batch else size
        if memory is None or length == size or not remembered(model):
            return cls(every.expand(batch, -1), None)
        place = (end - (length - 1)).clamp(min=0)[:, None] + every[:length]
        latest = int(place[:, 0].max())
        return cls(place, (memory[0][:, :, :latest], memory[1][:, :, :latest]))

    @property
    def length(self) -> int:
        """Positions of a row that are run."""
        return self.place.shape[1]

    def of_rows(self, values: Tensor) -> Tensor:
        """Cut [batch, pos, ...] to [batch, rest, ...]."""
        return self.of_layers(values[None])[0]

    def of_layers(self, values: Tensor) -> Tensor:
        """Cut [layer, batch, pos, ...] to [layer, batch, rest, ...]."""
        if self.before is None:
            return values
        return values[:, torch.arange(len(self.place), device=values.device)[:, None], self.place]

    def put_back(self, values: Tensor, whole: Tensor, row: Tensor) -> Tensor:
        """Return whole rows [row, pos, ...] with what was computed again [row, rest, ...] in its places.

        Args:
            values: What was computed again.
            whole: The run that was gone on from, [batch, pos, ...].
            row: Which of the batch each row is.
        """
        if self.before is None:
            return values
        full = whole[row]  # a copy
        full[torch.arange(len(row), device=row.device)[:, None], self.place[row]] = values
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
        """Run the model on the rest of some rows, behind their prefix.

        Args:
            model: The model.
            stream: The residual stream before the first layer that is run, [row, rest, d_model].
            row: Which of the batch each row is.
            hooks: Interventions; what they see has ``rest`` positions.
            start_at_layer: First layer to run.
            stop_at_layer: Layer to stop before.
        """
        behind = self._behind(row, range(start_at_layer, stop_at_layer))
        return model.run_with_hooks(
            stream, fwd_hooks=[*hooks, *behind], start_at_layer=start_at_layer, stop_at_layer=stop_at_layer
        )

    def _behind(self, row: Tensor, layers: range) -> list[Hook]:
        if self.before is None:
            return []
        keys, values = self.before
        # Rows begin at places of their own: what the prefix of the longest has more than theirs is hidden from them.
        hidden = torch.arange(keys.shape[2], device=row.device) >= self.place[row, :1]
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
