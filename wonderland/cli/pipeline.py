"""``run`` and ``demo``: the whole job in one command."""

from __future__ import annotations

import math
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wonderland import plugins
from wonderland.cli.analysis import run_analyses, with_others
from wonderland.cli.audit import run_audit
from wonderland.cli.console import Console, plain
from wonderland.cli.context import command, open_workspace, record
from wonderland.cli.data import filter_messages, read_messages, train_tokenizer
from wonderland.cli.fitting import say_what_fits, too_little
from wonderland.cli.model import run_checks, train_model
from wonderland.cli.options import Place, Whole, given
from wonderland.cli.report import say_what_is_old, write_report
from wonderland.counted import counted
from wonderland.demo import FOLDER, MESSAGES
from wonderland.errors import CheckFailed, NotEnoughData, Unsupported
from wonderland.model.fitting import TOO_LITTLE, estimated_tokens, parameters_of
from wonderland.model.presets import preset as named
from wonderland.model.settings import TrainingSettings
from wonderland.report.schema.words import characters
from wonderland.workspace.layout import CHECKPOINT
from wonderland.workspace.workspace import Workspace

if TYPE_CHECKING:
    from wonderland.lab.results import Results
    from wonderland.report.findings import Check

_QUICK = "triage"


@click.option("--preset", help="Size of the model: nano, seed or large; it says which one fits before it trains.")
@click.option("--open", "open_it", is_flag=True, help="Open the report in the browser.")
def run(console: Console, folder: Path | None, preset: str | None, open_it: bool) -> None:
    """Do everything that is not up to date, from the messages to the report."""
    workspace = open_workspace(folder)
    record(console, workspace, "training", given({"preset": preset}))
    run_all(console, workspace, open_it, suited=preset is None)
    say_what_is_old(console, workspace)


def run_all(console: Console, workspace: Workspace, open_it: bool, live: bool = False, *, suited: bool = False) -> None:
    """Go through all the stages, each with its heading; last stand three sentences and where to read on.

    Args:
        console: Where it is said.
        workspace: What is worked in.
        open_it: Open the report in the browser.
        live: Also write the report that holds the model.
        suited: Take a smaller preset than the usual one where the text is too little for it.
    """
    started = time.monotonic()
    with workspace.alone("run"):
        console.say("1 · Messages")
        read_messages(console, workspace, again=False)
        console.say("\n2 · Without the noise")
        filter_messages(console, workspace)
        if said := not workspace.stage("model").done:
            say_what_fits(console, workspace, f"wonderland run{console.where}")
            if suited:
                _take_what_suits(console, workspace)
        console.say("\n3 · Tokens")
        train_tokenizer(console, workspace)
    console.say("\n4 · The model")
    train_model(console, workspace, advised=True)
    console.say("\n5 · Is it worth looking inside?")
    run_checks(console, workspace)
    console.say("\n6 · What is inside")
    _first_look(console, workspace)
    results = with_others(workspace, run_analyses(console, workspace, tell=False))
    console.say("\n7 · What does it give away?")
    try:
        run_audit(console, workspace)
    except NotEnoughData as error:
        console.paragraph(plain(error.message))
    console.say("")
    with_model = _with_the_model(console, workspace) if live else None
    if live:
        console.say(
            f"What its stream is made of, in ten minutes: wonderland analyze sparse --layers 2{console.where}\n"
        )
    tokens = estimated_tokens(workspace.split()[0].texts)
    for sentence in _in_short(workspace.check(), results, tokens, said=said):
        console.paragraph(plain(sentence))
    write_report(console, workspace, None, open_it, results, since=started)
    if with_model is not None:
        console.result(live=str(with_model))
        console.say(f"With the model in it, to type a message and switch a head off: {with_model}")
    console.result(seconds=round(time.monotonic() - started, 1))


def _take_what_suits(console: Console, workspace: Workspace) -> None:
    """Take the preset that fits where the usual one has more parameters than there are tokens, and say so.

    One that was asked for is taken whatever fits, and so is one whose training has begun.
    """
    usual, training = TrainingSettings.preset, workspace.settings.training
    if training.preset != usual or (workspace.folder / CHECKPOINT).exists():
        return
    text = console.collected["text"]
    asked = workspace.settings.tokenizer.vocab_size
    if text["fitting"] == usual or text["tokens"] >= parameters_of(usual, asked):
        return
    console.result(text={**text, "preset": text["fitting"]})
    console.paragraph(
        f"No preset was asked for, so {text['fitting']} is trained. To train {usual} all the same: wonderland run "
        f"--preset {usual}{console.where}"
    )
    record(console, workspace, "training", {"preset": text["fitting"]})


