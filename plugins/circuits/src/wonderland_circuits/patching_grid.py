"""One pair, token by token: what happens to the answer if one place of the clean run is put into the corrupted run?

The pooled grids name positions by what they are, because prompts differ in length. Here a few single pairs are shown
as they stand: recovery by layer and position for the residual stream, for what attention and for what the MLP adds,
and by head and position, all on one scale; behind each cell its logit difference and the five likeliest next tokens
before and after. The pairs are those of the largest gap among the ones to explore with.

What would fool it: one pair is an anecdote, and these were picked for their gap. The pooled grids carry the claims.

Cost: (3 layers + heads) × positions short forward passes for each pair shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.interventions import Activations, Intervention, Site, answer_logits, intervene
from wonderland.views import (
    Block,
    CellDetail,
    CellRow,
    CellTokens,
    Matrix,
    Panel,
    Panels,
    Quoted,
    Series,
    Text,
    Token,
    Wording,
    say,
    spoken,
)  # fmt: skip
from wonderland_circuits.contrast_selection import ContrastSelection

_LIKELIEST = 5
_NAMES = {"resid_pre": "residual stream", "attn_out": "attention", "mlp_out": "MLP", "z": "head"}


def grids(specimen: wl.Specimen, asked: ContrastSelection, modes: Sequence[str], shown: int) -> list[dict[str, Any]]:
    """Return the grids of the pairs with the largest gaps, as JSON values and arrays.

    Args:
        specimen: The model and its tokenizer.
        asked: The pairs.
        modes: What to patch by layer: "resid_pre", "attn_out", "mlp_out".
        shown: How many pairs.

    Returns:
        For each pair ``clean`` and ``corrupted`` (its pieces), ``differs`` (positions), ``target``, ``foil``, the
        logit differences ``delta`` [clean, corrupted], ``patched`` by mode [row, pos] (rows are layers, of "z" heads),
        ``likely`` (token ids before, [run, place]) with ``likely_share``, and by mode the same after patching,
        ``after`` and ``after_share`` [row, pos, place].
    """
    batch = asked.batch.rows(asked.explore)
    if not len(batch):
        return []
    runs = [_logits(specimen, batch, tokens) for tokens in (batch.clean, batch.corrupted)]
    rows = torch.arange(len(batch))
    gap = [logits[rows, batch.target] - logits[rows, batch.foil] for logits in runs]
    chosen = torch.argsort(gap[1] - gap[0], stable=True)[:shown].tolist()
    return [_grid(specimen, batch.rows([pair]), modes) for pair in chosen]


def _logits(specimen: wl.Specimen, batch: Any, tokens: np.ndarray) -> torch.Tensor:
    metric = answer_logits(specimen.model, batch.answer)
    return metric(Activations.of(specimen.model, tokens, ()).final).cpu().double()


def _grid(specimen: wl.Specimen, batch: Any, modes: Sequence[str]) -> dict[str, Any]:
    model, pieces = specimen.model, specimen.tokenizer.pieces
    layers, heads, length = model.cfg.n_layers, model.cfg.n_heads, batch.clean.shape[1]
    places = {mode: [(layer, None) for layer in range(layers)] for mode in modes}
    places["z"] = list(np.ndindex(layers, heads))
    cells: list[Intervention] = [
        [Site(mode, layer, head, positions=position)]
        for mode, rows in places.items()
        for layer, head in rows
        for position in range(length)
    ]
    clean, corrupted = (Activations.of(model, tokens, list(places)) for tokens in (batch.clean, batch.corrupted))
    metric = answer_logits(model, batch.answer)
    before, after = intervene(
        model, corrupted, clean.values, cells, metric, last_position=torch.from_numpy(batch.answer)
    )
    target, foil = int(batch.target[0]), int(batch.foil[0])
    both = torch.stack([metric(clean.final)[0], before[0]]).cpu()

    def difference(logits: torch.Tensor) -> np.ndarray:
        return np.asarray((logits[..., target] - logits[..., foil]).double().cpu().numpy())

    found: dict[str, Any] = {
        "clean": pieces(batch.clean[0]),
        "corrupted": pieces(batch.corrupted[0]),
        "differs": np.flatnonzero(batch.differs[0]).tolist(),
        "target": pieces([target])[0],
        "foil": pieces([foil])[0],
        "delta": difference(both),
        "patched": {},
        "after": {},
        "after_share": {},
    }
    found["likely"], found["likely_share"] = _likeliest(both)
    start = 0
    for mode, rows in places.items():
        part = after[start : start + len(rows) * length, 0].reshape(len(rows), length, -1)
        found["patched"][mode] = difference(part)
        found["after"][mode], found["after_share"][mode] = _likeliest(part)
        start += len(rows) * length
    return found


def _likeliest(logits: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    best = logits.float().softmax(-1).topk(min(_LIKELIEST, logits.shape[-1]))
    return best.indices.cpu().numpy().astype(np.int32), best.values.cpu().numpy().astype(np.float32)


def view(shown: Sequence[dict[str, Any]], words: Sequence[str], refused: Sequence[str], n_heads: int) -> wl.View:
    """Return the grids as a view.

    Args:
        shown: What `grids` returned.
        words: Piece of each token id that occurs in them, by its place in `tokens_in`.
        refused: Why pairs were refused, each a line.
        n_heads: Heads of a layer.
    """
    number = {token: i for i, token in enumerate(tokens_in(shown))}
    renumber = np.vectorize(number.__getitem__, otypes=[np.int32])
    panels = [Panel(_title(pair), _matrix(pair, words, renumber, n_heads)) for pair in shown]
    return wl.View(
        "patching-grid",
        "Activation patching by position",
        Panels(panels, "pair"),
        subtitle="One pair of prompts, token by token",
        caption=f"Recovery of the logit difference when one place of the clean run is put into the corrupted run: 0 is "
        f"the corrupted answer, 1 the clean one, below 0 further off; the {len(shown)} pairs of the largest gap, n=1 "
        "each.",
        how_to_read="Above the cells stands the clean prompt, below them the corrupted one; where they differ the "
        "tokens stand out. A strong cell says: this place, at this layer, carries the difference. Follow it from the "
        "changed token to the last one. Click a cell for its logits and the next tokens before and after.",
        misleads="Single pairs, picked for their gap, are anecdotes: claims go by the pooled grids. A cell of nearly "
        "0 may still be used, where another place backs it up.",
        order=43,
        warning="" if not refused else "The linter refused pairs: " + "; ".join(refused) + ".",
    )


def tokens_in(shown: Sequence[dict[str, Any]]) -> list[int]:
    """Return the ids of all likely tokens in some grids, each once."""
    arrays = [array for pair in shown for array in (pair["likely"], *pair["after"].values())]
    return np.unique(np.concatenate([np.ravel(array) for array in arrays])).tolist() if arrays else []


def _title(pair: dict[str, Any]) -> Text:
    """Return "yes or no" of the target and the foil, as quoted words."""
    return say("{target} or {foil}", **_answers(pair))


def _answers(pair: dict[str, Any]) -> dict[str, Quoted]:
    return {name: Quoted(pair[name].strip(), "token") for name in ("target", "foil")}


def _matrix(pair: dict[str, Any], words: Sequence[str], renumber: Any, n_heads: int) -> Matrix:
    before, clean = (
        [Token(words[token], float(p)) for token, p in zip(renumber(ids), shares, strict=True)]
        for ids, shares in zip(pair["likely"][::-1], pair["likely_share"][::-1], strict=True)
    )
    return Matrix(
        [],
        spoken(pair["clean"]),
        [_series(mode, pair, words, renumber, n_heads) for mode in pair["patched"]],
        shared=True,
        below=spoken(pair["corrupted"]),
        marked=pair["differs"],
        context=[
            Block("Before, the corrupted run says", tokens=before),
            Block("The clean run says", tokens=clean),
        ],
    )


def _series(mode: str, pair: dict[str, Any], words: Sequence[str], renumber: Any, n_heads: int) -> Series:
    clean, corrupted = (float(delta) for delta in pair["delta"])
    grid = pair["patched"][mode]
    runs = {
        "clean run": np.full(grid.shape, clean, dtype=np.float32),
        "corrupted run": np.full(grid.shape, corrupted, dtype=np.float32),
        "patched run": grid.astype(np.float32),
    }
    after = CellTokens("After patching it says", list(words), renumber(pair["after"][mode]), pair["after_share"][mode])
    rows = [str(Head(*divmod(i, n_heads))) if mode == "z" else f"L{i}" for i in range(len(grid))]
    return Series(
        Wording(_NAMES[mode] if mode != "z" else "head × position"),
        ((grid - corrupted) / (clean - corrupted)).astype(np.float32),
        "recovery",
        scale="diverging",
        domain=[-1, 1],
        rows=rows,
        detail=CellDetail(
            say("Logit difference, {target} − {foil}", **_answers(pair)),
            [CellRow(name, values) for name, values in runs.items()],
            after,
        ),
    )
