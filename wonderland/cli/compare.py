"""``compare``: how far are two parts of the messages apart, and by which words?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wonderland.advice import Command, Hint, Options
from wonderland.cli.console import Console, plain
from wonderland.cli.context import command, open_workspace
from wonderland.cli.in_full import in_full_here
from wonderland.cli.options import Place, Whole
from wonderland.cli.report import say_if_all_is_left_out
from wonderland.errors import UsageError
from wonderland.paths import expanded
from wonderland.workspace.comparing import COMPARISON, WAYS, write_comparison
from wonderland.workspace.shown import is_redacted

_CONTACTS, _STEPS = 5, 40  # where neither is said
_NEEDED = "Each side needs 1,000 messages."


@click.argument("what", nargs=-1)
@click.option(
    "--by", type=click.Choice(WAYS), help=f"What to compare by; without it, WHAT is another workspace. {_NEEDED}"
)
@click.option("--at", multiple=True, help="With --by period, the day at which a period ends; may be repeated.")
@click.option(
    "--permutations", type=Whole(20, 100_000), default=199, show_default=True, help="Null draws of each pair."
)
@click.option(
    "--heads",
    is_flag=True,
    help="Also fine-tune the model on parts of both sides and say which heads they move apart; takes minutes.",
)
@click.option("--steps", type=Whole(1, 10_000), help=f"With --heads, steps of each.  [{_STEPS}]")
@click.option("-o", "--output", type=Place(), help="Where to write the page; compare.html by default.")
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
@click.option("--redact", is_flag=True, help="Leave out words that few people used, and of contacts all words.")
@click.option(
    "--contacts",
    type=Whole(low=1),
    help=f"With --redact, how many contacts must have used a word for it to be shown.  [{_CONTACTS}]",
)
def compare(
    console: Console,
    folder: Path | None,
    what: tuple[str, ...],
    by: str | None,
    at: tuple[str, ...],
    permutations: int,
    heads: bool,
    steps: int | None,
    output: Path | None,
    open_it: bool,
    redact: bool,
    contacts: int | None,
) -> None:
    """Say how far periods, contacts, me and them, or two workspaces are apart, and which words make it.

    Each side needs 1,000 messages. No model of a side is kept.

    wonderland compare --by period --at 2022-01-01

    wonderland compare --by contact P003 P007

    wonderland compare --by speaker

    wonderland compare OTHER.wonderland
    """
    workspace = open_workspace(folder)
    if by != "contact" and by is not None and what:
        raise UsageError(f"--by {by} takes no names.", hint=Hint("Leave them out: ", Command("compare", by=by)))
    if by is None and len(what) != 1:
        raise UsageError(
            "Say what to compare: parts of this workspace with --by, or one other workspace.",
            hint=Hint("For example: ", Command("compare", by="speaker")),
        )
    if at and by != "period":
        raise UsageError(
            "--at says where periods end.", hint=Hint("To compare periods: ", Options("compare", by="period"))
        )
    if contacts is not None and not redact:
        raise UsageError(
            "--contacts is about words that are left out.",
            hint=Hint("Leave it out, or add the other: ", Options("compare", redact=True)),
        )
    if steps is not None and not heads:
        raise UsageError(
            "--steps is about models that are fine-tuned.",
            hint=Hint("Leave it out, or add the other: ", Options("compare", heads=True)),
        )
    least = (contacts or _CONTACTS) if redact else None
    asked: dict[str, Any] = {
        "at": at,
        "contacts": what if by == "contact" else (),
        "other": None if by else what[0],
    }
    if heads:
        workspace.load_model()  # what is missing is said before anything is counted
    with console.progress("Comparing", "draws") as meter:
        result = workspace.compare(
            by or "",
            **asked,
            permutations=permutations,
            on_progress=lambda done, total: meter.update(done, total),
        )
    twins = None
    if heads:
        with console.progress("Fine-tuning", "models") as meter:
            twins = workspace.compare_heads(
                by or "", **asked, steps=steps or _STEPS, on_progress=lambda done, total: meter.update(done, total)
            )
    opened = least is None and is_redacted(expanded(output) if output else workspace.folder / COMPARISON)
    with console.progress("Writing the page"):
        path, told = write_comparison(workspace.layout, result, output, least, twins)
    for line in told:
        console.paragraph(plain(line))
    console.result(summary=told, page=str(path), redacted=redact)
    about = "contains words of messages" if least is None else f"redacted: words of at least {least} contacts"
    console.say(f"\nPage: {path}  ({path.stat().st_size / 1e6:.1f} MB, {about})")
    say_if_all_is_left_out(console, workspace, least)
    if opened:
        again = Hint("It replaces a page that was redacted. To have that again: ", Options("compare", redact=True))
        console.note(in_full_here(again))
    if open_it:
        click.launch(str(path))


compare_command = command("compare")(compare)
