"""What is said and shown of paths to an answer: the graph over contrasts, single prompts, how far to believe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.views import bounds_in_words, counted, no_more, percent
from wonderland_sparse import graphs_views
from wonderland_sparse.graphs_measured import MeasuredGraphs
from wonderland_sparse.paths import KINDS
from wonderland_sparse.shares import in_words, measured

__all__ = ["GraphsResult"]

_BELIEVED = 0.8  # correlation of accounts with taking edges out, from which they can be relied on


@dataclass(frozen=True)
class GraphsResult(MeasuredGraphs):
    """Accounts of contrasts, their edges, and what they do if taken out; the numbers are those of `MeasuredGraphs`."""

    def summary(self) -> str:
        lines = [finding.sentence for finding in self.findings()]
        if self.told:
            parts = zip(KINDS, np.asarray(self.straight.value), strict=True)
            told = ", ".join(f"{kind} {percent(float(value))}" for kind, value in parts)
            lines.append(f"Straight to the logits, as shares of the gap: {told}.")
            lines += [f"{name}: {estimate}." for name, estimate in self.scores.items()]
            lines.append(f"An account misses the logit difference by {no_more(self.away)} logits.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        if not self.told:
            text = f"No path carries a {self.contrast} difference: there is no gap between the prompts."
            return [wl.Finding(text, "", (), "anecdotal", "null")]
        r, replaced, bare = self.agreement, self.scores["replacement"], self.scores["replacement, no transcoder"]
        believed = bool(r >= _BELIEVED)
        agree = (
            f"the share that an account gives and the share that goes without the edge correlate with r = "
            f"{in_words(r, '.2f')}"
            if measured(r)
            else "it cannot be told whether what an account gives is what goes without the edge, as there are too few "
            "or they are all alike"
        )
        text = (
            f"{counted(len(self.edges), 'edge')} {'was' if len(self.edges) == 1 else 'were'} chosen that carr"
            f"{'ies' if len(self.edges) == 1 else 'y'} the {self.contrast} difference; over them, {agree} "
            f"(n={counted(self.pairs, 'pair')} they were not chosen on)."
        )
        found = [
            wl.Finding(
                text,
                "attribution-graph",
                (),
                "solid" if believed and self.conversations >= 10 else "weak",
                "effect" if believed else "null",
            )
        ]
        text = (
            f"{percent(replaced.value)} of the influence on the answers begins at tokens and not at what transcoders "
            f"leave (replacement score, {bounds_in_words(replaced)}, "
            f"n={replaced.over}); with no transcoder {percent(bare.value)}."
        )
        if not measured(replaced):
            text = "It was not measured how much of the influence on the answers begins at tokens (replacement score)."
        more = bool(float(replaced.low) > float(bare.high))
        trust: Any = "solid" if more and replaced.trusted else "weak"
        kind: Any = "effect" if more else "null"
        found.append(wl.Finding(text, "attribution-graph", (), trust, kind, replaced))
        return found

    def views(self) -> Sequence[wl.View]:
        if not self.told:
            return []
        latents = [graphs_views.latents(self)] if self.parts else []
        examples = [graphs_views.example(self, number) for number in range(len(self.examples))]
        return [graphs_views.graph(self), graphs_views.checked(self), *latents, *examples]
