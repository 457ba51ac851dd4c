"""``wipe``: delete everything that was written, and say what cannot be reached."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wonderland.advice import Hint, Options
from wonderland.cli.console import Console, plain, size_of
from wonderland.cli.context import command, open_workspace
from wonderland.counted import counted
from wonderland.errors import UsageError
from wonderland.workspace.locking import undisturbed
from wonderland.workspace.wipe import OUT_OF_REACH, bytes_of, delete, traces


@click.option("--yes", is_flag=True, help="Do not ask.")
def wipe(console: Console, folder: Path | None, yes: bool) -> None:
    """List everything wonderland wrote for a workspace, and delete it. The messages it was read from stay."""
    workspace = open_workspace(folder)
    stores = workspace.settings.source.paths  # before the file that says so is gone
    found = traces(workspace.folder)
    console.say(f"Workspace {plain(str(found.workspace.absolute()))}")
    written = [*found.inside, *found.elsewhere]
    console.rows([(plain(_name(path, found.workspace)), size_of(bytes_of(path)), "") for path in written])
    if not yes:
        _ask(found.workspace.absolute().name)
    with workspace.alone():
        pass  # refused while another process reads messages, in words of its own
    with undisturbed(workspace.folder):
        found = traces(workspace.folder)  # while somebody was asked, more may have been written
        size = found.size
        delete(found)
    strangers = [path for path in found.strangers if path.exists() or path.is_symlink()]
    empty = [path for path in found.others if path.is_dir() and not any(path.iterdir())]
    console.result(
        deleted=[str(path) for path in (*written, *(path for path in found.folders if not path.exists()))],
        bytes=size,
        left=[str(path) for path in (*strangers, *found.changed, *empty)],
        out_of_reach=list(OUT_OF_REACH),
        never_touched=stores,
    )
    console.say(f"\nDeleted: {counted(len(written), 'entry', 'entries')}, {size_of(size)}.")
    for paths, why in (
        (strangers, "not written by wonderland"),
        (found.changed, "changed since it was written"),
        (empty, "a folder, empty now"),
    ):
        for path in paths:
            console.say(f"Left: {plain(str(path))} ({why})")
    for store in stores:
        console.say(f"Never touched: {plain(store)}, which the messages were read from.")
    console.say("Out of reach:")
    for what in OUT_OF_REACH:
        console.say(f"  {what}")


def _ask(name: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            "Nothing was deleted: there is nobody to ask.",
            hint=Hint("To delete without asking: ", Options("wipe", yes=True)),
        )
    if (
        click.prompt(
            f"This cannot be undone. Type {name} to delete all of it", default="", show_default=False, err=True
        )
        != name
    ):
        raise UsageError("Nothing was deleted.", hint=f"To delete, type the name of the workspace: {name}")


def _name(path: Path, workspace: Path) -> str:
    return path.name + ("/" if path.is_dir() else "") if path.parent == workspace else str(path)


wipe_command = command("wipe")(wipe)
