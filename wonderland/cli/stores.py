"""What is read, as it is typed: one store or several, and who the owner is where a store does not say."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from wonderland.cli.console import Console, Meter, number, plain
from wonderland.errors import OwnerUnknown, UsageError
from wonderland.workspace.settings import SourceSettings
from wonderland.workspace.several import typed_stores
from wonderland.workspace.workspace import Workspace

__all__ = ["ask_secret", "asking_owner", "stores_of"]

_SHOWN = 12
_Read = TypeVar("_Read")


def stores_of(
    before: SourceSettings, paths: Sequence[Path], options: dict[str, Any], source: str | None, *, add: bool
) -> dict[str, Any]:
    """Return the settings that say what is read.

    Args:
        before: What was read until now.
        paths: What was typed.
        options: Options of sources; of several stores, each gets those its source has.
        source: The source that was named.
        add: Whether the paths join what was read until now.

    Raises:
        UsageError: A source is named for several stores, or there is nothing to add to.
    """
    if source and (add or len(paths) > 1):
        raise UsageError(
            "A source can be named for one store only; of several, each is recognised.",
            hint="Read that store alone first, then add the others: wonderland extract --add PATH",
        )
    if not add and len(paths) == 1:
        return {"path": str(paths[0]), "source": source or "", "options": options, "more": []}
    typed = typed_stores(paths, options)
    if not add:
        return {"path": typed[0]["path"], "source": "", "options": typed[0]["options"], "more": typed[1:]}
    if not before.path:
        raise UsageError("There is nothing to add to yet.", hint="Leave --add out: wonderland extract PATH")
    known = {before.path, *(store.get("path") for store in before.more)}
    replaced = {store["path"]: store for store in typed if store["path"] in known}
    if before.path in replaced:
        raise UsageError(f"{before.path} is read already.", hint="To read it again: wonderland extract")
    kept = [replaced.get(store.get("path", ""), store) for store in before.more]
    return {"more": [*kept, *(store for store in typed if store["path"] not in known)]}


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
    rows = [(f"{place}", plain(name), f"{number(count)} messages") for place, (name, count) in enumerate(shown, 1)]
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
