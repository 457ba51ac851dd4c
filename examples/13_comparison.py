"""
Beyond the notes: me and them
=============================

Do I write differently from those I write to, and by which words? A model of one side is tested on the other; the null
deals the sides out anew within each conversation.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.comparison.comparison import Comparison


def examine(result: Comparison) -> None:
    """Print how far the sides are apart, and the verdict."""
    print("notes    The notes give me and them a loss each, and do not ask whether they write differently.")
    first, *rest = result.summary().splitlines()
    print(f"here     {first}")
    for line in rest:
        print(f"         {line}")
    apart = "apart" if result.p[0] < 0.05 else "not shown to be apart"
    print(f"verdict  {apart} (p = {result.p[0]:.2g}, n={result.d.n} {result.of}).")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).compare("speaker", permutations=99))
