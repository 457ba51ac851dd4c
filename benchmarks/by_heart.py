"""What does an audit find of a model that learned its messages by heart, and which defence changes it?

A `nano` model reads 1,000 messages of the demo, whole conversations, until it knows them (no epoch is chosen by its
held-out loss), with six-digit codes put in: eight said once, eight four times, and sixteen drawn and left out. The
audit compares them with 2,500 messages of other conversations. Then the same once more with one thing changed:

- *goldfish loss* (Hans et al. 2024, 2406.10209): one token in four, chosen by a hash of the three before it, is left
  out of the training loss, so that the same passage always hides the same tokens;
- *a filter of verbatim text* (Ippolito et al. 2022, 2210.17546): the plain model may not say a token that would end six
  tokens in a row of its training text; so what it says differs, and near-verbatim repetition is counted.

    python benchmarks/by_heart.py plain goldfish filter     # some minutes of CPU time each; prints a table

What would fool it: one seed, one size of model, 1,000 messages. The figures are of this model, not of the method.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

import wonderland as wl
from wonderland.audit.completion import edit_distance
from wonderland.audit.forcing import force
from wonderland.audit.found import canaries_told
from wonderland.audit.membership import auc_estimate
from wonderland.audit.messages import Messages
from wonderland.audit.running import audit
from wonderland.audit.sampling import continue_rows
from wonderland.audit.settings import AuditSettings
from wonderland.corpus.canaries import Canary, draw, inserted
from wonderland.demo import MESSAGES
from wonderland.model import gradient
from wonderland.model.loss import linear_cross_entropy
from wonderland.tokenizer import PAD

MESSAGES_READ, LONGEST, EPOCHS = 1000, 60, 40
GOLDFISH, HASHED = 4, 3
ROW = 6  # tokens of the training text in a row that the filter does not let through


def parts():
    """Return 1,000 training messages with codes put in, other messages, the codes, and a tokenizer."""
    corpus = wl.Corpus.read(MESSAGES).filter("automated", "urls", "emoji")
    some, rest = corpus.split(0.5, by="conversation", seed=1)
    held_out = rest.split(0.2, by="conversation", seed=1)[1]
    lengths = np.diff(np.append(some.thread_starts, len(some)))
    short = np.flatnonzero(lengths <= LONGEST)  # many conversations, so that an interval over them means something
    train = some.of_conversations(np.isin(np.arange(len(lengths)), short[np.cumsum(lengths[short]) <= MESSAGES_READ]))
    drawn = [canary.text for canary in draw(32, seed=1)]
    said = [Canary(text, times) for text, times in zip(drawn, [*[1] * 8, *[4] * 8, *[0] * 16], strict=True)]
    tokenizer = wl.SpeakerTokenizer.train([*rest.texts, "the code is 0 1 2 3 4 5 6 7 8 9"], vocab_size=2048)
    return inserted(train, said), held_out, said, tokenizer


def goldfish_loss(model, tokens):
    """Return the summed loss of padded windows without one token in four, and the number of all tokens."""
    targets = tokens[:, 1:]
    padded = torch.nn.functional.pad(tokens, (HASHED, 0), value=PAD)
    hashed = sum((padded[:, i : i + targets.shape[1]] + 1) * 1_000_003**i % 998_244_353 for i in range(1, HASHED + 1))
    told = hashed % 998_244_353 % GOLDFISH != 0
    wanted = ((targets != PAD) & told).flatten().nonzero()[:, 0]
    final = model.ln_final(model(tokens[:, :-1], stop_at_layer=model.cfg.n_layers)).flatten(0, 1)
    return linear_cross_entropy(final[wanted], model.unembed.W_U, targets.flatten()[wanted]), len(wanted)


def trained(train, tokenizer, goldfish):
    """Train the model for all epochs, with the plain loss or with that of the goldfish."""
    plain = gradient.loss_sum
    if goldfish:
        gradient.loss_sum = goldfish_loss
    try:
        return wl.ChatTransformer.train(
            train, tokenizer, preset="nano", epochs=EPOCHS, seed=0, on_progress=lambda at: None
        )
    finally:
        gradient.loss_sum = plain


class Filtered:
    """A model that may not say a token which would end so many tokens in a row of its training text."""

    def __init__(self, model, rows):
        self.model, self.cfg, self.device = model, model.cfg, model.device
        self.ends = {}
        for row in rows:
            for i in range(ROW - 1, len(row)):
                self.ends.setdefault(tuple(row[i - ROW + 1 : i]), set()).add(row[i])

    def __call__(self, tokens):
        logits = self.model(tokens)
        for r, row in enumerate(tokens.tolist()):
            for token in self.ends.get(tuple(row[-ROW + 1 :]), ()):
                logits[r, -1, token] = float("-inf")
        return logits


def given_back(model, messages, settings):
    """Let greedy decoding continue all training messages from four tokens; count how close it comes."""
    chosen = messages.sample(True, 0, settings.prompt + settings.least, 0, most=model.cfg.n_ctx).tolist()
    rows = [messages.rows[i] for i in chosen]
    rests = [row[1 + settings.prompt :] for row in rows]
    told = continue_rows(model, [row[: 1 + settings.prompt] for row in rows], [len(rest) for rest in rests])
    far = [edit_distance(a, b) / len(b) for a, b in zip(told, rests, strict=True)]
    return {f"within {share:.0%}": [int(sum(d <= share for d in far)), len(far)] for share in (0, 0.1, 0.25, 0.5)}


def told(name, model, train, held_out, said, tokenizer):
    """Print what an audit finds of the model."""
    settings = AuditSettings(training=0, generations=200, candidates=400)
    found = audit(model, tokenizer, train, held_out, settings)
    messages = Messages.of(train, held_out, tokenizer)
    least = settings.prompt + settings.least
    chosen = np.concatenate([messages.sample(read, 1000, least, 0, most=model.cfg.n_ctx) for read in (True, False)])
    behind = force(model, [messages.rows[i] for i in chosen.tolist()], messages.contexts(chosen))
    in_window = auc_estimate(-behind.mean_losses(), messages.read[chosen], messages.conversation[chosen])
    names = ("message, loss", "message, calibrated", "message, text alone", "conversation, calibrated")
    row = {
        "model": name,
        "train loss": round(model.history.epochs[-1].train_loss, 3),
        "completed": {part: found.hits[part] for part in found.hits},
        "Fisher": found.fisher,
        "AUC": {one: str(found.membership[one]) for one in names if one in found.membership},
        "AUC of the loss in a window": str(in_window),
        "untrained": str(found.membership["message, untrained"]),
        "given back": given_back(model, messages, settings),
    }
    codes = canaries_told(model, tokenizer, said, candidates=400)["rows"]
    row["exposure"] = {one["times"]: str(one["bits"]) for one in codes}
    row["tries"] = {one["times"]: one["tries"] for one in codes}
    print(json.dumps(row, indent=1), flush=True)


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("arms", nargs="*", default=["plain", "goldfish", "filter"])
    parser.add_argument("--keep", type=Path, help="folder in which to keep the models, and to look for them first")
    options = parser.parse_args()
    train, held_out, said, tokenizer = parts()
    print(f"{len(train):,} training messages, {len(held_out):,} others", flush=True)
    models = {}
    for arm in options.arms:
        began, base = time.process_time(), "goldfish" if arm == "goldfish" else "plain"
        kept = options.keep and options.keep / f"{base}.safetensors"
        if base not in models:
            if kept and kept.exists():
                models[base] = wl.ChatTransformer.load(kept, tokenizer)
            else:
                models[base] = trained(train, tokenizer, base == "goldfish")
                print(f"{base}: trained in {time.process_time() - began:.0f} s of CPU time", flush=True)
                if kept:
                    models[base].save(kept)
        if arm == "filter":
            messages = Messages.of(train, held_out, tokenizer)
            read = [row for row, known in zip(messages.rows, messages.read, strict=True) if known]
            filtered = given_back(Filtered(models[base], read), messages, AuditSettings())
            print(json.dumps({"model": f"plain, {ROW} tokens in a row filtered", "given back": filtered}, indent=1))
        else:
            told(arm, models[base], train, held_out, said, tokenizer)


if __name__ == "__main__":
    main()
