"""What lies behind one cell of an attention pattern: its score, the value it moves, and what that writes.

A head's output at a query is the sum over keys of weight × value; each term, through W_O and the unembedding, moves the
logits at the query's position by weight × (v W_O W_U) / scale, where the final LayerNorm's scale is held as it was
(Elhage et al. 2021, A Mathematical Framework for Transformer Circuits: the direct path). So one number for each head,
key and token is enough for all queries, and of the tokens the few are kept that are moved most.

What would fool it: later layers read what is written and can undo it. The direct path is one path of many, on one
conversation; patching and ablation measure the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import wonderland as wl
from wonderland.errors import Unsupported
from wonderland.lab.names import hook_name
from wonderland.lab.weights import FoldedWeights, fold

__all__ = ["PLACES", "behind_cells", "numbered"]

PLACES = 3
"""Words kept of those that are raised most, and of those lowered most."""
_MOST = 3e10  # products for one conversation; the words of a larger model are left out


def behind_cells(specimen: wl.Specimen, windows: list[int]) -> list[dict[str, np.ndarray]]:
    """Return what lies behind the cells of each window, as `BehindCells` has it; nothing if the model lacks a hook.

    ``ids`` are tokens of the vocabulary; they are missing for a model too large to go through every word.
    """
    model, cfg = specimen.model, specimen.model.cfg
    layers = range(cfg.n_layers)
    wanted = [hook_name(site, layer) for site in ("attn_scores", "v") for layer in layers]
    last = hook_name("resid_post", cfg.n_layers - 1)
    weights: FoldedWeights | None = None
    found = []
    for window in windows:
        length = int(specimen.evidence.lengths[window])
        tokens = torch.as_tensor(specimen.evidence.tokens[window : window + 1, :length], device=model.device)
        try:
            with torch.no_grad():
                _, cache = model.run_with_cache(tokens, names_filter=[*wanted, last])
        except Unsupported:  # the hooks of an architecture with shared keys are not what their names say
            return []
        if any(name not in cache for name in [*wanted, last]):
            return []
        scores = np.concatenate([_array(cache[hook_name("attn_scores", layer)][0]) for layer in layers])
        values = [_array(cache[hook_name("v", layer)][0]) for layer in layers]  # [pos, head, d_head] each
        if values[0].shape[1] != cfg.n_heads or not _is_softmax(scores):
            return []  # grouped keys and values, or scores that were not what the softmax read
        weights = weights or fold(model)
        found.append(_window(scores, values, _array(cache[last][0]), weights, cfg))
    return found


def _window(
    scores: np.ndarray, values: list[np.ndarray], stream: np.ndarray, weights: FoldedWeights, cfg: Any
) -> dict[str, np.ndarray]:
    """Compute one window: scores [layer × head, query, key], values [pos, head, d_head] of each layer."""
    most = scores.max(-1, keepdims=True)
    log_sum = most[..., 0] + np.log(np.exp(scores - most).sum(-1))
    heads, length, words = len(scores), len(stream), cfg.d_vocab
    named = heads * length * cfg.d_model * words <= _MOST
    places = min(PLACES, words)
    size = np.empty((heads, length), dtype=np.float32)
    ids = np.empty((heads, length, 2 * places), dtype=np.int32)
    amounts = np.empty(ids.shape, dtype=np.float32)
    for layer, value in enumerate(values):
        written = np.einsum("phd,hdm->hpm", value, weights.W_O[layer])  # [head, pos, d_model]
        first = layer * len(written)
        size[first : first + len(written)] = np.linalg.norm(written, axis=-1)
        for head, rows in enumerate(written if named else (), first):
            moved = rows @ weights.W_U  # [pos, d_vocab]
            ids[head] = _ends(moved, places)
            amounts[head] = np.take_along_axis(moved, ids[head], axis=-1)
    behind = {"log_sum": log_sum.astype(np.float32), "size": size, "scale": _scale(stream, cfg).astype(np.float32)}
    if not named:
        return behind
    # Half precision is three digits, and deflates to half the size.
    return {**behind, "ids": ids, "amounts": amounts.astype(np.float16).astype(np.float32)}


def _ends(rows: np.ndarray, places: int) -> np.ndarray:
    """Return the columns with the highest numbers of each row, and with the lowest: [row, 2 × places].

    Of equal numbers the first column counts as higher. Finding six ends takes a tenth of the time of sorting thousands.
    """
    found = []
    for side, taken in ((rows, -np.inf), (rows[:, ::-1], np.inf)):
        left, every = side.copy(), np.arange(len(rows))
        for _ in range(places):
            column = left.argmax(-1) if taken < 0 else left.argmin(-1)
            left[every, column] = taken
            found.append(column if taken < 0 else rows.shape[1] - 1 - column)
    return np.stack(found, axis=-1)


def numbered(behind: list[dict[str, np.ndarray]], pieces: Any) -> tuple[list[dict[str, np.ndarray]], list[str]]:
    """Return the same with ids that count the words that occur, and these words.

    Args:
        behind: What `behind_cells` returned.
        pieces: A function from tokens to the text of each.
    """
    used = sorted({int(one) for each in behind if "ids" in each for one in np.unique(each["ids"])})
    number = {token: i for i, token in enumerate(used)}
    places = np.vectorize(number.__getitem__, otypes=[np.int32])
    return [{**each, "ids": places(each["ids"])} if "ids" in each else each for each in behind], list(pieces(used))


def _scale(stream: np.ndarray, cfg: Any) -> np.ndarray:
    """Return what the final norm divides each position by, [pos]."""
    if cfg.normalization_type is None:
        return np.ones(len(stream))
    centred = stream - stream.mean(-1, keepdims=True) if cfg.normalization_type.startswith("LN") else stream
    return np.asarray(np.sqrt((centred**2).mean(-1) + getattr(cfg, "eps", 1e-5)))


def _is_softmax(scores: np.ndarray) -> bool:
    """Whether what comes after a token is hidden, as it is in scores and not in weights."""
    return scores.shape[-1] == 1 or bool((scores[..., 0, -1] < -1e4).all())


def _array(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()  # type: ignore[no-any-return]
