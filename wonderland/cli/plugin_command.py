"""A command that takes further options, which only the chosen plugin knows, and names them in its help.

The words typed are read twice. First loosely, to see which plugin is meant; that plugin's options then join the
command's own, and click reads all of them as usual: types, choices, ``--no-``, ``=`` and help included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wonderland.cli.in_full import in_full, with_each_source
from wonderland.cli.options import FURTHER, option
from wonderland.cli.typed import TYPED
from wonderland.corpus.locating import is_there
from wonderland.errors import SeveralSources, UsageError, WonderlandError
from wonderland.nearby import did_you_mean, is_near
from wonderland.workspace.catalogue import Parameters

__all__ = ["EVERY", "Command", "Further", "Group", "PluginCommand", "group_of", "without_values"]

Further = Callable[[click.Context, list[str], Mapping[str, Any]], Sequence["Group"]]
_META = "wonderland.cli.further"
EVERY = "wonderland.cli.every"
"""Where the context holds a function that returns the groups of all that could have been meant."""


@dataclass(frozen=True)
class Group:
    """Options of one plugin, or rows that only the help shows.

    Attributes:
        title: Their heading in the help.
        options: The options; several groups may share one of a name.
        rows: Names and what they are.
    """

    title: str
    options: tuple[click.Option, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


def group_of(title: str, parameters: Parameters) -> Group:
    """Return the options of annotated parameters, of those that can be typed."""
    made = (option(name, *about, prefix=FURTHER) for name, about in parameters.items())
    return Group(title, tuple(one for one in made if one is not None))


def without_values(words: Sequence[str], groups: Sequence[Group]) -> list[str]:
    """Return the words typed without those that are values of options of the groups."""
    takes = {flag for group in groups for one in group.options if not one.is_flag for flag in one.opts}
    values = set[int]()
    for at, word in enumerate(words):
        if word in takes and at not in values:
            values.add(at + 1)
    return [word for at, word in enumerate(words) if at not in values]


class Command(click.Command):
    """A command that answers a mistyped option with the ones near it, and says what to type next in full."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words typed."""
        ctx.meta[TYPED] = tuple(args)
        with self._in_full(ctx):
            return self._parsed(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Do what it is for."""
        with self._in_full(ctx):
            return super().invoke(ctx)

    @contextmanager
    def _in_full(self, ctx: click.Context) -> Iterator[None]:
        """Have what the hint of an error proposes as it can be typed after this command."""
        try:
            yield
        except WonderlandError as error:
            typed: tuple[str, ...] = ctx.meta.get(TYPED, ())
            options = self.options(ctx)
            hint = error.hint
            if isinstance(error, SeveralSources):
                hint = with_each_source(error, str(self.name), typed, options)
            error.hint = in_full(hint, str(self.name), typed, options)
            raise

    def options(self, ctx: click.Context) -> list[click.Option]:
        """Return the options there are."""
        return [one for one in self.get_params(ctx) if isinstance(one, click.Option)]

    def _parsed(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise self.no_such(ctx, error.option_name) from None
        except click.BadOptionUsage as error:
            error.ctx = error.ctx or ctx  # whose command it was is left out by the parser
            raise

    def refuse_places(self, ctx: click.Context, args: Sequence[str]) -> None:
        """Answer the name of a file that would be read as options, because it begins with a dash.

        Raises:
            UsageError: There is such a file.
        """
        flags = {flag for param in self.get_params(ctx) for flag in (*param.opts, *param.secondary_opts)}
        for word in args[: args.index("--")] if "--" in args else args:
            if word.startswith("-") and word.partition("=")[0] not in flags and is_there(Path(word)):
                raise UsageError(
                    f"{word} is read as an option, for it begins with a dash.", hint=f"Write ./{word} for the file."
                )

    def no_such(self, ctx: click.Context, flag: str, what: str = "", known: Sequence[str] = ()) -> UsageError:
        """Return the error for an option that does not exist.

        Args:
            ctx: The command's context.
            flag: What was typed.
            what: What has no such option; the command by default.
            known: Options to compare with; all of the command's by default.
        """
        all_flags = [one for param in self.get_params(ctx) for one in (*param.opts, *param.secondary_opts)]
        long = [one for one in (known or all_flags) if one.startswith("--")]
        help_ = f"wonderland {self.name}{f' {what}' if what and ' ' not in what else ''} --help"
        has = "has an" if what.startswith("None ") else "has no"
        return UsageError(
            f"{what or f'`wonderland {self.name}`'} {has} option {flag}.",
            hint=did_you_mean(flag, long, f"`{help_}` lists them all."),
        )


class PluginCommand(Command):
    """A command with options of plugins.

    Attributes:
        further: Given the context, the words that are no options of the command's own, and those options that were
            given by name ("help" among them), returns the groups of options that join.
    """

    further: Further

    def options(self, ctx: click.Context) -> list[click.Option]:
        """Return the options there are, also those that only another source or analysis than the one meant has."""
        every = ctx.meta.get(EVERY, list)()
        return [*super().options(ctx), *(one for group in every for one in group.options)]

    def _parsed(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words typed, with the options of the plugin they mean."""
        self.refuse_places(ctx, args)
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        try:
            seen, left, _ = parser.parse_args(list(args))
        except click.BadOptionUsage as error:
            error.ctx = error.ctx or ctx
            raise
        arguments = [param.name for param in self.params if isinstance(param, click.Argument)]
        words: list[str] = []
        for name in arguments:
            value = seen.get(name or "")
            words += [value] if isinstance(value, str) else value if isinstance(value, tuple) else []
        behind = args[args.index("--") + 1 :] if "--" in args else []  # what stands there is no option
        words = [f"./{word}" if word in behind and word.startswith("-") else word for word in words]
        asking = self.get_help_option(ctx)
        if asking is not None and asking.name in seen:
            seen["help"] = True
        ctx.meta[_META] = list(self.further(ctx, [*words, *left], seen))
        return super()._parsed(ctx, args)

    def refuse_unknown(self, ctx: click.Context, words: Sequence[str], what: str, groups: Sequence[Group]) -> None:
        """Answer an option that neither the command nor a group has with those of the groups that are near it.

        Raises:
            UsageError: There is such an option among the words.
        """
        own = [flag for param in super().get_params(ctx) for flag in (*param.opts, *param.secondary_opts)]
        known = [flag for group in groups for one in group.options for flag in (*one.opts, *one.secondary_opts)]
        known = list(dict.fromkeys(known))
        for word in without_values(words, groups):
            flag = word.split("=")[0] if word.startswith("--") else word[:2]
            if len(flag) > 1 and flag.startswith("-") and flag != "--" and flag not in own and flag not in known:
                joined = [one for one in known if not one.startswith("--no-")]
                raise self.no_such(
                    ctx, flag, what, [*joined, *own] if is_near(flag, [*joined, *own]) else joined or own
                )

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own options and those that joined."""
        own = super().get_params(ctx)
        taken = {flag for param in own for flag in (*param.opts, *param.secondary_opts)}
        for group in ctx.meta.get(_META, ()):
            for one in group.options:
                if not taken & {*one.opts, *one.secondary_opts}:
                    own.append(one)
                    taken |= {*one.opts, *one.secondary_opts}
        return own

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then those of each plugin under its name."""
        further = ctx.meta.pop(_META, [])
        super().format_options(ctx, formatter)
        ctx.meta[_META] = further
        for group in further:
            with formatter.section(group.title):
                records = [*group.rows, *(one.get_help_record(ctx) for one in group.options)]
                if records:
                    formatter.write_dl([record for record in records if record is not None])
                else:
                    formatter.write_text("none")
