"""Training several models at once, each in a process of its own, with its own place and its share of the cores.

Models that differ in their seed only say which findings belong to the conversations and which to the accident of one
run. joblib starts the processes; each trains one model after another, with its own
checkpoint. One that fails does not stop the others: what went wrong is told when all the rest are trained. Ctrl-C
reaches them all: each saves, and the same command goes on with those that are not done.

What it costs: every process holds the windows and a model, some hundred megabytes. On one GPU they would share its
memory, so there they are trained one after another unless more are asked for.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from wonderland.advice import Command, Hint, Options
from wonderland.errors import Interrupted, ResourceError, UsageError, WonderlandError
from wonderland.model.processes import processes

if TYPE_CHECKING:
    from wonderland.model.chat_transformer import ChatTransformer
    from wonderland.model.training import Progress

    Train: TypeAlias = Callable[[int, Callable[[Progress], None] | None, str | None], ChatTransformer]

__all__ = ["train_all"]

_GO_ON = "Run the same command again to go on."


def train_all(
    train: Train,
    seeds: Sequence[int],
    on_progress: Callable[[int, Progress], None] | None,
    device: str | None,
    jobs: int,
) -> None:
    """Train the models of these seeds; see `Workspace.train_seeds`.

    Args:
        train: Trains the model of a seed, given what to call after each step and the device. It must be picklable.
        seeds: The seeds.
        on_progress: Called with the seed in the process that trains.
        device: "cpu", "cuda" or "mps"; the fastest there is by default.
        jobs: How many at a time; 0 for one per core on a CPU, one on others.

    Raises:
        UsageError: There is no seed, or a launcher already started several processes.
        Interrupted: Stopped by Ctrl-C, with the state of every model saved.
        ResourceError: A process died, most likely because memory ran out.
        WonderlandError: What the first model that failed met, after the others were trained.
    """
    import torch
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    from wonderland.lab.jobs import without_worries_of_joblib
    from wonderland.model.engine import fastest_device
    from wonderland.model.interrupts import noting_interrupts

    if not seeds:
        raise UsageError("At least one seed is needed.", hint=Hint("For example: ", Options("train", seeds=5)))
    if processes() > 1:
        raise UsageError(
            "Several seeds are trained side by side, each in one process.",
            hint=Hint("Leave the launcher out: ", Command("train", seeds=len(seeds))),
        )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    at_once = min(jobs or (cores if (device or fastest_device()) == "cpu" else 1), len(seeds))
    allowed = torch.get_num_threads()  # what OMP_NUM_THREADS gives this process, if it is set
    troubles: dict[int, Exception] = {}

    with noting_interrupts(signal.SIGINT) as interrupted:  # which a terminal sends to every process

        def stopped() -> bool:
            return interrupted() > 0 or any(isinstance(trouble, Interrupted) for trouble in troubles.values())

        def work() -> Iterator[Any]:
            for seed, threads in zip(seeds, threads_of(len(seeds), at_once, cores), strict=True):
                if stopped():
                    return
                yield delayed(_train_one)(train, seed, on_progress, device, min(threads, allowed))

        without_worries_of_joblib()
        run = Parallel(n_jobs=at_once, pre_dispatch=at_once, batch_size=1, return_as="generator_unordered")
        try:
            for seed, trouble in run(work()):
                troubles |= {seed: trouble} if trouble is not None else {}
        except TerminatedWorkerError as error:
            raise ResourceError(
                "A process that trained a model died, most likely because memory ran out. Models that were finished "
                "are kept, and the same command goes on with the others.",
                hint=Hint("Train one at a time: ", Options("train", jobs=1)),
            ) from error
        if stopped():
            raise Interrupted("Stopped; every model's state is saved.", hint=_GO_ON)
    if troubles:
        seed, first = min(troubles.items())
        if not isinstance(first, WonderlandError):
            raise first
        others = [str(one) for one in seeds if one not in troubles]
        rest = f" Trained are seeds {', '.join(others)}." if others else ""
        failed = ", ".join(map(str, sorted(troubles)))
        raise type(first)(f"Not trained: seed {failed}. Seed {seed}: {first.message}{rest}", hint=first.hint)


def threads_of(models: int, at_once: int, cores: int) -> list[int]:
    """Return how many threads each model gets, in the order in which they begin.

    With one core each, the last of five on two cores would leave the other core idle: those that are left over when
    the places are filled for the last time share all cores.

    Args:
        models: How many are trained.
        at_once: How many at a time.
        cores: Cores of this machine.
    """
    left_over = models % at_once
    return [max(1, cores // (left_over if model >= models - left_over else at_once)) for model in range(models)]


def _train_one(
    train: Train, seed: int, on_progress: Callable[[int, Progress], None] | None, device: str | None, threads: int
) -> tuple[int, Exception | None]:
    """Train a model and return what went wrong, if anything did: an error raised here would end the others."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        train(seed, lambda at: on_progress(seed, at) if on_progress else None, device)
    except KeyboardInterrupt:  # before the first step or after the last
        return seed, Interrupted("Stopped.", hint=_GO_ON)
    except Exception as error:  # noqa: BLE001 - told when the others are trained
        return seed, error
    finally:
        torch.set_num_threads(before)
    return seed, None
