"""A conversation with a model, turn by turn: what was said so far, what of it the model still reads, and its answer.

What a person writes is encoded as text, so that nobody can type a speaker token. The model reads whole messages, the
latest first, as many as leave room for its answer; how many it no longer reads is told with each answer. The seed of
the n-th answer is the chat's seed plus n, so the same turns give the same answers.

What would fool it: taking an answer for what a person would say. It is one draw of a small model that reads a few
messages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from wonderland.advice import Hint, Options
from wonderland.errors import UsageError
from wonderland.model.generate import SPEAKERS, Sampled, continued
from wonderland.model.transformer import Transformer
from wonderland.tokenizer import SEP, SpeakerTokenizer

__all__ = ["Answer", "Chat", "Turn", "Voice"]

_OTHER = {"me": "them", "them": "me"}


@dataclass(frozen=True)
class Voice:
    """How an answer is drawn.

    Attributes:
        temperature: Divides the logits; 0 takes the likeliest token each time.
        top_k: Sample among so many likeliest tokens only; 0 for all.
        top_p: Sample among the likeliest tokens that together have this probability.
        max_tokens: Most tokens of an answer.
    """

    temperature: float = 0.9
    top_k: int = 0
    top_p: float = 0.95
    max_tokens: int = 60


@dataclass(frozen=True)
class Turn:
    """One message of a chat: who wrote it ("me" or "them"), its text, and whether the model did."""

    speaker: str
    text: str
    by_model: bool


@dataclass(frozen=True)
class Answer:
    """What the model said to the last message.

    Attributes:
        turn: The message.
        sampled: Its tokens and their probabilities.
        seed: The seed that it was drawn with.
        forgotten: Earlier messages that no longer fit the context.
        cut: Tokens of the last message that did not fit, from its beginning.
    """

    turn: Turn
    sampled: Sampled
    seed: int
    forgotten: int
    cut: int


class Chat:
    """A conversation between a person and a model.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        you: Whom the person writes as, "me" or "them"; the model answers as the other.
        voice: How answers are drawn.
        seed: Seed of the first answer.

    Attributes:
        turns: What was said so far.
        voice: How answers are drawn; it may be replaced.

    Raises:
        UsageError: There is no such speaker.
    """

    def __init__(
        self,
        model: Transformer,
        tokenizer: SpeakerTokenizer,
        *,
        you: str = "them",
        voice: Voice | None = None,
        seed: int = 0,
    ) -> None:
        self._model, self._tokenizer = model, tokenizer
        self.turns: list[Turn] = []
        self.voice = voice or Voice()
        self.you = you
        self.seed = seed

    @property
    def you(self) -> str:
        """Whom the person writes as."""
        return self._you

    @you.setter
    def you(self, speaker: str) -> None:
        if speaker not in SPEAKERS:
            raise UsageError(f"The speaker is 'me' or 'them', not {speaker!r}.", hint="For example: chat.you = 'me'")
        self._you = speaker

    @property
    def context(self) -> int:
        """How many tokens the model reads at most, its answer among them."""
        return int(self._model.cfg.n_ctx)

    @property
    def seed(self) -> int:
        """Seed of the next answer."""
        return self._seed

    @seed.setter
    def seed(self, seed: int) -> None:
        if seed < 0:
            raise UsageError(f"A seed is at least 0, not {seed}.", hint=Hint("For example: ", Options(seed=0)))
        self._seed = seed

    def set_temperature(self, temperature: float) -> None:
        """Draw what follows at another temperature."""
        self.voice = replace(self.voice, temperature=temperature)

    def say(self, text: str) -> Answer:
        """Write a message, and return what the model answers.

        Raises:
            UsageError: A number of the voice is out of range; the message is then not part of the chat.
            InputError: The model's answers are not finite numbers.
        """
        said = [*self.turns, Turn(self.you, text, False)]
        speaker = _OTHER[self.you]
        start, forgotten, cut = self._read(said, SPEAKERS[speaker])
        sampled = continued(self._model, self._tokenizer, start, seed=self.seed, **vars(self.voice))
        answer = Answer(Turn(speaker, sampled.text, True), sampled, self.seed, forgotten, cut)
        self.turns = [*said, answer.turn]
        self.seed += 1
        return answer

    def _read(self, said: list[Turn], next_speaker: int) -> tuple[list[int], int, int]:
        """Return the tokens the model reads, how many earlier messages are not among them, and what of the last."""
        context = self.context
        room = context - min(self.voice.max_tokens, context // 2) - 1  # the last is the token of who answers
        texts = self._tokenizer.encode_messages([turn.text for turn in said])
        kept: list[int] = []
        for turn, ids in zip(reversed(said), reversed(texts), strict=True):
            message = [SPEAKERS[turn.speaker], *ids, SEP]
            if len(kept) + len(message) > room:
                break
            kept = [*message, *kept]
        else:
            return [*kept, next_speaker], 0, 0
        if kept:
            left = len(said) - sum(token in SPEAKERS.values() for token in kept)
            return [*kept, next_speaker], left, 0
        ids = texts[-1]
        fits = max(room - 2, 1)
        return [SPEAKERS[said[-1].speaker], *ids[-fits:], SEP, next_speaker], len(said) - 1, len(ids) - fits
