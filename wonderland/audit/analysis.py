"""The audit as an analysis: ``wl.analyze(specimen, "memorisation")``, for models that lie in no workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from wonderland.audit.result import Memorisation
from wonderland.audit.running import audit
from wonderland.audit.settings import AuditSettings
from wonderland.errors import Unsupported
from wonderland.lab.specimen import Specimen
from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["MemorisationAudit"]


@dataclass(frozen=True)
class MemorisationAudit:
    """What can be drawn out of the model of what it was trained on? The only analysis that reads training text."""

    name: ClassVar[str] = "memorisation"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("background",)
    groups: ClassVar[tuple[str, ...]] = ("audit",)
    on_request: ClassVar[bool] = True
    no_choices: ClassVar[str] = "Nothing is chosen: it names no part of the model, and secrets are ranked among others."
    training: Annotated[int, "training messages to examine; 0 for all"] = 5000
    held_out: Annotated[int, "held-out messages to examine; 0 for all"] = 2500
    generations: Annotated[int, "messages to sample from the model"] = 1000
    candidates: Annotated[int, "fewest others that a secret is ranked among"] = 1000
    country: Annotated[str, "country whose national phone numbers count, as two letters"] = ""
    seed: Annotated[int, "seed of every choice"] = 0

    def run(self, specimen: Specimen) -> Memorisation:
        """Run the audit; without training text only what the model says and its vocabulary are examined."""
        tokenizer = specimen.tokenizer
        if not isinstance(tokenizer, SpeakerTokenizer):
            raise Unsupported(
                f"An audit reads conversations, with a SpeakerTokenizer, not a {type(tokenizer).__name__}."
            )
        settings = AuditSettings(
            training=self.training,
            held_out=self.held_out,
            generations=self.generations,
            candidates=self.candidates,
            country=self.country,
            seed=self.seed,
        )
        train, held_out = specimen.conversations
        return audit(
            specimen.model,
            tokenizer,
            train,
            held_out,
            settings,
            on_progress=lambda what, done, total: specimen.progress(done, total),
        )
