"""Transformer: a GPT-2 style transformer one can look inside of without changing what it computes.

It is a TransformerLens ``HookedRootModule`` of our own, because TransformerLens 4's native bridge lacks genuine
attention scores, a writable ``hook_resid_mid``, per-head results and split query, key and value inputs
(docs/decisions/0002-own-hooked-model.md). Learned positions, pre-LayerNorm, untied unembedding.

Weights are saved as safetensors with a JSON header: no pickle, so that a model from somebody else can be opened.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NoReturn, Self, cast, overload

import torch
from torch import Tensor, nn
from transformer_lens.hook_points import HookPoint
from transformer_lens.HookedRootModule import HookedRootModule

from wonderland.advice import Command, Hint
from wonderland.errors import InputError, UsageError
from wonderland.model import tensor_file
from wonderland.model.hashing import hash_weights
from wonderland.model.history import History
from wonderland.model.layers import Block, Embed, LayerNorm, PosEmbed, Unembed
from wonderland.model.loss import token_losses
from wonderland.model.presets import Config, preset
from wonderland.paths import expanded, inside
from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["Transformer"]

FORMAT = 1


class _Stacked:
    """A weight of all layers, [layer, ...]."""

    def __init__(self, part: str, name: str) -> None:
        self._part, self._name = part, name
        self.__doc__ = f"{name} of all layers, [layer, ...]."

    @overload
    def __get__(self, model: None, owner: type) -> Self: ...

    @overload
    def __get__(self, model: Transformer, owner: type) -> Tensor: ...

    def __get__(self, model: Transformer | None, owner: type) -> Self | Tensor:
        """Return the weights of a model, stacked; of the class, the descriptor itself."""
        if model is None:
            return self
        return torch.stack([getattr(getattr(block, self._part), self._name) for block in model.blocks])

    def __set__(self, model: Transformer, value: object) -> NoReturn:
        """Refuse: what is given is a copy."""
        raise AttributeError(f"{self._name} is stacked anew each time; change the layers' own weights.")


class Transformer(HookedRootModule):  # type: ignore[misc]
    """A transformer over tokens: its weights, its forward pass, and how it is saved and loaded.

    Args:
        cfg: Its shape.
        seed: Seed of the initial weights.
        tokenizer: Fingerprint of the tokenizer it belongs to, if any.
    """

    accepts_kv_prefix = True
    """Whether hooks on k and v may put keys and values of earlier positions in front (`wonderland.lab.kv_reuse`)."""

    W_Q, b_Q = _Stacked("attn", "W_Q"), _Stacked("attn", "b_Q")
    W_K, b_K = _Stacked("attn", "W_K"), _Stacked("attn", "b_K")
    W_V, b_V = _Stacked("attn", "W_V"), _Stacked("attn", "b_V")
    W_O, b_O = _Stacked("attn", "W_O"), _Stacked("attn", "b_O")
    W_in, b_in = _Stacked("mlp", "W_in"), _Stacked("mlp", "b_in")
    W_out, b_out = _Stacked("mlp", "W_out"), _Stacked("mlp", "b_out")

    def __init__(self, cfg: Config, *, seed: int = 0, tokenizer: str = "") -> None:
        super().__init__()
        self.cfg: Config = cfg
        self.tokenizer_fingerprint = tokenizer
        self.history: History | None = None
        self.embed = Embed(cfg)
        self.hook_embed = HookPoint()  # [batch, pos, d_model]
        self.pos_embed = PosEmbed(cfg)
        self.hook_pos_embed = HookPoint()  # [batch, pos, d_model]
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final = LayerNorm(cfg)
        self.unembed = Unembed(cfg)
        self.setup()
        self.init_weights(seed)

    @property
    def W_E(self) -> Tensor:  # noqa: N802 - the field's name
        """Token embedding [d_vocab, d_model]."""
        return self.embed.W_E

    @property
    def W_pos(self) -> Tensor:  # noqa: N802 - the field's name
        """Positions [n_ctx, d_model]."""
        return self.pos_embed.W_pos

    @property
    def W_U(self) -> Tensor:  # noqa: N802 - the field's name
        """Unembedding [d_model, d_vocab]."""
        return self.unembed.W_U

    @classmethod
    def from_preset(cls, name: str, tokenizer: SpeakerTokenizer, *, seed: int = 0) -> Self:
        """Return an untrained model of a preset's shape for a tokenizer's vocabulary."""
        cfg = preset(name).sized(tokenizer.vocab_size)
        return cls(cfg, seed=seed, tokenizer=tokenizer.fingerprint)

    @torch.no_grad()
    def init_weights(self, seed: int) -> None:
        """Draw initial weights: normal, 0.02; sinusoidal positions; what writes to the residual stream zero.

        Zero output projections start each layer as the identity, so that early training fits the embeddings first.
        """
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            leaf = name.rsplit(".", 1)[-1]
            if leaf in ("w",):
                weight.fill_(1)
            elif leaf.startswith("b") or leaf in ("W_O", "W_out"):
                weight.zero_()
            elif leaf == "W_pos":
                weight.copy_(_sinusoids(*weight.shape))
            else:
                deviation = 0.02 if leaf in ("W_E", "W_U") else weight.shape[-2] ** -0.5
                weight.copy_(torch.randn(weight.shape, generator=generator) * deviation)

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return sum(weight.numel() for weight in self.parameters())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embed.W_E.device

    def residual(self, tokens: Tensor) -> Tensor:
        """Return the residual stream before the first layer, [batch, pos, d_model]."""
        if tokens.shape[-1] > self.cfg.n_ctx:
            raise UsageError(
                f"The input has {tokens.shape[-1]} tokens; the model's context is {self.cfg.n_ctx}.",
                hint=f"Give its last tokens only: tokens[..., -{self.cfg.n_ctx}:]",
            )
        embedded: Tensor = self.hook_embed(self.embed(tokens))
        position: Tensor = self.hook_pos_embed(self.pos_embed(tokens))
        return embedded + position

    def forward(
        self,
        tokens: Tensor,
        return_type: str | None = "logits",
        *,
        start_at_layer: int = 0,
        stop_at_layer: int | None = None,
    ) -> Any:
        """Run the model.

        Args:
            tokens: Token ids [batch, pos]; a residual stream [batch, pos, d_model] if ``start_at_layer`` is over 0.
            return_type: "logits" [batch, pos, d_vocab], "loss" (mean nats a token), "both", or None. Losses need
                ``tokens`` to be ids.
            start_at_layer: First layer to run.
            stop_at_layer: Layer to stop before; the residual stream is then returned.
        """
        resid = self.residual(tokens) if start_at_layer == 0 and tokens.ndim == 2 else tokens
        for block in self.blocks[start_at_layer:stop_at_layer]:
            resid = block(resid)
        if stop_at_layer is not None:
            return resid
        logits = self.unembed(self.ln_final(resid))
        if return_type == "logits":
            return logits
        if return_type is None:
            return None
        loss = token_losses(logits, tokens).mean()
        return loss if return_type == "loss" else (logits, loss)

    def untrained(self, seed: int = 1) -> Self:
        """Return the same architecture before training, in the same precision."""
        fresh = type(self)(self.cfg, seed=seed, tokenizer=self.tokenizer_fingerprint)
        return cast(Self, fresh.to(self.device, self.embed.W_E.dtype).requires_grad_(False).eval())

    @property
    def not_finite(self) -> str:
        """Name of the first weight that holds an infinity or NaN; nothing if all are numbers."""
        return next((name for name, weight in self.named_parameters() if not torch.isfinite(weight).all()), "")

    @property
    def fingerprint(self) -> str:
        """A short hash of the shape and of the weights, bit by bit: in another precision they are others."""
        return hash_weights(self.cfg.to_json(), self.state_dict().items())

    def save(self, path: str | Path) -> None:
        """Write weights, shape, history and the tokenizer's fingerprint as one safetensors file, atomically.

        What the model said after each epoch stays out: a file of weights holds no text.

        Raises:
            ResourceError: It could not be written; what was there before is untouched.
        """
        about = {
            "format": FORMAT,
            "config": self.cfg.to_json(),
            "tokenizer": self.tokenizer_fingerprint,
            "history": None if self.history is None else self.history.to_json(samples=False),
        }
        tensor_file.write(Path(path), about, self.state_dict(), what="model")

    @classmethod
    def load(cls, path: str | Path, tokenizer: SpeakerTokenizer | None = None) -> Self:
        """Read what `save` wrote.

        Args:
            path: The file, or the folder of a workspace that holds it as ``model.safetensors``.
            tokenizer: The tokenizer it will be used with; refused if the model was trained with another.

        Raises:
            InputError: The file is damaged or of a newer version, holds weights that are not finite, or the tokenizer
                is another one.
        """
        path = inside(expanded(path), "model.safetensors")
        if not path.is_file():
            raise InputError(f"There is no model at {path}.", hint=Hint("Run `", Command("train"), "`."))
        again = Hint("Run `", Command("train"), "` again.")
        about, weights = tensor_file.read(path, what="model", hint=again)
        try:
            if about["format"] > FORMAT:
                raise InputError(
                    f"{path} was written by a newer wonderland.", hint="Upgrade: pip install -U wonderland"
                )
            cfg, fingerprint = Config.from_json(about["config"]), str(about["tokenizer"])
            history = History.from_json(about["history"]) if about["history"] else None
        except (AttributeError, KeyError, TypeError, ValueError, UsageError) as error:
            raise tensor_file.damaged(path, error, what="model", hint=again) from error
        if tokenizer is not None and fingerprint not in ("", tokenizer.fingerprint):
            raise InputError(
                f"The model at {path} was trained with the tokenizer {fingerprint}, not with this one "
                f"({tokenizer.fingerprint}): its token numbers would mean other words.",
                hint=Hint("Put the tokenizer it was trained with back, or run `", Command("train"), "` again."),
            )
        model = cls(cfg, tokenizer=fingerprint)
        precisions = {weight.dtype for weight in weights.values()}
        if len(precisions) == 1 and (own := precisions.pop()).is_floating_point:
            model.to(own)  # else it would be another model than the one that was saved
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise InputError(f"The weights in {path} do not fit its configuration.", hint=again) from error
        model.history = history
        model.requires_grad_(False).eval()
        if broken := model.not_finite:
            raise InputError(f"The model at {path} has weights that are not finite: {broken}.", hint=again)
        return model

    def __repr__(self) -> str:
        c = self.cfg
        size = f"{self.n_params / 1e6:.1f}M parameters"
        return f"{type(self).__name__}({c.n_layers} layers × {c.n_heads} heads × {c.d_model}, {size})"


def _sinusoids(positions: int, width: int) -> Tensor:
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(positions)[:, None] * frequencies
    waves = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]
    return waves * 0.02 * 2**0.5
