"""``report``: show what was found, in one file or as figures."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wonderland.advice import Hint, Options
from wonderland.cli.analysis import run_analyses, with_others
from wonderland.cli.console import Console, clock, plain
from wonderland.cli.context import command, open_workspace
from wonderland.cli.in_full import in_full_here, in_workspace
from wonderland.cli.options import Place, Whole
from wonderland.counted import counted
from wonderland.errors import PluginError, UsageError
from wonderland.paths import expanded
from wonderland.report.live_view import redacted_model
from wonderland.workspace.shown import is_redacted
from wonderland.workspace.status import LIVE_REPORT, REPORT
from wonderland.workspace.versions import outdated

if TYPE_CHECKING:
    from wonderland.lab.results import Results
    from wonderland.workspace.workspace import Workspace

_CONTACTS = 5  # contacts who used a word that a redacted report shows


@click.option(
    "-o",
    "--output",
    type=Place(),
    help="Where to write it; report.html in the workspace by default.",
)
@click.option("--all", "everything", is_flag=True, help="First run every analysis of the settings that is missing.")
@click.option(
    "--latest",
    is_flag=True,
    help="Of each analysis show the result asked for last, whatever its parameters, not that of the settings.",
)
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
@click.option("--redact", is_flag=True, help="Leave messages out, and words that few people used: to show to others.")
@click.option(
    "--contacts",
    type=Whole(low=1),
    help="With --redact, how many contacts must have used a word for it to be shown.  [5]",
)
@click.option("--live", is_flag=True, help="Put the model itself into the file, which then answers what you type.")
@click.option(
    "--i-asked-them",
    "asked",
    is_flag=True,
    help="With --live, whatever the audit says: all whose messages the model read agree. The file says so.",
)
@click.option(
    "--figures",
    type=Place(),
    help="Draw every view into this folder instead, as SVG and PNG for an article.",
)
def report(
    console: Console,
    folder: Path | None,
    output: Path | None,
    everything: bool,
    latest: bool,
    open_it: bool,
    redact: bool,
    contacts: int | None,
    live: bool,
    asked: bool,
    figures: Path | None,
) -> None:
    """Write the report: one HTML file that works from a USB stick and sends nothing anywhere.

    It shows the results that are there, and says what is missing; with --all what is missing is run first.
    """
    if figures is not None and (output is not None or open_it):
        raise UsageError("--figures draws into a folder and writes no report.", hint="Run the two one after the other.")
    if figures is not None and live:
        raise UsageError("--figures draws into a folder and writes no report.", hint="Run the two one after the other.")
    if live and redact:
        raise redacted_model()
    if asked and not live:
        raise UsageError("--i-asked-them is about the model, which is in live reports only.", hint="Leave it out.")
    if contacts is not None and not redact:
        raise UsageError(
            "--contacts is about words that are left out.",
            hint=Hint("Leave it out, or add the other: ", Options("report", redact=True)),
        )
    least = (contacts or _CONTACTS) if redact else None
    workspace = open_workspace(folder, examined=True)
    results, failure = None, None
    if everything:
        try:
            results = with_others(workspace, run_analyses(console, workspace, tell=False))
        except PluginError as error:  # the others have run, and are shown
            failure = error
    if latest:
        results = workspace.results(latest=True) or None
    if figures is None:
        write_report(console, workspace, output, open_it, results, redact=least, live=live, asked=asked)
    else:
        _draw(console, workspace, figures, results, least)
    if figures is None and output is None:
        say_what_is_old(console, workspace, live=live)
    if failure is not None:
        raise failure
    again = _again(
        output=output, figures=figures, contacts=contacts, latest=latest, redact=redact, live=live, asked=asked
    )
    say_what_is_missing(console, workspace, results or {}, again)


def say_what_is_old(console: Console, workspace: Workspace, *, live: bool = False) -> None:
    """Say that the other of the two reports, with the model in it or without, shows what was before.

    Args:
        console: Where to print.
        workspace: The workspace.
        live: Whether the one with the model was written just now.
    """
    name = "report" if live else "live report"
    other = next((step for step in workspace.status() if step.name == name), None)
    if other is not None and other.state == "out of date":
        console.result(outdated=name)
        console.paragraph(plain(f"Beside it lies an older one: {in_workspace(other.detail, console.where)}"))


def _again(
    *,
    output: Path | None,
    figures: Path | None,
    contacts: int | None,
    latest: bool,
    redact: bool,
    live: bool,
    asked: bool,
) -> str:
    """Return what to type to have the same with everything in it: at the same place, and redacted if it was."""
    words = ["wonderland report --all", *(["--latest"] if latest else [])]
    words += [f"-o {shlex.quote(str(output))}"] if output else []
    words += [f"--figures {shlex.quote(str(figures))}"] if figures else []
    words += ["--redact"] if redact else []
    words += [f"--contacts {contacts}"] if contacts else []
    words += ["--live"] if live else []
    words += ["--i-asked-them"] if asked else []
    return " ".join(words)


def _draw(console: Console, workspace: Workspace, folder: Path, results: Results | None, redact: int | None) -> None:
    with console.progress("Drawing the figures"):
        written = workspace.figures(folder, results, redact=redact)
    console.result(figures=[str(path) for path in written])
    views = counted(len(written) // 2, "view")
    console.say(f"Figures: {views} as SVG and PNG in {folder}, captions in {written[-1].name}")
    say_if_all_is_left_out(console, workspace, redact)


def say_if_all_is_left_out(console: Console, workspace: Workspace, redact: int | None) -> None:
    """Say that a redacted page shows no word of messages, where there are fewer contacts than must have used it."""
    if redact is None:
        return
    from wonderland.corpus.corpus import Corpus

    people = workspace.layout.done("filtered", "filter").read(Corpus.load).counts()["people"]
    if people >= redact:
        return
    told = counted(people, "contact")
    fewer = max(people - 1, 2)
    can = f"; --contacts {fewer} shows words that {fewer} of them used" if fewer <= people else ""
    console.say(f"Every word of the messages is left out, for this corpus has {told}{can}.")


def say_what_is_missing(console: Console, workspace: Workspace, shown: Mapping[str, Any], command: str) -> None:
    """Say which analyses of the settings are not shown, and why.

    Args:
        console: Where to print.
        workspace: The workspace.
        shown: What is shown beside the results of the settings.
        command: What to type to have those that can be run.
    """
    missing = [name for name in workspace.missing() if name not in shown]
    console.result(missing=missing)
    old = outdated(workspace.layout) if missing else set()
    damaged = [name for name in workspace.damaged() if name in missing] if missing else []
    console.result(damaged=damaged)
    failed = {name: why for name, why in workspace.failed().items() if name in missing and name not in damaged}
    console.result(failed=failed)
    whole = [name for name in missing if name not in damaged and name not in failed]
    for why, names in (
        (f"{'its' if len(damaged) == 1 else 'their'} files are damaged", damaged),
        ("made by an older version of the analysis", [name for name in whole if name in old]),
        ("not run with the settings of now", [name for name in whole if name not in old]),
    ):
        if names:
            few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            console.say(f"Not in it, because {why}: {few}.")
    for name, why in failed.items():
        console.paragraph(f"Not in it, {name}: {plain(why)}")
        console.say(f"  Try it alone: wonderland analyze {name}{console.where}")
    if missing:
        console.say("With --all what is missing is run first.")
        console.next(command)
    declined = {name: why for name, why in workspace.declined().items() if name not in shown}
    console.result(declined=declined)
    for name, why in declined.items():
        console.paragraph(f"Not in it, {name}: {plain(why)}")


def write_report(
    console: Console,
    workspace: Workspace,
    output: Path | None = None,
    open_it: bool = False,
    results: Results | None = None,
    redact: int | None = None,
    what: str = "Report",
    live: bool = False,
    asked: bool = False,
    since: float | None = None,
) -> Path:
    """Write the report and say where it is, and whether it took the place of one that was redacted.

    Args:
        console: Where it is said.
        workspace: What is reported.
        output: Where to; in the workspace by default.
        open_it: Open it in the browser.
        results: What is shown; all that the settings ask for by default.
        redact: Show only words that so many contacts used.
        what: What it is called.
        live: With the model in it.
        asked: Whether the people whose messages they are were asked.
        since: When the whole job began, of `time.monotonic`, to say how long it took.
    """
    place = expanded(output) if output else workspace.folder / (LIVE_REPORT if live else REPORT)
    before, was_redacted = place.is_file(), is_redacted(place)
    opened = redact is None and was_redacted
    closed = redact is not None and before and not was_redacted
    with console.progress("Writing the report"):
        path = workspace.report(output, results, redact=redact, live=live, asked=asked)
    console.result(report=str(path), bytes=path.stat().st_size, redacted=redact is not None, live=live)
    about = "contains texts" if workspace.layout.examines else "contains message text"
    about = about if redact is None else f"redacted: words of at least {redact} contacts"
    about += " and the model itself: share it as you would share the messages" if live else ""
    done = "" if since is None else f"Done in {clock(time.monotonic() - since)}. "
    console.say(f"\n{done}{what}: {path}  ({path.stat().st_size / 1e6:.1f} MB, {about})")
    say_if_all_is_left_out(console, workspace, redact)
    if opened:
        console.result(replaced_redacted=True)
        again = Hint("It replaces a report that was redacted. To have that again: ", Options("report", redact=True))
        console.note(in_full_here(again))
    if closed:
        console.result(replaced_whole=True)
        both = Options("report", output="FILE.html")
        told = Hint("It replaces the report that was there, with the messages in it. To keep both: ", both)
        console.note(in_full_here(told))
    if open_it:
        click.launch(str(path))
    return path


report_command = command("report")(report)
