"""Quality of a dictionary: what it leaves, what that costs the model, how often its latents fire, whether two agree.

- *FVU*, Σ‖x − x̂‖² / Σ‖x − x̄‖² with x̄ the mean of all tokens; and against the table of tokens and positions, which
  is what can be said of a vector without looking at its context.
- *ΔCE*: the loss of the model when x̂ takes the place of the stream at every token, less its loss as it is. "Recovered
  loss" relative to a mean flatters: next to a mean everything looks alike.
- *Stability*: the cosine of each decoder row with its partner in a dictionary of another start, all paired at once
  (Hungarian matching), so that no row is the partner of many.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import cross_entropy

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland_sparse.dictionary import Dictionary

__all__ = ["densities", "errors", "matched", "ratio", "spliced", "unexplained"]


def errors(dictionary: Dictionary, x: Tensor) -> np.ndarray:
    """Return ‖x − x̂‖² of each vector, [n]."""
    parts = [(x[rows].float() - dictionary.decode(f)).square().sum(1) for rows, f in dictionary.chunks(x)]
    return np.asarray(torch.cat(parts).numpy())


def densities(dictionary: Dictionary, x: Tensor) -> np.ndarray:
    """Return the share of vectors on which each latent is active, [latent]."""
    fired = torch.zeros(dictionary.latents, dtype=torch.int64)
    for _, f in dictionary.chunks(x):
        fired += (f > 0).sum(0)
    return np.asarray((fired / max(len(x), 1)).numpy())


def unexplained(x: Tensor) -> np.ndarray:
    """Return ‖x − x̄‖² of each vector, [n]."""
    mean = x.float().mean(0)
    return np.asarray((x.float() - mean).square().sum(1).numpy())


def ratio(above: np.ndarray, below: np.ndarray, conversation: np.ndarray, seed: int = 0) -> wl.Estimate:
    """Return Σ above / Σ below over tokens with an interval over conversations."""
    return cluster_bootstrap(above, below, conversation, unit="share of variance", seed=seed)


def matched(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosine of each row with its partner, [latent], and the partner's number.

    Args:
        one: Directions [latent, d] of length 1.
        other: As many or more directions, or fewer: then those without a partner have cosine 0 and partner −1.
    """
    cosines = one @ other.T
    rows, columns = linear_sum_assignment(-cosines)
    best, partner = np.zeros(len(one)), np.full(len(one), -1)
    best[rows], partner[rows] = cosines[rows, columns], columns
    return best, partner


@torch.no_grad()
def spliced(specimen: wl.Specimen, layer: int, change: Callable[[Tensor, Tensor], Tensor] | None) -> np.ndarray:
    """Return the loss of each predicted token of the evidence with the stream after a layer changed, [token].

    Args:
        specimen: The model and its evidence.
        layer: After which layer.
        change: Given vectors [n, d_model] and their tokens [n], what to put in their place; nothing if None.
    """
    model, found = specimen.model, []
    for batch in specimen.batches("resid_post"):
        x = batch["resid_post"][layer].clone()
        if change is not None:
            x[batch.mask] = change(x[batch.mask], batch.tokens[batch.mask])
        x = x.to(model.device)
        last = layer + 1 == specimen.cfg.n_layers
        logits = model.unembed(model.ln_final(x)) if last else model(x, start_at_layer=layer + 1)
        loss = cross_entropy(
            logits[:, :-1].float().flatten(0, 1).cpu(), batch.tokens[:, 1:].flatten(), reduction="none"
        )
        found.append(loss.view(len(x), -1)[batch.mask[:, 1:]].numpy())
    return np.concatenate(found)
