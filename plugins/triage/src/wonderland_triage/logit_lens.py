"""When is the answer there? What the model would say if it stopped after each layer.

The residual stream h after the embedding and after each layer goes through the model's own end, softmax(LN_f(h) W_U),
with the scale of LN_f computed anew from h: the final scale would shrink early layers. After the last layer that is
the model's answer itself, exactly. Per level, over all positions that predict a token: KL(final ‖ lens) in nats, the
probability of the final answer (the token the model ranks first in the end), how often the lens ranks it first, and
probability and rank of the token that came (the geometric mean rank, as ranks are heavy-tailed). Intervals are over
conversations. Beside each number stands what the frequencies of tokens in the evidence alone would score.

Cost: one unembedding for each level and token, the largest matrix product there is: `windows` bounds it.

What would fool it: early layers need not write in the language of the unembedding. A high KL says that *this* end of
the model cannot read the answer there, not that it is not there (nostalgebraist 2020). With ``tuned`` a translator for
each layer is fitted on half of the conversations, and both lenses are compared on the other half (`tuned_lens`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
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
    spoken,
)
from wonderland_triage.example_windows import describe, windows_to_show
from wonderland_triage.residual_levels import level_names, levels
from wonderland_triage.tuned_lens import compare

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_MEASURES = ("kl", "answer", "agrees", "target", "log rank")
_NOTHING = 0.005  # nats: a smaller step is none
_CANDIDATES = 5  # final answers whose rank is followed through the levels
_PRODUCTS = 2e12  # multiplications to spend: a minute or two on two cores


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

    def summary(self) -> str:
        last = len(self.levels) - 2
        lines = [
            f"The answer is there {_after(self.levels[self.half])}: from then on the lens agrees with the final first "
            f"choice at half of all positions or more, there at {self.agrees[self.half]}.",
            f"KL to the final answer: {_after(self.levels[0])} {self.kl[0]}; "
            f"{_after(self.levels[last])}, one before the end, {self.kl[last]}.",
        ]
        rank = np.exp(self.log_rank.value)
        lines.append(
            f"Geometric mean rank of the token that came, level by level: {', '.join(f'{r:.1f}' for r in rank)}; "
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
            lines.append(f"Before training the KL one before the end was {self.control.kl[last]}.")
        return "\n".join(lines)

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
        text = (
            f"{self.levels[most]} takes the largest step towards the final answer: KL to it falls from "
            f"{float(before.value):.2f} to {float(after.value):.2f} nats (frequencies of tokens alone: "
            f"{float(self.kl.chance):.2f}; n={self.kl.over})."
        )
        return [wl.Finding(text, view, (), trust if before.low > after.high else "weak", "description", after)]

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
            caption=f"Mean KL from the final answer to the lens, 95% interval over n={self.kl.over}; the "
            "line is what the frequencies of tokens alone would have.",
            how_to_read="A low number: the model's end can already read nearly the final answer there. A steep step is "
            "a layer that decides.",
            misleads="An untrained model is near its final answer everywhere, because its layers do nothing.",
            order=63,
        )

    def _table(self) -> wl.View:
        columns = {
            Column("level", "After"): Wording.every(self.levels),
            Column("kl", "KL to final", "nats", 3): self.kl,
            Column("agrees", "Same first choice", "share", 3): self.agrees,
            Column("answer", "p of final answer", digits=3): self.answer,
            Column("target", "p of what came", digits=3): self.target,
            Column("rank", "Rank of what came", digits=1, help="Geometric mean"): self.log_rank.map(np.exp),
        }
        return wl.View(
            "logit-lens-table",
            "Logit lens: table",
            Table.by_row(columns),
            subtitle="The same in numbers, with how often the first choice is already the final one.",
            caption=f"Means over positions, 95% interval over n={self.kl.over}; chance is what the "
            "frequencies of tokens alone would score.",
            how_to_read="Each row is the stream after a layer, read by the model's own end.",
            misleads="Means hide that some tokens are decided at once and others never.",
            order=64,
        )


@dataclass(frozen=True)
class LogitLens:
    """When is the answer there? KL, probability and rank by layer, read by the model's own unembedding."""

    name: ClassVar[str] = "logit-lens"
    version: ClassVar[int] = 4
    needs: ClassVar[tuple[str, ...]] = ("resid_post", "embed", "pos_embed")
    groups: ClassVar[tuple[str, ...]] = ("triage",)
    no_choices: ClassVar[str] = (
        "Nothing is chosen: all layers are shown, and the tuned lens is fitted on half of the "
        "conversations and judged on the others."
    )

    windows: Annotated[
        int, "windows of the evidence to read; 0 for all, and of a large model as many as take a minute or two"
    ] = 96
    shown: Annotated[int, "conversations shown"] = 6
    tuned: Annotated[
        bool, "also fit a tuned lens, a translator for each layer, and judge it on other conversations"
    ] = False

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.logit_lens()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> LogitLensResult:
        """Read the evidence at every level."""
        evidence = specimen.evidence
        show = windows_to_show(evidence, self.shown)
        asked = _spread(len(evidence), self.windows)
        read_of_these = _spread(len(asked), _affordable(specimen, len(asked)))
        chosen = {*show, *(asked[place] for place in read_of_these)}
        prior = _log_frequencies(specimen)
        sums, counts, clusters, uninformed = [], [], [], []
        said: dict[int, list[list[str]]] = {}
        values: dict[int, np.ndarray] = {}
        candidates: dict[int, list[list[str]]] = {}
        ranks: dict[int, np.ndarray] = {}
        for batch in specimen.batches():
            for row, window in enumerate(range(batch.windows.start, batch.windows.stop)):
                length = int(evidence.lengths[window])
                if window not in chosen or length < 2:
                    continue
                came = batch.tokens[row, 1:length]
                stream = levels(batch, row)[:, : length - 1]  # [level, pos, d_model]
                final = _lens(specimen, stream[-1])  # [pos, d_vocab]: what the last level gives is the answer
                best = final.topk(_CANDIDATES).indices if window in show else None  # [pos, place]
                read, ranked = [], []
                for h in stream:  # one level at a time: with a large vocabulary all of them would fill the memory
                    lens = _lens(specimen, h)
                    read.append(_read(lens, final, came))
                    ranked += [] if best is None else [_ranks(lens, best)]
                measures = torch.stack([m for m, _ in read])  # [level, measure, pos]
                sums.append(measures.double().sum(-1).numpy())
                uninformed.append(_read(prior.expand_as(final), final, came)[0].double().sum(-1).numpy())
                counts.append(length - 1)
                clusters.append(evidence.conversation[window])
                if best is not None:
                    said[window] = [specimen.tokenizer.pieces(top.tolist()) for _, top in read]
                    kl, answer, _, _, log_rank = measures.permute(1, 0, 2).numpy()
                    values[window] = np.stack([answer, kl, np.exp(log_rank).round()])
                    candidates[window] = [specimen.tokenizer.pieces(row) for row in best.tolist()]
                    ranks[window] = torch.stack(ranked).numpy()
        chance = np.stack(uninformed).sum(0) / np.sum(counts)

        def estimate(measure: str, unit: str) -> wl.Estimate:
            index = _MEASURES.index(measure)
            of = np.stack(sums)[:, :, index]
            about: dict[str, Any] = {"unit": unit, "chance": float(chance[index]), "dims": ("level",)}
            return cluster_bootstrap(of, counts, clusters, seed=evidence.seed, **about)

        tuned, fitted = compare(specimen, chosen, chance=float(chance[0])) if self.tuned else ({}, {})
        return LogitLensResult(
            levels=level_names(specimen),
            kl=estimate("kl", "nats"),
            answer=estimate("answer", "probability"),
            agrees=estimate("agrees", "share of positions"),
            target=estimate("target", "probability"),
            log_rank=estimate("log rank", "ln rank"),
            conversations=[describe(specimen, window) for window in show if window in said],
            said=[said[window] for window in show if window in said],
            values=[values[window].astype(np.float32) for window in show if window in said],
            candidates=[candidates[window] for window in show if window in said],
            ranks=[ranks[window] for window in show if window in said],
            tuned=tuned,
            fitted=fitted,
            read=len(counts),
            left_out=sum(window not in chosen for window in asked),
        )


