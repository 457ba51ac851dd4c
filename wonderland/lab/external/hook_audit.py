"""Audits of hooks: whether each does what its name says, shown on the very model by edits with a known outcome.

An edit is put into a run of some tokens B, with values from a run of other tokens A, so that the outcome is known
beforehand: all of A's residual stream at one point must end in A's logits; A's ``z`` must become A's ``attn_out``; A's
queries and keys must become A's pattern; A's pattern and values A's ``z``; and what attention and MLP wrote must add
up to the stream. An edit that is dropped, arrives late or reaches only a part fails, and then the hook is refused for
writing, with what happened. Reading is held to the same identities within one run.

Needed because TransformerLens 4.3's native bridge passes an edit at ``resid_mid`` to the MLP alone and drops edits of
``attn_scores``, which there hold the pattern after the softmax; its bridges of other architectures differ in this.

Cost: three or four forward passes of eight tokens for an activation, once. What would fool it: a hook that behaves for
some inputs only. First and last layers are tried, not all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["HookAudit"]

_LENGTH = 8
_NEAR = 1e-3  # of the largest value: rounding of the model's own precision, and nothing a real fault would leave
_ALONG = {  # what is put in together, so that the outcome is known: attention and MLP write the stream between them
    "attn_out": ("attn_out", "mlp_out"),
    "mlp_out": ("attn_out", "mlp_out"),
    "q": ("q", "k"),
    "k": ("q", "k"),
    "v": ("pattern", "v"),
    "pattern": ("pattern", "v"),
}
_BECOMES = {
    "z": "attn_out",
    "q": "pattern",
    "k": "pattern",
    "attn_scores": "pattern",
    "v": "z",
    "pattern": "z",
    "pre": "post",
    "post": "mlp_out",
}
_NONE = "the model has none"
_WHY = {
    "resid_mid": "an edit there reaches only the MLP, not the rest of the stream",
    "attn_scores": "an edit there changes no pattern",
    "pre": "it is only one of two factors of a gated MLP",
}

Run = Callable[[Tensor, Mapping[str, Callable[[Tensor], Tensor | None]]], Tensor]
"""Runs tokens with functions at hooks, by full name; returns logits."""


class HookAudit:
    """What was shown about a model's hooks, each when it is first asked for.

    Args:
        run: Runs the model.
        name: Returns the full name of an activation in a layer.
        has: Whether the model has a hook of a full name.
        layers: Number of layers.
        vocabulary: Number of tokens.
        device: Where the tokens are to be.
    """

    def __init__(
        self,
        run: Run,
        name: Callable[[str, int], str],
        has: Callable[[str], bool],
        *,
        layers: int,
        vocabulary: int,
        device: torch.device,
    ) -> None:
        self._run, self._name, self._has = run, name, has
        self._layers = sorted({0, layers - 1})
        generator = torch.Generator().manual_seed(0)
        drawn = torch.randint(0, vocabulary, (2, 2, _LENGTH), generator=generator)
        self._tokens = drawn.to(device)

    @functools.cached_property
    def _seen(self) -> tuple[tuple[Tensor, dict[str, Tensor]], ...]:
        """Logits and all activations of both runs, by full name."""
        shorts = {*_ALONG, *_BECOMES, *_BECOMES.values(), "resid_pre", "resid_mid", "resid_post"}
        names = [self._name(short, layer) for short in sorted(shorts) for layer in self._layers]
        names += [self._name("embed", 0), self._name("pos_embed", 0)]
        return tuple(self._watch(tokens, [n for n in names if self._has(n)], {}) for tokens in self._tokens)

    def _watch(self, tokens: Tensor, names: list[str], edits: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        found: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[Tensor], Tensor | None]:
            def hook(value: Tensor) -> Tensor | None:
                found[name] = value.detach().clone()
                return edits.get(name)

            return hook

        logits = self._run(tokens, {name: keep(name) for name in {*names, *edits}})
        return logits, found

    @functools.cache  # noqa: B019 - a dozen entries, and a model lives as long as its audit
    def why_unwritable(self, short: str) -> str:
        """Return what is wrong with editing an activation; nothing if it was shown to work."""
        wrong = next((why for layer in self._layers if (why := self._tried(short, layer))), "")
        return wrong if wrong in ("", _NONE) else _WHY.get(short, wrong)

    def _tried(self, short: str, layer: int) -> str:
        (logits, wanted), (_, before) = self._seen
        together = [n for s in _ALONG.get(short, (short,)) if self._has(n := self._name(s, layer))]
        if self._name(short, layer) not in wanted:
            return _NONE
        edits = {name: wanted[name] for name in together}
        if short in ("attn_out", "mlp_out"):
            after = self._name("resid_post", layer)
            expected = before[self._name("resid_pre", layer)] + sum(edits.values())
        elif short in _BECOMES:
            after = self._name(_BECOMES[short], layer)
            expected = wanted[after]
        elif short.startswith("resid"):
            after, expected = "", logits
        else:
            return "nothing is known about what an edit there must do"
        outcome, found = self._watch(self._tokens[1], [after] if after else [], edits)
        return "" if _near(found[after] if after else outcome, expected) else "an edit there does not do what it says"

    @functools.cache  # noqa: B019 - see above
    def why_unreadable(self, short: str) -> str:
        """Return what is wrong with reading an activation; nothing if it is what it is called, as far as is known."""
        _, seen = self._seen[1]
        if short in ("embed", "pos_embed"):
            parts = [seen[n] for n in (self._name("embed", 0), self._name("pos_embed", 0)) if n in seen]
            whole = _near(sum(parts), seen[self._name("resid_pre", 0)])
            return "" if whole else "embedding and positions are not all that enters the first layer"
        for layer in self._layers:
            of: dict[str, Any] = {s: seen.get(self._name(s, layer)) for s in (*_BECOMES, "attn_out", "mlp_out")}
            of |= {s: seen.get(self._name(s, layer)) for s in ("resid_pre", "resid_mid", "resid_post")}
            if of.get(short) is None and short in of:
                return _NONE
            if short == "attn_scores" and not _near(_causal_softmax(of["attn_scores"]), of["pattern"]):
                return "what stands there is the pattern, after the softmax"
            if short in ("q", "k") and not _near(_pattern(of["q"], of["k"]), of["pattern"]):
                return "queries and keys are turned by their position after it, so their product is not the score"
            if short == "pattern" and not _near(of["pattern"].sum(-1), torch.ones_like(of["pattern"][..., 0])):
                return "its rows do not sum to 1"
            if short == "resid_mid" and not _near(of["resid_pre"] + of["attn_out"], of["resid_mid"]):
                return "it is not the stream after attention"
            written = [of[s] for s in ("attn_out", "mlp_out") if of[s] is not None]
            if short in ("attn_out", "mlp_out") and not _near(of["resid_pre"] + sum(written), of["resid_post"]):
                return "what attention and MLP write does not add up to the stream"
        return ""


def _causal_softmax(scores: Tensor) -> Tensor:
    ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    return scores.masked_fill(ahead, -torch.inf).softmax(-1)


def _pattern(q: Tensor, k: Tensor) -> Tensor:
    """Return the pattern of queries and keys [batch, pos, head, d_head], shared keys written out."""
    k = k.repeat_interleave(q.shape[2] // k.shape[2], dim=2)
    return _causal_softmax(torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5)


def _near(found: Any, expected: Tensor) -> bool:
    if found.shape != expected.shape:
        return False
    return bool((found - expected).abs().max() <= _NEAR * (expected.abs().max() + 1e-6))
