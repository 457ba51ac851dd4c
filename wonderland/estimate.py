"""`Estimate`: a number, or an array of them, with its interval, its n and its chance level.

An estimate knows the names of its dimensions and what was resampled for its interval, so that a table, a picture and a
sentence can be made of it without being told again. Operations that keep its meaning are methods (`map`, `reshape`,
indexing); what would need another interval, a difference of two estimates for example, is none: compute it by resample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wonderland.components import Head
from wonderland.counted import formatted
from wonderland.errors import PluginError, UsageError, must_be
from wonderland.mapped import keeps_order, where_numbers_go

if TYPE_CHECKING:
    import pandas

__all__ = ["FEW", "Estimate", "exact"]

FEW = 10
"""Under so many independent units, a percentile interval is too narrow to be trusted."""
_IN_ORDER = "The order of parts is value, low, high."
_DIMS = 'For example: dims=("layer", "head")'
_CHANGE = "For example: estimate.map(np.exp), or estimate.map(lambda part: 100 * part, unit='%')"
_STACKED = "For example: Estimate.stacked([by_head[0, 0], by_head[0, 1]])"
_LABELS = 'For example: labels={"kind": ("resample", "mean")}'


class _NoSuchPlace(UsageError, IndexError):
    """Nothing is there; an ``IndexError`` too, by which Python ends a loop over the places."""


@dataclass(frozen=True)
class Estimate:
    """A number, or an array of them, that never stands alone.

    Args:
        value: The estimate, any shape.
        low: Lower end of its 95% interval, same shape.
        high: Upper end.
        n: How many independent units it rests on.
        unit: Its unit: "nats", "share of attention", "1" for a pure ratio.
        chance: What would be there if nothing were: a number or an array of the same shape; None if there is no
            chance level for this quantity.
        resampled_over: What the independent units are.
        dims: Names of the dimensions, such as ``("layer", "head")``; may be left out.
        labels: Names of the places along a dimension, by its name, where numbers from 0 are not what they are called:
            ``{"kind": ("resample", "mean")}``.

    Raises:
        PluginError: The parts are no numbers or differ in shape, the interval's lower end is above the upper one, n is
            under 0, or there are not as many names as dimensions or places.
        UsageError: Another part is of another type, or two places along a dimension have one name.
    """

    value: Any
    low: Any
    high: Any
    n: int
    unit: str = "1"
    chance: Any = None
    resampled_over: str = "conversations"
    dims: tuple[str, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = {name: _numbers(name, getattr(self, name)) for name in ("value", "low", "high")}
        value, low, high = parts.values()
        shape = value.shape
        if type(self.n) is not int:
            must_be(self.n, Integral, "the n of an estimate is a whole number of units", "For example: n=len(clusters)")
        if self.n < 0:
            raise PluginError(f"An estimate rests on {self.n} units, and should on 0 or more.")
        must_be(self.unit, str, "the unit of an estimate is text", 'For example: "nats", or "1" for a pure ratio.')
        must_be(self.resampled_over, str, "what was resampled is named in text", 'For example: "conversations"')
        if low.shape != shape or high.shape != shape:
            raise PluginError(f"An estimate of shape {shape} has an interval of {low.shape} and {high.shape}.")
        turned = low > high
        if turned.any() and not np.allclose(low[turned], high[turned], rtol=1e-9, atol=0):
            raise PluginError("The lower end of an estimate's interval is above the upper end.", hint=_IN_ORDER)
        if self.chance is not None and (at := _numbers("chance", self.chance).shape) not in ((), shape):
            raise PluginError(f"An estimate of shape {shape} has a chance level of shape {at}.")
        self._name_places(shape)

    def _name_places(self, shape: tuple[int, ...]) -> None:
        """Check the names of dimensions and places, and keep them as tuples."""
        must_be(self.dims, (tuple, list), "the dimensions of an estimate are a tuple of names", _DIMS)
        if self.dims:
            _must_be_names(self.dims, "the names of dimensions", _DIMS)
            if len(self.dims) != len(shape):
                raise PluginError(f"An estimate of shape {shape} has the dimensions {self.dims}.")
        object.__setattr__(self, "dims", tuple(self.dims))
        if type(self.labels) is dict and not self.labels:
            object.__setattr__(self, "labels", {})
            return
        must_be(self.labels, Mapping, "the labels of an estimate are a mapping from dimensions to names", _LABELS)
        sizes = dict(zip(self.dims, shape, strict=False))
        for dim, names in self.labels.items():
            must_be(names, (tuple, list), f"the names along {dim!r} are a tuple", _LABELS)
            _must_be_names(names, f"the names along {dim!r}", _LABELS)
            if sizes.get(dim) != len(names):
                raise PluginError(f"An estimate of {sizes or shape} has {len(names)} names of the dimension {dim!r}.")
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise UsageError(f"Several places along {dim!r} are called {twice!r}.", hint="Give each its own name.")
        object.__setattr__(self, "labels", {dim: tuple(names) for dim, names in self.labels.items()})

    @classmethod
    def missing(cls, shape: tuple[int, ...] = (), **parts: Any) -> Estimate:
        """Return an estimate of a quantity that could not be measured: NaN everywhere, n=0.

        Args:
            shape: Its shape.
            **parts: Its ``unit``, ``chance``, ``resampled_over`` and ``dims``.
        """
        nothing = np.full(shape, np.nan)
        return cls(nothing, nothing.copy(), nothing.copy(), n=0, **parts)

    @classmethod
    def stacked(
        cls, estimates: Sequence[Estimate], shape: tuple[int, ...] | None = None, dims: tuple[str, ...] = ()
    ) -> Estimate:
        """Return estimates of one number each as one estimate; n, unit and units are those of the first.

        Args:
            estimates: At least one; their chance levels are kept where all have one.
            shape: Its shape; ``(len(estimates),)`` unless given.
            dims: Names of its dimensions.

        Raises:
            UsageError: There is none, or one of them is no estimate of one number.
        """
        if strange := [one for one in estimates if not isinstance(one, Estimate) or np.ndim(one.value)]:
            told = f"one of shape {strange[0].shape}" if isinstance(strange[0], Estimate) else type(strange[0]).__name__
            raise UsageError(f"Estimates of one number each are stacked, not {told}.", hint=_STACKED)
        if not len(estimates):
            raise UsageError("There is no estimate to stack.", hint=_STACKED)
        shape = (len(estimates),) if shape is None else shape
        value, low, high = (
            np.array([float(getattr(one, part)) for one in estimates]).reshape(shape)
            for part in ("value", "low", "high")
        )
        first, levels = estimates[0], [one.chance for one in estimates]
        chance: Any = None
        if all(level is not None for level in levels):
            chance = levels[0] if len(set(map(float, levels))) == 1 else np.array(levels, dtype=float).reshape(shape)
        return cls(value, low, high, first.n, first.unit, chance, first.resampled_over, dims)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return np.shape(self.value)

    @property
    def trusted(self) -> bool:
        """Whether there are enough independent units for the interval to mean what it says."""
        return self.n >= FEW

    @property
    def above_chance(self) -> NDArray[np.bool_]:
        """Where the whole interval lies above the chance level (False everywhere without a chance level)."""
        if self.chance is None:
            return np.zeros(np.shape(self.value), dtype=bool)
        return np.asarray(self.low) > np.asarray(self.chance)

    def map(self, change: Callable[[NDArray[Any]], Any], **parts: Any) -> Estimate:
        """Return the estimate with value, interval and chance level changed alike.

        Args:
            change: A function of one array that changes each number by itself and keeps or reverses their order, as
                sums with and products by a constant, powers and exponentials do. One that moves numbers to other
                places (a transpose, a reversal, another shape) needs ``dims``.
            **parts: New ``unit``, ``dims`` or other parts. With ``dims`` they name the places as they are after the
                change; names of places that may have moved are left behind, unless ``labels`` gives them.

        Raises:
            UsageError: The function goes up and down between the ends of an interval, so that its values there are no
                interval, or it moves numbers and ``dims`` does not say what they are of.
        """
        if not callable(change):
            raise UsageError(f"What changes an estimate is a function, not {type(change).__name__}.", hint=_CHANGE)
        value, low, high = (np.asarray(change(np.asarray(part))) for part in (self.value, self.low, self.high))
        chance = self.chance
        if chance is not None:
            chance = np.asarray(change(np.broadcast_to(np.asarray(chance, dtype=np.float64), self.shape)))
            chance = float(chance.flat[0]) if chance.size and np.ndim(self.chance) == 0 else chance
        stays = self._stays_under(change, parts)
        dims = parts.pop("dims", self.dims)
        sizes = dict(zip(dims, value.shape, strict=False))
        kept = {dim: names for dim, names in self.labels.items() if stays and sizes.get(dim) == len(names)}
        labels = parts.pop("labels", kept)
        with np.errstate(invalid="ignore"):
            low, high = np.minimum(low, high), np.maximum(low, high)
        return replace(self, value=value, low=low, high=high, chance=chance, dims=dims, labels=labels, **parts)

    def _stays_under(self, change: Callable[[NDArray[Any]], Any], parts: Mapping[str, Any]) -> bool:
        """Say whether each number keeps its place, and refuse a function whose results have no interval or no names."""
        value, low, high = (np.asarray(part) for part in (self.value, self.low, self.high))
        level = value if self.chance is None else np.broadcast_to(np.asarray(self.chance), self.shape)
        gone = where_numbers_go(change, value, low, high)
        if gone == "together":
            raise UsageError(
                "The function makes one number of several, whose interval does not follow from theirs.",
                hint="Compute it for each conversation first, and then wl.cluster_bootstrap.",
            )
        if gone == "elsewhere" and "dims" not in parts:
            raise UsageError(
                "The function moves the numbers of an estimate to other places, and their names would not follow.",
                hint='Say what its dimensions are then: estimate.map(change, dims=("head", "layer")); dims=() is none.',
            )
        if not keeps_order(change, value, low, high, level):
            raise UsageError(
                "The function rises and falls within an interval, so its values at the ends are not those of one.",
                hint=_CHANGE,
            )
        return gone == "nowhere"

    def reshape(self, shape: Sequence[int], dims: tuple[str, ...] = ()) -> Estimate:
        """Return the same numbers in another shape, with the names of its dimensions."""
        try:
            return self.map(lambda part: part.reshape(tuple(shape)), dims=dims)
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"An estimate of shape {self.shape} has no shape {shape}.", hint="As many numbers are in both."
            ) from error

    def __getitem__(self, index: Any) -> Estimate:
        """Return the estimate at an index of its arrays; a `Head`, or its name, is one of [layer, head].

        Raises:
            UsageError: There is no such place (also an ``IndexError``, by which Python ends a loop over estimates).
        """
        index = Head.parse(index) if isinstance(index, str) else index
        at = tuple(index) if isinstance(index, tuple) else index
        chance = self.chance
        try:
            if chance is not None and np.ndim(chance):
                chance = np.asarray(chance)[at]
            value, low, high = (np.asarray(part)[at] for part in (self.value, self.low, self.high))
        except IndexError as error:
            raise _NoSuchPlace(
                f"An estimate of shape {self.shape} has nothing at {index!s}.",
                hint="Places are counted from 0, one for each dimension: estimate[1, 0] or estimate[wl.Head(1, 0)].",
            ) from error
        plain = at if isinstance(at, tuple) else (at,)
        whole = all(isinstance(i, (int, np.integer, slice)) for i in plain)
        left = [not isinstance(i, (int, np.integer)) for i in plain] + [True] * (len(self.dims) - len(plain))
        dims = tuple(d for d, kept in zip(self.dims, left, strict=False) if kept) if whole else ()
        dims = dims if len(dims) == value.ndim else ()
        cut = dict(zip(self.dims, (*plain, *[slice(None)] * len(self.dims)), strict=False))
        labels = {dim: self.labels[dim][cut[dim]] for dim in dims if dim in self.labels}
        return replace(self, value=value, low=low, high=high, chance=chance, dims=dims, labels=labels)

    def cells(self) -> Iterator[tuple[tuple[int, ...], Estimate]]:
        """Yield each index with the estimate there."""
        for index in np.ndindex(*self.shape):
            yield index, self[index]

    def heads(self) -> Iterator[tuple[Head, Estimate]]:
        """Yield each head with its estimate; the estimate must be [layer, head]."""
        if len(self.shape) != 2:
            raise PluginError(f"An estimate of shape {self.shape} is not one of heads [layer, head].")
        for (layer, head), estimate in self.cells():
            yield Head(layer, head), estimate

    def to_frame(self) -> pandas.DataFrame:
        """Return a table with one row a number: its place in each dimension, value, low, high, chance, n, unit.

        Of an estimate [layer, head], whatever other dimensions it has, one column ``head`` has names like L2H0 in place
        of the two numbers.
        """
        import pandas

        names = self.dims or tuple(f"dim_{i}" for i in range(len(self.shape)))
        index = [part.ravel() for part in np.indices(self.shape)] if self.shape else []
        places: dict[str, Any] = {
            name: [self.labels[name][i] for i in at] if name in self.labels else at
            for name, at in zip(names, index, strict=True)
        }
        if {"layer", "head"} <= places.keys() and not {"layer", "head"} & self.labels.keys():
            heads = [str(Head(*at)) for at in zip(places["layer"], places["head"], strict=True)]
            del places["layer"]
            places["head"] = heads
        size = int(np.prod(self.shape))
        parts = {"value": self.value, "low": self.low, "high": self.high}
        parts["chance"] = np.nan if self.chance is None else self.chance
        numbers = {
            name: np.broadcast_to(np.asarray(part, np.float64), self.shape).ravel() for name, part in parts.items()
        }
        about = {"n": [self.n] * size, "resampled_over": [self.resampled_over] * size, "unit": [self.unit] * size}
        return pandas.DataFrame({**places, **numbers, **about})

    @property
    def over(self) -> str:
        """How many there are of what was resampled, as one writes it: "42 conversations", "1 conversation"."""
        return f"{self.n:,} {self.resampled_over.removesuffix('s') if self.n == 1 else self.resampled_over}"

    def __str__(self) -> str:
        if np.ndim(self.value):
            return f"{self.shape} estimates, n={self.over}, {self.unit}"
        if np.isnan(float(self.value)):
            return f"unknown (n={self.over})"
        value, unit = formatted(float(self.value), ".3g"), "" if self.unit == "1" else f" {self.unit}"
        chance = "" if self.chance is None else f", chance {formatted(float(self.chance), '.3g')}"
        if np.isnan(float(self.low)) or np.isnan(float(self.high)):
            return f"{value}{unit} (n={self.over}{chance}, no interval)"
        few = "" if self.trusted else ", too few to trust the interval"
        return (
            f"{value}{unit} [{formatted(float(self.low), '.3g')}, {formatted(float(self.high), '.3g')}]"
            f" (n={self.over}{chance}{few})"
        )


def _numbers(name: str, value: Any) -> NDArray[Any]:
    """Return a part of an estimate as an array, or refuse it where it holds no numbers."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # lists in a list differ in length
        array = None
    if array is None or array.dtype.kind not in "biuf":
        raise PluginError(f"The {name} of an estimate is {value!r}, and should be numbers.")
    return array


def _must_be_names(names: Sequence[Any], what: str, hint: str) -> None:
    for kind in set(map(type, names)):
        if not issubclass(kind, str):
            raise UsageError(f"{what[0].upper()}{what[1:]} are text, not {kind.__name__}.", hint=hint)


def exact(value: Any, **parts: Any) -> Estimate:
    """Return a number that nothing was sampled for, such as one of weights: its interval is itself, and n is 1 model.

    Args:
        value: The number or array.
        **parts: Its ``unit``, ``chance``, ``dims`` and ``labels``.
    """
    return Estimate(value, value, value, n=1, resampled_over="models", **parts)
