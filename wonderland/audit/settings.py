"""How much of a model is examined by an audit?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

__all__ = ["AuditSettings"]


@dataclass(frozen=True)
class AuditSettings:
    """How much to examine."""

    training: Annotated[int, "training messages to examine; 0 for all"] = 5000
    held_out: Annotated[int, "held-out messages to examine; 0 for all"] = 2500
    in_window: Annotated[int, "of each, how many to examine again behind what stood before them"] = 1000
    untrained: Annotated[int, "of each, how many to put before an untrained model, too"] = 1000
    generations: Annotated[int, "messages to sample from the model"] = 1000
    candidates: Annotated[int, "fewest others that a secret is ranked among"] = 1000
    secrets: Annotated[int, "most distinct secrets to examine, those said most often"] = 50
    near: Annotated[int, "messages to continue for near-verbatim repetition"] = 200
    prompt: Annotated[int, "tokens of a message that are given"] = 4
    least: Annotated[int, "fewest tokens that must be left"] = 4
    country: Annotated[str, "country whose national phone numbers count, as two letters"] = ""
    seed: Annotated[int, "seed of every choice"] = 0
