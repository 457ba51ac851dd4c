"""What is said and shown of composition: pairs of heads beyond chance, their matrix, their graph and their table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import READS
from wonderland.estimate import exact
from wonderland.views import (
    Block,
    Column,
    Edge,
    Graph,
    GraphNode,
    Matrix,
    Number,
    Role,
    Row,
    Series,
    Table,
    Wording,
    counted,
    formatted,
)
from wonderland_weights.composition_scores import KINDS

__all__ = ["CompositionResult"]

_READS = {letter.upper(): name for letter, name in READS.items()}
_LISTED = 40
_DRAWN = 24  # edges of the graph shown at first
_TOLD = 4  # compositions on the card of a head


@dataclass(frozen=True)
class CompositionResult(wl.Result):
    """Composition of every pair of heads. Arrays are [kind, earlier, later], kinds "Q", "K", "V".

    Heads are numbered layer · n_heads + head; NaN where the second is not in a later layer than the first, and
    where one of the two has no norm.

    Attributes:
        ratio: Ratio of Frobenius norms, between 0 and 1.
        scaled: The same times √room: 1 by chance, in the mean square.
        mean: Mean of ``scaled`` under random rotations of this pair.
        low: 2.5% quantile of it.
        high: 97.5% quantile of it.
        z: Standard deviations of the rotated above their mean.
        p: One-sided p: how often a rotation gives as much.
        q: The same with false discoveries controlled over all pairs and kinds.
        n_heads: Heads in a layer.
        room: Dimensions of the residual stream.
        rotations: Rotations in the null.
        level: q below which a pair is called composed.
        nothing: Heads without norm, by matrix, "OV" and "QK".
    """

    ratio: np.ndarray
    scaled: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    z: np.ndarray
    p: np.ndarray
    q: np.ndarray
    n_heads: int
    room: int
    rotations: int
    level: float
    nothing: dict[str, list[str]]

    def estimates(self) -> Mapping[str, wl.Estimate]:
        names = tuple(self._name(head) for head in range(self.scaled.shape[1]))
        labels = {"kind": KINDS, "earlier": names, "later": names}
        return {"scaled": exact(self.scaled, chance=self.mean, dims=("kind", "earlier", "later"), labels=labels)}

    @property
    def above(self) -> np.ndarray:
        """How far ``scaled`` is above the mean of its own null."""
        return np.asarray(self.scaled - self.mean)

    @property
    def pairs(self) -> list[tuple[str, str, str]]:
        """Pairs beyond chance as (kind, earlier, later), furthest above it first."""
        found = [tuple(int(i) for i in at) for at in np.argwhere(self.q < self.level)]
        found.sort(key=lambda at: -self.above[at])
        return [(KINDS[kind], self._name(earlier), self._name(later)) for kind, earlier, later in found]

    def at(self, kind: str, earlier: str, later: str) -> tuple[int, int, int]:
        """Return the index of a pair in the arrays: ``result.z[result.at("K", "L0H0", "L1H1")]``."""
        first, second = (self._number(name) for name in (earlier, later))
        return KINDS.index(kind), first, second

    def summary(self) -> str:
        return "\n".join([*(finding.sentence for finding in self.findings()), *self._remarks()])

    def findings(self) -> Sequence[wl.Finding]:
        tested = int(np.isfinite(self.p).sum())
        if not tested:
            return [
                wl.Finding("No two heads compose: " + self._why_none(), "composition", {}, "anecdotal", "description"),
            ]
        rule = f"q < {self.level:g} against {counted(self.rotations, 'random rotation')} of each"
        claims = []
        pairs = self.pairs
        if pairs:
            text = f"{len(pairs)} of {tested} possible compositions are beyond chance ({rule}); furthest is "
            text += self._told(*pairs[0]) + "."
            one = exact(float(self.scaled[self.at(*pairs[0])]), unit="times the chance level", chance=1.0)
            claims.append(wl.Finding(text, "composition", {"head": pairs[0][2]}, "solid", "effect", one))
        else:
            best = np.unravel_index(int(np.nanargmax(self.z)), self.z.shape)
            kind, earlier, later = (int(i) for i in best)
            told = self._told(KINDS[kind], self._name(earlier), self._name(later))
            text = f"No composition is beyond chance, of {tested} possible ones ({rule}); furthest is {told}."
            claims.append(wl.Finding(text, "composition", {"head": self._name(later)}, "weak", "null"))
        least = math.floor(tested / ((1 + self.rotations) * self.level)) + 1
        if least > 1 and len(pairs) < 2 * least:
            text = (
                f"With {counted(self.rotations, 'rotation')} fewer than {least} compositions among {tested} cannot be "
                "found."
            )
            claims.append(wl.Finding(text, "composition", {}, "anecdotal", "description"))
        return claims

    def _remarks(self) -> list[str]:
        remarks = []
        pairs, tested = self.pairs, bool(np.isfinite(self.p).any())
        if pairs:
            counts = ", ".join(f"{sum(pair[0] == kind for pair in pairs)} by {_READS[kind]}" for kind in KINDS)
            remarks.append(f"Of these {counts}; that a weight can be read is no proof that it is.")
        if tested and any(self.nothing.values()):
            remarks.append(f"Left out: {self._left_out()}.")
        if isinstance(self.control, CompositionResult):
            before = int(np.isfinite(self.control.p).sum())
            told = (
                f"{len(self.control.pairs)} of {before} compositions"
                if before
                else "none, as no head writes anything yet"
            )
            remarks.append(f"Beyond chance before training: {told}.")
        return remarks

    def _why_none(self) -> str:
        if len(self.ratio[0]) == self.n_heads:
            return "the model has one layer."
        return f"{self._left_out()}."

    def _left_out(self) -> str:
        total = len(self.ratio[0])
        said = {"OV": "writes nothing (W_V W_O is zero)", "QK": "asks for nothing (W_Q W_Kᵀ is zero)"}
        return "; ".join(
            f"{'every head' if len(heads) == total else ', '.join(heads)} {said[circuit]}"
            for circuit, heads in self.nothing.items()
            if heads
        )

    def _told(self, kind: str, earlier: str, later: str) -> str:
        at = self.at(kind, earlier, later)
        return (
            f"{wl.Edge(earlier, later)} by its {_READS[kind]}, {self.scaled[at]:.2f} times the chance level "
            f"(rotated: {self.low[at]:.2f} to {self.high[at]:.2f}; z = {formatted(float(self.z[at]), '.1f')})"
        )

    def views(self) -> Sequence[wl.View]:
        total = len(self.ratio[0])
        first, last = self.n_heads, total - self.n_heads
        if last < first:
            return []
        null = f"mean of n={counted(self.rotations, 'random rotation')} of the pair, both spectra kept"
        matrix = wl.View(
            "composition",
            "Composition",
            Matrix(
                rows=[self._name(head) for head in range(last)],
                columns=[self._name(head) for head in range(first, total)],
                series=[
                    Series(
                        Wording(f"{kind}: {_READS[kind]}"),
                        self.above[number, :last, first:],
                        unit="above chance",
                        scale="diverging",
                        domain=self._domain(),
                    )
                    for number, kind in enumerate(KINDS)
                ],
                links="column",
            ),
            subtitle="Could a later head read what an earlier head writes?",
            caption=f"‖A B‖ / ‖A‖ ‖B‖ · √{self.room} of what the row's head writes and the column's reads, less the "
            f"{null}.",
            how_to_read="Rows are earlier heads, columns later ones. Positive: the column's head reads what the row's "
            "writes more than chance would have it; negative: it looks past it; empty: not later, or no weights.",
            misleads="All heads of a trained model share the few directions that matter, so a little over 0 is usual; "
            "and weights that fit together may never meet on any text.",
            order=63,
        )
        listed = self._listed()
        if not listed:
            return [matrix]
        drawn = [self._graph()] if self.pairs else []
        table = wl.View(
            "composition-pairs",
            "Composition: pairs beyond chance first",
            Table(
                [
                    Column("from", "From", help="The earlier head, which writes."),
                    Column("head", "To", help="The later head, which reads."),
                    Column("kind", "Reads with", help="The input of the later head that the earlier one could change."),
                    Column(
                        "ratio", "Ratio", digits=3, help="‖A B‖ / ‖A‖ ‖B‖: 0 if the later head reads nothing of it."
                    ),
                    Column(
                        "scaled",
                        "Times chance",
                        digits=2,
                        help=f"Ratio · √{self.room}; random matrices give 1 on average.",
                    ),
                    Column("null", "Rotated", help="95% of random rotations of this pair lie here, in times chance."),
                    Column(
                        "z",
                        "z",
                        digits=1,
                        help="Distance from the mean of the rotations, in their standard deviations.",
                    ),
                    Column("p", "p", digits=4, help="One-sided p value; not below 1 / (1 + rotations)."),
                    Column("q", "q", digits=4, help="False-discovery rate over all pairs and kinds."),
                ],
                listed,
                links="head",
            ),
            subtitle="Which pairs of heads fit together more than chance?",
            caption=f"The {len(listed)} compositions with the highest z of {np.isfinite(self.p).sum()}; null: "
            f"n={counted(self.rotations, 'random rotation')} of the pair, both spectra kept.",
            how_to_read="By its queries or keys, a head decides where to look from what the earlier one wrote; by its "
            "values, it passes on what that wrote. The rotated range is what this pair would have by chance.",
            misleads="z is large for heads with flat spectra, whose rotations hardly differ: read it beside the times.",
            order=64,
        )
        return [matrix, *drawn, table]

    def _graph(self) -> wl.View:
        """Return the pairs beyond chance as a graph: of each pair its furthest kind, all kinds named."""
        best: dict[tuple[str, str], tuple[float, list[str]]] = {}
        for kind, earlier, later in self.pairs:
            above = float(self.above[self.at(kind, earlier, later)])
            value, kinds = best.get((earlier, later), (above, []))
            best[earlier, later] = (max(value, above), [*kinds, kind])
        edges = [
            Edge(earlier, later, value, note="by " + ", ".join(_READS[kind] for kind in kinds))
            for (earlier, later), (value, kinds) in best.items()
        ]
        joined = {name for pair in best for name in pair}
        names = [self._name(head) for head in range(len(self.ratio[0]))]
        strong = sorted((edge.value for edge in edges), reverse=True)
        return wl.View(
            "composition-graph",
            "Composition graph",
            Graph(
                [GraphNode(name, name, number // self.n_heads) for number, name in enumerate(names) if name in joined],
                edges,
                unit="above chance",
                threshold=strong[min(_DRAWN, len(strong)) - 1],
            ),
            subtitle="Which later heads could read which earlier heads?",
            caption=f"The {len(edges)} pairs of heads with a composition beyond chance (q < {self.level:g} against "
            f"n={counted(self.rotations, 'random rotation')}); of each pair the furthest of queries, keys and values.",
            how_to_read="An edge says that the later head's weights could read what the earlier one writes, more than "
            "chance would have it. Move the slider to see weaker ones; click a head to see its own.",
            misleads="This is what weights allow, not what happens on any text: the circuit graph asks that.",
            order=64,
        )

    def cards(self) -> Mapping[Any, Sequence[Block | Role]]:
        said: dict[str, list[Row]] = {}
        for kind, earlier, later in self.pairs:
            times = Number(float(self.scaled[self.at(kind, earlier, later)]), unit="× chance")
            said.setdefault(later, []).append(Row(f"reads {earlier} by its {_READS[kind]}", times))
            said.setdefault(earlier, []).append(Row(f"read by {later} for its {_READS[kind]}", times))
        none = Block("Composes with", text="No head, beyond chance.")
        names = [self._name(head) for head in range(len(self.ratio[0]))]
        return {name: [Block("Composes with", rows=said[name][:_TOLD]) if name in said else none] for name in names}

    def _domain(self) -> list[float]:
        furthest = float(np.nanmax(np.abs(self.above))) if np.isfinite(self.above).any() else 1.0
        return [-furthest, furthest]

    def _listed(self) -> list[Any]:
        tested = np.argwhere(np.isfinite(self.z))
        order = np.argsort(-self.z[np.isfinite(self.z)], kind="stable")[:_LISTED]
        rows = []
        for kind, earlier, later in tested[order]:
            at = (kind, earlier, later)
            row: dict[str, Any] = {"from": self._name(earlier), "head": self._name(later)}
            row["kind"] = Wording(f"{KINDS[kind]} ({_READS[KINDS[kind]]})")
            row["null"] = Wording(f"{self.low[at]:.2f} to {self.high[at]:.2f}")
            for key in ("ratio", "scaled", "z", "p", "q"):
                row[key] = float(getattr(self, key)[at])
            rows.append(row)
        return rows

    def _name(self, number: int) -> str:
        return f"L{number // self.n_heads}H{number % self.n_heads}"

    def _number(self, name: str) -> int:
        layer, _, head = name[1:].partition("H")
        return int(layer) * self.n_heads + int(head)
