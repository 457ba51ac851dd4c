"""How the beginning of a file looks, for ``sniff``, in either UTF-8 or UTF-16."""

from __future__ import annotations

import re

__all__ = ["says"]


def says(pattern: bytes, start: bytes) -> bool:
    """Say whether the first bytes of a file match a pattern somewhere.

    >>> says(rb'"type":\\s', b'{"type": 1}'), says(rb'"type":\\s', '{"type": 1}'.encode("utf-16")), says(b"x", b"y")
    (True, True, False)
    """
    return re.search(pattern, start.replace(b"\0", b"")) is not None
