"""``init``, ``status``, ``plugins`` and ``doctor``: what is here and what can be done."""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import wonderland
from wonderland import plugins as plugin_host
from wonderland.cli.console import Console, plain, size_of
from wonderland.cli.context import command, open_workspace
from wonderland.cli.in_full import in_workspace
from wonderland.cli.options import Place
from wonderland.demo import FOLDER, MESSAGES
from wonderland.paths import expanded
from wonderland.workspace.settings import DEFAULT_NAME

if TYPE_CHECKING:
    from wonderland.workspace.status import Step
    from wonderland.workspace.workspace import Workspace


@click.argument("where", required=False, type=Place())
def init(console: Console, folder: Path | None, where: Path | None) -> None:
    """Make a workspace at WHERE, by default ./me.wonderland, readable by you only."""
    from wonderland.workspace.workspace import Workspace

    workspace = Workspace.create(where or folder or Path(DEFAULT_NAME))
    console.result(workspace=str(workspace.folder))
    console.say(f"Workspace {workspace.folder}, settings in {workspace.folder / 'wonderland.toml'}")
    found = Workspace.find()  # one that this one was made within comes first
    is_found = found is not None and found.samefile(workspace.folder)
    console.where = "" if is_found else f" -w {shlex.quote(str(workspace.folder))}"
    console.next("wonderland extract PATH")


def status(console: Console, folder: Path | None) -> None:
    """Say which stages are done, begun, missing, out of date or damaged, when they were made, and what to type next."""
    workspace = open_workspace(folder, examined=True)
    steps = workspace.status()
    console.result(
        workspace=str(workspace.folder),
        stores=workspace.settings.source.paths,
        stages={step.name: step.state for step in steps},
        details={step.name: step.detail for step in steps if step.detail},
        bytes={step.name: step.size for step in steps},
    )
    console.say(f"Workspace {plain(str(workspace.folder))}")
    for store in workspace.settings.source.paths:
        console.say(f"Reads {plain(store)}")
    width = max(len(step.name) for step in steps)
    for step in steps:
        written = datetime.fromtimestamp(step.written).astimezone() if step.written else None
        when = f"{written:%Y-%m-%d %H:%M}" if written else ""
        size = size_of(step.size) if step.size else ""
        sign = console.mark(None if step.state == "begun" else step.state == "done" and step.passed)
        line = f"{sign} {step.name:<{width}}  {step.state:<11} {when:<16} {size:>9}"
        console.say(line.rstrip())
        if step.detail:
            console.paragraph(plain(in_workspace(step.detail, console.where)), indent=width + 4)
    if following := _next(workspace, steps):
        if following.startswith("wonderland demo"):  # which is told its folder otherwise
            console.where = ""
        console.next(following)
    elif any(step.working for step in steps):
        console.say("Wait until the other process has ended.")
        console.next("wonderland status")
    elif not workspace.settings.examined.model:  # of a model from elsewhere nobody can say who writes
        _what_else(console, workspace)
        console.next("wonderland chat")


def _what_else(console: Console, workspace: Workspace) -> None:
    """Say what can be asked of a workspace in which everything is done."""
    told = f"`wonderland analyze{console.where}` prints what each analysis found."
    if not any((workspace.folder / "results").glob("sparse-*")):
        told += (
            " What the model's stream is made of, in some ten minutes: "
            f"`wonderland analyze sparse --layers 2{console.where}`."
        )
    console.paragraph(told)


