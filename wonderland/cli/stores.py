"""What is read, as it is typed: one store or several, and who the owner is where a store does not say."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from wonderland import plugins
from wonderland.advice import Command, Hint
from wonderland.as_typed import as_typed, options_as_typed
from wonderland.cli.console import Console, Meter, plain
from wonderland.cli.context import open_workspace
from wonderland.cli.options import signature_options
from wonderland.cli.plugin_command import EVERY, Group, PluginCommand, group_of, without_values
from wonderland.corpus.dealing import Each
from wonderland.corpus.locating import is_there, locate
from wonderland.corpus.misnamed import in_words
from wonderland.corpus.secrets import secrets_of, variable_of
from wonderland.corpus.several import named_stores
from wonderland.corpus.source import Source, choose_source
from wonderland.counted import counted
from wonderland.errors import InputError, OwnerUnknown, UsageError, WonderlandError
from wonderland.nearby import did_you_mean
from wonderland.paths import expanded
from wonderland.workspace.settings import SourceSettings
from wonderland.workspace.several import typed_stores
from wonderland.workspace.workspace import Workspace

__all__ = [
    "ask_secret",
    "asking_owner",
    "for_toml",
    "options_of_sources",
    "replaced_by",
    "said",
    "stores_of",
    "told_of_all",
]

_SHOWN = 12
_Read = TypeVar("_Read")


def options_of_sources(ctx: click.Context, words: list[str], seen: Mapping[str, Any]) -> Sequence[Group]:
    """Return the options of the source that is meant; of every source for help that names no file."""
    sources = plugins.load().sources
    every = ctx.meta[EVERY] = functools.cache(lambda: [_options_of(one) for one in sources.values()])
    for name in seen.get("named") or ():
        if name and name not in sources:
            raise UsageError(
                f"There is no source named {name!r}.",
                hint=did_you_mean(name, sources, "`wonderland plugins` lists the sources."),
            )
    helps = "help" in seen
    if not helps and not any(word.startswith("-") for word in words):
        return []
    assert isinstance(ctx.command, PluginCommand)
    try:
        places = [word for word in without_values(words, every()) if not word.startswith("-")]
        path, chosen = _meant_by(places, seen, sources)
        groups = [_options_of(one) for one in chosen]
        if not helps and path is not None and len(chosen) == 1 and getattr(chosen[0], "refuses", False):
            chosen[0](path).count()  # says why nothing can be read there, which comes before any option
    except WonderlandError:
        if not helps:  # it may not be found for an option that is mistyped, and that comes first
            ctx.command.refuse_unknown(ctx, words, "", every())
        raise
    if not helps:
        listed = in_words(list(dict.fromkeys(one.name for one in chosen)))
        what = f"None of the sources {listed}" if len(chosen) > 1 else f"the source {chosen[0].name!r}"
        ctx.command.refuse_unknown(ctx, words, what, groups)
    return groups


def _meant_by(
    places: Sequence[str], seen: Mapping[str, Any], sources: Mapping[str, type[Source]]
) -> tuple[Path | None, list[type[Source]]]:
    """Return what is to be read, None if it is what was read until now, and the sources that read it."""
    names, helps = list(seen.get("named") or ()), "help" in seen
    there = [word for word in places if word in sources or is_there(expanded(word))]
    first = next(iter([*there, *places]), "")
    path = locate(first, sources).absolute() if first and not helps else Path(first).absolute() if first else None
    if names and all(names):
        return path, [sources[name] for name in dict.fromkeys(names)]
    if helps:
        with contextlib.suppress(InputError):  # of a file that no source reads, help is given all the same
            return path, [choose_source(path, sources)] if path is not None else list(sources.values())
        return path, list(sources.values())
    if path is not None:
        if len(names) > 1 and len(names) == len(places):  # '' holds the place of the one that recognises it
            named = zip(places, names, strict=True)
            kinds = [choose_source(locate(word, sources).absolute(), sources, name or None) for word, name in named]
            return path, list(dict.fromkeys(kinds))
        chosen = [choose_source(path, sources)]
        for word in there[1:]:  # another store, or what an option names that no source has
            with contextlib.suppress(InputError):
                chosen.append(choose_source(locate(word, sources).absolute(), sources))
        return path, chosen
    layout = open_workspace(Path(seen["folder"]) if seen.get("folder") else None).layout
    read = [(layout.source_path, layout.settings.source.source), *((path, name) for path, _, name in layout.more)]
    return None, list(dict.fromkeys(choose_source(path, sources, name or None) for path, name in read))


def _options_of(source: type[Source]) -> Group:
    """Return the options of a source, and the variables of the environment that its secrets are taken from."""
    group = group_of(f"Options of the source {source.name}", signature_options(source.__init__))
    for one in group.options:  # once for all stores, or once for each
        one.multiple = not one.is_flag
    rows = [
        (variable_of(source.name, name), f"{what}; asked for otherwise") for name, what in secrets_of(source).items()
    ]
    return replace(group, rows=(*group.rows, *rows))


def said(extras: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of sources that were given, one that was given several times as `Each`."""
    found: dict[str, Any] = {}
    for name, value in extras.items():
        if not isinstance(value, tuple):  # a flag
            found[name] = value
        elif value:
            found[name] = for_toml(value[0]) if len(value) == 1 else Each(map(for_toml, value))
    return found


