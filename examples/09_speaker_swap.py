"""
Finding 9: the test of speaker tracking that the notes could not do
===================================================================

The notes' own test of a speaker head failed: its target stood in both prompts. They name the cure, and this is it:
pairs of prompts in which only the speaker token differs, with a target that only one speaker makes likely. Which head,
put from one prompt into the other, brings the answer along? And is it the head that looks at speaker tokens?
"""

import sys
from pathlib import Path

import numpy as np

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("head-patterns", "activation-patching")


def examine(results: Results) -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    invalid: its target stood in both prompts, so there was no gap. Supposed: L3H3, by position 0.")
    patterns, patching = results["head-patterns"], results["activation-patching"]
    if not patching.pairs:
        print("here     there are no usable pairs of prompts.\nverdict  cannot be said: there is nothing to patch.")
        return
    back, lost = (percent(patching.confirmed[way]) for way in ("denoising", "noising"))
    best, at = patching.best, tuple(int(number) for number in patching.best[1:].split("H"))
    look, first = patterns.scores["speaker"], patterns.scores["first"][at]
    tracker = "L{}H{}".format(*np.unravel_index(np.argmax(look.value), look.value.shape))
    second, sure = np.sort(patching.by_head["denoising"].value.ravel())[-2], f"{patching.trust} evidence"
    low, n = patching.confirmed["denoising"].low, patching.confirmed["denoising"].n
    print(f"here     {best} alone brings back {back} and, corrupted, takes away {lost}; the next head {second:.0%}.")
    pairs = f"{wl.views.counted(patching.confirming, 'pair')} of {wl.views.counted(n, 'conversation')}"
    print(f"         Measured on {pairs}, chosen on others; mean gap")
    print(f"         {patching.gap.value:.2f} logits. It gives the latest speaker token {percent(look[at])} of its")
    print(f"         attention (chance {look[at].chance:.0%}), position 0 {percent(first)}.")
    where = "at the latest speaker token" if look[at].low > first.high else "at position 0"
    if tracker == best and low > 0.5:
        print(f"verdict  holds ({sure}): one head carries most of who speaks, looking {where}.")
    elif low > 0.25:
        print(
            f"verdict  holds in part ({sure}): {best} carries some of it; most attention to who speaks is {tracker}'s."
        )
    else:
        print(f"verdict  does not hold ({sure}): no single head carries who speaks.")


def percent(one: wl.Estimate) -> str:
    """Return a share with its 95% interval; of one pair of prompts there is none."""
    return f"{one.value:.0%} " + (f"[{one.low:.0%}, {one.high:.0%}]" if one.low <= one.high else "(no interval)")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
