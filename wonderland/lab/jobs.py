"""Several independent pieces of work at a time, in processes of their own, each with its share of the cores.

joblib starts the processes, or hands the pieces to whatever backend is configured: within
``joblib.parallel_config(backend="dask")`` to the workers of a Dask cluster. Results come in the order of the work.

What would fool it: workers of another version, which compute other numbers and say nothing. On one machine there are
none.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from wonderland.advice import Hint, Options
from wonderland.errors import ResourceError

__all__ = ["cores", "in_processes", "without_worries_of_joblib"]

R = TypeVar("R")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(work: Callable[..., R], tasks: Iterable[Sequence[Any]], jobs: int) -> Iterator[R]:
    """Yield what a function returns for each task, in their order.

    Args:
        work: A function at the top of a module, so that another process finds it.
        tasks: Its arguments, which can be pickled.
        jobs: How many at a time; 0 for one per core.

    Raises:
        ResourceError: A process died, most likely because memory ran out.
    """
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError
    from joblib.parallel import get_active_backend

    without_worries_of_joblib()
    at_once = jobs or cores()
    backend, _ = get_active_backend()
    streams = getattr(backend, "supports_return_generator", False)
    run = Parallel(n_jobs=at_once, return_as="generator" if streams else "list")
    try:
        yield from run(delayed(_alone)(work, tuple(task), max(1, cores() // at_once)) for task in tasks)
    except TerminatedWorkerError as error:
        raise ResourceError(
            "A process that did a part of the work died, most likely because memory ran out.",
            hint=Hint("Do fewer at a time: ", Options(jobs=1)),
        ) from error


def without_worries_of_joblib() -> None:
    """Keep joblib from warning that it puts a new process in the place of one that waited for long or grew large."""
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)


def _alone(work: Callable[..., R], task: tuple[Any, ...], threads: int) -> R:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return work(*task)
    finally:
        torch.set_num_threads(before)
