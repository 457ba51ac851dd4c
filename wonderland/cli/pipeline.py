"""``run`` and ``demo``: the whole job in one command."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import click

from wonderland.cli.analysis import run_analyses, write_report
from wonderland.cli.console import Console, clock
from wonderland.cli.context import command, open_workspace, record
from wonderland.cli.data import filter_messages, read_messages, train_tokenizer
from wonderland.cli.model import run_checks, train_model
from wonderland.cli.options import Whole, given
from wonderland.demo import MESSAGES
from wonderland.workspace.workspace import Workspace


@click.option("--open", "open_it", is_flag=True, help="Open the report in the browser.")
def run(console: Console, folder: Path | None, open_it: bool) -> None:
    """Do everything that is not up to date, from the messages to the report."""
    run_all(console, open_workspace(folder), open_it)


def run_all(console: Console, workspace: Workspace, open_it: bool) -> None:
    """Go through all the stages, each with its heading."""
    started = time.monotonic()
    console.say("1 · Messages")
    read_messages(console, workspace, again=False)
    console.say("\n2 · Without the noise")
    filter_messages(console, workspace)
    console.say("\n3 · Tokens")
    train_tokenizer(console, workspace)
    console.say("\n4 · The model")
    train_model(console, workspace)
    console.say("\n5 · Is it worth looking inside?")
    run_checks(console, workspace)
    console.say("\n6 · What is inside")
    results = run_analyses(console, workspace)
    write_report(console, workspace, None, open_it, results)
    seconds = time.monotonic() - started
    console.result(seconds=round(seconds, 1))
    console.say(f"Done in {clock(seconds)}.")


@click.argument("where", default=Path("wonderland-demo"), type=click.Path(path_type=Path))
@click.option("--preset", help="Size of the model: nano (the default here), seed or large.")
@click.option("--epochs", type=Whole(low=1), help="Passes over the training windows.")
@click.option("--open", "open_it", is_flag=True, help="Open the report in the browser.")
def demo(console: Console, where: Path, preset: str | None, epochs: int | None, open_it: bool) -> None:
    """Do the whole job in WHERE on 44,758 real messages that come with wonderland (MIT; see its SOURCE.md)."""
    workspace = Workspace.create(where)
    if not workspace.settings.source.path:
        workspace.configure("source", path=str(MESSAGES))
        workspace.configure("training", preset="nano")
    record(console, workspace, "training", given({"preset": preset, "epochs": epochs}))
    run_all(console, workspace, open_it)
    console.next(f'wonderland generate -w {shlex.quote(str(where))} "<|them|> How are you?"')


run_command = command("run")(run)
demo_command = command("demo", workspace=False)(demo)
