"""``audit``: what can be drawn out of the model, before anybody else gets it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wonderland.advice import Hint, Options
from wonderland.cli.console import Console, number, plain
from wonderland.cli.context import command, next_report, open_workspace, record
from wonderland.cli.options import Whole, given, settings_options
from wonderland.errors import CheckFailed, UsageError
from wonderland.report.sharing import WHAT_HELPS
from wonderland.workspace.settings import AuditingSettings

if TYPE_CHECKING:
    from wonderland.audit.result import Memorisation
    from wonderland.model.training import Progress
    from wonderland.workspace.workspace import Workspace

_ROWS = (
    ("training", "training messages"),
    ("held out", "messages it never read"),
    ("n-gram, training", "by a trigram, training"),
    ("untrained, training", "untrained model, training"),
    ("training, in a window", "training, in their window"),
    ("held out, in a window", "never read, in their window"),
)


@settings_options(AuditingSettings)
@click.option("--full", is_flag=True, help="Also train six models on halves of the conversations, for stronger tests.")
@click.option("--device", help="With --full, where to train: cpu, cuda or mps; the fastest there is by default.")
@click.option("--jobs", type=Whole(0, 1000), default=0, help="With --full, train so many at a time.")
def audit(console: Console, folder: Path | None, full: bool, device: str | None, jobs: int, **options: Any) -> None:
    """Measure what can be drawn out of the model, and whether one can tell what it read.

    Exit code 1 if something could be drawn out. No message and no secret is printed or stored.
    """
    if not full and (device is not None or jobs):
        raise UsageError(
            "--device and --jobs are of the models that --full trains.",
            hint=Hint("Leave them out, or train them: ", Options("audit", full=True)),
        )
    workspace = open_workspace(folder)
    record(console, workspace, "audit", given(options))
    found = run_audit(console, workspace, full=full, device=device, jobs=jobs)
    if found.refusals:
        raise CheckFailed(
            "By this audit the model should not be shared.",
            hint=f"Only too little was examined. Examine more: {found.larger}{console.where}"
            if found.larger
            else WHAT_HELPS,
        )
    next_report(console, workspace)


def run_audit(
    console: Console, workspace: Workspace, *, full: bool = False, device: str | None = None, jobs: int = 0
) -> Memorisation:
    """Run the audit and print what it found."""
    with console.progress("Auditing") as meter:
        found = workspace.audit(
            lambda what, done, total: meter.update(done, total, what),
            full=full,
            device=device,
            jobs=jobs,
            on_training=None if console.quiet else _tell_epoch,
        )
    console.result(audit=found.figures())
    if found.hits:
        rows = [("Completed word for word", "", "")]
        for name, label in _ROWS:
            if name in found.hits:
                hits, of = found.hits[name]
                rows.append((f"  {label}", number(hits), f"of {number(of)}{_told(found, name)}"))
        rows.append(("One can tell what it read", "AUC", "0.5 is chance; n of the smaller side"))
        for name, one in found.membership.items():
            interval = f"[{float(one.low):.2f}, {float(one.high):.2f}], n = {one.n:,} {one.resampled_over}"
            rows.append((f"  {name}", f"{float(one.value):.2f}", interval))
        rows.append(("Secrets", "", ""))
        for place, kinds in found.found.items():
            listed = ", ".join(f"{number(count)} {kind}" for kind, count in kinds.items())
            if found.without_secrets and place != "training text":
                listed = listed or "none stand in the training text"
            rows.append((f"  {place}", number(sum(kinds.values())) if any(kinds.values()) else "none", listed))
        console.rows(rows)
        for line in found.summary().splitlines():
            if line.startswith(("secret ", "canaries ", "coins ", "counterfactual ", "messages of which")):
                console.say(f"  {plain(line)}")
    for part, why in found.left_out.items():
        console.paragraph(f"Left out, {part}: {plain(why)}")
    console.paragraph(found.sentence)
    return found


def _told(found: Memorisation, name: str) -> str:
    one = found.completion.get(name) or found.in_window.get(name.removesuffix(", in a window"))
    return "" if one is None else f", {float(one.value):.2%} [{float(one.low):.2%}, {float(one.high):.2%}]"


def _tell_epoch(number: int, progress: Progress) -> None:
    """Print an epoch of one of the models trained on halves, in the process that trains it."""
    if progress.epoch is not None:
        Console().note(f"half {number + 1}, epoch {progress.epoch.epoch}: train {progress.epoch.train_loss:.3f}")


audit_command = command("audit")(audit)
