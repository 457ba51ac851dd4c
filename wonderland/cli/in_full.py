"""What to type next, in full: advice becomes the command that was typed with these options, in the same workspace."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from wonderland.advice import Command, Hint, Options
from wonderland.as_typed import as_typed
from wonderland.cli.typed import TYPED, places_typed, with_options, words_apart, workspace_typed
from wonderland.errors import SeveralSources
from wonderland.paths import expanded

__all__ = ["in_full", "in_full_here", "in_workspace", "with_each_source"]

_OF_A_WORKSPACE = (
    *("analyze", "audit", "chat", "check", "compare", "export", "extract", "filter", "generate", "report", "run"),
    *("status", "tokenize", "train", "wipe"),
)
_BEGINS = re.compile(rf"(?:(?<=`)|(?<=: )|(?<=&& ))wonderland (?:{'|'.join(_OF_A_WORKSPACE)})\b")
_WORD = r"(?:\$'(?:[^'\\]|\\.)*'|'[^']*'|\"[^\"]*\"|[^\s'\"`;])+"
_LONGEST = 500  # characters of a command that is worth repeating


def in_full(hint: str, command: str, typed: Sequence[str], options: Sequence[click.Option]) -> str:
    """Return a hint whose advice can be typed as it is printed.

    Args:
        hint: What to type next; of text alone, as a plugin may write it, commands get the workspace.
        command: The command that was typed.
        typed: What followed it.
        options: The options it has.

    >>> me, partial = click.Option(["--me"]), click.Option(["--partial/--no-partial"])
    >>> hint = Hint("Cut short. To keep its rows: ", Options("extract", partial=True))
    >>> in_full(hint, "extract", ["a b.zip", "-w", "ours"], [me, partial])
    "Cut short. To keep its rows: wonderland extract 'a b.zip' -w ours --partial"
    >>> in_full(hint, "report", ["-w", "ours"], [])
    'Cut short. To keep its rows: wonderland extract --partial -w ours'
    >>> in_full(Hint("Say who: ", Options(me="Ada").or_(me="Bo")), "extract", ["a.zip", "--me", "Zed"], [me, partial])
    'Say who: wonderland extract a.zip --me Ada or --me Bo'
    """
    where = workspace_typed(typed)
    if not isinstance(hint, Hint):
        return in_workspace(hint, where)
    return in_workspace("".join(_told(part, command, typed, options, where) for part in hint.parts), where)


def in_full_here(hint: str) -> str:
    """Return what a command that works has to say, with its advice as it can be typed after this command."""
    ctx = click.get_current_context(silent=True)
    if ctx is None:
        return hint
    options = [one for one in ctx.command.get_params(ctx) if isinstance(one, click.Option)]
    return in_full(hint, str(ctx.command.name), ctx.meta.get(TYPED, ()), options)


def _told(
    part: str | Command | Options, command: str, typed: Sequence[str], options: Sequence[click.Option], where: str
) -> str:
    """Return a part of a hint as it is typed."""
    if isinstance(part, str):
        return part
    if isinstance(part, Command) and not (part.keeping and part.name == command):
        return str(part) + (where if part.name in _OF_A_WORKSPACE else "")
    if isinstance(part, Options) and (part.command not in ("", command) or {*part.names} - {*typed}):
        return part.following(as_typed(part.command, *part.names, *part.words, where=where))
    words = part.words
    flags = {flag for one in options for flag in (*one.opts, *one.secondary_opts)}
    whole = with_options(typed, words, options)
    if words[0] not in flags or sorted(whole) == sorted(typed) or len(as_typed(command, *whole)) > _LONGEST:
        return str(part)
    return part.following(as_typed(command, *whole)) if isinstance(part, Options) else as_typed(command, *whole)


def in_workspace(hint: str, where: str) -> str:
    """Return a hint whose commands name the workspace, as the command that failed did.

    Args:
        hint: What to type; commands stand in backquotes, or behind a colon until the end of the sentence.
        where: The option that names the workspace, as it is typed, with a space before it; "" if none was.

    >>> in_workspace("Run `wonderland train` first.", " -w ours")
    'Run `wonderland train -w ours` first.'
    >>> in_workspace("Keep some: wonderland train --snapshots 10", " -w ours")
    'Keep some: wonderland train --snapshots 10 -w ours'
    >>> in_workspace("First: wonderland check. Then: wonderland report", " -w ours")
    'First: wonderland check -w ours. Then: wonderland report -w ours'
    >>> in_workspace("Give it: wonderland extract 'A; b. C'/*.csv", " -w ours")
    "Give it: wonderland extract 'A; b. C'/*.csv -w ours"
    """
    if not where:
        return hint
    told, done = "", 0
    for begin in _BEGINS.finditer(hint):
        end = _end_of(hint, begin.end(), quoted_in=hint[begin.start() - 1 : begin.start()] == "`")
        command = hint[begin.start() : end]
        told += hint[done:end] + ("" if " -w " in command or command.endswith(" --help") else where)
        done = end
    return told + hint[done:]


def _end_of(hint: str, begin: int, *, quoted_in: bool) -> int:
    """Return where a command ends: at the backquote, or where its sentence or the sentence's part does."""
    at = begin
    while found := re.compile(rf" {_WORD}").match(hint, at):
        at = found.end()
        if not quoted_in and re.match(r"[.]( [A-Z]|$)", hint[at - 1 : at + 2]):
            return at - 1
        if not quoted_in and hint.startswith(" && ", at):
            return at
    return at


def with_each_source(error: SeveralSources, command: str, typed: Sequence[str], options: Sequence[click.Option]) -> str:
    """Return what to type to have one of several stores read with each source that finds something in it.

    Args:
        error: What was said of that store, whose own hint is enough where it is the only one.
        command: The command that was typed.
        typed: What followed it.
        options: The options it has.
    """
    places = places_typed(typed, options)
    meant = [place for place in places if expanded(place).absolute() == error.path]
    if len(places) < 2 or not meant:
        return error.hint
    parts, _ = words_apart(typed, {flag: one for one in options for flag in (*one.opts, *one.secondary_opts)})
    names = [part[-1].removeprefix("--source=") for part in parts if part[0].partition("=")[0] == "--source"]
    names = names if len(names) == len(places) else [""] * len(places)
    named = [error.names[0] if place == meant[0] else name for place, name in zip(places, names, strict=True)]
    one, each = (
        with_options(typed, [word for name in [*named, *more] for word in ("--source", name)], options)
        for more in ((), error.names[1:])
    )
    again = [meant[0]] * (len(error.names) - 1)
    at = each.index("--source")
    each = [*each[:at], *again, *each[at:]] if "--" not in each else [*each, *again]
    return f"To read it with each: {as_typed(command, *each)}. With one of them: {as_typed(command, *one)}"
