"""Interventions by name: heads and sites, each alone, or several together in an inner list.

``"L2H0"`` and ``Head(2, 0)`` are the output of a head at all positions; a `Site` says more. What is asked decides the
shape of the answer: one thing gives one number, a list one number each, with their names as labels, and nothing every
head, [layer, head].
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from wonderland.components import Component, Head
from wonderland.errors import UsageError
from wonderland.estimate import Estimate
from wonderland.lab.interventions import Intervention, Site
from wonderland.lab.names import IN_ATTENTION, IN_BLOCK, IN_MLP, hook_name
from wonderland.lab.protocols import ModelShape

__all__ = ["Named", "What", "must_be_one_list"]

One = str | Head | Site
What = One | Sequence[One | Sequence[One]] | None
"""A head or site, a list of them, in which an inner list is put in together, or None for every head."""

_OF_HEADS = ("z", "q", "k", "v", "result")


@dataclass(frozen=True)
class Named:
    """Interventions and what to call them.

    Attributes:
        interventions: What is replaced together, one each.
        shape: The shape of the answer.
        dims: Names of its dimensions.
        labels: Names of its places.
    """

    interventions: tuple[Intervention, ...]
    shape: tuple[int, ...]
    dims: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, what: What, cfg: ModelShape) -> Named:
        """Return the interventions that are meant.

        Raises:
            UsageError: The model has no such head, layer or activation, or nothing is asked for.
        """
        if what is None:
            every = tuple((_site(head, cfg),) for head in Head.all(cfg.n_layers, cfg.n_heads))
            return cls(every, (cfg.n_layers, cfg.n_heads), ("layer", "head"), {})
        if _single(what):
            return cls(((_site(cast(Any, what), cfg),),), (), (), {})
        groups: list[list[Any]] = [[one] if _single(one) else list(one) for one in cast(Iterable[Any], what)]
        if not groups or not all(groups):
            raise UsageError("No head or site is named.", hint='For example "L2H0"; None is every head.')
        sites = tuple(tuple(_site(one, cfg) for one in group) for group in groups)
        names = tuple(" + ".join(map(str, group)) for group in sites)
        twice = [str(site) for group in sites for site in group if group.count(site) > 1]
        if twice := [*twice, *(name for name in names if names.count(name) > 1)]:
            raise UsageError(f"{twice[0]} is named twice.", hint="Name each once: the number is the same.")
        dim = "head" if all(_whole_head(site) for group in sites for site in group) else "site"
        return cls(sites, (len(sites),), (dim,), {dim: names})

    @property
    def places(self) -> list[str]:
        """The names of positions that sites give."""
        return sorted({s.positions for one in self.interventions for s in one if isinstance(s.positions, str)})

    def check_positions(self, length: int, what: str) -> None:
        """Raise `UsageError` unless positions that sites give as numbers are there in everything of this length."""
        for one in self.interventions:
            for site in one:
                if isinstance(site.positions, int) and not 0 <= site.positions < length:
                    raise UsageError(
                        f"Not every {what} has a position {site.positions}.",
                        hint=f"Positions count from 0; the shortest has 0 to {length - 1}."
                        + (' The last of each: positions="answer".' if what == "prompt" else ""),
                    )

    def shaped(self, estimate: Estimate) -> Estimate:
        """Return an estimate [intervention] in the shape that was asked for, with its names."""
        if not self.shape:
            return estimate[0]
        return estimate.map(lambda part: np.reshape(part, self.shape), dims=self.dims, labels=self.labels)


def must_be_one_list(method: str, further: Sequence[object]) -> None:
    """Raise `UsageError` if heads or sites were given one after another instead of in one list.

    Args:
        method: What was called: "ablate" or "patch".
        further: What was given after the first.
    """
    if further:
        raise UsageError(
            "Several heads or sites are given in one list, as what is meant by two is not clear otherwise.",
            hint=f'Each alone: specimen.{method}(["L2H0", "L2H3"]); together: specimen.{method}([["L2H0", "L2H3"]]).',
        )


def _single(what: Any) -> bool:
    return isinstance(what, (Component, Site, str)) or not isinstance(what, Iterable)  # a head is a tuple, too


def _whole_head(site: Site) -> bool:
    return site.name == "z" and site.head is not None and site.positions is None


def _site(one: One, cfg: ModelShape) -> Site:
    if isinstance(one, str):
        one = Head.parse(one, (cfg.n_layers, cfg.n_heads))
    if isinstance(one, Head):
        one = Site("z", one.layer, one.index)
    if not isinstance(one, Site):
        raise UsageError(
            f"A {type(one).__name__} is no place in a model.", hint='Give "L2H0", wl.Head(2, 0) or wl.Site("z", 2, 0).'
        )
    if one.name not in (*IN_ATTENTION, *IN_MLP, *IN_BLOCK):
        hook_name(one.name, 0)  # says which there are
        raise UsageError(f"The activation {one.name!r} is of no layer.", hint='Patch "resid_pre" of layer 0.')
    if one.name in ("attn_scores", "pattern"):
        raise UsageError(f"{one.name!r} is of pairs of positions.", hint='Patch "q", "k", "v" or "z" of the head.')
    if not 0 <= one.layer < cfg.n_layers:
        raise UsageError(f"The model has no layer {one.layer}.", hint=f"Layers: 0 to {cfg.n_layers - 1}.")
    if one.head is not None:
        if one.name not in _OF_HEADS:
            raise UsageError(f"{one.name!r} is not of single heads.", hint=f"Of heads are: {', '.join(_OF_HEADS)}.")
        Head.parse(f"L{one.layer}H{one.head}", (cfg.n_layers, cfg.n_heads))
    return one
