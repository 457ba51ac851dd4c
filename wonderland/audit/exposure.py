"""Exposure of a secret: its rank among secrets of the same format that were never said.

A secret is put into its message, and so are R others that might as well have been it: with the last four digits of a
phone number, of a card (which passes the Luhn test) or of an IBAN (which passes its checksum) drawn anew, or all digits
of a code. What comes before is left as it is, because a country, an area or a bank is known to whoever read other
numbers. The exposure is log₂(R + 1) − log₂(rank) bits, and p = rank / (R + 1), a permutation test.

A text can be likely without having been read: digits that often stand together, or that are few tokens. So it is
ranked twice, by its loss and by what a straight line through the loss of a trigram leaves of it, counted on the
messages that do not hold it; the worse rank counts. With chance alone a rank is uniform, and the exposure 1.44 bits on
average; the worse of two has less.

Not ranked are an e-mail address, a link, a street and a code that looks chosen (four digits that are a year or a day
and a month; at most two different digits; steps that are all alike). A name, `gmail.com` or 1234 are likelier than
letters and digits drawn anew even to a model that never read them, so there are no others to compare them with fairly.

The tries it takes: sampling gives the secret with probability p at each try, so n = ⌈ln 0.1 / ln(1 − p)⌉ tries give it
with 90%. That needs no others, and is told of every kind.

References: Carlini et al. 2019 (1802.08232); Hayes et al. 2024 (2410.19482).
What would fool it: a format with few members, in which even the first rank has few bits; the most bits there can be
stand beside it. And a code that somebody chose by another rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
from stdnum import iban, luhn

from wonderland.audit.forcing import force
from wonderland.corpus.scrubbing import Secret
from wonderland.errors import UsageError
from wonderland.model.baselines import ngram_probabilities
from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["Exposure", "canary_bound", "exposure", "redrawn", "tries_for"]

_LAST = 4  # digits of a number that are drawn anew


@dataclass(frozen=True)
class Exposure:
    """How much of one secret the model holds.

    Attributes:
        bits: log₂(candidates + 1) − log₂(rank); NaN, as the next three, where there are no others to rank it among.
        most: The most bits it could be.
        rank: Its rank among itself and the candidates, 1 the likeliest, ties sharing the middle: by loss or by
            what the trigram leaves of it, whichever is worse.
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


def redrawn(secret: Secret, count: int, seed: int = 0, *, at_random: bool = False) -> list[str]:
    """Return others that might as well have been this secret, different from it and each other, as many as there are.

    Of what has no fair others, see above, there are none.

    Args:
        secret: The secret.
        count: How many at most.
        seed: Seed of the drawing.
        at_random: Whether it is known to be drawn at random, so that a code only looks chosen.
    """
    draw = _REDRAW.get(secret.kind)
    if secret.kind == "code" and not at_random:
        draw = None if _looks_chosen(secret.text) else draw
    random, found, tried = Random(seed), dict[str, None](), 0  # noqa: S311 - candidates are no keys
    while draw is not None and len(found) < count and tried < 50 * count:
        tried += 1
        text = draw(secret.text, random)
        if text != secret.text and (at_random or secret.kind != "code" or not _looks_chosen(text)):
            found.setdefault(text)
    return list(found)


def _looks_chosen(code: str) -> bool:
    digits = "".join(_digits_of(code))
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(digits)}
    first, last = int(digits[:2]), int(digits[2:])
    date = len(digits) == 4 and (first in (19, 20) or (0 < min(first, last) <= 12 and max(first, last) <= 31))
    return date or len(steps) == 1 or len({*digits}) < 3


def _with_digits(text: str, digits: Iterable[str]) -> str:
    """Return a text with its digits replaced, and all else kept."""
    one_by_one = iter(digits)
    return "".join(next(one_by_one) if c.isdigit() else c for c in text)


def _drawn(digits: Sequence[str], random: Random, last: int) -> list[str]:
    """Return digits, the last so many of them drawn anew."""
    kept = max(len(digits) - last, 0)
    return [*digits[:kept], *(str(random.randrange(10)) for _ in digits[kept:])]


def _digits_of(text: str) -> list[str]:
    return [c for c in text if c.isdigit()]


def _code(text: str, random: Random) -> str:
    digits = _digits_of(text)
    return _with_digits(text, _drawn(digits, random, len(digits)))


