"""How is a model trained? One loop, read from top to bottom.

Muon moves the hidden matrices, AdamW the embeddings and vectors; the learning rate rises over the first steps and
falls linearly to zero, measured in tokens. Each epoch ends with the held-out loss, to be read against n-gram
baselines on the same tokens, and a sample. The run writes a checkpoint every half minute and when it is interrupted;
killed and resumed, it ends with the same weights (on the same kind of machine with the same number of threads).

What would fool it: train loss alone, which falls while a model memorises; windows of one conversation on both sides of
the split. `Corpus.split` splits before windowing, and `wonderland check` looks for leaks.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.windows import Windows, pack
from wonderland.errors import NotEnoughData, UsageError, WonderlandError
from wonderland.model.baselines import baseline_losses
from wonderland.model.batches import plan_epoch
from wonderland.model.history import Epoch, History
from wonderland.model.loss import linear_cross_entropy
from wonderland.model.muon import Muon
from wonderland.model.presets import preset as preset_named
from wonderland.model.run import Place, Run
from wonderland.model.settings import TrainingSettings
from wonderland.model.transformer import ChatTransformer
from wonderland.tokenizer import PAD, SpeakerTokenizer

__all__ = ["Progress", "evaluate", "fit", "train"]

_WARMUP_STEPS = 20
_CHECKPOINT_SECONDS = 30.0
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
    """

    tokens: int
    all_tokens: int
    loss: float
    seconds: float
    epoch: Epoch | None = None


def train(
    corpus: Corpus,
    tokenizer: SpeakerTokenizer,
    *,
    held_out: Corpus | None = None,
    checkpoint: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    device: str | None = None,
    **settings: Any,
) -> ChatTransformer:
    """Train a model from scratch.

    Args:
        corpus: What to train on.
        tokenizer: Its tokenizer.
        held_out: Conversations to measure the loss on after each epoch, with n-gram baselines.
        checkpoint: File to save the run's state to and to resume it from.
        on_progress: Called after each step.
        device: "cpu", "cuda" or "mps"; the fastest there is by default.
        **settings: Fields of `TrainingSettings`: preset, epochs, seed, …

    Returns:
        The trained model with its ``history``.

    Raises:
        NotEnoughData: The corpus has no window of two tokens.
        UsageError: A setting does not exist or is out of range.
        Interrupted: Stopped by Ctrl-C, with the state saved.
    """
    try:
        chosen = TrainingSettings(**settings).resolved()
    except TypeError as error:
        known = ", ".join(TrainingSettings.__dataclass_fields__)
        raise UsageError(f"Unknown training setting: {error}.", hint=f"Settings: {known}.") from error
    context = preset_named(chosen.preset).config.n_ctx
    layout = {"size": chosen.window_size, "context": context}
    windows = pack(corpus, tokenizer, stride=chosen.stride, **layout)
    model = ChatTransformer.from_preset(chosen.preset, tokenizer, seed=chosen.seed).to(device or fastest_device())
    evidence = pack(held_out, tokenizer, stride=chosen.window_size, **layout) if held_out is not None else None
    history = History(settings=asdict(chosen))
    if evidence is not None:
        apart = pack(corpus, tokenizer, stride=chosen.window_size, **layout)
        history.baselines = baseline_losses(apart, evidence, tokenizer.vocab_size)
        history.bytes_per_token = _bytes_per_token(evidence, tokenizer)
    model.history = history
    return fit(model, windows, evidence, chosen, tokenizer, checkpoint=checkpoint, on_progress=on_progress)


