"""The parts of the transformer, each with genuine hook points: what a hook returns is what the rest computes with.

Hook names and weight layouts are TransformerLens': ``blocks.0.attn.hook_pattern`` is [batch, head, query, key] and
``W_Q`` [head, d_model, d_head]. Attention is fused (``scaled_dot_product_attention``) unless somebody looks at the
scores or the pattern, which the fused kernel never forms; per-head results and per-head inputs are computed only when
hooked, because they are ``n_heads`` times as large.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformer_lens.hook_points import HookPoint

from wonderland.errors import UsageError
from wonderland.model.presets import Config

__all__ = ["ACTIVATIONS", "MLP", "Attention", "Block", "Embed", "LayerNorm", "PosEmbed", "Unembed", "is_hooked"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu": F.gelu,
    "relu": F.relu,
}


def is_hooked(*points: HookPoint) -> bool:
    """Whether any of these hook points has a hook, forward or backward."""
    return any(point._forward_hooks or point._backward_hooks for point in points)


class Embed(nn.Module):
    """Token embedding: W_E [d_vocab, d_model]."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.W_E = nn.Parameter(torch.empty(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens: Tensor) -> Tensor:
        """Look tokens [batch, pos] up."""
        return F.embedding(tokens, self.W_E)


class PosEmbed(nn.Module):
    """Learned positions: W_pos [n_ctx, d_model]."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.W_pos = nn.Parameter(torch.empty(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the embedding of each position [batch, pos, d_model]."""
        return self.W_pos[: tokens.shape[-1]].expand(*tokens.shape, -1)


