"""
Finding 6: which heads read which
=================================

The notes' largest composition scores are K-compositions of layer 2 with layer 3, up to 1.299 times chance, read as "L2
tells L3 where to look". Chance itself reaches over 1: here each pair stands beside its own random rotations.
"""

import sys
from pathlib import Path

import numpy as np

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("composition",)


def examine(results: Results) -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    L2H3 → L3H3 by keys 1.299; four of the top five by keys, all five from L2 into L3. No null.")
    composition = results["composition"]
    tested = int(np.isfinite(composition.p).sum())
    if not tested:
        print("here     no head can read another.\nverdict  cannot be said: one layer, or heads without weights.")
        return
    top = composition.pairs[:5]
    last = [f"L{results.specimen.cfg.n_layers - number}" for number in (2, 1)]
    keys = sum(kind == "K" for kind, _, _ in top)
    late = sum([earlier[:2], later[:2]] == last for _, earlier, later in top)
    told = f"{keys} of the top {len(top)} by keys, {late} from the last layer but one to the last"
    rule = f"q < {composition.level:g} against {composition.rotations:,} rotations of each"
    print(f"here     {told}.")
    print(f"         {len(composition.pairs)} of {tested} are beyond chance ({rule}):")
    for kind, earlier, later in top:
        at = composition.at(kind, earlier, later)
        rotated = f"rotated {composition.low[at]:.2f} to {composition.high[at]:.2f}, z={composition.z[at]:.0f}"
        print(f"         {earlier} → {later} by {kind}: {composition.scaled[at]:.2f} ({rotated})")
    highest = float(np.nanmax(composition.high))
    print(f"         Rotated pairs reach {highest:.2f} here: a score over 1 alone is not beyond chance.")
    sure = "weights have no sampling error; one training run"
    if top and 2 * min(keys, late) > len(top):
        print(f"verdict  holds ({sure}). That weights fit together is no proof that they are used.")
    elif top and 2 * max(keys, late) > len(top):
        print(
            f"verdict  holds in part ({sure}): {'by keys, but elsewhere' if keys > late else 'there, but not by keys'}."
        )
    else:
        print(f"verdict  does not hold ({sure}).")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
