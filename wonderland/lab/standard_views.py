"""The views of every report: how training went, and what the model says by itself.

Both need nothing but the specimen, so that `Results.report` in a script shows what `wonderland report` shows. Sampling
takes a seed and some seconds. A model that is no `ChatTransformer` has neither a history nor speakers: it gets none,
and neither do several models at once.
"""

from __future__ import annotations

from typing import Any

from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.generate import generate
from wonderland.report.generations import generations
from wonderland.report.schema import View
from wonderland.report.training_curve import training_curve
from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["standard_views"]

TEMPERATURE, TOP_P, MESSAGES, TOKENS = 0.9, 0.95, 4, 90


def standard_views(specimen: Any, *, samples: int = 3, seed: int = 0) -> list[View]:
    """Return the training curve and the generations of a specimen, as far as it has them.

    Args:
        specimen: The trained model and its tokenizer.
        samples: Conversations sampled as me, and as many as them.
        seed: Seed of the first sample; the others count on from it.
    """
    model, tokenizer = getattr(specimen, "model", None), getattr(specimen, "tokenizer", None)
    if not isinstance(model, ChatTransformer):
        return []
    views = [] if model.history is None else [training_curve(model.history)]
    if isinstance(tokenizer, SpeakerTokenizer) and samples > 0:
        drawn = [
            (
                f"as {speaker}, sample {number + 1}",
                generate(
                    model,
                    tokenizer,
                    speaker=speaker,
                    messages=MESSAGES,
                    max_tokens=min(TOKENS, model.cfg.n_ctx - 1),
                    temperature=TEMPERATURE,
                    top_p=TOP_P,
                    seed=seed + number,
                ),
            )
            for speaker in ("me", "them")
            for number in range(samples)
        ]
        how = f"temperature {TEMPERATURE}, from the likeliest {TOP_P:.0%} of tokens, seed {seed}"
        views.append(generations(drawn, tokenizer.pieces, how))
    return views
