"""``train``, ``check`` and ``generate``: the model and whether it is worth looking inside."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import click

from wonderland.advice import Command, Hint, Options
from wonderland.cli.console import Console, Meter, clock, number, plain
from wonderland.cli.context import command, next_report, open_workspace, record
from wonderland.cli.fitting import advice, counted_tokens, what_may_help
from wonderland.cli.options import Number, Whole, given, settings_options
from wonderland.counted import counted
from wonderland.errors import CheckFailed, UsageError
from wonderland.model.presets import preset
from wonderland.model.processes import is_main
from wonderland.model.settings import TrainingSettings
from wonderland.report.schema.words import characters
from wonderland.tokenizer import SPECIALS
from wonderland.workspace.workspace import Workspace

if TYPE_CHECKING:
    from wonderland.model.chat_transformer import ChatTransformer
    from wonderland.model.history import Epoch, History, Speed
    from wonderland.model.training import Progress

_WARM_UP_SECONDS = 5.0
_REACHED = (0.8, 0.35)  # of the rate of a large matrix product that training reaches


@settings_options(TrainingSettings)
@click.option("--device", help="cpu, cuda or mps; the fastest there is by default.")
@click.option("--seeds", type=Whole(1, 1000), help="Train so many models that differ in their seed only.")
@click.option("--jobs", type=Whole(0, 1000), default=0, help="Of several seeds, train so many at a time.")
def train(
    console: Console, folder: Path | None, device: str | None, seeds: int | None, jobs: int, **options: object
) -> None:
    """Train the model from scratch. Ctrl-C saves; the same command goes on."""
    if jobs and not seeds:
        raise UsageError(
            "--jobs is of several models.", hint=Hint("Leave it out, or say how many: ", Options("train", seeds=5))
        )
    workspace = open_workspace(folder)
    record(console, workspace, "training", given(options))
    if seeds:
        _train_several(console, workspace, seeds, jobs, device)
    train_model(console, workspace, device)
    console.next("wonderland check")


def train_model(
    console: Console, workspace: Workspace, device: str | None = None, *, advised: bool = False
) -> ChatTransformer:
    """Train the model and print how it went.

    Args:
        console: Where to print.
        workspace: The workspace.
        device: Where to train.
        advised: Which preset fits was said already.
    """
    if not workspace.stage("model").done:
        _announce(console, workspace, advised=advised)
    with console.progress("Training", "tokens") as meter:
        model = workspace.train(_Watch(console, meter), device)
    if not workspace.stage("model").done:
        console.note("Its messages or settings were changed while it was trained, so it is out of date already.")
    history = model.history
    console.result(model=repr(model), fingerprint=model.fingerprint, history=history.to_json() if history else None)
    if history is None or not history.epochs:
        return model
    last = history.epochs[-1]
    best = history.epochs[(history.best_epoch or last.epoch) - 1]
    each = last.tokens / history.text_tokens if history.text_tokens else 1.0
    times = f", each token of text about {each:.2g} times" if f"{each:.2g}" != "1" else ""
    console.say(f"Trained {plain(repr(model))} on {number(last.tokens)} tokens{times}, in {clock(last.seconds)}")
    if history.speed:
        console.say(_speed(history.speed))
    rows = [("Loss in nats a token", "", "")]
    if best.held_out_loss is not None:
        remark = f"perplexity {math.exp(best.held_out_loss):.1f}{_per_byte(history, best.held_out_loss)}"
        rows.append(("  held-out messages", f"{best.held_out_loss:.3f}", remark))
    remark = f"perplexity {math.exp(best.train_loss):.1f}{_per_byte(history, best.train_loss, training=True)}"
    rows.append((f"  training, epoch {best.epoch}", f"{best.train_loss:.3f}", remark))
    for name, loss in sorted(history.baselines.items(), key=lambda item: item[1]):
        better = best.held_out_loss is not None and best.held_out_loss < loss
        gap = f"the model is {abs(loss - (best.held_out_loss or 0)):.2f} {'better' if better else 'worse'}"
        rows.append((f"  {name}", f"{loss:.3f}", gap + _per_byte(history, loss)))
    console.rows(rows)
    sample = f"As you, it says: {plain(best.sample)}" if best.sample else ""
    for told in filter(None, (history.lag, history.overfitting, sample)):
        console.say(told)
    return model


def _per_byte(history: History, loss: float, *, training: bool = False) -> str:
    each = history.per_byte(loss, training=training)
    return "" if each is None else f", {each:.2f} nats a byte"


def _speed(speed: Speed) -> str:
    where = f"{speed.processes} × {speed.device}" if speed.processes > 1 else speed.device
    return (
        f"{number(speed.tokens_per_second)} tokens/s, {speed.utilisation:.0%} of the speed that {where} reaches in a "
        f"large matrix product ({speed.product_rate / 1e9:,.0f} GFLOP/s, {speed.precision})"
    )


def _train_several(console: Console, workspace: Workspace, count: int, jobs: int, device: str | None) -> None:
    _announce(console, workspace)
    try:
        with console.progress("Training"):
            workspace.train_seeds(count, None if console.quiet else _tell_epoch, device, jobs=jobs)
    finally:  # one that failed does not hide the others
        _tell_losses(console, workspace.trained_seeds(count))


def _tell_losses(console: Console, models: Mapping[int, ChatTransformer]) -> None:
    losses = {seed: model.history.held_out_loss if model.history else None for seed, model in models.items()}
    console.result(
        seeds={seed: {"fingerprint": models[seed].fingerprint, "held_out_loss": loss} for seed, loss in losses.items()}
    )
    if not losses:
        return
    rows = [(f"  seed {seed}", "–" if loss is None else f"{loss:.3f}", "") for seed, loss in losses.items()]
    known = [loss for loss in losses.values() if loss is not None]
    if len(known) > 1:
        rows.append(("  mean", f"{fmean(known):.3f}", f"standard deviation {stdev(known):.3f}, n = {len(known)}"))
    console.rows([("Held-out loss, nats a token", "", ""), *rows])


def _tell_epoch(seed: int, progress: Progress) -> None:
    """Print an epoch of one of several models, in the process that trains it."""
    if progress.epoch is not None:
        held_out = progress.epoch.held_out_loss
        told = "" if held_out is None else f", held out {held_out:.3f}"
        Console().note(f"seed {seed}, epoch {progress.epoch.epoch}: train {progress.epoch.train_loss:.3f}{told}")
    elif progress.remark:
        Console().note(f"seed {seed}: {progress.remark}")


def _announce(console: Console, workspace: Workspace, *, advised: bool = False) -> None:
    console.note("Getting ready: the text is counted, and what training takes is loaded.")  # which takes seconds
    import numpy as np

    from wonderland.corpus.windows import windows_a_message, windows_of

    if not workspace.stage("tokenizer").done:  # while it is made, nobody may choose other messages
        with workspace.alone("train") if is_main() else nullcontext():
            workspace.tokenize()
    vocabulary, settings = workspace.tokenize().vocab_size, workspace.settings.training.resolved()
    config, corpus = preset(settings.preset).sized(vocabulary), workspace.split()[0]
    tokens = counted_tokens(workspace)
    messages = np.diff(np.r_[corpus.thread_starts, len(corpus)])
    cut = {"size": settings.window_size, "stride": settings.stride}
    overlap = windows_a_message(messages, **cut)
    # Of each window the first token is given, not predicted.
    seen = settings.epochs * max(tokens * overlap - windows_of(messages, **cut), 0)
    each = f"about {seen / settings.epochs / max(tokens, 1):.2g} times".replace("about 1 times", "once")
    told = f", each {each} an epoch: some {number(_rounded(seen))} in all (an estimate)"
    again = told if overlap > 1 or settings.epochs > 1 else ""
    console.note(
        f"Training {settings.preset}: {config.n_layers} layers × {config.n_heads} heads × {config.d_model}, "
        f"{config.n_params / 1e6:.1f}M parameters, {counted(settings.epochs, 'epoch')} over about "
        f"{number(_rounded(tokens))} tokens of text{again}"
    )
    if expected := _expected(config.n_params, seen):
        console.note(expected)
    if settings.snapshots:
        megabytes = settings.snapshots * 4 * config.n_params / 1e6
        console.note(f"Keeping {counted(settings.snapshots, 'model')} on the way takes {megabytes:,.0f} MB of disk")
    if not advised:
        asked = workspace.settings.tokenizer.vocab_size
        for sentence in advice(tokens, settings.preset, f"wonderland train{console.where}", vocabulary, asked):
            console.note(sentence)


def _expected(parameters: int, seen: float) -> str:
    """Return how long training will take, from how fast this machine multiplies now; a range, for it varies."""
    import torch

    from wonderland.model.peak_flops import peak_flops

    if torch.cuda.is_available() or torch.backends.mps.is_available():
        return ""
    peak = peak_flops(rounds=1)
    seconds = [6 * parameters * seen / (share * peak) for share in _REACHED]
    least, most = (_minutes(one) for one in seconds)
    told = f"about {least}" if least == most else f"some {least} to {most}"
    return f"On this machine's processors that takes {told}"


def _minutes(seconds: float) -> str:
    """Return a time in whole minutes, at least one.

    >>> _minutes(12), _minutes(250), _minutes(5400)
    ('a minute', '4 min', '1 h 30 min')
    """
    whole = 60 * max(round(seconds / 60), 1)
    return "a minute" if whole == 60 else clock(whole).replace(" 0 s", "")


def _rounded(count: float) -> int:
    """Return a count that is an estimate, to three digits.

    >>> _rounded(17_651), _rounded(87)
    (17700, 87)
    """
    step = 10 ** max(len(str(round(count))) - 3, 0)
    return int(round(count / step) * step)


class _Watch:
    """Turns the progress of a run into a meter and a line an epoch."""

    def __init__(self, console: Console, meter: Meter) -> None:
        self.console, self.meter = console, meter
        self.began: tuple[float, int] | None = None
        self.loss = 0.0
        self.best = math.inf
        self.rate = 0.0
        self.last = (0.0, 0)

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.epoch is not None:
            self._epoch(progress.epoch)
            return
        if progress.remark:
            self.console.note(progress.remark)
            return
        self.loss = progress.loss if not self.loss else 0.8 * self.loss + 0.2 * progress.loss  # of the last steps
        if self.began is None:
            self.began = (now, progress.tokens)
            self.last = self.began
        if now - self.last[0] >= 1.0:  # a moving average over seconds, not steps
            rate = (progress.tokens - self.last[1]) / (now - self.last[0])
            self.rate = rate if not self.rate else 0.8 * self.rate + 0.2 * rate
            self.last = (now, progress.tokens)
        remark = f"loss {self.loss:.2f}"
        if self.rate and now - self.began[0] > _WARM_UP_SECONDS:
            left = (progress.all_tokens - progress.tokens) / self.rate
            done_at = (datetime.now().astimezone() + timedelta(seconds=left)).strftime("%H:%M:%S")
            remark += f", {number(self.rate)} tokens/s, done at {done_at}"
        self.meter.update(progress.tokens, progress.all_tokens, remark)

    def _epoch(self, epoch: Epoch) -> None:
        held_out = ""
        if epoch.held_out_loss is not None:
            held_out = f", held out {epoch.held_out_loss:.3f}"
            if epoch.held_out_loss > self.best:
                held_out += f" (worse than {self.best:.3f}: it overfits)"
            self.best = min(self.best, epoch.held_out_loss)
        self.console.note(
            f"epoch {epoch.epoch}: train {epoch.train_loss:.3f}{held_out}, {clock(epoch.seconds)}   "
            f"“{plain(epoch.sample)[:80]}”"
        )


def check(console: Console, folder: Path | None) -> None:
    """Ask whether it is worth looking inside yet; exit code 1 if a check fails."""
    workspace = open_workspace(folder)
    failed = run_checks(console, workspace)
    if failed:
        raise CheckFailed(
            f"{failed} of the checks failed.",
            hint=Hint(f"Try {what_may_help(workspace)}; then: ", Command("check")),
        )
    console.next("wonderland analyze") if workspace.missing() else next_report(console, workspace)


def run_checks(console: Console, workspace: Workspace) -> int:
    """Run the checks, print them and return how many failed."""
    with console.progress("Checking"):
        checks = workspace.check()
    console.result(checks=[one.plain() for one in checks])
    console.ticks([(one.passed, characters(one.name), characters(one.detail)) for one in checks])
    return sum(not one.passed for one in checks)


@click.argument("prompt", default="")
@click.option(
    "--as", "speaker", type=click.Choice(["me", "them"]), default="me", show_default=True, help="Who speaks first."
)
@click.option("--messages", type=Whole(low=1), default=1, show_default=True, help="Messages to generate.")
@click.option("--number", "count", type=Whole(low=1), default=3, show_default=True, help="Samples to draw.")
@click.option(
    "--temperature",
    type=Number(low=0),
    default=0.9,
    show_default=True,
    help="0 takes the likeliest token each time.",
)
@click.option(
    "--top-k",
    type=Whole(low=0),
    default=0,
    show_default=True,
    help="Sample among so many likeliest tokens; 0 for all.",
)
@click.option(
    "--top-p",
    type=Number(low=0, high=1),
    default=0.95,
    show_default=True,
    help="Sample among the likeliest tokens of this probability.",
)
@click.option("--max-tokens", type=Whole(low=1), default=60, show_default=True, help="Most tokens to generate.")
@click.option("--seed", type=Whole(low=0, high=2**62), default=0, show_default=True, help="Seed of the first sample.")
def generate(console: Console, folder: Path | None, prompt: str, count: int, seed: int, **options: Any) -> None:
    """Let the model speak. PROMPT is what was said before, for example: "<|them|> are you free tomorrow?".

    A prompt that does not begin with a speaker is taken as what they said.
    """
    workspace = open_workspace(folder)
    model, tokenizer = workspace.load_model()
    prompt = _spoken(console, prompt)
    samples = [model.generate(tokenizer, prompt, seed=seed + i, **options) for i in range(count)]
    console.result(prompt=prompt, samples=[vars(sample) for sample in samples])
    for sample in samples:
        told = f"geometric mean probability {_mean_probability(sample.probabilities):.2f} a token"
        console.say(f"{plain(str(sample))}   ({told}{'' if sample.finished else ', cut off'})")


def _spoken(console: Console, prompt: str) -> str:
    """Return a prompt that begins with a speaker."""
    if not prompt.strip() or prompt.lstrip().startswith(SPECIALS):
        return prompt
    console.note('No speaker was given, so this is taken as what they said. To say it as you: "<|me|> …"')
    return f"<|them|> {prompt.strip()}"


def _mean_probability(probabilities: Sequence[float]) -> float:
    """Return the geometric mean, 0 of none. By logarithms: a product of hundreds is too small for a float."""
    if not probabilities or min(probabilities) <= 0:
        return 0.0
    return math.exp(fmean(map(math.log, probabilities)))


train_command = command("train")(train)
check_command = command("check")(check)
generate_command = command("generate")(generate)
