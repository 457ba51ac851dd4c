"""The words of a head: for the half of the day in many languages, for the month in English, and what says nothing.

Phones write the words of the Unicode CLDR, of which the package ``babel`` holds one version; what other versions have
stands here. A word that is before noon in one language and after noon in another says nothing (`ut`), but for the
Finnish one.
"""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = ["AM", "JOINING", "NOON", "PM", "half_of", "is_filler", "month_of"]

AM, PM, NOON = "am", "pm", "noon"

JOINING = "\u200c\u200d" + "".join(
    chr(code) for code in range(0x300, 0x1100) if unicodedata.category(chr(code))[0] == "M"
)
"""What may stand in a word beside letters: the signs for vowels and the like of many scripts, and joiners."""

_SIGNS = re.compile(r"[.\s\u200c-\u200f\u202f\u00a0\u2009\"״׳]")
_BEFORE = (
    *("am", "a", "ص", "قظ", "पूर्वाह्न", "πμ", "öö", "de", "上午", "凌晨", "早上", "清晨", "오전", "午前"),
    *("sa", "pg", "paradite", "dop", "fm", "ap", "vorm", "לפנהצ", "मपू", "முற்பகல்", "قبلدوپہر", "asubuhi"),
)
_AFTER = (
    *("pm", "p", "م", "بظ", "अपराह्न", "μμ", "ös", "du", "下午", "傍晚", "晚上", "오후", "午後"),
    *("ch", "ptg", "pasdite", "odp", "em", "ip", "nachm", "אחהצ", "मउ", "பிற்பகல்", "بعددوپہر", "alasiri"),
)
_KNOWN = {**dict.fromkeys(_BEFORE, AM), **dict.fromkeys(_AFTER, PM), "中午": NOON}
_FILLERS = {
    *("klo", "kl", "klock", "klokken", "um", "uhr", "à", "alas", "às", "alle", "alleore", "ore", "om", "uur", "o"),
    *("ob", "v", "ve", "kell", "plkst", "lúc", "pukul", "jam", "saat", "at", "h", "hodź"),
    *("ч", "г", "в", "о", "у", "год"),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember")
_NUMBERS = {word: at for at, short in enumerate(_MONTHS, 1) for word in (short, short + _LONG[at - 1])} | {"sept": 9}


def half_of(word: str) -> str | None:
    """Return the half of the day that a word means, or ``noon``; None if it means none.

    >>> half_of("p. m."), half_of("अपराह्न"), half_of("nachm."), half_of("пр.об."), half_of("o'clock")
    ('pm', 'pm', 'pm', 'am', None)
    """
    plain = _plain(word)
    return _KNOWN.get(plain) or _of_all_languages().get(plain)


def is_filler(word: str) -> bool:
    """Return whether a word beside the time of day only says that it is one: ``klo 21.25``, ``21:25 ч.``.

    >>> is_filler("klo"), is_filler("a las"), is_filler("ч."), is_filler("pm")
    (True, True, True, False)
    """
    return _plain(word) in _FILLERS


def month_of(word: str) -> int | None:
    """Return the number of an English month, whole or short.

    >>> month_of("Dec"), month_of("sept"), month_of("March"), month_of("noon")
    (12, 9, 3, None)
    """
    return _NUMBERS.get(word.casefold())


def _plain(word: str) -> str:
    return _SIGNS.sub("", word).casefold()


@functools.cache
def _of_all_languages() -> dict[str, str]:
    """Return the words of every language that babel knows; asked only where a word is not known here."""
    from babel import Locale, localedata  # takes longer than looking at any file, which every source does

    met: dict[str, set[str]] = {}
    for name in localedata.locale_identifiers():
        if "_" in name:
            continue
        forms = Locale.parse(name).day_periods
        for form in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                words = forms.get(form, {}).get(width, {})
                for half in (AM, PM):
                    if word := words.get(half):
                        met.setdefault(_plain(word), set()).add(half)
    return {word: next(iter(halves)) for word, halves in met.items() if len(halves) == 1}
