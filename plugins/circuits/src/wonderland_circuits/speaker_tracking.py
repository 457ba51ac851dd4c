"""Does a head track who speaks, or does it only look at the first token? Six tests, and one verdict from all of them.

Position 0 of a window is a speaker token. So a head that looks at the first token may be a sink (it looks there to do
nothing), may say who spoke first, or may look at whatever stands there; and who spoke first is not who speaks. For
every head, those that look elsewhere being the null:

1. values: is the value at position 0 small against others, as a sink's is?
2. shift: with a neutral token put in front, does attention stay at position 0 or follow the speaker token?
3. attention: to the latest speaker token and to position 0, in turns where these are two.
4. swap: with ``<|me|>`` and ``<|them|>`` swapped, for the current or for the first speaker only, how much of the
   difference goes through this head alone? Target and foil are unique to one side; a head must carry it on the pairs
   to explore and, of other conversations, on those to confirm.
5. resample: is the other speaker's output in its place worse than the same speaker's?
6. probe: can a linear classifier read the speaker off its output, better than off others and off random projections?

The verdict is ``speaker_verdicts``' rule: sink, first-speaker, current-speaker, none, or undetermined where the tests
disagree or one of them cannot tell.

What would fool it: heads that do the work together, each under the threshold; and a head that tells the speaker only
where no contrast was mined. Reference: Xiao et al. 2023 (2309.17453) and Gu et al. 2024 (2410.10781) on sinks.
Cost: 2 × ``windows`` windows, two short forward passes a head and pair, three more for a head through which anything
goes, and some hundred small linear fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.lab.ablation import collect, spread
from wonderland.lab.contrast import ENOUGH_PAIRS, ContrastBatch, lint
from wonderland.tokenizer import END, SEP
from wonderland_circuits.contrast_selection import ContrastSelection
from wonderland_circuits.speaker_attention import attention_and_values, shifted
from wonderland_circuits.speaker_effects import resample, swap
from wonderland_circuits.speaker_probe import probe
from wonderland_circuits.speaker_result import SpeakerTrackingResult
from wonderland_circuits.speaker_verdicts import SIDES, Measured, Thresholds, judge

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

_KIND = {"current": "speaker", "first": "first-speaker"}
_NEUTRAL = (END, SEP)
_NOTHING_MOVES = {"gap too small", "target equals foil"}  # refusals that say: the swap changes no next word to speak of


@dataclass(frozen=True)
class _Side:
    """The questions about one side that can be asked."""

    batch: ContrastBatch
    explore: np.ndarray
    confirm: np.ndarray
    silent: bool  # the swap moves no answer by enough to ask about, in any place tried
    refused: list[str]


@dataclass(frozen=True)
class SpeakerTracking:
    """Does a head track who speaks? Six tests of every head: sink, first speaker, current speaker or undetermined."""

    name: ClassVar[str] = "speaker-tracking"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("pattern", "v", "z", "resid_pre", "contrasts")
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    attention: Annotated[float, "least share of attention to say that a head looks somewhere"] = 0.4
    small: Annotated[float, "norm of the value at position 0, against others, under which it is small"] = 0.5
    effect: Annotated[float, "least share of a speaker swap to say that it goes through a head"] = 0.1
    pairs: Annotated[int, "contrasts to mine at most for each swap, half to explore and half to confirm"] = 64
    windows: Annotated[int, "windows to shift, and to take donors from"] = 48
    places: Annotated[int, "places to probe at most"] = 1200
    seed: Annotated[int, "seed of pairs, donors, places and intervals"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import truths

        return truths.speaker_tracking()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the pairs and measures on the other."""
        from wonderland_circuits import choices

        return choices.speaker_tracking()

    def run(self, specimen: wl.Specimen) -> SpeakerTrackingResult:
        """Ask every head all six."""
        evidence = specimen.evidence
        if not ((evidence.speaker_position > 0) & evidence.mask).any():
            raise NotEnoughData(
                "No held-out window has a second speaker token: who spoke first and who speaks are the same.",
                hint="Hold out conversations of several messages.",
            )
        shape = (specimen.cfg.n_layers, specimen.cfg.n_heads)
        chosen = spread(evidence.conversation, np.random.default_rng(self.seed))[: self.windows]
        seen = attention_and_values(specimen, seed=self.seed)
        moved = shifted(specimen, chosen, _NEUTRAL, seed=self.seed)
        sides = {side: self._asked(specimen, side) for side in SIDES}
        mean, stored = collect(specimen, set(chosen.tolist()))
        swaps: dict[str, dict[str, dict[str, wl.Estimate]]] = {}
        donated, gaps = {}, {}
        for side, asked in sides.items():
            found = swap(specimen, asked.batch)
            swaps[side] = {
                part: _shaped(found.shares(getattr(asked, part), seed=self.seed), shape)
                for part in ("explore", "confirm")
            }
            confirm = asked.batch.rows(asked.confirm)
            worth = np.argwhere(swaps[side]["explore"]["through"].value >= self.effect / 2)
            heads = [(int(layer), int(head)) for layer, head in worth]
            donated[side] = _shaped(resample(specimen, confirm, side, mean, stored, heads=heads, seed=self.seed), shape)
            gaps[side] = float((found.clean - found.corrupted).mean()) if len(asked.batch) else float("nan")
        read = probe(specimen, places=self.places, seed=self.seed)
        at = Thresholds(self.attention, self.small, self.effect)
        judged = [
            [judge(_measured((layer, head), seen, moved, sides, swaps, donated, read), at) for head in range(shape[1])]
            for layer in range(shape[0])
        ]
        return SpeakerTrackingResult(
            verdicts=[[one.name for one in row] for row in judged],
            outcomes=[[dict(one.outcomes) for one in row] for row in judged],
            reasons=[[one.reason for one in row] for row in judged],
            seen=seen,
            shift=moved,
            swap=swaps,
            resample=donated,
            probe=read,
            pairs={side: {"explore": len(a.explore), "confirm": len(a.confirm)} for side, a in sides.items()},
            gaps=gaps,
            silent=[side for side, asked in sides.items() if asked.silent],
            refused={side: asked.refused for side, asked in sides.items()},
            thresholds={"attention": self.attention, "small": self.small, "effect": self.effect},
        )

    def _asked(self, specimen: wl.Specimen, side: str) -> _Side:
        """Return the contrasts in which the first and the current speaker are two, and only one of them changes."""
        kind = _KIND[side]
        asked = ContrastSelection.of(specimen, (), kind=kind, pairs=self.pairs, seed=self.seed)
        mined = specimen.contrasts(kind, pairs=self.pairs, seed=self.seed)
        kept = np.arange(len(asked.batch))
        if side == "current":
            kept = np.flatnonzero(~asked.batch.differs[:, 0])
        explore, confirm = (np.flatnonzero(np.isin(kept, part)) for part in (asked.explore, asked.confirm))
        silent = False
        if not len(kept):
            apart = [c for c in (*mined.explore, *mined.confirm) if side == "first" or _apart(c, specimen)]
            found = lint(apart, specimen.tokenizer, specimen.model)
            problems = {one[0].name for one in found} or set(mined.refused)
            silent = bool(problems) and problems <= _NOTHING_MOVES
        return _Side(asked.batch.rows(kept), explore, confirm, silent, asked.refused)


