"""
Beyond the notes: what another training run finds
=================================================

The notes describe one model. Here models that differ in their seed only are asked the same. Each claim stands beside
the share of seeds in which it holds. Train some first: ``wonderland train --seeds 3``.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results


def examine(results: Results) -> None:
    """Print in how many seeds each finding holds, which heads come back, and the verdict."""
    replication, matching = results["replication"], results["head-matching"]
    n = len(replication.members)
    print("notes    One model was trained; that its heads would come back was taken for granted.")
    print(f"here     {n} models of {n} seeds:")
    for claim in replication.holds:
        if "largest over heads" not in claim:
            continue
        k, of = replication.k_of_n(claim)
        both = replication.over_both[claim]
        print(f"         {k} of {of}: {claim}, {both.value:.2g} [{both.low:.2g}, {both.high:.2g}] over both.")
    print(f"         {matching.summary().splitlines()[1]}")
    solid = [claim for claim in replication.holds if replication.solid(claim)]
    every = [claim for claim in replication.holds if all(replication.holds[claim])]
    if n < 3:
        print(f"verdict  cannot be said: {n} seeds have no interval; train more: wonderland train --seeds 5")
    else:
        print(
            f"verdict  {len(every)} of {len(replication.holds)} claims hold in every seed; {len(solid)} are beyond "
            f"chance by the interval over seeds and conversations; {len(matching.replicating)} heads come back."
        )


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze("replication", "head-matching", cohort="seeds"))
