"""The residual stream over a text, as one vector a token: what dictionaries are trained on and measured on.

Vectors lie in half precision (151 MB for 590,000 tokens of 128 dimensions) and never touch the disk: they are messages
in another form. Of a text that takes more than 1.5 GB some windows are taken at random.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import wonderland as wl

__all__ = [
    "MOST_BYTES",
    "Places",
    "Stream",
    "enough",
    "final_after",
    "held_out",
    "logits_after",
    "logits_of",
    "mlp_held_out",
    "mlp_of_text",
    "normed",
    "of_text",
    "some_windows",
    "together",
    "writes",
]

LEAST_TOKENS, LEAST_CONVERSATIONS = 60_000, 100  # of a training text
MOST_BYTES = 1_500_000_000
"""Most memory for the vectors of a text."""


@dataclass(frozen=True)
class Places:
    """Where each vector is from, [token] each.

    Attributes:
        tokens: The token there.
        position: Its position in its window.
        conversation: Its conversation.
    """

    tokens: np.ndarray
    position: np.ndarray
    conversation: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Stream:
    """The stream after a layer.

    Attributes:
        x: [token, d_model], half precision.
        places: Where each is from.
    """

    x: Tensor
    places: Places

    def without(self, table: np.ndarray | None) -> Tensor:
        """Return the vectors less the mean of their token, [token, d_model]; as they are if there is no table."""
        if table is None:
            return self.x
        means, made = torch.from_numpy(table), torch.empty_like(self.x)
        for start in range(0, len(self.x), 1 << 16):
            rows = slice(start, start + (1 << 16))
            made[rows] = self.x[rows].float() - means[torch.from_numpy(self.places.tokens[rows])]
        return made


def some_windows(windows: wl.Windows, tokens: int, seed: int) -> wl.Windows:
    """Return some windows at random that hold so many tokens together."""
    order = np.random.default_rng(seed).permutation(len(windows))
    many = int(np.searchsorted(np.cumsum(windows.lengths[order]), tokens)) + 1
    chosen = np.sort(order[:many])
    return dataclasses.replace(
        windows, start=windows.start[chosen], stop=windows.stop[chosen], conversation=windows.conversation[chosen]
    )


def enough(windows: wl.Windows) -> None:
    """Refuse a training text on which a dictionary would fit this text and no other.

    Raises:
        NotEnoughData: It has fewer than `LEAST_TOKENS` tokens, or than `LEAST_CONVERSATIONS` conversations.
    """
    there, of = int(windows.lengths.sum()), len(np.unique(windows.conversation))
    if there < LEAST_TOKENS or of < LEAST_CONVERSATIONS:
        raise wl.NotEnoughData(
            f"A dictionary needs {LEAST_TOKENS:,} tokens of {LEAST_CONVERSATIONS} conversations to train on; there are "
            f"{there:,} of {of:,}. With fewer it would fit this text and no other.",
            hint="Read more messages.",
        )


def of_text(specimen: wl.Specimen, windows: wl.Windows, layers: Sequence[int], seed: int = 0) -> dict[int, Stream]:
    """Return the stream after each of some layers over a text.

    Args:
        specimen: The model.
        windows: The text, in windows that do not overlap.
        layers: Which layers; together they take 2 bytes for each number.
        seed: Seed of which windows are taken where they are too many.
    """
    some = _fitting(specimen, windows, len(layers), seed)
    (found,), places = _gathered(specimen, some, ("resid_post",), layers)
    return {layer: Stream(x, places) for layer, x in zip(layers, found, strict=True)}


def together(specimen: wl.Specimen, windows: wl.Windows, layers: Sequence[int], copies: int = 1) -> list[list[int]]:
    """Return layers in groups whose vectors over a text fit into memory with no window left out; of one layer at least.

    Args:
        specimen: The model.
        windows: The text.
        layers: Which layers.
        copies: How many vectors a token each takes.
    """
    each = 2 * specimen.cfg.d_model * max(int(windows.lengths.sum()), 1) * copies
    most = max(MOST_BYTES // each, 1)
    return [list(layers[start : start + most]) for start in range(0, len(layers), most)]


def mlp_of_text(
    specimen: wl.Specimen, windows: wl.Windows, layers: Sequence[int], seed: int = 0
) -> dict[int, tuple[Stream, Stream]]:
    """Return what the MLPs of some layers read, after their norms, and what they write, over a text."""
    some = _fitting(specimen, windows, 2 * len(layers), seed)
    (read, written), places = _gathered(specimen, some, ("resid_mid", "mlp_out"), layers)
    found = {}
    for number, layer in enumerate(layers):
        x, read[number] = read[number], torch.empty(0)
        found[layer] = Stream(normed(specimen, layer, x), places), Stream(written[number], places)
    return found


def mlp_held_out(specimen: wl.Specimen, layers: Sequence[int]) -> dict[int, tuple[Stream, Stream]]:
    """Return what the MLPs of some layers read, after their norms, and what they write, over the evidence."""
    parts: dict[tuple[str, int], list[Tensor]] = {}
    for batch in specimen.batches("resid_mid", "mlp_out"):
        for name in ("resid_mid", "mlp_out"):
            for layer in layers:
                parts.setdefault((name, layer), []).append(batch[name][layer][batch.mask].half())
    places = _evidence_places(specimen)
    return {
        layer: (
            Stream(normed(specimen, layer, torch.cat(parts["resid_mid", layer])), places),
            Stream(torch.cat(parts["mlp_out", layer]), places),
        )
        for layer in layers
    }


@torch.no_grad()
def normed(specimen: wl.Specimen, layer: int, x: Tensor) -> Tensor:
    """Return streams [n, d_model] as the MLP of a layer reads them, in their own precision and place."""
    norm, dtype = specimen.model.blocks[layer].ln2, specimen.model.W_E.dtype
    made = torch.empty_like(x)
    for start in range(0, len(x), 1 << 16):
        rows = slice(start, start + (1 << 16))
        made[rows] = norm(x[rows].to(specimen.model.device, dtype)).to(x.device, x.dtype)
    return made


def _fitting(specimen: wl.Specimen, windows: wl.Windows, copies: int, seed: int) -> wl.Windows:
    """Return as many windows at random as fit into memory, so many vectors a token."""
    share = MOST_BYTES / (2 * specimen.cfg.d_model * int(windows.lengths.sum()) * copies)
    order = np.random.default_rng(seed).permutation(len(windows))
    chosen = np.sort(order[: max(int(min(share, 1.0) * len(windows)), 1)])
    return dataclasses.replace(
        windows, start=windows.start[chosen], stop=windows.stop[chosen], conversation=windows.conversation[chosen]
    )


def _gathered(
    specimen: wl.Specimen, windows: wl.Windows, names: Sequence[str], layers: Sequence[int]
) -> tuple[list[list[Tensor]], Places]:
    """Return activations of each name and layer over a text, [token, d_model] each, and where each is from.

    Windows pass in the order of their length, so that those of a batch are about as long: in the order of the text a
    third of what the model computes would be padding.
    """
    lengths = windows.lengths
    count, begins = int(lengths.sum()), np.cumsum(lengths) - lengths
    tokens = np.concatenate(list(windows)).astype(np.int32)
    position = np.arange(count) - np.repeat(begins, lengths)
    places = Places(tokens, position.astype(np.int32), np.repeat(windows.conversation, lengths))
    found = [[torch.empty(count, specimen.cfg.d_model, dtype=torch.float16) for _ in layers] for _ in names]
    order = np.argsort(-lengths, kind="stable")  # the longest first: what they need of memory is had at once
    by_length = dataclasses.replace(
        windows, start=windows.start[order], stop=windows.stop[order], conversation=windows.conversation[order]
    )
    done = 0
    for batch in specimen.stream(by_length, *names, layers=layers):
        row, column = batch.mask.nonzero(as_tuple=True)
        at = torch.from_numpy(begins[order[done : done + len(batch.mask)]])[row] + column
        done += len(batch.mask)
        for name, of in zip(names, found, strict=True):
            for part, values in zip(of, batch[name], strict=True):
                part[at] = values[row, column].half()
    return found, places


def held_out(specimen: wl.Specimen, layers: Sequence[int]) -> dict[int, Stream]:
    """Return the stream after each of some layers over the evidence."""
    parts: dict[int, list[Tensor]] = {layer: [] for layer in layers}
    for batch in specimen.batches("resid_post"):
        for layer in layers:
            parts[layer].append(batch["resid_post"][layer][batch.mask].half())
    places = _evidence_places(specimen)
    return {layer: Stream(torch.cat(some), places) for layer, some in parts.items()}


def writes(specimen: wl.Specimen) -> bool:
    """Whether any layer writes to the stream: of an untrained model none does."""
    batch = next(iter(specimen.batches("resid_post")))
    stream = batch["resid_post"]
    embedded = specimen.model.W_E[batch.tokens] + specimen.model.W_pos[: batch.tokens.shape[1]]
    return not torch.allclose(stream[-1][batch.mask], embedded.cpu().float()[batch.mask], atol=1e-6)


def _evidence_places(specimen: wl.Specimen) -> Places:
    evidence = specimen.evidence
    window, position = np.nonzero(evidence.mask)
    return Places(evidence.tokens[evidence.mask], position, evidence.conversation[window])


def logits_after(specimen: wl.Specimen, layer: int, stream: Tensor, at: Any = None) -> Tensor:
    """Run the rest of the model from the stream after a layer, in the model's own precision.

    Args:
        specimen: The model.
        layer: After which layer.
        stream: [row, pos, d_model], in any precision.
        at: The position to answer at, of all rows or of each, [row]; every position if None.

    Returns:
        Logits [row, pos, d_vocab], or [row, d_vocab] at one position, in single precision.
    """
    final = final_after(specimen, layer, stream)
    if at is not None:
        final = final[torch.arange(len(final)), at]
    return logits_of(specimen, final)


def final_after(specimen: wl.Specimen, layer: int, stream: Tensor) -> Tensor:
    """Return the stream after the last layer, [row, pos, d_model], run on from that after a layer."""
    model, last = specimen.model, specimen.cfg.n_layers
    stream = stream.to(model.device, model.W_E.dtype)
    final: Tensor = stream if layer + 1 == last else model(stream, start_at_layer=layer + 1, stop_at_layer=last)
    return final


def logits_of(specimen: wl.Specimen, final: Tensor) -> Tensor:
    """Return the logits [..., d_vocab] of final streams [..., d_model], in single precision."""
    logits: Tensor = specimen.model.unembed(specimen.model.ln_final(final)).float()
    return logits
