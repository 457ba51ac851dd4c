"""
Finding 10: does a larger model have cleaner circuits?
======================================================

The notes end with this question. It takes two workspaces of the same messages, a smaller and a larger model:
``wonderland demo`` and ``wonderland demo wonderland-large --preset large`` (on a GPU). Measured are the heads with a
pattern, neurons against random directions, and what one head does for who speaks.
"""

import sys
from pathlib import Path

import wonderland as wl


def examine(specimen: wl.Specimen, larger: wl.Specimen | None = None) -> None:
    """Print what the notes asked, what is found here, and the verdict."""
    print("notes    open: cleaner circuits and less superposition, or more features in the same entangled space?")
    found = [measures(one) for one in (specimen, larger) if one is not None]
    for label, one in zip(("here    ", "        "), found, strict=False):
        (less, low, high), back = one["neurons"], one["speaker"]
        print(
            f"{label} {one['size']}M parameters, loss {one['loss']:.2f}: {one['named']:.0%} of the heads have a pattern;"
        )
        print(f"         a neuron is less mixed than a direction with probability {less:.2f} [{low:.2f}, {high:.2f}];")
        print(f"         one head brings back {back.value:.0%} [{back.low:.0%}, {back.high:.0%}] of who speaks.")
    if larger is None:
        print("verdict  cannot be said: give a larger model's workspace as well.")
    elif specimen.fingerprints["held out"] != larger.fingerprints["held out"]:
        print("verdict  cannot be said: the two were not examined on the same conversations.")
    else:
        (_, low, high), (_, lower, upper) = found[0]["neurons"], found[1]["neurons"]
        ours, theirs = found[0]["speaker"], found[1]["speaker"]
        better, worse = lower > high or theirs.low > ours.high, upper < low or theirs.high < ours.low
        verdict = {(True, False): "cleaner", (False, True): "not cleaner but more mixed"}.get((better, worse))
        print(f"verdict  {verdict or 'cannot be said: the intervals overlap or disagree'} (one training run of each).")


def measures(specimen: wl.Specimen) -> dict:
    """Return the loss and how clean the model is, by three measures."""
    results = wl.analyze(specimen, "token-loss", "head-patterns", "neurons", "activation-patching")
    labels = [label for row in results["head-patterns"].labels for label in row]
    less = results["neurons"].specific
    return {
        "size": f"{specimen.cfg.n_params / 1e6:.1f}",
        "loss": float(results["token-loss"].overall.value),
        "named": sum(label != "diffuse" for label in labels) / len(labels),
        "neurons": [float(part.mean()) if len(part) else 0.5 for part in (less.value, less.low, less.high)],
        "speaker": results["activation-patching"].confirmed["denoising"],
    }


if __name__ == "__main__":
    folders = sys.argv[1:3] or ["wonderland-demo"]
    if missing := [folder for folder in folders if not Path(folder).is_dir()]:
        sys.exit(f"There is no workspace {missing[0]}. Make it first: wonderland demo {missing[0]}")
    examine(*(wl.Workspace(folder).specimen() for folder in folders))
