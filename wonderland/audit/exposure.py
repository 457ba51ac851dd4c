"""Exposure of a secret: its rank among secrets of the same format that were never said.

A secret is put into its message, and so are R others of the same format, drawn anew (digits of a code; a card that
passes the Luhn test; an IBAN that passes its checksum). The exposure is log₂(R + 1) − log₂(rank) bits: with chance
alone the rank is uniform, and the exposure 1.44 bits on average. p = rank / (R + 1), a permutation test.

The tries it takes: sampling gives the secret with probability p at each try, so n = ⌈ln 0.1 / ln(1 − p)⌉ tries give it
with 90%.

References: Carlini et al. 2019 (1802.08232); Hayes et al. 2024 (2410.19482).
What would fool it: a format with few members, in which even the first rank has few bits; the most bits there can be
stand beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from string import ascii_lowercase, ascii_uppercase
from typing import Any
from unicodedata import category

import numpy as np
from stdnum import iban, luhn

from wonderland.audit.forcing import force
from wonderland.corpus.scrubbing import Secret
from wonderland.errors import UsageError
from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["Exposure", "canary_bound", "exposure", "redrawn", "tries_for"]


@dataclass(frozen=True)
class Exposure:
    """How much of one secret the model holds.

    Attributes:
        bits: log₂(candidates + 1) − log₂(rank).
        most: The most bits it could be.
        rank: Its rank among itself and the candidates, 1 the likeliest; ties share the middle.
        p: rank / (candidates + 1).
        probability: That sampling gives it after what stands before it.
    """

    bits: float
    most: float
    rank: float
    p: float
    probability: float

    @property
    def tries(self) -> float:
        """How many samples give it with 90%."""
        return tries_for(self.probability)


def tries_for(probability: float, wanted: float = 0.9) -> float:
    """Return how many independent tries give something of this probability at least once with ``wanted``."""
    if not 0 <= probability <= 1:
        raise UsageError(f"{probability} is no probability.", hint="A probability is from 0 to 1.")
    if probability == 0:
        return math.inf
    if probability == 1:
        return 1.0
    return float(math.ceil(math.log(1 - wanted) / math.log1p(-probability)))


def redrawn(secret: Secret, count: int, seed: int = 0) -> list[str]:
    """Return other secrets of the same format, each different from it and from each other, as many as there are.

    Digits are redrawn and all else kept; cards and IBANs are drawn until their check digits are right.
    """
    random, found, tried = Random(seed), dict[str, None](), 0  # noqa: S311 - candidates are no keys
    while len(found) < count and tried < 50 * count:
        tried += 1
        text = _REDRAW.get(secret.kind, _digits)(secret.text, random)
        if text != secret.text:
            found.setdefault(text)
    return list(found)


def _digits(text: str, random: Random) -> str:
    return "".join(str(random.randrange(10)) if c.isdigit() else c for c in text)


def _letters(text: str, random: Random) -> str:
    """Redraw digits and letters, keeping what stands between them and the case."""
    drawn = []
    for c in text:
        if c.isdigit():
            drawn.append(str(random.randrange(10)))
        elif c.isalpha():
            drawn.append(random.choice(_like(c)))
        else:
            drawn.append(c)
    return "".join(drawn)


def _like(letter: str) -> list[str]:
    """Return letters of the same alphabet and case."""
    if letter.isascii():
        return list(ascii_uppercase if letter.isupper() else ascii_lowercase)
    begin = ord(letter) // 32 * 32  # alphabets stand together, most of them 32 letters or fewer
    near = map(chr, range(begin, begin + 32))
    return [other for other in near if category(other) == category(letter)]


def _card(text: str, random: Random) -> str:
    digits = [c for c in text if c.isdigit()]
    body = digits[:1] + [str(random.randrange(10)) for _ in digits[1:-1]]
    numbers = iter([*body, luhn.calc_check_digit("".join(body))])
    return "".join(next(numbers) if c.isdigit() else c for c in text)


def _iban(text: str, random: Random) -> str:
    plain = [c for c in text if c.isalnum()]
    body = [str(random.randrange(10)) if c.isdigit() else c for c in plain[4:]]
    head = "".join(plain[:2])
    numbers = iter([*head, *iban.calc_check_digits(f"{head}00{''.join(body)}"), *body])
    return "".join(next(numbers) if c.isalnum() else c for c in text)


_REDRAW: dict[str, Callable[[str, Random], str]] = {"card": _card, "iban": _iban, "email": _letters, "link": _letters}


def exposure(
    model: Any,
    tokenizer: SpeakerTokenizer,
    message: str,
    secret: Secret,
    speaker: int,
    *,
    candidates: int = 1000,
    seed: int = 0,
) -> Exposure:
    """Return how much of a secret in a message the model holds.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        message: The message it stands in.
        secret: The secret, as `find_secrets` found it there.
        speaker: The speaker's token.
        candidates: How many others to rank it among.
        seed: Seed of the others.

    Raises:
        UsageError: The format has no other member.
    """
    others = redrawn(secret, candidates, seed)
    if not others:
        raise UsageError(f"There is no other {secret.kind} of the same format.", hint="Choose another secret.")
    before = message[: secret.start]  # what follows a secret is not needed to say it
    prompt = tokenizer.encode_messages([before.rstrip()])[0] if before.strip() else []
    rows = [
        [speaker, *ids] for ids in tokenizer.encode_messages([f"{before}{text}" for text in (secret.text, *others)])
    ]
    shared = 0
    while shared < len(prompt) and all(row[shared + 1] == prompt[shared] for row in rows):
        shared += 1
    losses = np.array([float(losses[shared:].sum()) for losses in force(model, rows).losses])
    rank = 1 + float((losses[1:] < losses[0]).sum()) + float((losses[1:] == losses[0]).sum()) / 2
    total = len(losses)
    return Exposure(
        bits=math.log2(total) - math.log2(rank),
        most=math.log2(total),
        rank=rank,
        p=rank / total,
        probability=float(np.exp(-losses[0])),
    )


def canary_bound(guesses: Sequence[bool], confidence: float = 0.95) -> float:
    """Return a lower bound on ε of differential privacy, from right guesses about coins of one training run.

    Each canary was inserted or not by a fair coin; an auditor guessed from the model. ε ≥ logit of the lower
    Clopper–Pearson bound of the share of right guesses (Steinke et al. 2023, 2305.08846); 0 if that is under a half.
    """
    from scipy.stats import beta

    n, right = len(guesses), int(np.sum(guesses))
    if not n or not right:
        return 0.0
    low = float(beta.ppf(1 - confidence, right, n - right + 1))
    return max(0.0, math.log(low / (1 - low))) if low < 1 else math.inf
