"""What to type next, in full: a hint's commands name the workspace, and its options follow what was typed before."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import islice

import click

from wonderland.as_typed import as_typed, quoted
from wonderland.errors import SeveralSources
from wonderland.paths import expanded

__all__ = [
    "in_full",
    "in_workspace",
    "of_the_split",
    "places_typed",
    "with_each_source",
    "with_options",
    "with_value",
    "workspace_typed",
]

_OF_A_WORKSPACE = (
    *("analyze", "audit", "chat", "check", "compare", "export", "extract", "filter", "generate", "report", "run"),
    *("status", "tokenize", "train", "wipe"),
)
_BEGINS = re.compile(rf"(?:(?<=`)|(?<=: )|(?<=&& ))wonderland (?:{'|'.join(_OF_A_WORKSPACE)})\b")
_WORD = r"(?:\$'(?:[^'\\]|\\.)*'|'[^']*'|\"[^\"]*\"|[^\s'\"`;])+"
_LONGEST = 500  # characters of a command that is worth repeating
_ONES_OWN = ("--i-asked-them",)  # nobody else is to write it


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


def of_the_split(hint: str) -> str:
    """Return a hint whose options of the split are a command that has them, for a command that has not.

    >>> of_the_split("Another share can: --held-out 0.2")
    'Another share can: wonderland tokenize --held-out 0.2'
    """
    return re.sub(r"(?<=: )(?=--(?:by|held-out) )", "wonderland tokenize ", hint)


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


def workspace_typed(words: Sequence[str]) -> str:
    """Return the option that names the workspace as it was typed, with a space before it; "" if none was.

    >>> workspace_typed(["a.zip", "-w", "my place"]), workspace_typed(["--workspace=ours"]), workspace_typed(["a.zip"])
    (" -w 'my place'", ' -w ours', '')
    """
    for at, word in enumerate(words):
        if word in ("-w", "--workspace") and at + 1 < len(words):
            return f" -w {quoted(words[at + 1])}"
        if word.startswith("--workspace="):
            return f" -w {quoted(word.partition('=')[2])}"
        if word.startswith("-w") and len(word) > 2:
            return f" -w {quoted(word[2:])}"
    return ""


def in_full(hint: str, command: str, typed: Sequence[str], options: Sequence[click.Option]) -> str:
    """Return a hint in which options alone have become the whole command: what was typed, with these options.

    Args:
        hint: What to type; options alone stand behind a colon.
        command: The command that was typed.
        typed: What followed it.
        options: The options it has. What is no option of the command is another program's and stays as it is.

    A hint that has the whole command already says in it what goes to which of several stores, and is left alone.

    >>> me, partial = click.Option(["--me"]), click.Option(["--partial/--no-partial"])
    >>> in_full("Cut short. To keep its rows: --partial", "extract", ["a b.zip", "-w", "ours"], [me, partial])
    "Cut short. To keep its rows: wonderland extract 'a b.zip' -w ours --partial"
    >>> in_full("Say who: --me Ada or --me Bo.", "extract", ["a.zip", "--me", "Zed"], [me, partial])
    'Say who: wonderland extract a.zip --me Ada or --me Bo.'
    """
    if f": wonderland {command} " in hint:
        return hint
    told, done = "", 0
    for begin in re.finditer(r"(?<=: )(?<!add: )(?<!There are: )--[a-z]", hint):
        given, end = _options_at(hint, begin.start(), options)
        if not given or any(word in _ONES_OWN for words in given for word in words):
            continue
        whole = with_options(typed, [word for words in given for word in words], options)
        if sorted(whole) == sorted(typed) or len(as_typed(command, *whole)) > _LONGEST:
            continue
        told += hint[done : begin.start()] + as_typed(command, *whole)
        done = end
    return told + hint[done:]


def with_options(typed: Sequence[str], new: Sequence[str], options: Sequence[click.Option]) -> list[str]:
    """Return words with other options: those of the same name go, whatever they said.

    Args:
        typed: What follows the command.
        new: Options with their values, as words.
        options: The options that the command has.
    """
    of = {flag: one for one in options for flag in (*one.opts, *one.secondary_opts)}
    gone = {flag for word in new if word in of for flag in (*of[word].opts, *of[word].secondary_opts)}
    parts, behind = _parts(typed, of)
    stay = [word for part in parts if part[0].partition("=")[0] not in gone for word in part]
    return [*stay, *new, *behind]


def with_value(
    typed: Sequence[str], wrong: str, right: Sequence[str], option: click.Option, options: Sequence[click.Option]
) -> list[str]:
    """Return words with another value of an option, where it stands; behind the others if it is not found.

    Args:
        typed: What follows the command.
        wrong: The value that was refused, or one of several that commas separate.
        right: The option with the value that it is to have, as words.
        option: The option.
        options: The options that the command has.

    >>> dates = click.Option(["--dates"], multiple=True)
    >>> with_value(["a b.txt", "--dates=xyz", "--", "-c"], "xyz", ["--dates", "dmy"], dates, [dates])
    ['a b.txt', '--dates', 'dmy', '--', '-c']
    >>> with_value(["--dates", "mdy", "--dates", "x", "a"], "x", ["--dates", "dmy"], dates, [dates])
    ['--dates', 'mdy', '--dates', 'dmy', 'a']
    >>> with_value(["--dates", "--me", "Ada"], "--me", ["--dates", "dmy"], dates, [dates, click.Option(["--me"])])
    ['--me', 'Ada', '--dates', 'dmy']
    """
    of = {flag: one for one in options for flag in (*one.opts, *one.secondary_opts)}
    flags = {*option.opts, *option.secondary_opts}
    if wrong.partition("=")[0] in of:  # the option had no value, and took the next option for it
        at = next((at for at in range(len(typed) - 1) if typed[at] in flags and typed[at + 1] == wrong), None)
        return with_options(typed if at is None else [*typed[:at], *typed[at + 1 :]], right, options)
    parts, behind = _parts(typed, of)
    found = False
    for at, part in enumerate(parts):
        flag, is_, value = part[0].partition("=")
        values = (value if is_ else part[-1]).split(",")
        if flag in flags and wrong in (",".join(values), *map(str.strip, values)):
            parts[at] = [right[0], ",".join(right[1] if one.strip() == wrong else one for one in values)]
            if ",".join(values) == wrong:
                parts[at] = [*right]
            found = True
    return [*(word for part in parts for word in part), *behind] if found else with_options(typed, right, options)


def places_typed(typed: Sequence[str], options: Sequence[click.Option]) -> list[str]:
    """Return the words that are neither options nor their values."""
    parts, behind = _parts(typed, {flag: one for one in options for flag in (*one.opts, *one.secondary_opts)})
    return [*(part[0] for part in parts if not part[0].startswith("-")), *behind[1:]]


def _parts(typed: Sequence[str], of: Mapping[str, click.Option]) -> tuple[list[list[str]], list[str]]:
    """Return each word, an option with its value, and what stands behind ``--``, that first."""
    parts, rest = list[list[str]](), iter(typed)
    for word in rest:
        if word == "--":
            return parts, ["--", *rest]
        takes = word in of and not of[word].is_flag
        parts.append([word, *islice(rest, takes)])
    return parts, []


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
    parts, _ = _parts(typed, {flag: one for one in options for flag in (*one.opts, *one.secondary_opts)})
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


def _options_at(hint: str, at: int, options: Sequence[click.Option]) -> tuple[list[list[str]], int]:
    """Return the options that begin at a place of a hint, each with its value, and where they end."""
    takes = {flag: not one.is_flag for one in options for flag in (*one.opts, *one.secondary_opts)}
    given = list[list[str]]()
    while found := re.compile(r"--[a-z][a-z0-9-]*").match(hint, at):
        if found[0] not in takes:
            return [], at
        given.append([found[0]])
        at = found.end()
        if takes[found[0]]:
            value = re.compile(rf" ({_WORD})").match(hint, at)
            if value is None:
                return [], at
            word = value[1].rstrip(".,")
            given[-1] += shlex.split(word)
            at += 1 + len(word)
        if not hint.startswith(" --", at):
            break
        at += 1
    return given, at
