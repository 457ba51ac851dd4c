"""Sizes of a model: its configuration, in TransformerLens' words, and three presets with names.

``nano`` trains in minutes on a laptop's two cores; ``seed`` is the size of the field notes this project began with
(5.3M parameters, small enough to name every component); ``large`` asks whether a bigger network is cleaner inside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from numbers import Real
from typing import Any

from wonderland.errors import UsageError, must_be, must_be_whole
from wonderland.nearby import near_of

__all__ = ["PRESETS", "Config", "Preset", "preset"]


@dataclass(frozen=True)
class Config:
    """The shape of a `ChatTransformer`, with TransformerLens' names.

    Attributes:
        n_layers: Layers.
        n_heads: Attention heads in each.
        d_model: Width of the residual stream.
        d_head: Width of a head's query, key and value.
        d_mlp: Neurons in each MLP; unused if ``attn_only``.
        n_ctx: Most tokens of an input.
        d_vocab: Tokens of the vocabulary.
        act_fn: "gelu" (the exact one: on CPUs far cheaper than its tanh approximation), "gelu_new" (that one, GPT-2's)
            or "relu".
        normalization_type: "LN" before each block and at the end, or None for no normalisation at all.
        attn_only: Leave the MLPs out.
        eps: Added to the variance in LayerNorm.
    """

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    n_ctx: int
    d_vocab: int
    act_fn: str = "gelu"
    normalization_type: str | None = "LN"
    attn_only: bool = False
    eps: float = 1e-5

    def __post_init__(self) -> None:
        must_be(self.attn_only, bool, "attn_only is True or False", "For example: attn_only=True")
        for name in ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_ctx", "d_vocab"):
            must_be_whole(getattr(self, name), name, 0 if name == "d_mlp" and self.attn_only else 1)
            object.__setattr__(self, name, int(getattr(self, name)))
        must_be(self.eps, Real, "eps is a number", "For example: eps=1e-5")
        if not 0 <= self.eps < math.inf:
            raise UsageError(f"eps is 0 or more, not {self.eps}.", hint="For example: eps=1e-5")
        if self.normalization_type not in ("LN", None):
            raise UsageError(
                f"normalization_type is 'LN' or None, not {self.normalization_type!r}.",
                hint="normalization_type='LN' for layer norm, None for none.",
            )

    @property
    def n_params(self) -> int:
        """Number of parameters, embeddings included."""
        heads = self.n_heads * self.d_head
        attention = 4 * self.d_model * heads + 3 * heads + self.d_model
        mlp = 0 if self.attn_only else 2 * self.d_model * self.d_mlp + self.d_mlp + self.d_model
        norms = 0 if self.normalization_type is None else 2 * self.d_model
        block = attention + mlp + norms * (1 if self.attn_only else 2)
        return 2 * self.d_vocab * self.d_model + self.n_ctx * self.d_model + self.n_layers * block + norms

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Config:
        """Read back what `to_json` wrote, ignoring nothing."""
        known = {field.name for field in fields(cls)}
        unknown = set(value) - known
        if unknown:
            raise UsageError(
                f"The model's configuration has fields this version does not know: {', '.join(unknown)}.",
                hint="If a newer wonderland wrote it: pip install -U wonderland",
            )
        return cls(**value)


@dataclass(frozen=True)
class Preset:
    """A size with a name: a shape, the vocabulary to train a tokenizer for, and how to train it.

    Attributes:
        config: The shape, for a vocabulary of exactly ``vocab_size``.
        vocab_size: Tokens to train a tokenizer for.
        epochs: Passes over the training windows.
        batch_tokens: Tokens of one optimiser step.
        learning_rate: Peak learning rate of AdamW, for the unembedding and vectors.
        embedding_learning_rate: Peak learning rate of AdamW, for the embeddings: a row is touched only when its token
            occurs, so it can take far larger steps.
        muon_learning_rate: Peak learning rate of Muon, for the hidden matrices.
        adamw_learning_rate: Peak learning rate where AdamW moves everything.
    """

    config: Config
    vocab_size: int
    epochs: int
    batch_tokens: int
    learning_rate: float
    embedding_learning_rate: float
    muon_learning_rate: float
    adamw_learning_rate: float = 2e-3

    def sized(self, d_vocab: int) -> Config:
        """Return the shape for the vocabulary a tokenizer really has."""
        return replace(self.config, d_vocab=d_vocab)


PRESETS = {
    "nano": Preset(Config(4, 4, 128, 32, 512, 128, 2048), 2048, 3, 4096, 2e-2, 3e-1, 7e-3),
    "seed": Preset(Config(4, 4, 256, 64, 1024, 128, 4096), 4096, 20, 8192, 2e-2, 2e-1, 7e-3),
    "large": Preset(Config(8, 8, 512, 64, 2048, 128, 4096), 4096, 20, 32768, 1e-2, 1e-1, 7e-3),
}


def preset(name: str) -> Preset:
    """Return the preset of this name, or raise `UsageError` with the names there are."""
    if name not in PRESETS:
        listed = f"Presets: {', '.join(PRESETS)}."
        raise UsageError(f"There is no preset named {name!r}.", hint=near_of(name, PRESETS, listed))
    return PRESETS[name]