class LayerNorm(nn.Module):
    """LayerNorm with hooks on its scale and its output, or the identity where the model has no normalisation."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.eps = cfg.eps
        self.identity = cfg.normalization_type is None
        if not self.identity:
            self.w = nn.Parameter(torch.empty(cfg.d_model))
            self.b = nn.Parameter(torch.empty(cfg.d_model))
            self.hook_scale = HookPoint()  # [batch, pos, 1]
        self.hook_normalized = HookPoint()  # [batch, pos, d_model]

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis."""
        if self.identity:
            return self.hook_normalized(x)  # type: ignore[no-any-return]
        if not is_hooked(self.hook_scale):
            return self.hook_normalized(F.layer_norm(x, x.shape[-1:], self.w, self.b, self.eps))  # type: ignore[no-any-return]
        centred = x - x.mean(-1, keepdim=True)
        scale = self.hook_scale((centred.pow(2).mean(-1, keepdim=True) + self.eps).sqrt())
        return self.hook_normalized(centred / scale * self.w + self.b)  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Causal multi-head self-attention."""

    mask: Tensor

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        heads, width, d_head = cfg.n_heads, cfg.d_model, cfg.d_head
        self.n_heads, self.d_head = heads, d_head
        self.W_Q = nn.Parameter(torch.empty(heads, width, d_head))
        self.W_K = nn.Parameter(torch.empty(heads, width, d_head))
        self.W_V = nn.Parameter(torch.empty(heads, width, d_head))
        self.W_O = nn.Parameter(torch.empty(heads, d_head, width))
        self.b_Q = nn.Parameter(torch.empty(heads, d_head))
        self.b_K = nn.Parameter(torch.empty(heads, d_head))
        self.b_V = nn.Parameter(torch.empty(heads, d_head))
        self.b_O = nn.Parameter(torch.empty(width))
        self.hook_q = HookPoint()  # [batch, pos, head, d_head]
        self.hook_k = HookPoint()  # the same; a hook on both may put those of earlier positions in front
        self.hook_v = HookPoint()
        self.hook_z = HookPoint()
        self.hook_attn_scores = HookPoint()  # [batch, head, query, key], masked with -inf, before the softmax
        self.hook_pattern = HookPoint()  # [batch, head, query, key], after it
        self.hook_result = HookPoint()  # [batch, pos, head, d_model], before summing over heads and adding b_O

    def forward(self, q_input: Tensor, k_input: Tensor, v_input: Tensor) -> Tensor:
        """Attend.

        Args:
            q_input: Normalised input of the queries, [batch, pos, d_model], or [batch, pos, head, d_model] if it
                differs between heads.
            k_input: The same for the keys.
            v_input: The same for the values.

        Returns:
            What attention adds to the residual stream, [batch, pos, d_model].
        """
        if q_input.ndim == 3 and q_input is k_input is v_input:
            q, k, v = self._qkv(q_input)
        else:
            q = _project(q_input, self.W_Q) + self.b_Q
            k = _project(k_input, self.W_K) + self.b_K
            v = _project(v_input, self.W_V) + self.b_V
        q, k, v = self.hook_q(q), self.hook_k(k), self.hook_v(v)
        if k.shape[1] > q.shape[1] or is_hooked(self.hook_attn_scores, self.hook_pattern):
            z = self._explicit(q, k, v)
        else:
            q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
            z = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
        z = self.hook_z(z)
        if is_hooked(self.hook_result):
            result = self.hook_result(torch.einsum("bphd,hdm->bphm", z, self.W_O))
            return result.sum(2) + self.b_O  # type: ignore[no-any-return]
        return F.linear(z.flatten(2), self.W_O.flatten(0, 1).T, self.b_O)

    def _qkv(self, x: Tensor) -> tuple[Tensor, ...]:
        weight = torch.cat([self.W_Q, self.W_K, self.W_V]).permute(0, 2, 1).flatten(0, 1)  # [3·head·d_head, d_model]
        bias = torch.cat([self.b_Q, self.b_K, self.b_V]).flatten()
        qkv: Tensor = F.linear(x, weight, bias).unflatten(-1, (3 * self.n_heads, self.d_head))
        return qkv.chunk(3, dim=2)

    def _explicit(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / self.d_head**0.5
        queries, keys = scores.shape[-2:]
        seen = torch.arange(keys, device=scores.device) - (keys - queries)
        future = seen > torch.arange(queries, device=scores.device)[:, None]
        scores = self.hook_attn_scores(scores.masked_fill(future, float("-inf")))
        pattern = self.hook_pattern(scores.softmax(-1))
        return torch.einsum("bhqk,bkhd->bqhd", pattern, v)


class MLP(nn.Module):
    """Two linear maps with an activation between them."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        if cfg.act_fn not in ACTIVATIONS:
            raise UsageError(
                f"There is no act_fn named {cfg.act_fn!r}.", hint=f"There are: {', '.join(map(repr, ACTIVATIONS))}."
            )
        self.act: Callable[[Tensor], Tensor] = ACTIVATIONS[cfg.act_fn]
        self.W_in = nn.Parameter(torch.empty(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.empty(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.empty(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.empty(cfg.d_model))
        self.hook_pre = HookPoint()  # [batch, pos, d_mlp]
        self.hook_post = HookPoint()  # [batch, pos, d_mlp]

    def forward(self, x: Tensor) -> Tensor:
        """Return what the MLP adds to the residual stream, [batch, pos, d_model]."""
        pre = self.hook_pre(F.linear(x, self.W_in.T, self.b_in))
        return F.linear(self.hook_post(self.act(pre)), self.W_out.T, self.b_out)


class Block(nn.Module):
    """One layer: attention, then an MLP, each reading the normalised residual stream and adding to it."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.n_heads = cfg.n_heads
        self.ln1 = LayerNorm(cfg)
        self.attn = Attention(cfg)
        self.attn_only = cfg.attn_only
        self.hook_resid_pre = HookPoint()  # [batch, pos, d_model]
        self.hook_q_input = HookPoint()  # [batch, pos, head, d_model], before the norm; copied out only if hooked
        self.hook_k_input = HookPoint()
        self.hook_v_input = HookPoint()
        self.hook_attn_out = HookPoint()  # [batch, pos, d_model]
        if not cfg.attn_only:
            self.hook_resid_mid = HookPoint()
            self.hook_mlp_in = HookPoint()  # before the norm
            self.ln2 = LayerNorm(cfg)
            self.mlp = MLP(cfg)
            self.hook_mlp_out = HookPoint()
        self.hook_resid_post = HookPoint()

    def forward(self, resid: Tensor) -> Tensor:
        """Pass the residual stream [batch, pos, d_model] through the layer."""
        resid_pre = self.hook_resid_pre(resid)
        attn_out = self.hook_attn_out(self.attn(*self._attn_inputs(resid_pre)))
        if self.attn_only:
            return self.hook_resid_post(resid_pre + attn_out)  # type: ignore[no-any-return]
        resid_mid = self.hook_resid_mid(resid_pre + attn_out)
        mlp_out = self.hook_mlp_out(self.mlp(self.ln2(self.hook_mlp_in(resid_mid))))
        return self.hook_resid_post(resid_mid + mlp_out)  # type: ignore[no-any-return]

    def _attn_inputs(self, resid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        points = (self.hook_q_input, self.hook_k_input, self.hook_v_input)
        if not is_hooked(*points):
            shared = self.ln1(resid)
            return shared, shared, shared
        by_head = resid.unsqueeze(2).expand(-1, -1, self.n_heads, -1)
        q, k, v = (self.ln1(point(by_head)) for point in points)
        return q, k, v


class Unembed(nn.Module):
    """W_U [d_model, d_vocab], untied from the embedding and without a bias."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.W_U = nn.Parameter(torch.empty(cfg.d_model, cfg.d_vocab))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [..., d_vocab]."""
        return x @ self.W_U


def _project(x: Tensor, weight: Tensor) -> Tensor:
    return torch.einsum("bphm,hmd->bphd" if x.ndim == 4 else "bpm,hmd->bphd", x, weight)
