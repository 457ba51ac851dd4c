"""Do a few heads together bring a difference back, and would any few heads?

Clean outputs of the heads of a circuit are put into corrupted runs of many contrasts, and the share of the gap that
comes back is the circuit's recovery. So are those of each head alone, of the circuit without each head, of all heads
(what heads can bring back at all), and of all other sets of as many heads, or of a random sample where there are too
many: the null that says whether this circuit is special, with its rank and p = (1 + sets as good) / (1 + sets).
Unless heads are named, the circuit is the best set on one half of the pairs, measured on the other.

This is often called causal scrubbing and is not: there are no equivalence classes, and other heads may re-route.
Recovery is that of `activation-patching`, by the same function, so a circuit of two without one is the other alone.

What would fool it: a null of sets that contain most of the circuit is a hard null; ranks say more than p. Negative or
non-additive recoveries have several explanations (inconsistent state, heads that work against each other, backup), and
superposition is only one of them.

References: Chan et al. 2022 (causal scrubbing, for what this is not); Shi et al. 2024 (2410.13032) on random circuits.
Cost: up to ``sets`` short forward passes a pair.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.contrast import ENOUGH_PAIRS
from wonderland.lab.interventions import Intervention, Site
from wonderland.lab.patching import patch
from wonderland_circuits.questions import Questions, share, spelled

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

_Set = tuple[tuple[int, int], ...]
_BINS = 20


@dataclass(frozen=True)
class CircuitSufficiencyResult(wl.Result):
    """Recovery of a circuit and of what it is compared with.

    Attributes:
        circuit: Its heads; empty without pairs.
        recovery: Share of the gap that the circuit brings back.
        damage: Share that corrupting it takes away.
        alone: Recovery of each head alone, by its name.
        without: Recovery of the circuit without each head, by the head's name.
        every: Recovery of all heads of the model together.
        others: Recovery of the other sets of as many heads, [set].
        exhaustive: Whether ``others`` are all there are.
        enough: Recovery from which the circuit is called sufficient.
        chosen: How the circuit was chosen: "named", "other conversations" or "same pairs".
        kind: What differs between the prompts.
        confirming: Pairs that all of this rests on.
        refused: Why pairs were refused, each a line.
    """

    circuit: list[str]
    recovery: wl.Estimate
    damage: wl.Estimate
    alone: dict[str, wl.Estimate]
    without: dict[str, wl.Estimate]
    every: wl.Estimate
    others: np.ndarray
    exhaustive: bool
    enough: float
    chosen: str
    kind: str
    confirming: int
    refused: list[str]

    @property
    def rank(self) -> int:
        """Place of the circuit among all sets compared, 1 is the best."""
        return 1 + int((self.others >= self.recovery.value).sum())

    @property
    def p(self) -> float:
        """Share of sets that do as well, the circuit included; one-sided."""
        return self.rank / (1 + len(self.others))

    @property
    def sufficient(self) -> bool:
        """Whether the circuit brings back enough and few sets do as well."""
        return bool(self.recovery.value >= self.enough and self.p < 0.05)

    @property
    def trust(self) -> Any:
        """How far the claim can be trusted."""
        if self.confirming < ENOUGH_PAIRS:
            return "anecdotal"
        solid = self.recovery.trusted and self.recovery.low > 0 and self.chosen != "same pairs"
        return "solid" if solid and self.p < 0.05 else "weak"

    def summary(self) -> str:
        refusals = [f"Refused: {reason}." for reason in self.refused]
        if not self.circuit:
            first = f"No circuit can be judged: there is no usable contrast ({spelled(self.kind)})."
            return "\n".join([first, *refusals])
        few = f", anecdotal: fewer than {ENOUGH_PAIRS} pairs" if self.confirming < ENOUGH_PAIRS else ""
        how = {"named": "named beforehand", "other conversations": "chosen on other conversations"}
        verdict = "sufficient" if self.sufficient else "not sufficient"
        scope = "all" if self.exhaustive else "random"
        lines = [
            f"{' + '.join(self.circuit)} together bring back {share(self.recovery)} of the difference "
            f"({spelled(self.kind)}) over {self.confirming} pairs, {how.get(self.chosen, 'chosen on the same pairs')}; "
            f"rank {self.rank} of {1 + len(self.others)} sets ({scope}), p={self.p:.3f}: {verdict} "
            f"(it takes {self.enough:.0%}){few}.",
            f"All heads together bring back {share(self.every)}; corrupting these takes away {share(self.damage)}.",
            "Alone: " + ", ".join(f"{head} {share(one)}" for head, one in self.alone.items()) + ".",
        ]
        if len(self.circuit) > 1:
            lines.append("Without: " + ", ".join(f"{head} {share(one)}" for head, one in self.without.items()) + ".")
            total = sum(float(one.value) for one in self.alone.values())
            lines.append(f"The sum of the heads alone is {total:.0%}.")
        return "\n".join(lines + refusals)

    def findings(self) -> Sequence[wl.Finding]:
        first = self.summary().splitlines()[0]
        if not self.circuit:
            return [wl.Finding(first, trust=self.trust)]
        return [wl.Finding(first, "circuit-parts", {"head": self.circuit[0]}, self.trust)]

    def views(self) -> Sequence[wl.View]:
        if not self.circuit:
            return []
        parts = {"circuit": self.recovery} | {f"{head} alone": one for head, one in self.alone.items()}
        if len(self.circuit) > 1:
            parts |= {f"without {head}": one for head, one in self.without.items()}
        parts["all heads"] = self.every
        others = self.others if len(self.others) else np.zeros(1)
        edges = np.histogram_bin_edges(np.append(others, self.recovery.value), _BINS)
        here = np.histogram([self.recovery.value], edges)[0]
        labels = [f"{low:.0%}".replace("-0%", "0%").replace("-", "−") for low in edges[:-1]]
        caption = (
            f"Share of the gap brought back over {self.confirming} pairs; 95% interval over n={self.recovery.n} "
            f"{self.recovery.resampled_over}; chance is the mean of {len(self.others)} other sets of as many heads."
        )
        mean = float(self.others.mean()) if len(self.others) else 0.0
        return [
            wl.View.of_data(
                "circuit-parts",
                "A circuit and its parts",
                "bars",
                {
                    "x": list(parts),
                    "y": {"label": "brought back", "unit": "share of the gap"},
                    "series": [
                        {
                            "name": "recovery",
                            "values": np.array([float(one.value) for one in parts.values()]),
                            "low": np.array([float(one.low) for one in parts.values()]),
                            "high": np.array([float(one.high) for one in parts.values()]),
                            "chance": np.full(len(parts), mean),
                        }
                    ],
                },
                caption=caption,
                how_to_read="How much of the first prompt's answer comes back when only these heads are taken from it. "
                "A head is needed within the circuit if the bar without it is much lower.",
                misleads="Heads outside of the circuit run freely and may make up for it or against it; negative bars "
                "say that parts do not add up, not why.",
                order=47,
            ),
            wl.View.of_data(
                "circuit-null",
                "Would any heads do?",
                "bars",
                {
                    "x": labels,
                    "y": {"label": "sets of heads"},
                    "series": [
                        {"name": "other sets", "values": np.histogram(self.others, edges)[0].astype(float)},
                        {"name": " + ".join(self.circuit), "values": here.astype(float)},
                    ],
                },
                caption=f"Share of the gap brought back by {'all' if self.exhaustive else 'random'} other sets of "
                f"{len(self.circuit)} heads; the circuit has rank {self.rank} of {1 + len(self.others)}.",
                how_to_read="If many sets do as well as the circuit, the circuit is nothing special.",
                misleads="Sets that share a strong head with the circuit do well because of it.",
                order=48,
            ),
        ]


@dataclass(frozen=True)
class CircuitSufficiency:
    """Do a few heads bring a difference back? A circuit, its parts, and other sets of as many heads as the null."""

    name: ClassVar[str] = "circuit-sufficiency"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    heads: Annotated[tuple[str, ...], "heads of the circuit, such as L0H0,L0H1; the best set if none are named"] = ()
    size: Annotated[int, "heads of the circuit, if none are named"] = 2
    enough: Annotated[float, "share of the gap from which a circuit is sufficient"] = 0.8
    sets: Annotated[int, "sets of heads to compare with at most"] = 200
    kind: Annotated[str, "what differs: speaker, first-speaker, affirmation or question"] = "speaker"
    pairs: Annotated[int, "pairs to mine at most, half to explore and half to confirm"] = 64
    seed: Annotated[int, "seed of pairs, sets and intervals"] = 0
    contrasts: Annotated[tuple[wl.Contrast, ...], "contrasts of your own, in place of mined ones"] = ()

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import truths

        return truths.circuit_sufficiency()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the pairs and measures on the other."""
        from wonderland_circuits import choices

        return choices.circuit_sufficiency()

    def run(self, specimen: wl.Specimen) -> CircuitSufficiencyResult:
        """Patch the circuit, its parts and other sets into every pair."""
        cfg = specimen.cfg
        every: _Set = tuple(np.ndindex(cfg.n_layers, cfg.n_heads))
        named: _Set = tuple(sorted({Head.parse(name, (cfg.n_layers, cfg.n_heads)) for name in self.heads}))
        size = min(len(named) or max(self.size, 1), len(every))
        asked = Questions.of(specimen, self.contrasts, kind=self.kind, pairs=self.pairs, seed=self.seed)
        exhaustive, sets = _sets(every, size, self.sets, self.seed)
        circuit = named
        if len(asked.explore) and not named:
            found = patch(
                specimen.model, asked.batch.rows(asked.explore), list(map(_cell, sets)), directions=("denoising",)
            )
            circuit = sets[int(np.argmax(found.pooled(seed=self.seed).value))]
        batch = asked.batch.rows(asked.confirm)
        if not len(batch):
            circuit = ()
        null = [heads for heads in sets if heads != circuit] if circuit else []
        parts: list[_Set] = [circuit, *((head,) for head in circuit)]
        parts += [tuple(h for h in circuit if h != head) for head in circuit]
        whole = patch(specimen.model, batch, list(map(_cell, [*parts, every, *null])), directions=("denoising",))
        back = whole.pooled(seed=self.seed)
        lost = patch(specimen.model, batch, [_cell(circuit)], directions=("noising",)).pooled(
            noising=True, seed=self.seed
        )
        names = [str(Head(layer, head)) for layer, head in circuit]
        return CircuitSufficiencyResult(
            circuit=names,
            recovery=back[0],
            damage=lost[0],
            alone={name: back[1 + i] for i, name in enumerate(names)},
            without={name: back[1 + len(names) + i] for i, name in enumerate(names)},
            every=back[len(parts)],
            others=np.asarray(back.value)[len(parts) + 1 :],
            exhaustive=exhaustive,
            enough=self.enough,
            chosen="named" if named else "same pairs" if self.contrasts else "other conversations",
            kind="" if self.contrasts else self.kind,
            confirming=len(batch),
            refused=asked.refused,
        )


def _cell(heads: _Set) -> Intervention:
    return [Site("z", layer, head) for layer, head in heads]


def _sets(every: _Set, size: int, most: int, seed: int) -> tuple[bool, list[_Set]]:
    """Return all sets of this size, or a random sample of them if there are more than ``most``."""
    if math.comb(len(every), size) <= most:
        return True, list(itertools.combinations(every, size))
    random = np.random.default_rng(seed)
    drawn: dict[_Set, None] = {}
    while len(drawn) < most:
        drawn[tuple(every[i] for i in sorted(random.choice(len(every), size, replace=False)))] = None
    return False, list(drawn)
