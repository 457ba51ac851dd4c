"""Which edge carries how much, and can gradients be believed about it?

Every edge of the computational graph is patched exactly: one receiver reads one sender's output from the clean prompt
of a contrast, and the share of the gap that comes back is the edge's effect. Beside it stand two estimates from
gradients, EAP and EAP-IG, which cost a few backward passes for all edges together, and how well they agree with the
exact effects: correlation, rank correlation, agreement of signs, and how many of the strongest edges they name.

The edges that are claimed are chosen on one half of the pairs, by EAP-IG, and patched on the other, of other
conversations. In a model with more edges than ``exact`` only those with the largest estimates and as many random ones
are patched exactly, and the result says so.

What would fool it: an estimate that agrees over all edges may owe it to a few large ones, which is why ranks stand
beside; edges that back each other up have no effect alone.

Cost: edges × pairs short runs from the receiver's layer on; EAP-IG ``steps`` forward and backward passes.
References: Syed et al. 2023 (2310.10348), EAP; Hanna et al. 2024 (2403.17806), EAP-IG; Conmy et al. 2023 (2304.14997).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from scipy.stats import spearmanr

import wonderland as wl
from wonderland.lab.edges import Edges
from wonderland.lab.stats import cluster_bootstrap, sum_by_cluster
from wonderland_circuits.attribution_result import MEASURES, METHODS, EdgeAttributionResult
from wonderland_circuits.contrast_selection import AsksContrasts
from wonderland_circuits.edge_runs import Changed, runs

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

_REPLICATES = 500


@dataclass(frozen=True)
class EdgeAttribution(AsksContrasts):
    """Which edge carries how much? Exact patching of every edge, beside EAP and EAP-IG and how far to believe them."""

    name: ClassVar[str] = "edge-attribution"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    steps: Annotated[int, "points between the embeddings of the two prompts, for EAP-IG"] = 5
    exact: Annotated[int, "edges to patch exactly at most; beyond it the strongest by EAP-IG and random ones"] = 1000
    strongest: Annotated[float, "share of edges that are called the strongest"] = 0.05
    pairs: Annotated[int, "pairs to mine at most, half to explore and half to confirm"] = 40

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import edge_truths

        return edge_truths.edge_attribution()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the pairs and measures on the other."""
        from wonderland_circuits import choices

        return choices.edge_attribution()

    def run(self, specimen: wl.Specimen) -> EdgeAttributionResult:
        """Estimate all edges, then patch them one by one."""
        asked = self.asked(specimen)
        model, edges, seed = specimen.model, Edges.of(specimen.model), self.seed
        there = edges.pairs
        estimates = {
            method: estimated(model, asked.batch, edges, steps)
            for method, steps in zip(METHODS, (1, self.steps), strict=True)
        }  # [edge, pair]
        chosen = self._chosen(estimates["EAP-IG"], asked.explore)
        patched = edges.masks([[there[i]] for i in chosen])
        confirm = asked.confirm
        measured = Changed.of(model, asked.batch.rows(confirm), len(patched), lambda some: some.run_edges(patched))
        names = [edges.name(there[i]) for i in chosen]
        strongest: list[str] = []
        if len(asked.explore) and len(confirm):
            explored = estimates["EAP-IG"][chosen][:, asked.explore].sum(1)
            strongest = [names[i] for i in np.argsort(-explored)[: max(5, round(self.strongest * len(names)))]]
        gap = measured.clean - measured.corrupted
        rows = {method: part[chosen][:, confirm] for method, part in estimates.items()}
        return EdgeAttributionResult(
            edges=names,
            exact=measured.recovery(seed),
            estimated={method: _pooled(part, gap, measured.batch, seed) for method, part in rows.items()},
            agreement={
                method: _agreement(part, measured.changed - measured.corrupted, measured, self.strongest, seed)
                for method, part in rows.items()
            },
            strongest=strongest,
            count=len(there),
            kind=self.differs,
            confirming=len(confirm),
            held_back=self.held_back,
            refused=asked.refused,
        )

    def _chosen(self, estimate: np.ndarray, explore: np.ndarray) -> np.ndarray:
        """Return which edges to patch exactly: all, or the strongest by estimate and as many drawn from the others."""
        count = len(estimate)
        if count <= self.exact:
            return np.arange(count)
        order = np.argsort(-np.abs(estimate[:, explore].sum(1)), kind="stable")
        half = self.exact // 2
        suffix = np.random.default_rng(self.seed).permutation(order[half:])[: self.exact - half]
        return np.sort(np.concatenate([order[:half], suffix]))


