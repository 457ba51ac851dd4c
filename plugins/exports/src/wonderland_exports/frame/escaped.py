"""Bytes that are not UTF-8 in a text that was decoded with ``surrogateescape``: the row that holds them failed.

Put into a corpus, such a byte would be the sign U+FFFD, and nobody would know which letter it was.
"""

from __future__ import annotations

import re

__all__ = ["NOT_UTF8", "is_broken"]

NOT_UTF8 = ("not UTF-8", True, "another encoding was mixed in")
"""Class, failure and detail of a row that `is_broken`."""
_ESCAPED = re.compile("[\udc80-\udcff]")


def is_broken(text: str) -> bool:
    """Say whether a text holds bytes that are not UTF-8.

    >>> is_broken("caf\\u00e9"), is_broken(b"caf\\xe9".decode("utf-8", "surrogateescape"))
    (False, True)
    """
    return not text.isascii() and _ESCAPED.search(text) is not None
