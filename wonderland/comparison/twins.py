"""Do two sides move the heads of a model apart? One model fine-tuned on parts of each side, and a null.

The model of a workspace is fine-tuned for a few steps on messages of one side, and, from the same weights, on those of
the other. Twins that come from one model keep the numbers of their heads, so heads can be compared one by one; whether
they kept them is looked at (`Twins.kept`).

- How far apart two twins are in a head: the share of attention that one gives elsewhere than the other (the total
  variation distance, 0 to 1), averaged over tokens of held-out windows, which neither they nor the model have read.
- Each side is dealt into ``GROUPS`` groups of conversations and each group has a twin of its own, so that there are
  twins of one side to compare: two fine-tunings differ in any case. The number of a head is the mean over pairs of
  twins of different sides, less that over pairs of one side.
- Null: which twins belong together is dealt out anew, in all ways that there are; p of a head is by the largest of all
  heads, in standard deviations of its null (max-T, Westfall and Young 1993). No conversation is in two groups.
- All twins learn from equally many tokens, as many as the smallest group has, with speaker tokens not among them. What
  I and what they wrote is read without the other's messages and under one mark: else every twin of me would differ from
  every twin of them by the mark alone.

What would fool it: what differs after few steps on few messages is what the fine-tuning reached first, not all that
differs between the sides. And no difference shown is no proof that there is none.

Twins are kept in memory only. A twin of one contact would be an identity card.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wonderland.advice import Command, Hint
from wonderland.comparison.sides import Sides
from wonderland.comparison.twins_result import Twins
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.windows import Windows, pack
from wonderland.errors import NotEnoughData, UsageError
from wonderland.lab.cohort import Cohort
from wonderland.lab.specimen import Specimen
from wonderland.lab.stats import cluster_bootstrap
from wonderland.model.loss import token_losses
from wonderland.tokenizer import ME, PAD, THEM, SpeakerTokenizer

__all__ = ["GROUPS", "fine_tuned", "twins"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
GROUPS = 4
"""Groups of each side. Eight twins fall into two fours in 35 ways, so that p can be 0.03."""
_LEVEL = 0.95  # of the null: what a number must lie over
_MESSAGES = 8  # of a window
_ROWS = 16  # windows of a step
_LEAST_TOKENS = 500  # of a group


@dataclass(frozen=True)
class _Group:
    """What a twin learns from: rows of tokens, and which of them it is asked to predict, [row, pos - 1]."""

    tokens: Tensor
    asked: Tensor

    def cut(self, most: int) -> _Group:
        """Return the first rows with at most so many tokens to predict, at least one row."""
        sums = self.asked.sum(1).cumsum(0)
        rows = max(int((sums <= most).sum()), 1)
        return _Group(self.tokens[:rows], self.asked[:rows])


def twins(
    specimen: Specimen,
    sides: Sides,
    *,
    steps: int = 40,
    rate: float = 3e-4,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Twins:
    """Fine-tune a model on groups of two sides and compare the heads of these twins.

    Args:
        specimen: The model with held-out windows.
        sides: Two sides of messages, none of them held out.
        steps: Steps of fine-tuning, of 16 windows each.
        rate: Its learning rate (AdamW).
        seed: Seed of groups and order.
        on_progress: Called with (twins fine-tuned, all).

    Raises:
        UsageError: There are not two sides.
        NotEnoughData: A side has too few conversations, or a group too few tokens.
    """
    if len(sides.names) != 2:
        raise UsageError(
            f"Heads are compared between two sides, and these are {len(sides.names)}.",
            hint=Hint("Name two: ", Command("compare", "--by", "contact", "P003", "P007", "--heads")),
        )
    tokenizer: Any = specimen.tokenizer
    random = np.random.default_rng(seed)
    groups = [_laid_out(sides, side, of, tokenizer, specimen.cfg.n_ctx) for side, of in _dealt(sides, random)]
    size = min(int(group.asked.sum()) for group in groups)
    if size < _LEAST_TOKENS:
        raise NotEnoughData(
            f"A quarter of a side has {size:,} tokens, and it takes {_LEAST_TOKENS:,} to fine-tune a model on.",
            hint="Compare larger parts.",
        )
    members: dict[str, Specimen] = {"base": specimen}
    for number, group in enumerate(groups):
        model = fine_tuned(specimen.model, group.cut(size), steps=steps, rate=rate, seed=seed + number)
        members[f"side-{number // GROUPS}-{number % GROUPS}"] = specimen.with_model(model)
        if on_progress:
            on_progress(number + 1, len(groups))
    apart, tokens, kept = _apart(Cohort("corpora", members))
    conversation = specimen.evidence.conversation
    across, within = _pairs(range(GROUPS))
    sums = apart[:, across].mean(1) - apart[:, within].mean(1)
    ways, p = _null(apart.sum(0) / tokens.sum())
    about: dict[str, Any] = {"dims": ("layer", "head"), "unit": "share of attention", "seed": seed}
    return Twins(
        names=list(sides.names),
        kind=sides.kind,
        of=sides.of,
        more=cluster_bootstrap(sums, tokens, conversation, chance=np.quantile(ways, _LEVEL, axis=0), **about),
        across=cluster_bootstrap(apart[:, across].mean(1), tokens, conversation, **about),
        within=cluster_bootstrap(apart[:, within].mean(1), tokens, conversation, **about),
        p=p,
        overall=cluster_bootstrap(
            sums.mean((1, 2)),
            tokens,
            conversation,
            chance=float(np.quantile(ways.mean((1, 2)), _LEVEL)),
            unit="share of attention",
            seed=seed,
        ),
        overall_p=float((ways.mean((1, 2)) >= ways[0].mean() - 1e-12).mean()),
        ways=len(ways),
        kept=kept,
        tokens=size,
        steps=steps,
    )


def fine_tuned(model: Any, group: _Group, *, steps: int, rate: float, seed: int) -> Any:
    """Return a copy of a model that was fine-tuned; the model stays as it is."""
    twin = copy.deepcopy(model).train().requires_grad_(True)
    optimiser = torch.optim.AdamW(twin.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.0)
    random = np.random.default_rng(seed)
    order: list[int] = []
    for _ in range(steps):
        while len(order) < min(_ROWS, len(group.tokens)):
            order += random.permutation(len(group.tokens)).tolist()
        rows, order = torch.tensor(order[:_ROWS]), order[_ROWS:]
        tokens, asked = group.tokens[rows].to(twin.device), group.asked[rows].to(twin.device)
        if not asked.any():
            continue
        loss = (token_losses(twin(tokens), tokens) * asked).sum() / asked.sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return twin.requires_grad_(False).eval()


def _dealt(sides: Sides, random: np.random.Generator) -> list[tuple[int, Integers]]:
    """Return units dealt into groups: those of the first side, then those of the second, none in two of them.

    Raises:
        NotEnoughData: A side has fewer units than groups.
    """
    units = int(sides.unit.max()) + 1
    counts = np.zeros((2, units), dtype=np.int64)
    np.add.at(counts, (sides.side, sides.unit), 1)
    both = random.permutation(np.flatnonzero(counts.all(0)))
    found = []
    for side in (0, 1):
        own = np.r_[np.flatnonzero((counts[side] > 0) & (counts[1 - side] == 0)), both[side::2]]
        if len(own) < GROUPS:
            raise NotEnoughData(
                f"{sides.names[side]!r} has {len(own)} {sides.of} of its own, and it takes {GROUPS}.",
                hint="Compare larger parts.",
            )
        sizes = np.zeros(GROUPS, dtype=np.int64)
        groups: list[list[int]] = [[] for _ in range(GROUPS)]
        own = random.permutation(own)
        for unit in own[np.argsort(-counts[side, own], kind="stable")]:
            smallest = int(sizes.argmin())
            groups[smallest].append(int(unit))
            sizes[smallest] += counts[side, unit]
        found += [(side, np.array(sorted(group), dtype=np.int64)) for group in groups]
    return found


def _laid_out(sides: Sides, side: int, units: Integers, tokenizer: SpeakerTokenizer, context: int) -> _Group:
    """Return the windows of one group. Me and them are read under one mark, so that only what they write differs."""
    chosen = np.flatnonzero(np.isin(sides.unit, units) & (sides.side == side))
    messages = [sides.messages[i] for i in chosen]
    if sides.kind == "speaker":
        messages = [message._replace(is_from_me=True) for message in messages]
    windows: Windows = pack(Corpus.of(messages), tokenizer, size=_MESSAGES, stride=_MESSAGES, context=context)
    rows = windows.batch(np.arange(len(windows)), PAD)
    there = np.arange(rows.shape[1]) < windows.lengths[:, None]
    asked = there & (rows != ME) & (rows != THEM)
    return _Group(torch.from_numpy(rows), torch.from_numpy(asked[:, 1:]))


def _pairs(first: Sequence[int] | range) -> tuple[Integers, Integers]:
    """Return the pairs of twins of different sides and of the same, if these are the first side's."""
    chosen = set(first)
    pairs = list(itertools.combinations(range(2 * GROUPS), 2))
    differ = np.array([(a in chosen) != (b in chosen) for a, b in pairs])
    return np.flatnonzero(differ), np.flatnonzero(~differ)


