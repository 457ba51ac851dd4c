"""What the model says at every token of a message that is put before it, alone behind its speaker.

One pass with the right tokens given gives everything an audit of messages needs: the loss of each token, and whether
it was the model's first choice. A message whose tokens from the k-th on were all first choices is exactly one that
greedy decoding continues word for word from its first k tokens, so nothing has to be generated.

A message that does not fit the context is refused: of a part of it nothing can be said of the whole.

Cost: the messages of one length are rows of a batch; 7,500 messages of the demo take half a minute on two cores.
What would fool it: a context that is unlike the training windows hides memory, and a window can bring it back; both
are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from wonderland.errors import UsageError
from wonderland.tokenizer import ME, SEP, THEM, SpeakerTokenizer

__all__ = ["Forced", "force", "spoken"]

_TOKENS = 4096  # of one batch


@dataclass(frozen=True)
class Forced:
    """Losses and first choices of messages.

    Attributes:
        losses: For each message, the loss of each token after the speaker, in nats, [token].
        first: For each message, whether each token was the likeliest, [token].
    """

    losses: Sequence[np.ndarray]
    first: Sequence[np.ndarray]

    def __len__(self) -> int:
        return len(self.losses)

    def mean_losses(self) -> np.ndarray:
        """Return the mean loss of each message, in nats a token, [message]."""
        return np.array([float(losses.mean()) for losses in self.losses])

    def completed(self, prompt: int, least: int) -> np.ndarray:
        """Return which messages greedy decoding gives word for word, [message], NaN for those that are too short.

        Args:
            prompt: How many of a message's first tokens are given.
            least: How many tokens must be left.
        """
        return np.array(
            [float(first[prompt:].all()) if len(first) >= prompt + least else np.nan for first in self.first]
        )

    def suffix_probability(self, prompt: int, least: int) -> np.ndarray:
        """Return the probability that sampling gives the rest of each message, [message], NaN for those too short.

        The (n, p) reading of it: n tries give the rest with probability 1 − (1 − it)ⁿ (2410.19482).
        """
        return np.array(
            [
                float(np.exp(-losses[prompt:].sum())) if len(losses) >= prompt + least else np.nan
                for losses in self.losses
            ]
        )


def spoken(tokenizer: SpeakerTokenizer, texts: Sequence[str], is_from_me: Sequence[bool]) -> list[list[int]]:
    """Return messages as the windows hold them: the speaker, the text after a space, the separator."""
    encoded = tokenizer.encode_messages(texts)
    return [[ME if me else THEM, *ids, SEP] for ids, me in zip(encoded, is_from_me, strict=True)]


@torch.no_grad()
def force(model: Any, rows: Sequence[Sequence[int]], contexts: Sequence[Sequence[int]] | None = None) -> Forced:
    """Put messages before the model, the right tokens given.

    Args:
        model: The model.
        rows: Tokens of each message, the speaker first.
        contexts: Tokens that stand before each message; what does not fit is cut off at their beginning.

    Returns:
        Losses and first choices of every token after the speaker.

    Raises:
        UsageError: A message has more tokens than the context.
    """
    limit = model.cfg.n_ctx
    longest = max(map(len, rows), default=0)
    if longest > limit:
        raise UsageError(
            f"A message of {longest:,} tokens does not fit the model's context of {limit:,}.",
            hint="Leave out messages that are longer than the context.",
        )
    whole, begins = [], []
    for i, row in enumerate(rows):
        before = list(contexts[i])[-(limit - len(row)) :] if contexts is not None and len(row) < limit else []
        whole.append([*before, *row])
        begins.append(len(before))
    order = sorted(range(len(whole)), key=lambda i: len(whole[i]))
    losses: list[np.ndarray] = [np.zeros(0)] * len(whole)
    first: list[np.ndarray] = [np.zeros(0, dtype=bool)] * len(whole)
    for some in _batches(order, [len(row) for row in whole]):
        length = len(whole[some[-1]])
        tokens = torch.zeros(len(some), length, dtype=torch.long)
        for r, i in enumerate(some):
            tokens[r, : len(whole[i])] = torch.tensor(whole[i])
        logits = model(tokens.to(model.device))[:, :-1].float()
        right = tokens[:, 1:].to(logits.device)
        chosen = logits.gather(-1, right[..., None])[..., 0]
        loss = (logits.logsumexp(-1) - chosen).double().cpu().numpy()
        best = (logits.argmax(-1) == right).cpu().numpy()
        for r, i in enumerate(some):
            at = slice(begins[i], len(whole[i]) - 1)
            losses[i], first[i] = loss[r, at].copy(), best[r, at].copy()
    return Forced(losses, first)


def _batches(order: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
    """Deal rows out in their order, so many to a batch that its tokens, padding included, fit."""
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * lengths[i] <= _TOKENS:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
