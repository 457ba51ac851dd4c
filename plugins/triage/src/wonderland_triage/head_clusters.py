"""Which heads behave alike, and which like no other?

Each head is a vector of what `attention-entropy` and `head-patterns` measure: its normalised entropy, the spread of it
over rows, and its attention to each kind of token. Features are standardised over heads (one that is the same for all
heads is left out), projected by PCA with its loadings, and grouped by k-means for k = 2 … ``most``, the k of the
highest silhouette being shown. A head's distance is that from the mean of all heads, in standard deviations of the
features together; it stands against what the farthest head of a single cloud (see below) stays under in 95% of them.

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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

import wonderland as wl
from wonderland.components import Head
from wonderland.errors import NotEnoughData
from wonderland_triage.attention_entropy import AttentionEntropy
from wonderland_triage.head_clusters_result import HeadClustersResult, standardised
from wonderland_triage.head_patterns import HeadPatterns

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_LEAST_HEADS = 4
_REPLICATES = 500


@dataclass(frozen=True)
class HeadClusters:
    """Which heads behave alike? PCA and k-means of what they attend to, against single clouds."""

    name: ClassVar[str] = "head-clusters"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    groups: ClassVar[tuple[str, ...]] = ("triage",)
    no_choices: ClassVar[str] = (
        "The null chooses as well: each single cloud gets its own best number of groups and its own "
        "farthest point, so that the choice is in the p."
    )

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
        standard = standardised(table)
        scores, loadings, variance = _pca(standard)
        with threadpool_limits(limits=1):  # threads that wait for each other cost more than sixteen points do
            silhouette, groupings = self._groupings(standard)
            null, null_farthest = self._null(standard)
        found = int(np.nanargmax(silhouette))
        return HeadClustersResult(
            heads=list(map(str, Head.all(layers, per_layer))),
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
            distance=self._distance(table, errors, (layers, per_layer), features[0][1].n, null_farthest),
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
        standard = [standardised(cloud) for cloud in clouds]
        best = [self._groupings(cloud)[0] for cloud in standard]
        farthest = [np.linalg.norm(cloud, axis=1).max() for cloud in standard]
        return np.array([np.nanmax(of) for of in best]), np.array(farthest)

    def _distance(
        self, table: np.ndarray, errors: np.ndarray, shape: tuple[int, int], n: int, farthest: np.ndarray
    ) -> wl.Estimate:
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
            chance=float(np.quantile(farthest, 0.95)),  # √features, the rms distance, is no chance: some are farther
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
