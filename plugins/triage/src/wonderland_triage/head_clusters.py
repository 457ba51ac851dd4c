"""Which heads behave alike, and which like no other?

Each head is a vector of what `attention-entropy` and `head-patterns` measure: its normalised entropy, the spread of it
over rows, and its attention to each kind of token. Features are standardised over heads (one that is the same for all
heads is left out), projected by PCA with its loadings, and grouped by k-means for k = 2 … ``most``, the k of the
highest silhouette being shown. A head's distance is that from the mean of all heads, in standard deviations of the
features together; its chance is √features, where a head is drawn from one cloud.

Are there groups at all? k-means finds some in any cloud. So the silhouette stands against clouds without groups: as
many points drawn from one normal distribution with the heads' own correlations, choosing the best k there, too. (The
same features shuffled among heads would be too easy a null: correlation alone makes a long cloud, which splits well.)

Intervals of the distances carry the uncertainty of each feature over conversations to the distance, as independent
normal errors. They do not say how the heads of another training run would lie.

What would fool it: counts. Sixteen points in eight dimensions always fall into something: the groups are an
illustration to choose heads by, not a finding, unless they beat the null.

References: Rousseeuw 1987 (silhouette); Arthur and Vassilvitskii 2007 (k-means++); Liu et al. 2008 (the null).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

import wonderland as wl
from wonderland.components import Head
from wonderland.errors import NotEnoughData
from wonderland_triage.attention_entropy import AttentionEntropy
from wonderland_triage.head_patterns import HeadPatterns

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_LEAST_HEADS = 4
_REPLICATES = 500


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

    def outliers(self) -> list[tuple[str, wl.Estimate]]:
        """List the heads, farthest from the mean first."""
        per_layer = self.distance.value.shape[1]
        order = np.argsort(-self.distance.value, axis=None, kind="stable")
        return [(self.heads[i], self.distance[i // per_layer, i % per_layer]) for i in order]

    @property
    def p_farthest(self) -> float:
        """Return the share of single clouds whose farthest point is as far as the farthest head."""
        farthest = float(self.distance.value.max())
        return float((1 + (self.null_farthest >= farthest).sum()) / (1 + len(self.null_farthest)))

    def members(self, group: int) -> list[str]:
        """List the heads of a group."""
        return [name for name, of in zip(self.heads, self.groups, strict=True) if of == group]

    def summary(self) -> str:
        name, distance = self.outliers()[0]
        said = f"k-means on {len(self.heads)} points is an illustration"
        against = f"{self.best:.2f}, single clouds {np.median(self.null):.2f}, p={self.p:.2g}"
        if self.p <= 0.05:
            first = f"{len(self.heads)} heads fall into {self.k} groups (silhouette {against}); {said} all the same."
        else:
            first = f"No groups of heads beyond chance (silhouette at k={self.k} {against}); {said}."
        lines = [first, *(f"Group {g + 1}: {', '.join(self.members(g))}." for g in range(self.k))]
        usual = f"in single clouds the farthest is at {np.median(self.null_farthest):.1f}, p={self.p_farthest:.2g}"
        lines.append(f"Farthest from the mean of all heads: {name} at {distance}; {usual}.")
        for number, (share, row) in enumerate(zip(self.variance[:2], self.loadings[:2], strict=False), 1):
            top = np.argsort(-np.abs(row))[:3]
            parts = ", ".join(f"{row[i]:+.2f} {self.features[i]}" for i in top)
            lines.append(f"PC{number} ({share:.0%} of the variance): {parts}.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        found = [wl.Finding(self.summary().splitlines()[0], "head-clusters")]
        name, distance = self.outliers()[0]
        if self.p_farthest <= 0.05:
            feature, deviation = self._most_unusual(self.heads.index(name))
            text = (
                f"{name} is the head least like the others: {float(distance.value):.1f} from their mean, where the "
                f"farthest of a single cloud is at {np.median(self.null_farthest):.1f} (p={self.p_farthest:.2g}); most "
                f"of all in {feature} ({deviation:+.1f} standard deviations)."
            )
            found.append(wl.Finding(text, "head-outliers", {"head": name}))
        return found

    def _most_unusual(self, head: int) -> tuple[str, float]:
        standard = _standardised(self.table)[head]
        index = int(np.abs(standard).argmax())
        return self.features[index], float(standard[index])

    def card(self) -> Mapping[str, wl.Estimate]:
        return {"Distance from the mean of all heads": self.distance}

    def views(self) -> Sequence[wl.View]:
        second = self.scores.shape[1] > 1
        points = [
            {
                "label": name,
                "head": name,
                "x": float(self.scores[i, 0]),
                "y": float(self.scores[i, 1]) if second else 0.0,
                "group": int(self.groups[i]),
            }
            for i, name in enumerate(self.heads)
        ]
        axes = [
            {"label": f"PC{i + 1}", "unit": f"{float(share):.0%} of the variance"}
            for i, share in enumerate(self.variance[:2])
        ] + [{"label": "PC2", "unit": "0% of the variance"}] * (not second)
        usual = float(np.quantile(self.null, 0.95))
        clusters = wl.View.of_data(
            "head-clusters",
            "Head clustering",
            "scatter",
            {
                "x": axes[0],
                "y": axes[1],
                "points": points,
                "groups": [f"group {g + 1}" for g in range(self.k)],
                "links": "head",
            },
            caption=f"{len(self.heads)} heads by {len(self.features)} features; groups by k-means with k={self.k}, "
            f"silhouette {self.best:.2f} (p={self.p:.2g} against single clouds).",
            how_to_read="Heads that behave alike stand together. Lonely ones are worth a look: click to see where "
            "they look.",
            misleads=f"k-means on {len(self.heads)} points is illustrative: it finds groups in any cloud, and two "
            "dimensions show only part of the distances.",
            order=35,
        )
        loadings = wl.View.of_data(
            "head-loadings",
            "Axes",
            "bars",
            {
                "x": self.features,
                "y": {"label": "loading"},
                "series": [
                    {"name": f"PC{i + 1}", "values": [float(v) for v in row]} for i, row in enumerate(self.loadings[:2])
                ],
            },
            caption="What the two axes are made of: the weight of each standardised feature.",
            how_to_read="A head far to the right has much of the features with high bars in PC1.",
            misleads="The sign of an axis is arbitrary; only which features share a sign means something.",
            order=36,
        )
        table = wl.View.of_data(
            "head-outliers",
            "Distances",
            "table",
            {
                "columns": [
                    {"key": "head", "label": "Head"},
                    {"key": "group", "label": "Group"},
                    {"key": "distance", "label": "Distance", "digits": 2, "help": "From the mean, standardised"},
                    *({"key": f"f{i}", "label": name, "digits": 2} for i, name in enumerate(self.features)),
                ],
                "rows": [
                    {
                        "head": name,
                        "group": f"group {self.groups[self.heads.index(name)] + 1}",
                        "distance": {key: float(getattr(distance, key)) for key in ("value", "low", "high", "chance")},
                    }
                    | {f"f{i}": float(v) for i, v in enumerate(self.table[self.heads.index(name)])}
                    for name, distance in self.outliers()
                ],
                "links": "head",
            },
            caption=f"Distance from the mean of all heads over {len(self.features)} standardised features, 95% "
            f"interval over n={self.distance.n} conversations; chance is √features.",
            how_to_read="The heads least like the others come first, with the features that make them so.",
            misleads="In one cloud, too, some head is the farthest.",
            order=37,
        )
        curve = wl.View.of_data(
            "head-silhouette",
            "How many groups",
            "line",
            {
                "x": {"label": "number of groups k"},
                "y": {"label": "silhouette"},
                "series": [{"name": "silhouette", "x": np.arange(2, 2 + len(self.silhouette)), "y": self.silhouette}],
                "references": [{"name": "95% of single clouds", "y": usual}],
            },
            caption="Mean silhouette (1: tight groups far apart, 0: none) by the number of groups; the line is what "
            f"95% of {len(self.null)} single clouds with the same correlations stay under.",
            how_to_read="Only a number of groups whose silhouette is over the line says more than chance.",
            misleads="The silhouette favours round groups of like size.",
            order=38,
        )
        return [clusters, loadings, table, curve]


@dataclass(frozen=True)
class HeadClusters:
    """Which heads behave alike? PCA and k-means of what they attend to, against single clouds."""

    name: ClassVar[str] = "head-clusters"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    groups: ClassVar[tuple[str, ...]] = ("triage",)

    most: Annotated[int, "largest number of groups to try"] = 6
    clouds: Annotated[int, "single clouds drawn for the null"] = 60
    seed: Annotated[int, "seed of k-means and of the clouds"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.head_clusters()

    def run(self, specimen: wl.Specimen) -> HeadClustersResult:
        """Measure the features over the specimen's evidence and group the heads."""
        layers, per_layer = specimen.cfg.n_layers, specimen.cfg.n_heads
        if layers * per_layer < _LEAST_HEADS:
            raise NotEnoughData(
                f"The model has {layers * per_layer} heads; to group them takes at least {_LEAST_HEADS}.",
                hint="Leave head-clusters out.",
            )
        return self.group(_features(specimen))

    def group(self, features: Sequence[tuple[str, wl.Estimate]]) -> HeadClustersResult:
        """Group heads by named features, [layer, head] each."""
        layers, per_layer = features[0][1].value.shape
        table = np.stack([np.ravel(estimate.value) for _, estimate in features], axis=1)  # [head, feature]
        errors = np.stack([np.ravel(estimate.high - estimate.low) / (2 * 1.96) for _, estimate in features], axis=1)
        names = [name for name, _ in features]
        varies = table.std(0) > 1e-6
        if not varies.any():
            raise NotEnoughData("All heads attend alike: there is nothing to group them by.", hint="Leave it out.")
        table, errors = table[:, varies], errors[:, varies]
        standard = _standardised(table)
        scores, loadings, variance = _pca(standard)
        with threadpool_limits(limits=1):  # threads that wait for each other cost more than sixteen points do
            silhouette, groupings = self._groupings(standard)
            null, null_farthest = self._null(standard)
        found = int(np.nanargmax(silhouette))
        return HeadClustersResult(
            heads=[str(Head(layer, head)) for layer in range(layers) for head in range(per_layer)],
            features=[name for name, used in zip(names, varies, strict=True) if used],
            left_out=[name for name, used in zip(names, varies, strict=True) if not used],
            table=table,
            scores=scores,
            loadings=loadings,
            variance=variance,
            silhouette=silhouette,
            k=found + 2,
            groups=_by_size(groupings[found]),
            null=null,
            null_farthest=null_farthest,
            distance=self._distance(table, errors, (layers, per_layer), features[0][1].n),
        )

    def _groupings(self, points: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the silhouette for each k from 2 on, and the groups [head] of each."""
        from sklearn.cluster import KMeans
        from sklearn.metrics import silhouette_score

        different = len(np.unique(points.round(9), axis=0))
        silhouette, groupings = [], []
        for k in range(2, max(min(self.most, len(points) - 1), 2) + 1):
            if k > different:
                silhouette.append(np.nan)
                groupings.append(np.zeros(len(points), dtype=int))
                continue
            groups = KMeans(k, n_init=4, random_state=self.seed).fit_predict(points)
            groupings.append(groups)
            silhouette.append(float(silhouette_score(points, groups)))
        return np.array(silhouette), groupings

    def _null(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the best silhouette and the farthest distance of clouds of one normal distribution, [draw] each."""
        random = np.random.default_rng(self.seed)
        correlations = points.T @ points / len(points)
        clouds = random.multivariate_normal(
            np.zeros(points.shape[1]), correlations, size=(self.clouds, len(points)), method="eigh"
        )
        standard = [_standardised(cloud) for cloud in clouds]
        best = [self._groupings(cloud)[0] for cloud in standard]
        farthest = [np.linalg.norm(cloud, axis=1).max() for cloud in standard]
        return np.array([np.nanmax(of) for of in best]), np.array(farthest)

    def _distance(self, table: np.ndarray, errors: np.ndarray, shape: tuple[int, int], n: int) -> wl.Estimate:
        mean, deviation = table.mean(0), table.std(0)
        noise = np.random.default_rng(self.seed).standard_normal((_REPLICATES, *table.shape)) * np.nan_to_num(errors)
        value = np.linalg.norm((table - mean) / deviation, axis=-1)
        low, high = np.quantile(np.linalg.norm((table + noise - mean) / deviation, axis=-1), [0.025, 0.975], axis=0)
        low, high = np.minimum(low, value), np.maximum(high, value)  # noise only ever adds to a length
        return wl.Estimate(
            value.reshape(shape),
            low.reshape(shape),
            high.reshape(shape),
            n=n,
            unit="standard deviations",
            chance=float(table.shape[1] ** 0.5),
            dims=("layer", "head"),
        )


def _features(specimen: wl.Specimen) -> list[tuple[str, wl.Estimate]]:
    """Return what is known of each head, [layer, head] each."""
    entropy = AttentionEntropy().run(specimen)
    patterns = HeadPatterns(shown=0).run(specimen)
    same = entropy.spread
    spread = wl.Estimate(same, same, same, n=entropy.normalised.n, dims=("layer", "head"))
    return [
        ("entropy", entropy.normalised),
        ("spread of entropy", spread),
        *patterns.scores.items(),
    ]


def _standardised(table: np.ndarray) -> np.ndarray:
    return np.asarray((table - table.mean(0)) / table.std(0))


def _pca(standard: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores [head, component], loadings [component, feature] and shares of variance [component]."""
    left, singular, loadings = np.linalg.svd(standard - standard.mean(0), full_matrices=False)
    largest = np.abs(loadings).argmax(1)
    signs = np.sign(loadings[np.arange(len(loadings)), largest])  # signs are arbitrary otherwise
    return left * singular * signs, loadings * signs[:, None], singular**2 / (singular**2).sum()


def _by_size(groups: np.ndarray) -> np.ndarray:
    """Number groups by size, the largest 0; among equals the one whose first head comes first."""
    labels, first, counts = np.unique(groups, return_index=True, return_counts=True)
    order = sorted(range(len(labels)), key=lambda i: (-counts[i], first[i]))
    number = {int(labels[i]): place for place, i in enumerate(order)}
    return np.array([number[int(group)] for group in groups])
