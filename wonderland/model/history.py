"""How did training go? The loss curve, the baselines it is read against, and what the model sounded like on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Epoch", "History", "Point"]


@dataclass(frozen=True)
class Point:
    """Training loss over the last steps: nats a token, mean since the point before."""

    tokens: int
    seconds: float
    loss: float


@dataclass(frozen=True)
class Epoch:
    """The end of one pass over the training windows.

    Attributes:
        epoch: Its number, from 1.
        step: Optimiser steps so far.
        tokens: Tokens trained on so far, padding not counted.
        seconds: Wall time spent training so far, over all sittings.
        train_loss: Mean loss over this epoch, nats a token, as the model was at each step.
        held_out_loss: Mean loss of held-out conversations at its end; None without any.
        sample: What the model said as me at its end.
    """

    epoch: int
    step: int
    tokens: int
    seconds: float
    train_loss: float
    held_out_loss: float | None
    sample: str = ""


@dataclass
class History:
    """The course of one training run.

    Attributes:
        settings: The settings it ran with.
        baselines: Held-out loss of uniform, unigram, bigram and trigram models on the same tokens, nats a token.
        bytes_per_token: Bytes of text a held-out token stands for on average; divides a loss into nats a byte, which
            models with other tokenizers can be compared by. 0 without held-out conversations.
        points: The training loss along the way.
        epochs: The end of each epoch.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    baselines: dict[str, float] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    bytes_per_token: float = 0.0

    @property
    def held_out_loss(self) -> float | None:
        """Held-out loss at the end of the last epoch, nats a token."""
        return self.epochs[-1].held_out_loss if self.epochs else None

    def to_json(self) -> dict[str, Any]:
        """Return the history as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> History:
        """Read back what `to_json` wrote."""
        return cls(
            dict(value["settings"]),
            dict(value["baselines"]),
            [Point(**point) for point in value["points"]],
            [Epoch(**epoch) for epoch in value["epochs"]],
            float(value.get("bytes_per_token", 0.0)),
        )