def _first_look(console: Console, workspace: Workspace) -> None:
    """Write a report of the quick analyses before the slow ones are run, so that there is something to read."""
    known = plugins.load().analyses
    missing = workspace.missing()
    quick = [name for name in missing if _QUICK in getattr(known[name], "groups", ())]
    if not quick or len(quick) == len(missing):
        return
    run_analyses(console, workspace, tuple(quick), tell=False)
    write_report(console, workspace, None, False, workspace.results(), what="A first report")
    console.say(
        f"It shows {counted(len(quick), 'analysis', 'analyses')}. What is missing "
        f"({len(missing) - len(quick)} more) is run now; then the full report"
    )
    console.say("takes its place.\n")


def _in_short(checks: list[Check], results: Results, tokens: int, *, said: bool = False) -> list[str]:
    """Return what was found in three sentences at most: how well it guesses, what it is for, how much is solid.

    Of too little text nothing of what was found is told; how little it is only where that was not ``said`` before.
    """
    told = _how_well(checks, results)
    if tokens < TOO_LITTLE:
        again = "There is too little text to say anything, as was said above; what was found is not told here."
        return [*told, again if said else too_little(tokens)]
    if failed := [check.name for check in checks if not check.passed]:
        told.append(f"Not so, of what should be so before one looks inside: {'; '.join(map(characters, failed))}.")
    findings = {name: list(result.findings()) for name, result in results.items()}
    solid = {name: [one for one in found if one.trust == "solid"] for name, found in findings.items()}
    known = plugins.load().analyses
    # What draws other analyses together says most in one sentence.
    order = sorted(solid, key=lambda name: -len(getattr(known.get(name), "uses", ())))
    told += [solid[name][0].sentence for name in order if solid[name]][:1]
    count, all_ = sum(map(len, solid.values())), sum(map(len, findings.values()))
    if all_:
        told.append(
            f"{count} of the {all_} findings are called solid: there were enough conversations for what each claims. "
            "The report says of each whether it is an effect, a null result or a description, and its interval."
        )
    return told


def _how_well(checks: list[Check], results: Results) -> list[str]:
    """Return a sentence on how well the model guesses, if that was measured."""
    told: list[str] = []
    history = getattr(results.specimen.model, "history", None)
    if history is not None and history.held_out_loss is not None:
        loss = history.held_out_loss
        measured = next((check.estimate for check in checks if check.estimate is not None), None)
        between = "" if measured is None else f" [{math.exp(measured.low):.0f}, {math.exp(measured.high):.0f}]"
        told.append(f"On held-out text the model chooses as if among {math.exp(loss):.0f}{between} tokens")
        if history.baselines:
            name, least = min(history.baselines.items(), key=lambda item: item[1])
            told[0] += f"; the best counting ({name}), as if among {math.exp(least):.0f}"
        told[0] += "."
    return told


@click.argument("where", default=Path(FOLDER), type=Place())
@click.option("--preset", help="Size of the model: nano (the default here), seed or large.")
@click.option("--epochs", type=Whole(low=1), help="Passes over the training windows.")
@click.option("--open", "open_it", is_flag=True, help="Open the report in the browser.")
def demo(console: Console, where: Path, preset: str | None, epochs: int | None, open_it: bool) -> None:
    """Do the whole job in WHERE on 44,758 real messages that come with wonderland (MIT; see its SOURCE.md)."""
    if preset is not None:
        named(preset)  # before a folder is made, which would be of nothing
    workspace = Workspace.create(where)
    console.where = f" -w {shlex.quote(str(where))}"
    if not workspace.settings.source.path:
        workspace.configure("source", path=str(MESSAGES))
        workspace.configure("training", preset="nano")
    record(console, workspace, "training", given({"preset": preset, "epochs": epochs}))
    run_all(console, workspace, open_it, live=True)


def _with_the_model(console: Console, workspace: Workspace) -> Path | None:
    """Write the report that holds the model, which the demo's public messages allow; None if it is refused."""
    try:
        path = workspace.report(live=True)
    except (CheckFailed, Unsupported) as refused:  # in a folder with messages of one's own, or a large preset
        console.paragraph(plain(refused.message))
        return None
    return path


run_command = command("run")(run)
demo_command = command("demo", workspace=False)(demo)
