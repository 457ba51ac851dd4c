"""``export``: the corpus, the model or the results as plain files."""

from __future__ import annotations

from pathlib import Path

import click

from wonderland.advice import Hint, Options
from wonderland.cli.console import Console, plain
from wonderland.cli.context import command, open_workspace
from wonderland.cli.options import Place
from wonderland.cli.report import say_what_is_missing
from wonderland.counted import counted
from wonderland.errors import UsageError
from wonderland.paths import expanded
from wonderland.workspace.workspace import Workspace


@click.argument("where", type=Place())
@click.option("--only", "only", multiple=True, help="Of the corpus write only this file; may be repeated.")
@click.option("--model", type=click.Choice(["hf"]), help="Write the model instead, for the transformers library.")
@click.option(
    "--i-asked-them",
    "asked",
    is_flag=True,
    help="With --model, whatever the audit says: all whose messages it read agree. The folder says so.",
)
@click.option("--results", is_flag=True, help="Write every number of the results instead, as tables.")
@click.option("--format", "kind", type=click.Choice(["csv", "parquet"]), help="With --results, of the tables.  [csv]")
def export(
    console: Console,
    folder: Path | None,
    where: Path,
    only: tuple[str, ...],
    model: str | None,
    asked: bool,
    results: bool,
    kind: str | None,
) -> None:
    """Write the filtered corpus into the folder WHERE; or the model, or the results.

    The corpus: messages.jsonl, corpus.txt, corpus_threaded.txt and corpus_me_only.txt.

    The model, with --model hf: a GPT-2 that the transformers library opens, with its tokenizer.

    The results, with --results: a table of each analysis with one row a number, and one of all findings.
    """
    if (model is not None) + results + bool(only) > 1:
        raise UsageError("Give one of --only, --model and --results.", hint="Run export once for each.")
    if asked and model is None:
        raise UsageError(
            "--i-asked-them is about the model, and this writes none.",
            hint=Hint("Leave it out, or add the other: ", Options("export", model="hf")),
        )
    if kind is not None and not results:
        raise UsageError(
            "--format is about tables, and this writes none.",
            hint=Hint("Leave it out, or add the other: ", Options("export", results=True)),
        )
    if model is not None or results:
        tables = (kind or "csv") if results else ""
        _export_more(console, open_workspace(folder, examined=True), where, tables, asked)
        return
    from wonderland.corpus.export import FILES
    from wonderland.corpus.export import export as write
    from wonderland.workspace.stage import guarding
    from wonderland.workspace.wipe import must_be_ours, new_folders, remembering

    workspace, where = open_workspace(folder), expanded(where)
    files = [where / name for name in only or FILES]
    must_be_ours(workspace.folder, files)
    corpus, made = workspace.filter(), new_folders(where)
    with remembering(workspace.folder, files, made), guarding(where):
        written = write(corpus, where, *only)
    console.result(files=[str(path) for path in written])
    for path in written:
        console.say(str(path))


def _export_more(console: Console, workspace: Workspace, where: Path, kind: str, asked: bool) -> None:
    """Write the results as tables of a kind, or the model if none is given."""
    if kind:
        from wonderland.workspace.exporting import not_of_now

        found = workspace.results(latest=True)
        files = workspace.export_results(where, found or None, kind=kind)
        others = not_of_now(found, workspace.results())
        console.result(files=[str(path) for path in files], not_of_settings=others)
        tables = counted(len(files), "table")
        console.say(f"{tables} in {plain(str(where))}; findings can quote texts, so read before you share.")
        if others:
            told = f"In it, though not of the settings of now: {', '.join(others)}. The table about says so of each."
            console.paragraph(told)
        say_what_is_missing(console, workspace, found, "wonderland analyze")
        return
    with console.progress("Writing the model"):
        place = workspace.export_model(where, asked=asked)
    console.result(model=str(place))
    console.say(
        f"The model: {plain(str(place))}. Share it as you would share the messages; its README.md says how to open it."
    )


export_command = command("export")(export)
