"""What every command shares: which workspace, how to print, and the options for both."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wonderland import advice
from wonderland.as_typed import quoted
from wonderland.cli.console import Console, plain
from wonderland.cli.options import FURTHER, Place
from wonderland.cli.plugin_command import Command, Further, PluginCommand
from wonderland.corpus.misnamed import in_words
from wonderland.errors import CheckFailed, InputError, Interrupted, UsageError, WonderlandError
from wonderland.model.interrupts import unwinding
from wonderland.model.processes import is_main, processes
from wonderland.paths import replacing
from wonderland.workspace.settings import DEFAULT_NAME, FILE, SourceSettings

if TYPE_CHECKING:
    from wonderland.workspace.workspace import Workspace

__all__ = ["command", "next_report", "open_workspace", "record", "redaction_of_report", "wrote"]


def command(
    name: str,
    *,
    workspace: bool = True,
    further: Further | None = None,
) -> Callable[[Callable[..., Any]], click.Command]:
    """Return a decorator that makes a function ``f(console, [folder], ...)`` a command with the shared options.

    Args:
        name: Its name.
        workspace: Whether it works in a workspace; ``folder`` is then passed, None if ``-w`` was not given.
        further: Returns the options that only a plugin knows (see `PluginCommand`); those given are passed as
            ``extras``, by name.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def wrapped(as_json: bool, quiet: bool, **values: Any) -> None:
            unwinding()
            folder = values.get("folder")
            console = Console(as_json, quiet, where=f" -w {quoted(folder)}" if folder else "")
            if processes() > 1 and name != "train":
                raise UsageError(
                    f"`{name}` runs in one process.", hint=advice.Hint("Without the launcher: ", advice.Command(name))
                )
            console.silent = not is_main()
            if further:
                extras = {key: values.pop(key) for key in list(values) if key.startswith(FURTHER)}
                values["extras"] = {
                    key.removeprefix(FURTHER): value for key, value in extras.items() if value is not None
                }
            try:
                function(console, **values)
            except MemoryError:
                if console.take_back:
                    console.take_back()
                raise
            except WonderlandError as error:
                # What was checked was made with them, and so was what a run that was stopped has saved.
                if console.take_back and not isinstance(error, (CheckFailed, Interrupted)):
                    console.take_back()
                error.found = dict(console.collected)  # what a failed check has to say is the result all the same
                raise
            finally:  # what still stands in the settings, also if the command failed or was stopped
                console.say_written()
            if console.collected:
                console.finish()

        settings = {"help_option_names": ["-h", "--help"]}
        made = click.command(name, cls=PluginCommand if further else Command, context_settings=settings)(wrapped)
        if further and isinstance(made, PluginCommand):
            made.further = further
        made = click.option("-q", "--quiet", is_flag=True, help="No progress.")(made)
        made = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(made)
        if workspace:
            text = f"The workspace; by default the one at or above this folder, or ./{DEFAULT_NAME}."
            made = click.option("-w", "--workspace", "folder", type=Place(), help=text)(made)
        return made

    return decorate


def open_workspace(folder: Path | None, *, create: bool = False, examined: bool = False) -> Workspace:
    """Open the workspace named, or the one at hand.

    Args:
        folder: The one that was named.
        create: Make it if it is not there.
        examined: Whether one of a model from elsewhere will do, which has no messages.

    Raises:
        InputError: There is none, and it is not to be made.
        UsageError: It is of a model from elsewhere.
    """
    from wonderland.workspace.workspace import Workspace

    place = folder or Workspace.find()
    if place is not None and (place / "wonderland.toml").is_file():
        found = Workspace(place)
        if found.layout.examines and not examined:
            raise UsageError(
                f"{place} is the workspace of a model from elsewhere ({found.settings.examined.model}): it has no "
                "messages and was not trained here.",
                hint="In it one can analyze, report, status, export and wipe. For messages take another: -w NEW",
            )
        return found
    if create:
        return Workspace.create(place or Path(DEFAULT_NAME))
    raise InputError(
        f"There is no workspace {f'at {folder}' if folder else 'here'}.",
        hint=advice.Hint("Make one by reading messages: ", advice.Command("extract", "PATH")),
    )


