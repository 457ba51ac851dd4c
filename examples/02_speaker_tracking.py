"""
Finding 2: a head that says who speaks, or a sink
=================================================

The notes' L3H3 gives position 0 99% of its attention and is called a speaker-tracking head. Position 0 is also where
heads look to do nothing (a sink), and it says who spoke first, not who speaks. Six tests tell these apart.
"""

import sys
from pathlib import Path

import numpy as np

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("speaker-tracking",)


def examine(results: Results) -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    L3H3 gives position 0 99% of its attention (L3H1 98%, L3H2 55%); no test of what it says.")
    tracking = results["speaker-tracking"]
    kinds = ("current-speaker", "first-speaker", "sink", "undetermined")
    now, first, sinks, _ = groups = [tracking.heads_that_are(kind) for kind in kinds]
    told = [f"{kind}: {', '.join(heads) or 'none'}" for kind, heads in zip(kinds, groups, strict=True)]
    zero, latest = tracking.seen["first"], tracking.seen["latest"]
    explored = tracking.swap["current"]["explore"]["through"].value
    most = "L{}H{}".format(*np.unravel_index(np.argmax(explored), explored.shape))
    print(f"here     {'; '.join(told[:3])};\n         {told[3]}.")
    print(f"         No head gives position 0 more than {zero.value.max():.0%}; n={zero.n} conversations.")
    pairs = wl.views.counted(tracking.pairs["current"]["confirm"], "pair")
    print(f"         {percent(tracking.through(most))} of a swap of speakers goes through {most},")
    print(f"         over {pairs} of other conversations than it was chosen on.")
    for head in (*now, *first):
        side, at = "current" if head in now else "first", tuple(map(int, head[1:].split("H")))
        probe = percent(tracking.probe[side]["head"][at])
        print(f"         {head} gives the latest speaker token {percent(latest[at])}, position 0 {percent(zero[at])};")
        print(f"         a probe reads the speaker off it {probe} of the time (chance 50%).")
    sure = f"{tracking.trust('current')} evidence"
    if first:
        print(f"verdict  holds ({sure}): {first[0]} looks at position 0 and passes on who stands there.")
    elif now:
        print(f"verdict  holds in part ({sure}): {now[0]} says who speaks, but by the latest token, not position 0.")
    elif sure.startswith("anecdotal"):
        print(f"verdict  cannot be said ({sure}): too few pairs of prompts, and attention alone does not tell.")
    else:
        print(f"verdict  does not hold ({sure}): no head passes the tests{', though there are sinks' * bool(sinks)}.")


def percent(one: wl.Estimate) -> str:
    """Return a share with its 95% interval; of one pair of prompts there is none."""
    return f"{one.value:.0%} " + (f"[{one.low:.0%}, {one.high:.0%}]" if one.low <= one.high else "(no interval)")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
