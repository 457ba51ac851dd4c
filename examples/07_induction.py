"""
Finding 7: induction, or its absence
====================================

The notes find no head with an induction score over 0.3 and conclude that conversations do not ask for induction. A
threshold on attention cannot show an absence, so the behaviour comes first: is the second copy of random words easier
than the same words after others, or after the same in another order?
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("induction",)


def examine(results: Results) -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    no head scores over 0.3; several score 0.05 to 0.09. No test of behaviour.")
    induction = results["induction"]
    order = max(induction.order.values(), key=lambda one: float(one.value))
    print(f"here     the order of a repetition of random words is worth {nats(order)}, chance 0.")
    for draw, gain in induction.gain.items():
        print(f"         Said twice, {draw} words gain {nats(gain)}; after other words {gain.chance:+.3f}.")
    score = induction.scores["unigram"]
    print(f"         The highest score of a head is {score.value.max():.3f}; even attention gives {score.chance:.3f}.")
    n = f"n={score.n} sequences of {induction.length} words said twice"
    if induction.behaves:
        who = f"with {', '.join(induction.candidates)}" if induction.caused else "and no set of heads does it alone"
        print(f"verdict  does not hold (sure; {n}): the model continues repetitions, {who}.")
    elif order.high < induction.least_gain:
        print(f"verdict  holds (sure; {n}): no gain of {induction.least_gain:g} nats by the order of a repetition.")
    else:
        print(f"verdict  cannot be said ({n}): a gain of up to {order.high:.2f} nats is not excluded.")
    print("         That this test finds induction where it was planted, shows: wonderland selftest")


def nats(gain: wl.Estimate) -> str:
    """Return a gain in nats a token with its 95% interval."""
    return f"{gain.value:+.3f} nats [{gain.low:+.3f}, {gain.high:+.3f}]"


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
