"""
Beyond the notes: neurons, directions and latents
=================================================

Finding 4 asks of neurons how many things they fire for. Here neurons, random directions and latents of a sparse
dictionary of one layer stand side by side, of the trained model, of scrambled weights and of the untrained one: how
many have an explanation, how many one that is about the context, how many the model needs, and which of them knows who
speaks. Training the dictionaries takes some minutes.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("sparse-dictionaries", "sparse-features")
LAYER = "2"


def examine(results: Results) -> None:
    """Print what each kind of unit stands for, and the verdict."""
    dictionaries, features = (results[name] for name in ASKS)
    print("notes    94 to 100% of 64 neurons a layer are polysemantic; other units were not looked at.")
    for place in features.arrays:
        kinds = {"latents": features.arrays[place]["f1"], **features.nulls[place]}
        told = ", ".join(f"{kind} {(f1 >= 0.5).mean():.0%}" for kind, f1 in kinds.items())
        print(f"here     {place}: share with an explanation, F1 of 0.5 and more: {told}.")
        its = features.scrambled[place]
        if its:
            kinds = {"latents": its["arrays"]["f1"], **its["nulls"]}
            told = ", ".join(f"{kind} {(f1 >= 0.5).mean():.0%}" for kind, f1 in kinds.items())
            print(f"         With scrambled weights: {told}.")
    trained, before = features.contextually, features.control.contextually
    print(
        f"         About the context: {trained.value[0]:.1%} [{trained.low[0]:.1%}, {trained.high[0]:.1%}] of latents,"
    )
    other = features.scrambled_contextually
    print(f"         with scrambled weights {other.value[0]:.1%} [{other.low[0]:.1%}, {other.high[0]:.1%}],")
    print(f"         before training {before.value[0]:.1%} [{before.low[0]:.1%}, {before.high[0]:.1%}].")
    needed = (features.needed, features.scrambled_needed, features.control.needed)
    told = ", ".join(f"{float(one.value[0]):.0%} of {one.n}" for one in needed)
    print(f"         Stable latents the model needs (chance 5%), in the same order: {told}.")
    scrambled = dictionaries.measured["scrambled weights"]["stable"]
    print(f"         Two starts agree on {dictionaries.stable.value[0]:.0%} of latents, with scrambled weights on")
    print(f"         {scrambled.value[0]:.0%}, before training on {dictionaries.control.stable.value[0]:.0%}.")
    for label, units in next(iter(features.known.values())).items():
        told = ", ".join(f"{kind} {float(one.value):.3f}" for kind, one in units.items() if kind != "number")
        print(f"         AUROC of the best unit for “{label}”: {told}.")
    more = trained.low[0] > max(before.high[0], other.high[0])
    told = "more" if more else "not shown to be more"
    print(f"verdict  {told} latents about the context than where nothing was learned.")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS, parameters={"sparse-dictionaries": {"layers": LAYER}}))
