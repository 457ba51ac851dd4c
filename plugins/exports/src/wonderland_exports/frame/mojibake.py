"""Text whose UTF-8 bytes were written as if each were a character: ``café`` as ``cafÃ©``.

Each string is judged by itself: what is Latin-1 throughout and decodes as UTF-8 is mended; every other string is sound
(or beyond mending) and stays. What would fool it: a text that really says ``Ã©``, which nobody writes on purpose.
"""

from __future__ import annotations

from collections import Counter

__all__ = ["Mender"]

_MENDED, _SOUND = "texts mended (UTF-8 read as Latin-1)", "texts beyond ASCII that were sound"


class Mender:
    """Mends strings one by one and counts what it did.

    >>> mender = Mender()
    >>> mender("cafÃ©"), mender("fine €"), mender("déjà vu"), mender("plain")
    ('café', 'fine €', 'déjà vu', 'plain')
    >>> mender.counts["texts mended (UTF-8 read as Latin-1)"]
    1
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter({_MENDED: 0, _SOUND: 0})

    def count_mended(self, count: int) -> None:
        """Count texts that were mended together."""
        self.counts[_MENDED] += count

    def __call__(self, text: str, times: int = 1) -> str:
        """Return a text, mended if it has to be, and count it as often as it occurs."""
        if text.isascii():
            return text
        try:
            mended = text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            self.counts[_SOUND] += times
            return text
        self.counts[_MENDED] += times
        return mended
