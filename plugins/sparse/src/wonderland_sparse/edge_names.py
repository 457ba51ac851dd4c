"""What parts of a graph and the edges between them are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import wonderland as wl
from wonderland_sparse.transcoders_result import latent_name

__all__ = ["edge_of", "name_of"]


def name_of(part: Sequence[Any]) -> str:
    """Return what a part is called."""
    kind, *about = part
    if kind == "token":
        return {"differs": "tokens that differ", "same": "other tokens"}.get(about[0], f"token {about[0]}")
    if kind == "head":
        return str(wl.Head(*about))
    if kind == "latent":
        return latent_name(*about)
    if kind == "feature":
        return str(wl.Feature(*about))
    if kind in ("error", "rest"):
        return f"error L{about[0]}"
    return {"position": "positions", "logits": "answer"}[kind]


def edge_of(ends: Sequence[Sequence[Any]]) -> wl.Edge:
    """Return the edge of a sender and a receiver.

    >>> print(edge_of([("token", "differs"), ("head", 2, 0)]))
    tokens that differ → L2H0
    """
    sender, receiver = ends
    return wl.Edge(name_of(sender), name_of(receiver))
