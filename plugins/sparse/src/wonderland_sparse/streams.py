"""The residual stream over a text, as one vector a token: what dictionaries are trained on and measured on.

Vectors lie in half precision (151 MB for 590,000 tokens of 128 dimensions) and never touch the disk: they are messages
in another form. Of a text that takes more than 1.5 GB some windows are taken at random.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import wonderland as wl

__all__ = ["MOST_BYTES", "Places", "Stream", "held_out", "of_text"]

MOST_BYTES = 1_500_000_000
"""Most memory for the vectors of a text."""


@dataclass(frozen=True)
class Places:
    """Where each vector is from, [token] each.

    Attributes:
        tokens: The token there.
        position: Its position in its window.
        conversation: Its conversation.
    """

    tokens: np.ndarray
    position: np.ndarray
    conversation: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Stream:
    """The stream after a layer.

    Attributes:
        x: [token, d_model], half precision.
        places: Where each is from.
    """

    x: Tensor
    places: Places

    def without(self, table: np.ndarray | None) -> Tensor:
        """Return the vectors less the mean of their token, [token, d_model]; as they are if there is no table."""
        if table is None:
            return self.x
        means, made = torch.from_numpy(table), torch.empty_like(self.x)
        for start in range(0, len(self.x), 1 << 16):
            rows = slice(start, start + (1 << 16))
            made[rows] = self.x[rows].float() - means[torch.from_numpy(self.places.tokens[rows])]
        return made


def of_text(specimen: wl.Specimen, windows: wl.Windows, layers: Sequence[int], seed: int = 0) -> dict[int, Stream]:
    """Return the stream after each of some layers over a text.

    Args:
        specimen: The model.
        windows: The text, in windows that do not overlap.
        layers: Which layers; together they take 2 bytes for each number.
        seed: Seed of which windows are taken where they are too many.
    """
    total, width = int(windows.lengths.sum()), specimen.cfg.d_model
    share = MOST_BYTES / (2 * width * total * len(layers))
    order = np.random.default_rng(seed).permutation(len(windows))
    chosen = np.sort(order[: max(int(min(share, 1.0) * len(windows)), 1)])
    some = dataclasses.replace(
        windows, start=windows.start[chosen], stop=windows.stop[chosen], conversation=windows.conversation[chosen]
    )
    lengths = some.lengths
    count = int(lengths.sum())
    tokens = np.concatenate(list(some)).astype(np.int32)
    position = np.arange(count) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = Places(tokens, position.astype(np.int32), np.repeat(some.conversation, lengths))
    found = {layer: torch.empty(count, width, dtype=torch.float16) for layer in layers}
    at = 0
    for batch in specimen.stream(some, "resid_post", layers=layers):
        size = int(batch.mask.sum())
        for layer, values in zip(layers, batch["resid_post"], strict=True):
            found[layer][at : at + size] = values[batch.mask]
        at += size
    return {layer: Stream(x, places) for layer, x in found.items()}


def held_out(specimen: wl.Specimen, layers: Sequence[int]) -> dict[int, Stream]:
    """Return the stream after each of some layers over the evidence."""
    evidence = specimen.evidence
    parts: dict[int, list[Tensor]] = {layer: [] for layer in layers}
    for batch in specimen.batches("resid_post"):
        for layer in layers:
            parts[layer].append(batch["resid_post"][layer][batch.mask].half())
    window, position = np.nonzero(evidence.mask)
    places = Places(evidence.tokens[evidence.mask], position, evidence.conversation[window])
    return {layer: Stream(torch.cat(some), places) for layer, some in parts.items()}
