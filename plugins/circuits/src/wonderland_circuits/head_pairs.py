"""Do two heads cost more, or less, together than each alone?

ΔL_ab − ΔL_a − ΔL_b, where ΔL is the rise of the held-out loss with the outputs of those heads replaced by their means.
Above 0, either head covers for the other: losing one is cheap only while the other is there, and `head-ablation` alone
calls both dispensable. Below 0, one works through the other, or both give the same thing that is lost but once: the
second costs less when the first is gone. Means, because they bring in nothing of another text that two heads could
agree on. Paired by window, with a cluster bootstrap over conversations, p by flipping the signs of whole conversations
and q by Benjamini and Hochberg over all pairs.

What would fool it: the loss. It is no sum of what heads write, so two heads that never hear of each other but vote for
the same word interact in nats: one vote may be enough. That is backing up all the same, but no head has to notice that
another is gone. Where there are too many pairs, those whose heads cost most alone are taken, and a head that only ever
steps in for another is easily among the rest.

References: McGrath et al. 2023 (2307.15771, the Hydra effect); Rushing and Nanda 2024 (2402.15390, self-repair).
Cost: one forward pass a pair and window, from the earlier head's layer on.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.ablation import summed_losses, writing
from wonderland.lab.interventions import Activations, Site, intervene
from wonderland.lab.stats import benjamini_hochberg, cluster_bootstrap, paired_permutation
from wonderland.views import Block, Column, Matrix, Number, Row, Table

_BATCH = 16
_FLIPS = 10_000  # so that one pair alone can pass among a hundred
_LISTED = 12
_ON_CARD = 4


def chosen_pairs(model: Any, alone: np.ndarray, most: int) -> tuple[list[tuple[Head, Head]], int]:
    """Return pairs of heads that write anything, and how many are left out because there are more than ``most``.

    Args:
        model: The model.
        alone: Cost of each head alone, [layer, head]; the pairs kept are those with the largest sums of it.
        most: How many at most.
    """
    every = list(itertools.combinations([head for head in writing(model) if np.isfinite(alone[head])], 2))
    if len(every) <= most:
        return every, 0
    size = np.abs(np.nan_to_num(alone))
    kept = sorted(every, key=lambda pair: -(size[pair[0]] + size[pair[1]]))[:most]
    return sorted(kept), len(every) - most


def interactions(
    specimen: wl.Specimen,
    pairs: Sequence[tuple[Head, Head]],
    windows: np.ndarray,
    alone: np.ndarray,
    mean: Tensor,
    *,
    seed: int = 0,
) -> tuple[wl.Estimate, np.ndarray]:
    """Return by how much the cost of both heads differs from the sum of their costs, and its q, [pair] each.

    Args:
        specimen: The specimen.
        pairs: Heads to ablate together.
        windows: Windows of the evidence to do it in.
        alone: Rise of the loss of these windows without each head alone, summed over tokens, [window, layer, head].
        mean: What to put in place of z, [layer, 1, 1, head, d_head].
        seed: Seed of the interval and of the flips.
    """
    evidence = specimen.evidence
    if not pairs or not len(windows):
        nothing = wl.Estimate.missing((len(pairs),), unit="nats a token", chance=0.0, dims=("pair",))
        return nothing, nothing.value
    both = [
        _ablated(specimen, pairs, windows[start : start + _BATCH], mean) for start in range(0, len(windows), _BATCH)
    ]
    apart = np.stack([alone[:, *a] + alone[:, *b] for a, b in pairs], axis=-1)
    differ = np.concatenate(both) - apart  # [window, pair]
    conversation = evidence.conversation[windows]
    words = (evidence.lengths[windows] - 1).astype(float)
    found = cluster_bootstrap(differ, words, conversation, unit="nats a token", chance=0.0, dims=("pair",), seed=seed)
    p, _ = paired_permutation(differ, conversation, replicates=_FLIPS, seed=seed)
    return found, benjamini_hochberg(p)


def _ablated(
    specimen: wl.Specimen, pairs: Sequence[tuple[Head, Head]], windows: np.ndarray, mean: Tensor
) -> np.ndarray:
    """Return how much the summed loss rises without both heads of each pair, [window, pair]."""
    model, evidence = specimen.model, specimen.evidence
    longest = int(evidence.lengths[windows].max())
    tokens = torch.from_numpy(evidence.tokens[windows, :longest]).to(model.device)
    mask = torch.from_numpy(evidence.mask[windows, :longest]).to(model.device)
    base = Activations.of(model, tokens, ("z",))
    cells = [[Site("z", *head) for head in pair] for pair in pairs]
    plain, without = intervene(model, base, {"z": mean.to(base.values["z"])}, cells, summed_losses(model, tokens, mask))
    rise: np.ndarray = (without - plain).T.cpu().numpy()
    return rise


def named(pair: tuple[Head, Head]) -> list[str]:
    """Return the names of both heads."""
    return list(map(str, pair))


def told(pairs: Sequence[Sequence[str]], found: wl.Estimate, q: np.ndarray, level: float, left_out: int) -> list[str]:
    """Return what the summary says of pairs, a line each."""
    lines = []
    for sign, meaning in ((1, "Back each other up"), (-1, "Work through each other")):
        order = _apart(found, q, level, sign)
        if order:
            first = f"{' and '.join(pairs[order[0]])} {float(found.value[order[0]]):+.3f} nats a token beyond the sum"
            rest = [" and ".join(pairs[i]) for i in order[1:4]]
            more = f", and {len(order) - 4} more" if len(order) > 4 else ""
            lines.append(f"{meaning} (q < {level:g}, {len(pairs)} pairs): {', '.join([first, *rest])}{more}.")
    if pairs and not lines:
        lines.append(f"No two of {len(pairs)} pairs of heads cost more or less together than the sum (q < {level:g}).")
    if left_out:
        lines.append(f"Not ablated together: {left_out:,} pairs of heads that cost less alone.")
    return lines


def _apart(found: wl.Estimate, q: np.ndarray, level: float, sign: int) -> list[int]:
    """Return the pairs whose interaction has this sign beyond doubt, furthest first."""
    value = np.asarray(found.value)
    return [int(i) for i in np.argsort(-np.abs(value)) if q[i] < level and value[i] * sign > 0]


def blocks(pairs: Sequence[Sequence[str]], found: wl.Estimate, q: np.ndarray, level: float) -> dict[str, list[Block]]:
    """Return a block for the card of each head that does not just add up with some other."""
    rows: dict[str, list[Row]] = {}
    for i in sorted([*_apart(found, q, level, 1), *_apart(found, q, level, -1)], key=lambda i: -abs(found.value[i])):
        for head, other in (pairs[i], pairs[i][::-1]):
            rows.setdefault(head, []).append(Row(f"with {other}", Number.of(found[i], "nats a token")))
    return {head: [Block("Ablated together, beyond the sum", rows=told[:_ON_CARD])] for head, told in rows.items()}


def views(
    pairs: Sequence[Sequence[str]],
    found: wl.Estimate,
    q: np.ndarray,
    *,
    windows: int,
    left_out: int,
    alone: Mapping[str, float],
) -> list[wl.View]:
    """Return the pairs as a matrix and the furthest of them as a table; nothing without pairs.

    Args:
        pairs: Names of the heads of each pair.
        found: Interaction, [pair].
        q: Its false-discovery rate, [pair].
        windows: Windows ablated in.
        left_out: Pairs that were not.
        alone: Cost of each head alone, by name.
    """
    if not pairs:
        return []
    heads = sorted({head for pair in pairs for head in pair}, key=list(alone).index)
    number = {head: i for i, head in enumerate(heads)}
    place = np.full((len(heads), len(heads)), -1)  # of each two heads, which pair they are
    for i, (a, b) in enumerate(pairs):
        place[number[a], number[b]] = place[number[b], number[a]] = i
    grid = replace(found.map(lambda part: np.where(place >= 0, part[place], np.nan)), chance=found.chance)
    rest = f"; {left_out:,} further pairs, of heads that cost less alone, were not ablated" if left_out else ""
    caption = (
        f"ΔL of both, less ΔL of each, z replaced by its mean: {len(pairs)} pairs, {windows} windows; 95% interval "
        f"over n={found.over}{rest}."
    )
    order = sorted(range(len(pairs)), key=lambda i: -abs(found.value[i]))[:_LISTED]
    columns: dict[Column, Any] = {
        Column("head", "Head"): [pairs[i][0] for i in order],
        Column("other", "And"): [pairs[i][1] for i in order],
        Column("a", "First alone", "nats a token", 3): [alone[pairs[i][0]] for i in order],
        Column("b", "Second alone", "nats a token", 3): [alone[pairs[i][1]] for i in order],
        Column("beyond", "Beyond the sum", "nats a token", 3): found[order],
        Column("q", "q", digits=3, help="False-discovery rate over all pairs"): q[order],
    }
    return [
        wl.View(
            "head-pairs",
            "Pairwise head ablation",
            Matrix.of(heads, heads, {"beyond the sum": grid}, links="column", scale="diverging"),
            subtitle="Which heads back each other up?",
            caption=caption,
            how_to_read="Above 0, two heads back each other up: losing both costs more than losing each, added up. "
            "Below 0, one works through the other, or both give what is lost only once. Around 0 they simply add up.",
            misleads="The loss is no sum of what heads write: two heads that vote for the same word interact although "
            "neither reads the other.",
            order=43,
        ),
        wl.View(
            "head-pairs-table",
            "Pairwise head ablation, table",
            Table.by_row(columns, links="head"),
            subtitle="The pairs whose costs add up least",
            caption=f"The {len(order)} pairs furthest from adding up. {caption}",
            how_to_read="Alone: what each head costs over all windows of head ablation. Beyond the sum: what both cost "
            "more than that, in the windows where both were ablated.",
            misleads="Sorted by size, not by certainty: look at the interval and at q.",
            order=44,
        ),
    ]
