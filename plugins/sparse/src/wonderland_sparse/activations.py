"""Where each unit of a layer fires on two texts: latents, and neurons and random directions to compare them with.

The first text is some of the training text, where labels are chosen; the second is the held-out evidence, where
everything is reported. Neurons and directions have no zero of their own, so each is cut where it fires as often as some
latent does.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.names import hook_name
from wonderland_sparse.dictionary import Dictionary

__all__ = ["Fires", "auroc", "cut", "directions", "fires", "neurons", "rolled"]


@dataclass(frozen=True)
class Fires:
    """Where something fires, place by place.

    Attributes:
        rows: Place of each firing, [firing].
        units: Unit of each.
        values: How much.
    """

    rows: np.ndarray
    units: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, parts: Iterator[tuple[int, Tensor]]) -> Fires:
        """Put chunks [place, unit] together, of which what is over 0 fires."""
        rows, units, values = [], [], []
        for start, part in parts:
            at, unit = torch.nonzero(part > 0, as_tuple=True)
            rows.append((at + start).numpy())
            units.append(unit.numpy())
            values.append(part[at, unit].numpy())
        return cls(np.concatenate(rows), np.concatenate(units), np.concatenate(values))

    @functools.cached_property
    def _by_unit(self) -> tuple[np.ndarray, np.ndarray]:
        """Firings unit by unit, each in its order, and where those of each unit begin, [unit + 1]."""
        order = np.argsort(self.units, kind="stable")
        return order, np.searchsorted(self.units[order], np.arange(self.units.max(initial=-1) + 2))

    def of_unit(self, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the places at which a unit fires, and how much, [firing] each."""
        order, begins = self._by_unit
        if unit + 1 >= len(begins):  # no later unit fires
            return self.rows[:0], self.values[:0]
        mine = order[begins[unit] : begins[unit + 1]]
        return self.rows[mine], self.values[mine]


def fires(dictionary: Dictionary, x: Tensor) -> Fires:
    """Return where the latents of a dictionary fire on vectors [n, d]."""
    return Fires.of((rows.start, f) for rows, f in dictionary.chunks(x))


def rolled(found: Fires, length: int, by: int = 5003) -> Fires:
    """Return the same firing at other places: how often and in what runs it fires stays, what for does not."""
    return Fires((found.rows + by) % length, found.units, found.values)


def cut(first: np.ndarray, second: np.ndarray, density: np.ndarray, seed: int = 0) -> tuple[Fires, Fires]:
    """Return where units fire if each is cut to fire as often as some latent.

    Args:
        first: Their values on the first text, [place, unit].
        second: On the second.
        density: Of the latents that fire, to draw from.
        seed: Seed of the draw.
    """
    drawn = np.random.default_rng(seed).choice(density, first.shape[1])
    columns = np.ascontiguousarray(first.T)
    at = np.array([_quantile(column, 1 - share) for column, share in zip(columns, drawn, strict=True)], np.float32)
    one, other = (Fires.of(iter([(0, torch.from_numpy(values - at))])) for values in (first, second))
    return one, other


def _quantile(values: np.ndarray, share: float) -> float:
    """Return the quantile of values as `numpy.quantile` does, which sorts more of them than it needs."""
    place = share * (len(values) - 1)
    below = min(int(place), len(values) - 2)
    parted = np.partition(values, below)
    low, high = float(parted[below]), float(parted[below + 1 :].min())
    return low + (place - below) * (high - low)


def directions(x: Tensor, y: Tensor, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return how far vectors of two texts go along random directions, [place, direction] each."""
    drawn = torch.randn(x.shape[1], count, generator=torch.Generator().manual_seed(seed))
    return np.asarray((x.float() @ drawn).numpy()), np.asarray((y.float() @ drawn).numpy())


@torch.no_grad()
def neurons(specimen: wl.Specimen, tokens: np.ndarray, lengths: np.ndarray, layer: int) -> np.ndarray:
    """Return the activations of a layer's neurons over rows of tokens, [place, neuron], without padding."""
    found, name = [], hook_name("post", layer)
    mask = np.arange(tokens.shape[1]) < lengths[:, None]
    for start in range(0, len(tokens), 16):
        rows = slice(start, start + 16)
        some = torch.from_numpy(tokens[rows]).to(specimen.model.device)
        _, cache = specimen.model.run_with_cache(some, names_filter=[name], stop_at_layer=layer + 1)
        found.append(cache[name].float().cpu()[torch.from_numpy(mask[rows])].numpy())
    return np.concatenate(found)


def auroc(values: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return the probability that a value where a label is lies over one where it is not, [unit]; ties count half.

    Args:
        values: [place, unit].
        label: Whether the label is there, [place].
    """
    positive, negative = int(label.sum()), int((~label).sum())
    if not positive or not negative:
        return np.full(values.shape[1], np.nan)
    # Two sorts of numbers and a search, by unit: ranking all of them together takes four times as long.
    there, not_there = (np.sort(np.ascontiguousarray(values[rows].T), axis=1) for rows in (label, ~label))
    twice_below = [
        np.searchsorted(low, high, "left").sum() + np.searchsorted(low, high, "right").sum()
        for high, low in zip(there, not_there, strict=True)
    ]
    return np.asarray(twice_below) / (2 * positive * negative)
