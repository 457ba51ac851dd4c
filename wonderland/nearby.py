"""The few names near a mistyped one, and where to find the rest; never the whole list."""

from __future__ import annotations

import difflib
from collections.abc import Collection

__all__ = ["did_you_mean", "is_near", "near_of"]

_NEAR, _FEW = 0.6, 6


def is_near(word: str, known: Collection[str]) -> bool:
    """Return whether something that is known is written nearly as a word that was typed."""
    return bool(difflib.get_close_matches(word, known, n=1, cutoff=_NEAR))


def near_of(word: str, known: Collection[str], listed: str) -> str:
    """Return what `did_you_mean` says where ``listed`` names all there are.

    >>> near_of("telegramm", ["telegram", "csv"], "Sources: csv, telegram.")
    'Did you mean telegram? Sources: csv, telegram.'
    >>> near_of("letters", ["telegram", "csv"], "Sources: csv, telegram.")
    'Sources: csv, telegram.'
    """
    return did_you_mean(word, known if is_near(word, known) else (), listed)


def did_you_mean(word: str, known: Collection[str], where: str) -> str:
    """Return a sentence that helps somebody who typed a word that is not known.

    Args:
        word: What was typed.
        known: What there is.
        where: Says where to find all of them, for example "`wonderland --help` lists the commands."

    >>> did_you_mean("head-paterns", ["head-patterns", "head-clusters", "neurons"], "See the list.")
    'Did you mean head-patterns? See the list.'
    """
    near = difflib.get_close_matches(word, known, n=3, cutoff=_NEAR)
    if near:
        best = difflib.SequenceMatcher(None, word, near[0]).ratio()
        near = [one for one in near if difflib.SequenceMatcher(None, word, one).ratio() > best - 0.1]
        return f"Did you mean {' or '.join(near)}? {where}"
    if 0 < len(known) <= _FEW:
        return f"There are: {', '.join(known)}. {where}"
    return where
