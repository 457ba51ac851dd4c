"""By which path does a part of the model act: straight on the answer, or through whom?

The output of a sender (the embedding, a head, an MLP) is taken from the other prompt of a contrast and handed to some
of those who read it, while everything else it reaches keeps what it had: to all of them (its whole effect), to the
logits alone (its direct effect), or to the queries, keys or values of one later head. What is left between whole and
direct goes through others. Both ways: denoising gives a corrupted run clean outputs, noising the reverse.

Receivers are the heads with the largest whole effect on one half of the pairs; everything is measured on the other, of
other conversations. LayerNorm is computed anew from what a receiver then reads; no scale is frozen. Only earlier parts
can be senders, so a path backwards cannot be claimed.

What would fool it: paths that back each other up each look idle alone; and shares of paths do not add up to the whole,
because softmax, LayerNorm and MLPs are not linear. Pairs under 20 are marked anecdotal, pairs without a gap refused.

Cost: 2 × 2 × senders + 3 × receivers × senders short runs from the receiver's layer on, a pair.
References: Wang et al. 2022 (2211.00593), path patching; Goldowsky-Dill et al. 2023 (2304.05969).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.contrast import ENOUGH_PAIRS
from wonderland.lab.edges import INPUTS, Edges
from wonderland_circuits.edge_runs import Changed
from wonderland_circuits.questions import Questions, share, spelled

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

WAYS = ("denoising", "noising")


@dataclass(frozen=True)
class PathPatchingResult(wl.Result):
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
        kind: What differs between the prompts.
        confirming: Pairs that all of this rests on.
        held_back: Whether receivers were chosen on other pairs.
        refused: Why pairs were refused, each a line.
    """

    senders: list[str]
    whole: dict[str, wl.Estimate]
    direct: dict[str, wl.Estimate]
    receivers: list[str]
    into: dict[str, wl.Estimate]
    grid: list[int]
    kind: str
    confirming: int
    held_back: bool
    refused: list[str]

    @property
    def trust(self) -> Any:
        """How far the claim can be trusted."""
        if self.confirming < ENOUGH_PAIRS:
            return "anecdotal"
        if not self.receivers:
            return "weak"
        one = self.whole["denoising"][self.senders.index(self.receivers[0])]
        return "solid" if self.held_back and one.trusted and one.low > 0 else "weak"

    def paths(self) -> list[tuple[str, wl.Estimate]]:
        """Return paths into the receivers with an interval above 0, the strongest first: ("MLP0 → L2H0.v", …)."""
        found = [
            (f"{sender} → {head}.{INPUTS[i]}", one)
            for head, estimate in self.into.items()
            for i, s in np.ndindex(*estimate.value.shape)
            for sender, one in [(self.senders[s], estimate[i, s])]
            if np.isfinite(one.value) and one.low > 0
        ]
        return sorted(found, key=lambda path: -float(path[1].value))

    def summary(self) -> str:
        refusals = [f"Refused: {reason}." for reason in self.refused]
        if not self.receivers:
            first = f"No path can be traced: there is no usable contrast ({spelled(self.kind)})."
            return "\n".join([first, *refusals])
        few = f", anecdotal: fewer than {ENOUGH_PAIRS} pairs" if self.confirming < ENOUGH_PAIRS else ""
        head = self.receivers[0]
        at = self.senders.index(head)
        lines = [
            f"{head} brings back {share(self.whole['denoising'][at])} of the difference ({spelled(self.kind)}) and "
            f"{share(self.direct['denoising'][at])} straight into the logits, over {self.confirming} pairs{few}."
        ]
        paths = self.paths()
        told = ", ".join(f"{name} {share(one)}" for name, one in paths[:4])
        lines.append(
            f"What reaches {', '.join(self.receivers)}: {told}." if told else "No path into them is above chance alone."
        )
        return "\n".join(lines + refusals)

    def findings(self) -> Sequence[wl.Finding]:
        first = self.summary().splitlines()[0]
        head = {"head": self.receivers[0]} if self.receivers else {}
        return [wl.Finding(first, "path-direct" if self.receivers else "", head, self.trust)]

    def card(self) -> Mapping[str, wl.Estimate]:
        return {"Straight into the logits, share brought back": self._heads(self.direct["denoising"])}

    def _heads(self, estimate: wl.Estimate) -> wl.Estimate:
        """Return what an estimate [sender] says of heads, [layer, head]."""
        names = [str(Head(layer, head)) for layer, head in np.ndindex(*self.grid)]
        return estimate[np.array([self.senders.index(name) for name in names]).reshape(self.grid)]

    def views(self) -> Sequence[wl.View]:
        if not self.receivers:
            return []
        n = self.whole["denoising"]
        over = f"95% interval over n={n.n} {n.resampled_over}"
        caption = f"Share of the gap over {self.confirming} pairs; {over}; 0 is no effect."
        shown = {
            f"{name}, {way}": part[way]
            for way in WAYS
            for name, part in (("whole", self.whole), ("direct", self.direct))
        }
        ways = [self.into[head][i] for head in self.receivers for i in range(3)]
        into = {
            "name": "brought back",
            "unit": "share of the gap",
            "values": np.array([np.asarray(way.value) for way in ways]),  # [receiver and its input, sender]
            "low": np.array([np.asarray(way.low) for way in ways]),
            "high": np.array([np.asarray(way.high) for way in ways]),
            "chance": 0.0,
            "scale": "diverging",
        }
        misleads = (
            "Shares of paths do not add up, and a path that another backs up looks idle. Prompts were chosen for their "
            "gap, so its size is no finding; the shares are."
        )
        return [
            wl.View.of_data(
                "path-direct",
                "Straight to the answer, or through others",
                "bars",
                {
                    "x": self.senders,
                    "y": {"label": "brought back", "unit": "share of the gap"},
                    "series": [
                        {
                            "name": name,
                            "values": e.value,
                            "low": e.low,
                            "high": e.high,
                            "chance": np.zeros(len(self.senders)),
                        }
                        for name, e in shown.items()
                        if "denoising" in name
                    ],
                },
                caption=caption,
                how_to_read="How much of the first prompt's answer comes back when a part's output is taken from it. "
                "Whole: everyone who reads the part gets it. Direct: only the last sum before the answer does. Where "
                "direct is much smaller, the part acts through others.",
                misleads=misleads,
                order=50,
            ),
            wl.View.of_data(
                "path-into",
                "Who tells the heads that matter",
                "matrix",
                {
                    "rows": [f"{head} {what}" for head in self.receivers for what in ("queries", "keys", "values")],
                    "columns": self.senders,
                    "links": "column",
                    "series": [into],
                },
                caption=caption,
                how_to_read="A row is one input of one head, which alone gets the column's output from the first "
                "prompt. Queries and keys change where the head looks, values what it moves.",
                misleads=misleads,
                order=51,
            ),
        ]


