"""Snapshots: whole models kept on the way, half of them at log-spaced moments and half at even ones.

Some things are learned within a small share of the tokens, as an induction head may be (Olsson et al. 2022,
"In-context learning and induction heads"): evenly spaced copies alone would miss them. Others come late: on the
demonstration messages the head that says who speaks forms in the second half, between two log-spaced copies.
The first copy is the untrained model; each file opens with `ChatTransformer.load` and can be examined like the final
one. That they fit on the disk is known before training.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wonderland.advice import Hint, Options
from wonderland.errors import ResourceError
from wonderland.model.transformer import Transformer

__all__ = ["Snapshots", "marks"]


def marks(count: int, first: int, last: int) -> list[int]:
    """Return the tokens after which to keep a model: 0, half of the rest log-spaced from ``first``, half even.

    The even ones end at ``last``; the log-spaced ones end before the first even one.

    >>> marks(9, 1_000, 1_000_000)
    [0, 1000, 3976, 15811, 62872, 250000, 500000, 750000, 1000000]
    """
    if count < 2:
        return [last][:count]
    n_even = count // 2
    even = [last * (i + 1) / n_even for i in range(n_even)]
    spaced = np.geomspace(min(first, even[0]), even[0], count - n_even)[:-1]
    return [0, *sorted({round(mark) for mark in (*spaced, *even)})]


@dataclass(frozen=True)
class Snapshots:
    """A folder of models kept along the way.

    Args:
        folder: Where they go, one ``tokens-000001000.safetensors`` each.
        marks: Tokens after which to keep one; the first step at or past a mark is kept.
    """

    folder: Path
    marks: list[int]

    def make_room(self, model: Transformer, *, fresh: bool) -> None:
        """Make the folder, and if the run is a fresh one, delete what another left in it.

        Raises:
            ResourceError: The disk has less free than they will take.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        there = sorted(self.folder.glob("tokens-*.safetensors"))
        for path in there if fresh else []:
            path.unlink()
        needed = (len(self.marks) - (0 if fresh else len(there))) * 4 * model.n_params
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise ResourceError(
                f"{len(self.marks)} models on the way take {needed / 1e6:,.0f} MB; {free / 1e6:,.0f} MB are free.",
                hint=Hint("Keep fewer, for example: ", Options("train", snapshots=10)),
            )

    def keep(self, model: Transformer, before: int, tokens: int) -> None:
        """Keep the model if a mark lies after ``before`` and at or under ``tokens``."""
        if any(before < mark <= tokens for mark in self.marks):
            model.save(self.folder / f"tokens-{tokens:09d}.safetensors")
