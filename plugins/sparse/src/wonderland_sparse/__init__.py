"""Sparse dictionaries of the residual stream: what it is made of, and which part of that the model learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import wonderland as wl

if TYPE_CHECKING:
    from wonderland_sparse.exchange import Read

__all__ = ["read", "wonderland_analyses"]


@wl.hookimpl
def wonderland_analyses() -> list[type[Any]]:
    """Register the analyses of this plugin."""
    from wonderland_sparse.attribution_graphs import AttributionGraphs
    from wonderland_sparse.circuits import SparseCircuits
    from wonderland_sparse.dictionaries import SparseDictionaries
    from wonderland_sparse.features import SparseFeatures
    from wonderland_sparse.sparse_graphs import SparseGraphs
    from wonderland_sparse.transcoders import Transcoders

    return [AttributionGraphs, SparseCircuits, SparseDictionaries, SparseFeatures, SparseGraphs, Transcoders]


def read(folder: str | Path) -> Read:
    """Read a dictionary or a transcoder from a folder of SAELens; see `wonderland_sparse.exchange.read`."""
    from wonderland_sparse import exchange

    return exchange.read(folder)