def _next(workspace: Workspace, steps: Sequence[Step]) -> str:
    """Return what to type after this, "" if everything is done, or waits for what another process makes."""
    if workspace.settings.examined.model:
        e = workspace.settings.examined
        again = f"wonderland examine {shlex.quote(e.model)} --texts {shlex.quote(e.texts)}"
        commands = {"model": again, "results": "wonderland analyze"}
    elif not workspace.settings.source.path and not any(step.working for step in steps):
        return "wonderland extract PATH"
    else:
        stages = {"corpus": "extract", "filtered": "filter", "tokenizer": "tokenize", "model": "train"}
        commands = {**stages, "checks": "check", "results": "analyze", "audit": "audit"}
        commands = {name: f"wonderland {how}" for name, how in commands.items()}
    todo = {step.name: step.again or commands.get(step.name, "") for step in steps if step.state != "done"}
    if working := [step.name for step in steps if step.working]:  # what comes after it is made of it
        before = [*commands][: min(map([*commands].index, working))]
        return next((todo[name] for name in before if todo.get(name)), "")
    declined = {step.name for step in steps if step.state == "declined"}
    if list(workspace.settings.source.paths) == [str(MESSAGES)] and (todo.keys() & commands.keys()) - declined:
        default = workspace.folder.resolve() == Path(FOLDER).resolve()
        return "wonderland demo" if default else f"wonderland demo {shlex.quote(str(workspace.folder))}"
    if any(step.name == "audit" and step.state in ("missing", "declined") for step in steps):
        del todo["audit"]  # it was not asked for, or would decline again
    order = [*commands, "report", "live report"]
    return next((todo[name] for name in order if todo.get(name)), "")


def plugins(console: Console) -> None:
    """List the plugins that are installed and the sources, filters and analyses they bring."""
    host = plugin_host.load()
    kinds: dict[str, dict[str, Any]] = {"sources": host.sources, "filters": host.filters, "analyses": host.analyses}
    listed = {
        kind: {name: {"plugin": host.provider(thing), "what": _what(thing)} for name, thing in things.items()}
        for kind, things in kinds.items()
    }
    console.result(plugins=[vars(plugin) for plugin in host.found], **listed)
    console.rows([(plugin.name, plugin.version, plain(plugin.error or plugin.distribution)) for plugin in host.found])
    for kind, things in listed.items():
        console.say(f"\n{kind.capitalize()}")
        width = max((len(name) for name in things), default=0)
        for name, about in things.items():
            console.say(f"  {name:<{width}}  {plain(about['what'])}  ({about['plugin']})")


def _what(thing: object) -> str:
    """Return the first line of what a plugin says of a thing, without the marks of a docstring."""
    help_text = str(getattr(thing, "help", "") or getattr(thing, "__doc__", "") or "").strip()
    return help_text.splitlines()[0].replace("`", "") if help_text else ""


def doctor(console: Console, folder: Path | None) -> None:
    """Say what this machine can do and whether anything stands in the way."""
    import torch

    from wonderland.workspace.workspace import Workspace

    devices = [
        "cpu",
        *(["cuda"] if torch.cuda.is_available() else []),
        *(["mps"] if torch.backends.mps.is_available() else []),
    ]
    place = folder or Workspace.find() or Path()
    free = shutil.disk_usage(place if place.exists() else Path()).free
    host = plugin_host.load()
    failed = [plugin.name for plugin in host.found if plugin.error]
    interpreter = os.path.realpath(sys.executable)
    facts = {
        "wonderland": wonderland.__version__,
        "python": f"{platform.python_version()} at {interpreter}",
        "torch": f"{torch.__version__}, {torch.get_num_threads()} threads, {', '.join(devices)}",
        "transformer-lens": "installed" if importlib.util.find_spec("transformer_lens") else "missing",
        "workspace": str(Workspace.find() or "none here"),
        "free disk": f"{free / 1e9:.1f} GB",
        "plugins": ", ".join(plugin.name for plugin in host.found),
    }
    console.result(**facts, failed_plugins=failed)
    width = max(map(len, facts))
    for name, value in facts.items():
        console.say(f"{name:<{width}}  {plain(value)}")
    store = expanded("~/Library/Messages/chat.db")
    readable = not store.exists() or os.access(store, os.R_OK)
    console.ticks(
        [
            (free > 1e9, "at least 1 GB of disk is free", ""),
            (not failed, "every plugin loads", ", ".join(failed)),
            (
                readable,
                "your Messages database can be read" if store.exists() else "no Messages database on this machine",
                ""
                if readable
                else "System Settings > Privacy & Security > Full Disk Access: switch on your terminal, "
                "then quit and open it again",
            ),
        ]
    )


init_command = command("init")(init)
status_command = command("status")(status)
plugins_command = command("plugins", workspace=False)(plugins)
doctor_command = command("doctor")(doctor)
