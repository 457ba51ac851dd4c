"""Phone numbers as exports write them: with marks of direction, dashes that do not break, blanks that are narrow."""

from __future__ import annotations

import unicodedata

from wonderland.corpus import phones

__all__ = ["e164"]


def e164(text: str, country: str | None = None) -> str | None:
    """Return a number as ``+`` and digits; None if it is none, or one without its country's code and no country.

    >>> e164("+44 7700\\u2011900123"), e164("\\u202a+1 (555) 010-0100\\u202c"), e164("0151 12345678"), e164("Bo")
    ('+447700900123', '+15550100100', None, None)
    >>> e164("0151 12345678", "de")
    '+4915112345678'
    """
    if text.isascii():
        return phones.e164(text, country)
    categories = ((sign, unicodedata.category(sign)) for sign in text)
    plain = "".join("-" if kind == "Pd" else " " if kind == "Zs" else sign for sign, kind in categories if kind != "Cf")
    return phones.e164(plain, country)
