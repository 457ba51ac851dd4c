"""The tuned lens: a translator for each level of the residual stream, fitted and then tested.

The logit lens reads every layer with the model's own end, though early layers need not write in its language. The
tuned lens puts an affine map h + hA + b before that end, one for each level, fitted to bring KL(final ‖ lens) down on
some conversations and judged on others. It begins as the better of two: nothing (A = 0, b = 0, the logit lens itself)
and the ridge regression from this level's stream to the last one's; then Adam lowers the KL itself. Where all that is
no better than nothing on what it was fitted on, it stays nothing.

Cost: some hundred steps of 256 tokens through the unembedding, for each level, forwards and backwards.
What would fool it: a translator can compute. What it reads off a level is there linearly, but the model need not use
it. And few tokens against d_model² numbers: compare the two lenses on conversations neither was fitted on.

Reference: Belrose et al. 2023 (2303.08112), Eliciting Latent Predictions from Transformers with the Tuned Lens.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.lab.stats import cluster_bootstrap
from wonderland_triage.residual_levels import levels

__all__ = ["Translators", "compare", "divergence", "tune"]

_STEPS, _TOKENS = 200, 256
_RATE = 0.1  # of Adam, divided by d_model: what one step may change is a share of the stream
_RIDGE = 1e-3  # of the mean variance of a dimension
_CHUNK = 2048
_LEAST = 1e-6  # nats: less is rounding, not a gain


class Translators(NamedTuple):
    """Affine maps of the residual stream, one for each level but the last.

    Attributes:
        weight: A, [level, d_model, d_model].
        bias: b, [level, d_model].
    """

    weight: Tensor
    bias: Tensor

    def __call__(self, stream: Tensor) -> Tensor:
        """Translate a stream [level, pos, d_model] of all levels; the last, which needs none, stays as it is."""
        return torch.cat([self.translate(stream[:-1]), stream[-1:]])

    def translate(self, stream: Tensor) -> Tensor:
        """Translate a stream of all levels but the last."""
        return stream + stream @ self.weight + self.bias[:, None]

    def only(self, chosen: Tensor) -> Translators:
        """Return the same with nothing at the levels that are not chosen, [level] bool."""
        return Translators(self.weight * chosen[:, None, None], self.bias * chosen[:, None])


def compare(
    specimen: wl.Specimen, windows: Set[int], *, chance: float
) -> tuple[dict[str, wl.Estimate], dict[str, np.ndarray]]:
    """Fit a tuned lens on half of the conversations and compare it with the plain lens on the other half.

    Args:
        specimen: The model and its evidence.
        windows: Which windows to use.
        chance: KL that the frequencies of tokens alone would have.

    Returns:
        KL(final ‖ lens) in nats of the "tuned" and the "plain" lens, [level]: on the conversations neither was fitted
        on, and on the others.

    Raises:
        NotEnoughData: All windows are of one conversation.
    """
    evidence = specimen.evidence
    groups = np.random.default_rng(evidence.seed).permutation(np.unique(evidence.conversation[sorted(windows)]))
    if len(groups) < 2:
        raise NotEnoughData(
            "A tuned lens is fitted on some conversations and judged on others; there is only one.",
            hint="Hold more conversations out, or leave the tuned lens out.",
        )
    fitting = set(groups[: len(groups) // 2].tolist())
    sides: dict[bool, list[tuple[int, Tensor]]] = {True: [], False: []}
    for batch in specimen.batches():
        for row, window in enumerate(range(batch.windows.start, batch.windows.stop)):
            length, conversation = int(evidence.lengths[window]), int(evidence.conversation[window])
            if window in windows and length > 1:
                stream = levels(batch, row)[:, : length - 1].to(specimen.model.device)
                sides[conversation in fitting].append((conversation, stream))
    seen = torch.cat([stream for _, stream in sides[True]], dim=1)
    lenses: dict[str, Any] = {"tuned": tune(specimen, seen, seed=evidence.seed), "plain": lambda stream: stream}
    counts = [stream.shape[1] for _, stream in sides[False]]
    clusters = [conversation for conversation, _ in sides[False]]
    judged = {}
    for name, lens in lenses.items():
        sums = [divergence(specimen, lens(stream)) * stream.shape[1] for _, stream in sides[False]]
        of = torch.stack(sums).double().cpu().numpy()
        judged[name] = cluster_bootstrap(
            of, counts, clusters, unit="nats", chance=chance, dims=("level",), seed=evidence.seed
        )
    return judged, {name: divergence(specimen, lens(seen)).cpu().numpy() for name, lens in lenses.items()}


def divergence(specimen: wl.Specimen, stream: Tensor) -> Tensor:
    """Return mean KL(final ‖ lens) of a stream [level, token, d_model] whose last level is final, nats, [level]."""
    total = sum(_kl(specimen, part[:-1], part[-1]).sum(-1) for part in stream.split(_CHUNK, dim=1))
    return torch.cat([torch.as_tensor(total) / stream.shape[1], stream.new_zeros(1)])


def tune(specimen: wl.Specimen, stream: Tensor, *, seed: int = 0) -> Translators:
    """Fit translators.

    Args:
        specimen: The model, for its end.
        stream: What to fit on, [level, token, d_model]; the last level is what the answer is read from.
        seed: Seed of which tokens each step takes.
    """
    nothing = _nothing(stream)
    best, least = nothing, divergence(specimen, stream)[:-1]
    for candidate in (_regression(stream), None):
        tried = candidate if candidate is not None else _descend(specimen, stream, best, seed)
        found = divergence(specimen, tried(stream))[:-1]
        better = found < least - _LEAST
        kept, new = best.only(~better), tried.only(better)
        best = Translators(kept.weight + new.weight, kept.bias + new.bias)
        least = torch.where(better, found, least)
    return best


def _nothing(stream: Tensor) -> Translators:
    levels, _, width = stream.shape
    return Translators(stream.new_zeros(levels - 1, width, width), stream.new_zeros(levels - 1, width))


def _regression(stream: Tensor) -> Translators:
    """Return the ridge regression of the last level's stream minus this level's on this level's."""
    here, wanted = stream[:-1].double(), (stream[-1:] - stream[:-1]).double()
    mean, aim = here.mean(1, keepdim=True), wanted.mean(1, keepdim=True)
    centred = here - mean
    gram = centred.mT @ centred / stream.shape[1]
    scale = gram.diagonal(dim1=1, dim2=2).mean(1).clamp(min=torch.finfo(torch.float32).tiny)
    ridge = _RIDGE * scale[:, None, None] * torch.eye(stream.shape[2], dtype=torch.float64, device=stream.device)
    weight = torch.linalg.solve(gram + ridge, centred.mT @ (wanted - aim) / stream.shape[1])
    bias = (aim - mean @ weight)[:, 0]
    return Translators(weight.to(stream.dtype), bias.to(stream.dtype))


