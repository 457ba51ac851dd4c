"""The specimen: a model, its tokenizer and a fixed batch of evidence, and what can be asked of them.

`Specimen.run` gives the result of one analysis, `wonderland.lab.analysis.analyze` of several with one shared forward
pass. `patch` and `ablate` answer a causal question about heads or sites that a person names; `with_model` is the same
evidence, and the same contrasts, with another model. How activations are computed and held is said in
`wonderland.lab.observed`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from wonderland.corpus.corpus import Corpus
from wonderland.errors import UsageError, must_be, must_be_many, must_be_whole
from wonderland.lab import ablation, running
from wonderland.lab.asking import What, ask_by_patching
from wonderland.lab.evidence import Evidence, rows_of_tokens
from wonderland.lab.external.adapt import checked_model
from wonderland.lab.external.hf_tokenizer import HFTokenizer
from wonderland.lab.mining import Contrasts
from wonderland.lab.named_sites import must_be_one_list
from wonderland.lab.observed import HOLD, Observed
from wonderland.lab.protocols import Tokenizer
from wonderland.notebook import table_of
from wonderland.tokenizer import SpeakerTokenizer

if TYPE_CHECKING:
    from wonderland.estimate import Estimate
    from wonderland.lab.choosing import Runnable
    from wonderland.lab.contrast import Contrast
    from wonderland.lab.result import Result

__all__ = ["Specimen"]

_CORPUS = "For example the second of corpus.split(); of plain texts: wl.Specimen.of_texts(model, tokenizer, texts)."
_TEXTS = "For example: wl.Specimen.of_texts(model, tokenizer, [text])"
_CONTEXT = "Give a model with a longer context."
R = TypeVar("R", bound="Result")


class Specimen(Observed):
    """A model with its tokenizer and held-out evidence: conversations here, anything else by `of_texts` or `of_tokens`.

    Args:
        model: The model: a `ChatTransformer`, or a TransformerLens ``TransformerBridge`` of the same vocabulary.
        tokenizer: Its tokenizer; refused if the model was trained with another.
        held_out: Conversations the model was not trained on.
        windows: How many windows of them to examine.
        seed: Seed of their choice.
        hold_bytes: Most memory to hold activations in.
        background: What the model was trained on, for analyses that need it, such as those that train something.

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
        hold_bytes: int = HOLD,
        background: Corpus | None = None,
    ) -> None:
        if not isinstance(tokenizer, SpeakerTokenizer):
            raise UsageError(
                f"Conversations are read with their model's SpeakerTokenizer, not a {type(tokenizer).__name__}.",
                hint="For another model: wl.Specimen.of_texts(model, tokenizer, corpus.texts).",
            )
        must_be(held_out, Corpus, "held-out conversations are a Corpus", _CORPUS)
        must_be(background, (Corpus, type(None)), "the background is a Corpus", "background=train, or leave it out.")
        model = checked_model(model, tokenizer)
        evidence = Evidence.choose(held_out, tokenizer, context=model.cfg.n_ctx, windows=windows, seed=seed)
        self._examine(model, tokenizer, evidence, held_out.fingerprint, hold_bytes, background)
        self._conversations = (background, held_out)

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
        hold_bytes: int = HOLD,
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
        rows = rows_of_tokens(sequences)
        longest = max((len(sequence) for sequence in rows), default=0)
        if longest > model.cfg.n_ctx:
            raise UsageError(
                f"A sequence has {longest} tokens; the model's context is {model.cfg.n_ctx}.",
                hint="Cut it into shorter sequences.",
            )
        strange = next((int(t) for s in rows for t in s if not 0 <= t < model.cfg.d_vocab), None)
        if strange is not None:
            raise UsageError(
                f"{strange} is no token of a vocabulary of {model.cfg.d_vocab:,}.",
                hint="Encode the texts with the tokenizer of this model.",
            )
        speakers = bool(names.tells_speakers)
        evidence = Evidence.of_tokens(rows, conversation, windows=windows, seed=seed, speakers=speakers)
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
        hold_bytes: int = HOLD,
    ) -> Specimen:
        """Return a specimen of any model on plain texts, cut into windows that all begin with the token of beginnings.

        Args:
            model: A `ChatTransformer` or a TransformerLens ``TransformerBridge``.
            tokenizer: Its tokenizer, as in `of_tokens`.
            texts: Texts the model was not trained on; each is a unit of resampling.
            length: Most tokens of a window, at least 2.
            windows: How many of them to examine.
            seed: Seed of their choice.
            hold_bytes: Most memory to hold activations in.

        Raises:
            UsageError: It is one text, or something else than texts, or windows would have no second token.
            InputError: Model and tokenizer do not belong together, or the model has weights that are not finite.
            NotEnoughData: No text has a token.
        """
        names: Tokenizer = tokenizer if hasattr(tokenizer, "tells_speakers") else HFTokenizer(tokenizer)
        given = must_be_many(texts, "A specimen is made of", _TEXTS)
        must_be_whole(length, "length", 2)
        if model.cfg.n_ctx < 2:
            raise UsageError("The model's context is 1 token, after which nothing follows.", hint=_CONTEXT)
        step = min(int(length), model.cfg.n_ctx) - 1
        sequences, conversation = [], []
        for number, text in enumerate(given):
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

    def with_model(self, model: Any) -> Specimen:
        """Return another model on the same evidence and with the same contrasts, in the same two halves.

        Args:
            model: A model of the same vocabulary, as the first one was given.

        Raises:
            InputError: It does not belong to the tokenizer, or has weights that are not finite.
            UsageError: Its context is shorter than the longest window.
        """
        other = checked_model(model, self.tokenizer)
        longest = int(self.evidence.lengths.max())
        if longest > other.cfg.n_ctx:
            raise UsageError(
                f"A window has {longest} tokens; the model's context is {other.cfg.n_ctx}.",
                hint="Make a specimen of shorter windows, or give a model with a longer context.",
            )
        return self._of(other)

    def run(
        self,
        analysis: Runnable[R],
        *,
        control: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> R:
        """Run one analysis and return its result, of the analysis' own class.

        Args:
            analysis: The analysis with its parameters. Those it uses run before it.
            control: Also run it on the untrained baseline and attach that as ``control``.
            on_progress: Called with (done, total) by an analysis that takes long.

        Raises:
            UsageError: It is a name or a class, and no analysis.
            NotEnoughData: The analysis says there is not enough data for it.
            Unsupported: It needs what this model cannot give truthfully.
        """
        return running.run_alone(self, analysis, control=control, on_progress=on_progress)

    def patch(
        self,
        what: What = None,
        contrasts: str | Contrast | Sequence[Contrast] | Contrasts | None = None,
        *further: object,
        direction: Literal["denoising", "noising"] = "denoising",
        part: Literal["all", "explore", "confirm"] = "all",
        pairs: int = 64,
        seed: int = 0,
    ) -> Estimate:
        """Put heads or sites of one run of each contrast into the other, and return the share of the gap that follows.

        Args:
            what: Heads by name ("L2H0") or as `Head`, or places as `Site`: each alone; what stands in an inner list is
                put in together. One alone gives one number; None is every head, [layer, head]. A place of the whole
                stream at every position ("resid_pre", "resid_mid", "resid_post") brings back everything, whatever the
                model is: name positions, `Site("resid_pre", 1, positions="answer")`: "answer", "difference", "between",
                or a number from 0.
            contrasts: A kind to mine ("speaker", "first-speaker", "affirmation", "question"), or contrasts of your own.
            *further: Nothing; several heads are given in one list.
            direction: "denoising" puts the clean run's values into the corrupted run (1 brings the whole gap back, so
                it asks what suffices); "noising" the corrupted ones into the clean run (1 takes it all away: what is
                needed).
            part: Of mined contrasts all, or one half: choose a head on "explore", measure it on "confirm".
            pairs: How many contrasts to mine at most.
            seed: Seed of mining and of the interval.

        Raises:
            UsageError: There is no such head, site, kind, direction or part, or heads are not in one list.
            InputError: A contrast of your own is no fair question.
            NotEnoughData: No contrast could be mined that this model tells apart.
        """
        must_be_one_list("patch", further)
        return ask_by_patching(
            self,
            what,
            "speaker" if contrasts is None else contrasts,
            direction=direction,
            part=part,
            pairs=pairs,
            seed=seed,
        )

    def ablate(
        self,
        what: What = None,
        *further: object,
        method: Literal["mean", "zero", "resample"] = "mean",
        windows: int = 48,
        seed: int = 0,
    ) -> Estimate:
        """Take heads or sites out, and return by how much the loss on the evidence rises, in nats a token.

        The three methods give three numbers, so say which one took: unless told otherwise it is the mean. The analysis
        ``head-ablation`` gives all three, and ``head-taxonomy`` names roles by "resample".

        Args:
            what: As in `patch`: each alone, an inner list together, None every head; positions of a site are numbers
                from 0, for windows have no places with names: `Site("resid_pre", 1, positions=0)`.
            *further: Nothing; several heads are given in one list.
            method: What stands in their place: their "mean" over the evidence, "zero", or what they computed at the
                same position in another conversation ("resample").
            windows: Windows to ablate in, spread over conversations.
            seed: Seed of windows, donors and the interval.

        Raises:
            UsageError: There is no such head, site or method, or heads are not in one list.
            NotEnoughData: For "resample", there is only one conversation.
        """
        must_be_one_list("ablate", further)
        return ablation.ablate(self, what, method=method, windows=windows, seed=seed)

    def __repr__(self) -> str:
        about = self.evidence.describe()
        return (
            f"Specimen({self.model!r}, {about['windows']} windows of {about['conversations']} held-out conversations)"
        )

    def _repr_html_(self) -> str:
        cfg, about = self.model.cfg, self.evidence.describe()
        sizes = {"layers": cfg.n_layers, "heads of each layer": cfg.n_heads, "width": cfg.d_model}
        sizes |= {"tokens known": cfg.d_vocab, "context": cfg.n_ctx}
        kinds = ("windows", "conversations", "tokens")
        line = (
            f"Specimen: {self.model!r} on {about['windows']} windows of {about['conversations']} held-out conversations"
        )
        return table_of(line, [*sizes.items(), *((f"{kind} examined", about[kind]) for kind in kinds)])
