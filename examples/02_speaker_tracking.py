"""
Finding 2: a head that says who speaks, or a sink
=================================================

The notes' L3H3 gives position 0 99 % of its attention and is called a speaker-tracking head. Position 0 is also where
heads look to do nothing (a sink), and it says who spoke first, not who speaks. Six tests tell these apart: what stands
there, whether attention follows the speaker token, what a swap of speakers sends through the head, and what it says.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("speaker-tracking",)


def examine(results: Results) -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    L3H3 gives position 0 99% of its attention (L3H1 98%, L3H2 55%); no test of what it says.")
    tracking = results["speaker-tracking"]
    groups = {verdict: tracking.heads_that_are(verdict) for verdict in ("current-speaker", "first-speaker", "sink")}
    now, first, sinks = groups.values()
    print("here     " + "; ".join(f"{name}: {', '.join(heads) or 'none'}" for name, heads in groups.items()) + ".")
    zero, latest = tracking.seen["first"], tracking.seen["latest"]
    print(f"         Undetermined: {', '.join(tracking.heads_that_are('undetermined')) or 'none'}.")
    print(f"         No head gives position 0 more than {zero.value.max():.0%}; n={zero.n} conversations.")
    reading = False
    for head in (*now, *first):
        side, at = "current" if head in now else "first", tuple(map(int, head[1:].split("H")))
        reading |= bool(zero[at].low > latest[at].high)
        print(f"         {head} gives the latest speaker token {percent(latest[at])}, position 0 {percent(zero[at])};")
        through, probe = tracking.through(head, side), tracking.probe[side]["head"][at]
        pairs = f"{tracking.pairs[side]['confirm']} pairs"
        print(f"         {percent(through)} of a swap of speakers goes through it ({pairs} not used to choose it),")
        print(f"         and a probe reads the speaker off it {percent(probe)} of the time (chance 50%).")
    sure = f"{tracking.trust('current')} evidence"
    if reading:
        print(f"verdict  holds ({sure}): a head looks at position 0 and passes on who stands there.")
    elif now:
        print(f"verdict  holds in part ({sure}): {now[0]} says who speaks, but by the latest token, not position 0.")
    elif sure.startswith("anecdotal"):
        print(f"verdict  cannot be said ({sure}): too few pairs of prompts, and attention alone does not tell.")
    else:
        print(f"verdict  does not hold ({sure}): no head says who speaks{', though there are sinks' * bool(sinks)}.")


def percent(share: wl.Estimate) -> str:
    """Return a share with its 95 % interval."""
    return f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}]"


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
