"""Ablation: what heads or sites save, measured by the loss without them.

What stands in for their output: its mean over the evidence, zeros, or what they computed at the same position in a
window of another conversation. The loss of a window is summed over its tokens and conversations are resampled.
Replacing itself is `wonderland.lab.interventions`'; the pieces here are shared with analyses that ablate.

What would fool it: zeros, which no text produces, make needed what says the same everywhere; and heads that back each
other up each look dispensable alone, so ablate them together too.

References: Chan et al. 2022 (causal scrubbing) on resampling; Li and Janson 2024 (2409.09951) on kinds of ablation.
Cost: a forward pass an intervention and window, from its first layer on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from wonderland.components import Head
from wonderland.errors import NotEnoughData, UsageError, must_be_whole
from wonderland.estimate import Estimate
from wonderland.lab.batch import Batch
from wonderland.lab.evidence import Evidence
from wonderland.lab.interventions import Activations, Intervention, intervene
from wonderland.lab.named_sites import Named, What
from wonderland.lab.names import hook_name
from wonderland.lab.protocols import HookedModel
from wonderland.lab.stats import cluster_bootstrap

__all__ = ["METHODS", "ablate", "collect", "donors", "estimated_rises", "spread", "summed_losses", "writing"]

METHODS = ("mean", "zero", "resample")
_CHUNK = 1024  # tokens whose logits are held at a time
_BATCH = 16


class _Subject(Protocol):
    """What is ablated in: a model with its evidence."""

    @property
    def model(self) -> HookedModel: ...

    @property
    def evidence(self) -> Evidence: ...

    def batches(self, *names: str) -> Iterator[Batch]: ...


def ablate(specimen: _Subject, what: What, *, method: str, windows: int, seed: int) -> Estimate:
    """Return the rise of the loss without each intervention, in nats a token; see `Specimen.ablate`."""
    if method not in METHODS:
        raise UsageError(f"There is no method of ablation {method!r}.", hint=f"Choose from: {', '.join(METHODS)}.")
    must_be_whole(windows, "windows", 1)
    must_be_whole(seed, "seed")
    model, evidence = specimen.model, specimen.evidence
    named = Named.of(what, model.cfg)
    if named.places:
        raise UsageError(f"Windows have no place {named.places[0]!r}.", hint="Only prompts of contrasts have.")
    random = np.random.default_rng(seed)
    chosen = spread(evidence.conversation, random)[:windows]
    chosen = chosen[np.argsort(evidence.lengths[chosen], kind="stable")]  # like lengths together: little padding
    donor = np.full(len(chosen), -1)
    if method == "resample":
        donor = donors(evidence.lengths, evidence.conversation, chosen, random)
        chosen, donor = chosen[donor >= 0], donor[donor >= 0]
        if not len(chosen):
            raise NotEnoughData(
                "There is no window of another conversation, as long, to take from.", hint='Try method="mean".'
            )
    named.check_positions(int(evidence.lengths[chosen].min()), "window")
    names = sorted({site.name for one in named.interventions for site in one})
    means, stored = dict[str, Tensor](), dict[str, dict[int, Tensor]]()
    for name in names if method != "zero" else ():
        means[name], stored[name] = collect(specimen, set(donor[donor >= 0].tolist()), name)
    rises, words = [], (evidence.lengths[chosen] - 1).astype(float)
    for start in range(0, len(chosen), _BATCH):
        some = slice(start, start + _BATCH)
        rises.append(_rise(specimen, named.interventions, chosen[some], donor[some], method, means, stored))
    found = cluster_bootstrap(
        np.concatenate(rises),
        words,
        evidence.conversation[chosen],
        unit="nats a token",
        chance=0.0,
        dims=("intervention",),
        seed=seed,
    )
    return named.shaped(found)


@torch.no_grad()
def _rise(
    specimen: _Subject,
    interventions: Sequence[Intervention],
    windows: np.ndarray,
    donor: np.ndarray,
    method: str,
    means: Mapping[str, Tensor],
    stored: Mapping[str, Mapping[int, Tensor]],
) -> np.ndarray:
    """Return how much the summed loss of each window rises without each intervention, [window, intervention]."""
    model, evidence = specimen.model, specimen.evidence
    longest = int(evidence.lengths[windows].max())
    tokens = torch.from_numpy(evidence.tokens[windows, :longest]).to(model.device)
    mask = torch.from_numpy(evidence.mask[windows, :longest]).to(model.device)
    names = sorted({site.name for one in interventions for site in one})
    base = Activations.of(model, tokens, names)
    values: dict[str, Tensor] = {}
    for name in names:
        here = base.values[name]
        values[name] = torch.zeros((), device=here.device) if method == "zero" else means.get(name, here).to(here)
        if method == "resample":
            values[name] = here.clone()
            for row, window in enumerate(donor.tolist()):
                length = min(longest, stored[name][window].shape[1])
                values[name][:, row, :length] = stored[name][window][:, :length].to(here)
    acts = set(writing(model))
    # What only heads write that write nothing changes nothing, exactly.
    silent = [
        all(site.name == "z" and site.head is not None and (site.layer, site.head) not in acts for site in one)
        for one in interventions
    ]
    loud = [one for one, quiet in zip(interventions, silent, strict=True) if not quiet]
    rise = np.zeros((len(windows), len(interventions)))
    if loud:
        plain, without = intervene(model, base, values, loud, summed_losses(model, tokens, mask))
        rise[:, ~np.array(silent)] = (without - plain).T.cpu().numpy()
    return rise


def estimated_rises(model: HookedModel, tokens: Tensor, mask: Tensor, mean: Tensor, *, rows: int = 4) -> np.ndarray:
    """Estimate the rise of the summed loss with each head's z replaced by its mean, to first order, [layer, head].

    The gradient of the loss by z, times the change of z: one pass forward and back for all heads together. It cannot
    see what a softmax that is saturated hides, so it is for ranking heads, not for numbers.

    Args:
        model: The model.
        tokens: Windows [window, pos].
        mask: Where there is a token, [window, pos].
        mean: What would stand in place of z, [layer, 1, 1, head, d_head].
        rows: Windows at a time.
    """
    layers = model.cfg.n_layers
    names = [hook_name("z", layer) for layer in range(layers)]
    found = np.zeros((layers, model.cfg.n_heads))
    for some, there in zip(tokens.split(rows), mask.split(rows), strict=True):
        leaves: list[Tensor] = []

        def adding(value: Tensor, hook: Any = None, leaves: list[Tensor] = leaves) -> Tensor:
            leaves.append(torch.zeros_like(value).requires_grad_())
            leaves.append(value.detach())
            return value + leaves[-2]

        with torch.enable_grad():
            final = model.run_with_hooks(some, fwd_hooks=[(name, adding) for name in names], stop_at_layer=layers)
            loss = summed_losses(model, some, there)(final).sum()
            gradients = torch.autograd.grad(loss, leaves[0::2])
        for layer, (gradient, z) in enumerate(zip(gradients, leaves[1::2], strict=True)):
            change = mean[layer].to(z) - z
            found[layer] += (gradient * change * there[..., None, None]).sum((0, 1, 3)).double().cpu().numpy()
    return found


def spread(conversation: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return all windows in random order, the first of every conversation before the second of any."""
    order = random.permutation(len(conversation))
    seen: dict[int, int] = {}
    turn = []
    for window in order:
        turn.append(seen.get(int(conversation[window]), 0))
        seen[int(conversation[window])] = turn[-1] + 1
    return np.asarray(order[np.argsort(turn, kind="stable")])