def redaction_of_report(workspace: Workspace) -> str:
    """Return the options that keep the report of a workspace redacted, " --redact --contacts 5"; "" if it is not."""
    from wonderland.workspace.shown import noted, options_of
    from wonderland.workspace.status import REPORT

    return options_of(noted(workspace.folder, REPORT))


def next_report(console: Console, workspace: Workspace) -> None:
    """Say that a report is to be written, or where the one is that shows everything there is."""
    report = next(step for step in workspace.status() if step.name == "report")
    if report.state == "done":
        console.say(f"The report shows it already: {plain(str(workspace.folder / 'report.html'))}")
    elif report.again:
        console.next(report.again)


def record(console: Console, workspace: Workspace, section: str, values: dict[str, Any]) -> None:
    """Write options into the workspace's settings; if the command is refused they are taken back, else it is said."""
    if values and console.take_back is None:
        console.take_back = _TakeBack(console, workspace)
    changed = workspace.configure(section, **values) if values else {}
    wrote(console)
    if changed:
        told = ", ".join(_said(workspace.settings.source, changed) if section == "source" else _listed(changed))
        console.pending.append(f"Written to {workspace.folder / 'wonderland.toml'}: [{section}] {told}")


def _listed(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {value!r}" for key, value in values.items()]


def _said(source: SourceSettings, changed: Mapping[str, Any]) -> list[str]:
    """Say what changed of what is read: of several stores how many they are, who you are, other options by name."""
    rest = {key: value for key, value in changed.items() if key not in ("path", "options", "more")}
    if "more" not in changed or not source.more:
        path = {"path": source.path} if {"path", "more"} & {*changed} else {}
        options = _listed(source.options) or ["no options"] if "options" in changed else []
        return [*_listed(path), *options, *_listed(rest)]
    given = [source.options, *(store.get("options", {}) for store in source.more)]
    owners = list(dict.fromkeys(str(one["me"]) for one in given if one.get("me")))
    others = sorted({name for one in given for name in one} - {"me"})
    rest.pop("source", None)  # that of the first store, which is told with those of the others
    kinds = [kind or "the one that recognises it" for _, kind in source.stores]
    named = f", read with {in_words(kinds)}" if any(kind for _, kind in source.stores) else ""
    told = [f"{len(given)} stores{named}", *([f"you are {plain(' or '.join(owners))}"] if owners else [])]
    return ["; ".join([*told, *([f"options: {', '.join(others)}"] if others else [])]), *_listed(rest)]


def wrote(console: Console) -> None:
    """Take note that what stands in the settings now was written by this command, by whatever way."""
    if isinstance(console.take_back, _TakeBack):
        console.take_back.wrote()


class _TakeBack:
    """Puts the settings back as they were, unless something was made with others, or somebody else wrote to them."""

    def __init__(self, console: Console, workspace: Workspace) -> None:
        self._console, self._workspace, self._file = console, workspace, workspace.folder / FILE
        self._made = self._stages()
        self._before = self._written = self._file.read_text(encoding="utf-8")

    def _stages(self) -> Any:
        from wonderland.workspace.shown import stages_now

        return stages_now(self._workspace.layout)

    def wrote(self) -> None:
        """Take note that what stands in the file now was written by this command."""
        self._written = self._file.read_text(encoding="utf-8")

    def __call__(self) -> None:
        now = self._file.read_text(encoding="utf-8") if self._file.exists() else self._before
        if now == self._before:
            self._console.pending.clear()
            return
        if self._stages() != self._made:
            return
        if now != self._written:
            self._console.note(f"{self._file} was changed meanwhile; what this command wrote there stays.")
            return
        with replacing(self._file) as partial:
            partial.write_text(self._before, encoding="utf-8")
        if not self._console.pending:  # it was said that they were written
            self._console.note(f"{self._file} is as it was before.")
        self._console.pending.clear()
