"""``selftest``: every analysis runs on models whose answer is known, on this machine."""

from __future__ import annotations

from dataclasses import asdict

import click

from wonderland.advice import Command, Hint
from wonderland.cli.console import Console, clock, plain
from wonderland.cli.context import command
from wonderland.cli.options import Whole
from wonderland.counted import counted
from wonderland.errors import CheckFailed


@click.argument("names", nargs=-1)
@click.option(
    "--jobs", type=Whole(0, 1000), default=1, show_default=True, help="So many at a time; 0 for one per core."
)
def selftest(console: Console, names: tuple[str, ...], jobs: int) -> None:
    """Let analyses find what was planted in models whose answers are known; exit code 1 if one does not.

    NAMES are analyses or groups such as triage; all by default. No workspace is needed.
    """
    from wonderland.testing.selftest import Outcome, selftest

    last = ""

    def tell(one: Outcome) -> None:
        nonlocal last
        meter.update(0, 1, one.analysis)
        if one.analysis != last:
            console.say(f"\n{one.analysis}" if last else one.analysis)
            last = one.analysis
        console.say(f"{console.mark(one.passed)} {'nothing' if one.nothing else 'planted'}: {plain(one.planted)}")
        console.say(f"  found:   {plain(one.found)}")

    with console.progress("Testing") as meter:
        done = selftest(*names, on_outcome=tell, jobs=jobs)
    seconds = sum(one.seconds for one in done.outcomes)
    console.result(
        outcomes=[asdict(one) for one in done.outcomes], untested=list(done.untested), failed=len(done.failed)
    )
    console.say()
    if not done.outcomes:
        console.say(f"No analysis was tested, as none of these says what it should find: {', '.join(done.untested)}")
        return
    if done.untested:
        console.say(f"Without a test of what they find: {', '.join(done.untested)}")
    if done.failed:
        wrong = sorted({one.analysis for one in done.failed})
        raise CheckFailed(
            f"Not found: {len(done.failed)} of {counted(len(done.outcomes), 'truth')}, of {', '.join(wrong)}.",
            hint=Hint("Do not trust these analyses on this machine. To see one alone: ", Command("selftest", wrong[0])),
        )
    console.say(f"All was found: {counted(len(done.outcomes), 'truth')}, in {clock(seconds)}.")


selftest_command = command("selftest", workspace=False)(selftest)
