"""Effects of a latent: its part is taken out where it fires, and the next token is asked for.

At some places where a latent fires, f·w is taken from the stream (what the dictionary leaves stays), and the summed
probability of the tokens it promotes is compared with what it was: a ratio of 1 is no effect, 0.6 means that four
tenths of it went. The promoted tokens are read off the weights, w·W_U with the final norm folded in, so no text chose
them.

The null is a step of the same length in the direction of other latents that fire about as often. An effect counts if
it is larger than all of theirs and its interval does not reach 1.

What would fool it: a latent may do its work without promoting what its direction alone points to; then nothing is seen
here. And where others say the same, taking one out changes little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland.lab.weights import fold
from wonderland_sparse.activations import Fires
from wonderland_sparse.dictionary import Dictionary

__all__ = ["Effects", "promoted", "taken_out"]

NULLS = 20
_PLACES = 24
_LEAST = 6  # places that a latent must fire at


@dataclass(frozen=True)
class Effects:
    """Ratios of the probability of promoted tokens, without a latent over with it.

    Attributes:
        ratio: [latent asked for]; n is the conversations of the smallest.
        null: The same for steps along other latents, [latent asked for, null].
    """

    ratio: wl.Estimate
    null: np.ndarray

    @property
    def causal(self) -> np.ndarray:
        """Whether each lies beyond all of its nulls and its interval does not reach 1, [latent asked for]."""
        distance = np.abs(np.log(np.maximum(self.ratio.value, 1e-9)))
        beyond = distance > np.abs(np.log(np.maximum(self.null, 1e-9))).max(1)
        return np.asarray(beyond & ((np.asarray(self.ratio.high) < 1) | (np.asarray(self.ratio.low) > 1)))


def promoted(specimen: wl.Specimen, directions: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens each direction raises and lowers most, with the change of their logits for a step of 1.

    Args:
        specimen: The model.
        directions: [latent, d_model].
        count: How many of each.

    Returns:
        Numbers of tokens and changes, [2 (raised, lowered), latent, count] each.
    """
    changes = directions @ torch.from_numpy(np.asarray(fold(specimen.model).W_U, np.float32))
    changes -= changes.mean(1, keepdim=True)
    tops = [changes.topk(count, dim=1), changes.topk(count, dim=1, largest=False)]
    return np.stack([top.indices.numpy() for top in tops]), np.stack([top.values.numpy() for top in tops])


@torch.no_grad()
def taken_out(
    specimen: wl.Specimen,
    layer: int,
    dictionary: Dictionary,
    fired: Fires,
    asked: np.ndarray,
    raised: np.ndarray,
    density: np.ndarray,
    seed: int = 0,
) -> Effects:
    """Return what taking out each of some latents does to the probability of the tokens it promotes.

    Args:
        specimen: The model and its evidence.
        layer: After which layer.
        dictionary: Its dictionary.
        fired: Where latents fire on the evidence.
        asked: The latents, [latent asked for].
        raised: Tokens that each of all latents promotes, [latent, count].
        density: Of all latents.
        seed: Seed of places and of the interval.
    """
    evidence = specimen.evidence
    stream = torch.cat([_padded(batch["resid_post"][layer], evidence) for batch in specimen.batches("resid_post")])
    window, position = np.nonzero(evidence.mask)
    alive = np.flatnonzero(density > 0)
    values, nulls = [], []
    for number in asked.tolist():
        mine = fired.units == number
        rows, strength = fired.rows[mine], fired.values[mine]
        order = np.random.default_rng([seed, number]).permutation(len(rows))[:_PLACES]
        others = alive[np.argsort(np.abs(np.log(density[alive] / max(density[number], 1e-9))), kind="stable")]
        others = others[others != number][:NULLS]
        if len(order) < _LEAST or not len(others):
            values.append(wl.Estimate.missing(unit="ratio", chance=1.0))
            nulls.append(np.full(NULLS, np.nan))
            continue
        steps = torch.cat([torch.zeros(1, stream.shape[2]), dictionary.W_dec[[number, *others.tolist()]]])
        found = np.stack(
            [
                _asked(specimen, layer, stream[window[row], : position[row] + 1], -float(f) * steps, raised[number])
                for row, f in zip(rows[order], strength[order], strict=True)
            ]
        )  # [place, step]
        conversation = evidence.conversation[window[rows[order]]]
        values.append(cluster_bootstrap(found[:, 1], found[:, 0], conversation, unit="ratio", chance=1.0, seed=seed))
        null = np.full(NULLS, np.nan)
        null[: len(others)] = found[:, 2:].sum(0) / found[:, 0].sum()
        nulls.append(np.where(np.isnan(null), 1.0, null))
    if not values:
        return Effects(wl.Estimate.missing((0,), unit="ratio", chance=1.0), np.zeros((0, NULLS)))
    ratio = wl.Estimate.stacked(values, dims=("latent",))
    return Effects(ratio, np.stack(nulls))


def _padded(values: Tensor, evidence: wl.Evidence) -> Tensor:
    made = torch.zeros(len(values), evidence.tokens.shape[1], values.shape[2])
    made[:, : values.shape[1]] = values
    return made


def _asked(specimen: wl.Specimen, layer: int, stream: Tensor, steps: Tensor, tokens: np.ndarray) -> np.ndarray:
    """Return the summed probability of tokens after the last place, with each step added there, [step]."""
    model, last = specimen.model, layer + 1 == specimen.cfg.n_layers
    rows = stream.expand(len(steps), *stream.shape).clone()
    rows[:, -1] += steps
    rows = rows.to(model.device)
    final = rows if last else model(rows, start_at_layer=layer + 1, stop_at_layer=specimen.cfg.n_layers)
    logits = model.unembed(model.ln_final(final[:, -1:]))[:, 0]
    return np.asarray(torch.softmax(logits.float().cpu(), 1)[:, torch.from_numpy(tokens)].sum(1).numpy())
