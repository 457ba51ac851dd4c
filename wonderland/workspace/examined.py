"""A workspace around a model from elsewhere: the specimen that the model and its texts make, and its sanity checks.

The model stays where it is (`wonderland.workspace.elsewhere` knows it by the hashes of its files). Everything else is
as in a workspace of one's own model, for it only asks the layout for the model's key, and for the specimen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.advice import Command, Hint
from wonderland.corpus.plain_texts import PlainTexts, read_texts
from wonderland.errors import InputError, UsageError
from wonderland.paths import expanded
from wonderland.report.findings import Check
from wonderland.workspace.elsewhere import note

if TYPE_CHECKING:
    from wonderland.lab.external.on_disk import Opened
    from wonderland.lab.specimen import Specimen
    from wonderland.workspace.folder import WorkspaceFolder
    from wonderland.workspace.layout import Layout

__all__ = ["cut", "examine", "open_model", "sanity", "specimen", "texts_of"]

_HOLD = 2_500_000_000  # bytes of activations to hold: what several analyses read is computed once
_MARGIN = 0.5  # nats by which a model that guesses evenly may be worse than evenly


def examine(workspace: WorkspaceFolder, model: str | Path, texts: str | Path, *, length: int, start: str) -> Opened:
    """Make a workspace that of a model from elsewhere; see `Workspace.examine`."""
    if workspace.settings.source.path or (workspace.folder / "corpus").exists():
        raise UsageError(f"{workspace.folder} is a workspace of messages.", hint="Choose a new one: -w NEW")
    chosen = {name: str(expanded(place).absolute()) for name, place in (("model", model), ("texts", texts))}
    values = {**chosen, "length": length, "start": start}
    wanted = replace(workspace.layout, settings=workspace.settings.changed("examined", **values))
    opened = open_model(wanted)  # before anything is written: what cannot be opened leaves nothing
    texts_of(wanted)
    workspace.configure("examined", **values)
    note(workspace.folder, workspace.settings.examined)
    return opened


def open_model(layout: Layout) -> Opened:
    """Open the model and its tokenizer; see `wonderland.lab.external.on_disk.open_folder`."""
    from wonderland.lab.external.on_disk import open_folder

    examined = layout.settings.examined
    return open_folder(examined.model, start=examined.start or None)


def texts_of(layout: Layout) -> PlainTexts:
    """Read the texts."""
    return read_texts(layout.settings.examined.texts)


def specimen(layout: Layout, opened: Opened | None = None) -> Specimen:
    """Return the model with its texts, cut into windows, as evidence.

    Args:
        layout: The workspace.
        opened: The model, if it is open already.

    Raises:
        InputError: Model or texts are not those that were noted.
        Unsupported: Of the first window the model computes what single precision cannot hold.
    """
    from wonderland.lab.finite import require_lengths
    from wonderland.lab.forward import forward
    from wonderland.lab.specimen import Specimen

    if not layout.stage("model").done:
        e = layout.settings.examined
        raise InputError(
            "The files of the model or of the texts have changed since they were examined.",
            hint=Hint("Examine them again: ", Command("examine", e.model, texts=e.texts)),
        )
    opened = opened or open_model(layout)
    a = layout.settings.analysis
    sequences, unit = cut(
        opened.tokenizer, texts_of(layout), min(layout.settings.examined.length, opened.model.cfg.n_ctx)
    )
    made = Specimen.of_tokens(
        opened.model, opened.tokenizer, sequences, conversation=unit, windows=a.windows, seed=a.seed, hold_bytes=_HOLD
    )
    last = made.cfg.n_layers - 1
    for batch in forward(made.model, made.evidence.rows(slice(0, 1)), frozenset({"resid_post"}), [last]):
        require_lengths(batch["resid_post"])
    return made


def cut(tokenizer: Any, found: PlainTexts, length: int) -> tuple[list[list[int]], list[int]]:
    """Cut texts into windows that all begin with the token of beginnings, each with the number of its unit.

    Windows are at most ``length`` tokens long. Passages are joined until they fill a window, for alone most are short.
    """
    texts = [tokenizer.encode(text) for text in found.texts]
    if found.unit == "passage":
        texts = _joined(texts, tokenizer.encode("\n\n"), length - 1)
    sequences: list[list[int]] = []
    unit: list[int] = []
    for number, tokens in enumerate(texts):
        for begin in range(0, len(tokens), length - 1):
            sequences.append([tokenizer.start, *tokens[begin : begin + length - 1]])
            unit.append(number)
    return sequences, unit


def _joined(texts: Sequence[list[int]], between: list[int], least: int) -> list[list[int]]:
    joined: list[list[int]] = []
    for tokens in texts:
        if joined and len(joined[-1]) < least:
            joined[-1] += [*between, *tokens]
        else:
            joined.append(list(tokens))
    return joined


def sanity(of: Specimen) -> list[Check]:
    """Say whether the model fits its texts: what a tokenizer of another model would show."""
    import numpy as np

    losses = np.concatenate([batch["loss"][:, 1:][batch.mask[:, 1:]].numpy() for batch in of.batches("loss")])
    tokens = of.evidence.tokens[of.evidence.mask]
    counts = np.unique(tokens, return_counts=True)[1]
    shares = counts / counts.sum()
    entropy = float(-(shares * np.log(shares)).sum())
    loss, evenly = float(losses.mean()), math.log(of.cfg.d_vocab)
    told = f"{loss:.2f} nats a token"
    return [
        Check(
            "the model guesses these texts no worse than evenly",
            loss < evenly + _MARGIN,
            f"{told}; all {of.cfg.d_vocab:,} tokens alike: {evenly:.2f}. Worse may mean another model's tokenizer",
        ),
        Check(
            "the model guesses them better than the frequencies of these very tokens would",
            loss < entropy,
            f"{told}; frequencies: {entropy:.2f}, from {len(tokens):,} tokens, which is too low a bar for few tokens",
        ),
    ]
