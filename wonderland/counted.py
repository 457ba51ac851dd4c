"""Numbers in every sentence that is shown: "1 file", "2,048 files", one sign for what is below zero, no exponents."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["counted", "formatted"]


def counted(count: int, thing: str, things: str = "") -> str:
    """Return how many there are of something: "1 secret", "2 secrets", "1,200 tries".

    Args:
        count: How many.
        thing: What one of them is called.
        things: What several are called, where that is not one with an s.

    >>> counted(1, "try", "tries"), counted(2, "secret"), counted(0, "secret")
    ('1 try', '2 secrets', '0 secrets')
    """
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"


def formatted(number: float, spec: str) -> str:
    """Return a number in a format as sentences have it.

    Its minus sign is "−" and no hyphen, and none before a zero; thousands are set apart; an exponent is written out.

    Args:
        number: The number.
        spec: As for `format`.

    >>> formatted(-0.0266, ".3g"), formatted(-0.001, ".2f"), formatted(-1e-6, ".0e"), formatted(0.5, "+.1f")
    ('−0.0266', '0.00', '−0.000001', '+0.5')
    >>> formatted(2048, "d"), formatted(12345.6, ".3g"), formatted(-5e-6, ".2g")
    ('2,048', '12,300', '−0.000005')
    """
    told = format(number, spec)
    if re.search(r"\de[+-]\d", told):
        told = format(Decimal(told), "+f" if told.startswith("+") else "f")
    told = re.sub(r"^([+-]?)(\d{4,})", lambda whole: f"{whole[1]}{int(whole[2]):,}", told)
    if not told.startswith("-"):
        return told
    return told[1:] if any(map(str.isdigit, told)) and not told.strip("-0.,%") else f"−{told[1:]}"
