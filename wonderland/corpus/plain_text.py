"""A text in plain digits and letters, without what nobody sees, so that what is written in disguise is found."""

from __future__ import annotations

import unicodedata

__all__ = ["plain_text"]

_CODES = [0xAD, 0x34F, *range(0x200B, 0x2010), *range(0x202A, 0x202D), *range(0x2060, 0x206A), 0x20E3, 0xFE0E, 0xFE0F]
_UNSEEN = frozenset(map(chr, [*_CODES, 0xFEFF]))  # zero-width characters, marks of direction, variation selectors
_WIDE = {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)} | {"\u3000": " ", "\ufe6b": "@"}


def plain_text(text: str) -> tuple[str, list[int] | None]:
    """Return a text in plain digits and letters without what nobody sees, and the place of each character before.

    The places are None if the text is plain.
    """
    if text.isascii():
        return text, None
    if _UNSEEN.isdisjoint(text):
        return text.translate(_PLAIN), list(range(len(text)))
    return text.translate(_PLAIN), [at for at, c in enumerate(text) if c not in _UNSEEN]


class _Plain(dict[int, str | None]):
    """What each character becomes, None for those that nobody sees; looked up once each."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        digit = unicodedata.decimal(character, None)
        plain = _WIDE.get(character, character) if digit is None else str(digit)
        self[code] = found = None if character in _UNSEEN else plain
        return found


_PLAIN = _Plain()
