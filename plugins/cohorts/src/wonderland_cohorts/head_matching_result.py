"""What came of matching heads between seeds, in words and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.views import (
    Block,
    Column,
    Edge,
    Graph,
    GraphNode,
    Key,
    Matrix,
    Row,
    Series,
    Table,
    Wording,
    bounds,
    bounds_in_words,
    counted,
    digits,
    told_p,
)
from wonderland_cohorts.spread import share

_SURE = 0.05


@dataclass(frozen=True)
class HeadMatchingResult(wl.Result):
    """Heads of each member matched with those of each other one.

    Attributes:
        members: Names of the models.
        length: Tokens of a window that were compared.
        windows: Windows that matched, and windows that scored.
        within: The head of the other model that each is matched with in its layer, counted from 0 over all layers,
            [member, other, layer, head].
        across: The same, with heads of any layer.
        score: Cosine of the matched patterns on the half that did not match them, [member, other, layer, head]; its
            chance level is the 95th percentile of its own null.
        null: Mean score with other windows under the other model, alike.
        by_index: Cosine with the head of the same number, alike.
        back: Whether the score lies over the 95th percentile of its null, alike.
        mean: Mean score over all heads and pairs of models, with the mean of the null as chance level.
        null_mean: 95% range of that mean under the null.
        same_layer: Share of matches across all layers that stay in their layer.
        roles: Labels of `head-patterns`, [head of the first member][member], each of the matched head; none if it was
            not there.
        kappa: Fleiss' κ of these labels.
        kappa_null: κ of labels dealt out anew within layers.
        permutations: How often other windows were put under a model.
    """

    members: list[str]
    length: int
    windows: list[int]
    within: np.ndarray
    across: np.ndarray
    score: wl.Estimate
    null: np.ndarray
    by_index: np.ndarray
    back: np.ndarray
    mean: wl.Estimate
    null_mean: list[float]
    same_layer: float
    roles: list[list[str]]
    kappa: float
    kappa_null: list[float]
    permutations: int

    @property
    def others(self) -> list[int]:
        """Numbers of the members but for the first."""
        return list(range(1, len(self.members)))

    def came_back(self, head: Head) -> int:
        """Return in how many other seeds a head of the first member has come back."""
        return int(self.back[0, 1:, head.layer, head.index].sum())

    @property
    def replicating(self) -> list[Head]:
        """Heads of the first member that have come back in more than half of the other seeds."""
        return [head for head in self._heads() if self.came_back(head) > len(self.others) / 2]

    def match(self, head: Head, other: int) -> Head:
        """Return the head of another member that a head of the first one is matched with."""
        return self._head(int(self.within[0, other, head.layer, head.index]))

    def _heads(self) -> list[Head]:
        return list(Head.all(*self.within.shape[2:]))

    def _head(self, number: int) -> Head:
        heads = self.within.shape[3]
        return Head(number // heads, number % heads)

    @property
    def kappa_p(self) -> float:
        """The p of κ under labels dealt out anew."""
        if not self.kappa_null or not np.isfinite(self.kappa):
            return float("nan")
        return float((1 + (np.asarray(self.kappa_null) >= self.kappa - 1e-12).sum()) / (1 + len(self.kappa_null)))

    @property
    def gain_over_index(self) -> float:
        """Mean score of matches minus that of heads of the same number."""
        others = ~np.eye(len(self.members), dtype=bool)
        return float(np.asarray(self.score.value)[others].mean() - self.by_index[others].mean())

    def summary(self) -> str:
        return "\n".join([self._count(), self._average(), *self._agreement()])

    def _count(self) -> str:
        found, total, n = self.replicating, len(self._heads()), len(self.others)
        named = f": {', '.join(map(str, found))}" if found else ""
        told = share(len(found), total, of="heads")
        return (
            f"{len(found)} of {total} heads {bounds(told) or '[no interval]'} of {self.members[0]} have come back in "
            f"more than half of {n} other training runs{named}. A head has come back if the "
            "head matched with it looks at the same words more than chance has it: over the 95th percentile of "
            f"{self.permutations} matchings with other windows."
        )

    def _average(self) -> str:
        one = self.mean
        return (
            f"Matched heads have a cosine of {digits(one.value)} on average ({bounds_in_words(one, digits)}, "
            f"n={one.over}; with other windows {digits(one.chance)}, 95% range "
            f"{digits(self.null_mean[0])} to {digits(self.null_mean[1])}). Heads of the same number: "
            f"{digits(float(one.value) - self.gain_over_index)}. Matched across all layers, "
            f"{100 * self.same_layer:.0f}% stay in their layer."
        )

    def _agreement(self) -> list[str]:
        if not self.roles:
            return ["Roles are not compared: head-patterns is not there for every seed."]
        if not np.isfinite(self.kappa):
            return ["Roles cannot be compared: all heads carry the same label."]
        low, high = np.quantile(self.kappa_null, [0.025, 0.975])
        if not high > low:
            return ["Roles cannot be compared: too few heads have one for labels dealt out anew to agree otherwise."]
        more = "agree more than chance has it" if self.kappa_p < _SURE else "are not shown to agree more than by chance"
        return [
            f"Labels of matched heads {more}: Fleiss' κ = {digits(self.kappa)} ({told_p(self.kappa_p)}; dealt out "
            f"anew within layers {digits(low)} to {digits(high)})."
        ]

    def findings(self) -> Sequence[wl.Finding]:
        above = float(self.mean.low) > self.null_mean[1]
        trust: Any = "solid" if above and self.mean.trusted else "weak"
        kind: Any = "effect" if above else "null"
        return [
            wl.Finding(self._count(), "head-matching", (), "weak", "description"),
            wl.Finding(self._average(), "head-matching", (), trust, kind, self.mean),
        ]

    def cards(self) -> Mapping[Any, Sequence[Block]]:
        models = {
            Key.spelled("model", self.members[other]): [
                Block(
                    rows=[
                        Row(
                            f"heads of {self.members[0]} that have come back in it",
                            Wording(f"{int(self.back[0, other].sum())} of {len(self._heads())}"),
                        )
                    ]
                )
            ]
            for other in self.others
        }
        return models | {
            head: [
                Block(
                    "In other training runs",
                    text=f"Has come back in {self.came_back(head)} of {len(self.others)}.",
                    rows=[
                        Row(
                            self.members[other], Wording(f"{self.match(head, other)}, cosine {self._told(head, other)}")
                        )
                        for other in self.others
                    ],
                )
            ]
            for head in self._heads()
        }

    def _told(self, head: Head, other: int) -> str:
        return f"{float(self.score.value[0, other, head.layer, head.index]):.2f}"

    def views(self) -> Sequence[wl.View]:
        views = [self._matrix(), self._graph()]
        return [*views, self._roles()] if self.roles else views

    def _matrix(self) -> wl.View:
        heads, size = self._heads(), len(self._heads())
        first = self.score.map(lambda part: part[0, 1:].reshape(-1, size).T, dims=())
        names = [[Wording(str(self.match(head, other))) for other in self.others] for head in heads]
        series = [
            Series(Wording("matched"), first, domain=[0, 1]),
            Series(Wording("its match"), first, domain=[0, 1], labels=names),
            Series(Wording("with other windows"), self.null[0, 1:].reshape(-1, size).T, "cosine", domain=[0, 1]),
            Series(
                Wording("head of the same number"), self.by_index[0, 1:].reshape(-1, size).T, "cosine", domain=[0, 1]
            ),
        ]
        return wl.View(
            "head-matching",
            "Heads matched between seeds",
            Matrix(heads, [Wording(self.members[other]) for other in self.others], series, links="row"),
            subtitle=f"Which head of another training run looks where a head of {self.members[0]} looks?",
            caption=f"Centred cosine of attention patterns on the first {self.length} tokens of windows. Matched "
            f"within layers on {self.windows[0]} windows, scored on {self.windows[1]} of other conversations; 95% "
            f"interval over n={self.score.over}. Chance is the 95th percentile of "
            f"{self.permutations} matchings in which the other model reads other windows.",
            how_to_read="Rows are heads of the first model, columns other training runs. A high number: a head there "
            "looks at the same words. Point at a cell for its chance level; turn to 'its match' for its name.",
            misleads="A head that looks by position alone, such as at the previous token, does so on other windows "
            "too: its chance level is as high as its score. Compare roles for those.",
            order=6,
        )

    def _graph(self) -> wl.View:
        nodes, edges = [], []
        for number, member in enumerate(self.members):
            nodes += [
                GraphNode(
                    Wording(f"{member} {head}"),
                    Wording(str(head)),
                    float(number),
                    Key.spelled("model", member) if number else head,
                )
                for head in self._heads()
            ]
        for number in range(len(self.members) - 1):
            for head in self._heads():
                at = (number, number + 1, head.layer, head.index)
                one = self.score[at]
                edges.append(
                    Edge(
                        Wording(f"{self.members[number]} {head}"),
                        Wording(f"{self.members[number + 1]} {self._head(int(self.within[at]))}"),
                        float(one.value),
                        float(one.low),
                        float(one.high),
                        float(one.chance),
                    )
                )
        top = max((edge.value for edge in edges), default=0.0)
        return wl.View(
            "head-matching-graph",
            "Matched heads, seed by seed",
            Graph(nodes, edges, "cosine", round(top / 4, 3), [Wording(name) for name in self.members]),
            subtitle="Which heads are found again from one training run to the next?",
            caption="Each column is a training run; a line joins a head with its match in the next. Its width is the "
            "centred cosine on windows that did not match them; 95% interval and chance level are told when a line is "
            "pointed at.",
            how_to_read="A thick line through all columns is a head that every training run grows. A click on a "
            f"head of {self.members[0]} selects it, on one of another column the model that it is in.",
            misleads="Every head has a match, since heads are matched one to one: thin lines mean nothing.",
            order=7,
        )

    def _roles(self) -> wl.View:
        columns: dict[Any, Any] = {Column("head", "Head", help="A head of the first model."): self._heads()}
        for number, member in enumerate(self.members):
            label = "Pattern" if not number else f"In {member}"
            about = f"What the {'head' if not number else 'matched head'} looks at, by its attention pattern."
            columns[Column(f"m{number}", label, help=about)] = [Wording(row[number]) for row in self.roles]
        columns[
            Column(
                "back", "Same in", "other seeds", 0, "In how many other seeds the matched head has the same pattern."
            )
        ] = [float(self.came_back(head)) for head in self._heads()]
        return wl.View(
            "head-roles-over-seeds",
            "Roles of matched heads",
            Table.by_row(columns, links="head"),
            subtitle="Do heads that look alike also carry the same label?",
            caption=" ".join(self._agreement()) + f" n={counted(len(self.roles), 'head')}, {len(self.members)} seeds.",
            how_to_read="A row is a head of the first model and its matches in the others. κ is 1 if all labels agree "
            "and 0 if they agree as often as chance has it.",
            misleads="Where most heads have no pattern, κ rests on the few that have one.",
            order=8,
        )
