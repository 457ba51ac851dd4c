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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland_triage.example_windows import describe, windows_to_show
from wonderland_triage.logit_lens_result import LogitLensResult
from wonderland_triage.residual_levels import level_names, levels
from wonderland_triage.tuned_lens import compare

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

__all__ = ["LogitLens", "LogitLensResult"]

_MEASURES = ("kl", "answer", "agrees", "target", "log rank")
_CANDIDATES = 5  # final answers whose rank is followed through the levels
_AT_ONCE = 400_000  # log-probabilities, 1.6 MB
_PRODUCTS = 1e12  # multiplications to spend: about a minute on two cores, with what is done with the logits


@dataclass(frozen=True)
class LogitLens:
    """When is the answer there? KL, probability and rank by layer, read by the model's own unembedding."""

    name: ClassVar[str] = "logit-lens"
    version: ClassVar[int] = 5
    needs: ClassVar[tuple[str, ...]] = ("resid_post", "embed", "pos_embed")
    groups: ClassVar[tuple[str, ...]] = ("triage",)
    no_choices: ClassVar[str] = (
        "Nothing is chosen: all layers are shown, and the tuned lens is fitted on half of the "
        "conversations and judged on the others."
    )

    windows: Annotated[
        int, "windows of the evidence to read; 0 for all, and of a large model as many as take about a minute"
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
                final = _logits(specimen, stream[-1]).log_softmax(-1)  # what the last level gives is the answer
                whole = (final, final.exp(), final.argmax(-1))  # [pos, d_vocab] twice, [pos]
                best = final.topk(_CANDIDATES).indices if window in show else None  # [pos, place]
                read, ranked = [], []
                for h in stream:  # one level at a time: with a large vocabulary all of them would fill the memory
                    found, top, rank = _level(_logits(specimen, h), whole, came, best)
                    read.append((found, top))
                    ranked.append(rank)
                measures = torch.stack([m for m, _ in read])  # [level, measure, pos]
                sums.append(measures.double().sum(-1).numpy())
                guessed, _, _ = _level(prior.expand_as(final), whole, came, None)
                uninformed.append(guessed.double().sum(-1).numpy())
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
    """Return how many of so many windows can be read at every level in about a minute."""
    cfg, evidence = specimen.cfg, specimen.evidence
    each = (cfg.n_layers + 1) * float(evidence.lengths.mean()) * cfg.d_vocab * cfg.d_model
    return max(min(windows, int(_PRODUCTS / each)), 1)


def _logits(specimen: wl.Specimen, resid: Tensor) -> Tensor:
    """Return the logits [pos, d_vocab] of a residual stream [pos, d_model], its norm computed anew."""
    model: Any = specimen.model
    logits: Tensor = model.unembed(model.ln_final(resid[None].to(model.W_U)))[0]
    return logits.float().cpu()


def _level(
    logits: Tensor, whole: tuple[Tensor, Tensor, Tensor], came: Tensor, best: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the measures [measure, pos] of a level, its first choices [pos], and the ranks of final answers.

    So many positions at a time as stay in the processor's cache, for each number is looked at a dozen times.

    Args:
        logits: Of the level, [pos, d_vocab].
        whole: As `_read` takes it.
        came: The token that came, [pos].
        best: Tokens whose ranks are wanted, [pos, place]; None for none.
    """
    size = max(_AT_ONCE // logits.shape[-1], 1)
    measures, tops, ranks = [], [], []
    for start in range(0, len(logits), size):
        here = slice(start, start + size)
        lens = logits[here].log_softmax(-1)
        final, probability, answer = (part[here] for part in whole)
        found, top = _read(lens, (final, probability, answer), came[here])
        measures.append(found)
        tops.append(top)
        ranks.append(torch.zeros(len(lens), 0) if best is None else _ranks(lens, best[here]))
    return torch.cat(measures, dim=1), torch.cat(tops), torch.cat(ranks)


def _read(lens: Tensor, whole: tuple[Tensor, Tensor, Tensor], came: Tensor) -> tuple[Tensor, Tensor]:
    """Return the measures [measure, pos] of log-probabilities [pos, d_vocab], and their first choices [pos].

    Args:
        lens: The log-probabilities.
        whole: Those of the whole model, their exponentials [pos, d_vocab], and their first choices [pos].
        came: The token that came, [pos].
    """
    final, probability, answer = whole
    top = lens.argmax(-1)
    kl = (probability * (final - lens)).sum(-1)
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
