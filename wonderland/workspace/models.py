"""Training models and opening them: the one of the workspace, those of other seeds, and those kept on the way."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wonderland.advice import Command, Hint
from wonderland.corpus.corpus import Corpus
from wonderland.errors import InputError
from wonderland.model.processes import is_main
from wonderland.tokenizer import SpeakerTokenizer
from wonderland.workspace.layout import CHECKPOINT, MODEL, Layout
from wonderland.workspace.locking import alone
from wonderland.workspace.stage import Stage, guarding

if TYPE_CHECKING:
    from wonderland.model.chat_transformer import ChatTransformer
    from wonderland.model.training import Progress

__all__ = ["load_model", "load_tokenizer", "snapshots", "train", "trained_seeds"]

_SAMPLES = "samples.json"
_SEED = re.compile(r"seed-(\d+)")
_SNAPSHOT = re.compile(r"tokens-(\d+)\.safetensors")


def train(
    layout: Layout,
    parts: Callable[[], tuple[Corpus, Corpus]],
    on_progress: Callable[[Progress], None] | None,
    device: str | None,
    seed: int | None,
) -> ChatTransformer:
    """Train a model, or go on training it, unless that is done; see `Workspace.train`.

    Args:
        layout: The workspace.
        parts: Returns the training part and the held-out part.
        on_progress: Called after each step.
        device: "cpu", "cuda" or "mps"; the fastest there is if None.
        seed: Train the model of this seed, in its own place, instead of the workspace's.
    """
    from wonderland.model import chat_transformer

    chosen = layout.settings.training if seed is None else replace(layout.settings.training, seed=seed)
    stage = layout.stage("model") if seed is None else layout.seed_stage(seed)
    tokenizer = layout.done("tokenizer", "tokenize").read(load_tokenizer)
    for same in (stage, layout.seed_stage(chosen.seed), layout.stage("model")):
        if same.key == stage.key and same.done:
            if same != stage and is_main():
                with stage.writing() as folder:
                    for name in (MODEL, _SAMPLES):
                        if (same.folder / name).exists():
                            shutil.copyfile(same.folder / name, folder / name)
            return _open(same, tokenizer)
    train_part, held_out = parts()
    folder_of_seeds = layout.folder / "models"
    checkpoint = layout.folder / CHECKPOINT if seed is None else folder_of_seeds / f"seed-{seed}.checkpoint"
    if seed is not None:
        with guarding(folder_of_seeds):
            folder_of_seeds.mkdir(exist_ok=True, mode=0o700)
    kept = layout.snapshots_stage(chosen.seed)
    lock = checkpoint.with_name(f"{checkpoint.name}.lock")
    with alone(lock, "trains this model") if is_main() else contextlib.nullcontext():
        if is_main() and chosen.snapshots:
            kept.unseal()
        model: ChatTransformer = chat_transformer.train(
            train_part,
            tokenizer,
            held_out=held_out,
            checkpoint=checkpoint,
            snapshots_in=kept.folder,
            on_progress=on_progress,
            device=device,
            **asdict(chosen),
        )
        if is_main():
            with stage.writing() as folder:
                model.save(folder / MODEL)
                if model.history is not None:  # beside the weights, which may leave the workspace
                    (folder / _SAMPLES).write_text(json.dumps(model.history.samples), encoding="utf-8")
            if chosen.snapshots:
                kept.seal(kept.folder)
            with contextlib.suppress(OSError):
                checkpoint.unlink()
    return model


def load_tokenizer(folder: Path) -> SpeakerTokenizer:
    """Read the tokenizer in the folder of its stage."""
    return SpeakerTokenizer.load(folder / "tokenizer.json")


def load_model(
    layout: Layout, seed: int | None = None, snapshot: int | None = None
) -> tuple[ChatTransformer, SpeakerTokenizer]:
    """Return a trained model and its tokenizer; see `Workspace.specimen`."""
    from wonderland.model.chat_transformer import ChatTransformer

    tokenizer = layout.done("tokenizer", "tokenize").read(load_tokenizer)
    if snapshot is not None:
        kept = snapshots(layout, seed)
        if snapshot not in kept:
            raise InputError(
                f"No model was kept after {snapshot:,} tokens.",
                hint=f"Kept are those after {', '.join(map(str, kept))} tokens.",
            )
        return ChatTransformer.load(kept[snapshot], tokenizer), tokenizer
    first = layout.settings.training.seed
    if seed is None or (seed == first and layout.stage("model").done):
        return _open(layout.done("model", "train"), tokenizer), tokenizer
    stage = layout.seed_stage(seed)
    if not stage.done:
        how = Command("train", seeds=seed - first + 1) if seed >= first else Command("train", seed=seed)
        raise InputError(f"The model of seed {seed} is {stage.state()}.", hint=Hint("Train it: ", how))
    return _open(stage, tokenizer), tokenizer


def snapshots(layout: Layout, seed: int | None = None) -> dict[int, Path]:
    """Return the models kept on the way to the one of a seed, by the tokens they had seen.

    Raises:
        InputError: There are none, or they were kept on the way to a model of other settings.
    """
    chosen = layout.settings.training.seed if seed is None else seed
    stage = layout.snapshots_stage(chosen)
    state = stage.state()
    if state != "done":
        raise InputError(
            f"No model was kept on the way to the one of seed {chosen}."
            if state == "missing"
            else f"The models kept on the way to the one of seed {chosen} are {state}: of another run, or of one that "
            "was not finished.",
            hint=Hint("Keep some while training, for example: ", Command("train", snapshots=10)),
        )
    found = {int(m[1]): path for path in stage.folder.iterdir() if (m := _SNAPSHOT.fullmatch(path.name))}
    return dict(sorted(found.items()))


def trained_seeds(layout: Layout) -> dict[int, str]:
    """Return the keys of the models there are of the settings of now, by their seed, in order."""
    found = {int(m[1]) for path in (layout.folder / "models").glob("seed-*") if (m := _SEED.fullmatch(path.name))}
    states = {seed: layout.seed_stage(seed).state() for seed in sorted(found)}
    if damaged := [seed for seed, state in states.items() if state == "damaged"]:
        place = layout.seed_stage(damaged[0]).folder
        raise InputError(
            f"The model of seed {damaged[0]} is damaged: {place}.", hint="Delete that folder and train it again."
        )
    keys = {seed: layout.seed_stage(seed).key for seed, state in states.items() if state == "done"}
    first, own = layout.settings.training.seed, layout.stage("model")
    return dict(sorted({**keys, **({first: own.key} if own.done else {})}.items()))


def _open(stage: Stage, tokenizer: SpeakerTokenizer) -> ChatTransformer:
    return stage.read(lambda folder: _load(folder, tokenizer))


def _load(folder: Path, tokenizer: SpeakerTokenizer) -> ChatTransformer:
    from wonderland.model.chat_transformer import ChatTransformer

    model = ChatTransformer.load(folder / MODEL, tokenizer)
    if model.history is not None and (folder / _SAMPLES).exists():
        model.history = model.history.with_samples(json.loads((folder / _SAMPLES).read_text(encoding="utf-8")))
    return model
