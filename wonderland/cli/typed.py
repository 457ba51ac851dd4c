"""The words that were typed behind a command, read and written anew: places, options, the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import click

from wonderland.as_typed import quoted

__all__ = ["TYPED", "places_typed", "with_options", "with_value", "words_apart", "workspace_typed"]

TYPED = "wonderland.cli.typed"
"""Where the context of a command holds the words that followed it."""


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


def with_options(typed: Sequence[str], new: Sequence[str], options: Sequence[click.Option]) -> list[str]:
    """Return words with other options: those of the same name go, whatever they said.

    Args:
        typed: What follows the command.
        new: Options with their values, as words.
        options: The options that the command has.
    """
    of = {flag: one for one in options for flag in (*one.opts, *one.secondary_opts)}
    gone = {flag for word in new if word in of for flag in (*of[word].opts, *of[word].secondary_opts)}
    parts, behind = words_apart(typed, of)
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
    parts, behind = words_apart(typed, of)
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
    parts, behind = words_apart(typed, {flag: one for one in options for flag in (*one.opts, *one.secondary_opts)})
    return [*(part[0] for part in parts if not part[0].startswith("-")), *behind[1:]]


def words_apart(typed: Sequence[str], of: Mapping[str, click.Option]) -> tuple[list[list[str]], list[str]]:
    """Return each word, an option with its value, and what stands behind ``--``, that first."""
    parts, rest = list[list[str]](), iter(typed)
    for word in rest:
        if word == "--":
            return parts, ["--", *rest]
        takes = word in of and not of[word].is_flag
        parts.append([word, *islice(rest, takes)])
    return parts, []
