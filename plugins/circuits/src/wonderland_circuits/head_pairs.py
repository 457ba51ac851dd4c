"""Do two heads cost more, or less, together than each alone?

ΔL_ab − ΔL_a − ΔL_b, where ΔL is the rise of the held-out loss with the outputs of those heads replaced by their means.
Above 0, either head covers for the other: losing one is cheap only while the other is there, and `head-ablation` alone
calls both dispensable. Below 0, one works through the other, or both give the same thing that is lost but once: the
second costs less when the first is gone. Means, because they bring in nothing of another text that two heads could
agree on. Paired by window, with a cluster bootstrap over conversations.

Which pairs do not add up is chosen on half of the conversations: the four furthest above 0 and the four furthest below.
They are named if the other half confirms them: p there by flipping the signs of whole conversations, and q by Benjamini
and Hochberg over those chosen. Every number that is shown is of that other half.

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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.ablation import summed_losses, writing
from wonderland.lab.interventions import Activations, Site, intervene
from wonderland.lab.stats import benjamini_hochberg, cluster_bootstrap, paired_permutation
from wonderland.views import Block, Column, Matrix, Number, Row, Table, counted, interval_over

_BATCH = 16
_FLIPS = 10_000  # so that one pair alone can pass among a hundred
_LISTED = 12
_ASKED = 4  # pairs of either sign that the other half is asked about
_ON_CARD = 4


@dataclass(frozen=True)
class Pairs:
    """What is known of pairs of heads.

    Attributes:
        names: Names of both heads, [pair][2].
        interaction: What both cost beyond the sum, on the half to measure on, [pair].
        explored: The same on the half to choose by, [pair].
        q: False-discovery rate of the chosen on the half to measure on, [pair]; NaN for those that were not chosen.
    """

    names: Sequence[Sequence[str]]
    interaction: wl.Estimate
    explored: np.ndarray
    q: np.ndarray

    def found(self, level: float, sign: int) -> list[int]:
        """Return the chosen pairs that the other half confirms with this sign, in the order they were chosen in."""
        value = np.asarray(self.interaction.value)
        return [
            int(i)
            for i in np.argsort(-np.abs(np.nan_to_num(self.explored)), kind="stable")
            if self.explored[i] * sign > 0 and self.q[i] < level and value[i] * sign > 0
        ]


def candidates(model: Any, alone: np.ndarray, most: int) -> tuple[list[tuple[Head, Head]], int]:
    """Return pairs of heads that write anything, and how many are left out because there are more than ``most``.

    Args:
        model: The model.
        alone: Cost of each head alone on the half to choose by, [layer, head]; the pairs kept are those with the
            largest sums of it.
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
    first: np.ndarray,
    *,
    level: float,
    seed: int = 0,
) -> Pairs:
    """Return by how much the cost of both heads differs from the sum of their costs.

    Args:
        specimen: The specimen.
        pairs: Heads to ablate together.
        windows: Windows of the evidence to do it in.
        alone: Rise of the loss of these windows without each head alone, summed over tokens, [window, layer, head].
        mean: What to put in place of z, [layer, 1, 1, head, d_head].
        first: Which windows are to choose by, [window]; in the others it is measured.
        level: False-discovery rate.
        seed: Seed of the interval and of the flips.
    """
    evidence = specimen.evidence
    about: dict[str, Any] = {"unit": "nats a token", "chance": 0.0, "dims": ("pair",)}
    names, unknown = [[str(head) for head in pair] for pair in pairs], np.full(len(pairs), np.nan)
    if not pairs or not first.any() or first.all():
        return Pairs(names, wl.Estimate.missing((len(pairs),), **about), unknown, unknown)
    both = [
        _ablated(specimen, pairs, windows[start : start + _BATCH], mean) for start in range(0, len(windows), _BATCH)
    ]
    apart = np.stack([alone[:, *a] + alone[:, *b] for a, b in pairs], axis=-1)
    differ = np.concatenate(both) - apart  # [window, pair]
    conversation = evidence.conversation[windows]
    words = (evidence.lengths[windows] - 1).astype(float)
    explored = differ[first].sum(0) / words[first].sum()
    found = cluster_bootstrap(differ[~first], words[~first], conversation[~first], seed=seed, **about)
    chosen = _chosen(explored)
    q = unknown.copy()
    if chosen:
        p, _ = paired_permutation(differ[~first][:, chosen], conversation[~first], replicates=_FLIPS, seed=seed)
        q[chosen] = benjamini_hochberg(p)
    return Pairs(names, found, explored, q)


