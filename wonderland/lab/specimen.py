"""The specimen: a model, its tokenizer, a fixed batch of evidence, and the activations seen so far.

An analysis walks over ``specimen.batches()``, some windows at a time, and takes activations by their TransformerLens
short names: ``batch["pattern"]`` is [layer, batch, head, query, key]. Whether the batches come from memory or from new
forward passes is the specimen's affair: `analyze` holds them while they fit, so that several analyses share one pass,
and larger evidence streams.

Memory: what is held is bounded by ``hold_bytes`` (1.5 GB); the patterns of 200 windows of 128 tokens in 16 heads are
210 MB.
"""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from wonderland.corpus.corpus import Corpus
from wonderland.errors import PluginError, Unsupported, UsageError
from wonderland.lab.batch import Batch
from wonderland.lab.evidence import Evidence
from wonderland.lab.external.adapt import checked_model
from wonderland.lab.external.hf_tokenizer import HFTokenizer
from wonderland.lab.finite import require_finite
from wonderland.lab.mining import Contrasts, mine
from wonderland.lab.names import CONTRASTS, DERIVED, NOT_EVERY_MODEL, ONCE, hook_name
from wonderland.lab.protocols import HookedModel, ModelShape, Tokenizer
from wonderland.model.loss import token_losses
from wonderland.tokenizer import SpeakerTokenizer

if TYPE_CHECKING:
    from wonderland.lab.result import Result

__all__ = ["Specimen"]

_BATCH_SIZE = 16
_HOLD = 1_500_000_000


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
        model = checked_model(model, tokenizer)
        evidence = Evidence.choose(held_out, tokenizer, context=model.cfg.n_ctx, windows=windows, seed=seed)
        self._examine(model, tokenizer, evidence, held_out.fingerprint, hold_bytes)

    def _examine(
        self, model: HookedModel, tokenizer: Tokenizer, evidence: Evidence, held_out: str, hold_bytes: int
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.hold_bytes = hold_bytes
        self.evidence = evidence
        self._held_out_fingerprint = held_out
        self._held: dict[str, Any] | None = None
        self._allowed: frozenset[str] | None = None
        self.results: Mapping[str, Result] = {}
        # The untrained baseline is asked the same questions, so it keeps the contrasts of the trained model.
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
        names: Tokenizer = tokenizer if hasattr(tokenizer, "tells_speakers") else HFTokenizer(tokenizer)
        model = checked_model(model, names)
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
        names: Tokenizer = tokenizer if hasattr(tokenizer, "tells_speakers") else HFTokenizer(tokenizer)
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
    def cfg(self) -> ModelShape:
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
        baseline = copy.copy(self)
        baseline.model = self.model.untrained(seed)
        baseline._held = None
        baseline.results = {}
        baseline.__dict__.pop("fingerprints", None)
        return baseline

    def contrasts(self, kind: str = "speaker", *, pairs: int = 64, seed: int = 0) -> Contrasts:
        """Return contrasts mined from the evidence, once; the untrained baseline has those of the trained model.

        Args:
            kind: What differs: "speaker", "first-speaker", "affirmation" or "question".
            pairs: How many at most, half of them to explore and half, of other conversations, to confirm.
            seed: Seed of their choice.
        """
        if self._allowed is not None and CONTRASTS not in self._allowed:
            raise PluginError(
                "Contrasts were asked for but not declared.", hint='Add "contrasts" to the analysis\' needs.'
            )
        return self._mined(kind, pairs=pairs, seed=seed)

    def restricted_to(self, needs: Sequence[str], results: Mapping[str, Result] | None = None) -> Specimen:
        """Return this specimen handing out only declared activations and results, for one analysis."""
        for need in needs:
            if need not in DERIVED and need != CONTRASTS:
                hook_name(need, 0)
        view = copy.copy(self)
        view._allowed = frozenset(needs)
        view.results = _Used(results or {})
        return view

    def lacks(self, needs: Iterable[str]) -> str:
        """Return why the first of these activations that the model cannot give is not there; nothing if all are."""
        for need in sorted(needs):
            if need in DERIVED or need == CONTRASTS:
                continue
            asked = getattr(self.model, "lacks", None)
            if asked and (why := asked(need)):
                return str(why)
            if not asked and hook_name(need, 0) not in self.model.hook_dict:
                return f"This model has no activation {need!r}."
        return ""

    def batches(self, *names: str) -> Iterator[Batch]:
        """Yield the evidence some windows at a time, with activations.

        Args:
            *names: The activations that will be read; what was declared if none are named.
        """
        wanted = frozenset(names) or self._allowed or frozenset()
        wanted -= {CONTRASTS}
        if self._allowed is not None and not wanted <= self._allowed:
            missing = sorted(wanted - self._allowed)
            raise PluginError(f"The activations {missing} were asked for but not declared in needs.")
        held = self._held
        if held is not None and wanted <= held["names"]:
            if held["batches"] is None:
                held["batches"] = self._hold(held["names"])
            if held["batches"]:
                yield from (Batch(p.windows, p.evidence, p._activations, wanted) for p in held["batches"])
                return
        yield from self._stream(wanted)

    @contextmanager
    def holding(self, names: set[str]) -> Iterator[None]:
        """Within this context, keep the activations of these names in memory once they were computed, if they fit."""
        self._held = {"names": frozenset(names) - {CONTRASTS}, "batches": None}
        try:
            yield
        finally:
            self._held = None

    def _hold(self, names: frozenset[str]) -> list[Batch]:
        """Return all batches, or none if they do not fit."""
        kept: list[Batch] = []
        total = 0
        for batch in self._stream(names):
            kept.append(batch)
            total += sum(a.numel() * a.element_size() for a in batch._activations.values())
            if total / len(kept) * (len(self.evidence) / _BATCH_SIZE) > self.hold_bytes:
                return []
        return kept

    @torch.no_grad()
    def _stream(self, names: frozenset[str]) -> Iterator[Batch]:
        if missing := self.lacks(names):
            raise Unsupported(missing, hint=NOT_EVERY_MODEL)
        hooks = {name: self._hooks(name) for name in names if name not in DERIVED}
        every = [hook for group in hooks.values() for hook in group]
        for start in range(0, len(self.evidence), _BATCH_SIZE):
            windows = slice(start, min(start + _BATCH_SIZE, len(self.evidence)))
            some = self.evidence.rows(windows)
            tokens = torch.from_numpy(some.tokens).to(self.model.device)
            logits, cache = self.model.run_with_cache(tokens, names_filter=every)
            require_finite(logits)
            found = {
                name: cache[group[0]] if name in ONCE else torch.stack([cache[hook] for hook in group])
                for name, group in hooks.items()
            }
            if "logits" in names:
                found["logits"] = logits
            if "loss" in names:
                found["loss"] = _aligned_loss(logits, tokens, torch.from_numpy(some.mask).to(logits.device))
            yield Batch(windows, some, {name: value.float().cpu() for name, value in found.items()}, names)

    def _hooks(self, name: str) -> list[str]:
        return [hook_name(name, layer) for layer in range(1 if name in ONCE else self.cfg.n_layers)]

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


def _aligned_loss(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    losses = torch.full(tokens.shape, float("nan"), device=logits.device)
    losses[:, 1:] = token_losses(logits, tokens)
    return losses.masked_fill(~mask, float("nan"))
