"""When was it sent? Timestamps as people's exports write them: ISO 8601 text, or seconds to nanoseconds since 1970.

The unit of a number is told by its size: any time after 2001 has 10 digits in seconds, 13 in milliseconds, 16 in
microseconds and 19 in nanoseconds. What would fool it: times before September 2001, which are refused as unclear.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

__all__ = ["parse_time"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS_PER = {10: 1_000_000, 11: 1_000_000, 13: 1_000, 16: 1}


def parse_time(value: object) -> datetime | None:
    """Return the time a stored value means: aware in UTC, naive if it is ISO text without a zone, None if empty.

    >>> parse_time("2018-04-13T17:32:32Z")
    datetime.datetime(2018, 4, 13, 17, 32, 32, tzinfo=datetime.timezone.utc)
    >>> parse_time(1523640752000) == parse_time("1523640752") == parse_time("2018-04-13T17:32:32+00:00")
    True

    Raises:
        ValueError: It is neither a date nor a number of a size that tells its unit.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        text = value.strip()
        if not text or text.lower() == "null":
            return None
        try:
            number = float(text) if "." in text else int(text)
        except ValueError:
            return _from_iso(text)
        return _from_epoch(number)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _from_epoch(value)
    raise ValueError(f"not a time: a {type(value).__name__}")


def _from_iso(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    try:
        return moment if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time outside of the years 1 to 9999") from error


def _from_epoch(number: int | float) -> datetime:
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"not a time: {number}")
    digits = len(str(abs(int(number))))
    if digits == 19:
        microseconds = int(number) // 1000
    elif digits in _MICROSECONDS_PER:
        microseconds = round(number * _MICROSECONDS_PER[digits])
    else:
        raise ValueError(f"a number of {digits} digits is not seconds, ms, µs or ns since 1970")
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError as error:
        raise ValueError(f"{number} lies outside the years 1 to 9999") from error
