"""Times from stored values: ISO 8601, a number since 1970, or a date as people write it.

The unit of a number is told by its size: any time after 2001 has 10 digits in seconds, 13 in milliseconds, 16 in
microseconds and 19 in nanoseconds. Whether 10/6/2023 is in June or October no single value says: `parse_time` is told
the order, and `wonderland.corpus.clock` finds it out from the whole file. Month names are English (python-dateutil).

No message is older than the first e-mail (1971) or from after 2100. Such times are dates that were never set:
year 1, 1601, 1900 or 1970 in most programs, 9999 in others.

What would fool it: numbers for times before September 2001, which are refused as unclear; a zone by a name that several
countries use (IST), which is refused too.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from dateutil import parser as dateutil_parser

__all__ = ["FIRST_YEAR", "LAST_YEAR", "ORDERS", "ImpossibleTime", "OrderNeeded", "Written", "parse_time", "written"]

ORDERS = ("dmy", "mdy", "ymd")
FIRST_YEAR, LAST_YEAR = 1971, 2100  # of any message
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = {"", "null", "none", "nat"}
_MICROSECONDS_PER = {10: 1_000_000, 13: 1_000, 16: 1}
_LONGEST = 64  # characters of a written date; more is a text
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?")
_MARKS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # of the direction of writing, which exports add
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")
_MONTH = re.compile(r"(?i)(?<![a-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")
_DATE = re.compile(r"(?<![\d.:/-])(\d{1,4})([./-]) ?(\d{1,2})\2 ?(\d{4}|\d{1,2})(?!\d|[/-]\d)\.?")
_AROUND = re.compile(
    r"(?i)^(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?|at\b|[, T])+|[, ]+$"
)
_CLOCK = re.compile(
    r"(?i)(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)? ?(?:([ap])\.? ?m\b\.?)?"
    r" ?(?:\(?((?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?|[a-z]{1,5})\)?)?"
)
# Hours from UTC of the zone names that mean one thing wherever they are written.
_HOURS = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "msk": 3, "jst": 9,
    "kst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7,
    "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8, "hst": -10,
}  # fmt: skip


class ImpossibleTime(ValueError):
    """A time that no message can have: a date that was never set, or no number."""


class OrderNeeded(ValueError):
    """A date of three numbers, of which nobody has said which is the day."""


def parse_time(value: object, order: str = "") -> datetime | None:
    """Return the time a stored value means: aware in UTC, naive if it is text without a zone, None if empty.

    Args:
        value: What is stored: text, a number or nothing.
        order: Which number of a date like 10/6/2023 is the day: "dmy", "mdy" or "ymd"; "" if that is not known.

    >>> parse_time("2018-04-13T17:32:32Z")
    datetime.datetime(2018, 4, 13, 17, 32, 32, tzinfo=datetime.timezone.utc)
    >>> parse_time(1523640752000) == parse_time("1523640752") == parse_time("2018-04-13T17:32:32+00:00")
    True
    >>> parse_time("10/6/2023 12:39 AM", "mdy")
    datetime.datetime(2023, 10, 6, 0, 39)

    Raises:
        OrderNeeded: It is a date of three numbers and ``order`` is not given.
        ImpossibleTime: It is a time that no message can have.
        ValueError: It is neither a date nor a number of a size that tells its unit.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        moment = _from_text(value, order)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        moment = _from_number(value)
    else:
        raise ValueError(f"not a time: a {type(value).__name__}")
    if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ImpossibleTime(f"no message is from the year {moment.year}")
    return moment


def _from_text(text: str, order: str) -> datetime | None:
    text = text.strip()
    if text[4:5] == "-":  # nearly always ISO 8601
        try:
            return _in_utc(datetime.fromisoformat(text))
        except ImpossibleTime:
            raise
        except ValueError:
            pass
    lowered = text.lower()
    if lowered in _NOTHING:
        return None
    if lowered == "nan":
        raise ImpossibleTime("not a number")
    if _NUMBER.fullmatch(text):
        return _from_number(float(text) if "." in text else int(text))
    if len(text) > _LONGEST:
        raise ValueError("too long for a time")
    found = written(text)
    if found:
        return found.moment(order)
    if _MONTH.search(text):
        return _in_utc(_in_words(text, order))
    return _in_utc(datetime.fromisoformat(text))


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ImpossibleTime("a time outside of the years 1 to 9999") from error


