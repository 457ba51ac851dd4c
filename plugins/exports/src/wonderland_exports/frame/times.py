"""Moments counted from 1970, as stores write them: a number or its digits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["LAST", "from_unix"]

_moment = datetime.fromtimestamp
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 4_102_444_800  # 2100-01-01: no message was sent later
_LAST_OF_ALL = 253_402_300_800  # year 10000: larger numbers have another unit or were never set


def from_unix(value: object, per_second: int = 1) -> datetime | None:
    """Return the moment that lies ``value / per_second`` seconds after 1970, in UTC; None if it cannot be one.

    Zero and less mean "never" in every store. A moment that no message can have, after 2100, is a moment all the same:
    the reading counts those and leaves them open.

    >>> from_unix("1523640752").isoformat(), from_unix(1523640752123, 1000).isoformat(), from_unix(0), from_unix("x")
    ('2018-04-13T17:32:32+00:00', '2018-04-13T17:32:32.123000+00:00', None, None)
    """
    if type(value) is str:
        try:
            value = int(value)
        except ValueError:
            return None
    if type(value) is int:  # nearly all
        if not 0 < value < _LAST_OF_ALL * per_second:
            return None
        if per_second == 1:
            return _moment(value, UTC)
        return _EPOCH + timedelta(0, value // per_second, value % per_second * 1_000_000 // per_second)
    if not isinstance(value, float) or not 0 < value < _LAST_OF_ALL * per_second:
        return None
    return _EPOCH + timedelta(microseconds=round(value * 1_000_000 / per_second))
