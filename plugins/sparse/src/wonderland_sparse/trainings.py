"""What an analysis trains: several dictionaries at the same time, and how far the whole of it has come.

PyTorch's threads divide every single operation and meet at its end; a step on a dictionary is some sixty small
operations, and a choice that NumPy makes on one core. Dictionaries that are trained beside each other never meet. On
two cores each has one thread, so what is learned there does not depend on the other.

Passes over the training text are told beside steps: a pass takes about as long as a dictionary does for half of its
steps.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

import torch

import wonderland as wl
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.saved import kept

__all__ = ["Step", "Trainings", "Wanted", "dealt", "halves", "one_by_one", "side_by_side", "woven"]

R = TypeVar("R")
T = TypeVar("T")
Step = Callable[[], None]
_EVERY = 50  # steps between two words of progress


@dataclass(frozen=True)
class Wanted:
    """A dictionary that is to be trained.

    Attributes:
        name: Its name among those of this run.
        about: Everything that decides what it will be, as JSON values.
        steps: How many steps its training takes.
        train: Trains it; given what to call with the number of each step that is done.
        kind: What it is, a `Dictionary` or a `Transcoder`.
        part: Which part of the training of others it gets: less than 1 of controls that arrive sooner.
    """

    name: str
    about: dict[str, Any]
    steps: int
    train: Callable[[Callable[[int], None]], Dictionary]
    kind: type[Dictionary] = Dictionary
    part: float = 1.0


class Trainings:
    """The passes and trainings of one run of an analysis.

    Args:
        specimen: As the analysis was given it.
        steps: Of one dictionary.
        trained: How many dictionaries there will be, those that are trained in part counted as that part.
        passes: How many passes over the training text.
        passing: How many steps a pass takes as long as.
    """

    def __init__(
        self, specimen: wl.Specimen, *, steps: int, trained: float, passes: float, passing: int | None = None
    ) -> None:
        self.specimen, self.steps = specimen, steps
        self.passing = max(steps // 2 if passing is None else passing, 1)
        self.done, self.total = 0, max(round(trained * steps + passes * self.passing), 1)
        specimen.progress(0, self.total)

    def over_text(self, specimen: wl.Specimen, gather: Callable[[wl.Specimen], R]) -> R:
        """Return what is gathered in one pass of a model over the training text, telling how far it has come."""

        def tell(done: int, of: int) -> None:
            self.specimen.progress(self.done + round(self.passing * done / max(of, 1)), self.total)

        found = gather(specimen.running(tell, self.specimen.scratch))
        self.done += self.passing
        return found

    def train(self, wanted: Sequence[Wanted]) -> list[Any]:
        """Return dictionaries, trained beside each other; those that were finished before are in the scratch folder."""
        scratch, told = self.specimen.scratch, [0]
        planned = round(self.steps * sum(one.part for one in wanted))

        def one_more() -> None:
            told[0] += 1
            if told[0] % _EVERY == 0:
                share = told[0] / sum(one.steps for one in wanted)
                self.specimen.progress(self.done + round(planned * min(share, 1.0)), self.total)

        def work(one: Wanted) -> Callable[[Step], Any]:
            return lambda step: kept(scratch, one.name, one.about, lambda: one.train(lambda _: step()), one.kind)

        made = side_by_side([work(one) for one in wanted], one_more)
        self.done += planned
        self.specimen.progress(self.done, self.total)
        return made


class _StoppedError(Exception):
    """Another piece of work failed, or the run was stopped."""


def side_by_side(works: Sequence[Callable[[Step], R]], tell: Step) -> list[R]:
    """Return what each piece of work makes, as many at a time as PyTorch has threads, which they share.

    Args:
        works: Each is given what to call after each of its steps.
        tell: Called after each step of any of them, in the thread that waits for them.

    Raises:
        BaseException: What the first of them raised that failed, or what ``tell`` raised; the others stop at their
            next step.
    """
    threads = torch.get_num_threads()
    at_once = min(threads, len(works))
    if at_once < 2:
        return [work(tell) for work in works]
    stop, ended_or_stepped = threading.Event(), SimpleQueue[bool]()

    def stepped() -> None:
        if stop.is_set():
            raise _StoppedError
        ended_or_stepped.put(False)

    def alone(work: Callable[[Step], R]) -> R:
        torch.set_num_threads(max(threads // at_once, 1))  # PyTorch keeps this number by thread
        try:
            return work(stepped)
        except BaseException:
            stop.set()
            raise
        finally:
            ended_or_stepped.put(True)

    pool = ThreadPoolExecutor(at_once)
    try:
        futures = [pool.submit(alone, work) for work in works]
        left = len(works)
        while left:
            if ended_or_stepped.get():
                left -= 1
            else:
                tell()
        failed = [error for future in futures if (error := future.exception()) is not None]
        for error in sorted(failed, key=lambda error: isinstance(error, _StoppedError)):
            raise error
        return [future.result() for future in futures]
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def halves(specimen: wl.Specimen, items: Sequence[T]) -> list[tuple[wl.Specimen, list[T]]]:
    """Return which items are measured in which model: every other one in a copy of it, since hooks are the model's."""
    if len(items) < 2 or torch.get_num_threads() < 2:
        return [(specimen, list(items))]
    other = specimen.with_model(copy.deepcopy(specimen.model))
    return [(specimen, list(items[::2])), (other, list(items[1::2]))]


def one_by_one(
    of: Callable[[wl.Specimen, T], R], running: wl.Specimen, items: Sequence[T]
) -> Callable[[Step], list[R]]:
    """Return what measures some items in a model, one after the other."""

    def work(step: Step) -> list[R]:
        measured = []
        for item in items:
            measured.append(of(running, item))
            step()
        return measured

    return work


def dealt(groups: Sequence[tuple[wl.Specimen, list[T]]], of: Callable[[wl.Specimen, T], R], tell: Step) -> list[R]:
    """Return what is measured of items that `halves` dealt out, in the order they had.

    Args:
        groups: Models, and the items of each.
        of: Measures an item in a model; what gradients are wanted is each thread's own choice.
        tell: Called after each item, in the thread that waits.
    """
    return woven(side_by_side([one_by_one(of, running, items) for running, items in groups], tell))


def woven(parts: Sequence[Sequence[R]]) -> list[R]:
    """Return what was dealt out in the order it had: the first of each part, then the second of each.

    >>> woven([[0, 2, 4], [1, 3]])
    [0, 1, 2, 3, 4]
    """
    return [parts[number % len(parts)][number // len(parts)] for number in range(sum(map(len, parts)))]
