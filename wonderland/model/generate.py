"""Sampling as me or as them, with the probability of every token.

What would fool it: reading one sample as the model's voice. A sample is one draw; its tokens' probabilities say how
much else it could have said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wonderland.advice import Command, Hint
from wonderland.errors import InputError, UsageError, must_be
from wonderland.model.transformer import Transformer
from wonderland.tokenizer import END, ME, PAD, SEP, THEM, SpeakerTokenizer

__all__ = ["SPEAKERS", "Sampled", "continued", "generate"]

SPEAKERS = {"me": ME, "them": THEM}
"""The speaker token of each speaker."""
_COLDEST, _HOTTEST = 1e-3, 1e30


@dataclass(frozen=True)
class Sampled:
    """A continuation and how likely each of its tokens was.

    Attributes:
        text: What was generated, without specials at its ends.
        prompt: Tokens of the prompt, speaker included.
        tokens: Tokens generated.
        probabilities: Probability of each generated token under the model, before temperature and cut-offs.
        finished: Whether the messages ended by themselves, not by ``max_tokens`` or the context. A message ends with
            ``<|sep|>``, with the conversation, or where a speaker token is drawn within it.
    """

    text: str
    prompt: list[int]
    tokens: list[int]
    probabilities: list[float]
    finished: bool

    def __str__(self) -> str:
        return self.text


def generate(
    model: Transformer,
    tokenizer: SpeakerTokenizer,
    prompt: str = "",
    *,
    speaker: str = "me",
    messages: int = 1,
    max_tokens: int = 60,
    temperature: float = 0.9,
    top_k: int = 0,
    top_p: float = 0.95,
    seed: int = 0,
) -> Sampled:
    """Continue a conversation.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        prompt: The conversation so far, with special tokens; empty to start one. If its last message is by ``speaker``
            and not closed by ``<|sep|>``, it is continued; else ``speaker`` answers.
        speaker: Who speaks first: "me" or "them".
        messages: Messages to generate; after the first, the model chooses who speaks.
        max_tokens: Most tokens to generate.
        temperature: Divides the logits; 0 takes the likeliest token each time.
        top_k: Sample among so many likeliest tokens only; 0 for all.
        top_p: Sample among the likeliest tokens that together have this probability.
        seed: Seed of the sampling.

    Raises:
        UsageError: The speaker is unknown, a number is out of range, or the prompt leaves no room in the context.
        InputError: The model's answers are not finite numbers.
    """
    example = 'For example: model.generate(tokenizer, "<|them|> are you free tomorrow?")'
    if not hasattr(tokenizer, "encode_prompt"):
        raise UsageError(
            f"The tokenizer comes first and then the prompt, not {type(tokenizer).__name__}.", hint=example
        )
    must_be(prompt, str, "a prompt is text", example)
    if speaker not in SPEAKERS:
        raise UsageError(f"The speaker is 'me' or 'them', not {speaker!r}.", hint="For example: speaker='them'")
    start = _opening(tokenizer, prompt, SPEAKERS[speaker])
    return continued(
        model,
        tokenizer,
        start,
        messages=messages,
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
    )


@torch.no_grad()
def continued(
    model: Transformer,
    tokenizer: SpeakerTokenizer,
    start: list[int],
    *,
    messages: int = 1,
    max_tokens: int = 60,
    temperature: float = 0.9,
    top_k: int = 0,
    top_p: float = 0.95,
    seed: int = 0,
) -> Sampled:
    """Continue tokens; the arguments are those of `generate`.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        start: The tokens so far, the token of who speaks next among them.
        messages: Messages to generate.
        max_tokens: Most tokens to generate.
        temperature: Divides the logits.
        top_k: Sample among so many likeliest tokens only; 0 for all.
        top_p: Sample among the likeliest tokens that together have this probability.
        seed: Seed of the sampling.

    Raises:
        UsageError: A number is out of range, or the tokens leave no room in the context.
        InputError: The model's answers are not finite numbers.
    """
    if not (temperature == 0 or _COLDEST <= temperature <= _HOTTEST):  # NaN too
        raise UsageError(
            f"The temperature is 0, or from {_COLDEST:g} to {_HOTTEST:g}, not {temperature:g}: nearer to 0 the logits "
            "overflow, and above all tokens are equally likely.",
            hint="0 takes the likeliest token each time; 1 samples as the model says.",
        )
    if not 0 < top_p <= 1:
        raise UsageError(f"top_p is over 0 and at most 1, not {top_p:g}.", hint="top_p=1 leaves no token out.")
    for name, value, least in (
        ("top_k", top_k, 0),
        ("seed", seed, 0),
        ("messages", messages, 1),
        ("max_tokens", max_tokens, 1),
    ):
        if value < least:
            raise UsageError(f"{name} is at least {least}, not {value}.", hint=f"For example: {name}={least}")
    if len(start) >= model.cfg.n_ctx:
        raise UsageError(
            f"The prompt has {len(start)} tokens; the model's context is {model.cfg.n_ctx}.", hint="Shorten it."
        )
    generator = torch.Generator().manual_seed(seed)
    tokens, probabilities, left = list(start), list[float](), messages
    while left and len(tokens) - len(start) < max_tokens and len(tokens) < model.cfg.n_ctx:
        logits = model(torch.tensor([tokens], device=model.device))[0, -1].float().cpu()
        if not math.isfinite(float(logits.max())):  # of NaN the largest is NaN; −inf alone is a token never said
            raise InputError(
                "The model's answers are not finite numbers, so nothing can be chosen among them.",
                hint=Hint("It was damaged, or its training diverged. Train it again: ", Command("train")),
            )
        logits[PAD] = float("-inf")
        token = _sample(logits, temperature, top_k, top_p, generator)
        probabilities.append(float(logits.softmax(-1)[token]))
        # Somebody else who begins to speak ends a message, too: after <|sep|> that is how the next one begins.
        left -= token in (SEP, END) or (token in (ME, THEM) and tokens[-1] != SEP)
        tokens.append(token)
        if token == END:
            break
    new = tokens[len(start) :]
    spoken = new[:-1] if new and new[-1] in (SEP, END, ME, THEM) else new
    ended = not left or new[-1] == END
    return Sampled(tokenizer.decode(spoken).strip(), start, new, probabilities, finished=ended)


def _opening(tokenizer: SpeakerTokenizer, prompt: str, speaker: int) -> list[int]:
    tokens = tokenizer.encode_prompt(prompt.strip())
    if tokens and tokens[0] not in (ME, THEM):
        raise UsageError(
            "A prompt begins with a speaker, for example: <|them|> are you free tomorrow?",
            hint="Begin it with <|me|> or <|them|>.",
        )
    if tokens and tokens[-1] in (SEP, END):
        return [*tokens[:-1], SEP, speaker]
    latest = next((token for token in reversed(tokens) if token in (ME, THEM)), None)
    if latest is None or latest == speaker:
        return tokens or [speaker]
    return [*tokens, SEP, speaker]


def _sample(logits: Tensor, temperature: float, top_k: int, top_p: float, generator: torch.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    probabilities = (logits / temperature).softmax(-1)
    ordered, tokens = probabilities.sort(descending=True)
    if top_k:
        ordered[top_k:] = 0
    ordered[(ordered.cumsum(0) - ordered) >= top_p] = 0
    return int(tokens[torch.multinomial(ordered, 1, generator=generator)])
