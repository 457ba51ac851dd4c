"""
Finding 1: two heads that only work together
============================================

The notes patched L0H0 and L0H1 into one corrupted prompt: together they brought 87.5% back, each alone made it worse,
which was read as superposition. Here the same is asked of many pairs of prompts that differ in yes or no, with all
other pairs of heads beside it, and with the best pair of this model, chosen on other conversations: numbers of heads
mean nothing from one training run to the next.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results
from wonderland.views import counted

ASKS = ("circuit-sufficiency",)  # what the best pair does for who speaks


def examine(results: Results, kind: str = "affirmation") -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    L0H0 + L0H1 bring back 87.5%; alone −271% and −190%; without one −351% and −315%. One prompt.")
    name, circuits = ASKS[0], ((), ("L0H0", "L0H1"))  # the best pair of heads, then the notes'
    asked = [{name: {"heads": heads, "kind": kind}} for heads in circuits]
    found = [wl.analyze(results.specimen, name, parameters=parameters)[name] for parameters in asked]
    found.append(results[name])
    if not found[0].circuit:
        print("here     there are no usable pairs of prompts.\nverdict  cannot be said: there is nothing to patch.")
        return
    for i, one in enumerate(one for one in found if one.circuit):
        alone = ", ".join(f"{head} {percent(share)}" for head, share in one.alone.items())
        print(f"{'here' * (not i):8} {' + '.join(one.circuit)} bring back {percent(one.recovery)}; alone {alone}.")
        pairs = f"{counted(one.confirming, 'pair')} ({one.kind}) from {counted(one.recovery.n, 'conversation')}"
        print(f"         Rank {one.rank} of {1 + len(one.others)} pairs of heads, p={one.p:.3f}; {pairs}.")
    best = found[0]
    total, sure = sum(float(share.value) for share in best.alone.values()), f"{best.trust} evidence"
    if best.recovery.n < 2:
        print("verdict  cannot be said: one conversation of such pairs gives no interval.")
    elif any(one.sufficient and all(share.high < 0 for share in one.alone.values()) for one in found):
        print(f"verdict  holds ({sure}): a pair suffices of which each head alone does harm.")
    elif best.recovery.low > total + 0.1:
        print(f"verdict  holds in part ({sure}): the best pair does more than its heads add up to.")
    else:
        print(f"verdict  does not hold ({sure}): the best pair does what its heads add up to, {total:.0%}.")
    print("         Without one of two heads only the other is left: the notes' −351% should equal their −190%.")


def percent(share: wl.Estimate) -> str:
    """Return a share with its 95% interval; of one pair of prompts there is none."""
    interval = f"[{share.low:.0%}, {share.high:.0%}]" if share.low <= share.high else "(no interval)"
    return f"{share.value:.0%} {interval}"


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
