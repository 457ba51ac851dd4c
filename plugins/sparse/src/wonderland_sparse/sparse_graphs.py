"""Through which latents of the stream and which heads does a difference reach the answer, and what goes past them?

Contrasts are mined from held-out messages (who speaks, by default). The stream is cut after every layer that has a
dictionary, where it is an exact sum of latents, the dictionary's error and the means of tokens (`stream_runs`). Parts
of the graph are tokens, heads, of each cut the latents that carry most, and the errors, which are never left out. What
an edge carries is estimated for all of them (`stream_steps`); the largest that lie on a way to the answer are drawn.

Latents and edges are chosen on one half of the contrasts and measured on the other, of other conversations. There
each edge is also taken for real, in both runs. Only if both agree over the edges (r of 0.9 and more) is it drawn.
Beside it stand as many edges that were drawn by lot: the same with their latents and heads replaced by others of the
layer, latents that differ, too. Edges share contrasts and parts, so they are no sample: by how much the chosen ones
carry more is resampled over conversations. And of each cut it is told how much goes through the latents in the graph,
through the others, through the error and through the means of tokens.

What would fool it: latents overlap, so what one is said to carry another could say. Edges are summed over positions;
some cancel. And a small error at a cut is no proof that the latents are the parts the model computes with: see
`sparse-features` for which of them are stable and needed.

References: Marks et al. 2024 (2403.19647), sparse feature circuits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

import numpy as np
import torch

import wonderland as wl
from wonderland.advice import Command, Hint, Options
from wonderland.lab.contrast import ContrastBatch
from wonderland_sparse.asking import AsksContrasts
from wonderland_sparse.dictionaries_result import DictionariesResult
from wonderland_sparse.paths import Edge, leading
from wonderland_sparse.replacement import LOGITS, Part
from wonderland_sparse.sparse_graphs_result import SparseGraphsResult
from wonderland_sparse.stream_runs import TOKENS, Cut, Runs
from wonderland_sparse.stream_steps import Steps
from wonderland_sparse.trainings import dealt, halves

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

R = TypeVar("R")
_PAIRS_AT_ONCE = 32
_LEAST_SHARE = 0.002  # of the gap; what carries less is not drawn


@dataclass(frozen=True)
class SparseGraphs(AsksContrasts):
    """Through which latents and heads does a difference reach the answer? Each edge taken for real; errors drawn."""

    name: ClassVar[str] = "sparse-graphs"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("sparse",)
    no_choices: ClassVar[str] = (
        "Latents and edges are chosen on one half of the contrasts and taken for real on the other; it takes "
        "dictionaries of a trained model, which the shared noise has none of."
    )
    uses: ClassVar[tuple[str, ...]] = ("sparse-dictionaries",)
    on_request: ClassVar[bool] = True

    latents: Annotated[int, "latents of each layer to follow, those that carry most"] = 12
    edges: Annotated[int, "edges to draw at most"] = 40

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_sparse import sparse_graph_truths

        return sparse_graph_truths.graphs()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> SparseGraphsResult:
        """Choose latents and edges on one half of the contrasts, and measure them on the other."""
        if self.latents < 1 or self.edges < 1:
            raise wl.UsageError(
                "A graph needs at least one latent of each layer, and one edge.",
                hint=Hint("For example: ", Options(latents=12, edges=40)),
            )
        found = specimen.results.get("sparse-dictionaries")
        if not isinstance(found, DictionariesResult):
            raise wl.NotEnoughData(
                "There are no dictionaries whose latents could be followed.",
                hint=Hint("Train some: ", Command("analyze", "sparse-dictionaries")),
            )
        if not isinstance(specimen.model, wl.ChatTransformer):
            raise wl.Unsupported(
                "Paths are followed in a ChatTransformer only.",
                hint="wl.ChatTransformer.from_transformer_lens(bridge), if it is of the GPT-2 family.",
            )
        mined = self.asked(specimen)
        cuts = cuts_of(found)
        explore, confirm = (ContrastBatch.of(half, specimen.tokenizer) for half in (mined.explore, mined.confirm))
        specimen.progress(0, 3)
        every = _runs(specimen, explore, cuts, lambda steps, _: steps)
        latents, differ, mean = self._explored(specimen, cuts, every)
        gap = sum(float(steps.gap.sum()) for steps in every)
        least = _LEAST_SHARE * abs(gap)
        chosen = leading({edge: size for edge, size in mean.items() if abs(size) >= least}, self.edges)
        specimen.progress(1, 3)
        others = by_lot(chosen, differ, specimen.cfg.n_heads, self.seed)
        measured = _runs(specimen, confirm, cuts, lambda steps, rows: _measured(steps, rows, chosen, others, latents))
        specimen.progress(3, 3)
        rows = np.concatenate([one["rows"] for one in measured])
        return SparseGraphsResult.of(
            {name: np.concatenate([one[name] for one in measured], -1) for name in measured[0] if name != "rows"},
            chosen,
            others,
            signs=np.sign([mean[edge] * gap for edge in chosen]),
            layers=list(cuts),
            clusters=confirm.cluster[rows],
            resampled_over=confirm.resampled_over,
            contrast=self.contrast,
            seed=self.seed,
        )

    def _explored(
        self, specimen: wl.Specimen, cuts: Mapping[int, Cut], every: Sequence[Steps]
    ) -> tuple[dict[int, list[int]], dict[int, np.ndarray], dict[Edge, float]]:
        """Return the latents of each cut that carry most, those that differ at all, and what each edge carries."""
        latents, differ = {}, {}
        of_latents = _each(every, lambda steps: {layer: steps.of_latents(layer).sum(0) for layer in cuts})
        for layer in cuts:
            carried = sum(one[layer] for one in of_latents)
            order = np.argsort(-np.abs(carried), kind="stable")[: self.latents]
            latents[layer] = [int(unit) for unit in order if carried[unit]]
            apart = [steps.runs.sides[0].values[layer] != steps.runs.sides[1].values[layer] for steps in every]
            differ[layer] = np.flatnonzero(np.any([one.any(0).any(0).numpy() for one in apart], 0))
        parts = parts_of(latents, specimen.cfg.n_layers, specimen.cfg.n_heads)
        mean: dict[Edge, float] = defaultdict(float)
        for estimated in _each(every, lambda steps: steps.estimated([*parts, LOGITS], [TOKENS, *parts])):
            for edge, carried in estimated.items():
                mean[edge] += float(carried.sum())
        return latents, differ, mean


def cuts_of(found: DictionariesResult) -> dict[int, Cut]:
    """Return the cuts of a result, by layer; of a model whose layers write nothing only the first."""
    made = {}
    for layer in found.layers[:1] if found.shared else found.layers:
        table = found.table(layer)
        made[layer] = Cut(layer, found.dictionary(layer), None if table is None else torch.from_numpy(table))
    return dict(sorted(made.items()))


def parts_of(latents: Mapping[int, Sequence[int]], layers: int, heads: int) -> list[Part]:
    """Return the parts that write and read: these latents, the errors of their cuts, and every head."""
    made: list[Part] = [("head", layer, head) for layer in range(layers) for head in range(heads)]
    for layer, units in latents.items():
        made += [*(("feature", layer, unit) for unit in units), ("rest", layer)]
    return made


def by_lot(edges: Sequence[Edge], differ: Mapping[int, np.ndarray], heads: int, seed: int) -> list[Edge]:
    """Return for each edge with a latent or a head another, in which those are drawn by lot from the same layer.

    Args:
        edges: The edges that are drawn.
        differ: By layer, the latents that differ between the runs of the pairs to choose on.
        heads: Heads of a layer.
        seed: Seed of the lot.
    """
    random, there, found = np.random.default_rng(seed), set(edges), list[Edge]()

    def other(part: Part) -> Part:
        if part[0] == "feature":
            return ("feature", part[1], int(random.choice(differ[part[1]])))
        return ("head", part[1], int(random.integers(heads))) if part[0] == "head" else part

    for edge in edges:
        for _ in range(20):  # where all others are drawn already there is none
            drawn = other(edge[0]), other(edge[1])
            if drawn not in there:
                found.append(drawn)
                there.add(drawn)
                break
    return found


def _runs(
    specimen: wl.Specimen, batch: ContrastBatch, cuts: Mapping[int, Cut], of: Callable[[Steps, np.ndarray], R]
) -> list[R]:
    """Return what is measured of the steps of some pairs at a time, given them and the numbers of the pairs."""
    some = list(batch.batches(_PAIRS_AT_ONCE))

    @torch.no_grad()  # which each thread has of its own
    def measured(running: wl.Specimen, number: int) -> R:
        rows, pairs = some[number]
        return of(Steps(Runs(running, pairs, cuts)), rows)

    return dealt(halves(specimen, range(len(some))), measured, lambda: None)


def _each(every: Sequence[Steps], of: Callable[[Steps], R]) -> list[R]:
    """Return what is measured of steps, each in the model it was made with: of two models at a time."""

    @torch.no_grad()
    def measured(_: wl.Specimen, steps: Steps) -> R:
        return of(steps)

    models: dict[int, tuple[wl.Specimen, list[Steps]]] = {}
    for steps in every:
        models.setdefault(id(steps.runs.specimen), (steps.runs.specimen, []))[1].append(steps)
    return dealt(list(models.values()), measured, lambda: None)


def _measured(
    steps: Steps, rows: np.ndarray, chosen: Sequence[Edge], others: Sequence[Edge], latents: Mapping[int, list[int]]
) -> dict[str, Any]:
    """Return what was measured on some pairs of the half to measure on, [..., pair]."""
    parts = list(dict.fromkeys(part for edge in chosen for part in edge))
    estimated = steps.estimated([part for part in parts if part != TOKENS], [p for p in parts if p != LOGITS])
    goes = []
    for layer, units in latents.items():
        of = steps.of_latents(layer)
        drawn = [unit for unit in units if ("feature", layer, unit) in parts]
        mine = of[:, drawn].sum(1)
        means = steps.of_part(TOKENS, layer)
        goes.append([mine, of.sum(1) - mine, steps.of_part(("rest", layer), layer), means])
    return {
        "rows": rows,
        "gap": steps.gap,
        "estimated": np.asarray([estimated[edge] for edge in chosen]).reshape(len(chosen), len(rows)),
        "taken": steps.taken(chosen),
        "by lot": steps.taken(others),
        "goes": np.asarray(goes).reshape(len(latents), 4, len(rows)),
    }
