"""A TransformerLens bridge under the names of our own model, as far as its hooks do what they say.

`BridgeModel` gives a ``TransformerBridge`` the surface of `HookedModel`: stacked weights with shared key and value
heads written out, norms of either kind, runs that start and stop at a layer. What the bridge cannot do truthfully is
refused with the reason: every activation is checked on this very model before it is first read or edited
(`wonderland.lab.external.hook_audit`), so a hook that reaches only a part of the model is an error and not a plausible
number.

Cost: that of the bridge, which runs attention unfused, plus a copy of the weights each time a stack of them is asked
for. Layers before the one a run begins at are passed by, and what comes after the last that is asked for is not
computed (`wonderland.lab.external.bridge_runs`). Of a bridge in half precision a copy in single precision is
audited, which stays. What would fool it: a bridge changed after it was audited.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from wonderland.errors import Unsupported, UsageError
from wonderland.lab.external.bridge_parts import BridgeBlock, BridgeMLP, BridgeNorm, BridgeShape
from wonderland.lab.external.bridge_runs import Beginnings, ending
from wonderland.lab.external.hook_audit import HookAudit
from wonderland.lab.names import hook_name
from wonderland.lab.protocols import Hook
from wonderland.model.hashing import hash_weights

__all__ = ["BridgeModel"]

_STANDARD = {"LN": "LN", "LNPRE": "LN", "RMS": "RMS", "RMSPRE": "RMS", "NONE": None}
_SHARED = ("k", "v")  # of models in which several heads have one key and value
_HELP = "Analyses that need it run on a ChatTransformer; see docs/how-to on other models for what a bridge can do."


class _Missing(Unsupported, AttributeError):
    """An attribute that a bridge does not offer; ``hasattr`` is False."""


def _stack(name: str, doc: str) -> property:
    def stacked(self: BridgeModel) -> Tensor:
        return self._stacked(name)

    return property(stacked, doc=doc)


class BridgeModel:
    """A ``TransformerBridge`` under the names of `HookedModel`.

    Args:
        bridge: A decoder-only bridge. Its gradients are switched off.

    Raises:
        Unsupported: Its layers are no attention and MLP over a common stream, or its last norm and unembedding alone
            do not give its logits.
    """

    tokenizer_fingerprint = ""
    accepts_kv_prefix = False
    history = None

    W_E = _stack("W_E", "Token embedding [d_vocab, d_model].")
    W_U = _stack("W_U", "Unembedding [d_model, d_vocab].")
    W_Q = _stack("W_Q", "Queries [layer, head, d_model, d_head].")
    W_K = _stack("W_K", "Keys, shared ones written out for each head.")
    W_V = _stack("W_V", "Values, shared ones written out for each head.")
    W_O = _stack("W_O", "What heads write [layer, head, d_head, d_model].")
    W_in = _stack("W_in", "What neurons read [layer, d_model, d_mlp].")
    W_out = _stack("W_out", "What neurons write [layer, d_mlp, d_model].")

    def __init__(self, bridge: Any) -> None:
        cfg = bridge.cfg
        kind = str(cfg.normalization_type).upper()
        if kind not in _STANDARD or any(not hasattr(block, "attn") for block in bridge.blocks):
            raise Unsupported(
                f"A {getattr(cfg, 'architecture', None) or 'bridge'} is no stack of attention and MLPs that the "
                "analyses can read.",
                hint="GPT-2, GPT-NeoX (Pythia), Llama, SmolLM2, Qwen and their like can be examined.",
            )
        self.bridge = bridge.requires_grad_(False).eval()
        self.cfg = BridgeShape(
            n_layers=cfg.n_layers,
            n_heads=cfg.n_heads,
            d_model=cfg.d_model,
            d_head=cfg.d_head,
            d_mlp=cfg.d_mlp or 0,
            n_ctx=cfg.n_ctx,
            d_vocab=cfg.d_vocab,
            act_fn=str(cfg.act_fn),
            normalization_type=_STANDARD[kind],
            attn_only=bool(cfg.attn_only),
            eps=float(cfg.eps),
            rotary=getattr(cfg, "positional_embedding_type", "") != "standard",
        )
        self._groups = cfg.n_heads // (getattr(cfg, "n_key_value_heads", None) or cfg.n_heads)
        self.ln_final = BridgeNorm(bridge.ln_final, cfg.d_model, self.device)
        self.unembed: Callable[[Tensor], Tensor] = bridge.unembed
        self._audit = self._audited()
        self._beginnings = Beginnings(bridge, vocabulary=cfg.d_vocab, device=self.device)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.bridge.parameters()).device  # type: ignore[no-any-return]

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return sum(weight.numel() for weight in self.bridge.parameters())

    @functools.cached_property
    def fingerprint(self) -> str:
        """A short hash of the shape and of the weights, bit by bit: in another precision they are others."""
        return hash_weights(vars(self.cfg), self.bridge.named_parameters())

    @property
    def W_pos(self) -> Tensor:  # noqa: N802 - the field's name
        """Positions [n_ctx, d_model]; zeros where queries and keys are turned instead."""
        try:
            return self._stacked("W_pos")
        except Unsupported:
            return torch.zeros(self.cfg.n_ctx, self.cfg.d_model, device=self.device)

    @functools.cached_property
    def blocks(self) -> list[Any]:
        """Norms and MLPs of each layer: ``ln1``, ``ln2`` and ``mlp``, the last two None where there is no MLP."""
        width, device = self.cfg.d_model, self.device
        made = []
        for block in self.bridge.blocks:
            mlp = None
            if not self.cfg.attn_only:  # each layer's own matrices, for a stack would be a copy of all of them
                mlp = BridgeMLP(block.mlp, *(self._weight(block.mlp, name) for name in ("W_in", "W_out")))
            ln2 = BridgeNorm(block.ln2, width, device) if hasattr(block, "ln2") and mlp is not None else None
            made.append(BridgeBlock(BridgeNorm(block.ln1, width, device), ln2, mlp))
        return made

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the bridge's parameters."""
        yield from self.bridge.named_parameters()

    def named_modules(self) -> Iterator[tuple[str, torch.nn.Module]]:
        """Yield every module by name."""
        yield from self.bridge.named_modules()

    def parameters(self) -> Iterator[Tensor]:
        """Yield the bridge's parameters."""
        yield from self.bridge.parameters()

    def requires_grad_(self, on: bool) -> BridgeModel:
        """Switch gradients of the weights; they stay off."""
        self.bridge.requires_grad_(on)
        return self

    def eval(self) -> BridgeModel:
        """Switch dropout off; it stays off."""
        self.bridge.eval()
        return self

    def _weight(self, part: Any, name: str) -> Tensor:
        try:
            weight: Tensor = getattr(part, name)
        except (AttributeError, NotImplementedError) as error:
            raise Unsupported(f"This bridge has no weights {name}: {error}", hint=_HELP) from error
        return weight.detach()

    def _stacked(self, name: str) -> Tensor:
        weight = self._weight(self.bridge, name)
        if name in ("W_K", "W_V") and self._groups > 1 and weight.shape[1] < self.cfg.n_heads:
            weight = weight.repeat_interleave(self._groups, dim=1)
        return weight

    def untrained(self, seed: int = 1) -> BridgeModel:
        """Return the same architecture with new weights: normal with deviation 0.02, norms 1, biases 0."""
        fresh = copy.deepcopy(self.bridge)
        generator = torch.Generator().manual_seed(seed)
        offset = any(getattr(part, "uses_weight_offset", False) for part in fresh.modules())
        with torch.no_grad():
            for name, weight in fresh.named_parameters():
                if weight.ndim > 1:
                    weight.copy_(torch.randn(weight.shape, generator=generator) * 0.02)
                else:
                    weight.fill_(0.0 if name.endswith("bias") or offset else 1.0)
        return BridgeModel(fresh)

    def __call__(self, tokens: Tensor, *, start_at_layer: int = 0, stop_at_layer: int | None = None) -> Tensor:
        """Return logits, or the stream before a layer."""
        return self.run_with_hooks(tokens, fwd_hooks=[], start_at_layer=start_at_layer, stop_at_layer=stop_at_layer)

    def run_with_cache(
        self, tokens: Tensor, *, names_filter: Any, stop_at_layer: int | None = None
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return logits, or the stream before a layer, and the activations named.

        Raises:
            Unsupported: One of them is not what it is called in this bridge.
        """
        if callable(names_filter):
            wanted = [name for name in self._native if names_filter(name)]
        else:
            wanted = [name for name in names_filter if name in self._native]
        cache: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[..., None]:
            def hook(value: Tensor, hook: Any = None) -> None:
                cache[name] = value

            return hook

        out = self.run_with_hooks(tokens, fwd_hooks=[(n, keep(n)) for n in wanted], stop_at_layer=stop_at_layer)
        if not callable(names_filter) and "hook_pos_embed" in names_filter:
            # Where queries and keys are turned, positions add nothing to the stream.
            cache.setdefault("hook_pos_embed", torch.zeros(*tokens.shape, self.cfg.d_model, device=self.device))
        return out, cache

    def run_with_hooks(
        self, tokens: Tensor, *, fwd_hooks: list[Hook], start_at_layer: int = 0, stop_at_layer: int | None = None
    ) -> Tensor:
        """Return logits, or the stream before a layer, computed with hooks in place.

        Raises:
            Unsupported: A hook reads or edits what this bridge cannot give or take truthfully.
            UsageError: The input is longer than the context.
        """
        if tokens.shape[1] > self.cfg.n_ctx:
            raise UsageError(
                f"The input has {tokens.shape[1]} tokens; the model's context is {self.cfg.n_ctx}.", hint="Shorten it."
            )
        hooks = [(name, self._guarded(name, function)) for name, function in fwd_hooks]
        options: dict[str, Any] = {"start_at_layer": start_at_layer} if start_at_layer or tokens.ndim == 3 else {}
        with self._beginnings.at(start_at_layer):
            if stop_at_layer is not None and stop_at_layer >= self.cfg.n_layers:
                return ending(self.bridge, hooks, tokens, **options)
            out: Tensor = self.bridge.run_with_hooks(tokens, fwd_hooks=hooks, stop_at_layer=stop_at_layer, **options)
        return out

    @functools.cached_property
    def _native(self) -> frozenset[str]:
        """The hooks of the bridge under TransformerLens' names."""
        _, cache = self.bridge.run_with_cache(torch.zeros(1, 2, dtype=torch.long, device=self.device))
        return frozenset(cache.keys())

    def lacks(self, short: str) -> str:
        """Return why an activation cannot be read, by its short name; nothing if it can."""
        if short != "pos_embed" and hook_name(short, 0) not in self._native:
            return f"This bridge has no activation {short!r}."
        why = self._audit.why_unreadable(short)
        return why and f"The activation {short!r} of this bridge is not what it is called: {why}."

    def _guarded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a hook that sees shared keys and values once a head, and refuses what the audit refused."""
        short = name.rsplit("hook_", 1)[-1]
        if name not in self._native:
            raise Unsupported(f"This bridge has no activation {short!r} ({name}).", hint=_HELP)
        if why := self.lacks(short):
            raise Unsupported(why, hint=_HELP)
        against = self._audit.why_unwritable(short)
        shared = self._groups if short in _SHARED else 1

        def guarded(value: Tensor, hook: Any = None) -> Tensor | None:
            heads = value.repeat_interleave(shared, dim=2) if shared > 1 else value
            given: Tensor | None = function(heads.clone() if against else heads, hook=hook)
            if given is None:
                return None
            if against:
                raise Unsupported(f"The activation {short!r} of this bridge cannot be edited: {against}.", hint=_HELP)
            if shared == 1:
                return given
            each = given.unflatten(2, (-1, shared))
            if not torch.equal(each, each[:, :, :, :1].expand_as(each)):
                raise Unsupported(
                    f"{shared} heads of this model share one {short!r}, so one of them cannot be edited alone.",
                    hint=_HELP,
                )
            alone: Tensor = each[:, :, :, 0]
            return alone

        return guarded

    @torch.no_grad()
    def _audited(self) -> HookAudit:
        """Return the audit of the hooks, after showing that the final stream decides the logits."""

        # Rounding in half precision would hide what the audit looks for.
        half = any(weight.dtype.itemsize < 4 for weight in self.bridge.parameters())
        bridge = copy.deepcopy(self.bridge).float() if half else self.bridge
        last = f"blocks.{self.cfg.n_layers - 1}.hook_resid_post"

        def run(tokens: Tensor, functions: Mapping[str, Callable[[Tensor], Tensor | None]]) -> Tensor:
            hooks = [(name, lambda value, hook=None, f=f: f(value)) for name, f in functions.items()]
            logits: Tensor = bridge.run_with_hooks(tokens, fwd_hooks=hooks)
            return logits

        tokens = torch.arange(8, device=self.device)[None] % self.cfg.d_vocab
        stream: list[Tensor] = []
        logits = run(tokens, {last: stream.append})
        ends = bridge.unembed(bridge.ln_final(stream[-1]))
        if ends.shape != logits.shape or not torch.allclose(ends, logits, rtol=1e-4, atol=1e-4 * float(logits.std())):
            raise Unsupported(
                "This bridge's logits are not its last norm and unembedding of the stream (a cap or a scale comes "
                "after), which the analyses rely on.",
                hint=_HELP,
            )
        return HookAudit(
            run,
            hook_name,
            self._native.__contains__,
            layers=self.cfg.n_layers,
            vocabulary=self.cfg.d_vocab,
            device=self.device,
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise _Missing(f"A TransformerLens bridge offers no {name!r} to analyses.", hint=_HELP)

    def __repr__(self) -> str:
        c = self.cfg
        size = f"{self.n_params / 1e6:.1f}M parameters"
        return f"BridgeModel({c.n_layers} layers × {c.n_heads} heads × {c.d_model}, {size})"
