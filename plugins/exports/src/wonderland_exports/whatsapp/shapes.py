"""Where a message begins and when it was sent: the head of a line in all its shapes.

``[31/12/2019, 2:14:40 a.m.] Leo: hi`` (iPhone) or ``20/6/2017 8:28 p. m. - Mia: hi`` (Android), with dots, dashes or
slashes, twelve or twenty-four hours, digits of any script, blanks that are narrow, marks that say the direction of
writing. One export has one shape, that of its first head; a line in another shape goes on with the message before.

The iPhone wrote no brackets until 2017, ``31/12/13 14:14:40: Leo: hi``, and other programs write the same with
nothing but a blank before the name; both are known by their seconds and the name after them.

The order of day and month is not in the file. A number over 12 proves it, so do dates that would run backwards the
other way round, and dots, which no region writes between month and day in that order; some people's phones do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from wonderland_exports.whatsapp.halves import AM, JOINING, NOON, PM, half_of, is_filler, month_of

__all__ = ["DAY_FIRST", "MONTH_FIRST", "Shape", "day", "hours", "must_be_month_first", "order_of", "shape_of"]

DAY_FIRST, MONTH_FIRST = "dmy", "mdy"

_LINE_FEED = r"\n"
_B = r"[^\S\n]"
_M = "[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]*"
_WORD = rf"[^\W\d_](?:[^\W\d_]|[{JOINING}.\u00a0\u2009\u202f \"״׳/’་]){{0,19}}"
_MONTH = r"[^\W\d_]{3,9}"
_AM = r"[AaPp]\.?\s?[Mm]\b\.?"  # where a name follows, no other word could be told from it
_NAMED = r"(?!(?i:error|warn|warning|info|debug|trace|fatal|critical|notice)\b)(?=[^\s:\[\-][^:\n]{0,59}:(?:\s|\Z))"


def _head(word: str, close: str) -> re.Pattern[str]:
    return re.compile(
        rf"{_M}(?P<open>\[?){_M}"
        rf"(?P<d1>\d{{1,4}}){_M}(?P<s1>[./\-]|년|年){_M}\s?(?P<d2>\d{{1,2}}|{_MONTH}){_M}(?P<s2>[./\-]|월|月){_M}\s?"
        rf"(?P<d3>\d{{1,4}}){_M}(?P<tail>\.|일|日|\sг\.|){_M}(?P<comma>[,،、]?){_M}\s+{_M}(?:(?P<before>{_WORD})\s?)?"
        rf"(?P<h>\d{{1,2}})(?P<colon>[:.])(?P<m>\d\d)(?P<sec>(?:[:.]\d\d)?)(?P<dot>\.?){_M}(?:\s?(?P<after>{word}))?{_M}"
        rf"(?P<close>{close})"
    )


_HEAD = _head(_WORD, r"\]\s?|\s[-–—]\s")
_BARE = _head(_AM, rf":?[^\S\n]{_NAMED}")


@dataclass(frozen=True)
class Shape:
    """What all heads of one export have in common.

    Attributes:
        form: What stands between the numbers.
        year_first: Whether the date begins with the year, so that month and day follow in this order.
        years: Digits of the year.
        seconds: Whether seconds are stated.
        heads: Finds a head of this shape with the line break before it; its two groups are date and time of day.
        date: What a date is; groups d1 d2 d3.
        time: What a time of day is; groups h m s word.
    """

    form: tuple[str, ...]
    year_first: bool
    years: int
    seconds: bool
    heads: re.Pattern[str]
    date: re.Pattern[str]
    time: re.Pattern[str]

    def split(self, text: str) -> list[str]:
        """Return what stands before the first head, then date, time and what follows, for each head in turn."""
        return self.heads.split(text)

    def with_line_feeds(self, text: str) -> str:
        """Return a text with a line feed where lines end otherwise; a carriage return within a message stays."""
        text = text.replace("\r\n", "\n")
        head = self.heads.pattern.removeprefix(_LINE_FEED)
        return re.sub(rf"\r(?={head}|\Z)", "\n", text) if "\r" in text else text

    @property
    def bracketed(self) -> bool:
        """Whether it is the iPhone's."""
        return self.form[0] == "["

    @property
    def bare(self) -> bool:
        """Whether neither brackets nor a dash set it off from the name."""
        return self.form[-2] != ""

    @property
    def proves_day_first(self) -> bool:
        """Whether dates are written with dots, the day in front, or with the month as a word.

        Dots prove it only where the dates can be read so.
        """
        return not self.year_first and (self.form[1] == "." or self.form[-1] == "named")