def fit(
    model: ChatTransformer,
    windows: Windows,
    evidence: Windows | None,
    settings: TrainingSettings,
    tokenizer: SpeakerTokenizer,
    *,
    checkpoint: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> ChatTransformer:
    """Train a model on windows; `train` makes both. Settings must be resolved."""
    per_epoch = int((windows.lengths - 1).clip(min=0).sum())
    if per_epoch == 0:
        raise NotEnoughData("There is no window of two tokens to train on.", hint="Check `wonderland status`.")
    all_tokens = per_epoch * settings.epochs
    optimisers = _optimisers(model, settings)
    data = {"training windows": windows.fingerprint, "held-out windows": evidence.fingerprint if evidence else None}
    run = Run(model, optimisers, settings, all_tokens, data, Path(checkpoint) if checkpoint else None)
    at, history = run.resume()
    model.history = history
    model.train()
    model.requires_grad_(True)
    last_save = time.monotonic()
    with _interrupt_between_steps() as interrupted:
        for epoch in range(at.epoch, settings.epochs):
            batches = plan_epoch(windows.lengths, settings.batch_tokens, settings.seed, epoch)
            while at.batch < len(batches):
                started = time.perf_counter()
                rows = windows.batch(batches[at.batch], PAD)
                loss, count = _step(model, optimisers, rows, _schedule(at.step, at.tokens / all_tokens), at.step)
                at.advance(loss, count, time.perf_counter() - started)
                if at.point_tokens * _POINTS >= all_tokens:
                    history.points.append(at.point())
                if on_progress:
                    on_progress(Progress(at.tokens, all_tokens, loss, at.seconds))
                if interrupted():
                    raise run.stopped(at, history)
                if time.monotonic() - last_save > _CHECKPOINT_SECONDS:
                    run.save(at, history)
                    last_save = time.monotonic()
            history.epochs.append(_end_of_epoch(model, tokenizer, evidence, at))
            at.begin_epoch(epoch + 1)
            run.save(at, history)
            if on_progress:
                last = history.epochs[-1]
                on_progress(Progress(at.tokens, all_tokens, last.train_loss, at.seconds, last))
    model.requires_grad_(False).eval()
    return model


@torch.no_grad()
def evaluate(model: ChatTransformer, windows: Windows, batch_tokens: int = 4096) -> float:
    """Return the mean loss over windows, nats a token; the first token of each is given, not predicted."""
    total = counted = 0.0
    for chosen in plan_epoch(windows.lengths, batch_tokens, 0, 0):
        loss, count = _loss_sum(model, windows.batch(chosen, PAD))
        total += float(loss)
        counted += count
    return total / max(counted, 1)


def _bytes_per_token(windows: Windows, tokenizer: SpeakerTokenizer) -> float:
    lengths = np.array(tokenizer.byte_lengths)
    predicted = np.concatenate([window[1:] for window in windows])
    return float(lengths[predicted].mean())


def fastest_device() -> str:
    """Return "cuda", "mps" or "cpu", the first that is there."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _optimisers(model: ChatTransformer, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    weights = dict(model.named_parameters())
    embeddings = [weights.pop("embed.W_E"), weights.pop("pos_embed.W_pos")]
    unembedding = [weights.pop("unembed.W_U")]
    matrices = [weights.pop(name) for name in list(weights) if ".W_" in name]
    decay = settings.weight_decay
    groups = [
        {"params": embeddings, "lr": settings.embedding_learning_rate, "weight_decay": decay},
        {"params": unembedding, "lr": settings.learning_rate, "weight_decay": decay},
        {"params": list(weights.values()), "lr": settings.learning_rate, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-10, fused=True)
    muon = Muon(matrices, lr=settings.muon_learning_rate, weight_decay=decay)
    for optimiser in (adam, muon):
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return [adam, muon]


def _schedule(step: int, share: float) -> float:
    """Return the learning rate as a share of its peak: up over the first steps, then linearly down to zero."""
    return min(1.0, (step + 1) / _WARMUP_STEPS) * max(0.0, 1.0 - share)


def _step(
    model: ChatTransformer, optimisers: list[torch.optim.Optimizer], rows: np.ndarray, rate: float, step: int
) -> tuple[float, int]:
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * rate
    loss, count = _loss_sum(model, rows)
    (loss / count).backward()
    value = float(loss.detach()) / count
    if not math.isfinite(value):
        raise WonderlandError(
            f"The loss became {value} at step {step}: training diverged.",
            hint="Lower the learning rates, for example: --learning-rate 0.001 --muon-learning-rate 0.01",
        )
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return value, count


def _loss_sum(model: ChatTransformer, rows: np.ndarray) -> tuple[Tensor, int]:
    tokens = torch.from_numpy(rows).to(model.device, non_blocking=True)
    targets = tokens[:, 1:].flatten()
    wanted = (targets != PAD).nonzero()[:, 0]
    final = model.ln_final(model(tokens[:, :-1], stop_at_layer=model.cfg.n_layers)).flatten(0, 1)
    return linear_cross_entropy(final[wanted], model.unembed.W_U, targets[wanted]), len(wanted)


def _end_of_epoch(model: ChatTransformer, tokenizer: SpeakerTokenizer, evidence: Windows | None, at: Place) -> Epoch:
    model.eval()
    held_out = evaluate(model, evidence) if evidence is not None else None
    sample = str(model.generate(tokenizer, speaker="me", max_tokens=40, seed=at.epoch))
    model.train()
    train_loss = at.epoch_loss / max(at.epoch_tokens, 1)
    return Epoch(at.epoch + 1, at.step, at.tokens, round(at.seconds, 3), train_loss, held_out, sample)


@contextmanager
def _interrupt_between_steps() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C into a question to ask between two steps, so that no step is cut in half.

    A second Ctrl-C interrupts at once. Outside the main thread, where signals cannot be handled, nothing changes.
    """
    seen = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield seen.is_set
        return
    before = signal.getsignal(signal.SIGINT)

    def note(_number: int, _frame: Any) -> None:
        seen.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield seen.is_set
    finally:
        signal.signal(signal.SIGINT, before)
