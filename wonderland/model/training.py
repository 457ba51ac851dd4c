"""The training loop, read from top to bottom.

Muon moves the hidden matrices, AdamW the embeddings and vectors (`optimisers`); Accelerate finds the device and the
other processes (`engine`); a batch's gradient is summed over micro-batches (`gradient`). Each epoch ends with the
held-out loss, to be read against n-gram baselines on the same tokens, and a sample; the weights of the best epoch are
the model's. The run writes a checkpoint every half minute and when it is interrupted; killed and resumed, it ends with
the same weights (on the same kind of machine with the same number of threads and processes).

What would fool it: train loss alone, which falls while a model memorises; windows of one conversation on both sides of
the split. `Corpus.split` splits before windowing, and `wonderland check` looks for leaks.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from wonderland.advice import Command, Hint, Options
from wonderland.corpus.windows import Windows
from wonderland.errors import InputError, NotEnoughData, UsageError, WonderlandError
from wonderland.model.batches import plan_epoch
from wonderland.model.engine import Engine
from wonderland.model.generate import generate
from wonderland.model.gradient import batch_gradient, feed, loss_sum
from wonderland.model.history import Epoch, Speed
from wonderland.model.interrupts import noting_interrupts
from wonderland.model.optimisers import optimisers_of, schedule, set_rate
from wonderland.model.peak_flops import peak_flops
from wonderland.model.run import Run, TrainState
from wonderland.model.settings import TrainingSettings
from wonderland.model.snapshots import Snapshots, marks
from wonderland.model.transformer import Transformer
from wonderland.tokenizer import PAD, SpeakerTokenizer

__all__ = ["Progress", "bytes_per_token", "evaluate", "fit"]

M = TypeVar("M", bound=Transformer)

_CHECKPOINT_SECONDS = 30.0
_CPU_MICRO_TOKENS = 1024
_SECONDS_TO_TELL = 20.0  # a shorter run says nothing about speed
_POINTS = 400


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    Attributes:
        tokens: Tokens trained on so far.
        all_tokens: Tokens the whole run will have trained on.
        loss: Training loss of the last step, nats a token.
        seconds: Wall time spent training, over all sittings.
        epoch: The epoch that just ended, if one did.
        remark: Something a person should know, in place of a step: memory ran out and less is tried at once.
    """

    tokens: int
    all_tokens: int
    loss: float
    seconds: float
    epoch: Epoch | None = None
    remark: str = ""


