"""Do layers of different training runs hold the same? Debiased linear CKA of every layer with every layer.

CKA(K, L) = HSIC(K, L) / √(HSIC(K, K) · HSIC(L, L)) of the Gram matrices of the residual stream at the same tokens
(Kornblith et al. 2019, 1905.00414), with the unbiased HSIC of Song et al. (J. Mach. Learn. Res. 13, 2012), averaged
over batches before the division (Nguyen et al. 2021, 2010.15327). Unbiased, unrelated rows give 0; the usual estimate
gives more the wider the stream is. The rows of a batch are one token of each conversation, because rows of one
conversation resemble each other in any model.

- Null: the rows of one of the two in another order.
- Interval: jackknife over conversations (each row is a conversation in every batch).
- Always the whole matrix, since CKA hardly tells layers apart: what counts is how far a layer's likeness to its own
  layer in another seed lies over that to other layers.

Beside it: are tokens arranged alike in the embedding? A token is told by its cosines to ``anchors`` other tokens
(relative representations, Moschella et al. 2023, 2209.15430); how often is the most similar token of the other seed the
token itself?

What would fool it: a few directions of large variance make any two streams alike. Untrained models share those that the
tokens bring: see the untrained numbers beside.

References for the limits: Davari et al. 2022 (2210.16156); Murphy et al. 2024 (2405.01012).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland_cohorts.layer_similarity_result import LayerSimilarityResult

__all__ = ["LayerSimilarity", "hsic"]

Floats = NDArray[np.float64]
_LEAST = 5
_LEAST_TOKENS = 20


@dataclass(frozen=True)
class LayerSimilarity:
    """Do layers of different training runs hold the same? Debiased linear CKA, every layer with every layer."""

    name: ClassVar[str] = "layer-similarity"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("resid_post",)
    groups: ClassVar[tuple[str, ...]] = ("stability",)
    no_choices: ClassVar[str] = "Nothing is chosen: each layer stands beside each, with a null for every pair."
    of: ClassVar[str] = "seeds"

    batches: Annotated[int, "batches of one token of each conversation"] = 48
    anchors: Annotated[int, "tokens by which others are told in the embedding"] = 256
    seed: Annotated[int, "seed of tokens and anchors"] = 0

    def run(self, cohort: wl.Cohort) -> LayerSimilarityResult:
        """Take one token of each conversation at a time, and compare the Gram matrices of all layers."""
        members = list(cohort.members)
        evidence = next(iter(cohort.members.values())).evidence
        conversations = np.unique(evidence.conversation)
        if len(conversations) < _LEAST:
            raise NotEnoughData(
                f"Layers are compared on tokens of different conversations, at least {_LEAST} of them; there are "
                f"{len(conversations)}.",
                hint="Hold more conversations out.",
            )
        random = np.random.default_rng(self.seed)
        rows = self._chosen(evidence, conversations, random)  # [batch, conversation, (window, pos)]
        taken = _take(cohort, rows)  # [representation, batch, conversation, d_model]
        layers = taken.shape[0] // len(members)
        grams = torch.matmul(taken, taken.mT).transpose(0, 1)  # [batch, representation, row, row]
        whole, without = _all_pairs(grams)
        value = _cka(whole)
        n = len(conversations)
        left_out = _cka(without)  # [conversation, representation, representation]
        error = np.sqrt((n - 1) / n * ((left_out - left_out.mean(0)) ** 2).sum(0))
        order = torch.from_numpy(random.permutation(n))
        null = _null(grams, order)
        about: dict[str, Any] = {"dims": ("member and layer", "other member and layer"), "unit": "CKA", "n": n}
        estimate = wl.Estimate(value, value - 1.96 * error, value + 1.96 * error, chance=null, **about)
        return LayerSimilarityResult(members, layers, estimate, *self._tokens(cohort, random))

    def _chosen(self, evidence: wl.Evidence, conversations: Floats, random: np.random.Generator) -> NDArray[np.int64]:
        chosen = np.empty((self.batches, len(conversations), 2), dtype=np.int64)
        for number, conversation in enumerate(conversations):
            windows = np.flatnonzero(evidence.conversation == conversation)
            picked = random.choice(windows, self.batches)
            chosen[:, number, 0] = picked
            chosen[:, number, 1] = (random.random(self.batches) * evidence.lengths[picked]).astype(np.int64)
        return chosen

    def _tokens(self, cohort: wl.Cohort, random: np.random.Generator) -> tuple[wl.Estimate, int]:
        """Return how often a token finds itself in another seed by its cosines to anchors, and how many were asked."""
        from wonderland_cohorts.spread import share

        first = next(iter(cohort.members.values()))
        counts = np.bincount(first.evidence.tokens[first.evidence.mask], minlength=first.cfg.d_vocab)
        known = np.flatnonzero(counts > 0)
        if len(known) < _LEAST_TOKENS:
            return wl.Estimate.missing(unit="share of tokens", resampled_over="tokens"), len(known)
        # An anchor has a cosine of 1 with itself in any model, so only other tokens are asked.
        dealt = random.permutation(known)
        count = min(self.anchors, len(dealt) // 2)
        anchors, asked = torch.from_numpy(dealt[:count]), torch.from_numpy(np.sort(dealt[count:]))
        relative = []
        for member in cohort.members.values():
            embedded = member.model.W_E.detach().float().cpu()
            embedded = torch.nn.functional.normalize(embedded - embedded[known].mean(0), dim=-1)
            told = embedded[asked] @ embedded[anchors].T
            relative.append(torch.nn.functional.normalize(told, dim=-1))
        found = [
            float((one @ other.T).argmax(1).eq(torch.arange(len(asked))).float().mean())
            for i, one in enumerate(relative)
            for j, other in enumerate(relative)
            if i != j
        ]
        n, value = len(asked), float(np.mean(found))
        exact = share(round(value * n), n, of="tokens")
        low, high = min(exact.low, value), max(exact.high, value)
        of: dict[str, Any] = {"n": n, "unit": "share of tokens", "resampled_over": "tokens"}
        return wl.Estimate(value, low, high, chance=1 / n, **of), n


def _take(cohort: wl.Cohort, rows: NDArray[np.int64]) -> Tensor:
    """Return the residual stream at the chosen tokens, centred by nothing, [member × layer, batch, row, d_model]."""
    first = next(iter(cohort.members.values()))
    shape = (len(cohort), first.cfg.n_layers, *rows.shape[:2], first.cfg.d_model)
    taken = torch.zeros(shape)
    for batches in cohort.batches("resid_post"):
        start, stop = next(iter(batches.values())).windows.start, next(iter(batches.values())).windows.stop
        batch, row = np.nonzero((rows[..., 0] >= start) & (rows[..., 0] < stop))
        window, pos = rows[batch, row, 0] - start, rows[batch, row, 1]
        for number, of in enumerate(batches.values()):
            taken[number][:, batch, row] = of["resid_post"][:, window, pos].float()
    return taken.flatten(0, 1)


def hsic(one: Tensor, other: Tensor) -> Tensor:
    """Return the unbiased HSIC of Gram matrices [..., row, row] whose diagonals do not count, [...]."""
    return _hsic(*map(_hollow, (one, other)))


def _hollow(gram: Tensor) -> Tensor:
    return gram - torch.diag_embed(torch.diagonal(gram, dim1=-2, dim2=-1))


def _hsic(one: Tensor, other: Tensor) -> Tensor:
    m = one.shape[-1]
    trace = (one * other).sum((-2, -1))
    both = one.sum((-2, -1)) * other.sum((-2, -1)) / ((m - 1) * (m - 2))
    cross = (one.sum(-1) * other.sum(-1)).sum(-1) * 2 / (m - 2)
    return (trace + both - cross) / (m * (m - 3))


def _all_pairs(grams: Tensor) -> tuple[Floats, Floats]:
    """Return HSIC of all pairs averaged over batches, and the same without each row.

    Args:
        grams: [batch, representation, row, row].

    Returns:
        [representation, representation] and [row, representation, representation].
    """
    hollow = _hollow(grams).double()
    batches, n, m, _ = hollow.shape
    whole: Tensor = torch.zeros(n, n, dtype=torch.float64)
    without = torch.zeros(m, n, n, dtype=torch.float64)
    for batch in hollow:
        flat, sums = batch.flatten(1), batch.sum(-1)  # [n, m·m], [n, m]
        total = sums.sum(-1)
        trace, cross = flat @ flat.T, sums @ sums.T
        whole += _combined(trace, cross, total, m)
        # Without row r: its entries leave the trace twice, its sum the total twice, and every row loses one entry.
        rows = torch.einsum("amr,bmr->rab", batch, batch)
        mixed = torch.einsum("amr,bm->rab", batch, sums)
        own = torch.einsum("ar,br->rab", sums, sums)
        less_trace = trace - 2 * rows
        less_cross = cross - own - mixed - mixed.mT + rows
        less_total = total[None] - 2 * sums.T  # [row, n]
        without += _combined(less_trace, less_cross, less_total, m - 1)
    return np.asarray(whole / batches), np.asarray(without / batches)


def _combined(trace: Tensor, cross: Tensor, total: Tensor, m: int) -> Tensor:
    both = total[..., :, None] * total[..., None, :]
    return (trace + both / ((m - 1) * (m - 2)) - 2 * cross / (m - 2)) / (m * (m - 3))


def _null(grams: Tensor, order: Tensor) -> Floats:
    """Return CKA of all pairs when the rows of the other one stand in another order."""
    hollow = _hollow(grams).double()
    moved = hollow[:, :, order][:, :, :, order]
    m, own = hollow.shape[-1], torch.zeros(hollow.shape[1], dtype=torch.float64)
    cross = torch.zeros(hollow.shape[1], hollow.shape[1], dtype=torch.float64)
    for one, other in zip(hollow, moved, strict=True):
        sums, sums_other = one.sum(-1), other.sum(-1)
        total = sums.sum(-1)
        both = total[:, None] * total[None, :] / ((m - 1) * (m - 2))
        cross += (one.flatten(1) @ other.flatten(1).T + both - 2 * (sums @ sums_other.T) / (m - 2)) / (m * (m - 3))
        own += _hsic(one, one)
    scale = torch.sqrt(own[:, None] * own[None, :])
    return np.asarray(np.nan_to_num(np.asarray(cross / scale)))


def _cka(pairs: Floats) -> Floats:
    """Divide HSIC of pairs by those with themselves; NaN where a stream does not vary."""
    own = np.diagonal(pairs, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(pairs / np.sqrt(own[..., :, None] * own[..., None, :]))
