"""``analyze`` and ``report``: look inside, and show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wonderland.cli.console import Console, plain
from wonderland.cli.context import command, open_workspace
from wonderland.cli.options import parse_extras
from wonderland.errors import UsageError
from wonderland.workspace.workspace import Workspace

if TYPE_CHECKING:
    from wonderland.lab.results import Results


@click.argument("names", nargs=-1)
def analyze(console: Console, folder: Path | None, names: tuple[str, ...], extras: list[str]) -> None:
    """Run analyses: names or groups such as triage; all by default.

    Parameters of an analysis follow its name, for example: wonderland analyze head-patterns --threshold 0.5
    """
    workspace = open_workspace(folder)
    # click hands unknown options and their values over in both lists; from the first option on, all are parameters.
    words = [*names, *extras]
    first = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    parameters = _parameters(words[:first], words[first:])
    look(console, workspace, tuple(words[:first]), parameters)
    console.next("wonderland report")


def _parameters(names: list[str], extras: list[str]) -> dict[str, dict[str, Any]]:
    if not extras:
        return {}
    from wonderland.lab.analysis import parameters_of, select

    chosen = select(names or ("all",))
    known = {name: about for analysis in chosen for name, about in parameters_of(type(analysis)).items()}
    values = parse_extras(extras, known, " and ".join(analysis.name for analysis in chosen))
    return {
        analysis.name: {name: value for name, value in values.items() if name in parameters_of(type(analysis))}
        for analysis in chosen
    }


def look(
    console: Console,
    workspace: Workspace,
    names: tuple[str, ...] = (),
    parameters: dict[str, dict[str, Any]] | None = None,
) -> Results:
    """Run the analyses and print what each found."""
    with console.progress("Analysing") as meter:
        results = workspace.analyze(*names, parameters=parameters, on_start=lambda name: meter.update(0, 1, name))
    console.result(
        results={name: {"summary": result.summary().splitlines()} for name, result in results.items()},
        declined=dict(results.declined),
    )
    for name, result in results.items():
        console.say(f"\n{name}")
        for line in result.summary().splitlines():
            console.say(f"  {plain(line)}")
    for name, why in results.declined.items():
        console.say(f"\n{name} was left out: {plain(why)}")
    return results


@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where to write it; report.html in the workspace by default.",
)
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
@click.option("--redact", is_flag=True, help="Leave messages out, and words that few people used: to show to others.")
@click.option(
    "--contacts",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="With --redact, how many contacts must have used a word for it to be shown.",
)
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    help="Draw every view into this folder instead, as SVG and PNG for an article.",
)
def report(
    console: Console,
    folder: Path | None,
    output: Path | None,
    open_it: bool,
    redact: bool,
    contacts: int,
    figures: Path | None,
) -> None:
    """Write the report: one HTML file that works from a USB stick and sends nothing anywhere."""
    workspace = open_workspace(folder)
    if figures is None:
        show(console, workspace, output, open_it, redact=contacts if redact else None)
        return
    if output is not None or open_it:
        raise UsageError("--figures draws into a folder and writes no report.", hint="Run the two one after the other.")
    with console.progress("Drawing the figures"):
        written = workspace.figures(figures, redact=contacts if redact else None)
    console.result(figures=[str(path) for path in written])
    console.say(f"Figures: {len(written) // 2} views as SVG and PNG in {figures}, captions in {written[-1].name}")


def show(
    console: Console,
    workspace: Workspace,
    output: Path | None = None,
    open_it: bool = False,
    results: Results | None = None,
    redact: int | None = None,
) -> Path:
    """Write the report and say where it is."""
    with console.progress("Writing the report"):
        path = workspace.report(output, results, redact=redact)
    console.result(report=str(path), bytes=path.stat().st_size, redacted=redact is not None)
    about = "contains message text" if redact is None else f"redacted: words of at least {redact} contacts"
    console.say(f"\nReport: {path}  ({path.stat().st_size / 1e6:.1f} MB, {about})")
    if open_it:
        click.launch(str(path))
    return path


analyze_command = command("analyze", extras=True)(analyze)
report_command = command("report")(report)
