"""ChatTransformer: a transformer over speaker tokens that trains, speaks and goes to TransformerLens and back.

What it computes is `wonderland.model.transformer.Transformer`; the training loop, sampling and the conversion are
modules of their own that know that class only. This one puts them together.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar, overload

from torch import nn

from wonderland.corpus.canaries import with_canaries
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.windows import pack
from wonderland.errors import UsageError, must_be
from wonderland.model.baselines import baseline_losses
from wonderland.model.engine import Engine
from wonderland.model.generate import Sampled, generate
from wonderland.model.history import History
from wonderland.model.notebook import training_display
from wonderland.model.presets import preset
from wonderland.model.settings import TrainingSettings
from wonderland.model.training import Progress, bytes_per_token, fit
from wonderland.model.transformer import Transformer
from wonderland.nearby import near_of
from wonderland.tokenizer import SpeakerTokenizer

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

__all__ = ["ChatTransformer", "train"]

P = ParamSpec("P")
R = TypeVar("R")


def train(
    corpus: Corpus,
    tokenizer: SpeakerTokenizer,
    *,
    held_out: Corpus | None = None,
    checkpoint: str | Path | None = None,
    snapshots_in: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    device: str | None = None,
    **settings: Any,
) -> ChatTransformer:
    """Train a model from scratch.

    Args:
        corpus: What to train on.
        tokenizer: Its tokenizer.
        held_out: Conversations to measure the loss on after each epoch, with n-gram baselines.
        checkpoint: File to save the run's state to and to resume it from.
        snapshots_in: Folder for the models kept along the way, if the settings ask for ``snapshots``.
        on_progress: Called after each step; of several processes, in the first. By default a notebook shows a bar.
        device: "cpu", "cuda" or "mps"; the fastest there is by default.
        **settings: Fields of `TrainingSettings`: preset, epochs, seed, …

    Returns:
        The trained model with its ``history``: of the epoch with the lowest held-out loss, if there is one.

    Raises:
        NotEnoughData: The corpus has no window of two tokens.
        UsageError: A setting does not exist or is out of range.
        Interrupted: Stopped by Ctrl-C or SIGTERM, with the state saved.
        ResourceError: Out of memory or disk, or another process of the run is gone (`ProcessLost`).
    """
    must_be(corpus, Corpus, "a model is trained on a Corpus", "Read one: wl.Corpus.read(PATH)")
    must_be(tokenizer, SpeakerTokenizer, "a model needs a SpeakerTokenizer", "wl.SpeakerTokenizer.train(corpus)")
    known = TrainingSettings.__dataclass_fields__
    for name in settings:
        if name not in known:
            hint = near_of(name, known, f"Settings: {', '.join(known)}.")
            raise UsageError(f"There is no training setting {name!r}.", hint=hint)
    chosen = TrainingSettings(**settings).resolved()
    context = preset(chosen.preset).config.n_ctx
    layout = {"size": chosen.window_size, "context": context}
    windows = pack(with_canaries(corpus, chosen.canaries, chosen.seed), tokenizer, stride=chosen.stride, **layout)
    engine = Engine(device, chosen.precision)
    model: ChatTransformer = ChatTransformer.from_preset(chosen.preset, tokenizer, seed=chosen.seed).to(engine.device)
    evidence = pack(held_out, tokenizer, stride=chosen.window_size, **layout) if held_out is not None else None
    history = History(
        settings=asdict(chosen),
        train_bytes_per_token=bytes_per_token(windows, tokenizer),
        text_tokens=windows.facts["tokens"],
    )
    if evidence is not None:
        apart = pack(corpus, tokenizer, stride=chosen.window_size, **layout)
        history.baselines = baseline_losses(apart, evidence, tokenizer.vocab_size)
        history.bytes_per_token = bytes_per_token(evidence, tokenizer)
    model.history = history
    return fit(
        model,
        windows,
        evidence,
        chosen,
        tokenizer,
        engine=engine,
        checkpoint=checkpoint,
        snapshots=snapshots_in,
        on_progress=on_progress or training_display(),
    )


class _Trains(Generic[P, R]):
    """A function of the class that leaves ``model.train(mode)``, PyTorch's switch of modes, to its instances."""

    def __init__(self, function: Callable[P, R]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, model: None, owner: type) -> Callable[P, R]: ...

    @overload
    def __get__(self, model: nn.Module, owner: type) -> Callable[[bool], nn.Module]: ...

    def __get__(self, model: nn.Module | None, owner: type) -> Callable[P, R] | Callable[..., nn.Module]:
        """Return the function, or of a model its switch of modes."""
        return self._function if model is None else nn.Module.train.__get__(model)


class ChatTransformer(Transformer):
    """A transformer over speaker tokens. Make one with `train`, `load`, or from a preset's configuration.

    Weights, forward pass, saving and loading are those of `wonderland.model.transformer.Transformer`.

    Args:
        cfg: Its shape.
        seed: Seed of the initial weights.
        tokenizer: Fingerprint of the tokenizer it belongs to, if any.
    """

    train = _Trains(train)

    def generate(self, tokenizer: SpeakerTokenizer, prompt: str = "", **options: Any) -> Sampled:
        """Continue a prompt as me or as them; see `wonderland.model.generate.generate` for the options."""
        known = [*inspect.signature(generate).parameters][3:]
        for name in options:
            if name not in known:
                hint = near_of(name, known, f"There are: {', '.join(known)}.")
                raise UsageError(f"What is generated has no option {name!r}.", hint=hint)
        return generate(self, tokenizer, prompt, **options)

    def to_transformer_lens(self) -> TransformerBridge:
        """Return the model as a TransformerLens ``TransformerBridge`` with the same logits."""
        from wonderland.model.bridge import to_transformer_lens

        return to_transformer_lens(self)

    @classmethod
    def from_transformer_lens(cls, bridge: TransformerBridge) -> Self:
        """Return a TransformerLens bridge of the GPT-2 family as a model, with the same logits.

        Raises:
            Unsupported: It is of another architecture; a `Specimen` takes the bridge itself.
        """
        from wonderland.model.bridge import from_transformer_lens

        return from_transformer_lens(bridge, cls)
