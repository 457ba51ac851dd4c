"""Along which paths does a difference reach the answer, through which heads and latents of MLPs?

Contrasts are mined from held-out messages (who speaks, by default). On each prompt the logit difference of the answer
is written as a sum over paths from tokens through heads and transcoder latents to the logits, with attention, norms and
the active latents frozen (`replacement`); the account of the corrupted prompt is taken off that of the clean one, so
that what is left adds up to the gap between the two. An edge is given as its share of the gap.

Edges are chosen on one half of the contrasts and measured on the other, of other conversations. Every edge that is
drawn is also taken out of the real model, where nothing is frozen (`removal`), and both numbers stand beside each
other: their correlation over edges says how far the account can be believed.

The replacement score and completeness say how much of the account is told by latents and heads, and how much by what
the transcoders leave (errors). Beside them stand the same scores with no transcoder at all, where every MLP is an
error.

What would fool it: an account is of what flows, not of why attention looks where it looks: who speaks may act through a
head's pattern, which is frozen here. Where the real effect of an edge is another than its share, this is mostly why.

References: Ameisen et al. 2025, Circuit Tracing; Dunefsky et al. 2024 (2406.11944); Marks et al. 2024 (2403.19647).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.advice import Command, Hint, Options
from wonderland.lab.contrast import ContrastBatch
from wonderland_sparse.asking import AsksContrasts
from wonderland_sparse.dictionary import Transcoder
from wonderland_sparse.graphs_result import GraphsResult
from wonderland_sparse.paths import KINDS, Edge, Pair, leading, pair_of
from wonderland_sparse.removal import taken_out
from wonderland_sparse.replacement import LOGITS, Part, account, scores
from wonderland_sparse.trainings import dealt, halves
from wonderland_sparse.transcoders_result import TranscodersResult

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth


@dataclass(frozen=True)
class AttributionGraphs(AsksContrasts):
    """Along which paths does a difference reach the answer? Tokens, heads, latents; each edge taken out for real."""

    name: ClassVar[str] = "attribution-graphs"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("sparse",)
    no_choices: ClassVar[str] = (
        "Edges are chosen on one half of the contrasts and taken out on the other; it takes transcoders "
        "of a trained model, which the shared noise has none of."
    )
    uses: ClassVar[tuple[str, ...]] = ("transcoders",)
    on_request: ClassVar[bool] = True

    pairs: Annotated[int, "contrasts to mine, half to choose on and half to measure on"] = 64
    edges: Annotated[int, "edges to draw at most"] = 40
    examples: Annotated[int, "prompts to draw alone, the first of those to measure on"] = 3

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_sparse import graph_truths

        return graph_truths.graphs()

    def run(self, specimen: wl.Specimen) -> GraphsResult:
        """Account for the answers, choose edges on one half and measure them on the other."""
        if self.edges < 1 or self.examples < 0:
            raise wl.UsageError(
                "A graph needs at least one edge, and no fewer than no prompts.",
                hint=Hint("For example: ", Options(edges=40)),
            )
        found = specimen.results.get("transcoders")
        if not isinstance(found, TranscodersResult):
            raise wl.NotEnoughData(
                "There are no transcoders to follow paths through.",
                hint=Hint("Train some: ", Command("analyze", "transcoders")),
            )
        if not isinstance(specimen.model, wl.ChatTransformer):
            raise wl.Unsupported(
                "Paths are followed in a ChatTransformer only.",
                hint="wl.ChatTransformer.from_transformer_lens(bridge), if it is of the GPT-2 family.",
            )
        mined = self.asked(specimen)
        coders = {layer: found.transcoder(layer) for layer in found.layers}
        explore, confirm = (ContrastBatch.of(half, specimen.tokenizer) for half in (mined.explore, mined.confirm))
        total, done = len(explore) + len(confirm), [0]
        specimen.progress(0, total)

        def tell() -> None:
            done[0] += 1
            specimen.progress(done[0], total)

        def flows(running: wl.Specimen, row: int) -> dict[Edge, float]:
            return pair_of(running.model, coders, explore, row).flows

        def measure(running: wl.Specimen, row: int) -> dict[str, Any]:
            pair = pair_of(running.model, coders, confirm, row)
            return self._pair(running, coders, pair, chosen, draw=row < self.examples)

        mean: dict[Edge, float] = defaultdict(float)
        for one in dealt(halves(specimen, range(len(explore))), flows, tell):
            for edge, flow in one.items():
                mean[edge] += flow
        chosen = leading(mean, self.edges)
        measured = dealt(halves(specimen, range(len(confirm))), measure, tell)
        return GraphsResult.of(
            measured,
            chosen,
            found,
            clusters=confirm.cluster,
            resampled_over=confirm.resampled_over,
            contrast=self.contrast,
            seed=self.seed,
        )

    def _pair(
        self, specimen: wl.Specimen, coders: Mapping[int, Transcoder], pair: Pair, chosen: list[Edge], *, draw: bool
    ) -> dict[str, Any]:
        """Return what was measured on one pair of the half to measure on."""
        flows, model = pair.flows, specimen.model
        bare = account(model, {}, pair.clean.tokens, pair.target, pair.foil)
        into: dict[Part, float] = defaultdict(float)
        for edge, flow in flows.items():
            into[edge[1]] += flow
        return {
            "gap": pair.gap,
            "away": pair.away,
            "flow": [flows.get(edge, 0.0) for edge in chosen],
            "removed": pair.removed(model, coders, chosen),
            "straight": [sum(f for (a, b), f in flows.items() if b == LOGITS and a[0] == kind) for kind in KINDS],
            "scores": (*scores(pair.clean), *scores(bare)),
            "into": dict(into),
            "example": self._example(specimen, coders, pair) if draw else None,
        }

    def _example(self, specimen: wl.Specimen, coders: Mapping[int, Transcoder], pair: Pair) -> dict[str, Any]:
        """Return the account of a clean prompt alone: its largest edges, and each taken out for real."""
        one = pair.clean
        sizes = {
            (one.parts[i], one.parts[j]): float(one.edges[i, j]) for i, j in zip(*np.nonzero(one.edges), strict=True)
        }
        edges = leading(sizes, self.edges)
        asked = [([sender], receiver) for sender, receiver in edges]
        said = scores(one)
        return {
            "tokens": specimen.tokenizer.pieces(one.tokens.tolist()),
            "target": specimen.tokenizer.pieces([pair.target])[0],
            "foil": specimen.tokenizer.pieces([pair.foil])[0],
            "answer": one.answer,
            "told": float(sum(sizes[edge] for edge in edges if edge[1] == LOGITS)),
            "edges": [[list(sender), list(receiver)] for sender, receiver in edges],
            "flow": np.array([sizes[edge] for edge in edges]),
            "removed": taken_out(specimen.model, coders, one, asked, pair.target, pair.foil),
            "replacement": said[0],
            "completeness": said[1],
        }
