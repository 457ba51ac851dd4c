"""History of a training run: the loss curve, its baselines, and what the model sounded like on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = ["Epoch", "History", "Point", "Speed"]


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


@dataclass(frozen=True)
class Speed:
    """How fast it went, against what the machine can do.

    Attributes:
        tokens_per_second: Tokens trained on per second of training, padding not counted.
        utilisation: 6 × parameters × tokens a second, as a share of the rate of a large matrix product measured on the
            same device in the same run. 6 × counts a lookup in the embedding as a product, so it flatters a little.
        product_rate: That rate, operations a second.
        device: Where it ran: "cpu", "cuda", "mps".
        precision: "fp32" or "bf16".
        processes: Processes that trained together.
        threads: Threads of each on a CPU.
    """

    tokens_per_second: float
    utilisation: float
    product_rate: float
    device: str
    precision: str
    processes: int
    threads: int


@dataclass
class History:
    """The course of one training run.

    Attributes:
        settings: The settings it ran with.
        baselines: Held-out loss of uniform, unigram, bigram and trigram models on the same tokens, nats a token.
        bytes_per_token: Bytes of text a held-out token stands for on average; divides a loss into nats a byte, which
            models with other tokenizers can be compared by. 0 without held-out conversations.
        train_bytes_per_token: The same of the tokens trained on.
        text_tokens: Tokens of the training messages, each counted once, however many windows it is in; 0 if unknown.
        points: The training loss along the way.
        epochs: The end of each epoch.
        speed: How fast it went; None for runs too short to say.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    baselines: dict[str, float] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    bytes_per_token: float = 0.0
    speed: Speed | None = None
    train_bytes_per_token: float = 0.0
    text_tokens: int = 0

    @property
    def best_epoch(self) -> int | None:
        """Number of the epoch with the lowest held-out loss, whose weights the model has; None without any."""
        measured = [epoch for epoch in self.epochs if epoch.held_out_loss is not None]
        return min(measured, key=lambda epoch: (epoch.held_out_loss, epoch.epoch)).epoch if measured else None

    @property
    def held_out_loss(self) -> float | None:
        """Held-out loss of the model, which is that of its best epoch, nats a token."""
        best = self.best_epoch
        return None if best is None else self.epochs[best - 1].held_out_loss

    @property
    def overfitting(self) -> str:
        """What to say about epochs that made the model worse on held-out conversations; empty if none did."""
        best = self.best_epoch
        if best is None or best == len(self.epochs):
            return ""
        then, last = self.epochs[best - 1], self.epochs[-1]
        return (
            f"Overfitting: after epoch {best} the held-out loss rose from {then.held_out_loss:.3f} to "
            f"{last.held_out_loss:.3f} while the training loss went from {then.train_loss:.3f} to "
            f"{last.train_loss:.3f}. The weights of epoch {best} are kept."
        )

    @property
    def lag(self) -> str:
        """Why the training loss of the weights that are kept is above the held-out loss; empty if it is not."""
        held_out = self.held_out_loss
        if held_out is None or self.epochs[(self.best_epoch or 0) - 1].train_loss <= held_out:
            return ""
        return "The training loss is measured while the weights still move, so it lags behind."

    def per_byte(self, loss: float, *, training: bool = False) -> float | None:
        """Return a held-out (or a training) loss in nats a byte, or None if the bytes were not counted."""
        each = self.train_bytes_per_token if training else self.bytes_per_token
        return loss / each if each else None

    def to_json(self, *, samples: bool = True) -> dict[str, Any]:
        """Return the history as JSON values, with what the model said after each epoch unless that is to stay out."""
        value = asdict(self)
        for epoch in value["epochs"] if not samples else ():
            del epoch["sample"]
        return value

    @property
    def samples(self) -> list[str]:
        """What the model said after each epoch."""
        return [epoch.sample for epoch in self.epochs]

    def with_samples(self, samples: Sequence[str]) -> History:
        """Return the history with what the model said after each epoch put back, if there are as many."""
        if len(samples) != len(self.epochs):
            return self
        told = [replace(epoch, sample=str(text)) for epoch, text in zip(self.epochs, samples, strict=True)]
        return replace(self, epochs=told)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> History:
        """Read back what `to_json` wrote."""
        return cls(
            dict(value["settings"]),
            dict(value["baselines"]),
            [Point(**point) for point in value["points"]],
            [Epoch(**epoch) for epoch in value["epochs"]],
            float(value.get("bytes_per_token", 0.0)),
            Speed(**value["speed"]) if value.get("speed") else None,
            float(value.get("train_bytes_per_token", 0.0)),
            int(value.get("text_tokens", 0)),
        )
