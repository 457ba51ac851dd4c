"""
Finding 10: does a larger model have cleaner circuits?
======================================================

It takes two workspaces of the same messages: ``wonderland demo`` and, on a GPU, ``wonderland demo wonderland-large
--preset large``. Of one that predicts no better, by the byte, nothing follows. Else: patterns, neurons, who speaks.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("token-loss", "head-patterns", "neurons", "activation-patching")


def examine(results: Results, larger: Results | None = None) -> None:
    """Print what the notes asked, what is found here, and the verdict."""
    print("notes    open: cleaner circuits and less superposition, or more features in the same entangled space?")
    found = [(one, *measures(one)) for one in (results, larger) if one is not None]
    for i, (one, (less, low, high), back) in enumerate(found):
        about = f"{one.specimen.cfg.n_params / 1e6:.1f}M parameters, {per_byte(one):.2f} nats a byte held out"
        named = [label != "diffuse" for row in one["head-patterns"].labels for label in row]
        print(f"{'here' * (not i):8} {about}: {sum(named)} of {len(named)} heads have a pattern;")
        print(f"         a neuron is less mixed than a direction with probability {less:.2f} [{low:.2f}, {high:.2f}];")
        print(f"         one head brings back {back.value:.0%} [{back.low:.0%}, {back.high:.0%}] of who speaks.")
    if larger is None:
        print("verdict  cannot be said: give a larger model's workspace as well.")
    elif results.specimen.fingerprints["held out"] != larger.specimen.fingerprints["held out"]:
        print("verdict  cannot be said: the two were not examined on the same conversations.")
    elif per_byte(larger) > per_byte(results):
        print("verdict  cannot be said: the larger model predicts worse; it needs more messages or fewer epochs.")
    else:
        (_, (_, low, high), ours), (_, (_, lower, upper), theirs) = found
        better, worse = lower > high or theirs.low > ours.high, upper < low or theirs.high < ours.low
        verdict = {(True, False): "cleaner", (False, True): "not cleaner but more mixed"}.get((better, worse))
        print(f"verdict  {verdict or 'cannot be said: the intervals overlap or disagree'} (one training run of each).")


def measures(results: Results) -> tuple[list[float], wl.Estimate]:
    """Return how clean the model is: of neurons the mean over layers with its bounds, and what one head does."""
    less = results["neurons"].specific
    neurons = [float(part.mean()) if len(part) else 0.5 for part in (less.value, less.low, less.high)]
    return neurons, results["activation-patching"].confirmed["denoising"]


def per_byte(results: Results) -> float:
    """Return the loss of all held-out tokens in nats a byte; nats a token of those examined if bytes are not known."""
    history = results.specimen.model.history
    each = None if history is None or history.held_out_loss is None else history.per_byte(history.held_out_loss)
    return float(results["token-loss"].overall.value) if each is None else each


if __name__ == "__main__":
    folders = sys.argv[1:3] or ["wonderland-demo"]
    if missing := [folder for folder in folders if not Path(folder).is_dir()]:
        sys.exit(f"There is no workspace {missing[0]}. Make it first: wonderland demo {missing[0]}")
    examine(*(wl.Workspace(folder).analyze(*ASKS) for folder in folders))
