"""Interventions: some activations of a run are replaced, and the run goes on from there.

An `Intervention` is a set of `Site`s, each a place in the model (activation, layer, perhaps a head, perhaps only some
positions) whose value is taken from a donor instead. What the donor is makes it patching (the other run of a
contrast), zero, mean or resample ablation; how many sites there are makes it a single head, a circuit or a
leave-one-out. All go through `intervene`, so identities between them hold by construction.

Interventions run as rows of a batch and start at the first replaced layer, from the residual stream of the run they
are put into. A row whose replaced values are all equal to what stands there is not run at all: it is the same run, and
its difference is exactly 0, not 0 up to rounding. Positions before the first change are not run either
(`wonderland.lab.kv_reuse`).

Cost: at most interventions × rows × (layers after the first replaced) / layers forward passes, of the positions from
the first change on; memory of 2,048 tokens.
What would fool it: donors that no text produces (zeros).

Reference: Heimersheim and Nanda 2024 (2404.15255).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from wonderland.components import Head
from wonderland.lab.kv_reuse import KVCache, Suffix, cacheable
from wonderland.lab.names import hook_name

if TYPE_CHECKING:
    from wonderland.lab.protocols import HookedModel

__all__ = ["Activations", "Intervention", "Site", "answer_logits", "intervene"]

_TOKENS = 2048  # of one chunk of rows: its activations then stay in the processor's cache


@dataclass(frozen=True)
class Site:
    """A place whose value is replaced.

    Args:
        name: Activation by its TransformerLens short name: "resid_pre", "attn_out", "mlp_out", "z", ….
        layer: Its layer.
        head: Only this head (of "z", "q", "k", "v" and "result").
        positions: Only this position, or those of this name in the ``positions`` given to `intervene`; all if None.
    """

    name: str
    layer: int
    head: int | None = None
    positions: int | str | None = None

    def __str__(self) -> str:
        at = "" if self.positions is None else f" at {self.positions}"
        if self.head is not None:
            return f"{Head(self.layer, self.head)}{'' if self.name == 'z' else f' {self.name}'}{at}"
        return f"L{self.layer} {self.name}{at}"


Intervention = Sequence[Site]
"""What is replaced together, in one run."""


@dataclass(frozen=True)
class Activations:
    """What a model computed on some rows of tokens.

    Attributes:
        values: Activation by short name, each [layer, batch, pos, ...]; "resid_pre" is always among them, and so are
            "k" and "v" of a model that can go on from them.
        final: The residual stream after the last layer, [batch, pos, d_model].
    """

    values: Mapping[str, Tensor]
    final: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, model: HookedModel, tokens: ArrayLike | Tensor, names: Sequence[str]) -> Activations:
        """Run the model and keep these activations.

        Args:
            model: The model.
            tokens: [batch, pos].
            names: Short names; "resid_pre" is added.
        """
        wanted = sorted({"resid_pre", *names, *cacheable(model)})
        layers = model.cfg.n_layers
        hooks = [hook_name(name, layer) for name in wanted for layer in range(layers)]
        tokens = torch.as_tensor(tokens, device=model.device)
        final, cache = model.run_with_cache(tokens, stop_at_layer=layers, names_filter=hooks)
        stacked = {name: torch.stack([cache[hook_name(name, layer)] for layer in range(layers)]) for name in wanted}
        return cls(stacked, final)

    @property
    def kv_cache(self) -> KVCache | None:
        """Keys and values, if they were kept."""
        return (self.values["k"], self.values["v"]) if {"k", "v"} <= self.values.keys() else None


@torch.no_grad()
def intervene(
    model: HookedModel,
    base: Activations,
    donor: Mapping[str, Tensor],
    interventions: Sequence[Intervention],
    metric: Callable[..., Tensor],
    *,
    positions: Mapping[str, Tensor] | None = None,
    last_position: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Replace activations of a run by a donor's, intervention by intervention.

    Args:
        model: The model.
        base: Its run without intervention, with every activation the interventions name.
        donor: What to put there, by short name, shaped (or broadcasting) like ``base.values``.
        interventions: What to replace together.
        metric: Given final residuals [row, pos, d_model] and the batch index of each row, what to measure [row, ...].
        positions: Positions by name, [batch, pos] bool, for sites that name them.
        last_position: Last position of each row that ``metric`` looks at, [batch]; what is behind it stays as in
            ``base``. The last there is if None.

    Returns:
        What ``metric`` gives: without intervention [batch, ...], and with each [intervention, batch, ...].
    """
    batch, length = base.final.shape[:2]
    layers, device = model.cfg.n_layers, base.final.device
    everyone = torch.arange(batch, device=device)
    untouched = metric(base.final, everyone)
    result = untouched.expand(len(interventions), *untouched.shape).clone()
    sites = {site for intervention in interventions for site in intervention}
    if not sites:
        return untouched, result
    # In the precision of the run they go into: a mean is taken in a higher one than a model may compute in.
    donor = {name: donor[name].to(base.values[name]).expand_as(base.values[name]) for name in {s.name for s in sites}}
    put = {site: _mask(site, positions or {}, (batch, length), device) for site in sites}
    differs = {site: _differs(site, base, donor) & put[site] for site in sites}  # [batch, pos]
    if last_position is not None:
        metric_reads = torch.arange(length, device=device) <= last_position.to(device)[:, None]
        differs = {site: places & metric_reads for site, places in differs.items()}
    suffix = Suffix.of(model, base.kv_cache, torch.stack(list(differs.values())).any(0), last_position)
    stream = suffix.of_layers(base.values["resid_pre"])
    donor = {name: suffix.of_layers(values) for name, values in donor.items()}
    put = {site: suffix.of_rows(places) for site, places in put.items()}
    real = torch.zeros(len(interventions), batch, dtype=torch.bool, device=device)
    for i, intervention in enumerate(interventions):
        for site in intervention:
            real[i] |= differs[site].any(-1)
    rows = max(_TOKENS // suffix.length, 1)
    for layer in range(layers):
        starting = [i for i, chosen in enumerate(interventions) if chosen and min(s.layer for s in chosen) == layer]
        if not starting:
            continue
        index = torch.tensor(starting, device=device)
        which, row = (part.flatten() for part in torch.meshgrid(index, everyone, indexing="ij"))
        which, row = which[real[which, row]], row[real[which, row]]
        for some, at in zip(which.split(rows), row.split(rows), strict=True):
            if not len(at):
                continue
            hooks = _hooks([interventions[i] for i in some.tolist()], at, donor, put)
            final = suffix.run(model, stream[layer, at], at, hooks, start_at_layer=layer, stop_at_layer=layers)
            result[some, at] = metric(suffix.put_back(final, base.final, at), at)
    return untouched, result


def _mask(site: Site, positions: Mapping[str, Tensor], shape: tuple[int, int], device: torch.device) -> Tensor:
    """Return the positions a site replaces, [batch, pos]."""
    mask = torch.ones(shape, dtype=torch.bool, device=device)
    if isinstance(site.positions, int):
        mask[:] = False
        mask[:, site.positions] = True
    elif site.positions is not None:
        mask = positions[site.positions].to(device)
    return mask


def _differs(site: Site, base: Activations, donor: Mapping[str, Tensor]) -> Tensor:
    """Return at which positions the donor's value is another, [batch, pos]."""
    differs = base.values[site.name][site.layer] != donor[site.name][site.layer]  # [batch, pos, ...]
    if site.head is not None:
        differs = differs[:, :, site.head]
    return differs.flatten(2).any(-1)


def _hooks(
    interventions: Sequence[Intervention], at: Tensor, donor: Mapping[str, Tensor], put: Mapping[Site, Tensor]
) -> list[tuple[str, Callable[..., Tensor]]]:
    """Return the hooks that put the donor's values into rows [row] of which each has its own intervention."""
    points: dict[tuple[str, int], dict[Site, list[int]]] = {}
    for row, intervention in enumerate(interventions):
        for site in intervention:
            points.setdefault((site.name, site.layer), {}).setdefault(site, []).append(row)
    hooks = []
    for (name, layer), sites in sorted(points.items(), key=lambda point: point[0]):
        shape = donor[name][layer].shape  # [batch, pos, (head,) width]
        mask = torch.zeros(len(interventions), *shape[1:-1], 1, dtype=torch.bool, device=at.device)
        for site, rows in sites.items():
            index = torch.tensor(rows, device=at.device)
            places = put[site][at[index]]  # [row, pos]
            if site.head is None:
                mask[index] |= places.view(*places.shape, *[1] * (mask.ndim - 2))
            else:
                mask[index, :, site.head] |= places[..., None]
        hooks.append((hook_name(name, layer), _putting(mask, donor[name][layer, at])))
    return hooks


def _putting(mask: Tensor, value: Tensor) -> Callable[..., Tensor]:
    def put(activation: Tensor, hook: Any) -> Tensor:
        return torch.where(mask, value, activation)

    return put


def answer_logits(model: HookedModel, answer: ArrayLike) -> Callable[..., Tensor]:
    """Return a metric for `intervene`: the logits at the position ``answer`` [batch] of each row, [row, d_vocab]."""
    position = torch.as_tensor(answer, device=model.device)

    def metric(final: Tensor, at: Tensor | None = None) -> Tensor:
        places = position if at is None else position[at]
        last = final[torch.arange(len(final), device=final.device), places]
        logits: Tensor = model.unembed(model.ln_final(last))
        return logits

    return metric
