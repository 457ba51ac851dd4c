"""Sanity checks before expensive work: whether the model learned enough to be looked into.

Each check is a question with a yes or no and the numbers that answer it. A model that does not beat the bigram has
learned less than a table of pairs; a head whose output never changes is dead; a window that stands in both parts makes
every held-out number a lie; and evidence of a few short windows supports no statistics.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import cast

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from wonderland.components import Head
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.windows import pack
from wonderland.estimate import Estimate
from wonderland.lab.specimen import Specimen
from wonderland.lab.stats import cluster_bootstrap
from wonderland.model.batches import plan_epoch
from wonderland.model.settings import TrainingSettings
from wonderland.report.findings import Check
from wonderland.tokenizer import PAD, SpeakerTokenizer

__all__ = ["held_out_loss", "run_checks"]

_DEAD = 1e-6
_BATCH_TOKENS = 4096
_COUNTED = ("windows", "conversations")


def run_checks(specimen: Specimen, train: Corpus, held_out: Corpus) -> list[Check]:
    """Run every check.

    Args:
        specimen: The trained model with its evidence.
        train: What it was trained on.
        held_out: What was held out.
    """
    return [
        _tokenizer(specimen, train),
        *_losses(specimen, held_out),
        _dead_heads(specimen),
        _leaks(train, held_out),
        _evidence(specimen),
    ]


def _tokenizer(specimen: Specimen, train: Corpus) -> Check:
    tokenizer = cast(SpeakerTokenizer, specimen.tokenizer)
    verified = tokenizer.verify(chain.from_iterable(train.texts_in_parts()))
    failed = [step.name for step in verified if not step.passed]
    return Check(
        "the tokenizer keeps every special token whole", not failed, "; ".join(failed) or f"{len(verified)} proofs"
    )


def _losses(specimen: Specimen, held_out: Corpus) -> list[Check]:
    history = getattr(specimen.model, "history", None)
    if history is None or history.held_out_loss is None or not history.baselines:
        return [
            Check("the model beats the bigram on held-out conversations", False, "it was trained without held-out data")
        ]
    loss, baselines, measured = history.held_out_loss, history.baselines, held_out_loss(specimen, held_out)
    of = f"[{float(measured.low):.3f}, {float(measured.high):.3f}] (n={measured.over})"
    return [
        Check(
            f"the model beats the {name} on held-out conversations",
            loss < baselines[name],
            f"{loss:.3f} {of} against {baselines[name]:.3f} nats a token",
            measured if name == "trigram" else None,
        )
        for name in dict.fromkeys(("bigram", "trigram", min(baselines, key=baselines.__getitem__)))
    ]


def held_out_loss(specimen: Specimen, held_out: Corpus) -> Estimate:
    """Return the mean loss of every held-out token, in nats, with a 95% interval over conversations.

    The windows are those on which training measured it: they do not overlap, and no token is left out.
    """
    model, tokenizer = specimen.model, cast(SpeakerTokenizer, specimen.tokenizer)
    history = getattr(model, "history", None)
    size = ({} if history is None else history.settings).get("window_size", TrainingSettings.window_size)
    windows = pack(held_out, tokenizer, size=size, stride=size, context=specimen.cfg.n_ctx)
    sums, counts = np.zeros(len(windows)), np.zeros(len(windows))
    with torch.inference_mode():
        for chosen in plan_epoch(windows.lengths, _BATCH_TOKENS, 0, 0):
            tokens = torch.from_numpy(windows.batch(chosen, PAD)).to(model.device)
            targets = tokens[:, 1:]
            loss = cross_entropy(model(tokens[:, :-1]).movedim(-1, 1), targets, ignore_index=PAD, reduction="none")
            sums[chosen], counts[chosen] = loss.sum(1).cpu().numpy(), (targets != PAD).sum(1).cpu().numpy()
    return cluster_bootstrap(sums, counts, windows.conversation, unit="nats a token")


def _dead_heads(specimen: Specimen) -> Check:
    shape = (specimen.cfg.n_layers, specimen.cfg.n_heads, specimen.cfg.d_head)
    total, squares, count = np.zeros(shape), np.zeros(shape), 0
    for batch in specimen.batches("z"):
        kept = batch["z"][:, batch.mask].double()  # [layer, token, head, d_head]
        total += kept.sum(1).numpy()
        squares += (kept**2).sum(1).numpy()
        count += kept.shape[1]
    variance = np.asarray(squares / count - (total / count) ** 2).sum(-1)  # [layer, head]
    writes = specimen.model.W_O.norm(dim=(2, 3)).cpu().numpy()  # [layer, head]
    dead = [str(Head(*at)) for at in np.argwhere(variance * writes**2 < _DEAD)]
    return Check("no head is dead", not dead, ", ".join(dead) or f"{variance.size} heads write something that varies")


def _leaks(train: Corpus, held_out: Corpus) -> Check:
    name = "held-out text is not in the training part"
    held, known = set(_runs(held_out)), _runs(train)  # the training part is large: its runs pass by
    first = next(known, None)
    if first is None or not held:
        part = "training" if first is None else "held-out"
        return Check(name, False, f"nothing to compare: no {part} conversation has three messages")
    shared = len(held.intersection(chain([first], known)))
    detail = f"{shared:,} of {len(held):,} held-out runs of three messages also stand in the training part"
    # Small talk repeats itself; a leak repeats whole stretches.
    return Check(name, shared <= 0.01 * len(held), detail)


def _runs(corpus: Corpus, length: int = 3) -> Iterator[tuple[str, ...]]:
    """Yield so many messages in a row of one conversation, from each that has as many behind it."""
    thread, last = corpus.thread_index, deque[str](maxlen=length)
    for i, text in enumerate(chain.from_iterable(corpus.texts_in_parts())):
        last.append(text)
        if len(last) == length and thread[i] == thread[i - length + 1]:
            yield tuple(last)


def _evidence(specimen: Specimen) -> Check:
    about = specimen.evidence.describe()
    windows, conversations = (f"{about[name]} {name[:-1] if about[name] == 1 else name}" for name in _COUNTED)
    detail = f"{windows} of {about['shortest window']} to {about['longest window']} tokens from {conversations}"
    return Check("there is enough held-out evidence: 200 windows of 64 tokens", about["enough"], detail)
