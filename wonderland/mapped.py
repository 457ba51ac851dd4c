"""What a function does to the numbers of an array and their intervals, told by trying it: does it keep their order?

`keeps_order` tries it along every interval, `where_numbers_go` by changing some numbers and looking which of its own
come out otherwise. What would fool it: a function that turns and comes back between two of the places tried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["keeps_order", "where_numbers_go"]

Numbers = NDArray[Any]
_PLACES = 16
_CLOSE = 1e-9


def keeps_order(change: Callable[[Numbers], Any], *parts: Numbers) -> bool:
    """Say whether a function only rises or only falls between the least and the greatest of parts, at every place.

    Args:
        change: The function of one array.
        *parts: Arrays of one shape, such as the value and the two ends of its interval; NaN is passed over.
    """
    known = np.stack([np.asarray(part, dtype=np.float64) for part in parts])
    with np.errstate(all="ignore"):
        least, most = np.fmin.reduce(known), np.fmax.reduce(known)
        between = [least + step / _PLACES * (most - least) for step in range(1, _PLACES)]
        made = np.stack([np.asarray(change(place), np.float64) for place in np.sort([*known, *between], axis=0)])
        steps, size = np.diff(made, axis=0), np.fmax.reduce(np.abs(made))
        rises, falls = ((sign * steps > _CLOSE * size).any(0) for sign in (1, -1))
    return not (rises & falls).any()


def where_numbers_go(
    change: Callable[[Numbers], Any], value: Numbers, *others: Numbers
) -> Literal["nowhere", "elsewhere", "together"]:
    """Say whether each number stays at its place, goes to another, or is made one number with others.

    Args:
        change: The function of one array.
        value: The array.
        *others: Arrays of its shape with other values that the function can take.
    """
    value = np.asarray(value)
    made = np.asarray(change(value))
    stays = made.shape == value.shape
    places = np.arange(value.size).reshape(value.shape)
    for other in (*map(np.asarray, others), np.roll(value.ravel(), 1).reshape(value.shape)):
        with np.errstate(all="ignore"):
            made_of_other = np.asarray(change(other))
            for bit in range(max(value.size - 1, 0).bit_length()):  # any two places differ in one of the bits
                swapped = (places >> bit) % 2 == 1
                mixed = np.asarray(change(np.where(swapped, other, value)))
                if mixed.shape != made.shape or not (_same(mixed, made) | _same(mixed, made_of_other)).all():
                    return "together"
                stays = stays and bool(_same(mixed, np.where(swapped, made_of_other, made)).all())
    return "nowhere" if stays else "elsewhere"


def _same(one: Numbers, two: Numbers) -> NDArray[np.bool_]:
    return np.isclose(one.astype(np.float64), two.astype(np.float64), rtol=_CLOSE, atol=0, equal_nan=True)
