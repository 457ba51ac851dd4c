"""Some windows of the evidence with their activations: what an analysis walks over."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from wonderland.errors import PluginError
from wonderland.lab.evidence import Evidence

__all__ = ["Batch"]


class Batch:
    """Some windows of the evidence with their activations.

    Attributes:
        windows: Which windows of the evidence these are.
        tokens: [batch, pos].
        mask: Where there is a token, [batch, pos], bool.
        conversation: Number of the conversation of each window, [batch].
        evidence: The evidence of these windows, for who speaks where.
    """

    def __init__(
        self, windows: slice, evidence: Evidence, activations: Mapping[str, Tensor], allowed: frozenset[str] | None
    ) -> None:
        self.windows = windows
        self.evidence = evidence
        self.tokens = torch.from_numpy(evidence.tokens)
        self.mask = torch.from_numpy(evidence.mask)
        self.conversation = evidence.conversation
        self._activations = activations
        self._allowed = allowed

    def __getitem__(self, name: str) -> Tensor:
        """Return an activation: [layer, batch, ...], or [batch, ...] for loss, logits, embed and pos_embed.

        ``batch["loss"]`` is [batch, pos] in nats; its entry at a position is of the token there, NaN at position 0
        and in padding. All are in single precision and in main memory, whatever the model computes in and where.
        """
        if self._allowed is not None and name not in self._allowed:
            raise PluginError(
                f"The activation {name!r} was read but not declared.",
                hint=f"Add it to the analysis' needs: needs = {(*sorted(self._allowed), name)}",
            )
        return self._activations[name]