def estimated(model: Any, batch: Any, edges: Edges, steps: int) -> np.ndarray:
    """Return the estimated effect of every edge on every pair, in logits, [edge, pair]."""
    found = np.zeros((len(edges.pairs), len(batch)))
    at = tuple(np.array(edges.pairs).T)
    for some in runs(model, batch):
        found[:, some.chosen] = some.attributed(steps)[at].cpu().double().numpy()
    return found


def _pooled(effects: np.ndarray, gap: np.ndarray, batch: Any, seed: int) -> wl.Estimate:
    about: dict[str, Any] = {"unit": "recovery", "chance": 0.0, "dims": ("edge",)}
    if not len(batch):
        return wl.Estimate.missing((len(effects),), resampled_over="pairs", **about)
    return cluster_bootstrap(effects.T, gap, batch.cluster, resampled_over=batch.resampled_over, seed=seed, **about)


def _agreement(
    estimate: np.ndarray, effect: np.ndarray, measured: Changed, strongest: float, seed: int
) -> dict[str, wl.Estimate]:
    """Return how well estimates [edge, pair] agree with effects, with intervals over the clusters of pairs."""
    batch = measured.batch
    top = max(1, round(strongest * len(estimate)))
    chances = dict(zip(MEASURES, (0.0, 0.0, 0.5, top / max(len(estimate), 1)), strict=True))
    if not len(batch):
        return {
            name: wl.Estimate(np.nan, np.nan, np.nan, n=0, chance=chance, resampled_over="pairs")
            for name, chance in chances.items()
        }
    ours, theirs = (sum_by_cluster(part.T, batch.cluster) for part in (estimate, effect))  # [cluster, edge]
    n = len(ours)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=_REPLICATES).astype(float)
    whole = _measures(ours.sum(0), theirs.sum(0), top)
    drawn = np.array([_measures(a, b, top) for a, b in zip(draws @ ours, draws @ theirs, strict=True)])
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    if n == 1:  # drawn again, it is itself: no interval
        low, high = np.full(len(MEASURES), np.nan), np.full(len(MEASURES), np.nan)
    return {
        name: wl.Estimate(
            float(whole[i]),
            float(min(low[i], whole[i])),
            float(max(high[i], whole[i])),
            n=n,
            chance=chances[name],
            resampled_over=batch.resampled_over,
        )
        for i, name in enumerate(MEASURES)
    }


def _measures(estimate: np.ndarray, effect: np.ndarray, top: int) -> tuple[float, ...]:
    """Return correlation, rank correlation, share of equal signs and share of the strongest that are the same."""
    large = np.abs(effect) > 1e-3 * np.abs(effect).max()  # the sign of nothing says nothing
    signs = (np.sign(estimate) == np.sign(effect))[large].mean() if large.any() else np.nan
    ours, theirs = (set(np.argsort(-np.abs(part), kind="stable")[:top].tolist()) for part in (estimate, effect))
    along = ranks = float("nan")
    if len(effect) > 1 and np.ptp(estimate) > 0 and np.ptp(effect) > 0:  # what is constant goes along with nothing
        along, ranks = float(np.corrcoef(estimate, effect)[0, 1]), float(spearmanr(estimate, effect).statistic)
    return along, ranks, float(signs), len(ours & theirs) / top
