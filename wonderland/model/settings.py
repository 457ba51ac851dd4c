"""Settings of a training run, readable without loading torch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from wonderland.advice import Hint, Options
from wonderland.errors import UsageError
from wonderland.model.presets import preset
from wonderland.nearby import near_of

__all__ = ["OPTIMISERS", "PRECISIONS", "TrainingSettings"]

OPTIMISERS = ("muon", "adamw")
PRECISIONS = ("auto", "bf16", "fp32")
_LARGEST = 2**31 - 1  # of windows, tokens, epochs and seeds: what every library below can count to
_MOST_CANARIES = 1000
_OF_THE_PRESET = ("epochs", "batch_tokens", "learning_rate", "embedding_learning_rate", "muon_learning_rate")
_POSITIVE = ("epochs", "batch_tokens", "learning_rate", "window_size", "stride")
_NOT_NEGATIVE = (
    "patience",
    "micro_tokens",
    "snapshots",
    "seed",
    "canaries",
    "embedding_learning_rate",
    "muon_learning_rate",
    "weight_decay",
)


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. Zero means what the preset says."""

    preset: Annotated[str, "size of the model: nano, seed or large"] = "seed"
    epochs: Annotated[int, "passes over the training windows; 0 for the preset's"] = 0
    batch_tokens: Annotated[int, "tokens of one optimiser step; 0 for the preset's"] = 0
    learning_rate: Annotated[
        float, "peak learning rate of AdamW, for the unembedding and vectors; 0 for the preset's"
    ] = 0.0
    embedding_learning_rate: Annotated[float, "peak learning rate of AdamW, for the embeddings; 0 for the preset's"] = (
        0.0
    )
    muon_learning_rate: Annotated[float, "peak learning rate of Muon; 0 for the preset's"] = 0.0
    weight_decay: Annotated[float, "decoupled weight decay"] = 0.1
    window_size: Annotated[int, "messages in a window"] = 8
    stride: Annotated[int, "messages from one training window to the next"] = 4
    seed: Annotated[int, "seed of the initial weights and of the order of the windows"] = 0
    optimiser: Annotated[str, "muon (for hidden matrices, beside AdamW) or adamw (for everything)"] = "muon"
    patience: Annotated[int, "stop after so many epochs without a lower held-out loss; 0 for never"] = 0
    precision: Annotated[str, "auto (bf16 on GPUs that have it), bf16 or fp32"] = "auto"
    micro_tokens: Annotated[int, "most tokens to work on at once; 0 for what the machine takes"] = 0
    snapshots: Annotated[int, "models to keep along the way, half of them early; 0 for none"] = 0
    canaries: Annotated[int, "codes to draw, about half of which are put into the training text for the audit"] = 0

    def resolved(self) -> TrainingSettings:
        """Return the settings with the preset's values in place of zeros.

        Raises:
            UsageError: A value is out of range, or a name is not one there is.
        """
        chosen = preset(self.preset)
        values = asdict(self)
        if self.optimiser == "adamw":
            values["learning_rate"] = self.learning_rate or chosen.adamw_learning_rate
        for name in _OF_THE_PRESET:
            values[name] = values[name] or getattr(chosen, name)
        for name, value in values.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(f"{name} is a finite number, not {value}.", hint=_usual(name))
            if name in _POSITIVE and value <= 0:
                zero = ", or 0 for the preset's value" if name in _OF_THE_PRESET else ""
                raise UsageError(f"{name} is positive{zero}, not {value}.", hint=_usual(name))
            if name in _NOT_NEGATIVE and value < 0:
                raise UsageError(f"{name} is 0 or more, not {value}.", hint=_usual(name))
            if isinstance(value, int) and value > _LARGEST:
                raise UsageError(f"{name} is at most {_LARGEST:,}, not {value:,}.", hint=_usual(name))
        if values["canaries"] > _MOST_CANARIES:
            raise UsageError(
                f"At most {_MOST_CANARIES:,} canaries can be drawn, not {values['canaries']:,}.",
                hint=Hint("For example: ", Options("train", canaries=_MOST_CANARIES)),
            )
        for name, known in (("optimiser", OPTIMISERS), ("precision", PRECISIONS)):
            if values[name] not in known:
                hint = near_of(values[name], known, f"There are: {', '.join(known)}.")
                raise UsageError(f"There is no {name} named {values[name]!r}.", hint=hint)
        return TrainingSettings(**values)

    def identity(self) -> dict[str, Any]:
        """Return what makes a trained model this one and no other.

        The size of a micro-batch is the machine's affair. Settings that came later are left out where they are as they
        were before they could be set, so that models trained then stay what they are.
        """
        values = asdict(self)
        del values["micro_tokens"]
        for name in ("optimiser", "patience", "precision", "snapshots", "canaries"):
            if values[name] == TrainingSettings.__dataclass_fields__[name].default:
                del values[name]
        return values


def _usual(name: str) -> str:
    """Say what to type instead of a number that cannot be."""
    default = getattr(TrainingSettings, name)
    kind = "the preset's value" if name in _OF_THE_PRESET else "the usual value"
    return Hint(f"For {kind}: ", Options("train", **{name: default}))
