"""How many there are of something, in words: "1 file", "2 files", for every sentence that is shown."""

from __future__ import annotations

__all__ = ["counted"]


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
