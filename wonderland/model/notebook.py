"""Progress of training in a notebook: a bar, what is left, and the losses of each epoch, under the cell that trains.

It is shown where nobody else asked to be told and the code runs in Jupyter, or in anything else that has a kernel; in a
script nothing is. What is shown is a few numbers of our own, so there is no text of a message in a saved notebook.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wonderland.model.history import Epoch
    from wonderland.model.training import Progress

__all__ = ["TrainingDisplay", "training_display"]

_EVERY_SECONDS = 0.5


def training_display() -> TrainingDisplay | None:
    """Return what shows the progress of a run under the cell of a notebook; None anywhere else."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    if get_shell is None or getattr(get_shell(), "kernel", None) is None:  # no notebook, or IPython in a terminal
        return None
    display: Any = importlib.import_module("IPython.display")
    handle = display.display(display.HTML(""), display_id=True)
    return TrainingDisplay(lambda html: handle.update(display.HTML(html)))


class TrainingDisplay:
    """Takes the progress of a run and shows it, twice a second at most; the end of an epoch always.

    Args:
        show: Shows HTML in place of what it showed before.
        clock: Seconds of a clock that only goes forward.
    """

    def __init__(self, show: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._show, self._clock = show, clock
        self._shown: float | None = None
        self._epochs: list[Epoch] = []
        self._remarks: list[str] = []

    def __call__(self, at: Progress) -> None:
        """Take note of where the run is."""
        if at.epoch is not None:
            self._epochs.append(at.epoch)
        if at.remark:
            self._remarks.append(at.remark)
        now = self._clock()
        if at.epoch or at.remark or self._shown is None or now - self._shown >= _EVERY_SECONDS:
            self._shown = now
            self._show(self._html(at))

    def _html(self, at: Progress) -> str:
        share = at.tokens / max(at.all_tokens, 1)
        told = [f"{share:.0%} of {at.all_tokens:,} tokens"]
        if at.loss and not at.remark:
            told.append(f"training loss {at.loss:.3f} nats a token")
        if at.tokens and share < 1:
            told.append(f"{_time(at.seconds * (1 - share) / share)} left")
        bar = f'<progress value="{share:.4f}" max="1"></progress> {", ".join(told)}'
        remarks = "".join(f"<div>{escape(remark)}</div>" for remark in self._remarks)
        return f"<div>{bar}</div>{remarks}{self._table() if self._epochs else ''}"

    def _table(self) -> str:
        rows = "".join(
            f"<tr><td>{one.epoch}</td><td>{one.train_loss:.3f}</td><td>{_loss(one.held_out_loss)}</td></tr>"
            for one in self._epochs
        )
        heads = "<tr><th>epoch</th><th>training loss</th><th>held-out loss</th></tr>"
        return f"<table><thead>{heads}</thead><tbody>{rows}</tbody></table>"


def _loss(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
