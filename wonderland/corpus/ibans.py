"""Is a word an IBAN? Asked of every word that is as long as one of its country."""

from __future__ import annotations

from stdnum import iban

__all__ = ["is_iban"]

_NUMBERED = {ord("A") + number: str(10 + number) for number in range(26)}


def is_iban(said: str) -> bool:
    """Say whether letters and digits are an IBAN; most that are none fail its sum, which costs little.

    The first four signs are put last, letters count from A = 10, and the number leaves 1 over 97 (ISO 13616).

    >>> is_iban("GB82WEST12345698765432"), is_iban("GB82WEST12345698765433")
    (True, False)
    """
    may_be = not said.isascii() or int((said[4:] + said[:4]).upper().translate(_NUMBERED)) % 97 == 1
    return may_be and bool(iban.is_valid(said))