def shape_of(line: str) -> Shape | None:
    """Return the shape of the head a line begins with; None if it begins with none."""
    found = _HEAD.match(line) or _BARE.match(line)
    if found is None or (found["open"] == "[") != found["close"].startswith("]"):
        return None
    bare = found.re is _BARE
    if bare and not found["sec"]:
        return None
    word = found["before"] or found["after"]
    if (found["before"] and found["after"]) or (word and hours("1", word) is None):
        return None
    first, last = len(found["d1"]), len(found["d3"])
    if not ((first == 4 and last <= 2) or (first <= 2 and last in (2, 4))):
        return None
    year_first = first == 4
    if bare and year_first:  # as programs write their logs
        return None
    years = 4 if year_first else last
    named = not found["d2"].isdecimal()
    if named and (year_first or month_of(found["d2"]) is None):
        return None
    seconds = bool(found["sec"])
    place = "before" if found["before"] else "after" if found["after"] else ""
    form = (
        found["open"],
        found["s1"],
        found["s2"],
        found["tail"],
        found["comma"],
        found["colon"],
        place,
        found["dot"],
        (found["close"].strip() or " ") if bare else "",
        "named" * named,
    )
    marked = re.search(_M[:-1], found[0].lstrip("\u200e\u200f\ufeff")) is not None
    patterns = _patterns(form, year_first, years, seconds, found["close"], marked=marked, named=named, bare=bare)
    return Shape(form, year_first, years, seconds, *patterns)


def _patterns(
    form: tuple[str, ...],
    year_first: bool,
    years: int,
    seconds: bool,
    close: str,
    *,
    marked: bool,
    named: bool,
    bare: bool,
) -> list[re.Pattern[str]]:
    """Return what finds a head, what takes a date apart, and what takes a time of day apart."""
    bracket, s1, s2, tail, comma, colon, place, dot, *_ = map(re.escape, form)
    middle = _MONTH if named else r"\d{1,2}"
    mark = _M if marked else ""  # looking for marks where this phone writes none costs half of the time
    year, other = rf"\d{{{years}}}", r"\d{1,2}"
    first, last = (year, other) if year_first else (other, year)
    word = rf"(?P<word>{_AM if bare else _WORD})"
    before = rf"{word}{_B}?" if place == "before" else ""
    after = rf"{_B}?{word}" if place == "after" else "" if place == "before" else "(?P<word>)"
    second = r"[:.](?P<s>\d\d)" if seconds else "(?P<s>)"
    dash = re.escape(close.strip())
    end = rf"\]{_B}?" if close.startswith("]") else rf"{dash}{_B}" if bare else rf"{_B}{dash}{_B}"
    date = rf"(?P<d1>{first}){mark}{s1}{mark}{_B}?(?P<d2>{middle}){mark}{s2}{mark}{_B}?(?P<d3>{last})"
    time = rf"{before}(?P<h>\d{{1,2}}){colon}(?P<m>\d\d){second}{dot}{mark}{after}"
    between = rf"{mark}{tail}{mark}{comma}{mark}{_B}+{mark}"
    whole = rf"{_LINE_FEED}{_M}{bracket}{mark}({_bare(date)}){between}({_bare(time)}){mark}{end}"
    return [re.compile(pattern) for pattern in (whole, date, time)]


def _bare(pattern: str) -> str:
    """Return a pattern with groups that are not kept."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


def hours(hour: str, word: str) -> int | None:
    """Return the hour of the day, given the word for the half of the day if there is one; None if it cannot be.

    >>> hours("12", "a. m."), hours("2", "PM"), hours("17", ""), hours("3", "下午"), hours("25", ""), hours("1", "xx")
    (0, 14, 17, 15, None, None)
    """
    number = int(hour)
    if not word:
        return number if number < 24 else None
    half = half_of(word)
    if half is None and is_filler(word):
        return number if number < 24 else None
    if number > 12:
        return number if number < 24 and half in (AM, PM) else None  # "17:32 PM" is written by nobody but phones
    if half in (AM, PM):
        return number % 12 + (12 if half == PM else 0)
    return (number if number >= 11 else number + 12) if half == NOON else None


def must_be_month_first(dates: Iterable[list[tuple[int, int, int]]]) -> bool:
    """Return whether numbers over 12 in the second place leave the month nowhere but in front."""
    runs = [*dates]
    return not all(_are_dates(run, DAY_FIRST) for run in runs) and all(_are_dates(run, MONTH_FIRST) for run in runs)


def order_of(dates: Iterable[list[tuple[int, int, int]]]) -> str | None:
    """Return which of day and month comes first; None if both readings are possible.

    Args:
        dates: The different (first, second, year) of each file in their order.
    """
    runs = [*dates]
    possible = [order for order in (DAY_FIRST, MONTH_FIRST) if all(_are_dates(run, order) for run in runs)]
    if len(possible) == 2:
        possible = [order for order in possible if all(_run_forward(run, order) for run in runs)]
    return possible[0] if len(possible) == 1 else None


def day(date: tuple[int, int, int], order: str) -> datetime | None:
    """Return the day a date is in this order; None if there is no such day."""
    first, second, year = date
    month, day_ = (second, first) if order == DAY_FIRST else (first, second)
    year += 2000 if year < 100 else -543 if year > 2400 else 0  # the Buddhist calendar counts 543 more
    try:
        return datetime(year, month, day_)
    except ValueError:
        return None


def _are_dates(run: list[tuple[int, int, int]], order: str) -> bool:
    months = (second if order == DAY_FIRST else first for first, second, _ in run)
    return all(1 <= month <= 12 for month in months)


def _run_forward(run: list[tuple[int, int, int]], order: str) -> bool:
    days = [found for date in run if (found := day(date, order))]
    return all(before <= after for before, after in pairwise(days))
