"""A model with its evidence, and the activations seen so far: what a `Specimen` is before anything is asked of it.

An analysis walks over ``specimen.batches()``, some windows at a time, and takes activations by their TransformerLens
short names: ``batch["pattern"]`` is [layer, batch, head, query, key]. Whether the batches come from memory or from new
forward passes is decided here: `analyze` holds them while they fit, so that several analyses share one pass, and larger
evidence streams. Training text never is held: `Observed.stream` passes it by.

Memory: what is held is bounded by ``hold_bytes`` (1.5 GB), and let go once no analysis to come needs it; the patterns
of 200 windows of 128 tokens in 16 heads are 210 MB. The losses of a whole pass stay, which are small, until the model's
weights or hooks are others.
"""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.windows import Windows, pack
from wonderland.errors import NotEnoughData, PluginError, UsageError, must_be_whole
from wonderland.lab.batch import Batch
from wonderland.lab.evidence import Evidence
from wonderland.lab.forward import BATCH_SIZE, forward, lacks, rows_of
from wonderland.lab.holding import fitting_in, only, state_of
from wonderland.lab.mining import Contrasts, mine
from wonderland.lab.names import BACKGROUND, CONTRASTS, NO_HOOKS, hook_name
from wonderland.lab.protocols import HookedModel, ModelShape, Tokenizer
from wonderland.model.engine import device_called
from wonderland.tokenizer import SpeakerTokenizer

if TYPE_CHECKING:
    from wonderland.lab.result import Result

__all__ = ["HOLD", "Observed"]

HOLD = 1_500_000_000
"""Most memory to hold activations in, in bytes, unless said otherwise."""
_LOSSES = frozenset({"loss"})