def _apart(contrast: wl.Contrast, specimen: wl.Specimen) -> bool:
    """Whether the speaker that differs is not the first one."""
    return 0 not in contrast.differences(specimen.tokenizer)


def _measured(
    at: tuple[int, int],
    seen: Mapping[str, wl.Estimate],
    moved: Mapping[str, wl.Estimate],
    sides: Mapping[str, _Side],
    swaps: Mapping[str, Mapping[str, Mapping[str, wl.Estimate]]],
    donated: Mapping[str, Mapping[str, wl.Estimate]],
    read: Mapping[str, Mapping[str, wl.Estimate]],
) -> Measured:
    """Return the six tests of the head at (layer, head)."""
    return Measured(
        ratio=seen["ratio"][at],
        stays=moved["stays"][at],
        follows=moved["follows"][at],
        moved=moved["stays − follows"][at],
        latest=seen["latest"][at],
        first=seen["first"][at],
        swap={
            side: None
            if asked.silent
            else (swaps[side]["explore"]["through"][at], swaps[side]["confirm"]["through"][at])
            for side, asked in sides.items()
        },
        few=frozenset(side for side, a in sides.items() if not a.silent and len(a.confirm) < ENOUGH_PAIRS),
        resample={side: None if asked.silent else donated[side]["other − same"][at] for side, asked in sides.items()},
        probe={side: found["head"][at] for side, found in read.items()},
        readable={side: _null(found, at) for side, found in read.items()},
    )


def _null(found: Mapping[str, wl.Estimate], at: tuple[int, int]) -> float:
    """Return the highest of a probe's nulls: other heads, shuffled labels, a random projection."""
    others = np.delete(np.ravel(found["head"].value), np.ravel_multi_index(at, found["head"].value.shape))
    levels = [float(found["shuffled"].value[at]), float(found["projection"].value[at[0]])]
    return max([*levels, float(np.median(others))] if len(others) else levels)


def _shaped(by: Mapping[str, Any], shape: tuple[int, int]) -> dict[str, wl.Estimate]:
    """Turn estimates [layer × head] into [layer, head]."""
    return {name: e.reshape(shape, ("layer", "head")) for name, e in by.items()}
