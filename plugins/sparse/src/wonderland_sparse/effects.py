"""Effects of a latent: its part is taken out where it fires, and the next token is asked for.

At some places where a latent fires, f·w is taken from the stream (what the dictionary leaves stays), and the summed
probability of the tokens it promotes is compared with what it was: a ratio of 1 is no effect, 0.6 means that four
tenths of it went. The promoted tokens are read off the weights, w·W_U with the final norm folded in, so no text chose
them.

A latent is also *held high*: at places where it does not fire, the 90% quantile of its activation times w is added, and
the same ratio is taken. What a latent can make the model say is not what it does by itself, so this counts for nothing
but is shown.

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
from wonderland_sparse.streams import logits_after

__all__ = ["Effects", "promoted", "taken_out"]

NULLS = 20
_PLACES = 24
_HELD = 12  # places where it does not fire, to hold it high at
_HIGH = 0.9  # quantile of its activation that it is held at
_LEAST = 6  # places that a latent must fire at


@dataclass(frozen=True)
class Effects:
    """Ratios of the probability of promoted tokens, without a latent over with it.

    Attributes:
        ratio: [latent asked for]; n is the conversations of the smallest.
        null: The same for steps along other latents, [latent asked for, null].
        held: The ratio with the latent held high over without, at places where it does not fire, [latent asked for].
        held_null: The same for other latents held as high, [latent asked for, null].
    """

    ratio: wl.Estimate
    null: np.ndarray
    held: wl.Estimate
    held_null: np.ndarray

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
    found: list[list[tuple[wl.Estimate, np.ndarray]]] = [[], []]
    for number in asked.tolist():
        mine = fired.units == number
        rows, strength = fired.rows[mine], fired.values[mine]
        random = np.random.default_rng([seed, number])
        order = random.permutation(len(rows))[:_PLACES]
        others = alive[np.argsort(np.abs(np.log(density[alive] / max(density[number], 1e-9))), kind="stable")]
        others = others[others != number][:NULLS]
        steps = torch.cat([torch.zeros(1, stream.shape[2]), dictionary.W_dec[[number, *others.tolist()]]])
        anywhere = random.permutation(len(window))
        silent = anywhere[~np.isin(anywhere, rows)][:_HELD]
        high = np.full(len(silent), np.quantile(strength, _HIGH) if len(strength) else 0.0)
        for places, amount, into in ((rows[order], -strength[order], found[0]), (silent, high, found[1])):
            if len(order) < _LEAST or len(places) < _LEAST or not len(others):
                into.append((wl.Estimate.missing(unit="ratio", chance=1.0), np.full(NULLS, np.nan)))
                continue
            asked_for = np.stack(
                [
                    _asked(specimen, layer, stream[window[row], : position[row] + 1], float(f) * steps, raised[number])
                    for row, f in zip(places, amount, strict=True)
                ]
            )  # [place, step]
            conversation = evidence.conversation[window[places]]
            ratio = cluster_bootstrap(
                asked_for[:, 1], asked_for[:, 0], conversation, unit="ratio", chance=1.0, seed=seed
            )
            null = np.ones(NULLS)
            null[: len(others)] = asked_for[:, 2:].sum(0) / asked_for[:, 0].sum()
            into.append((ratio, null))
    if not len(asked):
        nothing = wl.Estimate.missing((0,), unit="ratio", chance=1.0, dims=("latent",))
        return Effects(nothing, np.zeros((0, NULLS)), nothing, np.zeros((0, NULLS)))
    (ratio, null), (held, held_null) = (
        (wl.Estimate.stacked([one for one, _ in of], dims=("latent",)), np.stack([one for _, one in of]))
        for of in found
    )
    return Effects(ratio, null, held, held_null)


def _padded(values: Tensor, evidence: wl.Evidence) -> Tensor:
    made = torch.zeros(len(values), evidence.tokens.shape[1], values.shape[2])
    made[:, : values.shape[1]] = values
    return made


def _asked(specimen: wl.Specimen, layer: int, stream: Tensor, steps: Tensor, tokens: np.ndarray) -> np.ndarray:
    """Return the summed probability of tokens after the last place, with each step added there, [step]."""
    rows = stream.expand(len(steps), *stream.shape).clone()
    rows[:, -1] += steps
    logits = logits_after(specimen, layer, rows, -1).cpu()
    return np.asarray(torch.softmax(logits, 1)[:, torch.from_numpy(tokens)].sum(1).numpy())
