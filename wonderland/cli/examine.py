"""``examine``: a model from elsewhere, in a folder of this machine, looked at like one's own."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wonderland.advice import Hint, Options
from wonderland.cli.analysis import run_analyses
from wonderland.cli.console import Console, clock, number, plain
from wonderland.cli.context import command
from wonderland.cli.contrasts import of_file
from wonderland.cli.options import Number, Place, Whole
from wonderland.cli.report import write_report
from wonderland.counted import counted
from wonderland.errors import UsageError
from wonderland.paths import expanded
from wonderland.workspace.settings import FILE
from wonderland.workspace.wipe import delete, traces
from wonderland.workspace.workspace import Workspace

if TYPE_CHECKING:
    from wonderland.lab.external.on_disk import Opened
    from wonderland.lab.specimen import Specimen

_GROUPS = ("triage", "weights")
_WITH_CONTRASTS = "activation-patching"
_FEW = 10  # texts to resample over


@click.argument("model", type=Place())
@click.option("--texts", type=Place(), required=True, help="A .txt or .jsonl file, or a folder.")
@click.option("--run", "names", multiple=True, help="Analysis or group to run; may be repeated. [triage and weights]")
@click.option("--windows", type=Whole(low=1), default=64, show_default=True, help="Windows of text to examine.")
@click.option("--length", type=Whole(low=8), default=128, show_default=True, help="Most tokens of a window.")
@click.option("--start", default="", help="Token that sequences begin with, where the tokenizer does not say.")
@click.option("--contrasts", type=Place(), help="File of contrasts; see `wonderland analyze --help`.")
@click.option("--layers", help="Layers in which heads are taken out one at a time, such as 2,5 or 10-14.")
@click.option(
    "--minutes", type=Number(low=0.1), help="Begin no analysis after so many minutes, and say which are left."
)
@click.option(
    "--baseline/--no-baseline",
    default=False,
    show_default=True,
    help="Also examine the same architecture with random weights, which takes twice as long.",
)
@click.option("--open", "open_it", is_flag=True, help="Open the report in the browser.")
def examine(
    console: Console,
    folder: Path | None,
    model: Path,
    texts: Path,
    names: tuple[str, ...],
    windows: int,
    length: int,
    start: str,
    contrasts: Path | None,
    layers: str | None,
    minutes: float | None,
    baseline: bool,
    open_it: bool,
) -> None:
    """Examine the model in the folder MODEL, of the Hugging Face form, on your texts; and write its report.

    Nothing is downloaded, no code of the folder is run, no pickle is opened. What needs to know who speaks is left out
    with its reason. The model gets a workspace of its own, MODEL.wonderland by default, for analyze and report.
    """
    began = time.monotonic()
    place = folder or Path(f"{expanded(model).absolute().name}.wonderland")
    console.where = f" -w {shlex.quote(str(place))}"
    chosen = list(names or _GROUPS)
    from wonderland.lab.shortlist import layers_in

    asked = ",".join(map(str, layers_in(layers or "") or ()))
    with console.progress("Opening"):
        new = not (place / FILE).exists()
        workspace, opened = _opened(place, model, texts, length, start)
        workspace.configure("analysis", run=chosen, windows=windows, control=baseline)
        try:
            specimen = workspace.specimen()
        except BaseException:  # of a model that cannot be examined nothing new is left
            if new:
                delete(traces(workspace.folder))
            raise
    _describe(console, opened, specimen, workspace)
    _estimate(console, specimen)
    own = of_file(workspace, contrasts) if contrasts else ()
    if own and not names:
        chosen += [_WITH_CONTRASTS]
    results = run_analyses(
        console, workspace, tuple(chosen), _parameters(chosen, own, asked), tell=False, minutes=minutes
    )
    for name, result in results.items():
        for finding in list(result.findings())[:1]:
            console.paragraph(f"{name}: {plain(finding.sentence)}")
    path = write_report(console, workspace, None, open_it, results)
    seconds = time.monotonic() - began
    console.result(seconds=round(seconds, 1), report=str(path), architecture=opened.architecture)
    console.say(f"Done in {clock(seconds)}.")
    console.next("wonderland analyze head-patterns")


def _opened(place: Path, model: Path, texts: Path, length: int, start: str) -> tuple[Workspace, Opened]:
    """Return the workspace of the model and the model; of one that cannot be opened nothing new is left.

    Raises:
        UsageError: The folder is a workspace of messages.
    """
    new = not (place / FILE).exists()
    workspace = Workspace.create(place)
    try:
        return workspace, workspace.examine(model, texts, length=length, start=start)
    except BaseException:
        if new and not workspace.layout.examines:
            delete(traces(workspace.folder))
        raise


def _describe(console: Console, opened: Opened, specimen: Specimen, workspace: Workspace) -> None:
    about, found = specimen.evidence.describe(), workspace.texts()
    console.result(model=repr(specimen.model), evidence=about, lacking=opened.lacking)
    console.say(f"{plain(opened.architecture)}: {plain(repr(specimen.model))}")
    console.say(
        f"{counted(len(found.texts), 'text')} ({found.unit} by {found.unit}); {counted(about['windows'], 'window')} of "
        f"{about['shortest window']} to {about['longest window']} tokens from {number(about['conversations'])} of them"
    )
    for why, count in found.passed_over.items():
        console.note(f"Passed over: {number(count)}, {plain(why)}")
    shorter = int((specimen.evidence.lengths < workspace.settings.examined.length).sum())
    if shorter:
        console.note(f"{counted(shorter, 'window is', 'windows are')} shorter, because the text ends there.")
    if about["conversations"] < _FEW:
        console.note(f"Note: {about['conversations']} independent texts are few; intervals are resampled over texts.")
    console.note(f"Findings and intervals count these texts, {found.unit} by {found.unit}, as conversations.")
    reasons: dict[str, list[str]] = {}
    for short, why in opened.lacking.items():
        reasons.setdefault(why.partition(": ")[2] or why, []).append(short)
    for why, shorts in reasons.items():
        console.note(f"Not used here: {', '.join(shorts)} ({plain(why.rstrip('.'))})")


def _estimate(console: Console, specimen: Specimen) -> None:
    """Say how long one pass over the texts takes, before anything long begins; a model's first run is no measure."""
    for _ in range(2):
        began = time.monotonic()
        first = next(iter(specimen.batches("loss")))
        seconds = (time.monotonic() - began) * len(specimen.evidence) / len(first.tokens)
    console.note(f"One pass over the windows takes about {clock(seconds)}; triage and weights some twenty of them.")


def _parameters(chosen: Sequence[str], own: Sequence[Any], layers: str) -> dict[str, dict[str, Any]] | None:
    """Return the contrasts and layers for those analyses that take them.

    Raises:
        UsageError: None of them takes what was given.
    """
    from wonderland.lab.analysis import parameters_of, select

    given = {**({"contrasts": tuple(own)} if own else {}), **({"layers": layers} if layers else {})}
    if not given:
        return None
    takes = {one.name: set(parameters_of(type(one))) for one in select(chosen)}
    for name in given:
        if not any(name in known for known in takes.values()):
            raise UsageError(
                f"None of the analyses {', '.join(chosen)} takes --{name}.",
                hint=Hint(
                    "head-ablation and induction take layers, activation-patching contrasts: ",
                    Options("examine", run="activation-patching" if name == "contrasts" else "head-ablation"),
                ),
            )
    found = {one: {key: value for key, value in given.items() if key in known} for one, known in takes.items()}
    return {name: values for name, values in found.items() if values}


examine_command = command("examine")(examine)
