"""What click refuses, said in our words: what is wrong, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from wonderland.as_typed import as_typed, quoted
from wonderland.cli.plugin_command import Command
from wonderland.cli.typed import TYPED, places_typed, with_options, with_value
from wonderland.corpus.misnamed import in_words
from wonderland.nearby import did_you_mean

__all__ = ["refusal"]

_HERE = "VALUE_COMES_HERE"


def refusal(error: click.ClickException) -> tuple[str, str]:
    """Return what is wrong with a command line, and what to type next.

    Args:
        error: What click raised of it.
    """
    ctx = getattr(error, "ctx", None)
    typed = ctx.command_path if ctx else "wonderland"
    help_ = f"`{typed} --help` tells all of it."
    if isinstance(error, click.MissingParameter):
        name = _name(error.param, ctx)
        needed = " ".join([*map(quoted, _typed(ctx)), *_needed(ctx)]) if ctx else ""
        if error.param and (known := _choices(error.param)):  # what stands between bars would be a pipe, typed
            shown = f"{typed} {needed or name}"
            each = ", or: ".join(shown.replace(_metavar(error.param, ctx), one) for one in known)
            what = f"{name}: " if isinstance(error.param, click.Option) else ""
            return f"`{typed}` needs {what}{in_words(known, 'or')}.", f"For example: {each}. {help_}"
        return f"`{typed}` needs {name}.", f"For example: {typed} {needed or name}. {help_}"
    if isinstance(error, click.NoSuchOption):
        known = [flag for param in ctx.command.get_params(ctx) for flag in param.opts] if ctx else []
        long = [flag for flag in known if flag.startswith("--")]
        return f"`{typed}` has no option {error.option_name}.", did_you_mean(
            error.option_name, long, f"`{typed} --help` lists them all."
        )
    if isinstance(error, click.BadParameter):
        return _bad(error, typed, help_)
    if isinstance(error, click.BadOptionUsage) and ctx:
        param = _option(ctx, error.option_name)
        if param is not None and (param.is_flag or param.count):
            again = _again(ctx, with_options(_typed(ctx), [error.option_name], _options(ctx)))
            return f"{error.option_name} takes no value.", f"Type: {again}. {help_}"
        again = _again(ctx, with_options(_typed(ctx), [error.option_name, _HERE], _options(ctx)))
        known = _choices(param)
        shown = known[0] if known else param.make_metavar(ctx) if param is not None else ""
        needs = f": {in_words(known, 'or')}" if known else ""
        return f"{error.option_name} needs a value{needs}.", f"For example: {again.replace(_HERE, shown)}. {help_}"
    message = error.format_message().strip()
    for begin in ("Got unexpected extra argument (", "Got unexpected extra arguments ("):
        if message.startswith(begin):
            words = message.removeprefix(begin).removesuffix(")")
            return f"`{typed}` takes no such word: {words}", f"Leave it out. {help_}"
    return message, help_


def _bad(error: click.BadParameter, typed: str, help_: str) -> tuple[str, str]:
    """Return the same of a value that is not fit."""
    name = _name(error.param, error.ctx)
    if known := _choices(error.param):
        given = error.message.partition(" is not one of")[0].strip("'\"")
        near = did_you_mean(given, known, "")
        guess = near.removeprefix("Did you mean ").partition("?")[0].partition(" or ")[0] if "?" in near else known[0]
        example = f"{typed} {name} {guess}" if isinstance(error.param, click.Option) else f"{typed} {guess}"
        if error.ctx is not None and (words := _typed(error.ctx)):
            if isinstance(error.param, click.Option):
                words = with_value(words, given, [name, guess], error.param, _options(error.ctx))
            else:
                words = [guess if word == given else word for word in words]
            example = _again(error.ctx, words)
        who = name if isinstance(error.param, click.Option) else f"`{typed}`"
        return f"{who} takes {in_words(known, 'or')}, not {given!r}.", f"For example: {example}. {help_}"
    return f"{name}: {error.message}" if name else error.message, help_


def _name(param: click.Parameter | None, ctx: click.Context | None) -> str:
    """Return what somebody would type for a parameter: the longest form of an option, an argument by its name."""
    if param is None:
        return ""
    if isinstance(param, click.Option):
        return max(param.opts, key=len)
    return _metavar(param, ctx)


def _metavar(param: click.Parameter, ctx: click.Context | None) -> str:
    """Return what stands for the value of a parameter."""
    return param.make_metavar(ctx or click.Context(click.Command(None))).strip("[]").removesuffix("...")


def _choices(param: click.Parameter | None) -> list[str]:
    """Return the values that a parameter takes; none if it takes any."""
    return [str(one) for one in param.type.choices] if param and isinstance(param.type, click.Choice) else []


def _needed(ctx: click.Context) -> Iterator[str]:
    """Yield what a command needs after its name and was not typed."""
    words, places = _typed(ctx), len(places_typed(_typed(ctx), _options(ctx)))
    for param in ctx.command.get_params(ctx):
        if not param.required:
            continue
        if isinstance(param, click.Option):
            given = any(word.partition("=")[0] in param.opts for word in words)
        else:
            given, places = places > 0, places - 1
        if not given:
            told = _metavar(param, ctx)
            yield f"{_name(param, ctx)} {told}" if isinstance(param, click.Option) else told


def _typed(ctx: click.Context) -> list[str]:
    """Return what was typed behind the command."""
    return [*ctx.meta.get(TYPED, ())]


def _options(ctx: click.Context) -> list[click.Option]:
    return ctx.command.options(ctx) if isinstance(ctx.command, Command) else []


def _again(ctx: click.Context, words: Sequence[str]) -> str:
    """Return the command as it is to be typed."""
    return as_typed(str(ctx.command.name), *words)


def _option(ctx: click.Context, name: str) -> click.Option | None:
    """Return the option of a command that is written so."""
    options = (one for one in ctx.command.get_params(ctx) if isinstance(one, click.Option))
    return next((one for one in options if name in (*one.opts, *one.secondary_opts)), None)
