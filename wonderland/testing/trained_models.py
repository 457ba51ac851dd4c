"""Small trained models, of which it is known what they must have learned.

Nobody wrote their weights, so heads share their work, patterns are blurred and everything is superposed; what they had
to learn is known all the same, because their texts leave one way to predict them:

- `trained_induction_model` read random segments that repeat with a random period. Most seeds learn it by a head that
  looks at the previous token and one that looks for what came after it. Two of the eight do not: they gather tokens
  from afar and relay them (`INDUCTION_SEEDS`).
- `trained_chats` read `wonderland.testing.synthetic_chats` chats, in which only ``me`` says the nickname and answers
  repeat a word of the question; or the same chats with the speakers shuffled, or with the messages scrambled.

The weights come along (half precision); ``python -m wonderland.testing.train_models`` trains them anew. What would fool
it: another seed gives other heads. Ask for what must be there, not for a head by its number.

Reference: Olsson et al. 2022 (2209.11895), In-context Learning and Induction Heads.
"""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from string import ascii_lowercase

import torch
from torch import Tensor

from wonderland.errors import UsageError
from wonderland.lab.cohort import Cohort
from wonderland.lab.specimen import Specimen
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import Config
from wonderland.testing.handwritten import word_tokenizer
from wonderland.testing.synthetic_chats import CHAT_WORDS, SyntheticChats, synthetic_chats
from wonderland.tokenizer import SPECIALS, SpeakerTokenizer

__all__ = [
    "CHATS",
    "CHAT_CONFIG",
    "INDUCTION_CONFIG",
    "INDUCTION_SEEDS",
    "chat_tokenizer",
    "chats_of_kind",
    "induction_tokenizer",
    "repeating_segments",
    "trained_chats",
    "trained_induction_model",
    "trained_induction_seeds",
    "trained_induction_specimen",
    "weights_of",
]

INDUCTION_CONFIG = Config(2, 4, 64, 16, 1, 48, 64, attn_only=True)
"""Two layers of four heads, nothing but attention, 64 tokens, a context of 48."""
CHAT_CONFIG = Config(2, 2, 48, 24, 96, 64, len(SPECIALS) + len(CHAT_WORDS))
"""Two layers of two heads and an MLP."""
INDUCTION_SEEDS = (0, 1, 2, 3, 4, 5, 6, 7)
"""Seeds of the models that learned to continue repetitions. All do: the second copy costs 0.2 nats a token, of seed 7
0.55, where a guess costs 4.2. In six, 0, 2, 3, 4, 5 and 7, a head of the first layer gives the previous token 0.40 to
0.49 of its attention and one of the second gives 0.63 to 0.75 to what came after the earlier copy. In seeds 1 and 6
these are 0.07 and 0.11, and 0.18 and 0.28."""
CHATS = ("planted", "shuffled", "scrambled")
"""What is to be found in the chats: all of it, nothing that depends on the speaker, nothing from earlier messages."""


def weights_of(name: str) -> Path:
    """Return the file of a model's weights: "induction" (of seed 0), "induction-1" to "induction-7", or of `CHATS`."""
    return Path(__file__).parent / "weights" / f"{name}.safetensors"


@functools.cache
def induction_tokenizer() -> SpeakerTokenizer:
    """Return a tokenizer of 64 tokens: the five specials and 59 words."""
    words = itertools.chain(ascii_lowercase, map("".join, itertools.product(ascii_lowercase, repeat=2)))
    return word_tokenizer(itertools.islice(words, INDUCTION_CONFIG.d_vocab - len(SPECIALS)))


def repeating_segments(
    rows: int, *, shortest: int = 24, longest: int = 24, generator: torch.Generator | None = None
) -> Tensor:
    """Return rows of 48 tokens, each a random segment over and over, [row, pos].

    Args:
        rows: How many.
        shortest: Fewest tokens of a segment; 24 is said exactly twice.
        longest: Most tokens.
        generator: Where randomness comes from; seeded with 0 if None.
    """
    generator = generator or torch.Generator().manual_seed(0)
    period = torch.randint(shortest, longest + 1, (rows, 1), generator=generator)
    said = torch.randint(INDUCTION_CONFIG.d_vocab, (rows, INDUCTION_CONFIG.n_ctx), generator=generator)
    return said.gather(1, torch.arange(INDUCTION_CONFIG.n_ctx) % period)


@functools.cache
def trained_induction_model(seed: int = 0) -> ChatTransformer:
    """Return the model that learned to continue repetitions, of one of `INDUCTION_SEEDS`."""
    name = "induction" if seed == 0 else f"induction-{seed}"
    stored = ChatTransformer.load(weights_of(name), induction_tokenizer())
    model: ChatTransformer = stored.float()  # it is stored in half precision
    return model


@functools.cache
def trained_induction_specimen() -> Specimen:
    """Return that model on 200 rows of segments said twice."""
    return Specimen.of_tokens(trained_induction_model(), induction_tokenizer(), repeating_segments(200).tolist())


@functools.cache
def trained_induction_seeds(count: int = len(INDUCTION_SEEDS), rows: int = 100) -> Cohort:
    """Return models of several seeds that learned to continue repetitions, on rows of segments said twice.

    Args:
        count: How many, from seed 0 on.
        rows: How many rows.
    """
    first = Specimen.of_tokens(trained_induction_model(), induction_tokenizer(), repeating_segments(rows).tolist())
    members = {f"seed-{seed}": first.with_model(trained_induction_model(seed)) for seed in INDUCTION_SEEDS[:count]}
    return Cohort("seeds", members)


@functools.cache
def chat_tokenizer() -> SpeakerTokenizer:
    """Return a tokenizer of the words that are said in planted chats."""
    return word_tokenizer(CHAT_WORDS)


@functools.cache
def chats_of_kind(kind: str) -> SyntheticChats:
    """Return 400 planted chats: "planted", "shuffled" (speakers) or "scrambled" (messages)."""
    if kind not in CHATS:
        raise UsageError(f"There are no chats {kind!r}.", hint=f"Chats: {', '.join(CHATS)}.")
    chats = synthetic_chats(400)
    return chats if kind == "planted" else chats.shuffled() if kind == "shuffled" else chats.scrambled()


@functools.cache
def trained_chats(kind: str = "planted") -> Specimen:
    """Return a model on held-out chats of the kind it was trained on; see `chats_of_kind`."""
    _, held_out = chats_of_kind(kind).corpus.split(held_out=0.15)
    model = ChatTransformer.load(weights_of(kind), chat_tokenizer()).float()  # stored in half precision
    return Specimen(model, chat_tokenizer(), held_out)
