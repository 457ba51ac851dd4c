"""Accounts of both prompts of a contrast, taken off each other, with parts called the same across prompts.

Tokens stand at other positions in other prompts, so over contrasts they are two parts: those in which the prompts
differ, and all others. Heads, latents and errors keep their names, biases are one part.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import torch

from wonderland.lab.contrast import ContrastBatch
from wonderland_sparse.dictionary import Transcoder
from wonderland_sparse.removal import taken_out
from wonderland_sparse.replacement import LOGITS, Account, Part, account

__all__ = ["KINDS", "Edge", "Pair", "leading", "pair_of"]

Edge = tuple[Part, Part]
KINDS = ("token", "position", "head", "latent", "error", "bias")


@dataclass(frozen=True)
class Pair:
    """The accounts of a contrast.

    Attributes:
        clean: Of the clean prompt.
        corrupted: Of the corrupted one.
        differs: Where the prompts differ, [pos].
        target: The token whose logit counts.
        foil: The token whose logit is taken off.
        away: By how much the accounts miss the logit differences of the model, in logits.
    """

    clean: Account
    corrupted: Account
    differs: np.ndarray
    target: int
    foil: int
    away: float

    @property
    def gap(self) -> float:
        """How much larger the logit difference is on the clean prompt."""
        return self.clean.answer - self.corrupted.answer

    def called(self, part: Part) -> Part:
        """Return what a part is called over all prompts."""
        if part[0] == "token":
            return ("token", "differs" if self.differs[part[1]] else "same")
        return ("bias",) if part[0] == "bias" else part

    @functools.cached_property
    def flows(self) -> dict[Edge, float]:
        """What flows along each edge, on the clean prompt more than on the corrupted one, in logits."""
        found: dict[Edge, float] = defaultdict(float)
        for one, sign in ((self.clean, 1), (self.corrupted, -1)):
            names = [self.called(part) for part in one.parts]
            for i, j in zip(*np.nonzero(one.edges), strict=True):
                found[names[i], names[j]] += sign * float(one.edges[i, j])
        return dict(found)

    def removed(self, model: Any, coders: Mapping[int, Transcoder], edges: Sequence[Edge]) -> np.ndarray:
        """Return what goes without each edge, taken out for real, on the clean prompt more than on the corrupted."""
        found = np.zeros(len(edges))
        for one, sign in ((self.clean, 1), (self.corrupted, -1)):
            senders: dict[Part, list[Part]] = defaultdict(list)
            for part in one.parts:
                senders[self.called(part)].append(part)
            asked = [(senders.get(sender, []), receiver) for sender, receiver in edges]
            found += sign * taken_out(model, coders, one, asked, self.target, self.foil)
        return found


def pair_of(model: Any, coders: Mapping[int, Transcoder], batch: ContrastBatch, row: int) -> Pair:
    """Return the accounts of one contrast of some."""
    end = int(batch.answer[row]) + 1
    target, foil = int(batch.target[row]), int(batch.foil[row])
    clean, corrupted = (
        account(model, coders, side[row, :end], target, foil) for side in (batch.clean, batch.corrupted)
    )
    with torch.no_grad():
        both = torch.from_numpy(np.stack([clean.tokens, corrupted.tokens])).to(model.device)
        logits = model(both)[:, -1].double().cpu()
    own = (logits[:, target] - logits[:, foil]).tolist()
    away = max(abs(one.answer - said) for one, said in zip((clean, corrupted), own, strict=True))
    return Pair(clean, corrupted, batch.differs[row, :end], target, foil, away)


def leading(sizes: Mapping[Edge, float], most: int) -> list[Edge]:
    """Return the largest edges, at most so many, as far as they lie on a way to the answer, the largest first."""
    order = sorted((edge for edge in sizes if sizes[edge] != 0), key=lambda edge: (-abs(sizes[edge]), str(edge)))
    kept = [edge for edge in order if edge[0][0] != "bias"][:most]
    graph = nx.DiGraph(kept)
    ends: Iterable[Part] = nx.ancestors(graph, LOGITS) if LOGITS in graph else ()
    return [edge for edge in kept if edge[1] in {LOGITS, *ends}]