def donors(
    lengths: np.ndarray, conversation: np.ndarray, chosen: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Return for each window one at least as long of another conversation, or -1 if there is none."""
    found = []
    for window in chosen:
        others = np.flatnonzero((conversation != conversation[window]) & (lengths >= lengths[window]))
        found.append(int(random.choice(others)) if len(others) else -1)
    return np.array(found)


def collect(specimen: _Subject, wanted: set[int], name: str = "z") -> tuple[Tensor, dict[int, Tensor]]:
    """Return the mean of an activation over the evidence [layer, 1, 1, …] and its values in some windows.

    Args:
        specimen: The model with its evidence.
        wanted: Numbers of the windows to keep, each as [layer, pos, …].
        name: The activation.
    """
    total, count = torch.zeros(()), 0
    stored: dict[int, Tensor] = {}
    for batch in specimen.batches(name):
        values = batch[name]  # [layer, batch, pos, …]
        total = total + values[:, batch.mask].double().sum(1)
        count += int(batch.mask.sum())
        for index in wanted & set(range(batch.windows.start, batch.windows.stop)):
            stored[index] = values[:, index - batch.windows.start]
    mean = (total / count).to(torch.get_default_dtype())
    return mean[:, None, None], stored


def writing(model: Any) -> list[Head]:
    """List the heads that write anything: before training that is none."""
    writes = model.W_O.flatten(2).abs().sum(-1) > 0
    return [head for head in Head.all(*writes.shape) if writes[head]]


def summed_losses(model: Any, tokens: Tensor, mask: Tensor) -> Callable[..., Tensor]:
    """Return a metric of final residuals: the loss of each row, summed over its tokens, [row] float64."""
    predicts = mask[:, 1:]  # position p predicts token p + 1

    def metric(final: Tensor, at: Tensor | None = None) -> Tensor:
        at = torch.arange(len(final), device=final.device) if at is None else at
        rows, positions = predicts[at].nonzero(as_tuple=True)
        goal = tokens[at][rows, positions + 1]
        kept = model.ln_final(final[rows, positions])
        losses = [
            torch.nn.functional.cross_entropy(model.unembed(part).float(), target, reduction="none").double()
            for part, target in zip(kept.split(_CHUNK), goal.split(_CHUNK), strict=True)
        ]
        total = torch.zeros(len(final), dtype=torch.float64, device=final.device)
        return total.index_add_(0, rows, torch.cat(losses))

    return metric