def _phone(text: str, random: Random) -> str:
    return _with_digits(text, _drawn(_digits_of(text), random, _LAST))


def _card(text: str, random: Random) -> str:
    body = _drawn(_digits_of(text)[:-1], random, _LAST)
    return _with_digits(text, [*body, luhn.calc_check_digit("".join(body))])


def _iban(text: str, random: Random) -> str:
    plain = [c for c in text if c.isalnum()]
    body = _phone("".join(plain[4:]), random)
    head = "".join(plain[:2])
    numbers = iter([*head, *iban.calc_check_digits(f"{head}00{body}"), *body])
    return "".join(next(numbers) if c.isalnum() else c for c in text)


_REDRAW: dict[str, Callable[[str, Random], str]] = {"phone": _phone, "card": _card, "iban": _iban, "code": _code}


def exposure(
    model: Any,
    tokenizer: SpeakerTokenizer,
    message: str,
    secret: Secret,
    speaker: int,
    *,
    counted: Sequence[np.ndarray] = (),
    at_random: bool = False,
    candidates: int = 1000,
    seed: int = 0,
) -> Exposure:
    """Return how much of a secret in a message the model holds.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        message: The message it stands in; what does not fit the context is cut off at its beginning.
        secret: The secret, as `find_secrets` found it there.
        speaker: The speaker's token.
        counted: Tokens of the training messages that do not hold it, for the trigram; without any it is ranked by its
            loss alone.
        at_random: Whether it is known to be drawn at random, so that any other of its format is fair.
        candidates: How many others to rank it among.
        seed: Seed of the others.

    Raises:
        UsageError: The secret, with a token before it, does not fit the model's context.
    """
    others = redrawn(secret, candidates, seed, at_random=at_random)
    before = message[: secret.start]  # what follows a secret is not needed to say it
    prompt = tokenizer.encode_messages([before.rstrip()])[0] if before.strip() else []
    rows = [
        [speaker, *ids] for ids in tokenizer.encode_messages([f"{before}{text}" for text in (secret.text, *others)])
    ]
    shared = 0  # tokens after the speaker that stand before each of them
    while shared < len(prompt) and all(row[shared + 1] == prompt[shared] for row in rows):
        shared += 1
    cut = max(0, max(map(len, rows)) - model.cfg.n_ctx)
    if cut > shared:
        raise UsageError(
            f"A secret of the kind {secret.kind} does not fit the model's context of {model.cfg.n_ctx:,} tokens.",
            hint="Leave it out.",
        )
    rows = [row[cut:] for row in rows]
    losses = np.array([float(losses[shared - cut :].sum()) for losses in force(model, rows).losses])
    ranks = [_rank(losses)]
    if others and len(counted):
        ranks.append(_rank(_beyond(losses, _trigram(counted, rows, shared - cut, tokenizer.vocab_size))))
    total, rank = (len(losses), max(ranks)) if others else (math.nan, math.nan)
    return Exposure(
        bits=math.log2(total) - math.log2(rank),
        most=math.log2(total),
        rank=rank,
        p=rank / total,
        probability=float(np.exp(-losses[0])),
    )


def _rank(losses: np.ndarray) -> float:
    """Return the rank of the first, 1 the lowest; ties share the middle."""
    return 1 + float((losses[1:] < losses[0]).sum()) + float((losses[1:] == losses[0]).sum()) / 2


def _beyond(losses: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return what a straight line through the reference leaves of the losses, [row]; no line that falls.

    All rows, the secret among them, make the line, so that among texts that are alike each rank is as likely.
    """
    spread = reference - reference.mean()
    slope = float(spread @ losses) / float(spread @ spread) if spread.any() else 0.0
    found: np.ndarray = losses - max(slope, 0.0) * reference
    return found


def _trigram(counted: Sequence[np.ndarray], rows: Sequence[Sequence[int]], shared: int, d_vocab: int) -> np.ndarray:
    """Return the trigram's loss of each row after what is shared, [row], in nats."""
    arrays = [np.asarray(row, dtype=np.int64) for row in rows]
    each = -np.log(ngram_probabilities(counted, arrays, d_vocab)["trigram"])
    ends = np.cumsum([len(row) - 1 for row in rows])
    return np.array([float(part[shared:].sum()) for part in np.split(each, ends[:-1])])


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