def fit(
    model: M,
    windows: Windows,
    evidence: Windows | None,
    settings: TrainingSettings,
    tokenizer: SpeakerTokenizer,
    *,
    engine: Engine | None = None,
    checkpoint: str | Path | None = None,
    snapshots: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> M:
    """Train a model on windows; `ChatTransformer.train` makes both. Settings must be resolved."""
    per_epoch = int((windows.lengths - 1).clip(min=0).sum())
    if per_epoch == 0:
        raise NotEnoughData(
            "There is no window of two tokens to train on.", hint=Hint("Check `", Command("status"), "`.")
        )
    engine = engine or Engine(model.device.type, settings.precision)
    all_tokens = per_epoch * settings.epochs
    optimisers = optimisers_of(model, settings)
    data = {"training windows": windows.fingerprint, "held-out windows": evidence.fingerprint if evidence else None}
    file = Path(checkpoint) if checkpoint else None
    run = Run(model, optimisers, settings, all_tokens, data, file, writes=engine.is_main)
    at, history = run.resume()
    _must_agree(run, at, engine)
    model.history = history
    kept = _snapshots(run, snapshots, engine, fresh=at.step == 0)
    model.train()
    model.requires_grad_(True)

    def tell(loss: float, epoch: Epoch | None = None, remark: str = "") -> None:
        if on_progress and engine.is_main:
            on_progress(Progress(at.tokens, all_tokens, loss, at.seconds, epoch, remark))

    with noting_interrupts() as interrupted, run.saved_if_left_alone(at, history):
        for epoch in range(at.epoch, settings.epochs):
            if run.out_of_patience(history):
                break
            plan = plan_epoch(windows.lengths, settings.batch_tokens, settings.seed, epoch)
            for batch in feed(windows, plan[at.batch :], engine):
                started, before = time.perf_counter(), at.tokens
                micro = at.micro_tokens or _micro_tokens(engine, settings)
                set_rate(optimisers, schedule(at.step, at.tokens / all_tokens))
                if kept and at.step == 0:
                    kept.keep(model, -1, 0)
                loss, fitted = batch_gradient(model, batch, engine, micro, lambda remark: tell(0.0, None, remark))
                _must_be_finite(loss, at.step)
                for optimiser in optimisers:
                    optimiser.step()
                    optimiser.zero_grad(set_to_none=True)
                at.micro_tokens = fitted if fitted != micro else at.micro_tokens
                at.advance(loss, batch.count, time.perf_counter() - started)
                if kept:
                    kept.keep(model, before, at.tokens)
                if at.point_tokens * _POINTS >= all_tokens:
                    history.points.append(at.point())
                tell(loss)
                if _anywhere(interrupted() > 0, engine):
                    raise run.stopped(at, history, interrupted())
                if time.monotonic() - run.saved_at > _CHECKPOINT_SECONDS:
                    run.save(at, history)
            history.epochs.append(_end_of_epoch(model, tokenizer, evidence, at, engine))
            run.keep_best(history)
            at.begin_epoch(epoch + 1)
            run.save(at, history)
            tell(history.epochs[-1].train_loss, history.epochs[-1])
    if run.best:
        model.load_state_dict(run.best)
    history.speed = history.speed or _speed(model, at, engine)
    model.requires_grad_(False).eval()
    return model


@torch.no_grad()
def evaluate(model: Transformer, windows: Windows, batch_tokens: int = 4096, *, engine: Engine | None = None) -> float:
    """Return the mean loss over windows, nats a token; the first token of each is given, not predicted.

    With an ``engine`` of several processes, each takes its share of the windows and all return the same.

    Raises:
        NotEnoughData: There is no token to predict.
    """
    if not (windows.lengths > 1).any():  # a mean over nothing would read as a perfect loss
        raise NotEnoughData(
            "The held-out part has no window of two tokens.", hint="Hold more out, or read more messages."
        )
    sums = torch.zeros(2, dtype=torch.float64)
    plan = plan_epoch(windows.lengths, batch_tokens, 0, 0)
    for chosen in plan[engine.rank :: engine.processes] if engine else plan:
        loss, count = loss_sum(model, torch.from_numpy(windows.batch(chosen, PAD)).to(model.device))
        sums += torch.tensor([float(loss), count], dtype=torch.float64)
    if engine and engine.processes > 1:
        sums = engine.sum(sums.to(engine.device))
    return float(sums[0] / sums[1])


def bytes_per_token(windows: Windows, tokenizer: SpeakerTokenizer) -> float:
    """Return the mean length in bytes of the tokens that are predicted."""
    lengths, predicted = np.array(tokenizer.byte_lengths), 0
    total = 0
    for window in windows:
        total += int(lengths[window[1:]].sum())
        predicted += max(0, len(window) - 1)
    return total / max(1, predicted)


def _micro_tokens(engine: Engine, settings: TrainingSettings) -> int:
    """Return how many tokens to work on at once: on a CPU what a thread works on well, or all of a batch."""
    return settings.micro_tokens or (_CPU_MICRO_TOKENS if engine.device.type == "cpu" else settings.batch_tokens)


def _must_be_finite(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise _diverged(f"The loss became {loss}", step)


def _diverged(what: str, step: int) -> WonderlandError:
    return WonderlandError(
        f"{what} at step {step}: training diverged.",
        hint=Hint(
            "Lower the learning rates, for example: ", Options("train", learning_rate=0.001, muon_learning_rate=0.01)
        ),
    )


def _must_agree(run: Run, at: TrainState, engine: Engine) -> None:
    """Refuse to begin where the processes would not do the same work: one would wait for ever for what never comes."""
    here = hashlib.sha256(json.dumps([run.identity, at.step, at.epoch], sort_keys=True).encode()).digest()
    if not engine.agree(int.from_bytes(here[:7], "big")):
        raise UsageError(
            "The processes do not have the same messages, settings and checkpoint.",
            hint="On several machines, copy the whole workspace to each, at the same path, and start again.",
        )


def _anywhere(here: bool, engine: Engine) -> bool:
    """Whether something is so in any process."""
    if engine.processes == 1:
        return here
    return bool(engine.sum(torch.tensor(float(here), device=engine.device)))


def _snapshots(run: Run, folder: str | Path | None, engine: Engine, *, fresh: bool) -> Snapshots | None:
    settings = run.settings
    if not settings.snapshots or not engine.is_main:
        return None
    if folder is None:
        raise UsageError("Snapshots need a folder.", hint="Pass snapshots_in=, or take 0 snapshots.")
    kept = Snapshots(Path(folder), marks(settings.snapshots, settings.batch_tokens, run.all_tokens))
    kept.make_room(run.model, fresh=fresh)
    return kept


def _speed(model: Transformer, at: TrainState, engine: Engine) -> Speed | None:
    if at.seconds < _SECONDS_TO_TELL:
        return None
    dtype = torch.bfloat16 if engine.precision == "bf16" else torch.float32
    peak = peak_flops(engine.device, dtype)
    rate = at.tokens / at.seconds
    share = 6 * model.n_params * rate / (peak * engine.processes)
    device = engine.device.type
    return Speed(rate, share, peak, device, engine.precision, engine.processes, torch.get_num_threads())


def _end_of_epoch(
    model: Transformer, tokenizer: SpeakerTokenizer, evidence: Windows | None, at: TrainState, engine: Engine
) -> Epoch:
    model.eval()
    if broken := model.not_finite:  # after the last step of an epoch no loss tells
        raise _diverged(f"The weights {broken} are no longer finite", at.step)
    held_out = evaluate(model, evidence, engine=engine) if evidence is not None else None
    if held_out is not None and not math.isfinite(held_out):
        raise _diverged(f"The held-out loss became {held_out}", at.step)
    try:
        sample = str(generate(model, tokenizer, speaker="me", max_tokens=40, seed=at.epoch))
    except InputError as error:
        raise _diverged("The model's answers are no longer finite", at.step) from error
    model.train()
    train_loss = at.epoch_loss / max(at.epoch_tokens, 1)
    return Epoch(at.epoch + 1, at.step, at.tokens, round(at.seconds, 3), train_loss, held_out, sample)
