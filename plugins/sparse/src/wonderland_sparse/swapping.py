"""Swapping a few units of the stream between the two runs of a contrast, after one layer.

Everything that can be swapped here is a set of directions with an amount each: latents of a dictionary, neurons of the
layer, principal components, the difference of means. With Δa the difference of the amounts between the clean and the
corrupted run, swapping some units adds Σ Δa_j·w_j to the stream of the run they are put into; the rest of the model
then runs as it is. So all kinds of units are compared by the same means: with all units, and what they leave, a run
becomes the other run.

*Attribution* is the same to first order, Σ Δa_j·(w_j·∇), the gradient taken at five points on the way from one run to
the other. It orders the units; what is claimed is swapped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.contrast import ContrastBatch
from wonderland.lab.names import hook_name
from wonderland.tokenizer import THEM
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.onward import Onward
from wonderland_sparse.streams import logits_after, logits_of

__all__ = [
    "Pairs",
    "Units",
    "answered",
    "attribution",
    "difference_of_means",
    "of_directions",
    "of_latents",
    "pairs_of",
    "swap",
]

_POINTS = 5


@dataclass(frozen=True)
class Pairs:
    """Contrasts with the stream of both runs after a layer.

    Attributes:
        batch: The contrasts.
        clean: [pair, pos, d_model].
        corrupted: [pair, pos, d_model].
        post: Neurons of both runs, [2, pair, pos, neuron]; none of a layer without MLP.
    """

    batch: ContrastBatch
    clean: Tensor
    corrupted: Tensor
    post: Tensor | None


@dataclass(frozen=True)
class Units:
    """Directions, and the difference of their amounts between the runs.

    Attributes:
        change: Δa, [pair, pos, unit].
        directions: [unit, d_model].
    """

    change: Tensor
    directions: Tensor

    def step(self, chosen: Sequence[int] | np.ndarray) -> Tensor:
        """Return Σ Δa_j·w_j over some units, [pair, pos, d_model]."""
        some = torch.as_tensor(np.asarray(chosen, dtype=np.int64))
        return self.change[:, :, some] @ self.directions[some]


@torch.no_grad()
def pairs_of(specimen: wl.Specimen, contrasts: Sequence[wl.Contrast], layer: int) -> Pairs:
    """Run both sides of contrasts up to a layer."""
    batch = ContrastBatch.of(contrasts, specimen.tokenizer)
    stream, post = hook_name("resid_post", layer), hook_name("post", layer)
    names = [stream] if specimen.cfg.attn_only else [stream, post]
    sides = []
    for tokens in (batch.clean, batch.corrupted):
        rows = torch.from_numpy(tokens).to(specimen.model.device)
        _, cache = specimen.model.run_with_cache(rows, names_filter=names, stop_at_layer=layer + 1)
        sides.append({name: cache[name].float().cpu() for name in names})
    clean, corrupted = sides
    both = None if specimen.cfg.attn_only else torch.stack([clean[post], corrupted[post]])
    return Pairs(batch, clean[stream], corrupted[stream], both)


def of_latents(pairs: Pairs, dictionary: Dictionary, table: np.ndarray | None) -> Units:
    """Return the latents of a dictionary as units."""
    sides = []
    for x, tokens in ((pairs.clean, pairs.batch.clean), (pairs.corrupted, pairs.batch.corrupted)):
        taken_off = 0 if table is None else torch.from_numpy(table)[torch.from_numpy(tokens)]
        sides.append(dictionary.encode(x - taken_off))
    return Units(sides[0] - sides[1], dictionary.W_dec)


def of_directions(pairs: Pairs, directions: Tensor) -> Units:
    """Return orthonormal directions [unit, d_model] as units."""
    return Units((pairs.clean - pairs.corrupted) @ directions.T, directions)


def difference_of_means(pairs: Pairs) -> Tensor:
    """Return the direction of length 1 between the mean streams of both sides at the answers, [d_model].

    Who speaks is changed either way, from me to them and back: what counts is which token it was, not which side.
    """
    rows = np.arange(len(pairs.batch))
    first = pairs.batch.differs.argmax(1)
    back = pairs.batch.clean[rows, first] == THEM
    change = (pairs.clean - pairs.corrupted)[rows, pairs.batch.answer]
    mean: Tensor = torch.where(torch.from_numpy(back)[:, None], -change, change).mean(0)
    return mean.div(mean.norm().clamp(min=1e-9))


def answered(specimen: wl.Specimen, layer: int, stream: Tensor, batch: ContrastBatch) -> Tensor:
    """Return logit[target] − logit[foil] of each row, computed from the stream after a layer on."""
    rows = torch.arange(len(batch))
    logits = logits_after(specimen, layer, stream, batch.answer)
    differences: Tensor = (logits[rows, batch.target] - logits[rows, batch.foil]).cpu()
    return differences


@torch.no_grad()
def swap(
    specimen: wl.Specimen,
    layer: int,
    pairs: Pairs,
    steps: Callable[[int], Tensor],
    count: int,
    *,
    noising: bool = False,
) -> np.ndarray:
    """Return the logit differences of pairs with a step added to the stream, [step, pair].

    Both runs are one up to the token that differs, so a step is taken from there to the answer, and no more of the
    model is run again than it reaches (`onward`).

    Args:
        specimen: The model.
        layer: After which layer.
        pairs: The contrasts.
        steps: Gives each step [pair, pos, d_model] by its number, in the direction of the clean run; 0 where the runs
            do not differ.
        count: How many there are.
        noising: Put what is of the corrupted run into the clean one, in place of the other way round.
    """
    base, sign = (pairs.clean, -1) if noising else (pairs.corrupted, 1)
    batch, every = pairs.batch, torch.arange(len(pairs.batch))
    answer = torch.from_numpy(np.asarray(batch.answer)).long()
    reached = (pairs.clean != pairs.corrupted).any(-1) & (torch.arange(base.shape[1]) <= answer[:, None])
    reached[every, answer] = True
    rows, columns = reached.nonzero(as_tuple=True)
    onward = Onward(specimen, layer, base, rows, columns, columns == answer[rows])
    found = []
    for number in range(count):
        logits = logits_of(specimen, onward.stepped(sign * steps(number)[rows, columns]))
        found.append((logits[every, batch.target] - logits[every, batch.foil]).cpu().numpy())
    return np.asarray(found, dtype=np.float64).reshape(count, len(batch))


def attribution(specimen: wl.Specimen, layer: int, pairs: Pairs, kinds: Mapping[str, Units]) -> dict[str, np.ndarray]:
    """Return what swapping each unit alone would do to first order, summed over pairs, [unit] of each kind."""
    slope = torch.zeros_like(pairs.clean)
    for point in range(_POINTS):
        share = (point + 0.5) / _POINTS
        with torch.enable_grad():
            stream = (share * pairs.clean + (1 - share) * pairs.corrupted).requires_grad_()
            (of,) = torch.autograd.grad(answered(specimen, layer, stream, pairs.batch).sum(), stream)
        slope += of / _POINTS
    return {
        name: np.asarray(((slope @ units.directions.T) * units.change).sum((0, 1)).double().numpy())
        for name, units in kinds.items()
    }
