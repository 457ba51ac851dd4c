"""Which secrets stand in the training text, and which of them does the model hold? Counts and ranks, never the secret.

Each distinct secret that `wonderland.corpus.scrubbing` finds is ranked among others of its format that nobody said
(`wonderland.audit.exposure`), by its loss and by what a trigram leaves of it that has not counted the messages that
hold it. Of m ranked secrets each is one of m tests, so q is that of Benjamini and Hochberg; and there are at least 20·m
others, or the best rank could not be told from chance among so many tests.

Nothing here leaves with the text of a secret in it: a row says what kind it is and how often it was said.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wonderland.audit.exposure import canary_bound, exposure
from wonderland.corpus.canaries import Canary
from wonderland.corpus.scrubbing import Secret, find_secrets
from wonderland.errors import UsageError
from wonderland.estimate import Estimate
from wonderland.lab.stats import benjamini_hochberg
from wonderland.tokenizer import ME, THEM, SpeakerTokenizer

__all__ = ["NOT_RANKED", "Said", "canaries_told", "distinct", "exposures", "is_ranked", "kinds_in", "tries_told"]

NOT_RANKED = "not ranked: no fair other text"
_NULL = 1 / math.log(2)  # bits: the mean of −log₂ of a uniform rank


@dataclass(frozen=True)
class Said:
    """A secret, the first message it stands in, and how often it was said. Its text is never printed."""

    secret: Secret
    message: str
    mine: bool
    times: int

    def __repr__(self) -> str:
        return f"Said({self.secret!r}, {self.times} times)"


def kinds_in(texts: Iterable[str], country: str | None = None) -> dict[str, int]:
    """Count secrets by kind."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(secret.kind for secret in find_secrets(text, country))
    return dict(sorted(found.items()))


def distinct(texts: Sequence[str], mine: Sequence[bool], country: str | None = None) -> list[Said]:
    """Return each distinct secret of some texts, those said most often first."""
    first: dict[tuple[str, str], tuple[Secret, str, bool]] = {}
    times: Counter[tuple[str, str]] = Counter()
    for text, me in zip(texts, mine, strict=True):
        for secret in find_secrets(text, country):
            key = (secret.kind, secret.text.casefold())
            first.setdefault(key, (secret, text, bool(me)))
            times[key] += 1
    return [Said(*first[key], count) for key, count in times.most_common()]


def exposures(
    model: Any,
    tokenizer: SpeakerTokenizer,
    said: Sequence[Said],
    *,
    texts: Sequence[str] = (),
    rows: Sequence[Sequence[int]] = (),
    at_random: bool = False,
    candidates: int = 1000,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Return how much of each secret the model holds: a row of kind, times, bits, most, rank, p, q and tries.

    A secret that does not fit the context is not examined, and has no row. Where there are no others that might as well
    have been it, bits, most, rank, p and q are NaN.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        said: The secrets.
        texts: The training messages, for the trigram; without any, secrets are ranked by their loss alone.
        rows: Tokens of each of them.
        at_random: Whether the secrets are known to be drawn at random, so that any other of their format is fair.
        candidates: Fewest others that each is ranked among, where its format has so many.
        seed: Seed of the others.
    """
    others = max(candidates, 20 * len(said))
    folded, arrays = [text.casefold() for text in texts], [np.asarray(row, dtype=np.int64) for row in rows]
    told: list[dict[str, Any]] = []
    for number, one in enumerate(said):
        hidden = one.secret.text.casefold()
        try:
            found = exposure(
                model,
                tokenizer,
                one.message,
                one.secret,
                ME if one.mine else THEM,
                counted=[row for row, text in zip(arrays, folded, strict=True) if hidden not in text],
                at_random=at_random,
                candidates=others,
                seed=seed + number,
            )
        except UsageError:  # longer than the context
            continue
        told.append(
            {
                "kind": one.secret.kind,
                "times": one.times,
                "bits": found.bits,
                "most": found.most,
                "rank": found.rank,
                "p": found.p,
                "tries": found.tries,
            }
        )
    p = np.array([row["p"] for row in told])
    ranked = ~np.isnan(p)
    q = np.full(len(told), np.nan)
    if ranked.any():
        q[ranked] = benjamini_hochberg(p[ranked])
    return [{**row, "q": float(value)} for row, value in zip(told, q, strict=True)]


def is_ranked(row: Mapping[str, Any]) -> bool:
    """Say whether a row of `exposures` has a rank; without fair others it has none."""
    return not math.isnan(row["bits"])


def canaries_told(
    model: Any, tokenizer: SpeakerTokenizer, canaries: Sequence[Canary], *, candidates: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Return what the model holds of canaries that were put in and of those that were left out.

    Returns:
        ``rows``: times, mean bits as an `Estimate` over canaries, with 1.44 bits as chance, and median tries; ``right``
        guesses of ``guesses`` coins; and ``epsilon``, a lower bound on ε (95%). The half that the model holds more of
        is guessed to have been put in.
    """
    said = [Said(find_secrets(canary.text)[0], canary.text, True, canary.times) for canary in canaries]
    found = exposures(model, tokenizer, said, at_random=True, candidates=candidates, seed=seed)
    bits, p = (np.array([row[name] for row in found]) for name in ("bits", "p"))
    times = np.array([canary.times for canary in canaries])
    rows = [
        {
            "times": int(count),
            "bits": _mean(bits[times == count], seed),
            "tries": float(np.median([row["tries"] for row, t in zip(found, times, strict=True) if t == count])),
        }
        for count in np.unique(times)
    ]
    guess = np.zeros(len(p), dtype=bool)
    guess[np.argsort(p, kind="stable")[: len(p) // 2]] = True
    right = guess == (times > 0)
    return {
        "rows": rows,
        "right": int(right.sum()),
        "guesses": len(right),
        "epsilon": canary_bound(right.tolist()),
    }


def _mean(bits: np.ndarray, seed: int) -> Estimate:
    drawn = np.random.default_rng(seed).choice(bits, (2000, len(bits))).mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(bits) > 1 else (np.nan, np.nan)
    return Estimate(
        float(bits.mean()), float(low), float(high), n=len(bits), unit="bits", chance=_NULL, resampled_over="canaries"
    )


def tries_told(tries: float) -> str:
    """Return a number of tries as people say it.

    >>> tries_told(4), tries_told(2.3e8), tries_told(float("inf"))
    ('4', '2×10⁸', 'never')
    """
    if math.isinf(tries):
        return "never"
    if tries < 100_000:
        return f"{tries:,.0f}"
    power = math.floor(math.log10(tries))
    raised = str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{tries / 10**power:.0f}×10{raised}"
