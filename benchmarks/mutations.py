"""Do the tests notice mistakes? Each mutant of ``benchmarks/mutants.py`` is made in a copy, and its tests are run.

    python benchmarks/mutations.py                  # all of them, some minutes
    python benchmarks/mutations.py --only scrubbing # those whose name or file holds a word
    python benchmarks/mutations.py --check          # only see that each text stands where it is said to stand

A mutant is killed if its tests fail, and alive if they pass; then a test is missing. It is broken if the text to
replace does not stand there exactly once or the tests cannot be run: mend the entry. An equivalent one is held to
surviving.
First all named tests are run without a change, since a test that fails anyway kills everything.
Ends with 1 if a mutant is alive, broken, or no longer equivalent.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 900  # of the tests of one mutant
_FAILED = 1  # pytest's exit status if tests ran and some failed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="run those whose name or file holds this")
    parser.add_argument("--check", action="store_true", help="run no tests")
    parser.add_argument("--no-baseline", action="store_true", help="do not run the tests without a change first")
    options = parser.parse_args()
    chosen = [one for one in MUTANTS if options.only in one.name or options.only in one.file]
    broken = [f"{one.name}: {why}" for one in chosen if (why := problem(one))]
    print(*broken, sep="\n", end="\n" if broken else "")
    if options.check or broken or not chosen:
        print(f"{len(chosen)} mutants, {len(broken)} broken")
        return 1 if broken or not chosen else 0
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder) / "tree")
        if not options.no_baseline:
            status, said = tested(tree, sorted({test for one in chosen for test in one.tests}))
            if status:
                print(said, "\nThe tests fail without any change.", sep="\n")
                return 1
        outcomes = [told(tree, one) for one in chosen]
    counts = {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)}
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 0 if counts.keys() <= {"killed", "equivalent"} else 1


def problem(mutant: Mutant) -> str:
    """Return why a mutant cannot be made; nothing if it can."""
    file = ROOT / mutant.file
    if not file.is_file():
        return f"there is no {mutant.file}"
    count = file.read_text(encoding="utf-8").count(mutant.old)
    if count != 1:
        return f"{mutant.old!r} stands {count} times in {mutant.file}"
    lost = [test for test in mutant.tests if not (ROOT / test.partition("::")[0]).exists()]
    return f"there is no {lost[0]}" if lost else ""


def copied(tree: Path) -> Path:
    """Copy what git knows of, and see that Python takes the packages from the copy."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    packages = sorted(source.name for source in tree.glob("plugins/*/src/*") if source.is_dir())
    names = ["wonderland", *packages]
    where = f"import {', '.join(names)}\nprint({', '.join(f'{name}.__file__' for name in names)}, sep=chr(10))"
    said = subprocess.check_output([sys.executable, "-c", where], cwd=tree, env=environment(tree), text=True)
    elsewhere = [path for path in said.splitlines() if not Path(path).is_relative_to(tree)]
    if elsewhere:
        raise SystemExit(f"Python takes {elsewhere[0]} and not the copy: no mutant would be seen.")
    return tree


def environment(tree: Path) -> dict[str, str]:
    sources = [tree, *sorted(tree.glob("plugins/*/src"))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources)), "PYTHONDONTWRITEBYTECODE": "1"}


def tested(tree: Path, tests: list[str]) -> tuple[int, str]:
    """Run tests in the copy; return pytest's exit status, or −1 if they took too long, and what it said."""
    every = ("-m", "slow or not slow")  # a test that is left out of the default run may be the one that notices
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *every, *tests]
    try:
        ran = subprocess.run(command, cwd=tree, env=environment(tree), capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return -1, "it took too long"
    return ran.returncode, ran.stdout[-3000:] + ran.stderr[-1000:]


def told(tree: Path, mutant: Mutant) -> str:
    """Make one mutant, run its tests, put the file back, and say what became of it."""
    started, file = time.monotonic(), tree / mutant.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        status, said = tested(tree, list(mutant.tests))
    finally:
        file.write_text(whole, encoding="utf-8")
    if status not in (0, _FAILED):
        outcome = "broken"
    elif mutant.equivalent:
        outcome = "not equivalent" if status else "equivalent"
    else:
        outcome = "killed" if status else "alive"
    seconds = time.monotonic() - started
    more = f" ({mutant.equivalent})" if outcome == "equivalent" else f": {mutant.why}" if outcome == "alive" else ""
    print(f"{outcome:14} {mutant.name} [{mutant.file}, {seconds:.0f} s]{more}", flush=True)
    if outcome in ("broken", "not equivalent"):
        print(said)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
