"""What does a command cost in two checkouts? The same workspace, in turn, processor seconds and wall time.

    python benchmarks/before_and_after.py ../before ../after me.wonderland                    # analyze, everything
    python benchmarks/before_and_after.py ../before ../after me.wonderland --runs 3 -- analyze induction

Each run gets a copy of the workspace without its results. Runs alternate (before after, after before, …), so that what
else the machine does falls on both; the ratio of processor seconds is taken pair by pair. A checkout's own
``.venv/bin/python`` is used where there is one. Processor seconds are those of the command and of its children, and go
up a little on a busy machine, wall time a lot: it is printed, but only a quiet machine makes it worth reading.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What a run took, seconds."""

    processor: float
    wall: float


def main() -> int:
    """Run both in turn, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("before", type=Path, help="a checkout")
    parser.add_argument("after", type=Path, help="another checkout")
    parser.add_argument("workspace", type=Path, help="a workspace with a model")
    parser.add_argument("--runs", type=int, default=2, help="pairs of runs [2]")
    parser.epilog = "What stands after -- is the command; analyze if there is none."
    given = sys.argv[1:]
    at = given.index("--") if "--" in given else len(given)
    options, command = parser.parse_args(given[:at]), given[at + 1 :] or ["analyze"]
    places = {"before": options.before, "after": options.after}
    for name, place in places.items():
        if not (place / "wonderland" / "__init__.py").is_file():
            parser.error(f"{name}: {place} is no checkout of wonderland")
    if not (options.workspace / "wonderland.toml").is_file():
        parser.error(f"{options.workspace} is no workspace")
    if options.runs < 1:
        parser.error("at least one pair of runs: --runs 1")
    ratios: list[float] = []
    costs: dict[str, list[Cost]] = {name: [] for name in places}
    print(f"{'':8}{'processor':>12}{'wall':>12}")
    for pair in range(options.runs):
        order = list(places) if pair % 2 == 0 else list(places)[::-1]
        for name in order:
            costs[name].append(timed(places[name].resolve(), options.workspace, command))
            print(f"{name:8}{costs[name][-1].processor:10.1f} s{costs[name][-1].wall:10.1f} s", flush=True)
        ratios.append(costs["after"][-1].processor / costs["before"][-1].processor)
    spread = f", {min(ratios):.2f} to {max(ratios):.2f}" if len(ratios) > 1 else ""
    print(f"processor seconds, after / before: {statistics.median(ratios):.2f} (n={len(ratios)} pairs{spread})")
    return 0


def timed(checkout: Path, workspace: Path, command: list[str]) -> Cost:
    """Run a command in a copy of a workspace with what a checkout holds.

    Raises:
        SystemExit: The command failed; what it said is printed.
    """
    own = checkout / ".venv" / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="wonderland-") as folder:
        copy = Path(shutil.copytree(workspace, Path(folder) / "it", ignore=shutil.ignore_patterns("results", "*.html")))
        arguments = [str(own if own.exists() else sys.executable), "-m", "wonderland", *command, "-q", "-w", str(copy)]
        began, before = time.perf_counter(), os.times()
        done = subprocess.run(arguments, cwd=checkout, capture_output=True, text=True, check=False)
        after = os.times()
        wall = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}\n{done.stdout}{done.stderr}")
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(spent, wall)


if __name__ == "__main__":
    raise SystemExit(main())