@dataclass(frozen=True)
class PathPatching:
    """By which path does a part act? Whole and direct effects, and who tells the heads that matter."""

    name: ClassVar[str] = "path-patching"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    heads: Annotated[tuple[str, ...], "heads to look into, such as L2H0; those of the largest effect if none"] = ()
    receivers: Annotated[int, "how many heads to look into, if none are named"] = 3
    kind: Annotated[str, "what differs: speaker, first-speaker, affirmation or question"] = "speaker"
    pairs: Annotated[int, "pairs to mine at most, half to explore and half to confirm"] = 64
    seed: Annotated[int, "seed of pairs and intervals"] = 0
    contrasts: Annotated[tuple[wl.Contrast, ...], "contrasts of your own, in place of mined ones"] = ()

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import edge_truths

        return edge_truths.path_patching()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the pairs and measures on the other."""
        from wonderland_circuits import choices

        return choices.path_patching()

    def run(self, specimen: wl.Specimen) -> PathPatchingResult:
        """Hand each sender's output to all, to the logits, and to single inputs of the heads that matter."""
        shape = (specimen.cfg.n_layers, specimen.cfg.n_heads)
        named = [str(Head.parse(name, shape)) for name in self.heads]
        asked = Questions.of(specimen, self.contrasts, kind=self.kind, pairs=self.pairs, seed=self.seed)
        model, edges = specimen.model, Edges.of(specimen.model)
        chosen = named
        if not named and len(asked.explore):
            explored = _effects(model, asked.batch.rows(asked.explore), _all_and_direct(edges), "denoising")
            effect = np.asarray(explored.recovery(self.seed).value)[: len(edges.senders)]
            order = [edges.senders[i] for i in np.argsort(-effect)]
            chosen = [name for name in order if "H" in name][: self.receivers]
        batch = asked.batch.rows(asked.confirm)
        if not len(batch):
            chosen = []
        count = len(edges.senders)
        both = {way: _effects(model, batch, _all_and_direct(edges), way).recovery(self.seed) for way in WAYS}
        return PathPatchingResult(
            senders=edges.senders,
            whole={way: _of_senders(both[way][:count], edges) for way in WAYS},
            direct={way: _of_senders(both[way][count : 2 * count], edges) for way in WAYS},
            receivers=chosen,
            into={head: _into(model, edges, batch, head, self.seed) for head in chosen},
            grid=[edges.n_layers, edges.n_heads],
            kind="" if self.contrasts else self.kind,
            confirming=len(batch),
            held_back=not self.contrasts,
            refused=asked.refused,
        )


def _all_and_direct(edges: Edges) -> np.ndarray:
    """Return the edges of each sender, and after them each sender's edge into the logits alone."""
    senders, receivers = edges.exists.shape
    patched = np.zeros((2 * senders, senders, receivers), dtype=bool)
    for s in range(senders):
        patched[s, s] = edges.exists[s]
        patched[senders + s, s, -1] = True
    return patched


def _effects(model: Any, batch: Any, patched: np.ndarray, way: str) -> Changed:
    """Return pairs with edges patched, one way or the other; noising is told as the share that is lost."""
    noising = way == "noising"
    found = Changed.of(model, batch, len(patched), lambda some: some.run_edges(patched, noising=noising))
    if not noising:
        return found
    return Changed(found.corrupted, found.clean, found.changed, batch)


def _of_senders(estimate: wl.Estimate, edges: Edges) -> wl.Estimate:
    return estimate.map(np.asarray, dims=("sender",), labels={"sender": tuple(edges.senders)})


def _into(model: Any, edges: Edges, batch: Any, head: str, seed: int) -> wl.Estimate:
    """Return the share each earlier sender brings back by each input of a head, [input, sender]."""
    targets = [edges.receivers.index(f"{head}.{what}") for what in INPUTS]
    there = [(s, r) for r in targets for s in np.flatnonzero(edges.exists[:, r]).tolist()]
    patched = edges.masks([[edge] for edge in there])
    found = _effects(model, batch, patched, "denoising").recovery(seed)
    shape = (len(INPUTS), len(edges.senders))
    value, low, high = (np.full(shape, np.nan) for _ in range(3))
    at = tuple(np.array([[targets.index(r), s] for s, r in there]).T)
    value[at], low[at], high[at] = found.value, found.low, found.high
    return dataclasses.replace(
        found,
        value=value,
        low=low,
        high=high,
        dims=("input", "sender"),
        labels={"input": INPUTS, "sender": tuple(edges.senders)},
    )
