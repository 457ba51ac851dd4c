"""Which head of one training run is which head of another? Heads matched by where they look, and a null.

Seeds number their heads differently, so head L2H0 of one model is no relative of L2H0 of another. Heads are vectors of
their attention on the same windows (`wonderland_cohorts.patterns`). Half of the conversations match them, one to one
with the largest sum of cosines (Kuhn 1955, the "Hungarian method"), within each layer and, to see whether layers differ
between seeds, across all. The other half scores the matches: a best match is chosen, and would look good on the windows
it was chosen on.

- Null: the other model reads other windows, ``permutations`` times; matching and scoring are done alike. A head has
  come back in another seed if its score lies over the 95th percentile of its own null there, and replicates if it has
  come back in most other seeds.
- Roles: after matching, do heads carry the same label of `head-patterns`? Fleiss' κ (Psychol. Bull. 76, 1971) with the
  same labels dealt out anew within layers as null.

What would fool it: a head that looks by position alone, at the previous token for example. With other windows it looks
at the same places, so its null is as high as its score, and it cannot be told from chance here. κ sees it.

Cost: one pass a member, then products of all pairs of heads: for five ``nano`` models and 200 windows some seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import wonderland as wl
from wonderland_cohorts.agreement import fleiss, kappa_null
from wonderland_cohorts.head_matching_result import HeadMatchingResult
from wonderland_cohorts.patterns import Patterns, cosines, matched, patterns_of, strangers

Floats = NDArray[np.float64]
_REPLICATES = 1000


@dataclass(frozen=True)
class HeadMatching:
    """Which heads come back in another training run? Matched by their attention, against windows dealt out anew."""

    name: ClassVar[str] = "head-matching"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    uses: ClassVar[tuple[str, ...]] = ("head-patterns",)
    groups: ClassVar[tuple[str, ...]] = ("stability",)
    no_choices: ClassVar[str] = (
        "It chooses by conversations and not by contrasts: heads are matched on half of them and scored "
        "on the other half, against windows dealt out anew and matched alike."
    )
    of: ClassVar[str] = "seeds"

    permutations: Annotated[int, "times that other windows are put under a model"] = 39
    seed: Annotated[int, "seed of halves, permutations and intervals"] = 0

    def run(self, cohort: wl.Cohort) -> HeadMatchingResult:
        """Match on one half of the conversations, score on the other."""
        found = patterns_of(cohort)
        members, layers, heads = found.shape
        size = layers * heads
        random = np.random.default_rng(self.seed)
        explore, confirm = _halves(found, random)
        groups = [np.arange(layer * heads, (layer + 1) * heads) for layer in range(layers)]
        everyone = [np.arange(size)]
        similar = _blocks(cosines(explore.products().sum(0)), members)
        products = confirm.products()
        scored = _blocks(cosines(products.sum(0)), members)
        within = _match_all(similar, groups)
        across = _match_all(similar, everyone)
        null = self._null(explore, confirm, groups, members, random)  # [permutation, member, other, head]
        score = np.stack(
            [[scored[a, b][np.arange(size), within[a, b]] for b in range(members)] for a in range(members)]
        )
        level = np.quantile(null, 0.95, axis=0)
        back = score > level
        others = ~np.eye(members, dtype=bool)
        shape = (members, members, layers, heads)
        labels, kappa, kappas = self._roles(cohort, within, groups)
        return HeadMatchingResult(
            members=list(cohort.members),
            length=found.length,
            windows=[len(explore.conversation), len(confirm.conversation)],
            within=within.reshape(shape),
            across=across.reshape(shape),
            score=_intervals(products, within, confirm, level, self.seed).reshape(
                shape, ("member", "other", "layer", "head")
            ),
            null=null.mean(0).reshape(shape),
            by_index=np.stack([[np.diagonal(scored[a, b]) for b in range(members)] for a in range(members)]).reshape(
                shape
            ),
            back=back.reshape(shape),
            mean=_mean(products, within, confirm, float(null[:, others].mean()), self.seed),
            null_mean=[float(x) for x in np.quantile(null[:, others].mean((1, 2)), [0.025, 0.975])],
            same_layer=float(np.mean((across // heads == np.arange(size) // heads)[others])),
            roles=labels,
            kappa=kappa,
            kappa_null=kappas,
            permutations=self.permutations,
        )

    def _null(
        self,
        explore: Patterns,
        confirm: Patterns,
        groups: list[NDArray[np.int64]],
        members: int,
        random: np.random.Generator,
    ) -> Floats:
        """Return scores of heads matched with those of another model that reads other windows."""
        _, layers, heads = explore.shape
        size = layers * heads
        squares = [
            half.squares().reshape(members, layers, heads).swapaxes(0, 1).reshape(layers, -1)
            for half in (explore, confirm)
        ]
        drawn = []
        for _ in range(self.permutations):
            mixed = [
                _layers_apart(cosines(half.crossed(strangers(half.conversation, random)), norms), members)
                for half, norms in zip((explore, confirm), squares, strict=True)
            ]
            pairs = _match_all(mixed[0], groups)
            drawn.append(
                [[mixed[1][a, b][np.arange(size), pairs[a, b]] for b in range(members)] for a in range(members)]
            )
        return np.asarray(drawn)

    def _roles(
        self, cohort: wl.Cohort, within: NDArray[np.int64], groups: list[NDArray[np.int64]]
    ) -> tuple[list[list[str]], float, list[float]]:
        """Return labels [head of the first member][member], their κ, and κ of labels dealt out anew."""
        found: Any = cohort.results.get("head-patterns", {})
        if len(found) < len(cohort):
            return [], float("nan"), []
        labels = [[label for row in result.labels for label in row] for result in found.values()]
        roles = [[labels[m][within[0, m][head]] for m in range(len(labels))] for head in range(len(labels[0]))]
        kappa = fleiss(roles)
        null = kappa_null(roles, groups, seed=self.seed)
        return roles, kappa, [float(x) for x in null]


def _halves(found: Patterns, random: np.random.Generator) -> tuple[Patterns, Patterns]:
    """Deal conversations out into two halves of about as many windows."""
    names, counts = np.unique(found.conversation, return_counts=True)
    order = random.permutation(len(names))
    first: list[int] = []
    sizes = [0, 0]
    for at in order[np.argsort(-counts[order], kind="stable")]:
        half = int(sizes[1] < sizes[0])
        sizes[half] += int(counts[at])
        if not half:
            first.append(int(names[at]))
    chosen = np.isin(found.conversation, first)
    return found.of(np.flatnonzero(chosen)), found.of(np.flatnonzero(~chosen))


def _blocks(of_all: Floats, members: int) -> Floats:
    """Turn [member × head, member × head] into [member, other, head, head of the other]."""
    size = len(of_all) // members
    return np.asarray(of_all.reshape(members, size, members, size).transpose(0, 2, 1, 3))


def _layers_apart(of_layers: Floats, members: int) -> Floats:
    """Turn [layer, member × head, member × head] into [member, other, head, head of the other], 0 across layers."""
    layers, heads = len(of_layers), of_layers.shape[-1] // members
    made = np.zeros((members, members, layers, heads, layers, heads))
    for layer, found in enumerate(of_layers):
        made[:, :, layer, :, layer] = found.reshape(members, heads, members, heads).swapaxes(1, 2)
    return made.reshape(members, members, layers * heads, layers * heads)


def _match_all(similar: Floats, groups: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the match of every head of each member in every other, [member, other, head]."""
    members = len(similar)
    return np.stack([[matched(similar[a, b], groups) for b in range(members)] for a in range(members)])