def _affordable(specimen: wl.Specimen, windows: int) -> int:
    """Return how many of so many windows can be read at every level in a minute or two."""
    cfg, evidence = specimen.cfg, specimen.evidence
    each = (cfg.n_layers + 1) * float(evidence.lengths.mean()) * cfg.d_vocab * cfg.d_model
    return max(min(windows, int(_PRODUCTS / each)), 1)


def _lens(specimen: wl.Specimen, resid: Tensor) -> Tensor:
    """Return log-probabilities [pos, d_vocab] of a residual stream [pos, d_model], its norm computed anew."""
    model: Any = specimen.model
    logits: Tensor = model.unembed(model.ln_final(resid[None].to(model.W_U)))[0]
    return logits.float().log_softmax(-1).cpu()


def _read(lens: Tensor, final: Tensor, came: Tensor) -> tuple[Tensor, Tensor]:
    """Return the measures [measure, pos] of log-probabilities [pos, d_vocab], and their first choices [pos]."""
    top, answer = lens.argmax(-1), final.argmax(-1)
    kl = (final.exp() * (final - lens)).sum(-1)
    of_answer = lens.gather(-1, answer[:, None])[:, 0].exp()
    of_target = lens.gather(-1, came[:, None])
    rank = 1 + (lens > of_target).sum(-1)
    return torch.stack([kl, of_answer, (top == answer).float(), of_target[:, 0].exp(), rank.float().log()]), top


def _ranks(lens: Tensor, tokens: Tensor) -> Tensor:
    """Return the rank, 1 for the first, of some tokens [pos, place] in log-probabilities [pos, d_vocab]."""
    return torch.stack([1 + (lens > lens.gather(-1, one[:, None])).sum(-1) for one in tokens.T], dim=-1)


def _log_frequencies(specimen: wl.Specimen) -> Tensor:
    """Return ln of how often each token occurs in the evidence (one added to each count), [d_vocab]."""
    evidence = specimen.evidence
    later = evidence.mask[:, 1:]
    counts = np.bincount(evidence.tokens[:, 1:][later], minlength=specimen.cfg.d_vocab) + 1.0
    return torch.from_numpy(np.log(counts / counts.sum())).float()


def _spread(of: int, count: int) -> list[int]:
    """Return ``count`` windows spread evenly over all there are."""
    if not 0 < count < of:
        return list(range(of))
    return [int(index) for index in np.linspace(0, of - 1, count).round()]


def _after(level: str) -> str:
    return "after the embedding" if level == "embed" else f"after {level}"
