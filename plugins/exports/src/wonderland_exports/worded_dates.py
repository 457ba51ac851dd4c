"""Dates in words, as Google writes them: "Donnerstag, 3. November 2016 um 11:59:50 UTC".

The words are those of the language of the account, in the shapes of the Unicode CLDR, which the package ``babel``
carries. A date is taken only if its weekday is right too, so that a misread day or month shows. What would fool it: a
language that is not in `LANGUAGES`, or a calendar other than the Gregorian and the Thai one; such dates are refused.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["LANGUAGES", "WordedDates"]

_NAMES = """en de fr es pt it nl pl ru uk tr ja ko zh_Hans zh_Hant sv da nb fi cs sk hu ro bg el he ar fa hi id ms th vi
ca hr sr sl lt lv et bn ta te mr gu kn ml ur fil sw af eu gl is sq mk ka hy az kk uz en_GB pt_PT fr_CA es_MX"""
LANGUAGES = tuple(_NAMES.split())
_ZONE = r"(?:utc|gmt|tu|z)"
_TIMES = ("z H:mm:ss", "H:mm:ss z", "h:mm:ss a z", "a h:mm:ss z", "z a h:mm:ss", "H.mm.ss z")
_FIELDS = re.compile(r"'([^']*)'|([A-Za-z])\2*|\s+|(.)")
_WIDTHS = ("wide", "abbreviated")
_LONGEST = 256  # characters


class _Language(NamedTuple):
    pattern: re.Pattern[str]
    months: dict[str, int]
    weekdays: dict[str, int]
    periods: dict[str, frozenset[int]]  # the hours of the day that a word ("PM", "in the evening") can mean


class WordedDates:
    """Reads dates in words; remembers the language of the last one, since an export is in one language."""

    def __init__(self) -> None:
        self._last = "en"

    def parse(self, text: str) -> datetime:
        """Return the time, aware in UTC.

        Raises:
            ValueError: It is longer than any date, in no language and shape that is known, or on another weekday
                than it says.
        """
        if len(text) > _LONGEST:
            raise ValueError("not a date: longer than any")
        plain = _plain(text)
        for language in (self._last, *LANGUAGES):
            found = _language(language).pattern.fullmatch(plain)
            if found and (moment := _moment(_language(language), found)):
                self._last = language
                return moment
        raise ValueError("not a date in a language and shape that is known")


def _moment(language: _Language, found: re.Match[str]) -> datetime | None:
    part = {name: value for name, value in found.groupdict().items() if value is not None}
    year, day = int(part["y"]), int(part["d"])
    if year > 2400 and "era" in part:  # Thai years count from 543 before our era
        year -= 543
    month = int(part["M"]) if part["M"].isdigit() else language.months[part["M"]]
    hour = int(part.get("H") or part.get("h", "0"))
    if "H" not in part:
        hours = {hour % 12, hour % 12 + 12} & (language.periods[part["a"]] if "a" in part else {hour})
        if len(hours) != 1 or hour > 12:
            return None
        (hour,) = hours
    try:
        moment = datetime(year, month, day, hour, int(part["m"]), int(part["s"]), tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment.weekday() == language.weekdays[part["E"]] else None


@functools.cache
def _language(name: str) -> _Language:
    from babel import Locale  # takes longer than looking at any file, which every source does

    locale = Locale.parse(name)
    months = _words(locale.months)
    days = {word: (number % 7) for word, number in _words(locale.days).items()}
    periods = _periods(locale)  # with the English AM and PM, which stand in many languages
    names = {"M": _either(months), "E": _either(days), "a": _either(periods)}
    date = _regex(locale.date_formats["full"].pattern, names)
    clock = [_regex(pattern, names) for pattern in dict.fromkeys((locale.time_formats["long"].pattern, *_TIMES))]
    between = r"[^\d\[(]{0,16}?"
    shapes = [shape for time_ in clock for shape in (f"{date}{between}{time_}", f"{time_}{between}{date}")]
    # Names of groups must differ between the alternatives of one pattern, so each shape is a pattern of its own.
    return _Language(_AnyOf(shapes), months, days, periods)  # type: ignore[arg-type]


class _AnyOf:
    """Several patterns that are asked in turn, as if they were one."""

    def __init__(self, shapes: list[str]) -> None:
        self._patterns = [re.compile(shape) for shape in shapes]

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Return the first match; the pattern that matched is asked first from then on."""
        for place, pattern in enumerate(self._patterns):
            if found := pattern.fullmatch(text):
                self._patterns.insert(0, self._patterns.pop(place))
                return found
        return None


def _regex(pattern: str, names: dict[str, str]) -> str:
    """Turn a CLDR pattern into a regular expression; spaces and commas are optional, since versions differ in them."""
    parts: list[str] = []
    for found in _FIELDS.finditer(_plain(pattern, lower=False)):
        quoted, letter, other = found.groups()
        if quoted is not None:
            parts.append(re.escape(quoted.casefold()) or "'")
        elif letter is not None:
            parts.append(_field(letter, len(found[0]), names))
        elif other is None or other in ",،":
            parts.append(r"[,،]?\s*")
        else:
            parts.append(re.escape(other.casefold()))
    return r"\s*".join(part for part in parts if part)


def _field(letter: str, width: int, names: dict[str, str]) -> str:
    if letter in "Ec":
        return f"(?P<E>{names['E']})"
    if letter in "ML":
        return f"(?P<M>{names['M']}|\\d{{1,2}})" if width > 2 else r"(?P<M>\d{1,2})"
    if letter in "ab" or letter == "B":
        return f"(?P<a>{names['a']})"
    if letter == "G":
        return r"(?P<era>\D{0,20}?)"
    if letter in "zv":
        return _ZONE
    return {
        "y": r"(?P<y>\d{4})",
        "d": r"(?P<d>\d{1,2})",
        "H": r"(?P<H>\d{1,2})",
        "k": r"(?P<H>\d{1,2})",
        "h": r"(?P<h>\d{1,2})",
        "K": r"(?P<h>\d{1,2})",
        "m": r"(?P<m>\d{1,2})",
        "s": r"(?P<s>\d{1,2})",
    }.get(letter, re.escape(letter.casefold()))


def _words(forms: Any) -> dict[str, int]:
    """Return {word: number} of the names of months or weekdays in every form of a language."""
    found: dict[str, int] = {}
    for kind in ("format", "stand-alone"):
        for width in _WIDTHS:
            for number, word in forms[kind][width].items():
                found.setdefault(_plain(word), number)
    return found


def _periods(locale: Locale) -> dict[str, frozenset[int]]:
    from babel.dates import get_period_id

    found: dict[str, set[int]] = {"am": set(range(12)), "pm": set(range(12, 24))}
    for hour in range(24):
        keys = {"am" if hour < 12 else "pm", get_period_id(time(hour), locale=locale)}
        keys.add(get_period_id(time(hour), type="selection", locale=locale))
        for kind in ("format", "stand-alone"):
            for width in (*_WIDTHS, "narrow"):
                for key, word in locale.day_periods.get(kind, {}).get(width, {}).items():
                    if key in keys:
                        found.setdefault(_plain(word), set()).add(hour)
    return {word: frozenset(hours) for word, hours in found.items()}


def _either(words: dict[str, Any]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _plain(text: str, lower: bool = True) -> str:
    """Write digits as 0 to 9, every space as one, and leave out the marks of writing direction."""
    letters: Iterator[str] = (
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in text
        if unicodedata.category(letter) != "Cf"
    )
    joined = " ".join("".join(letters).split())
    return joined.casefold() if lower else joined