def _sums(products: Floats, within: NDArray[np.int64], half: Patterns) -> tuple[Floats, Floats, Floats]:
    """Return by conversation the inner products of matched heads [conversation, member, other, head] and both norms."""
    from wonderland.lab.stats import sum_by_cluster

    members, _, size = within.shape
    by_conversation = sum_by_cluster(products, half.conversation)
    blocks = by_conversation.reshape(-1, members, size, members, size)
    norms = np.diagonal(by_conversation, axis1=1, axis2=2).reshape(-1, members, size)
    a, b, h = np.indices(within.shape)
    both = blocks[:, a, h, b, within]
    return both, norms[:, a, h], norms[:, b, within]


def _draws(n: int, seed: int) -> Floats:
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=_REPLICATES)
    return np.asarray(drawn, dtype=np.float64)


def _intervals(products: Floats, within: NDArray[np.int64], half: Patterns, level: Floats, seed: int) -> wl.Estimate:
    """Return the cosine of each matched pair with its interval over conversations, against its own null."""
    sums = _sums(products, within, half)
    draws = _draws(len(sums[0]), seed)
    flat = [part.reshape(len(part), -1) for part in sums]
    value = _cosine(*(part.sum(0) for part in flat))
    samples = _cosine(*(draws @ part for part in flat))
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    low, high = np.minimum(low, value), np.maximum(high, value)
    if len(sums[0]) == 1:  # drawn again, one conversation is itself: no interval
        low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    return wl.Estimate(value, low, high, n=len(draws[0]), unit="cosine", chance=level.ravel())


def _mean(products: Floats, within: NDArray[np.int64], half: Patterns, chance: float, seed: int) -> wl.Estimate:
    """Return the mean over all heads and pairs of different members."""
    sums = _sums(products, within, half)
    others = ~np.eye(len(within), dtype=bool)
    flat = [part[:, others].reshape(len(part), -1) for part in sums]
    value = float(_cosine(*(part.sum(0) for part in flat)).mean())
    draws = _draws(len(sums[0]), seed)
    samples = _cosine(*(draws @ part for part in flat)).mean(1)
    low, high = np.quantile(samples, [0.025, 0.975]) if len(draws[0]) > 1 else (np.nan, np.nan)
    return wl.Estimate(
        value, min(float(low), value), max(float(high), value), n=len(draws[0]), unit="cosine", chance=chance
    )


def _cosine(both: Floats, one: Floats, other: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nan_to_num(both / np.sqrt(one * other)))
