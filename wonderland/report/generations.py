"""Samples of what the model says by itself, as me and as them, and how sure it was of each word.

Each token is shaded by how surprising it was to the model that said it, before temperature and cut-offs, so that a
reader sees where one draw could easily have been another.

What would fool it: reading one sample as the model's voice, or as anything that was ever said. A model can also repeat
a training message word for word; these samples do not search for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from wonderland.report.schema import Conversations, Measure, Shaded, View, Wording

if TYPE_CHECKING:
    from wonderland.model.generate import Sampled

__all__ = ["generations"]

_ME, _THEM = "<|me|>", "<|them|>"


def generations(
    samples: Sequence[tuple[str, Sampled]], pieces: Callable[[Sequence[int]], Sequence[str]], how: str = ""
) -> View:
    """Return the view of samples.

    Args:
        samples: Title and sample, in the order shown.
        pieces: The text of each token alone, as `SpeakerTokenizer.pieces` gives it.
        how: How they were drawn, for the caption: temperature, cut-offs, seed.
    """
    told = [probability for _, sample in samples for probability in sample.probabilities]
    mean = f" The mean surprise is {-np.mean(np.log(told)):.2f} nats." if told else ""
    return View(
        "generations",
        "Generations",
        Conversations(
            measures=[Measure("surprise", "nats", domain=[0, 10]), Measure("probability", "1", domain=[0, 1])],
            conversations=[_conversation(title, sample, pieces) for title, sample in samples],
            of="sample",
        ),
        subtitle="What does the model write by itself, as me and as them?",
        caption=f"{len(samples)} samples of n={len(told):,} tokens{f', {how}' if how else ''}; surprise is −ln of the "
        f"probability the model gave the token it then said, before temperature and cut-offs.{mean}",
        how_to_read="Words with little surprise were nearly certain, those with much a throw of the dice: there the "
        "sample could have gone on quite otherwise. Turn the pages for samples as me and as them.",
        misleads="A sample is one draw of the model, not an opinion, and may repeat what it read word for word. No "
        "interval: nothing is estimated here.",
        order=150,
    )


def _conversation(title: str, sample: Sampled, pieces: Callable[[Sequence[int]], Sequence[str]]) -> Shaded:
    tokens = list(pieces([*sample.prompt, *sample.tokens]))
    speakers: list[Literal["me", "them"]] = []
    messages: list[int] = []
    for token in tokens:
        begins = token in (_ME, _THEM)
        speakers.append("me" if token == _ME else "them" if token == _THEM else speakers[-1] if speakers else "me")
        messages.append((messages[-1] if messages else -1) + begins if messages or begins else 0)
    probabilities = np.r_[np.full(len(sample.prompt), np.nan), np.asarray(sample.probabilities, dtype=float)]
    with np.errstate(divide="ignore"):
        surprise = -np.log(probabilities)
    return Shaded(
        title=Wording(title if sample.finished else f"{title}, cut short"),
        tokens=tokens,
        speakers=speakers,
        messages=np.array(messages),
        values=np.stack([np.maximum(surprise, 0), probabilities]),
    )
