"""Random words said twice: the sequences `induction` feeds a model, and what the model does with them.

[s, r_1 … r_n, r_1 … r_n] after a speaker token s, or with another first half for comparison. The model is run through
its hooks alone, so that any hooked model will do; nothing here reads the evidence but for how often words occur.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.finite import require_finite
from wonderland.lab.interventions import Activations, Site, intervene
from wonderland.lab.names import hook_name

_BATCH = 16
_LOGITS = 25_000_000  # held at a time, 100 MB


def word_weights(specimen: wl.Specimen) -> dict[str, np.ndarray]:
    """Return how likely each token of the vocabulary is drawn; special tokens never are."""
    evidence = specimen.evidence
    counts = np.bincount(evidence.tokens[evidence.mask], minlength=specimen.cfg.d_vocab).astype(float)
    even = np.ones(specimen.cfg.d_vocab)
    no_words = [*specimen.tokenizer.specials, *range(specimen.tokenizer.vocab_size, specimen.cfg.d_vocab)]
    counts[no_words] = even[no_words] = 0
    return {"unigram": counts, "uniform": even}


def draw_words(weights: np.ndarray, length: int, sequences: int, *, seed: Any) -> np.ndarray:
    """Draw 2 × length distinct tokens for each sequence, in random order, [sequence, 2 × length]."""
    random = np.random.default_rng(seed)
    p = weights / weights.sum()
    drawn = [random.choice(len(p), 2 * length, replace=False, p=p) for _ in range(sequences)]
    return random.permuted(np.stack(drawn), axis=1)  # the likely ones are drawn first


def reordered(words: np.ndarray, seed: int) -> np.ndarray:
    """Return each row in an order in which no word has the same successor as before."""
    random = np.random.default_rng((seed, 99))
    return np.stack([_without_old_pairs(row, random) for row in words])


def _without_old_pairs(row: np.ndarray, random: np.random.Generator) -> np.ndarray:
    order = random.permutation(len(row))
    for _ in range(200):
        kept = np.flatnonzero(np.diff(order) == 1)
        if not len(kept):
            break
        a, b = kept[0] + 1, random.integers(len(order))
        order[a], order[b] = order[b], order[a]
    return np.asarray(row[order])


def sequence(specimen: wl.Specimen, first: np.ndarray, second: np.ndarray) -> Tensor:
    """Return [start, first, second] as tokens [sequence, 1 + 2 × length], beginning as the model's sequences do."""
    start = np.full((len(first), 1), specimen.tokenizer.start)
    return torch.from_numpy(np.concatenate([start, first, second], axis=1))


