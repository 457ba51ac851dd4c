"""The state of a training run, and how it goes on after a break.

A `TrainState` is everything that changes from step to step besides the weights: counters, and the sums its next point
and its epoch are made of. A `Run` saves it with the weights, those of the best epoch so far and the optimisers, and
finds it again, if the file is of the same run: same shape, same settings, same windows. Of several processes only the
first writes; all read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wonderland.errors import Interrupted
from wonderland.model.checkpoint import Checkpoint
from wonderland.model.engine import ProcessLost
from wonderland.model.history import History, Point
from wonderland.model.settings import TrainingSettings
from wonderland.model.transformer import Transformer

__all__ = ["Run", "TrainState"]


@dataclass
class TrainState:
    """Where a run is, and the sums its next point and its epoch are made of."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    epoch_loss: float = 0.0
    epoch_tokens: int = 0
    point_loss: float = 0.0
    point_tokens: int = 0
    micro_tokens: int = 0

    def advance(self, loss: float, count: int, seconds: float) -> None:
        """Count one step."""
        self.batch += 1
        self.step += 1
        self.tokens += count
        self.epoch_loss += loss * count
        self.epoch_tokens += count
        self.point_loss += loss * count
        self.point_tokens += count
        self.seconds += seconds

    def point(self) -> Point:
        """Return the mean loss since the point before, and begin the next."""
        mean = self.point_loss / self.point_tokens
        self.point_loss, self.point_tokens = 0.0, 0
        return Point(self.tokens, round(self.seconds, 3), mean)

    def begin_epoch(self, epoch: int) -> None:
        """Go to the first batch of an epoch."""
        self.epoch, self.batch, self.epoch_loss, self.epoch_tokens = epoch, 0, 0.0, 0


@dataclass
class Run:
    """A run and the file its state is kept in, if any.

    Attributes:
        best: The weights at the end of the epoch with the lowest held-out loss, kept once a later one was worse.
    """

    model: Transformer
    optimisers: list[torch.optim.Optimizer]
    settings: TrainingSettings
    all_tokens: int
    data: dict[str, str | None]
    file: Path | None
    writes: bool = True
    best: dict[str, Tensor] = field(default_factory=dict)
    saved_at: float = field(default_factory=time.monotonic)

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it this run and no other."""
        return {"config": self.model.cfg.to_json(), "settings": self.settings.identity(), **self.data}

    def resume(self) -> tuple[TrainState, History]:
        """Restore the weights and optimisers if there is a checkpoint, and return where to go on."""
        fresh = self.model.history or History(settings=asdict(self.settings))
        saved = Checkpoint.load(self.file, self.identity) if self.file else None
        if saved is None:
            return TrainState(micro_tokens=self.settings.micro_tokens), fresh
        saved.restore(self.model, self.optimisers)
        self.best = saved.part("best")
        return TrainState(**saved.progress["at"]), History.from_json(saved.progress["history"])

    def save(self, at: TrainState, history: History) -> None:
        """Write the checkpoint, if the run has a file and this process writes."""
        self.saved_at = time.monotonic()
        if self.file and self.writes:
            progress = {"at": asdict(at), "history": history.to_json()}
            Checkpoint.take(self.identity, progress, self.model, self.optimisers, self.best).save(self.file)

    def keep_best(self, history: History) -> None:
        """Take note of the weights if the epoch that just ended has the lowest held-out loss so far."""
        if history.best_epoch == len(history.epochs):
            self.best = {name: weight.detach().clone() for name, weight in self.model.state_dict().items()}

    def out_of_patience(self, history: History) -> bool:
        """Whether held-out loss has not fallen for as many epochs as the settings allow."""
        best = history.best_epoch
        return bool(self.settings.patience and best and len(history.epochs) - best >= self.settings.patience)

    @contextmanager
    def saved_if_left_alone(self, at: TrainState, history: History) -> Iterator[None]:
        """Save if another process of the run is gone; no step was half taken, since it waits for every process."""
        try:
            yield
        except ProcessLost:
            self.save(at, history)
            raise

    def stopped(self, at: TrainState, history: History, number: int) -> Interrupted:
        """Save, and return the error that says how to go on; ``number`` is the signal's, 0 if it was another's."""
        self.save(at, history)
        done = f"Stopped after {at.tokens:,} of {self.all_tokens:,} tokens"
        if self.file:
            error = Interrupted(
                f"{done}; the state is saved in {self.file}.", hint="Run the same command again to go on."
            )
        else:
            error = Interrupted(f"{done}; nothing was saved.", hint="Pass checkpoint= to be able to go on.")
        error.exit_code = 128 + number if number else error.exit_code
        return error