class Observed:
    """A model with its tokenizer, its evidence and perhaps its training text.

    Attributes:
        model: The model, as the analyses can use it.
        tokenizer: Its tokenizer.
        evidence: Windows the model was not trained on.
        results: Inside of an analysis, the results of those it ``uses``, by name.
    """

    model: HookedModel
    tokenizer: Tokenizer
    evidence: Evidence
    hold_bytes: int
    results: Mapping[str, Result]

    def _examine(
        self,
        model: HookedModel,
        tokenizer: Tokenizer,
        evidence: Evidence,
        held_out: str,
        hold_bytes: int,
        background: Corpus | None = None,
    ) -> None:
        self.model = model
        self._model_fingerprint = functools.cache(lambda: model.fingerprint)
        self.tokenizer = tokenizer
        self.hold_bytes = hold_bytes
        self.evidence = evidence
        self._held_out_fingerprint = held_out
        self._held: dict[str, Any] | None = None
        self._losses: tuple[int, list[Batch]] | None = None
        self._allowed: frozenset[str] | None = None
        self.results = {}
        # The untrained baseline is asked the same questions, so it keeps the contrasts of the trained model; and what
        # was trained on is laid out once for all of them.
        self._mined: Callable[..., Contrasts] = functools.cache(functools.partial(mine, model, tokenizer, evidence))
        self._conversations: tuple[Corpus | None, Corpus | None] = (background, None)
        self._laid_out = None if background is None else functools.cache(functools.partial(self._lay_out, background))
        self._on_progress: Callable[[int, int], None] | None = None
        self._scratch: Path | None = None

    @property
    def cfg(self) -> ModelShape:
        """The model's configuration."""
        return self.model.cfg

    @property
    def fingerprints(self) -> dict[str, str]:
        """Short hashes of the model, the tokenizer and the held-out corpus; of the background where it was declared."""
        found = {
            "model": self._model_fingerprint(),
            "tokenizer": self.tokenizer.fingerprint,
            "held out": self._held_out_fingerprint,
        }
        if self._laid_out is not None and BACKGROUND in (self._allowed or ()):
            found["background"] = self._laid_out().fingerprint
        return found

    @property
    def background(self) -> Windows:
        """What the model was trained on, as windows that do not overlap.

        Raises:
            PluginError: An analysis asks for it that did not declare it.
            NotEnoughData: The specimen was made without it.
        """
        self._declared(BACKGROUND, "The training text was")
        if self._laid_out is None:
            raise NotEnoughData(
                "It needs the training text, which this specimen does not have.",
                hint="wl.Specimen(model, tokenizer, held_out, background=train)",
            )
        return self._laid_out()

    @property
    def conversations(self) -> tuple[Corpus | None, Corpus | None]:
        """What the model was trained on and what it was not, message by message; None for what this specimen lacks.

        Raises:
            PluginError: An analysis asks for it that did not declare "background".
        """
        self._declared(BACKGROUND, "The training text was")
        return self._conversations

    def _lay_out(self, corpus: Corpus) -> Windows:
        if not isinstance(self.tokenizer, SpeakerTokenizer):
            raise UsageError(
                f"A {type(self.tokenizer).__name__} does not read conversations.",
                hint="Pack the text yourself, and give the Windows in place of the Corpus.",
            )
        size = 8  # messages, as in training
        return pack(corpus, self.tokenizer, size=size, stride=size, context=self.cfg.n_ctx)

    def untrained(self, seed: int = 1) -> Self:
        """Return the same specimen with the same architecture before training: the control of every claim."""
        return self._of(self.model.untrained(seed))

    def _of(self, model: HookedModel) -> Self:
        other = copy.copy(self)
        other.model, other._held, other._losses, other.results = model, None, None, {}
        other._model_fingerprint = functools.cache(lambda: model.fingerprint)
        return other

    def asking(self, mined: Callable[..., Contrasts]) -> Self:
        """Return this specimen with contrasts that are mined elsewhere, as those of a cohort are."""
        other = copy.copy(self)
        other._mined = mined
        return other

    def contrasts(self, kind: str = "speaker", *, pairs: int = 64, seed: int = 0) -> Contrasts:
        """Return contrasts mined from the evidence, once; baselines and other models on the same evidence keep them.

        Args:
            kind: What differs: "speaker", "first-speaker", "affirmation" or "question".
            pairs: How many at most, half of them to explore and half, of other conversations, to confirm.
            seed: Seed of their choice.
        """
        must_be_whole(pairs, "pairs", 1)
        must_be_whole(seed, "seed")
        self._declared(CONTRASTS, "Contrasts were")
        return self._mined(kind, pairs=pairs, seed=seed)

    def _declared(self, need: str, what: str) -> None:
        if self._allowed is not None and need not in self._allowed:
            raise PluginError(f"{what} asked for but not declared.", hint=f'Add "{need}" to the analysis\' needs.')

    def progress(self, done: int, total: int) -> None:
        """Say how far an analysis that takes long has come; shown where somebody looks on, else nothing happens."""
        if self._on_progress is not None:
            self._on_progress(done, total)

    @property
    def scratch(self) -> Path:
        """A folder for what an analysis writes on the way: checkpoints to go on from, arrays too large for memory.

        In a workspace it is there again if the run was stopped, and what is in it stays with the result, in
        ``scratch``. Elsewhere it is a temporary one, gone when the run is over.
        """
        if self._scratch is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="wonderland-")
            self._scratch = Path(self._temporary.name)
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._scratch

    def running(self, on_progress: Callable[[int, int], None] | None, scratch: Path | None) -> Self:
        """Return this specimen as one analysis sees it: whom to tell of progress, and where its scratch folder is."""
        view = copy.copy(self)
        view._on_progress, view._scratch = on_progress, scratch
        return view

    def restricted_to(self, needs: Sequence[str], results: Mapping[str, Result] | None = None) -> Self:
        """Return this specimen handing out only declared activations and results, for one analysis."""
        for need in needs:
            if need not in NO_HOOKS:
                hook_name(need, 0)
        view = copy.copy(self)
        view._allowed = frozenset(needs)
        view.results = _Used(results or {})
        return view

    def lacks(self, needs: Iterable[str]) -> str:
        """Return why the first of these activations that the model cannot give is not there; nothing if all are."""
        return lacks(self.model, frozenset(needs))

    def batches(self, *names: str) -> Iterator[Batch]:
        """Yield the evidence some windows at a time, with activations.

        Args:
            *names: The activations that will be read; what was declared if none are named.
        """
        wanted = frozenset(names) or self._allowed or frozenset()
        wanted -= {CONTRASTS, BACKGROUND}
        self._require(wanted)
        held = self._held
        if held is not None and wanted <= held["names"]:
            if held["batches"] is None:
                held["names"], held["batches"] = self._hold(held["names"])
            if held["batches"] and wanted <= held["names"]:
                yield from (Batch(p.windows, p.evidence, p._activations, wanted) for p in held["batches"])
                return
        if self._losses and wanted == _LOSSES and self._losses[0] == state_of(self.model):
            yield from self._losses[1]
            return
        passing = forward(self.model, self.evidence, wanted)
        if held is not None and held["batches"] is None and held["names"] <= wanted:
            passing = self._keeping(passing, held)
        yield from passing

    def _keeping(self, batches: Iterator[Batch], held: dict[str, Any]) -> Iterator[Batch]:
        """Yield batches of a whole pass, and hold what of it is to be held, so that it is not computed once more."""
        kept: list[Batch] | None = []
        for batch in batches:
            if kept is not None:
                some = {name: value for name, value in batch._activations.items() if name in held["names"]}
                kept.append(Batch(batch.windows, batch.evidence, some, held["names"]))
                if len(kept) == 1:
                    fitting = fitting_in(some, len(self.evidence) / len(batch.tokens), self.hold_bytes)
                    kept = kept if fitting == held["names"] else None
            yield batch
        held["batches"] = kept

    @contextmanager
    def holding(self, names: set[str]) -> Iterator[None]:
        """Within this context, keep the activations of these names in memory once they were computed, if they fit."""
        self._held = {"names": frozenset(names) - {CONTRASTS, BACKGROUND}, "batches": None}
        try:
            yield
        finally:
            if self._held["batches"] and self._held["names"] >= _LOSSES:
                state = state_of(self.model)
                self._losses = None if state is None else (state, only(self._held["batches"], _LOSSES))
            self._held = None

    def let_go(self, *, but: set[str]) -> None:
        """Let go of what is held, but for the activations of these names, and the losses."""
        if self._held is None:
            return
        left = self._held["names"] & (but | _LOSSES)
        if left < self._held["names"]:
            self._held["names"] = left
            if self._held["batches"]:
                self._held["batches"] = only(self._held["batches"], left)

    def _hold(self, names: frozenset[str]) -> tuple[frozenset[str], list[Batch]]:
        """Return all batches with the activations that fit, the smallest first, and the names of those."""
        kept: list[Batch] = []
        fitting = names
        for batch in forward(self.model, self.evidence, names):
            if not kept:
                fitting = fitting_in(batch._activations, len(self.evidence) / len(batch.tokens), self.hold_bytes)
                if not fitting:
                    break
            some = {name: value for name, value in batch._activations.items() if name in fitting}
            kept.append(Batch(batch.windows, batch.evidence, some, fitting))
        return fitting, kept

    def stream(
        self,
        corpus: Corpus | Windows,
        *names: str,
        layers: Sequence[int] | None = None,
        windows: int | None = None,
        device: str | None = None,
    ) -> Iterator[Batch]:
        """Yield activations over other text, such as training text, some windows at a time; nothing is held.

        Progress is told after each batch (`progress`).

        Args:
            corpus: Conversations, laid out in windows that do not overlap; or windows, such as `background`.
            *names: The activations that will be read.
            layers: Only these layers, in this order: ``batch["resid_post"]`` is [chosen layer, batch, pos, d_model].
            windows: Only so many windows, from the first.
            device: "cpu", "cuda" or "mps", where a copy of the model runs meanwhile; where the model is by default.
                Batches are in main memory all the same.

        Raises:
            UsageError: There is no such layer or device, or no activation was named.
        """
        wanted = frozenset(names)
        if not wanted:
            raise UsageError("Name an activation to stream.", hint='specimen.stream(corpus, "resid_post", layers=[1])')
        self._require(wanted)
        strange = [layer for layer in layers or () if not 0 <= layer < self.cfg.n_layers]
        if strange:
            raise UsageError(f"There is no layer {strange[0]}.", hint=f"Layers: 0 to {self.cfg.n_layers - 1}.")
        laid_out = self._lay_out(corpus) if isinstance(corpus, Corpus) else corpus
        if len(laid_out) and int(laid_out.lengths.max()) > self.cfg.n_ctx:
            raise UsageError(
                f"A window has more tokens than the model's context of {self.cfg.n_ctx}.",
                hint="Pack the text for this model: pack(corpus, tokenizer, context=model.cfg.n_ctx)",
            )
        total = len(laid_out) if windows is None else min(windows, len(laid_out))
        model = self._model_on(device)
        for start in range(0, total, BATCH_SIZE):
            stop = min(start + BATCH_SIZE, total)
            some = rows_of(laid_out, start, stop, bool(self.tokenizer.tells_speakers))
            for batch in forward(model, some, wanted, layers):
                yield Batch(slice(start, stop), batch.evidence, batch._activations, wanted)
            self.progress(stop, total)

    def _model_on(self, device: str | None) -> HookedModel:
        """Return the model on a device: itself where it is there already, else a copy."""
        if device is None or device_called(device) == self.model.device.type:
            return self.model
        moved: Any = copy.deepcopy(self.model)
        made: HookedModel = moved.to(device)
        return made

    def _require(self, wanted: frozenset[str]) -> None:
        if self._allowed is not None and not wanted <= self._allowed:
            missing = sorted(wanted - self._allowed)
            raise PluginError(f"The activations {missing} were asked for but not declared in needs.")


class _Used(dict[str, "Result"]):
    """The results an analysis declared that it uses."""

    def __missing__(self, name: str) -> Result:
        raise PluginError(
            f"There is no result of {name!r} to read.",
            hint="Name it in the analysis' uses; and ask with .get(), since it may have declined or not be installed.",
        )
