"""What a report needs to answer by itself: the model as data, and what stands beside a single case to judge it.

Beside the weights (`wonderland.report.live`): the means of every head's and every MLP's output over the evidence, for
mean ablation; the tokens of a few held-out windows, for resample ablation; directions to steer along; what the lessons
know of this model; and, if heads were ablated in an analysis, the averages with intervals, because what one typed text
shows is one case.

The examples are invented. What would fool it: nothing is averaged here over what is typed, so a mean ablation of a text
unlike the evidence puts in the mean of other texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from wonderland.errors import Unsupported
from wonderland.lab.contrast import LEAST_GAP
from wonderland.lab.live_lessons import lessons
from wonderland.lab.names import hook_name
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.report.live import live_data
from wonderland.report.live_directions import Direction, supplied
from wonderland.tokenizer import ME, THEM, SpeakerTokenizer

if TYPE_CHECKING:
    from wonderland.lab.evidence import Evidence
    from wonderland.lab.specimen import Specimen

__all__ = ["EXAMPLES", "live_page"]

EXAMPLES = (
    (("them", "are you free tomorrow?"), ("me", "yes, what time")),
    (("me", "sorry I am late, the train"),),
    (("them", "how was your day"), ("me", "good, I had lunch with my sister"), ("them", "that sounds")),
)
"""Invented conversations to begin with: speaker and text of each message; the last one is not finished."""

_DONORS, _BATCH = 4, 16


def live_page(specimen: Specimen | Any, results: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a live report holds: ``model``, and ``view`` for what is shown beside it.

    Args:
        specimen: The model, its tokenizer and its evidence.
        results: Results. Those of ``head-ablation``, ``speaker-tracking`` and ``induction`` stand beside single cases;
            those that have ``live_directions()`` supply directions to steer along.

    Raises:
        Unsupported: The model is no `ChatTransformer` with a `SpeakerTokenizer`, or too large.
        PluginError: A result supplied a direction that does not fit the model.
    """
    model, tokenizer = specimen.model, specimen.tokenizer
    if not isinstance(model, ChatTransformer) or not isinstance(tokenizer, SpeakerTokenizer):
        raise Unsupported(
            f"A page can run a ChatTransformer with its SpeakerTokenizer, not a {type(model).__name__} with a "
            f"{type(tokenizer).__name__}.",
            hint="Write the report without the model in it.",
        )
    packed = live_data(model, tokenizer)
    evidence = specimen.evidence
    results = results or {}
    averages = _averages(results.get("head-ablation"))
    ways = [
        *speaker_directions(model, evidence),
        *supplied(results, model.cfg.n_layers, model.cfg.d_model, model.cfg.d_vocab),
    ]
    view = {
        "means": means(model, evidence),
        "donors": donors(evidence),
        "averages": averages,
        "examples": [[{"who": who, "text": text} for who, text in example] for example in EXAMPLES],
        "leastGap": LEAST_GAP,
        "lessons": lessons(results),
        "directions": [way.to_page() for way in ways],
    }
    return {"model": packed, "view": view}


@torch.no_grad()
def means(model: ChatTransformer, evidence: Evidence) -> dict[str, np.ndarray]:
    """Return the mean of each activation over the tokens of the evidence: ``z`` [layer, head × d_head], ``mlp_out``."""
    names = ("z",) if model.cfg.attn_only else ("z", "mlp_out")
    hooks = {name: [hook_name(name, layer) for layer in range(model.cfg.n_layers)] for name in names}
    sums: dict[str, Any] = {}
    for start in range(0, len(evidence), _BATCH):
        rows = evidence.rows(slice(start, start + _BATCH))
        there = torch.as_tensor(rows.mask)
        _, cache = model.run_with_cache(
            torch.as_tensor(rows.tokens, device=model.device),
            names_filter=[one for all_ in hooks.values() for one in all_],
        )
        for name, points in hooks.items():
            some = torch.stack([cache[point].flatten(2).cpu()[there].double().sum(0) for point in points])
            sums[name] = sums.get(name, 0) + some
    return {name: (total / int(evidence.lengths.sum())).float().numpy() for name, total in sums.items()}


@torch.no_grad()
def speaker_directions(model: ChatTransformer, evidence: Evidence) -> list[Direction]:
    """Return, for each head, its mean output where I speak less its mean output where they speak; none without both."""
    cfg = model.cfg
    hooks = [hook_name("z", layer) for layer in range(cfg.n_layers)]
    sums, counts = torch.zeros(2, cfg.n_layers, cfg.n_heads, cfg.d_head, dtype=torch.float64), [0, 0]
    for start in range(0, len(evidence), _BATCH):
        rows = evidence.rows(slice(start, start + _BATCH))
        tokens, there = np.asarray(rows.tokens), np.asarray(rows.mask)
        latest = np.maximum.accumulate(np.where(np.isin(tokens, (ME, THEM)), np.arange(tokens.shape[1]), -1), axis=1)
        speaker = np.where(latest >= 0, np.take_along_axis(tokens, np.maximum(latest, 0), axis=1), -1)
        _, cache = model.run_with_cache(torch.as_tensor(tokens, device=model.device), names_filter=hooks)
        for i, who in enumerate((ME, THEM)):
            chosen = torch.as_tensor(there & (speaker == who))
            counts[i] += int(chosen.sum())
            sums[i] += torch.stack([cache[hook].cpu()[chosen].double().sum(0) for hook in hooks])
    if not all(counts):
        return []
    apart = (sums[0] / counts[0] - sums[1] / counts[1]).float()
    found = []
    for layer in range(cfg.n_layers):
        out = model.state_dict()[f"blocks.{layer}.attn.W_O"].detach().float().cpu()
        for head in range(cfg.n_heads):
            vector = (apart[layer, head] @ out[head]).numpy()
            found.append(Direction(f"L{layer}H{head}, me less them", layer, vector, "attn_out"))
    return found


def donors(evidence: Evidence) -> list[np.ndarray]:
    """Return the tokens of the longest windows, each of another conversation."""
    order = np.argsort(-evidence.lengths, kind="stable")
    _, first = np.unique(evidence.conversation[order], return_index=True)
    chosen = order[np.sort(first)][:_DONORS]
    return [evidence.tokens[row, : evidence.lengths[row]].astype(np.int32) for row in chosen]


def _averages(result: Any) -> dict[str, Any]:
    """Return what each kind of ablation of each head costs on average, if that was measured."""
    return {
        kind: {
            **{name: np.asarray(getattr(one, name), dtype=np.float32) for name in ("value", "low", "high")},
            "n": int(one.n),
            "of": one.resampled_over,
        }
        for kind, one in getattr(result, "cost", {}).items()
    }
