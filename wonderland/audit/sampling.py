"""What does the model say, many messages at once? For counts, where `wonderland.model.generate` is for reading.

Messages of one length are rows of a batch, and a row leaves it when its message ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from wonderland.tokenizer import END, ME, PAD, SEP, THEM

__all__ = ["continue_rows", "say_many"]

_ROWS = 256


@torch.no_grad()
def say_many(model: Any, count: int, *, longest: int = 32, seed: int = 0) -> list[list[int]]:
    """Sample messages at temperature 1, without cut-offs, half of them as me; return the tokens of each.

    Args:
        model: The model.
        count: How many.
        longest: Most tokens of one.
        seed: Seed of the sampling.
    """
    generator = torch.Generator().manual_seed(seed)
    starts = [[ME if i % 2 else THEM] for i in range(count)]
    longest = min(longest, model.cfg.n_ctx - 1)
    return [
        row
        for at in range(0, count, _ROWS)
        for row in _go_on(model, starts[at : at + _ROWS], [longest] * len(starts[at : at + _ROWS]), generator)
    ]


@torch.no_grad()
def continue_rows(model: Any, prompts: Sequence[list[int]], lengths: Sequence[int]) -> list[list[int]]:
    """Continue prompts of one length by the likeliest token each time; return so many tokens of each at most."""
    return [
        row
        for at in range(0, len(prompts), _ROWS)
        for row in _go_on(model, prompts[at : at + _ROWS], lengths[at : at + _ROWS], None)
    ]


def _go_on(
    model: Any, prompts: Sequence[list[int]], lengths: Sequence[int], generator: torch.Generator | None
) -> list[list[int]]:
    rows = [list(prompt) for prompt in prompts]
    begin = len(rows[0]) if rows else 0
    going = [i for i, length in enumerate(lengths) if length > 0]
    while going:
        tokens = torch.tensor([rows[i] for i in going], device=model.device)
        logits = model(tokens)[:, -1].float().cpu()
        logits[:, PAD] = float("-inf")
        if generator is None:
            chosen = logits.argmax(-1)
        else:
            chosen = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
        still = []
        for i, token in zip(going, chosen.tolist(), strict=True):
            rows[i].append(token)
            full = len(rows[i]) - begin >= lengths[i] or len(rows[i]) >= model.cfg.n_ctx
            if token not in (SEP, END) and not full:
                still.append(i)
        going = still
    return [row[begin:] for row in rows]
