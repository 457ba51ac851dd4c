"""What is said and shown of the logit lens: how far each level is from the final answer, and what it would say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.views import (
    Axis,
    Column,
    Lines,
    Matrix,
    Panel,
    Panels,
    Ranks,
    Reference,
    Series,
    Table,
    Wording,
    interval_over,
    spoken,
)

__all__ = ["LogitLensResult"]

_NOTHING = 0.005  # nats: a smaller step is none
_LITTLE = 0.1  # nats from the embedding to the end: less leaves the layers nothing to decide


@dataclass(frozen=True)
class LogitLensResult(wl.Result):
    """What each level would say, [level]: the embedding, then the stream after each layer.

    Attributes:
        levels: Their names: "embed", "L0", …
        kl: KL(final ‖ lens), nats.
        answer: Probability of the model's final answer.
        agrees: Share of positions where the lens ranks the final answer first.
        target: Probability of the token that came.
        log_rank: ln of the rank of the token that came; its exponential is the geometric mean rank.
        conversations: Windows shown: title, pieces, speakers, messages.
        said: Their top token at each level, [level][position] each.
        values: Their numbers, [(probability of the final answer, KL, rank of what came), level, position] each.
        candidates: Their likeliest tokens in the end, [position][place] each.
        ranks: The rank of those at each level, [level, position, place] each.
        tuned: KL(final ‖ lens) of the "tuned" lens and of the "plain" one on conversations that neither was fitted on,
            nats; empty if no tuned lens was asked for.
        fitted: The same on the conversations the tuned lens was fitted on, [level] each.
        read: Windows that were read.
        left_out: Windows that were asked for and not read, because the model is large.
    """

    levels: list[str]
    kl: wl.Estimate
    answer: wl.Estimate
    agrees: wl.Estimate
    target: wl.Estimate
    log_rank: wl.Estimate
    conversations: list[dict[str, Any]]
    said: list[list[list[str]]]
    values: list[np.ndarray]
    candidates: list[list[list[str]]]
    ranks: list[np.ndarray]
    tuned: dict[str, wl.Estimate]
    fitted: dict[str, np.ndarray]
    read: int
    left_out: int

    @property
    def half(self) -> int:
        """Return the first level from which on the lens agrees with the final answer at least half of the time."""
        short = np.flatnonzero(self.agrees.value < 0.5)
        return min(int(short[-1] + 1), len(self.agrees.value) - 1) if len(short) else 0

    @property
    def little(self) -> str:
        """Say why there is little for the layers to decide, as in a model that was hardly trained; "" if there is."""
        common = float(np.nan if self.agrees.chance is None else self.agrees.chance)
        if common >= 0.5:
            return f"the commonest token alone is its first choice at {common:.0%} of positions"
        if float(self.kl.value[0]) < _LITTLE:
            return f"after the embedding it is {float(self.kl.value[0]):.2f} nats from its final answer"
        return ""

    def summary(self) -> str:
        last = len(self.levels) - 2
        lines = [f"The layers have little to decide: {self.little}."] if self.little else []
        lines += [
            f"The answer is there {_after(self.levels[self.half])}: from then on the lens agrees with the final first "
            f"choice at half of all positions or more, there at {self.agrees[self.half]}.",
            f"KL to the final answer: {_after(self.levels[0])} {self.kl[0]}; "
            f"{_after(self.levels[last])}, one before the end, {self.kl[last]}.",
        ]
        rank = ", ".join(f"{r:.1f}" if np.isfinite(r) else "unknown" for r in np.exp(self.log_rank.value))
        lines.append(
            f"Geometric mean rank of the token that came, level by level: {rank}; "
            f"by frequency alone {np.exp(float(self.log_rank.chance)):.1f}."
        )
        if self.left_out:
            lines.append(
                f"{self.read} windows were read; {self.left_out} more were left out, for every level of such a model "
                "is a product with the whole vocabulary."
            )
        if self.tuned:
            tuned, plain = (self.tuned[name] for name in ("tuned", "plain"))
            told = "; ".join(
                f"{_after(name)} {tuned.value[level]:.2f}, the plain lens {plain.value[level]:.2f}"
                for level, name in enumerate(self.levels[:-1])
            )
            lines.append(f"KL of a tuned lens on other conversations than it was fitted on, nats: {told}.")
        if isinstance(self.control, LogitLensResult):
            lines.append(self._before(self.control.kl[last]))
        return "\n".join(lines)

    @staticmethod
    def _before(kl: wl.Estimate) -> str:
        """Say how far the untrained model is from its final answer, and why it is near."""
        near = kl.value < _LITTLE
        why = ", as its layers change nearly nothing: a low KL alone does not show that anything was learned"
        return f"Before training the KL one before the end was {kl}{why if near else ''}."

    def findings(self) -> Sequence[wl.Finding]:
        drops, view = -np.diff(self.kl.value), "logit-lens-by-layer"
        if not np.isfinite(drops).any():
            text = "How far each layer is from the final answer could not be measured."
            return [wl.Finding(text, view, (), "anecdotal", "description")]
        most = int(np.nanargmax(drops)) + 1
        before, after = self.kl[most - 1], self.kl[most]
        trust: Any = "solid" if self.kl.trusted else "weak"
        if drops[most - 1] < _NOTHING:
            text = f"No layer brings the stream closer to the final answer by {_NOTHING:g} nats or more."
            return [wl.Finding(text, view, (), trust, "null")]
        if self.little:
            text = f"The layers have little to decide, as in a model that was hardly trained: {self.little}."
            return [wl.Finding(text, view, (), "weak", "description", replace(self.kl[0], chance=None))]
        text = (
            f"{self.levels[most]} takes the largest step towards the final answer: KL to it falls from "
            f"{float(before.value):.2f} to {float(after.value):.2f} nats (frequencies of tokens alone: "
            f"{float(self.kl.chance):.2f}; n={self.kl.over})."
        )
        trust = trust if before.low > after.high else "weak"
        if after.high < float(self.kl.chance):  # nearer to the final answer than what frequencies alone would say
            return [wl.Finding(text, view, (), trust, "effect", after)]
        return [wl.Finding(text, view, (), trust, "description", replace(after, chance=None))]

    def views(self) -> Sequence[wl.View]:
        return [*([self._words()] if self.conversations else []), self._by_layer(), self._table()]

    def _words(self) -> wl.View:
        shown = zip(self.conversations, self.said, self.values, self.candidates, self.ranks, strict=True)
        return wl.View(
            "logit-lens",
            "Logit lens",
            Panels(
                [
                    Panel(Wording(about["title"]), self._panel(about, one, two, three, four))
                    for about, one, two, three, four in shown
                ]
            ),
            subtitle="What would the model say if it stopped after this layer?",
            caption="The likeliest next token at each level of one conversation, read by the model's own end; columns "
            "are the tokens read so far. n=1 conversation, without intervals.",
            how_to_read="Read a column from the top: the word in each cell is the likeliest next token so far. "
            "Where the word stops changing, the answer is decided. Click a cell to follow the final candidates up "
            "and down the ranks.",
            misleads="Early layers need not write in the language of the output: nonsense there does not mean that "
            "nothing is known there.",
            order=60,
        )

    def _panel(
        self, about: dict[str, Any], said: Any, values: np.ndarray, candidates: Any, ranks: np.ndarray
    ) -> Matrix:
        answer, kl, rank = values
        return Matrix(
            Wording.every(self.levels),
            spoken(about["tokens"][: values.shape[-1]]),
            [
                Series(Wording("probability of the final answer"), answer, "1", domain=[0, 1]),
                Series(Wording("KL to the final answer"), kl, "nats"),
                Series(Wording("rank of the token that came"), rank, "1", scale="log"),
            ],
            labels=[spoken(level) for level in said],
            ranks=Ranks("How the final candidates rise", [spoken(names) for names in candidates], ranks),
        )

    def _by_layer(self) -> wl.View:
        curves: dict[str, Any] = {"KL to the final answer": self.kl}
        curves |= {f"{name} lens, on other conversations": of for name, of in self.tuned.items()}
        if isinstance(self.control, LogitLensResult):
            curves["before training"] = self.control.kl.value
        return wl.View(
            "logit-lens-by-layer",
            "Logit lens: KL to the final answer by layer",
            Lines.of(
                curves,
                Axis("after", names=Wording.every(self.levels)),
                Axis("KL(final ‖ lens)", "nats"),
                references=[Reference(Wording("frequencies alone"), float(self.kl.chance))],
            ),
            subtitle="How far is each layer from what the model says in the end?",
            caption=f"Mean KL from the final answer to the lens, {interval_over(self.kl)}; the "
            "line is what the frequencies of tokens alone would have.",
            how_to_read="A low number: the model's end can already read nearly the final answer there. A steep step is "
            "a layer that decides.",
            misleads="An untrained model is near its final answer everywhere (KL near 0), because its layers change "
            "nearly nothing. So a low KL alone does not show learning: compare with the model before training.",
            order=63,
        )

    def _table(self) -> wl.View:
        columns = {
            Column("level", "After", help="The layer after which the residual stream is read."): Wording.every(
                self.levels
            ),
            Column(
                "kl", "KL to final", "nats", 3, "Distance of this answer from the final one; 0 is the same."
            ): self.kl,
            Column("agrees", "Same first choice", "share", 3, "Positions with the final likeliest token."): self.agrees,
            Column(
                "answer", "Probability of final answer", digits=3, help="Mean probability of the final likeliest token."
            ): self.answer,
            Column(
                "target", "Probability of what came", digits=3, help="Mean probability of the token that really came."
            ): self.target,
            Column(
                "rank",
                "Rank of what came",
                digits=1,
                help="Geometric mean of the rank of the token that came; 1 is best.",
            ): self.log_rank.map(np.exp),
        }
        return wl.View(
            "logit-lens-table",
            "Logit lens: table",
            Table.by_row(columns),
            subtitle="The same in numbers, with how often the first choice is already the final one.",
            caption=f"Means over positions, {interval_over(self.kl)}; chance is what the "
            "frequencies of tokens alone would score.",
            how_to_read="Each row is the stream after a layer, read by the model's own end.",
            misleads="Means hide that some tokens are decided at once and others never.",
            order=64,
        )


def _after(level: str) -> str:
    return "after the embedding" if level == "embed" else f"after {level}"
