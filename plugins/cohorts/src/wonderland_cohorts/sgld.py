"""Chains of stochastic gradient Langevin dynamics around a point of the weights, and whether they can be believed.

A chain samples weights w near w₀ by Δw = −(ε/2)(nβ ∇L(w) + γ(w − w₀)) + N(0, ε) (Welling and Teh, ICML 2011; with the
pull γ back to w₀: Lau et al. 2023, 2308.12108). In the limit of small steps ε it visits w with a density of
exp(−nβ L(w) − γ/2 |w − w₀|²), and nβ (E[L(w)] − L(w₀)) is the local learning coefficient λ.

Excess loss is the loss at w less that at w₀ on the very same batch, so that how hard a batch is cancels.

What would fool it: a chain that has not arrived yet. Its excess loss still rises, and a shorter chain would have given
less. So a number is told only if the second half of the chains is level and if a quarter of the step, with as many
draws, gives the same: of chains on their way it gives about a quarter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wonderland.views import formatted

__all__ = ["TOLERANCE", "chain", "coefficient", "why_not"]

Floats = NDArray[np.float64]
TOLERANCE = 0.2
"""How far apart two numbers may be, as a share of them, to be taken for the same."""
_NOTHING = 0.05  # of chains that came to rest, a coefficient under this is none: shares of it mean nothing
_REST = 3.0  # times that the pull alone must have had to bring a weight to rest, 2/(εγ) draws


def chain(
    loss: Callable[[int], Tensor],
    weights: Sequence[Tensor],
    *,
    temperature: float,
    step: float,
    pull: float,
    draws: int,
    seed: int = 0,
) -> Floats:
    """Return the loss at every draw, [draw]; NaN from where it was no number any more. The weights end as they began.

    Args:
        loss: Returns the loss of a draw, given its number, as a function of the weights.
        weights: What is sampled; tensors with gradients, which are moved in place.
        temperature: nβ, by which the loss is multiplied.
        step: ε.
        pull: γ.
        draws: Steps of the chain.
        seed: Seed of its noise.
    """
    random = torch.Generator().manual_seed(seed)
    centre = [weight.detach().clone() for weight in weights]
    found = np.full(draws, np.nan)
    for draw in range(draws):
        value = loss(draw)
        if not math.isfinite(float(value.detach())):
            break
        found[draw] = float(value.detach())
        slopes = torch.autograd.grad(value, list(weights), allow_unused=True)
        with torch.no_grad():
            for weight, slope, middle in zip(weights, slopes, centre, strict=True):
                drift = pull * (weight - middle)
                if slope is not None:
                    drift += temperature * slope
                noise = torch.randn(weight.shape, generator=random).to(weight)
                weight += -step / 2 * drift + math.sqrt(step) * noise
    with torch.no_grad():
        for weight, middle in zip(weights, centre, strict=True):
            weight.copy_(middle)
    return found


def coefficient(excess: Floats, temperature: float) -> Floats:
    """Return λ of each chain: nβ times the mean excess loss over the second half of its draws.

    Args:
        excess: Excess loss at each draw, [chain, draw].
        temperature: nβ.
    """
    return np.asarray(temperature * excess[:, excess.shape[1] // 2 :].mean(1))


def why_not(excess: dict[float, Floats], temperature: float, pull: float) -> str:
    """Return why no coefficient can be told of these chains; nothing if one can.

    Args:
        excess: Excess losses by step size, each [chain, draw].
        temperature: nβ.
        pull: γ.
    """
    # Chains that hardly moved are level and agree, at 0: near it they must have had the time to come to rest.
    rested = all(step * of.shape[1] * pull / 2 >= _REST for step, of in excess.items())
    least = _NOTHING if rested else 0.0
    told = {}
    for step, of in excess.items():
        chains = f"Chains with a step of {formatted(step, '.2g')}"
        if not np.isfinite(of).all():
            return f"{chains} ended in losses that are no numbers; take a smaller step."
        third, last = (temperature * float(part.mean()) for part in np.array_split(of, 4, axis=1)[2:])
        told[step] = (third + last) / 2
        if not _alike(third, last, least):
            return (
                f"{chains} have not levelled: {formatted(third, '.3g')} in the third quarter "
                f"of the draws, {formatted(last, '.3g')} in the last. Take more draws or a larger step."
            )
    values = list(told.values())
    if not _alike(min(values), max(values), least):
        both = " and ".join(
            f"{formatted(value, '.3g')} with a step of {formatted(step, '.2g')}" for step, value in told.items()
        )
        return f"The step sizes do not agree: {both}. Take more draws, or another step."
    if min(values) < -least:
        return (
            f"The loss falls when the weights are shaken ({formatted(min(values), '.3g')}): this model does not lie at "
            "a minimum of the loss of this text, and the coefficient is one of minima."
        )
    return ""


def _alike(one: float, other: float, least: float) -> bool:
    return abs(one - other) <= max(TOLERANCE * (abs(one) + abs(other)) / 2, least)