def _from_number(number: int | float) -> datetime:
    if not math.isfinite(number):
        raise ImpossibleTime(f"not a time: {number}")
    whole = int(number)
    if whole <= 0:
        raise ImpossibleTime("a time before it was counted from, or never set")
    digits = len(str(whole))
    if digits == 19:
        microseconds = whole // 1000
    elif digits in _MICROSECONDS_PER:
        microseconds = round(number * _MICROSECONDS_PER[digits])
    elif digits in (8, 14) and whole == number:  # 20240115, 20240115101500
        return datetime.strptime(str(whole), "%Y%m%d" if digits == 8 else "%Y%m%d%H%M%S")
    else:
        raise ValueError(f"a number of {digits} digits is not seconds, ms, µs or ns since 1970")
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError as error:
        raise ImpossibleTime(f"{number} lies outside the years 1 to 9999") from error


class Written:
    """A date of three numbers, with or without a time of day before or after it."""

    def __init__(self, numbers: tuple[str, str, str], rest: str) -> None:
        self.numbers = numbers
        self.rest = rest

    @property
    def year_first(self) -> bool:
        """Whether the first number can only be the year."""
        return len(self.numbers[0]) > 2

    def day(self, order: str) -> tuple[int, int, int] | None:
        """Return year, month and day if the numbers are in this order, or None if there is no such day."""
        at = ORDERS[2] if self.year_first else order
        year, month, day = (self.numbers[at.index(part)] for part in "ymd")
        full = int(year) + ((2000 if int(year) < 70 else 1900) if len(year) <= 2 else 0)
        try:
            datetime(full, int(month), int(day))
        except ValueError:
            return None
        return full, int(month), int(day)

    def moment(self, order: str) -> datetime:
        """Return the time, if the numbers are in this order."""
        clock = _CLOCK.fullmatch(self.rest) if self.rest else None
        if self.rest and not clock:
            raise ValueError("no time of day beside the date")
        if not order and not self.year_first:
            raise OrderNeeded("day or month first?")
        day = self.day(order)
        if day is None:
            raise ValueError("there is no such day")
        if clock is None:
            return datetime(*day)
        hour, minute, second, fraction, half, zone = clock.groups()
        if half:
            if not 1 <= int(hour) <= 12:
                raise ValueError("a clock of twelve hours goes from 1 to 12")
            hour = int(hour) % 12 + 12 * (half.lower() == "p")
        microsecond = int((fraction or "").ljust(6, "0")[:6])
        return _in_utc(datetime(*day, int(hour), int(minute), int(second or 0), microsecond, _zone(zone)))


def written(text: str) -> Written | None:
    """Find a date of three numbers in a text that is otherwise a time of day at most; None if there is none."""
    text = _SPACES.sub(" ", _MARKS.sub("", text)).strip(" []")
    found = _DATE.search(text)
    if not found or (len(found[1]) == 3) or (len(found[1]) == 4 and len(found[4]) == 4):
        return None
    before, after = text[: found.start()], text[found.end() :]
    rest = " ".join(part for part in (_AROUND.sub("", before), _AROUND.sub("", after)) if part)
    return Written((found[1], found[3], found[4]), rest)


def _zone(name: str | None) -> tzinfo | None:
    if not name:
        return None
    name = name.lower()
    offset = name.removeprefix("utc").removeprefix("gmt")
    if offset[:1] in ("+", "-"):
        digits = offset[1:].replace(":", "")
        hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
        return timezone((1 if offset[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
    if name not in _HOURS:
        raise ValueError(f"a zone that means several things, or none: {name}")
    return timezone(timedelta(hours=_HOURS[name]))


def _in_words(text: str, order: str) -> datetime:
    """Read a date with an English month name; what it does not say (the year, the day) is not made up."""
    plain = _SPACES.sub(" ", _MARKS.sub("", text)).replace("\u2019", "'")
    made: list[datetime] = []
    for default in (datetime(2000, 1, 1), datetime(1999, 2, 2)):
        try:
            made.append(dateutil_parser.parse(plain, default=default, dayfirst=order == "dmy", tzinfos=_named_zone))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError("no date in English words") from error
    if made[0] != made[1]:
        raise ValueError("a date without its year or day")
    return made[0]


def _named_zone(name: str | None, offset: int | None) -> tzinfo | None:
    # python-dateutil would take a name it does not know as no zone, and a name of this machine's zone as that.
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    return _zone(name)