def _chosen(explored: np.ndarray) -> list[int]:
    """Return the few pairs of either sign that are furthest from adding up."""
    order = np.argsort(-np.abs(explored), kind="stable")
    return [int(i) for sign in (1, -1) for i in [i for i in order if explored[i] * sign > 0][:_ASKED]]


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


def told(pairs: Pairs, level: float, left_out: int, conversations: Sequence[int]) -> list[str]:
    """Return what the summary says of pairs, a line each."""
    lines, chosen = [], int(np.isfinite(pairs.q).sum())
    if len(pairs.names) and not pairs.interaction.n:
        return ["No pair of heads was ablated: that takes two conversations, one to choose by and one to measure on."]
    first, second = conversations
    many = f"{chosen} pair{'' if chosen == 1 else 's'}"
    how = f"of {many} chosen on half of {first + second} conversations, measured on the rest, q < {level:g}"
    for sign, meaning in ((1, "Back each other up"), (-1, "Work through each other")):
        if order := pairs.found(level, sign):
            one = f"{' and '.join(pairs.names[order[0]])} {pairs.interaction[order[0]]} beyond the sum"
            lines.append(f"{meaning} ({how}): {', '.join([one, *(' and '.join(pairs.names[i]) for i in order[1:])])}.")
    if len(pairs.names) and not lines:
        lines.append(
            f"No two of {len(pairs.names)} pairs of heads are shown to cost more or less together than the sum ({how})."
        )
    if left_out:
        lines.append(f"Not ablated together: {left_out:,} pairs of heads that cost less alone.")
    return lines


def blocks(pairs: Pairs, level: float) -> dict[str, list[Block]]:
    """Return a block for the card of each head that does not just add up with some other."""
    rows: dict[str, list[Row]] = {}
    order = sorted([*pairs.found(level, 1), *pairs.found(level, -1)], key=lambda i: -abs(pairs.explored[i]))
    for i in order:
        for head, other in (pairs.names[i], pairs.names[i][::-1]):
            rows.setdefault(head, []).append(Row(f"with {other}", Number.of(pairs.interaction[i], "nats a token")))
    return {head: [Block("Ablated together, beyond the sum", rows=told[:_ON_CARD])] for head, told in rows.items()}


def views(
    pairs: Pairs,
    *,
    windows: int,
    left_out: int,
    alone: Mapping[str, float],
) -> list[wl.View]:
    """Return the pairs as a matrix and the furthest of them as a table; nothing without pairs.

    Args:
        pairs: What is known of them.
        windows: Windows it was measured in.
        left_out: Pairs that were not.
        alone: Cost of each head alone, by name.
    """
    if not pairs.names:
        return []
    names, found = pairs.names, pairs.interaction
    heads = sorted({head for pair in names for head in pair}, key=list(alone).index)
    number = {head: i for i, head in enumerate(heads)}
    place = np.full((len(heads), len(heads)), -1)  # of each two heads, which pair they are
    for i, (a, b) in enumerate(names):
        place[number[a], number[b]] = place[number[b], number[a]] = i
    grid = replace(found.map(lambda part: np.where(place >= 0, part[place], np.nan), dims=()), chance=found.chance)
    rest = f"; {left_out:,} further pairs, of heads that cost less alone, were not ablated" if left_out else ""
    caption = (
        f"ΔL of both, less ΔL of each, z replaced by its mean: {counted(len(names), 'pair')}, "
        f"{counted(windows, 'window')}; "
        f"{interval_over(found)}{rest}."
    )
    order = sorted(range(len(names)), key=lambda i: -abs(pairs.explored[i]))[:_LISTED]
    columns: dict[Column, Any] = {
        Column("head", "First head", help="One head of the pair."): [names[i][0] for i in order],
        Column("other", "Second head", help="The other head of the pair."): [names[i][1] for i in order],
        Column("a", "First alone", "nats a token", 3, "Rise of the loss without the first head; 0 is no effect."): [
            alone[names[i][0]] for i in order
        ],
        Column("b", "Second alone", "nats a token", 3, "Rise of the loss without the second head."): [
            alone[names[i][1]] for i in order
        ],
        Column("beyond", "Beyond the sum", "nats a token", 3, "Rise without both, less both rises; 0 adds up."): found[
            order
        ],
        Column("q", "q", digits=3, help="False-discovery rate over the pairs that were chosen."): pairs.q[order],
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
            caption=f"The {len(order)} pairs furthest from adding up on the other half of the conversations. {caption}",
            how_to_read="Alone: what each head costs over all windows of head ablation. Beyond the sum: what both cost "
            "more than that, in the windows where both were ablated.",
            misleads="Sorted by size where they were chosen, not by certainty: look at the interval and at q.",
            order=44,
        ),
    ]
