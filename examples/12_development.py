"""
Beyond the notes: how the model grew
====================================

The notes look at a finished model. Here those that were kept on the way are asked the same, one after another: what
it learned first, what came at once, and when it learned a word. Keep some first: ``wonderland train --snapshots 20``.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results


def examine(results: Results) -> None:
    """Print what was learned when, and the verdict."""
    print("notes    Induction was not found; whether anything formed at once was not asked.")
    development = results["development"]
    first, *rest = development.summary().splitlines()
    print(f"here     {first}")
    for line in rest:
        print(f"         {line}")
    if "acquisition" in results:
        print(f"         {results['acquisition'].summary().splitlines()[0]}")
    if len(development.at) < 8:
        print("verdict  cannot be said: keep eight or more: wonderland train --snapshots 20")
    elif development.transitions:
        print(f"verdict  forms at once: {', '.join(development.transitions)}.")
    else:
        print("verdict  nothing forms at once that these snapshots could show.")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze("development", "acquisition", cohort="snapshots"))
