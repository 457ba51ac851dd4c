"""Attribution patching: the effect of every edge at once, to first order, from gradients.

The effect of an edge is estimated as the change it would carry times the gradient of the metric by what its receiver
reads. EAP takes the gradient at the base run; EAP-IG averages it at points on the way from the base run's embeddings to
the donor's, which mends saturated softmaxes. `wonderland.lab.edge_patching.patch_each` is what both estimate, and an
estimate that does not agree with it is worth nothing: always look at the correlation.

Cost: one forward and one backward pass a step for all edges together.
What would fool it: attention that is one-hot in the base run has no gradient, and so the edges into it no estimate.

References: Nanda 2023, attribution patching; Syed et al. 2023 (2310.10348), EAP; Hanna et al. 2024 (2403.17806),
EAP-IG.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from wonderland.lab.edge_patching import ComponentOutputs
from wonderland.lab.edges import INPUTS, Edges
from wonderland.lab.kv_reuse import Suffix
from wonderland.lab.names import hook_name

if TYPE_CHECKING:
    from wonderland.lab.protocols import HookedModel

__all__ = ["attribution"]


def attribution(
    model: HookedModel,
    base: ComponentOutputs,
    donor: ComponentOutputs,
    metric: Callable[[Tensor], Tensor],
    *,
    steps: int = 1,
    last_position: Tensor | None = None,
) -> Tensor:
    """Estimate the effect of every edge from gradients.

    Args:
        model: The model.
        base: Its run without changes.
        donor: The run an edge would carry.
        metric: Given final residuals [batch, pos, d_model], what the effect is on, [batch].
        steps: Points between the embeddings of the two runs at which gradients are taken and averaged: 1 takes those
            of the base run alone (EAP), more go from there towards the donor's (EAP-IG).
        last_position: Last position of each row that ``metric`` looks at, [batch]; the last there is if None.

    Returns:
        Estimated change of the metric, [sender, receiver, batch]; 0 where there is no edge.
    """
    edges = Edges.of(model)
    suffix = base.suffix(model, donor, last_position)
    ours, theirs = base.cut(suffix), donor.cut(suffix)
    everyone = torch.arange(ours.stream.shape[1], device=ours.stream.device)

    def measured(final: Tensor) -> Tensor:
        return metric(suffix.put_back(final, base.stream[-1], everyone))

    exact = torch.promote_types(ours.stream.dtype, torch.float32)  # sums, of what may be in half precision
    total = torch.zeros((), dtype=exact)
    for step in range(steps):
        start = ours.stream[0] + (theirs.stream[0] - ours.stream[0]) * (step / steps)
        total = total + _gradients(model, edges, start, measured, suffix).to(exact) / steps
    change = theirs.written.to(exact) - ours.written.to(exact)
    effect = torch.einsum("sbpd,rbpd->srb", change, total)
    there = torch.from_numpy(edges.exists).to(effect.device)
    return torch.where(there[..., None], effect, torch.zeros((), device=effect.device))


def _gradients(
    model: HookedModel, edges: Edges, start: Tensor, metric: Callable[[Tensor], Tensor], suffix: Suffix
) -> Tensor:
    """Return the gradient of the metric by what each receiver reads, [receiver, batch, suffix, d_model]."""
    batch, length, width = start.shape
    by_head = (batch, length, edges.n_heads, width)
    leaves: dict[str, Tensor] = {}
    for layer in range(edges.n_layers):
        leaves |= {hook_name(f"{name}_input", layer): start.new_zeros(by_head) for name in INPUTS}
        if edges.mlps:
            leaves[hook_name("mlp_in", layer)] = torch.zeros_like(start)
    last = torch.zeros_like(start).requires_grad_()
    for leaf in leaves.values():
        leaf.requires_grad_()
    with torch.enable_grad():
        hooks = [(name, _adding(leaf)) for name, leaf in leaves.items()]
        everyone = torch.arange(batch, device=start.device)
        final = suffix.run(model, start, everyone, hooks, stop_at_layer=edges.n_layers)
        found = torch.autograd.grad(metric(final + last).sum(), [*leaves.values(), last])
    parts = [part for gradient in found for part in (gradient.unbind(2) if gradient.ndim == 4 else (gradient,))]
    return torch.stack(parts)


def _adding(leaf: Tensor) -> Callable[..., Tensor]:
    def add(value: Tensor, hook: Any) -> Tensor:
        return value + leaf

    return add
