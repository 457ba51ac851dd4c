"""What `activation-patching` found, how it is told and drawn; what it means stands in that module."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.views import Block, Column, Matrix, Row, Table, formatted, interval_over, spoken
from wonderland_circuits import patching_grid
from wonderland_circuits.contrast_result import ContrastResult
from wonderland_circuits.phrases import pairs_told, share

MODES = ("resid_pre", "attn_out", "mlp_out")
ROLES = ("difference", "between", "answer")
WAYS = ("denoising", "noising")
_MODE = {"resid_pre": "residual stream", "attn_out": "attention", "mlp_out": "MLP"}
_PAIR = (
    ("clean", "The prompt whose next token should be the target."),
    ("corrupted", "The prompt whose next token should be the foil."),
    ("target", "The answer to the clean prompt."),
    ("foil", "The answer to the corrupted prompt."),
)
_GAP = "Logit of target less foil, clean less corrupted: what there is to bring back."
_MISLEADS = (
    "Heads back each other up, so one that brings back little may still be used. Below 0 the mixed run is worse than "
    "either run: the parts do not simply add up."
)


@dataclass(frozen=True)
class ActivationPatchingResult(ContrastResult):
    """Recovery by what was patched.

    Attributes:
        grid: By way ("denoising", "noising") and mode ("resid_pre", "attn_out", "mlp_out"), share of the gap
            recovered or lost, each [layer, role].
        by_head: By way, the same for each head's output at all positions, each [layer, head].
        per_pair: By way, recovery of each pair by each head, each [pair, layer, head].
        best: The head that recovers most on the pairs to explore with, "" if there are no pairs.
        confirmed: By way, its recovery on the other pairs.
        held_back: Whether ``confirmed`` is on pairs that were not used to choose it.
        gap: Mean gap in logits; NaN without pairs.
        pairs: Clean and corrupted text, target, foil and gap of each pair.
        shown: Single pairs token by token, as ``wonderland_circuits.patching_grid`` says.
        words: Pieces of the tokens that are likely in them.
    """

    grid: dict[str, dict[str, wl.Estimate]]
    by_head: dict[str, wl.Estimate]
    per_pair: dict[str, np.ndarray]
    best: str
    confirmed: dict[str, wl.Estimate]
    held_back: bool
    gap: wl.Estimate
    pairs: list[dict[str, Any]]
    shown: list[dict[str, Any]]
    words: list[str]

    @property
    def trust(self) -> Any:
        """How far the claim can be trusted."""
        one = self.confirmed["denoising"]
        return self.graded(self.held_back and bool(one.low > 0), one)

    def summary(self) -> str:
        if not self.pairs:
            return "\n".join(self.without_pairs("No recovery can be given"))
        lines = [
            self._claim(),
            f"Corrupting {self.best} alone takes away {share(self.confirmed['noising'])}.",
            f"The gap is {self._logits()} on average, over {pairs_told(len(self.pairs))} in all.",
        ]
        if arrives := self.arrives():
            lines.append(arrives)
        return "\n".join(lines + self.refusals())

    def _logits(self) -> str:
        gap = float(self.gap.value)
        return "an unknown number of logits" if math.isnan(gap) else f"{formatted(gap, '.2f')} logits"

    def _claim(self) -> str:
        one = self.confirmed["denoising"]
        chosen = "chosen on other conversations" if self.held_back else "chosen on the same pairs"
        if one.low > 0:
            return (
                f"One head alone, {self.best}, brings back {share(one)} of the difference ({self.what}), over "
                f"{self.confirmed_on}; it was {chosen}{self.few}."
            )
        return (
            f"No head alone is shown to bring the difference back ({self.what}): {self.best}, {chosen}, brings back "
            f"{share(one)}, over {self.confirmed_on}{self.few}."
        )

    def arrives(self) -> str:
        """Say by which layer most of the difference stands at the answer, or nothing if it does not travel."""
        at_answer = self.grid["denoising"]["resid_pre"].value[:, ROLES.index("answer")]
        if not np.isfinite(at_answer).all() or at_answer[0] > 0.5:
            return ""
        late = np.flatnonzero(at_answer > 0.5)
        if len(late):
            return f"More than half of it is at the answer before layer {late[0]}, and not before layer {late[0] - 1}."
        return "Less than half of it is at the answer before the last layer."

    def findings(self) -> Sequence[wl.Finding]:
        if not self.pairs:
            return self.claimed(self.summary().splitlines()[0], "", trust=self.trust)
        one = self.confirmed["denoising"]
        kind: Any = "effect" if one.low > 0 or not np.isfinite(one.value) else "null"
        return self.claimed(
            self._claim(), "patching-heads", one, trust=self.trust, kind=kind, select=Head.parse(self.best)
        )

    def card(self) -> Mapping[str, wl.Estimate]:
        return {
            "Patched in alone, share brought back, all pairs": self.by_head["denoising"],
            "Corrupted alone, share lost, all pairs": self.by_head["noising"],
        }

    def views(self) -> Sequence[wl.View]:
        if not self.pairs:
            return []
        n = self.by_head["denoising"]
        anecdote = " Fewer than 20 pairs: an anecdote." if self.anecdotal else ""
        caption = (
            f"Share of the gap of {self._logits()}, pooled over {pairs_told(len(self.pairs))}; "
            f"{interval_over(n)}; 0 is no effect.{anecdote}"
        )
        apart = " Another analysis of the same heads, with pairs of its own, can give shares some points away."
        share_of_gap: dict[str, Any] = {"unit": "share of the gap", "scale": "diverging"}
        single = [patching_grid.view(self.shown, self.words, self.refused, n.shape[1])] if self.shown else []
        grids = {
            f"{_MODE[mode]}, {way}": self.grid[way][mode] for way in WAYS for mode in MODES if mode in self.grid[way]
        }
        return [
            *single,
            wl.View(
                "patching-heads",
                "Activation patching by head",
                Matrix.by_head({way: self.by_head[way] for way in WAYS}, aside=[self._to_cite()], **share_of_gap),
                subtitle="Which head alone carries what differs between two prompts?",
                caption=caption + self._half() + apart,
                how_to_read="Two prompts differ in one respect. Denoising: this head's output from the first prompt is "
                "put into the second, and the share of the first one's answer that comes back is shown. Noising is the "
                "reverse: the share that is lost.",
                misleads=_MISLEADS,
                order=44,
                warning=self.warning(),
            ),
            wl.View(
                "patching",
                "Activation patching by layer and position",
                Matrix.of([f"L{i}" for i in range(n.shape[0])], ROLES, grids, **share_of_gap),
                subtitle="Through which layers does the difference travel to the answer?",
                caption=caption,
                how_to_read="Follow the residual stream downwards: the difference starts where the prompts differ and "
                "must reach the answer, the last position. Attention moves it there, in the layer where its column "
                "'answer' is strong.",
                misleads=_MISLEADS,
                order=45,
                warning=self.warning(),
            ),
            self._table(),
        ]

    def _half(self) -> str:
        if not self.held_back:
            return ""
        return (
            f" The cells are over both halves of the pairs, also the half on which {self.best} was chosen: cite the "
            f"numbers beside the picture, over the {self.confirmed_on} of the other half."
        )

    def _to_cite(self) -> Block:
        title = f"{self.best}, to cite" if self.held_back else f"{self.best}, on the pairs that chose it"
        half = f"Over {self.confirmed_on} " + (
            "that were not used to choose the head." if self.held_back else "on which the head was also chosen."
        )
        return Block(title, half, [Row(way, self.confirmed[way]) for way in WAYS])

    def _table(self) -> wl.View:
        columns: dict[Column, Any] = {}
        for name, about in _PAIR:
            cells = [pair[name] for pair in self.pairs]
            spoke = name in ("clean", "corrupted")
            columns[Column(name, name.capitalize(), help=about)] = spoken(cells) if spoke else cells
        columns[Column("gap", "Gap", "logits", 2, _GAP)] = [pair["gap"] for pair in self.pairs]
        best = self.per_pair["denoising"][(slice(None), *Head.parse(self.best))]
        return wl.View(
            "patching-pairs",
            "Contrast pairs",
            Table.by_row(
                {
                    **columns,
                    Column(
                        "best", f"{self.best} brings back", "share", 2, "Share of the gap of this pair; 0 is no effect."
                    ): best,
                }
            ),
            subtitle="Which questions were put to the model?",
            caption=f"All pairs, n={len(self.pairs):,}; the gap is the logit difference of target and foil, clean "
            "minus corrupted.",
            how_to_read="Each row is a question to the model: what changes its next word from the foil to the target?",
            misleads="One row is an anecdote; target and foil were chosen for their gap.",
            order=46,
        )
