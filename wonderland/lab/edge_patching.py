"""Edge patching: runs in which some edges of the computational graph carry another run.

`run_edges` runs the model with some `wonderland.lab.edges` changed, and everything that is done to edges is this one
function:

- ``patched`` edges carry the sender's output in a donor's run in place of the base run's;
- ``active`` edges carry what the sender writes in the changed run itself; the others carry the base run.

One edge patched and all active is exact edge patching, which is also direct path patching: nothing between sender and
receiver moves. All of a head's edges patched is patching the head. Only the edges of a circuit active, and its edges
from the embedding patched, is the circuit alone, all else corrupted: with every edge it is the donor's run, with none
the base run. LayerNorm is computed anew for every receiver, from what the receiver then reads; no scale is frozen.

Cost: one run of the receiver's layer and those after it, an edge and pair, of the positions from the first difference
on (`wonderland.lab.kv_reuse`); `wonderland.lab.attribution` estimates the same for all edges at once.
What would fool it: an edge that matters only together with another has no effect alone.

References: Goldowsky-Dill et al. 2023 (2304.05969), path patching; Conmy et al. 2023 (2304.14997), edges and circuits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from wonderland.lab.edges import INPUTS, Edges
from wonderland.lab.interventions import Activations
from wonderland.lab.kv_reuse import KVCache, Suffix
from wonderland.lab.names import hook_name

if TYPE_CHECKING:
    from wonderland.lab.protocols import HookedModel

__all__ = ["ComponentOutputs", "patch_each", "run_edges"]

_TOKENS = 2048  # of one chunk of rows


@dataclass(frozen=True)
class ComponentOutputs:
    """What every sender wrote in a run, and the residual stream it wrote into.

    Attributes:
        written: [sender, batch, pos, d_model], biases of attention left out.
        stream: The residual stream before each layer and after the last, [layer + 1, batch, pos, d_model].
        middle: The same before each MLP, [layer, batch, pos, d_model]; empty without MLPs.
        kv_cache: Keys and values, if another run can go on from them.
    """

    written: Tensor
    stream: Tensor
    middle: Tensor
    kv_cache: KVCache | None = None

    @classmethod
    def of(cls, model: HookedModel, tokens: ArrayLike | Tensor) -> ComponentOutputs:
        """Run the model on tokens [batch, pos]."""
        edges = Edges.of(model)
        names = ["result", *(["mlp_out", "resid_mid"] if edges.mlps else [])]
        run = Activations.of(model, tokens, names)
        stream = torch.cat([run.values["resid_pre"], run.final[None]])
        written = [stream[0]]
        for layer in range(edges.n_layers):
            written += run.values["result"][layer].unbind(2)
            written += [run.values["mlp_out"][layer]] if edges.mlps else []
        middle = run.values["resid_mid"] if edges.mlps else stream[:0]
        return cls(torch.stack(written), stream, middle, run.kv_cache)

    def suffix(self, model: HookedModel, donor: ComponentOutputs, last_position: Tensor | None) -> Suffix:
        """Return the positions from the first difference to another run to the last that is read, [batch]."""
        return Suffix.of(model, self.kv_cache, (donor.written != self.written).any(-1).any(0), last_position)

    def cut(self, suffix: Suffix) -> ComponentOutputs:
        """Return the same at the positions that are computed again."""
        written, stream, middle = map(suffix.of_layers, (self.written, self.stream, self.middle))
        return ComponentOutputs(written, stream, middle)


@torch.no_grad()
def run_edges(
    model: HookedModel,
    base: ComponentOutputs,
    donor: ComponentOutputs,
    patched: NDArray[np.bool_],
    metric: Callable[..., Tensor],
    *,
    active: NDArray[np.bool_] | None = None,
    last_position: Tensor | None = None,
) -> Tensor:
    """Run the model with edges changed.

    Args:
        model: The model.
        base: Its run without changes.
        donor: The run that ``patched`` edges carry.
        patched: Which edges carry the donor's run, [set, sender, receiver]; each set is a run of its own.
        metric: Given final residuals [row, pos, d_model] and the batch index of each row, what to measure [row, ...].
        active: Which other edges carry what the sender writes in the changed run, [set, sender, receiver]; all if None.
        last_position: Last position of each row that ``metric`` looks at, [batch]; the last there is if None.

    Returns:
        What ``metric`` gives for each set, [set, batch, ...].
    """
    edges = Edges.of(model)
    device = base.stream.device
    suffix = base.suffix(model, donor, last_position)
    rest = base.cut(suffix)
    change = donor.cut(suffix).written - rest.written  # [sender, batch, suffix, d_model]
    everyone = torch.arange(change.shape[1], device=device)
    untouched = metric(base.stream[-1], everyone)
    result = untouched.expand(len(patched), *untouched.shape).clone()
    moved = change.flatten(2).any(-1)  # [sender, batch]: a sender that writes the same in both runs changes nothing
    placed = torch.from_numpy(patched & edges.exists).to(device)
    alive = None if active is None else torch.from_numpy(active & edges.exists).to(device)
    real = (placed.any(2)[:, :, None] & moved).any(1)  # [set, batch]
    starts = np.array([_start(edges, one) for one in patched & edges.exists])
    rows = max(_TOKENS // suffix.length, 1)
    for start in sorted({int(layer) for layer in starts if layer >= 0}):
        which = torch.from_numpy(np.flatnonzero(starts == start)).to(device)
        sets, at = (part.flatten() for part in torch.meshgrid(which, everyone, indexing="ij"))
        kept = real[sets, at]
        if not kept.any():
            continue
        for some, row in zip(sets[kept].split(rows), at[kept].split(rows), strict=True):
            living = None if alive is None else alive[some]
            run = _Run(model, edges, rest, suffix, change, row, placed[some], living, start)
            result[some, row] = metric(suffix.put_back(run.final(), base.stream[-1], row), row)
    return result


def _start(edges: Edges, patched: NDArray[np.bool_]) -> int:
    """Return the first layer that a patched edge enters, -1 if none does."""
    reached = np.flatnonzero(patched.any(0))
    return min((edges.layer(int(receiver)) for receiver in reached), default=-1)


class _Run:
    """Rows of runs in which every receiver reads a sum of its own."""

    def __init__(
        self,
        model: HookedModel,
        edges: Edges,
        base: ComponentOutputs,
        suffix: Suffix,
        change: Tensor,
        row: Tensor,
        patched: Tensor,
        active: Tensor | None,
        start: int,
    ) -> None:
        self.model, self.edges, self.base, self.suffix, self.row, self.start = model, edges, base, suffix, row, start
        self.patched = patched
        self.active = None if active is None else active | patched
        self.givers = patched.any(2).any(0).nonzero()[:, 0]  # senders of which any row patches an edge
        self.given = change[self.givers[:, None], row].transpose(0, 1).contiguous()  # [row, giver, pos, d_model]
        rows, _, *place = self.given.shape
        self.new = self.given.new_zeros(rows, len(edges.senders), *place)  # changed − base, [row, sender, pos, d_model]
        self.last = max((edges.layer(int(r)) for r in patched.any(1).any(0).nonzero()[:, 0]), default=start)

    def final(self) -> Tensor:
        """Return the final residual streams, [row, pos, d_model]."""
        edges = self.edges
        for layer in range(self.start, edges.n_layers):
            if self.active is None and layer > self.last:  # all active, nothing more to patch: the plain model goes on
                stream = self.base.stream[layer, self.row] + self.new[:, : edges.before(layer)].sum(1)
                return self.suffix.run(
                    self.model, stream, row=self.row, start_at_layer=layer, stop_at_layer=edges.n_layers
                )
            self._layer(layer)
        return self._read(self.base.stream[-1, self.row], slice(-1, None), len(edges.senders))[:, 0]

    def _read(self, stream: Tensor, receivers: slice, senders: int) -> Tensor:
        """Return what receivers read, given what they read in the base run [row, pos, d_model]: a receiver more."""
        giver = self.givers[self.givers < senders]
        instead = self.given[:, : len(giver)] - self.new[:, giver]  # givers are in order: the first are known
        if self.active is None:
            stream = stream + self.new[:, :senders].sum(1)
        count = len(self.edges.receivers[receivers])
        total: Tensor = stream[:, None].expand(-1, count, -1, -1).flatten(2)  # [row, receiver, pos × d_model]
        total = torch.baddbmm(total, _weight(self.patched[:, giver, receivers], instead), instead.flatten(2))
        if self.active is not None:
            active = self.active[:, :senders, receivers]
            total.baddbmm_(_weight(active, total), self.new[:, :senders].flatten(2))
        read: Tensor = total.unflatten(2, stream.shape[1:])
        return read

    def _layer(self, layer: int) -> None:
        edges, row = self.edges, self.row
        first = edges.before(layer)
        stream = self.base.stream[layer, row]
        reads = self._read(stream, edges.attention(layer), first)  # [row, input × head, pos, d_model]
        by_input = reads.unflatten(1, (len(INPUTS), edges.n_heads)).permute(1, 0, 3, 2, 4)
        hooks: list[tuple[str, Callable[..., Any]]] = [
            (hook_name(f"{name}_input", layer), _instead(value)) for name, value in zip(INPUTS, by_input, strict=True)
        ]
        hooks.append((hook_name("result", layer), self._keep(first)))
        if edges.mlps:
            hooks.append((hook_name("mlp_in", layer), self._middle(layer)))
            hooks.append((hook_name("mlp_out", layer), self._keep(first + edges.n_heads)))
        self.suffix.run(self.model, stream, row, hooks, start_at_layer=layer, stop_at_layer=layer + 1)

    def _keep(self, first: int) -> Callable[..., None]:
        def keep(written: Tensor, hook: Any) -> None:
            parts = written.unbind(2) if written.ndim == 4 else (written,)
            for sender, part in enumerate(parts, start=first):
                self.new[:, sender] = part - self.base.written[sender, self.row]

        return keep

    def _middle(self, layer: int) -> Callable[..., Tensor]:
        def read(_: Tensor, hook: Any) -> Tensor:
            receiver = self.edges.mlp(layer)
            seen = self.edges.before(layer) + self.edges.n_heads
            return self._read(self.base.middle[layer, self.row], slice(receiver, receiver + 1), seen)[:, 0]

        return read


def _weight(edges: Tensor, like: Tensor) -> Tensor:
    """Return edges [row, sender, receiver] as weights [row, receiver, sender]."""
    return edges.transpose(1, 2).to(like)


def _instead(value: Tensor) -> Callable[..., Tensor]:
    def put(_: Tensor, hook: Any) -> Tensor:
        return value

    return put


def patch_each(
    model: HookedModel,
    base: ComponentOutputs,
    donor: ComponentOutputs,
    metric: Callable[..., Tensor],
    chosen: Sequence[tuple[int, int]] | None = None,
    *,
    last_position: Tensor | None = None,
) -> Tensor:
    """Return what ``metric`` gives with each edge alone patched, [edge, batch, ...]; every edge by default."""
    edges = Edges.of(model)
    sets = edges.masks([[edge] for edge in chosen or edges.pairs])
    return run_edges(model, base, donor, sets, metric, last_position=last_position)