def _descend(specimen: wl.Specimen, stream: Tensor, start: Translators, seed: int) -> Translators:
    generator = torch.Generator().manual_seed(seed)
    with torch.enable_grad():
        moving = Translators(*(part.clone().requires_grad_() for part in start))
        rate = _RATE / stream.shape[2]
        optimiser = torch.optim.Adam(moving, lr=rate)
        for step in range(_STEPS):
            optimiser.param_groups[0]["lr"] = rate * (1 - step / _STEPS)
            rows = torch.randint(stream.shape[1], (min(_TOKENS, stream.shape[1]),), generator=generator)
            some = stream[:, rows.to(stream.device)]
            optimiser.zero_grad()
            _kl(specimen, moving.translate(some[:-1]), some[-1]).mean(-1).sum().backward()
            optimiser.step()
    return Translators(*(part.detach() for part in moving))


def _kl(specimen: wl.Specimen, stream: Tensor, last: Tensor) -> Tensor:
    """Return KL(final ‖ lens) of a stream [level, token, d_model] against the last level's [token, d_model]."""
    model: Any = specimen.model
    # What is fitted is in single precision; the model's end gets it in its own.
    final, lens = (
        model.unembed(model.ln_final(h.to(model.W_U.dtype))).float().log_softmax(-1) for h in (last[None], stream)
    )
    return (final.exp() * (final - lens)).sum(-1)  # type: ignore[no-any-return]
