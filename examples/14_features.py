"""
Beyond the notes: neurons, directions and latents
=================================================

Finding 4 asks of neurons how many things they fire for. Here neurons, random directions and latents of a sparse
dictionary of one layer stand side by side, of the trained model, of the untrained one and, where it was measured, of
scrambled weights: how many have an explanation, how many one that is about the context, and which of them knows who
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
    trained, before = features.contextually, features.control.contextually
    print(
        f"         About the context: {trained.value[0]:.1%} [{trained.low[0]:.1%}, {trained.high[0]:.1%}] of latents,"
    )
    print(f"         before training {before.value[0]:.1%} [{before.low[0]:.1%}, {before.high[0]:.1%}].")
    scrambled = dictionaries.measured["scrambled weights"]["stable"]
    print(f"         Two starts agree on {dictionaries.stable.value[0]:.0%} of latents, with scrambled weights on")
    print(f"         {scrambled.value[0]:.0%}, before training on {dictionaries.control.stable.value[0]:.0%}.")
    for label, units in next(iter(features.known.values())).items():
        told = ", ".join(f"{kind} {float(one.value):.3f}" for kind, one in units.items() if kind != "number")
        print(f"         AUROC of the best unit for “{label}”: {told}.")
    more = trained.low[0] > before.high[0]
    print(f"verdict  {'more' if more else 'not shown to be more'} latents about the context than before training.")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS, parameters={"sparse-dictionaries": {"layers": LAYER}}))
