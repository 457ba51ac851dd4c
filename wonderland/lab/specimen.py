"""What lies under the microscope: a model, its tokenizer, a fixed batch of evidence, and the activations seen so far.

An analysis walks over ``specimen.parts()``, some windows at a time, and takes activations by their TransformerLens
short names: ``part["pattern"]`` is [layer, batch, head, query, key]. Whether the parts come from memory or from new
forward passes is the specimen's affair: `analyze` holds them while they fit, so that several analyses share one pass,
and larger evidence streams.

Memory: what is held is bounded by ``hold_bytes`` (1.5 GB); the patterns of 200 windows of 128 tokens in 16 heads are
210 MB.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from wonderland.corpus.corpus import Corpus
from wonderland.errors import InputError, PluginError, Unsupported, UsageError
from wonderland.lab.adopting import adopt
from wonderland.lab.evidence import Evidence
from wonderland.lab.finite import require_finite
from wonderland.lab.foreign import ForeignTokenizer
from wonderland.lab.hooked import AnyTokenizer, HookedModel
from wonderland.lab.mining import Contrasts, mine
from wonderland.model.loss import token_losses
from wonderland.tokenizer import SpeakerTokenizer

if TYPE_CHECKING:
    from wonderland.lab.results import Result

__all__ = ["Part", "Specimen", "hook_name", "parse_head"]

_IN_ATTENTION = ("q", "k", "v", "z", "attn_scores", "pattern", "result")
_IN_MLP = ("pre", "post")
_IN_BLOCK = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "q_input", "k_input", "v_input", "mlp_in")
_ONCE = ("embed", "pos_embed")
_DERIVED = ("loss", "logits")
_BATCH = 16
_HOLD = 1_500_000_000
_SPARE = 1024  # rows of an embedding that round its size up and stand for no token


def hook_name(short: str, layer: int) -> str:
    """Return the full hook name of a TransformerLens short name in a layer.

    >>> hook_name("pattern", 2)
    'blocks.2.attn.hook_pattern'
    """
    if short in _IN_ATTENTION:
        return f"blocks.{layer}.attn.hook_{short}"
    if short in _IN_MLP:
        return f"blocks.{layer}.mlp.hook_{short}"
    if short in _IN_BLOCK:
        return f"blocks.{layer}.hook_{short}"
    if short in _ONCE:
        return f"hook_{short}"
    known = ", ".join((*_IN_ATTENTION, *_IN_MLP, *_IN_BLOCK, *_ONCE, *_DERIVED))
    raise UsageError(f"There is no activation {short!r}.", hint=f"Activations: {known}.")


class Part:
    """Some windows of the evidence with their activations.

    Attributes:
        windows: Which windows of the evidence these are.
        tokens: [batch, pos].
        mask: Where there is a token, [batch, pos], bool.
        conversation: Number of the conversation of each window, [batch].
        evidence: The evidence of these windows, for who speaks where.
    """

    def __init__(
        self, windows: slice, evidence: Evidence, activations: Mapping[str, Tensor], allowed: frozenset[str] | None
    ) -> None:
        self.windows = windows
        self.evidence = evidence
        self.tokens = torch.from_numpy(evidence.tokens)
        self.mask = torch.from_numpy(evidence.mask)
        self.conversation = evidence.conversation
        self._activations = activations
        self._allowed = allowed

    def __getitem__(self, name: str) -> Tensor:
        """Return an activation: [layer, batch, ...], or [batch, ...] for loss, logits, embed and pos_embed.

        ``part["loss"]`` is [batch, pos] in nats; its entry at a position is of the token there, NaN at position 0
        and in padding. All are in single precision and in main memory, whatever the model computes in and where.
        """
        if self._allowed is not None and name not in self._allowed:
            raise PluginError(
                f"The activation {name!r} was read but not declared.",
                hint=f"Add it to the analysis' needs: needs = {(*sorted(self._allowed), name)}",
            )
        return self._activations[name]


class Specimen:
    """A model with its tokenizer and held-out evidence: conversations here, anything else by `of_texts` or `of_tokens`.

    Args:
        model: The model: a `ChatTransformer`, or a TransformerLens ``TransformerBridge`` of the same vocabulary.
        tokenizer: Its tokenizer; refused if the model was trained with another.
        held_out: Conversations the model was not trained on.
        windows: How many windows of them to examine.
        seed: Seed of their choice.
        hold_bytes: Most memory to hold activations in.

    Attributes:
        results: Inside of an analysis, the results of those it ``uses``, by name.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: SpeakerTokenizer,
        held_out: Corpus,
        *,
        windows: int = 200,
        seed: int = 0,
        hold_bytes: int = _HOLD,
    ) -> None:
        if not isinstance(tokenizer, SpeakerTokenizer):
            raise UsageError(
                f"Conversations are read with their model's SpeakerTokenizer, not a {type(tokenizer).__name__}.",
                hint="For another model: wl.Specimen.of_texts(model, tokenizer, corpus.texts).",
            )
        model = _checked(model, tokenizer)
        evidence = Evidence.choose(held_out, tokenizer, context=model.cfg.n_ctx, windows=windows, seed=seed)
        self._examine(model, tokenizer, evidence, held_out.fingerprint, hold_bytes)

    def _examine(
        self, model: HookedModel, tokenizer: AnyTokenizer, evidence: Evidence, held_out: str, hold_bytes: int
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.hold_bytes = hold_bytes
        self.evidence = evidence
        self._held_out_fingerprint = held_out
        self._held: dict[str, Any] | None = None
        self._allowed: frozenset[str] | None = None
        self.results: Mapping[str, Result] = {}
        # An untrained twin is asked the same questions, so it keeps the contrasts of the trained model.
        self._mined = functools.cache(functools.partial(mine, model, tokenizer, self.evidence))

    @classmethod
    def of_tokens(
        cls,
        model: Any,
        tokenizer: Any,
        sequences: Sequence[Sequence[int]],
        *,
        conversation: Sequence[int] | None = None,
        windows: int = 200,
        seed: int = 0,
        hold_bytes: int = _HOLD,
    ) -> Specimen:
        """Return a specimen of any model on sequences of tokens.

        Args:
            model: A `ChatTransformer` or a TransformerLens ``TransformerBridge``.
            tokenizer: A `SpeakerTokenizer`, a ``tokenizers.Tokenizer`` or a fast ``transformers`` tokenizer.
            sequences: Tokens of each window, with whatever the model expects to come first.
            conversation: Number of the text each window is from, the unit of resampling; each its own if None.
            windows: How many of them to examine.
            seed: Seed of their choice.
            hold_bytes: Most memory to hold activations in.

        Raises:
            UsageError: A sequence does not fit the context, or holds a number that is no token.
            InputError: Model and tokenizer do not belong together, or the model has weights that are not finite.
        """
        names: AnyTokenizer = tokenizer if hasattr(tokenizer, "tells_speakers") else ForeignTokenizer(tokenizer)
        model = _checked(model, names)
        longest = max((len(sequence) for sequence in sequences), default=0)
        if longest > model.cfg.n_ctx:
            raise UsageError(f"A sequence has {longest} tokens; the model's context is {model.cfg.n_ctx}.")
        strange = next((t for s in sequences for t in s if not 0 <= int(t) < model.cfg.d_vocab), None)
        if strange is not None:
            raise UsageError(f"{strange} is no token of a vocabulary of {model.cfg.d_vocab:,}.")
        speakers = bool(names.tells_speakers)
        evidence = Evidence.of_tokens(sequences, conversation, windows=windows, seed=seed, speakers=speakers)
        made = cls.__new__(cls)
        digest = hashlib.sha256(evidence.tokens.tobytes() + evidence.lengths.tobytes()).hexdigest()[:16]
        made._examine(model, names, evidence, digest, hold_bytes)
        return made

    @classmethod
    def of_texts(
        cls,
        model: Any,
        tokenizer: Any,
        texts: Iterable[str],
        *,
        length: int = 128,
        windows: int = 200,
        seed: int = 0,
        hold_bytes: int = _HOLD,
    ) -> Specimen:
        """Return a specimen of any model on plain texts, cut into windows that all begin with the token of beginnings.

        Args:
            model: A `ChatTransformer` or a TransformerLens ``TransformerBridge``.
            tokenizer: Its tokenizer, as in `of_tokens`.
            texts: Texts the model was not trained on; each is a unit of resampling.
            length: Most tokens of a window.
            windows: How many of them to examine.
            seed: Seed of their choice.
            hold_bytes: Most memory to hold activations in.
        """
        names: AnyTokenizer = tokenizer if hasattr(tokenizer, "tells_speakers") else ForeignTokenizer(tokenizer)
        step = min(length, model.cfg.n_ctx) - 1
        sequences, conversation = [], []
        for number, text in enumerate(texts):
            tokens = names.encode(text)
            for start in range(0, len(tokens), step):
                sequences.append([names.start, *tokens[start : start + step]])
                conversation.append(number)
        return cls.of_tokens(
            model,
            names,
            sequences,
            conversation=conversation,
            windows=windows,
            seed=seed,
            hold_bytes=hold_bytes,
        )

    @property
    def cfg(self) -> Any:
        """The model's configuration."""
        return self.model.cfg

    @functools.cached_property
    def fingerprints(self) -> dict[str, str]:
        """Short hashes of the model, the tokenizer and the held-out corpus."""
        return {
            "model": self.model.fingerprint,
            "tokenizer": self.tokenizer.fingerprint,
            "held out": self._held_out_fingerprint,
        }

    def untrained(self, seed: int = 1) -> Specimen:
        """Return the same specimen with the same architecture before training: the control of every claim."""
        twin = copy.copy(self)
        twin.model = self.model.untrained(seed)
        twin._held = None
        twin.results = {}
        twin.__dict__.pop("fingerprints", None)
        return twin

    def contrasts(self, kind: str = "speaker", *, pairs: int = 64, seed: int = 0) -> Contrasts:
        """Return contrasts mined from the evidence, once; an untrained twin has those of the trained model.

        Args:
            kind: What differs: "speaker", "first-speaker", "affirmation" or "question".
            pairs: How many at most, half of them to explore and half, of other conversations, to confirm.
            seed: Seed of their choice.
        """
        if self._allowed is not None and "contrasts" not in self._allowed:
            raise PluginError(
                "Contrasts were asked for but not declared.", hint='Add "contrasts" to the analysis\' needs.'
            )
        return self._mined(kind, pairs=pairs, seed=seed)

    def restricted_to(self, needs: Sequence[str], name: str, results: Mapping[str, Result] | None = None) -> Specimen:
        """Return this specimen handing out only declared activations and results, for one analysis."""
        for need in needs:
            if need not in _DERIVED and need != "contrasts":
                hook_name(need, 0)
        view = copy.copy(self)
        view._allowed = frozenset(needs)
        view.results = _Used(results or {})
        return view

    def lacks(self, needs: Iterable[str]) -> str:
        """Return why the first of these activations that the model cannot give is not there; nothing if all are."""
        for need in sorted(needs):
            if need in _DERIVED or need == "contrasts":
                continue
            asked = getattr(self.model, "lacks", None)
            if asked and (why := asked(need)):
                return str(why)
            if not asked and hook_name(need, 0) not in self.model.hook_dict:
                return f"This model has no activation {need!r}."
        return ""

    def parts(self, *names: str) -> Iterator[Part]:
        """Yield the evidence some windows at a time, with activations.

        Args:
            *names: The activations that will be read; what was declared if none are named.
        """
        wanted = frozenset(names) or self._allowed or frozenset()
        wanted -= {"contrasts"}
        if self._allowed is not None and not wanted <= self._allowed:
            missing = sorted(wanted - self._allowed)
            raise PluginError(f"The activations {missing} were asked for but not declared in needs.")
        held = self._held
        if held is not None and wanted <= held["names"]:
            if held["parts"] is None:
                held["parts"] = self._hold(held["names"])
            if held["parts"]:
                yield from (Part(p.windows, p.evidence, p._activations, wanted) for p in held["parts"])
                return
        yield from self._stream(wanted)

    @contextmanager
    def holding(self, names: set[str]) -> Iterator[None]:
        """Within this context, keep the activations of these names in memory once they were computed, if they fit."""
        self._held = {"names": frozenset(names) - {"contrasts"}, "parts": None}
        try:
            yield
        finally:
            self._held = None

    def _hold(self, names: frozenset[str]) -> list[Part]:
        """Return all parts, or none if they do not fit."""
        kept: list[Part] = []
        total = 0
        for part in self._stream(names):
            kept.append(part)
            total += sum(a.numel() * a.element_size() for a in part._activations.values())
            if total / len(kept) * (len(self.evidence) / _BATCH) > self.hold_bytes:
                return []
        return kept

    @torch.no_grad()
    def _stream(self, names: frozenset[str]) -> Iterator[Part]:
        if missing := self.lacks(names):
            raise Unsupported(missing, hint="A model without MLPs has none of theirs, and a bridge not all of its own.")
        hooks = {name: self._hooks(name) for name in names if name not in _DERIVED}
        every = [hook for group in hooks.values() for hook in group]
        for start in range(0, len(self.evidence), _BATCH):
            windows = slice(start, min(start + _BATCH, len(self.evidence)))
            some = _slice(self.evidence, windows)
            tokens = torch.from_numpy(some.tokens).to(self.model.device)
            logits, cache = self.model.run_with_cache(tokens, names_filter=every)
            require_finite(logits)
            found = {
                name: cache[group[0]] if name in _ONCE else torch.stack([cache[hook] for hook in group])
                for name, group in hooks.items()
            }
            if "logits" in names:
                found["logits"] = logits
            if "loss" in names:
                found["loss"] = _aligned_loss(logits, tokens, torch.from_numpy(some.mask).to(logits.device))
            yield Part(windows, some, {name: value.float().cpu() for name, value in found.items()}, names)

    def _hooks(self, name: str) -> list[str]:
        return [hook_name(name, layer) for layer in range(1 if name in _ONCE else self.cfg.n_layers)]

    def __repr__(self) -> str:
        about = self.evidence.describe()
        return (
            f"Specimen({self.model!r}, {about['windows']} windows of {about['conversations']} held-out conversations)"
        )


class _Used(dict[str, "Result"]):
    """The results an analysis declared that it uses."""

    def __missing__(self, name: str) -> Result:
        raise PluginError(
            f"There is no result of {name!r} to read.",
            hint="Name it in the analysis' uses; and ask with .get(), since it may have declined or not be installed.",
        )


def _checked(model: Any, tokenizer: AnyTokenizer) -> HookedModel:
    """Return a model ready to be examined with its tokenizer, or say why it cannot be."""
    if getattr(model, "tokenizer_fingerprint", "") not in ("", tokenizer.fingerprint):
        raise InputError(
            f"The model was trained with the tokenizer {model.tokenizer_fingerprint}, not with this one "
            f"({tokenizer.fingerprint}): its token numbers would mean other words.",
            hint="Load the tokenizer that was saved beside the model.",
        )
    broken = [name for name, weight in model.named_parameters() if not torch.isfinite(weight).all()]
    if broken:
        raise InputError(f"The model has weights that are not finite: {broken[0]}.", hint="Train or load it again.")
    adopted = adopt(model)
    spare = adopted.cfg.d_vocab - tokenizer.vocab_size
    if not 0 <= spare < _SPARE:
        raise InputError(
            f"The model has {adopted.cfg.d_vocab:,} tokens and the tokenizer {tokenizer.vocab_size:,}: they do not "
            "belong together.",
            hint="Load the tokenizer the model was trained with.",
        )
    adopted.requires_grad_(False).eval()
    return adopted


def _slice(evidence: Evidence, windows: slice) -> Evidence:
    longest = int(evidence.lengths[windows].max())
    return replace(
        evidence,
        tokens=np.ascontiguousarray(evidence.tokens[windows, :longest]),
        lengths=evidence.lengths[windows],
        conversation=evidence.conversation[windows],
    )


def _aligned_loss(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    losses = torch.full(tokens.shape, float("nan"), device=logits.device)
    losses[:, 1:] = token_losses(logits, tokens)
    return losses.masked_fill(~mask, float("nan"))


_LAYER_HEAD = re.compile(r"L(\d+)H(\d+)")


def parse_head(name: str, cfg: Any) -> tuple[int, int]:
    """Return (layer, head) of a name like "L2H1", or raise `UsageError` if the model has no such head."""
    match = _LAYER_HEAD.fullmatch(name)
    if not match or int(match[1]) >= cfg.n_layers or int(match[2]) >= cfg.n_heads:
        last = f"L{cfg.n_layers - 1}H{cfg.n_heads - 1}"
        raise UsageError(f"The model has no head {name!r}.", hint=f"Its heads are L0H0 to {last}.")
    return int(match[1]), int(match[2])
