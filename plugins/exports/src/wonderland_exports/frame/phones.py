"""Phone numbers that carry the code of their country, in one form.

A number without that code could be anybody's, so it gives None here.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["e164"]

_SIGNS = re.compile(r"[\s().\-/]")


def e164(text: str) -> str | None:
    """Return an international number as ``+`` and digits; None if it is none.

    >>> e164("+44 7700\\u2011900123"), e164("\\u202a+1 (555) 010-0100\\u202c"), e164("0151 12345678"), e164("Bo")
    ('+447700900123', '+15550100100', None, None)
    """
    plain = "".join("-" if unicodedata.category(sign) == "Pd" else sign for sign in text if sign.isprintable())
    number = _SIGNS.sub("", plain)
    return number if re.fullmatch(r"\+[1-9][0-9]{6,14}", number, re.ASCII) else None
