"""What changes if an activation is replaced? Patching, ablation and recovery, defined once for every analysis.

An intervention is a `Cell`: a set of `Site`s, each a place in the model (activation, layer, perhaps a head, perhaps
only some positions) whose value is taken from a donor instead. What the donor is makes it patching (the other run of a
contrast), zero, mean or resample ablation; how many sites there are makes it a single head, a circuit or a
leave-one-out. All go through `intervene`, so identities between them hold by construction.

Cells run as rows of a batch and start at the first patched layer, from the residual stream of the run they are put
into. A row whose replaced values are all equal to what stands there is not run at all: it is the same run, and its
difference is exactly 0, not 0 up to rounding. Positions before the first change are not run either
(`wonderland.lab.prefix`).

`recovery` is (m(patched) − m(base)) / (m(donor) − m(base)), pooled over pairs as a ratio of means: 0 if nothing
changed, 1 if the base run now gives the donor's answer. Denoising puts clean activations into the corrupted run and
asks what suffices to restore; noising puts corrupted activations into the clean run and asks what is needed. They
differ where components back each other up. Neither is bounded by 0 and 1.

Cost: at most cells × pairs × (layers after the first patched) / layers forward passes, of the positions from the first
change on; memory of 2,048 tokens.
What would fool it: a gap m(donor) − m(base) near 0, and donors that no text produces (zeros). See `Contrast.problems`.

References: Zhang and Nanda 2023 (2309.16042); Heimersheim and Nanda 2024 (2404.15255).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from wonderland.estimate import Estimate
from wonderland.lab.contrast import ContrastBatch
from wonderland.lab.prefix import Memory, Rest, remembered
from wonderland.lab.specimen import hook_name
from wonderland.lab.stats import cluster_bootstrap

if TYPE_CHECKING:
    from wonderland.lab.hooked import HookedModel

__all__ = [
    "Activations",
    "Cell",
    "Patched",
    "Site",
    "answer_logits",
    "intervene",
    "logit_difference",
    "patch",
    "recovery",
]

_TOKENS = 2048  # of one chunk of rows: its activations then stay in the processor's cache
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Site:
    """A place whose value is replaced.

    Args:
        name: Activation by its TransformerLens short name: "resid_pre", "attn_out", "mlp_out", "z", ….
        layer: Its layer.
        head: Only this head (of "z", "q", "k", "v" and "result").
        where: Only this position, or the positions of this name in the ``where`` given to `intervene`; all if None.
    """

    name: str
    layer: int
    head: int | None = None
    where: int | str | None = None


Cell = Sequence[Site]
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
        wanted = sorted({"resid_pre", *names, *remembered(model)})
        layers = model.cfg.n_layers
        hooks = [hook_name(name, layer) for name in wanted for layer in range(layers)]
        tokens = torch.as_tensor(tokens, device=model.device)
        final, cache = model.run_with_cache(tokens, stop_at_layer=layers, names_filter=hooks)
        stacked = {name: torch.stack([cache[hook_name(name, layer)] for layer in range(layers)]) for name in wanted}
        return cls(stacked, final)

    @property
    def memory(self) -> Memory | None:
        """Keys and values, if they were kept."""
        return (self.values["k"], self.values["v"]) if {"k", "v"} <= self.values.keys() else None


@torch.no_grad()
def intervene(
    model: HookedModel,
    base: Activations,
    donor: Mapping[str, Tensor],
    cells: Sequence[Cell],
    read: Callable[..., Tensor],
    *,
    where: Mapping[str, Tensor] | None = None,
    until: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Replace activations of a run by a donor's, cell by cell.

    Args:
        model: The model.
        base: Its run without intervention, with every activation the cells name.
        donor: What to put there, by short name, shaped (or broadcasting) like ``base.values``.
        cells: What to replace together.
        read: Given final residuals [row, pos, d_model] and the batch index of each row, what to measure [row, ...].
        where: Positions by name, [batch, pos] bool, for sites that name them.
        until: Last position of each row that ``read`` looks at, [batch]; what is behind it stays as in ``base``. The
            last there is if None.

    Returns:
        What ``read`` gives: without intervention [batch, ...], and with each [cell, batch, ...].
    """
    batch, length = base.final.shape[:2]
    layers, device = model.cfg.n_layers, base.final.device
    everyone = torch.arange(batch, device=device)
    untouched = read(base.final, everyone)
    result = untouched.expand(len(cells), *untouched.shape).clone()
    sites = {site for cell in cells for site in cell}
    if not sites:
        return untouched, result
    # In the precision of the run they go into: a mean is taken in a higher one than a model may compute in.
    donor = {name: donor[name].to(base.values[name]).expand_as(base.values[name]) for name in {s.name for s in sites}}
    put = {site: _where(site, where or {}, (batch, length), device) for site in sites}
    differs = {site: _differs(site, base, donor) & put[site] for site in sites}  # [batch, pos]
    if until is not None:
        read_at_all = torch.arange(length, device=device) <= until.to(device)[:, None]
        differs = {site: places & read_at_all for site, places in differs.items()}
    rest = Rest.of(model, base.memory, torch.stack(list(differs.values())).any(0), until)
    stream = rest.of_layers(base.values["resid_pre"])
    donor = {name: rest.of_layers(values) for name, values in donor.items()}
    put = {site: rest.of_rows(places) for site, places in put.items()}
    real = torch.zeros(len(cells), batch, dtype=torch.bool, device=device)
    for i, cell in enumerate(cells):
        for site in cell:
            real[i] |= differs[site].any(-1)
    rows = max(_TOKENS // rest.length, 1)
    for layer in range(layers):
        starting = [i for i, cell in enumerate(cells) if cell and min(site.layer for site in cell) == layer]
        if not starting:
            continue
        index = torch.tensor(starting, device=device)
        which, row = (part.flatten() for part in torch.meshgrid(index, everyone, indexing="ij"))
        which, row = which[real[which, row]], row[real[which, row]]
        for some, at in zip(which.split(rows), row.split(rows), strict=True):
            if not len(at):
                continue
            hooks = _hooks([cells[i] for i in some.tolist()], at, donor, put)
            final = rest.run(model, stream[layer, at], at, hooks, start_at_layer=layer, stop_at_layer=layers)
            result[some, at] = read(rest.put_back(final, base.final, at), at)
    return untouched, result


def _where(site: Site, where: Mapping[str, Tensor], shape: tuple[int, int], device: torch.device) -> Tensor:
    """Return the positions a site replaces, [batch, pos]."""
    mask = torch.ones(shape, dtype=torch.bool, device=device)
    if isinstance(site.where, int):
        mask[:] = False
        mask[:, site.where] = True
    elif site.where is not None:
        mask = where[site.where].to(device)
    return mask


def _differs(site: Site, base: Activations, donor: Mapping[str, Tensor]) -> Tensor:
    """Return at which positions the donor's value is another, [batch, pos]."""
    differs = base.values[site.name][site.layer] != donor[site.name][site.layer]  # [batch, pos, ...]
    if site.head is not None:
        differs = differs[:, :, site.head]
    return differs.flatten(2).any(-1)


def _hooks(
    cells: Sequence[Cell], at: Tensor, donor: Mapping[str, Tensor], put: Mapping[Site, Tensor]
) -> list[tuple[str, Callable[..., Tensor]]]:
    """Return the hooks that put the donor's values into rows [row] of which each has its own cell."""
    points: dict[tuple[str, int], dict[Site, list[int]]] = {}
    for row, cell in enumerate(cells):
        for site in cell:
            points.setdefault((site.name, site.layer), {}).setdefault(site, []).append(row)
    hooks = []
    for (name, layer), sites in sorted(points.items(), key=lambda point: point[0]):
        shape = donor[name][layer].shape  # [batch, pos, (head,) width]
        mask = torch.zeros(len(cells), *shape[1:-1], 1, dtype=torch.bool, device=at.device)
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
    """Return a ``read`` for `intervene`: the logits at the position ``answer`` [batch] of each row, [row, d_vocab]."""
    position = torch.as_tensor(answer, device=model.device)

    def read(final: Tensor, at: Tensor | None = None) -> Tensor:
        places = position if at is None else position[at]
        last = final[torch.arange(len(final), device=final.device), places]
        logits: Tensor = model.unembed(model.ln_final(last))
        return logits

    return read


def logit_difference(logits: Tensor, batch: ContrastBatch) -> Floats:
    """Return Δ = logit[target] − logit[foil] of logits [..., pair, d_vocab], as [..., pair]."""
    rows = torch.arange(len(batch))
    values = logits.cpu().double()
    return np.asarray((values[..., rows, batch.target] - values[..., rows, batch.foil]).numpy())


@dataclass(frozen=True)
class Patched:
    """Logit differences of pairs, as they are and with each cell patched.

    Attributes:
        clean: Δ of the clean run, [pair].
        corrupted: Δ of the corrupted run, [pair].
        denoised: Δ of the corrupted run with a cell's clean activations, [cell, pair].
        noised: Δ of the clean run with a cell's corrupted activations, [cell, pair].
        batch: The pairs.
    """

    clean: Floats
    corrupted: Floats
    denoised: Floats
    noised: Floats
    batch: ContrastBatch

    def pairs(self, chosen: Any) -> Patched:
        """Return the same for some of the pairs."""
        return Patched(
            self.clean[chosen],
            self.corrupted[chosen],
            self.denoised[:, chosen],
            self.noised[:, chosen],
            self.batch.rows(chosen),
        )

    def pooled(self, *, noising: bool = False, seed: int = 0) -> Estimate:
        """Return the recovery of each cell over all pairs, or the damage by noising, with its interval, [cell]."""
        base, donor = (self.clean, self.corrupted) if noising else (self.corrupted, self.clean)
        return recovery(self.noised if noising else self.denoised, base, donor, self.batch, seed=seed)

    def per_pair(self, *, noising: bool = False) -> Floats:
        """Return the recovery of each cell on each pair, [cell, pair]."""
        base, donor = (self.clean, self.corrupted) if noising else (self.corrupted, self.clean)
        patched = self.noised if noising else self.denoised
        return np.asarray((patched - base) / (donor - base))


def recovery(patched: Floats, base: Floats, donor: Floats, batch: ContrastBatch, *, seed: int = 0) -> Estimate:
    """Return Σ (patched − base) / Σ (donor − base) over pairs, with an interval over their clusters.

    Args:
        patched: Metric of the base run with something of the donor's put in, [cell, pair].
        base: Metric of the base run, [pair].
        donor: Metric of the donor's run, [pair].
        batch: The pairs, for their clusters.
        seed: Seed of the bootstrap.

    Returns:
        Estimate [cell]: 0 if nothing changed, 1 if the base run gives the donor's answer. Without pairs all NaN.
    """
    if not len(batch):
        nothing = np.full(len(patched), np.nan)
        return Estimate(nothing, nothing, nothing, n=0, unit="recovery", chance=0.0, resampled_over="pairs")
    change = np.moveaxis(patched - base, -1, 0)  # [pair, cell]
    found = cluster_bootstrap(change, donor - base, batch.cluster, unit="recovery", chance=0.0, seed=seed)
    return Estimate(
        found.value, found.low, found.high, n=found.n, unit=found.unit, chance=0.0, resampled_over=batch.units
    )


def patch(
    model: HookedModel,
    batch: ContrastBatch,
    cells: Sequence[Cell],
    *,
    where: Mapping[str, np.ndarray] | None = None,
    ways: Sequence[str] = ("denoising", "noising"),
    pairs_at_once: int = 16,
) -> Patched:
    """Patch every cell in every pair: clean into corrupted (denoising) and corrupted into clean (noising).

    Args:
        model: The model.
        batch: The pairs.
        cells: What to patch together.
        where: Positions by name, [pair, pos] bool, for sites that name them.
        ways: Which of the two to do; NaN stands for what was not.
        pairs_at_once: Pairs whose activations are held at a time.
    """
    names = sorted({site.name for cell in cells for site in cell})
    clean, corrupted = np.zeros(len(batch)), np.zeros(len(batch))
    denoised, noised = (np.full((len(cells), len(batch)), np.nan) for _ in range(2))
    for chosen, some in batch.parts(pairs_at_once):
        masks = {name: torch.from_numpy(mask[chosen, : some.clean.shape[1]]) for name, mask in (where or {}).items()}
        read = answer_logits(model, some.answer)
        runs = [Activations.of(model, tokens, names) for tokens in (some.clean, some.corrupted)]
        for way, base, donor, single, grid in (
            ("denoising", runs[1], runs[0], corrupted, denoised),
            ("noising", runs[0], runs[1], clean, noised),
        ):
            wanted = cells if way in ways else []
            until = torch.from_numpy(some.answer)
            untouched, patched = intervene(model, base, donor.values, wanted, read, where=masks, until=until)
            single[chosen] = logit_difference(untouched, some)
            if way in ways:
                grid[:, chosen] = logit_difference(patched, some)
    return Patched(clean, corrupted, denoised, noised, batch)
