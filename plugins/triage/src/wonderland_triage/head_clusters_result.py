"""What is said and shown of groups of heads: whether there are any, and which head is like no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.estimate import exact
from wonderland.views import (
    Axis,
    Bars,
    Column,
    Lines,
    Point,
    Reference,
    Scatter,
    Table,
    Wording,
    formatted,
    percent,
    told_p,
)

_LEVEL = 0.05


@dataclass(frozen=True)
class HeadClustersResult(wl.Result):
    """Heads as points.

    Attributes:
        heads: Their names, in the order of all arrays below.
        features: Names of the features used.
        left_out: Names of features that are the same for all heads.
        table: The features before standardising, [head, feature].
        scores: Places on the principal components, [head, component].
        loadings: What the components are made of, [component, feature].
        variance: Share of the variance of each component, [component].
        silhouette: Mean silhouette by k, from k = 2 on, [k]; NaN where no grouping into k exists.
        k: The k of the highest silhouette.
        groups: The group of each head for that k, [head]; numbered by size, largest first.
        null: Highest silhouettes in single clouds with the same correlations, [draw].
        distance: Distance of each head from the mean, [layer, head].
        null_farthest: Distance of the farthest point of each of those clouds, [draw].
    """

    heads: list[str]
    features: list[str]
    left_out: list[str]
    table: np.ndarray
    scores: np.ndarray
    loadings: np.ndarray
    variance: np.ndarray
    silhouette: np.ndarray
    k: int
    groups: np.ndarray
    null: np.ndarray
    distance: wl.Estimate
    null_farthest: np.ndarray

    @property
    def best(self) -> float:
        """Return the silhouette of the grouping shown."""
        return float(self.silhouette[self.k - 2])

    @property
    def p(self) -> float:
        """Return the share of single clouds whose silhouette is as high, counting the observed one."""
        return float((1 + (self.null >= self.best).sum()) / (1 + len(self.null)))

    @property
    def usual(self) -> float:
        """Return the silhouette that 95% of single clouds stay under, which is the level groups are held against."""
        return float(np.quantile(self.null, 1 - _LEVEL))

    def outliers(self) -> list[tuple[Head, wl.Estimate]]:
        """List the heads, farthest from the mean first."""
        found = list(self.distance.heads())
        return sorted(found, key=lambda one: (-float(np.nan_to_num(one[1].value)), one[0]))

    @property
    def p_farthest(self) -> float:
        """Return the share of single clouds whose farthest point is as far as the farthest head."""
        farthest = float(self.distance.value.max())
        return float((1 + (self.null_farthest >= farthest).sum()) / (1 + len(self.null_farthest)))

    def members(self, group: int) -> list[str]:
        """List the heads of a group."""
        return [name for name, of in zip(self.heads, self.groups, strict=True) if of == group]

    def summary(self) -> str:
        head, distance = self.outliers()[0]
        lines = [self._claim(), *(f"Group {g + 1}: {', '.join(self.members(g))}." for g in range(self.k))]
        lines.append(f"Farthest from the mean of all heads: {head} at {distance}; {self._farthest()}.")
        for number, (share, row) in enumerate(zip(self.variance[:2], self.loadings[:2], strict=False), 1):
            top = np.argsort(-np.abs(row))[:3]
            parts = ", ".join(f"{formatted(row[i], '+.2f')} {self.features[i]}" for i in top)
            lines.append(f"PC{number} ({percent(share)} of the variance): {parts}.")
        return "\n".join(lines)

    def _claim(self) -> str:
        against = f"{self.best:.2f}, 95% of single clouds under {self.usual:.2f}, {told_p(self.p)}"
        if self.p <= _LEVEL:
            return (
                f"A cut of {len(self.heads)} heads into {self.k} groups fits better than one of a single cloud "
                f"(silhouette {against}); k-means on so few points is a hint, not a proof of groups."
            )
        said = f"k-means on {len(self.heads)} points is an illustration"
        return f"No groups of heads beyond chance (silhouette at k={self.k} {against}); {said}."

    def findings(self) -> Sequence[wl.Finding]:
        groups = self.p <= _LEVEL
        one = exact(float(self.best), unit="silhouette", chance=self.usual)
        found = [wl.Finding(self._claim(), "head-clusters", (), "weak", "effect" if groups else "null", one)]
        head, distance = self.outliers()[0]
        if self.p_farthest <= _LEVEL and np.isfinite(distance.value):
            feature, deviation = self._most_unusual(self.heads.index(str(head)))
            text = (
                f"{head} is the head least like the others: {float(distance.value):.1f} from their mean; "
                f"{self._farthest()}; most of all in {feature} ({formatted(deviation, '+.1f')} standard deviations)."
            )
            found.append(wl.Finding(text, "head-outliers", head, "weak", "effect", distance))
        return found

    def _farthest(self) -> str:
        """Say what the farthest head is held against: the one level that is its chance, too."""
        level = float(np.quantile(self.null_farthest, 1 - _LEVEL))
        return f"the farthest of a single cloud stays under {level:.1f} in 95% of clouds ({told_p(self.p_farthest)})"

    def _most_unusual(self, head: int) -> tuple[str, float]:
        standard = standardised(self.table)[head]
        index = int(np.abs(standard).argmax())
        return self.features[index], float(standard[index])

    def card(self) -> Mapping[str, wl.Estimate]:
        return {"Distance from the mean of all heads": self.distance}

    def views(self) -> Sequence[wl.View]:
        return [self._clusters(), self._loadings(), self._outliers(), self._silhouettes()]

    def _clusters(self) -> wl.View:
        flat = self.scores.shape[1] < 2
        places = np.column_stack([self.scores[:, 0], np.zeros(len(self.scores)) if flat else self.scores[:, 1]])
        shares = [*self.variance[:2], *([0.0] if flat else [])]
        x_axis, y_axis = (Axis(f"PC{i + 1}", f"{percent(share)} of the variance") for i, share in enumerate(shares))
        return wl.View(
            "head-clusters",
            "Head clustering",
            Scatter(
                x_axis,
                y_axis,
                [
                    Point(Head.parse(name), float(x), float(y), int(group))
                    for name, (x, y), group in zip(self.heads, places, self.groups, strict=True)
                ],
                [Wording(f"group {g + 1}") for g in range(self.k)],
            ),
            subtitle="Which heads behave alike?",
            caption=f"{len(self.heads)} heads by {len(self.features)} measures; groups by k-means with k={self.k}, "
            f"silhouette {self.best:.2f} ({told_p(self.p)} against single clouds).",
            how_to_read="Heads that behave alike stand together. Heads that stand alone are worth a look: click one to "
            "see where it looks.",
            misleads=f"k-means on {len(self.heads)} points is illustrative: it finds groups in any cloud, and two "
            "dimensions show only part of the distances.",
            order=35,
        )

    def _loadings(self) -> wl.View:
        bars = {f"PC{i + 1}": row for i, row in enumerate(self.loadings[:2])}
        return wl.View(
            "head-loadings",
            "Head clustering: PCA loadings",
            Bars.by_place(self.features, bars, "loading"),
            subtitle="What are the two axes of the clustering made of?",
            caption="The weight of each standardised measure in the two axes.",
            how_to_read="A head far to the right has much of the measures with high bars in PC1.",
            misleads="The sign of an axis is arbitrary; only which measures share a sign means something.",
            order=36,
        )

    def _outliers(self) -> wl.View:
        order = [self.heads.index(str(head)) for head, _ in self.outliers()]
        columns: dict[Column, Any] = {
            Column("head", "Head", help="The head; click it for all that was measured about it."): [
                head for head, _ in self.outliers()
            ],
            Column("group", "Group", help="The group of alike heads that it falls into."): [
                Wording(f"group {self.groups[i] + 1}") for i in order
            ],
            Column(
                "distance",
                "Distance",
                digits=2,
                help="From the mean of all heads, in standard deviations; chance is beside it.",
            ): [distance for _, distance in self.outliers()],
        }
        columns |= {
            Column(f"f{i}", name, digits=2, help=_feature(name)): self.table[order, i]
            for i, name in enumerate(self.features)
        }
        return wl.View(
            "head-outliers",
            "Head clustering: distance from the mean head",
            Table.by_row(columns, links="head"),
            subtitle="Which heads are least like the others?",
            caption=f"Distance from the mean of all heads over {len(self.features)} standardised measures, 95% "
            f"interval over n={self.distance.over}; chance is what the farthest head of 95% of single clouds stays "
            f"under. The farthest head here: {told_p(self.p_farthest)} against the farthest of each cloud.",
            how_to_read="The heads least like the others come first, with the measures that make them so.",
            misleads="In one cloud, too, some head is the farthest.",
            order=37,
        )

    def _silhouettes(self) -> wl.View:
        usual = Reference(Wording("95% of single clouds"), self.usual)
        ks = np.arange(2, 2 + len(self.silhouette))
        return wl.View(
            "head-silhouette",
            "Head clustering: silhouette by number of groups",
            Lines.of({"silhouette": self.silhouette}, "number of groups k", "silhouette", ks, references=[usual]),
            subtitle="How many groups are there, if any?",
            caption="Mean silhouette (1: tight groups far apart, 0: none) by the number of groups; the line is what "
            f"95% of {len(self.null)} single clouds with the same correlations stay under.",
            how_to_read="Only a number of groups whose silhouette is over the line says more than chance.",
            misleads="The silhouette favours round groups of like size.",
            order=38,
        )


def standardised(table: np.ndarray) -> np.ndarray:
    """Return the features with mean 0 and standard deviation 1 over heads, [head, feature]."""
    return np.asarray((table - table.mean(0)) / table.std(0))


def _feature(name: str) -> str:
    """Return what a feature of heads is, in a sentence."""
    if name == "entropy":
        return "How spread the head's attention is: 0 looks at one token, 1 at all alike."
    if name == "spread of entropy":
        return "Standard deviation of the entropy over the tokens that look."
    return f"Share of the head's attention by the pattern '{name}', 0 to 1."