def stores_of(
    before: SourceSettings, paths: Sequence[Path], options: dict[str, Any], sources: Sequence[str], *, add: bool
) -> dict[str, Any]:
    """Return the settings that say what is read.

    Args:
        before: What was read until now.
        paths: What was typed.
        options: Options of sources; of several stores, each gets those its source has.
        sources: The sources that were named: one for each path, or several for one path.
        add: Whether the paths join what was read until now.

    Raises:
        UsageError: There are more or fewer sources than paths, or there is nothing to add to.
    """
    given = named_stores(paths, sources)
    if not add and len(given) == 1:
        if any(isinstance(value, Each) for value in options.values()):
            options = typed_stores(given, options)[0]["options"]
        return {"path": str(given[0][0]), "source": given[0][1], "options": options, "more": []}
    typed = typed_stores(given, options)
    if not add:
        first = typed[0]
        return {"path": first["path"], "source": given[0][1], "options": first["options"], "more": typed[1:]}
    if not before.path:
        raise UsageError(
            "There is nothing to add to yet.",
            hint=Hint("Leave --add out: ", Command("extract", *paths, **_repeated(options, sources))),
        )
    if any(_same((before.path, before.source), _key(store)) for store in typed):
        raise UsageError(f"{before.path} is read already.", hint=Hint("To read it again: ", Command("extract")))
    kept = [next((new for new in typed if _same(_key(old), _key(new))), old) for old in before.more]
    return {"more": [*kept, *(store for store in typed if store not in kept)]}


def told_of_all(before: SourceSettings, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the stores that are read already, with options that are said of them now.

    Raises:
        UsageError: One was given several times, and not once for each store whose source has it.
    """
    if not options:
        return {}
    typed = typed_stores([(expanded(path), source) for path, source in before.stores], options)
    first, *more = [one["options"] for one in typed]
    told = [{**old, "options": {**old.get("options", {}), **new}} for old, new in zip(before.more, more, strict=True)]
    return {"options": {**before.options, **first}, **({"more": told} if told else {})}


def replaced_by(before: SourceSettings, after: Sequence[tuple[str, str]], where: str = "") -> str:
    """Say which stores are no longer read, and what to type to have them as well; "" if there is none.

    Those that were read with options are added each by a command of its own, so that each gets what it had.

    Args:
        before: What was read until now.
        after: Path and source of each store that is read from now on.
        where: The option that names the workspace, as it is typed, with a space before it.
    """
    if not before.path:
        return ""
    options = [before.options, *(store.get("options", {}) for store in before.more)]
    held = [
        (*old, told)
        for old, told in zip(before.stores, options, strict=True)
        if not any(_same(old, new) for new in after)
    ]
    if not held:
        return ""
    alone = [held] if not any(told for *_, told in held) else [[one] for one in held]
    again = " && ".join(as_typed("extract", "--add", *_as_words(stores), where=where) for stores in alone)
    gone = [(path, source) for path, source, _ in held]
    paths = [path for path, _ in (*gone, *after)]
    old, new = (
        ", ".join(f"{path} ({source})" if source and paths.count(path) > 1 else path for path, source in stores)
        for stores in (gone, after)
    )
    return f"This reads {plain(new)} in place of {plain(old)}. To have both: {again}"


def _as_words(stores: Sequence[tuple[str, str, Mapping[str, Any]]]) -> list[str]:
    """Return stores as they are typed, each a path, a source or "", and options, which are those of all."""
    named = [word for _, source, _ in stores for word in ("--source", source)]
    words = [path for path, *_ in stores]
    return [*words, *(named if any(source for _, source, _ in stores) else []), *options_as_typed(stores[0][2])]


def for_toml(value: Any) -> Any:
    """Return an option of a source as ``wonderland.toml`` can hold it."""
    if isinstance(value, (tuple, list)):
        return [for_toml(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _key(store: Mapping[str, Any]) -> tuple[str, str]:
    return str(store.get("path", "")), str(store.get("source", ""))


def _repeated(options: Mapping[str, Any], sources: Sequence[str]) -> dict[str, Any]:
    """Return options as they were said, with the sources: what was said several times as a tuple."""
    said = {name: tuple(value) if isinstance(value, Each) else value for name, value in options.items()}
    return {**said, **({"source": tuple(sources)} if sources else {})}


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Say whether two stores are one: the same place, and not two sources that were named."""
    return one[0] == other[0] and (one[1] == other[1] or not (one[1] and other[1]))


def asking_owner(console: Console, workspace: Workspace, read: Callable[[], _Read]) -> _Read:
    """Read; where a store does not say who its owner is, ask on a terminal, and remember the answer.

    Raises:
        OwnerUnknown: There is nobody to ask.
    """
    while True:
        try:
            return read()
        except OwnerUnknown as error:
            chosen = _ask(console, error)
            if chosen is None:
                raise
            _remember(workspace, error.store, chosen)


def ask_secret(console: Console, meter: Meter, what: str) -> str | None:
    """Ask for a pass phrase or a key without showing what is typed; None if there is nobody to ask."""
    if console.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    with meter.paused():
        return str(click.prompt(f"{what[0].upper()}{what[1:]} (not shown, not stored)", hide_input=True, err=True))


def _ask(console: Console, error: OwnerUnknown) -> str | None:
    if not error.candidates or console.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    console.say(plain(error.message))
    shown = error.candidates[:_SHOWN]
    rows = [(f"{place}", plain(name), counted(count, "message")) for place, (name, count) in enumerate(shown, 1)]
    console.rows(rows)
    answer = click.prompt("Which one are you? Number or name", type=str).strip()
    return shown[int(answer) - 1][0] if answer.isdecimal() and 1 <= int(answer) <= len(shown) else answer


def _remember(workspace: Workspace, store: int, me: str) -> None:
    settings = workspace.settings.source
    if store == 0:
        workspace.configure("source", options={**settings.options, "me": me})
        return
    more = [dict(one) for one in settings.more]
    more[store - 1]["options"] = {**more[store - 1].get("options", {}), "me": me}
    workspace.configure("source", more=more)
