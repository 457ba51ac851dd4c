"""Is 10/6/2023 the tenth of June or the sixth of October? The whole file decides, never one value of it.

A `Clock` reads the times of one file. At the first date of three numbers it looks through all times of the file: a date
that exists in one order only (13/1/2024) decides for all. If none decides, or two contradict each other, it refuses
with an example, and the user says the order. A file that holds ISO 8601 or numbers is never looked through.

What would fool it: a file of a few days, all before the thirteenth, is refused although a person might guess; two
files of different orders pasted together, where the dates of the one all exist in the order of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime

from wonderland.advice import Hint, Options
from wonderland.corpus.times import ORDERS, OrderNeeded, Written, parse_time, written
from wonderland.errors import InputError, UsageError

__all__ = ["Clock", "checked_dates"]

_SAID = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}


def checked_dates(order: str) -> str:
    """Return an order of dates a user named.

    Raises:
        UsageError: There is no such order.
    """
    if order and order not in ORDERS:
        raise UsageError(
            f"There is no order of dates {order!r}.",
            hint=Hint(
                "Say in which order day (d), month (m) and year (y) stand: ",
                Options("extract", dates="dmy").or_(dates="mdy").or_(dates="ymd"),
            ),
        )
    return order


class Clock:
    """Reads the times of one file, all dates in one order.

    Args:
        where: The file, for errors.
        values: Returns all times of the file as they are stored, anew at each call.
        order: The order of day, month and year, if the user said it.
    """

    def __init__(self, where: str, values: Callable[[], Iterable[object]], order: str = "") -> None:
        self.where = where
        self.values = values
        self.order = order

    def read(self, value: object) -> datetime | None:
        """Return the time a stored value means, as `parse_time` does.

        Raises:
            InputError: The file does not tell the order of day and month.
            ValueError: The value is no time.
        """
        try:
            return parse_time(value, self.order)
        except OrderNeeded:
            self.order = self._decided()
            return parse_time(value, self.order)

    def _decided(self) -> str:
        examples: dict[str, str] = {}  # order it excludes: a date that excludes it
        doubtful, possible = "", list(ORDERS)
        firsts, lasts = set[str](), set[str]()
        for text, found in _dates(self.values()):
            days = {order: found.day(order) for order in ORDERS}
            if len(found.numbers[2]) > 2:  # a year of four digits stands last, so it is not first
                days["ymd"] = None
            else:
                firsts.add(found.numbers[0])
                lasts.add(found.numbers[2])
            if days["dmy"] != days["mdy"] and days["dmy"] and days["mdy"]:
                doubtful = doubtful or text
            exists = [order for order in possible if days[order]]
            for order in ("dmy", "mdy"):
                if days[order] is None and any(days.values()):
                    examples.setdefault(order, text)
            possible = exists or possible
        # Two-digit years are written last; that the last numbers change more often than the first says otherwise.
        years_first = "ymd" in possible and len(firsts) < len(lasts)
        if "dmy" in examples and "mdy" in examples and not years_first:
            raise InputError(
                f"{self.where} has dates in two orders: {examples['mdy']!r} can only be day first, "
                f"{examples['dmy']!r} only month first.",
                hint=Hint(
                    "Write them alike, best as 2024-01-31. Or say which order is right, and the other dates are left "
                    "open: ",
                    Options("extract", dates="dmy").or_(dates="mdy"),
                ),
            )
        if possible != ["ymd"] and not years_first:
            possible = [order for order in possible if order != "ymd"]
        if len(possible) == 1 or not (doubtful or years_first):
            return possible[0]
        raise self._doubt(doubtful or next(iter(examples.values()), ""), possible)

    def _doubt(self, text: str, possible: list[str]) -> InputError:
        found = written(text)
        readings = []
        for order in possible:
            day = found.day(order) if found else None
            if day:
                readings.append(f"{date(*day):%d %B %Y} ({_SAID[order]}: {order})")
        first, *others = possible or ["dmy"]
        advice = Options("extract", dates=first)
        for other in others:
            advice = advice.or_(dates=other)
        return InputError(
            f"{self.where}: {text!r} is {' or '.join(readings) or 'a date in an order unknown'}, and no other date of "
            f"the file decides it.",
            hint=Hint("Say which, for example: ", advice),
        )


def _dates(values: Iterable[object]) -> Iterator[tuple[str, Written]]:
    """Yield the values that are dates of three numbers whose order is to be found out."""
    for text in values:
        try:
            parse_time(text)
        except OrderNeeded:
            found = written(str(text))
            if found:
                yield str(text).strip(), found
        except ValueError:
            continue
