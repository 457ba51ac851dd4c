"""Are there neurons that every training run grows? Correlated activations, against a rotated basis.

For each neuron, the neuron of the same layer of another seed with the largest correlation is chosen on half of the
conversations and measured on the other half. From it is taken the same number when the other seed's neurons are
rotated at random: what any basis of that layer would give, because layers carry much the same information. A neuron is
called universal if the rest, averaged over the other seeds, is over 0.5 (Gurnee et al. 2024, 2401.12181, who find 1% to
5% in GPT-2). The threshold is theirs; the exact interval of the share says how sure it is.

What would fool it: without taking off the rotated basis, many more would count. And correlation sees no neurons that do
the same on other tokens than these.

Cost: products of neurons by neurons over ``tokens`` tokens for each pair of seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.views import Axis, Bars, bounds, counted, digits, percent
from wonderland_cohorts.spread import share

Floats = NDArray[np.float64]
_LEAST = 4


@dataclass(frozen=True)
class NeuronUniversalityResult(wl.Result):
    """How alike neurons of different seeds are.

    Attributes:
        excess: Mean over other seeds of the correlation of each neuron with its best one, less that in a rotated basis,
            [member, layer, neuron].
        raw: The correlation without taking anything off, alike.
        threshold: From which excess a neuron is called universal.
        universal: Share of universal neurons by layer, over all members, [layer].
        unrotated: The share over the threshold of the correlation itself, [layer].
        tokens: Tokens that chose, and tokens that measured.
    """

    excess: np.ndarray
    raw: np.ndarray
    threshold: float
    universal: wl.Estimate
    unrotated: wl.Estimate
    tokens: list[int]

    @property
    def overall(self) -> wl.Estimate:
        """Share of universal neurons of all layers."""
        return share(int((self.excess > self.threshold).sum()), self.excess.size, of="neurons")

    def claims(self) -> dict[str, wl.Estimate]:
        return {}

    def summary(self) -> str:
        one, raw = self.overall, share(int((self.raw > self.threshold).sum()), self.raw.size, of="neurons")
        before = ""
        if isinstance(self.control, NeuronUniversalityResult):
            before = f"; untrained {percent(self.control.overall.value)}"
        return (
            f"{percent(one.value)} of neurons {bounds(one) or '[no interval]'} are universal: their "
            f"correlation with a neuron of other seeds exceeds that with a rotated basis by more than "
            f"{digits(self.threshold)} (n={counted(one.n, 'neuron')} of {len(self.excess)} seeds, {self.tokens[1]:,} "
            f"tokens{before}). Without taking off the rotated basis it would be {percent(raw.value)}."
        )

    def findings(self) -> Sequence[wl.Finding]:
        some = self.overall.low > 0
        kind: Any = "effect" if some else "null"
        return [wl.Finding(self.summary(), "neuron-universality", (), "weak", kind, self.overall)]

    def views(self) -> Sequence[wl.View]:
        names = [f"layer {layer}" for layer in range(len(np.asarray(self.universal.value)))]
        bars = {"less a rotated basis": self.universal, "correlation alone": self.unrotated}
        return [
            wl.View(
                "neuron-universality",
                "Universal neurons",
                Bars.by_place(names, bars, Axis("universal", "share of neurons")),
                subtitle="Are there neurons that every training run grows?",
                caption=f"Share of neurons whose largest correlation with a neuron of other seeds is over "
                f"{digits(self.threshold)}, with and without taking off what a rotated basis gives; chosen on "
                f"{self.tokens[0]:,} tokens, measured on {self.tokens[1]:,} of other conversations. Exact 95% interval "
                f"over n={counted(self.overall.n // max(len(names), 1), 'neuron')} a layer.",
                how_to_read="The first bar of a layer counts neurons that are alike beyond what any basis of the layer "
                "would give. The second is what would be counted without that comparison.",
                misleads="The threshold of 0.5 is a convention of the literature.",
                order=11,
            )
        ]


@dataclass(frozen=True)
class NeuronUniversality:
    """Which neurons does every training run grow? Correlation with neurons of other seeds, less a rotated basis."""

    name: ClassVar[str] = "neuron-universality"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("post",)
    groups: ClassVar[tuple[str, ...]] = ("stability",)
    no_choices: ClassVar[str] = (
        "It chooses by conversations and not by contrasts: a partner is chosen on half of them and "
        "measured on the other, less what a rotated basis gives."
    )
    of: ClassVar[str] = "seeds"

    tokens: Annotated[int, "tokens at most, half of them to choose"] = 6000
    threshold: Annotated[float, "excess correlation from which a neuron is called universal"] = 0.5
    seed: Annotated[int, "seed of tokens, halves and rotations"] = 0

    def run(self, cohort: wl.Cohort) -> NeuronUniversalityResult:
        """Correlate the neurons of each layer with those of the same layer of every other member."""
        first = next(iter(cohort.members.values()))
        random = np.random.default_rng(self.seed)
        halves = self._halves(first.evidence, random)
        taken = [_take(cohort, mask) for mask in halves]  # [member, layer, token, neuron], standardised
        members, layers, _, neurons = taken[0].shape
        generator = torch.Generator().manual_seed(self.seed)
        raw = np.zeros((members, members, layers, neurons))
        rotated = raw.copy()
        for layer in range(layers):
            turn = torch.linalg.qr(torch.randn(neurons, neurons, generator=generator)).Q
            turned = [[_standard(of[member, layer] @ turn) for member in range(members)] for of in taken]
            for a in range(members):
                for b in (b for b in range(members) if b != a):
                    sides = [of[:, layer] for of in taken]
                    raw[a, b, layer] = _best(sides[0][a], sides[0][b], sides[1][a], sides[1][b])
                    rotated[a, b, layer] = _best(sides[0][a], turned[0][b], sides[1][a], turned[1][b])
        others = members - 1
        excess, correlation = (raw - rotated).sum(1) / others, raw.sum(1) / others
        return NeuronUniversalityResult(
            excess=excess,
            raw=correlation,
            threshold=self.threshold,
            universal=_shares(excess > self.threshold),
            unrotated=_shares(correlation > self.threshold),
            tokens=[int(mask.sum()) for mask in halves],
        )

    def _halves(self, evidence: wl.Evidence, random: np.random.Generator) -> list[NDArray[np.bool_]]:
        names = random.permutation(np.unique(evidence.conversation))
        if len(names) < _LEAST:
            raise NotEnoughData(
                f"Half of the conversations choose and half measure; it takes {_LEAST}, and there are {len(names)}.",
                hint="Hold more conversations out.",
            )
        halves = []
        for some in (names[::2], names[1::2]):
            mask = evidence.mask & np.isin(evidence.conversation, some)[:, None]
            places = np.flatnonzero(mask)
            kept = random.permutation(places)[: self.tokens // 2]
            chosen = np.zeros(mask.size, dtype=bool)
            chosen[kept] = True
            halves.append(chosen.reshape(mask.shape))
        return halves


def _shares(over: NDArray[np.bool_]) -> wl.Estimate:
    """Return the share over a threshold by layer, of [member, layer, neuron]."""
    found = [share(int(over[:, layer].sum()), over[:, layer].size, of="neurons") for layer in range(over.shape[1])]
    return wl.Estimate.stacked(found, dims=("layer",))


def _take(cohort: wl.Cohort, mask: NDArray[np.bool_]) -> Tensor:
    parts: list[Tensor] = []
    for batches in cohort.batches("post"):
        first = next(iter(batches.values()))
        here = torch.from_numpy(mask[first.windows][:, : first.tokens.shape[1]])
        if here.any():
            parts.append(torch.stack([batch["post"][:, here].float() for batch in batches.values()]))
    return _standard(torch.cat(parts, dim=2))


def _standard(values: Tensor) -> Tensor:
    """Give every neuron mean 0 and norm 1 over tokens; a constant one stays 0."""
    centred = values - values.mean(-2, keepdim=True)
    scaled: Tensor = centred / centred.norm(dim=-2, keepdim=True).clamp_min(1e-8)
    return scaled


def _best(chosen: Tensor, of: Tensor, measured: Tensor, measured_of: Tensor) -> Floats:
    """Return the correlation of each neuron with the one of largest correlation, chosen on other tokens."""
    best = (chosen.T @ of).argmax(1)
    return np.asarray((measured * measured_of[:, best]).sum(0).double())
