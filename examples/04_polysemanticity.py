"""
Finding 4: neurons that fire for many things
============================================

The notes call 94 to 100% of 64 neurons a layer polysemantic. How many are, depends on where the line is drawn; so all
neurons are measured here, at several lines, beside random directions of the same layer and the untrained model. Only
the difference to those is about neurons.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("neurons",)

LINES = {12: "0.3", 20: "0.5"}  # places in the curve over all lines


def examine(results: Results) -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    98, 100, 98 and 94% of 64 neurons in each of four layers are polysemantic; no null.")
    neurons = results["neurons"]
    if not neurons.kind_entropy.size:
        print("here     the model has no MLPs.\nverdict  cannot be said: there are no neurons.")
        return
    curves = neurons.sweep | {"untrained": neurons.control.sweep["neurons"]}
    ours, others = curves.pop("neurons"), ("random directions", "untrained")
    beside = ", ".join(f"{name} {curves[name][1]:.0%}" for name in others)
    print(
        f"here     {ours[1]:.0%} of all {neurons.kind_entropy.size:,} fire for more than one kind of token ({beside})."
    )
    for line, entropy in LINES.items():
        beside = ", ".join(f"{name} {curves[name][line]:.0%}" for name in others)
        print(f"         With the line at an entropy of {entropy} it is {ours[line]:.0%} ({beside}).")
    less = neurons.specific
    print("         A neuron is less mixed than a random direction of its layer with probability")
    for layer, (value, low, high) in enumerate(zip(less.value, less.low, less.high, strict=True)):
        print(f"         L{layer} {value:.2f} [{low:.2f}, {high:.2f}] (n={less.n} neurons; 0.5: no difference).")
    apart, trained = [f"L{layer}" for layer, low in enumerate(less.low) if low > 0.5], neurons.special
    if ours[1] > 0.9 and not apart:
        print("verdict  holds (one training run): nearly all are mixed, and as much as random directions are.")
    elif ours[1] > 0.9:
        print("verdict  holds in part (one training run): nearly all are mixed, but less than random directions are")
        print(f"         in {', '.join(apart)}; more clearly than before training in {len(trained)} layer(s).")
        print("         So a share of mixed neurons alone says little.")
    else:
        print("verdict  does not hold (one training run): many fire for one kind of token only.")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
