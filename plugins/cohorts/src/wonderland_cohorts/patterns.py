"""Attention patterns of the heads of several models as vectors, and how alike they are.

The vector of a head is its attention on the same windows in every model: the lower triangles of its patterns, minus the
mean over all heads of all models in the same cell. Without that subtraction any two heads are alike (cosine 0.35 on the
demonstration messages), since all of them may look at earlier tokens only and many look at the nearest.

The null puts other windows under one of the two models: where in a window a head looks is kept, at which words is
broken. Windows are cut to one length, so that a window can stand in for another.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

import wonderland as wl
from wonderland.errors import NotEnoughData

__all__ = ["Patterns", "cosines", "matched", "patterns_of", "strangers"]

Floats = NDArray[np.float64]
_LEAST_TOKENS, _LEAST_CONVERSATIONS = 8, 4


@dataclass(frozen=True)
class Patterns:
    """Centred patterns of all heads of all members.

    Attributes:
        vectors: [window, member × layer × head, cell], float32.
        conversation: Number of the conversation of each window, [window].
        shape: Members, layers, heads.
        length: Tokens of a window that count.
    """

    vectors: torch.Tensor
    conversation: np.ndarray
    shape: tuple[int, int, int]
    length: int

    def of(self, windows: np.ndarray) -> Patterns:
        """Return those of some windows."""
        return Patterns(self.vectors[torch.from_numpy(windows)], self.conversation[windows], self.shape, self.length)

    def products(self) -> Floats:
        """Return inner products of all pairs of heads in each window, [window, head, head]."""
        return np.asarray(torch.matmul(self.vectors, self.vectors.mT).double().numpy())

    def squares(self) -> Floats:
        """Return squared norms summed over windows, [member × layer × head]."""
        return np.asarray(self.vectors.square().sum(2).double().sum(0).numpy())

    @functools.cached_property
    def _by_layer(self) -> torch.Tensor:
        """The same, contiguous, as [layer, member × head, window, cell]."""
        members, layers, heads = self.shape
        parts = self.vectors.unflatten(1, (members, layers, heads))
        turned: torch.Tensor = parts.permute(2, 1, 3, 0, 4).flatten(1, 2).contiguous()
        return turned

    def crossed(self, order: np.ndarray) -> Floats:
        """Return inner products with the patterns of other windows, summed over windows, of heads of one layer.

        Returns:
            [layer, member × head, member × head]; heads of different layers are not asked, which is most of the work.
        """
        parts = self._by_layer
        total = torch.zeros(len(parts), parts.shape[1], parts.shape[1])
        for start in range(0, len(order), 16):
            there = torch.from_numpy(order[start : start + 16])
            total += torch.matmul(parts[:, :, start : start + 16].flatten(2), parts[:, :, there].flatten(2).mT)
        return np.asarray(total.double().numpy())


def patterns_of(cohort: wl.Cohort) -> Patterns:
    """Return the patterns of all members on the windows that are long enough.

    Raises:
        NotEnoughData: There are fewer than four conversations with windows of eight tokens.
    """
    lengths = next(iter(cohort.members.values())).evidence.lengths
    length = int(np.quantile(lengths, 0.25))
    if length < _LEAST_TOKENS:
        raise NotEnoughData(
            f"Most windows have fewer than {_LEAST_TOKENS} tokens, too few to compare where heads look.",
            hint="Hold out more, or longer, conversations.",
        )
    rows, columns = torch.tril_indices(length, length)
    kept: list[torch.Tensor] = []
    conversation: list[np.ndarray] = []
    for batches in cohort.batches("pattern"):
        first = next(iter(batches.values()))
        long = np.flatnonzero(first.evidence.lengths >= length)
        if not len(long):
            continue
        here = [batch["pattern"][:, torch.from_numpy(long)][..., rows, columns] for batch in batches.values()]
        stacked = (
            torch.stack(here).permute(2, 0, 1, 3, 4).flatten(1, 3).float()
        )  # [window, member × layer × head, cell]
        kept.append(stacked - stacked.mean(1, keepdim=True))
        conversation.append(first.conversation[long])
    cfg = next(iter(cohort.members.values())).cfg
    found = Patterns(torch.cat(kept), np.concatenate(conversation), (len(cohort), cfg.n_layers, cfg.n_heads), length)
    if len(np.unique(found.conversation)) < _LEAST_CONVERSATIONS:
        raise NotEnoughData(
            f"Half of the windows match the heads and half score them, and there are windows of {length} tokens from "
            f"{len(np.unique(found.conversation))} conversations; it takes {_LEAST_CONVERSATIONS}.",
            hint="Hold more conversations out.",
        )
    return found


def cosines(products: Floats, norms: Floats | None = None) -> Floats:
    """Return cosines of summed inner products [head, head]; 0 where a head's vector is zero.

    Args:
        products: Inner products [..., head, head].
        norms: Squared norms [..., head]; the diagonal of the products by default.
    """
    squares = np.diagonal(products, axis1=-2, axis2=-1) if norms is None else norms
    with np.errstate(invalid="ignore", divide="ignore"):
        found = products / np.sqrt(squares[..., :, None] * squares[..., None, :])
    return np.asarray(np.nan_to_num(found))


def strangers(conversation: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an order of windows in which none stands in for one of its own conversation, as far as that can be."""
    n = len(conversation)
    order = random.permutation(n)
    for _ in range(50):
        same = np.flatnonzero(conversation[order] == conversation)
        if not len(same):
            break
        for at in same:
            other = int(random.integers(n))
            order[at], order[other] = order[other], order[at]
    return np.asarray(order)


def matched(similar: Floats, groups: Iterable[np.ndarray]) -> NDArray[np.int64]:
    """Return which column each row is matched with, at most one each, so that the sum is largest within each group.

    Args:
        similar: Similarities [row, column], square.
        groups: Indices that may be matched with each other, such as the heads of a layer.
    """
    from scipy.optimize import linear_sum_assignment

    found = np.empty(len(similar), dtype=np.int64)
    for group in groups:
        rows, columns = linear_sum_assignment(similar[np.ix_(group, group)], maximize=True)
        found[group[rows]] = group[columns]
    return found