def copies(losses: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the losses of words 2 … n the first and the second time.

    Word 1 has no predecessor that was seen before, so its second time is no repetition.
    """
    return losses[:, 2 : length + 1], losses[:, length + 2 : 2 * length + 1]


def losses(specimen: wl.Specimen, tokens: Tensor, since: int = 1) -> np.ndarray:
    """Return the loss of the token at each position, [sequence, pos]; NaN before position ``since``."""
    model = specimen.model
    layers = model.cfg.n_layers
    parts = tokens.to(model.device).split(_BATCH)
    return np.concatenate([_aligned(model, model(part, stop_at_layer=layers), part, since) for part in parts])


def _aligned(model: Any, final: Tensor, tokens: Tensor, since: int = 1) -> np.ndarray:
    found = token_losses(model, final[:, since - 1 : -1], tokens[:, since:])
    return np.pad(found.cpu().numpy(), ((0, 0), (since, 0)), constant_values=np.nan)


def token_losses(model: Any, final: Tensor, goal: Tensor) -> Tensor:
    """Return the loss of tokens by the streams they are told from, [row, pos] float64, nats.

    The logits of ``_LOGITS`` numbers are held at a time: of a large vocabulary those of a pass would fill the memory.

    Args:
        model: The model, for its end.
        final: The stream after the last layer, [row, pos, d_model].
        goal: The token that came, [row, pos].
    """
    places = max(_LOGITS // model.cfg.d_vocab, 1)
    found = [
        cross_entropy(model.unembed(model.ln_final(stream)).float(), came, reduction="none").double()
        for stream, came in zip(final.flatten(0, 1).split(places), goal.flatten().split(places), strict=True)
    ]
    return torch.cat(found).view(goal.shape)


def whole_runs(specimen: wl.Specimen, tokens: Tensor) -> list[tuple[Tensor, Activations]]:
    """Return some sequences at a time, each part with what the model computes on it: what `gains` starts from."""
    model = specimen.model
    return [(part, Activations.of(model, part, ("z",))) for part in tokens.to(model.device).split(_BATCH)]


def gains(
    specimen: wl.Specimen,
    runs: Sequence[tuple[Tensor, Activations]],
    ablated: Sequence[Sequence[Head]],
    means: Tensor,
    *,
    way: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return how much less the second copy costs than the first, with all heads and without some, nats.

    A run without some heads begins at the first layer that has one of them, on the stream of the run with all.

    Args:
        specimen: The model.
        runs: The repetition [sequence, 1 + 2 × length] in `whole_runs`.
        ablated: Sets of heads.
        means: What stands for z where ``way`` is "mean", [layer, head, d_head].
        way: "mean" or "zero".

    Returns:
        With all heads, [sequence], and without each set, [set, sequence].
    """
    model = specimen.model
    cells = [[Site("z", *head) for head in some] for some in ablated]
    whole, without = [], []
    for part, base in runs:
        instead = means[:, None, None].to(model.device) if way == "mean" else torch.zeros((), device=model.device)
        plain, changed = intervene(model, base, {"z": instead}, cells, _gain(model, part))
        whole.append(plain)
        without.append(changed)
    return torch.cat(whole).cpu().numpy(), torch.cat(without, dim=1).cpu().numpy()


def _gain(model: Any, tokens: Tensor) -> Any:
    """Return a metric of final streams: the mean fall of the loss from words 2 … n to their second time, [row]."""
    length = tokens.shape[1] // 2
    before = [*range(1, length), *range(length + 1, 2 * length)]  # where those words are told from
    goal = tokens[:, [place + 1 for place in before]]

    def metric(final: Tensor, at: Tensor) -> Tensor:
        first, second = token_losses(model, final[:, before], goal[at]).chunk(2, dim=1)
        return (first - second).mean(1)

    return metric


def look(specimen: wl.Specimen, tokens: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return losses [sequence, pos] and scores [sequence, (prefix matching, previous), layer, head]."""
    length = tokens.shape[1] // 2
    model, layers = specimen.model, specimen.cfg.n_layers
    names = [hook_name("pattern", layer) for layer in range(layers)]
    losses, scores = [], []
    for part in tokens.to(model.device).split(_BATCH):
        final, cache = model.run_with_cache(part, names_filter=names, stop_at_layer=layers)
        require_finite(final)
        pattern = torch.stack([cache[name] for name in names], dim=1)  # [batch, layer, head, query, key]
        losses.append(_aligned(model, final, part))
        scores.append(torch.stack([_prefix_matching(pattern, length), _previous(pattern)], dim=1).double().cpu())
    return np.concatenate(losses), torch.cat(scores).numpy()


def _prefix_matching(pattern: Tensor, length: int) -> Tensor:
    """Return mean A[i, i − n + 1] over the second copy, i = n + 1 … 2n."""
    rows = torch.arange(length + 1, 2 * length + 1)
    return pattern[..., rows, rows - length + 1].mean(-1)


def _previous(pattern: Tensor) -> Tensor:
    rows = torch.arange(2, pattern.shape[-1])  # at position 1 the previous token is also the first
    return pattern[..., rows, rows - 1].mean(-1)


def mean_z(specimen: wl.Specimen, tokens: Tensor) -> Tensor:
    """Return the mean of z over sequences and positions, [layer, head, d_head]."""
    names = [hook_name("z", layer) for layer in range(specimen.cfg.n_layers)]
    total: Any = 0
    for part in tokens.to(specimen.model.device).split(_BATCH):
        _, cache = specimen.model.run_with_cache(part, names_filter=names, stop_at_layer=specimen.cfg.n_layers)
        total = total + torch.stack([cache[name].sum((0, 1)) for name in names])
    return total / tokens.numel()  # type: ignore[no-any-return]