def _apart(cohort: Cohort) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return how far twins are apart in each head.

    Returns:
        The sum over tokens of the share of attention that goes elsewhere, [window, pair, layer, head]; tokens of each
        window; and whether each head is in every twin nearest to the one of its own number in the model, [layer, head].
    """
    names = list(cohort.members)
    sums, counts, nearest = [], [], None
    for batches in cohort.batches("pattern"):
        first = batches[names[0]]
        patterns = [batches[name]["pattern"] for name in names]  # each [layer, batch, head, query, key]
        rows = first.mask & (torch.arange(first.mask.shape[1]) > 0)  # the first token has nowhere else to look
        sums.append(
            torch.stack([_elsewhere(a, b, rows) for a, b in itertools.combinations(patterns[1:], 2)])
            .permute(2, 0, 1, 3).double().numpy()
        )  # fmt: skip
        counts.append(rows.sum(1).double().numpy())
        base = patterns[0]
        each = torch.stack(
            [
                torch.stack([_elsewhere(twin, base.roll(-shift, 2), rows).sum(1) for shift in range(base.shape[2])])
                for twin in patterns[1:]
            ]
        )  # [twin, shift, layer, head]
        nearest = each if nearest is None else nearest + each
    if nearest is None:
        raise NotEnoughData("There is no held-out window to compare heads on.", hint="Hold more conversations out.")
    kept = (nearest.argmin(1) == 0).all(0).numpy()
    return np.concatenate(sums), np.concatenate(counts), kept


def _elsewhere(one: Tensor, other: Tensor, rows: Tensor) -> Tensor:
    """Return the sum over tokens of the total variation distance of two patterns, [layer, window, head]."""
    return ((one - other).abs().sum(-1) / 2 * rows[None, :, None]).sum(-1)


def _null(apart: Floats) -> tuple[Floats, Floats]:
    """Return the statistic in all ways to deal twins to two sides [way, layer, head], the true one first, and p.

    Args:
        apart: How far each pair is apart, [pair, layer, head].
    """
    ways = []
    for others in itertools.combinations(range(1, 2 * GROUPS), GROUPS - 1):  # twin 0 is on the first side: half of all
        across, within = _pairs((0, *others))
        ways.append(apart[across].mean(0) - apart[within].mean(0))
    found = np.stack(ways)
    spread = found.std(0, ddof=1)
    scaled = found / np.where(spread > 0, spread, np.inf)
    largest = scaled.reshape(len(found), -1).max(1)
    return found, np.asarray((largest[:, None, None] >= scaled[0] - 1e-9).mean(0))
