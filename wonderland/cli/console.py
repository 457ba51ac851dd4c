"""What a person sees while a command works: results on stdout, progress on stderr, errors that say what to type.

Message text never goes through rich markup, and control characters are shown, not sent to the terminal.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

__all__ = ["Console", "fitted", "plain"]

_EVERY_SECONDS, _EVERY_SHARE = 30.0, 0.05
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def plain(text: str) -> str:
    """Return text with control, bidirectional and unprintable characters written as escapes.

    >>> plain("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


@dataclass
class Console:
    """Where a command writes.

    Attributes:
        as_json: Print one JSON object at the end instead of text.
        quiet: No progress.
        where: The option that names the workspace, as it was given, for the next command.
        collected: What the JSON object will hold.
        silent: Nothing at all: this is one of several processes, and another one speaks.
        take_back: Puts the settings back as they were before this command wrote any; None if it wrote none.
        pending: What was written into the settings, to be said once it is sure that it stays.
    """

    as_json: bool = False
    quiet: bool = False
    where: str = ""
    collected: dict[str, Any] = field(default_factory=dict)
    silent: bool = False
    take_back: Callable[[], None] | None = None
    pending: list[str] = field(default_factory=list)

    def result(self, **values: Any) -> None:
        """Collect values for the JSON object."""
        self.collected.update(values)

    def say(self, text: str = "") -> None:
        """Print a line of the result; on a terminal that is too narrow for it, broken between words."""
        if not self.as_json and not self.silent:
            print(fitted(text, sys.stdout), flush=True)

    def paragraph(self, text: str, indent: int = 0) -> None:
        """Print text broken between words at the width of the terminal, each line indented."""
        width = max(shutil.get_terminal_size((100, 24)).columns, indent + 20)
        for line in textwrap.wrap(text, width - indent, break_long_words=False, break_on_hyphens=False):
            self.say(" " * indent + line)

    def rows(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Print label, value and remark in three columns."""
        if self.as_json or not rows:
            return
        left = max(len(label) for label, _, _ in rows)
        right = max(len(value) for _, value, _ in rows)
        for label, value, remark in rows:
            self.say(f"{label:<{left}}  {value:>{right}}   {remark}".rstrip())

    def ticks(self, items: Sequence[tuple[bool, str, str]]) -> None:
        """Print what was verified, each with a tick or a cross and its detail."""
        width = max((len(name) for _, name, _ in items), default=0)
        columns = shutil.get_terminal_size((100, 24)).columns
        for passed, name, detail in items:
            if width + len(detail) + 4 <= columns:
                self.say(f"{self.mark(passed)} {name:<{width}}  {self._style(detail, '2')}".rstrip())
            else:  # a line of its own, that no word is broken
                self.say(f"{self.mark(passed)} {name}")
                self.paragraph(detail, indent=4)

    def mark(self, passed: bool | None) -> str:
        """Return a tick or a cross, or for what is neither because it goes on, None, dots."""
        if passed is None:
            return self._style("…", "33")
        return self._style("✓", "32") if passed else self._style("✗", "31;1")

    def next(self, command: str) -> None:
        """Say what to type next, after what was written: a command that says so has done its work."""
        self.say_written()
        self.collected["next"] = command + self.where
        self.say(f"Next: {self._style(command + self.where, '1')}")

    def note(self, text: str) -> None:
        """Print a remark on stderr."""
        if not self.quiet and not self.silent:
            print(fitted(text, sys.stderr), file=sys.stderr, flush=True)

    def say_written(self) -> None:
        """Say what was written into the settings and was not said yet."""
        while self.pending:
            self.note(self.pending.pop(0))

    def finish(self) -> None:
        """Print the JSON object, if that is what was asked for."""
        if self.as_json and not self.silent:
            print(json.dumps(self.collected, indent=1, default=str))

    @contextmanager
    def progress(self, title: str, unit: str = "") -> Iterator[Meter]:
        """Show how far a long piece of work is."""
        if self.quiet or self.silent:
            yield Meter()
        elif sys.stderr.isatty():
            yield from _bar(title)
        else:
            yield LineMeter(title, unit)

    @staticmethod
    def _style(text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() and text else text


class Meter:
    """Takes note of progress and shows nothing."""

    def update(self, done: float, total: float, remark: str = "") -> None:
        """Say that so much is done."""

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep off the terminal while somebody is asked."""
        yield


class LineMeter(Meter):
    """Prints a line every 5% or 30 seconds, for logs."""

    def __init__(self, title: str, unit: str) -> None:
        self.title, self.unit = title, unit
        self.share, self.time = 0.0, time.monotonic()

    def update(self, done: float, total: float, remark: str = "") -> None:
        """Print a line if enough happened since the last one."""
        share, now = done / total if total else 1.0, time.monotonic()
        if share < self.share or self.share >= 1:  # another of several pieces of work, which begins anew
            self.share = 0.0
        if share - self.share >= _EVERY_SHARE or now - self.time >= _EVERY_SECONDS:
            self.share, self.time = share, now
            print(f"{self.title}: {share:.0%} {remark}".rstrip(), file=sys.stderr, flush=True)


class BarMeter(Meter):
    """A progress bar on a terminal."""

    def __init__(self, bar: Any, task: Any) -> None:
        self.bar, self.task = bar, task

    def update(self, done: float, total: float, remark: str = "") -> None:
        """Move the bar."""
        share = f"{done / total:>4.0%}" if total else ""
        self.bar.update(self.task, completed=done, total=total, remark=remark, share=share)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bar away while somebody is asked."""
        self.bar.stop()
        try:
            yield
        finally:
            self.bar.start()


def fitted(text: str, stream: TextIO) -> str:
    """Return text with its long lines broken between words, if it goes to a terminal; further lines are indented."""
    columns = shutil.get_terminal_size((100, 24)).columns
    if not stream.isatty() or columns < 20:
        return text
    lines: list[str] = []
    for line in text.split("\n"):
        lines += [line] if _width(line) <= columns else _broken(line, columns)
    return "\n".join(lines)


def _broken(line: str, columns: int) -> list[str]:
    """Break a line between words; what colours it has no width."""
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    lines = [""]
    for piece in re.findall(r" *[^ ]+", line):  # a word with the spaces before it, which may align columns
        if lines[-1].strip() and _width(lines[-1]) + _width(piece) > columns:
            lines.append(indent + piece.lstrip(" "))
        else:
            lines[-1] += piece
    return lines


def _width(text: str) -> int:
    return len(_COLOURS.sub("", text))


def _bar(title: str) -> Iterator[Meter]:
    """Yield a bar that says no share until one is known."""
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description:<12}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[share]}", markup=False),
        TextColumn("{task.fields[remark]}", markup=False),
    )
    with Progress(*columns, console=RichConsole(stderr=True), transient=True) as bar:
        yield BarMeter(bar, bar.add_task(title, total=None, remark="", share=""))


def size_of(count: int) -> str:
    """Return a number of bytes as people say it.

    >>> size_of(1_234), size_of(2_500_000)
    ('1.2 kB', '2.5 MB')
    """
    return f"{count / 1e6:,.1f} MB" if count >= 50_000 else f"{count / 1e3:,.1f} kB"


def number(value: float) -> str:
    """Return a count with thousands separated."""
    return f"{value:,.0f}"


def clock(seconds: float) -> str:
    """Return a duration as people say it.

    >>> clock(7), clock(75), clock(3700)
    ('7 s', '1 min 15 s', '1 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def shares(counts: Mapping[str, int], whole: int) -> list[tuple[str, str, str]]:
    """Return counts with their share of a whole, for `Console.rows`."""
    return [(f"  {name}", number(count), f"{count / whole:.1%}" if whole else "") for name, count in counts.items()]
