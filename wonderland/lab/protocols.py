"""What a model and a tokenizer must offer to be examined: exactly this much.

`HookedModel` is what the analyses touch of a model, and nothing they do not. A `ChatTransformer` offers it as it is; a
TransformerLens ``TransformerBridge`` through `wonderland.lab.external.adapt.as_hooked_model`, which also says what it
cannot do truthfully. `Tokenizer` is the same for a tokenizer: a `SpeakerTokenizer`, or another one through
`wonderland.lab.external.hf_tokenizer.HFTokenizer`.

Names, shapes and weight layouts are TransformerLens'; `ModelShape` is what is read of a model's ``cfg``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = ["Hook", "HookedModel", "ModelShape", "Tokenizer"]

Hook = tuple[str, Callable[..., Any]]
"""A hook name and a function (activation, hook) that returns what to go on with, or None to leave it as it is."""


class ModelShape(Protocol):
    """The sizes of a model, under TransformerLens' names."""

    @property
    def n_layers(self) -> int:
        """Layers."""

    @property
    def n_heads(self) -> int:
        """Attention heads in each."""

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""

    @property
    def d_head(self) -> int:
        """Width of a head's query, key and value."""

    @property
    def d_mlp(self) -> int:
        """Neurons of each MLP."""

    @property
    def n_ctx(self) -> int:
        """Most tokens of an input."""

    @property
    def d_vocab(self) -> int:
        """Tokens of the vocabulary."""

    @property
    def act_fn(self) -> str:
        """The activation function of the MLPs."""

    @property
    def normalization_type(self) -> str | None:
        """ "LN", "RMS" or None."""

    @property
    def attn_only(self) -> bool:
        """Whether there are no MLPs."""


class HookedModel(Protocol):
    """A model whose activations can be read and replaced, and whose weights can be looked at."""

    tokenizer_fingerprint: str
    accepts_kv_prefix: bool  # whether hooks on k and v may put those of earlier positions in front; False if missing
    ln_final: Any  # a function of the residual stream, with its weight ``w``
    unembed: Any  # a function of what the final norm gives

    @property
    def blocks(self) -> Any:
        """Layers: ``blocks[l].ln1.w``, ``.ln2.w``, ``.ln2(x)``, ``.mlp(x)``, ``.mlp.W_in`` and ``.mlp.W_out``."""

    @property
    def W_E(self) -> Tensor:  # noqa: N802 - the field's name
        """Token embedding [d_vocab, d_model]."""

    @property
    def W_pos(self) -> Tensor:  # noqa: N802 - the field's name
        """Positions [n_ctx, d_model]; zeros in a model with rotary embeddings."""

    @property
    def W_U(self) -> Tensor:  # noqa: N802 - the field's name
        """Unembedding [d_model, d_vocab]."""

    @property
    def W_Q(self) -> Tensor:  # noqa: N802 - the field's name
        """Queries [layer, head, d_model, d_head]."""

    @property
    def W_K(self) -> Tensor:  # noqa: N802 - the field's name
        """Keys, shaped alike, with shared heads written out."""

    @property
    def W_V(self) -> Tensor:  # noqa: N802 - the field's name
        """Values, the same."""

    @property
    def W_O(self) -> Tensor:  # noqa: N802 - the field's name
        """What heads write, [layer, head, d_head, d_model]."""

    @property
    def cfg(self) -> ModelShape:
        """Its sizes."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""

    @property
    def n_params(self) -> int:
        """Number of parameters."""

    @property
    def fingerprint(self) -> str:
        """A short hash of shape and weights."""

    def __call__(self, tokens: Tensor, *, start_at_layer: int = 0, stop_at_layer: int | None = None) -> Tensor:
        """Return logits [batch, pos, d_vocab], or the stream before a layer."""

    def run_with_cache(
        self, tokens: Tensor, *, names_filter: Any, stop_at_layer: int | None = None
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return logits, or the stream before a layer, and the activations named, by hook name."""

    def run_with_hooks(
        self, tokens: Tensor, *, fwd_hooks: list[Hook], start_at_layer: int = 0, stop_at_layer: int | None = None
    ) -> Tensor:
        """Return logits, or the stream before a layer, computed with hooks in place.

        With ``start_at_layer`` over 0, ``tokens`` is the residual stream before that layer.
        """

    def named_parameters(self) -> Iterable[tuple[str, Any]]:
        """Return the weights with their names."""

    def parameters(self) -> Iterable[Any]:
        """Return the weights."""

    def requires_grad_(self, on: bool) -> Any:
        """Switch gradients on or off, and return the model."""

    def eval(self) -> Any:
        """Switch off whatever is random, and return the model."""

    @property
    def hook_dict(self) -> Mapping[str, Any]:
        """The hooks there are, by full name; a model may have ``lacks(short) -> reason`` instead."""

    def untrained(self, seed: int) -> HookedModel:
        """Return the same architecture with weights as before training."""


class Tokenizer(Protocol):
    """A tokenizer whose tokens can be shown.

    Attributes:
        specials: Token numbers that stand for no text: separators, speakers, padding.
        start: The token that sequences begin with.
        tells_speakers: Whether tokens say who speaks, as those of a `SpeakerTokenizer` do.
    """

    specials: frozenset[int]
    start: int
    tells_speakers: bool

    @property
    def vocab_size(self) -> int:
        """Number of tokens."""

    @property
    def fingerprint(self) -> str:
        """A short hash of everything that decides how it encodes."""

    def encode(self, text: str) -> list[int]:
        """Encode a text as text: what looks like a special token is not one."""

    def encode_prompt(self, prompt: str) -> list[int]:
        """Encode a prompt in which special tokens mean what they say."""

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of tokens."""

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return the text of each token alone."""
