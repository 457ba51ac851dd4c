"""Attention to speakers: three of the six tests of a speaker head, from values, a shifted window, and where it attends.

1. Values. ‖v₀‖ / mean ‖vⱼ‖, j ≥ 1: what the head would move from position 0, against from elsewhere; and how much it
   writes at all, ‖z W_O‖ against the mean ‖vⱼ W_O‖. A sink has next to nothing at position 0.
2. Shift. The same windows with a neutral token in front, so that the first speaker token stands at position 1: does
   attention stay at position 0 or follow the token?
3. Attention to the latest speaker token, to other ones behind position 0, and to position 0. Chance is uniform
   attention to the same places.

Rows count only in later turns, where the first and the latest speaker token are two. Sums are by window, intervals by
conversation. What would fool it: a neutral token at position 0 is something the model never saw in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.evidence import Evidence
from wonderland.lab.interventions import Activations
from wonderland.lab.stats import cluster_bootstrap

_SKIP = 4  # rows left out at the start, as head-patterns does: targets coincide there
_BATCH = 16


def attention_and_values(specimen: wl.Specimen, *, seed: int) -> dict[str, wl.Estimate]:
    """Return tests 1 and 3 of each head, [layer, head] each.

    Returns:
        "ratio" and "written" (norms, 1 is that of ordinary values); "latest", "others" and "first" (shares of
        attention, with their chance).
    """
    tops: dict[str, list[np.ndarray]] = {name: [] for name in ("first value", "written", "latest", "others", "first")}
    bottoms: dict[str, list[np.ndarray]] = {name: [] for name in ("value", "writable", "rows", "turns")}
    even: dict[str, list[np.ndarray]] = {name: [] for name in ("latest", "others", "first")}
    gram = _gram(specimen.model.W_O.detach().cpu().float())
    for batch in specimen.batches("pattern", "v", "z"):
        pattern, v, z = batch["pattern"], batch["v"], batch["z"]
        others = batch.mask.clone()
        others[:, 0] = False
        size = v.norm(dim=-1)  # [layer, batch, pos, head]
        could = _written(v, gram)
        tops["first value"].append(_rows(size[:, :, 0]))
        bottoms["value"].append(_rows(_mean(size, others)))
        rows = _later(batch.evidence)
        turns = rows.sum(-1).double().numpy()  # [batch]
        tops["written"].append(_rows(_mean(_written(z, gram), rows)) * (turns > 0)[:, None, None])
        bottoms["writable"].append(_rows(_mean(could, others)) * (turns > 0)[:, None, None])
        bottoms["turns"].append(turns)
        uniform = 1 / torch.arange(1, pattern.shape[-1] + 1, dtype=torch.float32)  # [query]
        for name, where in _targets(batch.evidence, rows).items():
            tops[name].append(torch.einsum("lbhqk,bqk->blh", pattern, where).double().numpy())
            even[name].append(torch.einsum("q,bqk->b", uniform, where).double().numpy())
    joined = {name: np.concatenate(some) for name, some in {**tops, **bottoms}.items() if some}
    conversation = specimen.evidence.conversation

    def estimate(top: str, bottom: str, chance: Any, unit: str) -> wl.Estimate:
        return cluster_bootstrap(
            joined[top], joined[bottom], conversation, unit=unit, chance=chance, seed=seed, dims=("layer", "head")
        )

    all_turns = max(float(joined["turns"].sum()), 1.0)
    return {
        "ratio": estimate("first value", "value", 1.0, "of other values"),
        "written": estimate("written", "writable", 1.0, "of other values"),
        **{
            name: estimate(name, "turns", float(np.concatenate(even[name]).sum()) / all_turns, "share of attention")
            for name in even
        },
    }


def shifted(specimen: wl.Specimen, windows: np.ndarray, neutral: Sequence[int], *, seed: int) -> dict[str, wl.Estimate]:
    """Return test 2 of each head, [layer, head] each: attention to position 0 and 1 behind a neutral token.

    Args:
        specimen: The specimen.
        windows: Windows to do it in.
        neutral: Tokens to put in front; each window is seen with each.
        seed: Seed of the intervals.

    Returns:
        "stays" (attention to the neutral token at position 0), "follows" (to the first speaker token, now at 1) and
        "stays − follows".
    """
    evidence, model = specimen.evidence, specimen.model
    sums, weights, conversation = [], [], []
    for start in range(0, len(windows), _BATCH):
        some = windows[start : start + _BATCH]
        for token in neutral:
            front = np.full((len(some), 1), token, dtype=np.int64)
            tokens = np.concatenate([front, evidence.tokens[some]], axis=1)[:, : specimen.cfg.n_ctx]
            lengths = np.minimum(evidence.lengths[some] + 1, specimen.cfg.n_ctx)
            longest = int(lengths.max())
            moved = Evidence(tokens[:, :longest], lengths, evidence.conversation[some])
            pattern = Activations.of(model, moved.tokens, ("pattern",)).values["pattern"].cpu()
            rows = torch.from_numpy(moved.mask & (moved.speaker_position > 1))
            seen = pattern[..., :2] * rows[None, :, None, :, None]  # [layer, batch, head, query, 2]
            sums.append(seen.sum(3).permute(1, 3, 0, 2).double().numpy())  # [batch, 2, layer, head]
            weights.append(rows.sum(-1).double().numpy())
            conversation.append(evidence.conversation[some])
    found, turns = np.concatenate(sums), np.concatenate(weights)
    whose = np.concatenate(conversation)

    def estimate(values: np.ndarray, chance: float | None = None) -> wl.Estimate:
        return cluster_bootstrap(
            values, turns, whose, unit="share of attention", chance=chance, seed=seed, dims=("layer", "head")
        )

    return {
        "stays": estimate(found[:, 0]),
        "follows": estimate(found[:, 1]),
        "stays − follows": estimate(found[:, 0] - found[:, 1], 0.0),
    }


def _later(evidence: Evidence) -> Tensor:
    """Return the rows at which the first and the latest speaker token are two, [batch, query]."""
    place = np.arange(evidence.tokens.shape[1])
    return torch.from_numpy(evidence.mask & (evidence.speaker_position > 0) & (place >= _SKIP))


def _targets(evidence: Evidence, rows: Tensor) -> dict[str, Tensor]:
    """Return where each kind of speaker token stands for the rows that count, [batch, query, key]."""
    latest = torch.from_numpy(evidence.speaker_position)[:, :, None]
    key = torch.arange(evidence.tokens.shape[1])[None, None, :]
    speaker = torch.from_numpy(evidence.is_speaker)[:, None, :]
    where = {
        "latest": key == latest,
        "others": speaker & (key > 0) & (key < latest),
        "first": (key == 0) & (latest > 0),
    }
    return {name: (place & rows[:, :, None]).float() for name, place in where.items()}


def _gram(W_O: Tensor) -> Tensor:
    return torch.einsum("lhdm,lhem->lhde", W_O, W_O)


def _written(z: Tensor, gram: Tensor) -> Tensor:
    """Return ‖z W_O‖ of each head, [layer, batch, pos, head]."""
    return (torch.einsum("lbphd,lhde->lbphe", z, gram) * z).sum(-1).clamp(min=0).sqrt()


def _mean(sizes: Tensor, where: Tensor) -> Tensor:
    """Return the mean over positions [batch, pos] of [layer, batch, pos, head], 0 where there are none."""
    kept = where[None, :, :, None].to(sizes)
    return (sizes * kept).sum(2) / kept.sum(2).clamp(min=1)


def _rows(values: Tensor) -> np.ndarray:
    """Turn [layer, batch, head] into [batch, layer, head]."""
    return values.movedim(1, 0).double().numpy()
