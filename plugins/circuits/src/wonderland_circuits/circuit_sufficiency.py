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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.interventions import Intervention, Site
from wonderland.lab.patching import patch
from wonderland_circuits.contrast_selection import AsksContrasts
from wonderland_circuits.sufficiency_result import CircuitSufficiencyResult

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

_Set = tuple[Head, ...]


@dataclass(frozen=True)
class CircuitSufficiency(AsksContrasts):
    """Do a few heads bring a difference back? A circuit, its parts, and other sets of as many heads as the null."""

    name: ClassVar[str] = "circuit-sufficiency"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    heads: Annotated[tuple[str, ...], "heads of the circuit, such as L0H0,L0H1; the best set if none are named"] = ()
    size: Annotated[int, "heads of the circuit, if none are named"] = 2
    enough: Annotated[float, "share of the gap from which a circuit is sufficient"] = 0.8
    sets: Annotated[int, "sets of heads to compare with at most"] = 200

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
        every: _Set = tuple(Head.all(cfg.n_layers, cfg.n_heads))
        named: _Set = tuple(sorted({Head.parse(name, (cfg.n_layers, cfg.n_heads)) for name in self.heads}))
        size = min(len(named) or max(self.size, 1), len(every))
        asked = self.asked(specimen)
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
        names = list(map(str, circuit))
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
            kind=self.differs,
            confirming=len(batch),
            refused=asked.refused,
        )


def _cell(heads: _Set) -> Intervention:
    return [Site("z", *head) for head in heads]


def _sets(every: _Set, size: int, most: int, seed: int) -> tuple[bool, list[_Set]]:
    """Return all sets of this size, or a random sample of them if there are more than ``most``."""
    if math.comb(len(every), size) <= most:
        return True, list(itertools.combinations(every, size))
    random = np.random.default_rng(seed)
    drawn: dict[_Set, None] = {}
    while len(drawn) < most:
        drawn[tuple(every[i] for i in sorted(random.choice(len(every), size, replace=False)))] = None
    return False, list(drawn)
