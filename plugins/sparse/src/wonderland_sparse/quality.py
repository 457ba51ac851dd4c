"""Quality of a dictionary: what it leaves, what that costs the model, how often its latents fire, whether two agree.

- *FVU*, Σ‖x − x̂‖² / Σ‖x − x̄‖² with x̄ the mean of all tokens; and against the table of tokens and positions, which
  is what can be said of a vector without looking at its context.
- *ΔCE*: the loss of the model when x̂ takes the place of the stream at every token, less its loss as it is. "Recovered
  loss" relative to a mean flatters: next to a mean everything looks alike. So it is told as a share of the *lead*,
  what the model knows beyond counted trigrams.
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
from wonderland.model.baselines import ngram_probabilities
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.streams import logits_after, normed

__all__ = ["costs", "densities", "errors", "errors_across", "lead", "matched", "ratio", "spliced", "unexplained"]


def errors(dictionary: Dictionary, x: Tensor) -> np.ndarray:
    """Return ‖x − x̂‖² of each vector, [n]."""
    parts = [(x[rows].float() - dictionary.decode(f)).square().sum(1) for rows, f in dictionary.chunks(x)]
    return np.asarray(torch.cat(parts).numpy())


def errors_across(made: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> np.ndarray:
    """Return ‖y − ŷ‖² of each vector y that is predicted from x, [n]."""
    parts = [
        (y[rows].float() - made(x[rows].float())).square().sum(1)
        for rows in (slice(start, start + 4096) for start in range(0, len(x), 4096))
    ]
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
def spliced(
    specimen: wl.Specimen,
    layer: int,
    change: Callable[[Tensor, Tensor], Tensor] | None,
    *,
    mlp: bool = False,
) -> np.ndarray:
    """Return the loss of each predicted token of the evidence with the stream after a layer changed, [token].

    Args:
        specimen: The model and its evidence.
        layer: After which layer.
        change: Given vectors [n, d_model] and their tokens [n], what to put in their place; nothing if None.
        mlp: Change what the MLP of the layer writes, given what it reads, in the place of the stream.
    """
    found = []
    for batch in specimen.batches(*(("resid_mid", "mlp_out") if mlp else ("resid_post",))):
        if mlp:
            x, written = batch["resid_mid"][layer].clone(), batch["mlp_out"][layer].clone()
            if change is not None:
                written[batch.mask] = change(normed(specimen, layer, x[batch.mask]), batch.tokens[batch.mask])
            x += written
        else:
            x = batch["resid_post"][layer].clone()
            if change is not None:
                x[batch.mask] = change(x[batch.mask], batch.tokens[batch.mask])
        logits = logits_after(specimen, layer, x).cpu()
        loss = cross_entropy(logits[:, :-1].flatten(0, 1), batch.tokens[:, 1:].flatten(), reduction="none")
        found.append(loss.view(len(x), -1)[batch.mask[:, 1:]].numpy())
    return np.concatenate(found)


def lead(specimen: wl.Specimen, background: wl.Windows, own: np.ndarray) -> np.ndarray:
    """Return by how many nats the model predicts each token better than counted trigrams do, [predicted token].

    Args:
        specimen: The model and its evidence.
        background: The text that trigrams are counted on.
        own: The model's loss of each predicted token, [predicted token].
    """
    evidence = specimen.evidence
    rows = [row[:length] for row, length in zip(evidence.tokens, evidence.lengths, strict=True)]
    counted = ngram_probabilities(background, rows, specimen.cfg.d_vocab)["trigram"]
    return np.asarray(-np.log(counted) - own)


def costs(rise: np.ndarray, ahead: np.ndarray, evidence: wl.Evidence) -> dict[str, wl.Estimate]:
    """Return the mean rise of the loss in nats a token, and as a share of the model's lead, resampled together.

    Args:
        rise: Of each predicted token of the evidence, [token].
        ahead: What `lead` gives.
        evidence: The evidence.
    """
    conversation = np.repeat(evidence.conversation, np.maximum(evidence.lengths - 1, 0))
    share = wl.Estimate.missing(unit="share of the lead", chance=0.0)
    if ahead.mean() > 0:
        share = cluster_bootstrap(rise, ahead, conversation, unit="share of the lead", chance=0.0)
    nats = cluster_bootstrap(rise, np.ones(len(rise)), conversation, unit="nats a token", chance=0.0)
    return {"delta ce": nats, "of lead": share}
