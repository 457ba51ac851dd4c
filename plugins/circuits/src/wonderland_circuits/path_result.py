"""What `path-patching` found, how it is told and drawn; what it means stands in that module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import READS, Head
from wonderland.lab.edges import INPUTS
from wonderland.views import Axis, Bar, Bars, Block, Key, Matrix, Role, Row, Wording, percent
from wonderland_circuits.contrast_result import ContrastResult
from wonderland_circuits.phrases import share
from wonderland_circuits.taxonomy_result import NOTHING

WAYS = ("denoising", "noising")
LEAST = 0.05
"""Share of the difference: an MLP that brings back less has no role, however sure it is."""
_MISLEADS = (
    "Shares of paths do not add up, and a path that another backs up looks idle. Prompts were chosen for their gap, so "
    "its size is no finding; the shares are."
)


@dataclass(frozen=True)
class PathPatchingResult(ContrastResult):
    """Effects of senders by path.

    Attributes:
        senders: Names of the senders: "embed", "L0H0", …, "MLP0", ….
        whole: By way, share of the gap brought back (or lost) when all that read a sender get the other run's output,
            [sender].
        direct: By way, the same when the logits alone get it, [sender].
        receivers: Heads looked into, those of the largest whole effect first.
        into: By receiver, share of the gap brought back when one input of it gets a sender's clean output,
            [input, sender] with inputs query, key, value; NaN where the sender does not come before.
        grid: (layers, heads).
        held_back: Whether receivers were chosen on other pairs.
    """

    senders: list[str]
    whole: dict[str, wl.Estimate]
    direct: dict[str, wl.Estimate]
    receivers: list[str]
    into: dict[str, wl.Estimate]
    grid: list[int]
    held_back: bool

    @property
    def trust(self) -> Any:
        """How far the claim can be trusted."""
        if not self.receivers:
            return "anecdotal" if self.anecdotal else "weak"
        one = self.whole["denoising"][self.senders.index(self.receivers[0])]
        return self.graded(self.held_back and bool(one.low > 0), one)

    def paths(self) -> list[tuple[wl.Edge, wl.Estimate]]:
        """Return edges into the receivers with an interval above 0, the strongest first: (MLP0 → L2H0.v, …)."""
        found = [
            (wl.Edge(sender, head, INPUTS[i]), one)
            for head, estimate in self.into.items()
            for before in [self.senders.index(str(Head(Head.parse(head).layer, 0)))]
            for i, s in np.ndindex(len(INPUTS), before)
            for sender, one in [(self.senders[s], estimate[i, s])]
            if np.isfinite(one.value) and one.low > 0
        ]
        return sorted(found, key=lambda path: -float(path[1].value))

    def summary(self) -> str:
        if not self.receivers:
            return "\n".join(self.without_pairs("No path can be traced"))
        paths = ", ".join(f"{name} {share(one)}" for name, one in self.paths()[:4])
        into = ", ".join(self.receivers)
        told = f"Paths into {into}, strongest first: {paths}." if paths else f"No path into {into} is above chance."
        return "\n".join([self._claim(), told, *self.refusals()])

    def _claim(self) -> str:
        at = self.senders.index(self.receivers[0])
        whole, direct = self.whole["denoising"][at], self.direct["denoising"][at]
        told = (
            f"brings back {share(whole)}" if whole.low > 0 else f"is not shown to bring anything back: {share(whole)}"
        )
        return (
            f"{self.receivers[0]} {told} of the difference ({self.what}) in all, and {share(direct)} directly into "
            f"the logits, over {self.confirmed_on}{self.few}."
        )

    def findings(self) -> Sequence[wl.Finding]:
        if not self.receivers:
            return self.claimed(self.summary().splitlines()[0], "", trust=self.trust)
        head = Head.parse(self.receivers[0])
        one = self.whole["denoising"][self.senders.index(str(head))]
        kind: Any = "effect" if one.low > 0 else "null"
        return self.claimed(self._claim(), "path-direct", one, trust=self.trust, kind=kind, select=head)

    def card(self) -> Mapping[str, wl.Estimate]:
        return {"Directly into the logits, share brought back": self._heads(self.direct["denoising"])}

    def _heads(self, estimate: wl.Estimate) -> wl.Estimate:
        """Return what an estimate [sender] says of heads, [layer, head]."""
        names = map(str, Head.all(*self.grid))
        of_heads = estimate[np.array([self.senders.index(name) for name in names]).reshape(self.grid)]
        return replace(of_heads, dims=("layer", "head"))

    def cards(self) -> Mapping[Any, Sequence[Block | Role]]:
        """Return what each MLP does to the answer, and its role where both ways show that it does it."""
        if not self.receivers:
            return {}
        return {
            Key("mlp", name): [
                self._role(at),
                Block(
                    "Path patching",
                    rows=[
                        Row("whole effect, share of the gap", self.whole["denoising"][at]),
                        Row("direct effect, share of the gap", self.direct["denoising"][at]),
                    ],
                ),
            ]
            for at, name in enumerate(self.senders)
            if name.startswith("MLP")
        }

    def _role(self, at: int) -> Role:
        """Return the role of a sender, with its rule; both ways must show an effect and denoising ``LEAST`` of it."""
        whole, direct = ([effect[way][at] for way in WAYS] for effect in (self.whole, self.direct))
        numbers = (
            f"path patching ({self.what}): {share(whole[0])} of the difference in all, {share(direct[0])} directly "
            f"into the logits, over {self.confirmed_on}"
        )
        if self.anecdotal or not whole[0].trusted:
            return Role(Wording(NOTHING), f"too few pairs to name one; {numbers}", named=False)
        if _shown(whole, -1):
            return Role(Wording("works against the answer"), numbers)
        if not _shown(whole):
            why = f"no effect of {percent(LEAST)} or more is shown both by giving and by taking it"
            return Role(Wording(NOTHING), f"{why}; {numbers}", named=False)
        through = all(all_.low > alone.high for all_, alone in zip(whole, direct, strict=True))
        ways = ["itself"] * _shown(direct) + ["through later parts"] * through
        role = f"acts on the answer {' and '.join(ways)}" if ways else "acts on the answer, by no path that is shown"
        return Role(Wording(role), numbers)

    def views(self) -> Sequence[wl.View]:
        if not self.receivers:
            return []
        caption = f"Share of the gap {self.over(self.whole['denoising'])}; 0 is no effect."
        inputs = [f"{head} {what}" for head in self.receivers for what in READS.values()]
        return [
            wl.View(
                "path-direct",
                "Path patching: direct and indirect effects",
                Bars(
                    [Wording(name) for name in self.senders],
                    Axis("brought back", "share of the gap"),
                    [
                        Bar(Wording(name), effect["denoising"])
                        for name, effect in (("whole effect", self.whole), ("direct effect", self.direct))
                    ],
                ),
                subtitle="Does a part act on the answer itself, or through later parts?",
                caption=caption,
                how_to_read="How much of the first prompt's answer comes back when a part's output is taken from it. "
                "Whole effect: everyone who reads the part gets it. Direct effect: only the last sum before the answer "
                "does. Where the direct effect is much smaller, the part acts through others.",
                misleads=_MISLEADS,
                order=50,
                warning=self.warning(),
            ),
            wl.View(
                "path-into",
                "Path patching: inputs of heads",
                Matrix.of(inputs, self.senders, {"brought back": self._inputs()}, links="column", scale="diverging"),
                subtitle="From which earlier parts do the heads that matter read?",
                caption=caption,
                how_to_read="A row is one input of one head, which alone gets the column's output from the first "
                "prompt. Queries and keys change where the head looks, values what it moves.",
                misleads=_MISLEADS,
                order=51,
            ),
        ]

    def _inputs(self) -> wl.Estimate:
        """Return what each sender brings back by each input of each receiver, [receiver and its input, sender]."""
        ways = [self.into[head] for head in self.receivers]
        value, low, high = (
            np.concatenate([np.asarray(getattr(way, part)) for way in ways]) for part in ("value", "low", "high")
        )
        about: dict[str, Any] = {"unit": "share of the gap", "chance": 0.0, "dims": (), "labels": {}}
        return replace(ways[0], value=value, low=low, high=high, **about)


def _shown(effects: Sequence[wl.Estimate], sign: int = 1) -> bool:
    """Whether an effect, measured both ways, is above zero (or below), and the first way large enough for a role."""
    beyond = all(bool((one.low if sign > 0 else -one.high) > 0) for one in effects)
    return beyond and abs(float(effects[0].value)) >= LEAST
