"""Which optimiser gets a model to a loss first? Runs of several lengths of each, on the demo's conversations.

A learning rate that falls to zero makes the end of a run the only place to compare, so every length is a run of its
own, over a random part of the training windows. Plain AdamW runs over one part at each of some rates; the best is its
tuned rate. Muon with AdamW runs at the preset's rates over smaller parts, and its curve is read at AdamW's loss.

    python benchmarks/loss_against_time.py tune 0.002 0.004      # AdamW at each rate
    python benchmarks/loss_against_time.py compare 0.004         # both, at AdamW's tuned rate, on a quiet machine
    python benchmarks/loss_against_time.py draw ROWS PICTURE     # the curves of the rows that these printed

What would fool it: other work on the machine during ``compare``; one seed, so losses under 0.01 apart are the same.
"""

import argparse
import json
import sys
from dataclasses import replace

import numpy as np

import wonderland as wl
from wonderland.corpus.windows import pack
from wonderland.demo import MESSAGES
from wonderland.model.settings import TrainingSettings
from wonderland.model.training import evaluate, fit

ADAMW_PART, MUON_PARTS = 0.4, (0.05, 0.1, 0.15, 0.25)


def runs():
    """Return a function that trains one model and says how it went."""
    corpus = wl.Corpus.read(MESSAGES).filter("automated", "urls", "emoji")
    part, held_out = corpus.split(0.1)
    tokenizer = wl.SpeakerTokenizer.train(part, vocab_size=2048)
    windows, evidence = pack(part, tokenizer), pack(held_out, tokenizer, stride=8)
    order = np.random.default_rng(0).permutation(len(windows))

    def train(optimiser, share, **rates):
        chosen = np.sort(order[: round(share * len(windows))])
        some = replace(windows, **{name: getattr(windows, name)[chosen] for name in ("start", "stop", "conversation")})
        settings = TrainingSettings(preset="nano", epochs=1, optimiser=optimiser, **rates).resolved()
        model = fit(wl.ChatTransformer.from_preset("nano", tokenizer, seed=0), some, None, settings, tokenizer)
        end = model.history.epochs[-1]
        row = {"optimiser": optimiser, "share": share, **rates, "tokens": end.tokens, "seconds": round(end.seconds, 1)}
        row["held_out_loss"] = round(evaluate(model, evidence), 4)
        print(json.dumps(row), flush=True)
        return row

    return train


def compare(train, rate, part, parts):
    """Print the losses of both against time, and how many times as fast Muon reaches AdamW's."""
    train("muon", 0.02)  # the first run pays for what is loaded and compiled
    adamw = [train("adamw", share, learning_rate=rate) for share in (part / 2, part)]
    muon = [train("muon", share) for share in parts]
    print("\n| optimiser | tokens | seconds | held-out loss |\n|---|---|---|---|")
    for row in (*adamw, *muon):
        print(f"| {row['optimiser']} | {row['tokens']:,} | {row['seconds']:.0f} | {row['held_out_loss']:.3f} |")
    goal = adamw[-1]["held_out_loss"]
    losses, seconds = [row["held_out_loss"] for row in muon], [row["seconds"] for row in muon]
    if not losses[-1] <= goal <= losses[0]:
        sys.exit(f"AdamW's loss {goal:.3f} is not between Muon's {losses[0]:.3f} and {losses[-1]:.3f}: other parts.")
    reached = float(np.interp(-goal, [-loss for loss in losses], seconds))
    whole = adamw[-1]["seconds"]
    print(f"\nAdamW reaches {goal:.3f} in {whole:.0f} s; Muon in {reached:.0f} s, {reached / whole:.0%} of the time.")


def draw(rows, picture):
    """Draw held-out loss against time, a line an optimiser: AdamW at whichever rate was best for each length."""
    from matplotlib import pyplot

    with open(rows, encoding="utf-8") as file:
        runs = [json.loads(line) for line in file if line.startswith("{")]
    pyplot.rcParams["svg.hashsalt"] = "wonderland"
    figure, axes = pyplot.subplots(figsize=(6, 3.6), layout="constrained")
    for optimiser, label, colour in (("adamw", "AdamW", "#d55e00"), ("muon", "Muon with AdamW", "#0072b2")):
        best = {}
        for run in sorted((run for run in runs if run["optimiser"] == optimiser), key=lambda run: run["held_out_loss"]):
            best.setdefault(run["share"], run)
        points = sorted((run["seconds"], run["held_out_loss"]) for run in best.values())
        axes.plot(*zip(*points, strict=True), "o-", color=colour)
        axes.annotate(label, points[-1], (6, 4), textcoords="offset points", color=colour)
    axes.set(xlabel="seconds of training, two cores", ylabel="held-out loss, nats a token")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.2)
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("tune", "compare", "draw"))
    parser.add_argument("values", nargs="+", help="learning rates of AdamW, or rows and picture")
    parser.add_argument("--part", type=float, default=ADAMW_PART, help="share of the windows that AdamW sees")
    parser.add_argument("--parts", nargs="+", type=float, default=MUON_PARTS, help="shares that Muon sees")
    asked = parser.parse_args()
    if asked.what == "tune":
        trainer = runs()
        for one in asked.values:
            trainer("adamw", asked.part, learning_rate=float(one))
    elif asked.what == "compare":
        compare(runs(), float(asked.values[0]), asked.part, asked.parts)
    else:
        draw(*asked.values)
