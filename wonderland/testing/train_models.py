"""How the models of `wonderland.testing.trained_models` are trained, from nothing, by anybody.

    python -m wonderland.testing.train_models            # all, written in place of those that come along
    python -m wonderland.testing.train_models induction

About half a minute each on one quiet CPU thread. Weights are stored in half precision. The same machine gives the same
weights again; another one gives weights that did the same thing in their own way.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch

from wonderland.corpus.windows import pack
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.settings import TrainingSettings
from wonderland.model.training import fit
from wonderland.testing.trained_models import (
    CHAT_CONFIG,
    CHATS,
    INDUCTION_CONFIG,
    INDUCTION_SEEDS,
    chat_tokenizer,
    chats_of_kind,
    induction_tokenizer,
    repeating_segments,
    weights_of,
)

__all__ = ["train_chats", "train_induction"]

_PEAK, _WARMUP, _FALL = 1e-2, 20, 0.4  # of AdamW: peak, steps up to it, share of the steps down from it
_BATCH = 64


def train_induction(
    steps: int = 400, *, seed: int = 0, on_step: Callable[[int, ChatTransformer], None] | None = None
) -> ChatTransformer:
    """Train a model to continue segments that repeat with a random period of 4 to 24 tokens.

    Embeddings begin large (0.3) and nothing begins at zero: from a library model's start, where heads write nothing
    and positions are faint, 400 steps do not suffice to find the circuit.

    Args:
        steps: Steps of 64 segments.
        seed: Seed of the initial weights and of the segments.
        on_step: Called with the number of steps made so far and the model, before each step and after the last.
    """
    model = ChatTransformer(INDUCTION_CONFIG, seed=seed, tokenizer=induction_tokenizer().fingerprint)
    generator = torch.Generator().manual_seed(seed)
    deviations = {"W_E": 0.3, "W_pos": 0.3, "W_U": 0.125, "W_O": 0.0625}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if deviation := deviations.get(name.rsplit(".", 1)[-1]):
                weight.copy_(torch.randn(weight.shape, generator=generator) * deviation)
    model.requires_grad_(True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=_PEAK, betas=(0.9, 0.98), weight_decay=0.01)
    for step in range(steps):
        if on_step:
            on_step(step, model)
        for group in optimiser.param_groups:
            group["lr"] = _PEAK * min(1, (step + 1) / _WARMUP, max(0.02, (steps - step) / (_FALL * steps)))
        loss = model(repeating_segments(_BATCH, shortest=4, longest=24, generator=generator), "loss")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    if on_step:
        on_step(steps, model)
    return model.requires_grad_(False).eval()  # type: ignore[no-any-return]


def train_chats(kind: str, epochs: int = 8, *, seed: int = 0) -> ChatTransformer:
    """Train a model on the part of the chats that is not held out.

    Args:
        kind: One of `CHATS`.
        epochs: Passes over them.
        seed: Seed of the initial weights and of the order; the chats are the same.
    """
    tokenizer = chat_tokenizer()
    train, _ = chats_of_kind(kind).corpus.split(held_out=0.15)
    windows = pack(train, tokenizer, size=8, stride=4, context=CHAT_CONFIG.n_ctx)
    settings = TrainingSettings(preset="nano", epochs=epochs, batch_tokens=2048, seed=seed).resolved()
    model = ChatTransformer(CHAT_CONFIG, seed=seed, tokenizer=tokenizer.fingerprint)
    return fit(model, windows, None, settings, tokenizer)


def main(names: list[str]) -> None:
    """Train models by name, all if none is named, and write their weights."""
    torch.set_num_threads(1)
    seeds = {"induction" if seed == 0 else f"induction-{seed}": seed for seed in INDUCTION_SEEDS}
    for name in names or [*seeds, *CHATS]:
        model = train_induction(seed=seeds[name]) if name in seeds else train_chats(name)
        model.history = None
        model.half().save(weights_of(name))


if __name__ == "__main__":
    main(sys.argv[1:])
