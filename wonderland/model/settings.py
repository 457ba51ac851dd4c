"""How should a model be trained? The settings of a run, readable without loading torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from wonderland.errors import UsageError
from wonderland.model.presets import preset

__all__ = ["TrainingSettings"]


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

    def resolved(self) -> TrainingSettings:
        """Return the settings with the preset's values in place of zeros."""
        chosen = preset(self.preset)
        values = asdict(self)
        for name in ("epochs", "batch_tokens", "learning_rate", "embedding_learning_rate", "muon_learning_rate"):
            values[name] = values[name] or getattr(chosen, name)
        if min(values[name] for name in ("epochs", "batch_tokens", "learning_rate", "window_size", "stride")) <= 0:
            raise UsageError("epochs, batch_tokens, learning_rate, window_size and stride are positive.")
        return TrainingSettings(**values)
