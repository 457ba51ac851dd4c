"""
Finding 3: a previous-token head
================================

The notes' L0H2 gives the token before 76% of its attention, and removing it costs 0.62 nats a token. Is there such a
head here? The pattern is averaged over held-out windows of 64 to 128 tokens (the notes' figures fit prompts of six,
where the token before is one of three on average); its cost is measured with what the head said elsewhere in its place.
"""

import sys
from pathlib import Path

import numpy as np

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("head-patterns", "head-ablation")


def examine(results: Results) -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    L0H2 alone gives the token before over 50%: 76%; removing it costs 0.62 nats a token.")
    patterns, ablation = results["head-patterns"], results["head-ablation"]
    score = patterns.scores["previous"]
    at = np.unravel_index(np.argmax(score.value), score.value.shape)
    name, most, cost = "L{}H{}".format(*at), score[at], ablation.cost["resample"][at]
    before = float(patterns.control.scores["previous"].value.max())
    print(f"here     {name} gives it most, {percent(most)}; losing it costs {cost.value:.3f} nats a token")
    print(f"         [{cost.low:.3f}, {cost.high:.3f}]; n={most.n} conversations. Even attention would give")
    print(f"         {most.chance:.0%}, the highest head before training {before:.0%}.")
    over, needed = int((score.low > 0.5).sum()), bool(cost.low > 0)
    leaning = most.low > 2 * max(float(most.chance), before)
    sure = "sure" if most.trusted else "unsure: too few conversations"
    if over and needed:
        print(f"verdict  holds ({sure}): {over} head{'s' * (over > 1)} over 50%, needed.")
    elif over:
        print(f"verdict  holds in part ({sure}): the pattern is there, but the head is not needed.")
    elif leaning and needed:
        print(f"verdict  holds in part ({sure}): heads lean to the token before and are needed; none is given to it.")
    else:
        print(f"verdict  does not hold ({sure}): no head looks at the token before much more than by chance.")


def percent(share: wl.Estimate) -> str:
    """Return a share with its 95% interval."""
    return f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}]"


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
