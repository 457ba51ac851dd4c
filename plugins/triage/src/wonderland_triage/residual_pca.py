"""How does the representation of a token move through the layers?

One PCA for all levels together (the stream as it enters layer 0 and after each layer) over the tokens of the evidence,
so that places of different layers can be compared; and, because two dimensions show only part of 128 or more, the
length of each layer's step ‖h_{l+1} − h_l‖ in full width, beside the share of it that the picture shows. The first
``skip`` positions are left out of the fit: what models keep at position 0 (attention sinks, 2309.17453) is often so
long that it alone would be the first component.

Explained variance stands against what it would be if the dimensions were uncorrelated with the variances they have
(Horn's parallel analysis, in its limit of many tokens): a few wide dimensions already give a high share. Intervals are
bootstraps over conversations; that of a component is of the variance along it, as fitted on all of them: a PCA
repeated on each resample would fit its directions to that resample, and its leading variances would be too large.

What would fool it: distance on paper. Two tokens that touch in the plane may be far apart, a long step may be
invisible in it, and since the stream grows from layer to layer the picture is mostly of the last layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland.views import (
    Axis,
    Bars,
    Block,
    Panel,
    Panels,
    Row,
    Scatter,
    SmallBars,
    Ways,
    Wording,
    bounds_in_words,
    interval_over,
    percent,
    spoken,
)
from wonderland_triage.example_windows import describe, windows_to_show
from wonderland_triage.residual_levels import level_names, levels

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth


@dataclass(frozen=True)
class ResidualPCAResult(wl.Result):
    """One PCA for all levels, and the steps between them in full width.

    Attributes:
        levels: Their names: "embed", "L0", …
        variance: Share of the variance of each component, [component], chance beside it.
        dimensions: (Σ λ)² / Σ λ² of all eigenvalues: how many dimensions of equal variance would be spread as
            widely (the participation ratio).
        width: d_model.
        step: Length of each layer's step, [layer], in units of the stream.
        relative: Mean length of the step over the mean length of the stream it begins at, [layer]: a mean of ratios
            would be ruled by the few tokens whose embedding is next to nothing.
        norm: Length of the stream, [level].
        in_plane: Share of the squared length of each step that lies in the plane shown, [layer]; chance is a random
            plane's 2 / d_model.
        conversations: Windows shown: title, pieces, speakers, messages.
        places: Their places, [level, position, 2] each.
        skip: Positions left out at the beginning of each window.
    """

    levels: list[str]
    variance: wl.Estimate
    dimensions: float
    width: int
    step: wl.Estimate
    relative: wl.Estimate
    norm: wl.Estimate
    in_plane: wl.Estimate
    conversations: list[dict[str, Any]]
    places: list[np.ndarray]
    skip: int

    @property
    def shown(self) -> float:
        """Return the share of the variance that the first two components have."""
        return float(self.variance.value[:2].sum())

    def summary(self) -> str:
        lines = [self._spread()]
        if (np.nan_to_num(self.step.value) > 0).any():
            steps = ", ".join(
                f"{name} {float(step):.1f} ({percent(part)} of it in the plane)"
                for name, step, part in zip(self.levels[1:], self.step.value, self.in_plane.value, strict=True)
            )
            lines.append(f"Length of the step in full width: {steps}.")
        elif np.isfinite(self.step.value).any():
            lines.append("No layer moves anything.")
        if isinstance(self.control, ResidualPCAResult):
            lines.append(f"Before training two dimensions show {percent(self.control.shown)}.")
        return "\n".join(lines)

    def _spread(self) -> str:
        """Say over how many dimensions the stream varies; one that does not vary has no share to name."""
        if not np.isfinite(self.shown):
            return "The residual stream is the same everywhere: it has no variance."
        return (
            f"Two of {self.width} dimensions show {percent(self.shown)} of the variance of the residual stream; the "
            f"first alone {self.variance[0]}. It is spread as widely as {self.dimensions:.1f} dimensions of equal "
            "variance would be (participation ratio)."
        )

    def findings(self) -> Sequence[wl.Finding]:
        lengths, view = self.relative.value, "residual-steps"
        if not np.isfinite(lengths).any():
            text = "How far layers move the residual stream could not be measured."
            return [wl.Finding(text, view, (), "anecdotal", "description")]
        if not np.nanmax(lengths) > 0:
            trust: Any = "solid" if self.relative.trusted else "weak"
            return [wl.Finding("No layer moves the residual stream at all.", view, (), trust, "null")]
        order = np.argsort(-np.nan_to_num(lengths, nan=-1))
        most = int(order[0])
        estimate = self.relative[most]
        apart = len(order) == 1 or estimate.low > self.relative.high[order[1]]
        trust = "solid" if estimate.trusted and apart else "weak"
        text = (
            f"{self.levels[most + 1]} takes the longest step in the residual stream: {float(estimate.value):.2f} times "
            f"as long as the stream it starts from ({bounds_in_words(estimate, '.2f')}, "
            f"n={estimate.over}); "
            f"the picture of two dimensions shows {percent(self.in_plane.value[most])} of it."
        )
        return [wl.Finding(text, view, (), trust, "description", estimate)]

    def views(self) -> Sequence[wl.View]:
        ways = [self._ways()] if self.conversations else []
        return [*ways, self._steps(), self._variance()]

    def _ways(self) -> wl.View:
        return wl.View(
            "residual-pca",
            "Residual stream PCA",
            Panels([self._panel(*one) for one in zip(self.conversations, self.places, strict=True)]),
            subtitle="How does each token move through the layers?",
            caption="Every token of one conversation after each layer, in one projection for all layers that shows "
            f"{percent(self.shown)} of the variance of n={self.variance.over}; steps with 95% intervals.",
            how_to_read="A line is a token on its way through the layers, in the order of the legend. Point at a line "
            "to follow it. Lines that run side by side are tokens the layers treat alike; a long piece is a layer that "
            "moves the token far in this plane.",
            misleads=f"The other {percent(1 - self.shown)} of the variance are not in the picture: tokens that touch "
            "here may be far apart, and later layers, being longer, take most of the room.",
            order=50,
        )

    def _panel(self, about: dict[str, Any], places: np.ndarray) -> Panel:
        x, y = np.asarray(places, dtype=np.float32)[:, self.skip :].transpose(2, 1, 0)
        positions = list(range(self.skip, places.shape[1]))
        x_axis, y_axis = [
            Axis(f"PC{i + 1}", f"{percent(share)} of the variance") for i, share in enumerate(self.variance.value[:2])
        ]
        ways = Ways(spoken([about["tokens"][at] for at in positions]), x, y, positions)
        groups = Wording.every(self.levels)
        return Panel(
            Wording(about["title"]),
            Scatter(x_axis, y_axis, groups=groups, ordered=True, ways=ways, aside=self._aside()),
        )

    def _aside(self) -> list[Block]:
        layers = Wording.every(self.levels[1:])
        length = SmallBars("step over stream", self.relative.value, layers)
        seen = SmallBars("share in the plane", self.in_plane.value, layers, float(np.mean(self.in_plane.chance)))
        rows = {name: self.relative[layer] for layer, name in enumerate(layers)}
        return [
            Block("Length of each step over that of the stream, in full width", rows=Row.each(rows), bars=length),
            Block("How much of it the picture shows", bars=seen),
        ]

    def _steps(self) -> wl.View:
        bars: dict[str, Any] = {
            "step over stream, full width": self.relative,
            "share of it in the plane": self.in_plane,
        }
        before = ""
        if isinstance(self.control, ResidualPCAResult):
            bars["step before training"] = self.control.relative.value
            if not np.nan_to_num(self.control.relative.value).any():  # bars of no height would only puzzle
                before = f" {bars.popitem()[0].capitalize()}: 0 in every layer."
        return wl.View(
            "residual-steps",
            "Residual stream: steps by layer",
            Bars.by_place(self.levels[1:], bars, "ratio"),
            subtitle="Which layer changes the representation of a token most?",
            caption="Mean length of each layer's step over that of the stream it starts from, in all "
            f"{self.width} dimensions, {interval_over(self.step)}{self._left_out()}. Chance of the share in the "
            f"plane is that of a random plane.{before}",
            how_to_read="A high bar is a layer that changes what is known about a token; beside it, how much of that "
            "change the two-dimensional picture can show.",
            misleads="A long step is not an important one: the final norm divides by the length of the whole stream.",
            order=52,
        )

    def _left_out(self) -> str:
        """Say which positions of each window are not among those measured."""
        if not self.skip:
            return ""
        return "; position 0 is left out" if self.skip == 1 else f"; positions 0 to {self.skip - 1} are left out"

    def _variance(self) -> wl.View:
        shown = min(12, len(self.variance.value))
        return wl.View(
            "residual-variance",
            "Residual stream PCA: explained variance",
            Bars.by_place([f"PC{i + 1}" for i in range(shown)], {"share": self.variance[:shown]}, "explained"),
            subtitle="How much of the stream do the leading directions hold?",
            caption=f"Share of the variance of all levels, {interval_over(self.variance)}{self._left_out()}; "
            "chance is what uncorrelated dimensions of the same variances would give.",
            how_to_read="Bars far over their chance are directions that many dimensions share.",
            misleads="Directions of high variance need not be the ones the model reads.",
            order=53,
        )


@dataclass(frozen=True)
class ResidualPCA:
    """How does the representation of a token move? One PCA for all layers, and the steps in full width."""

    name: ClassVar[str] = "residual-pca"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("resid_post", "embed", "pos_embed")
    groups: ClassVar[tuple[str, ...]] = ("triage",)
    no_choices: ClassVar[str] = (
        "Nothing is chosen: all layers are shown, and the plane is said to be that of the very text it shows."
    )

    skip: Annotated[int, "positions left out at the beginning of each window"] = 1
    components: Annotated[int, "components to keep"] = 12
    shown: Annotated[int, "conversations shown"] = 6

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.residual_pca()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> ResidualPCAResult:
        """Fit over the evidence, then measure the steps against the plane."""
        moments = self._moments(specimen)
        whole = moments.of(np.ones(len(moments.count)))
        eigenvalues, directions = np.linalg.eigh(whole)
        eigenvalues, directions = np.clip(eigenvalues[::-1], 0, None), directions[:, ::-1]
        kept = min(self.components, len(eigenvalues))
        directions = _signed(directions[:, :kept])
        plane = torch.from_numpy(directions[:, :2])
        show = windows_to_show(specimen.evidence, self.shown)
        steps, places = self._steps(specimen, plane, torch.from_numpy(moments.mean()), show)
        return ResidualPCAResult(
            levels=level_names(specimen),
            variance=_shares(moments, directions, eigenvalues, np.diag(whole), specimen.evidence.seed),
            dimensions=float(eigenvalues.sum() ** 2 / max((eigenvalues**2).sum(), 1e-300)),
            width=len(eigenvalues),
            conversations=[describe(specimen, window) for window in show],
            places=[places[window] for window in show],
            skip=self.skip,
            **steps,
        )

    def _moments(self, specimen: wl.Specimen) -> _Moments:
        """Sum the stream and its squares over tokens and levels, by conversation."""
        labels, cluster = np.unique(specimen.evidence.conversation, return_inverse=True)
        moments = _Moments(len(labels), specimen.cfg.d_model)
        for batch in specimen.batches():
            for row, window in enumerate(range(batch.windows.start, batch.windows.stop)):
                h = levels(batch, row)[:, batch.mask[row]][:, self.skip :].double().flatten(0, 1).numpy()
                moments.add(int(cluster[window]), h)
        return moments

    def _steps(
        self, specimen: wl.Specimen, plane: torch.Tensor, mean: torch.Tensor, show: Sequence[int]
    ) -> tuple[dict[str, Any], dict[int, np.ndarray]]:
        """Return the estimates of steps, and the places [level, position, 2] of the windows to show."""
        sums: dict[str, list[np.ndarray]] = {name: [] for name in ("step", "norm", "in plane", "squared")}
        counts, places = [], {}
        for batch in specimen.batches():
            for row, window in enumerate(range(batch.windows.start, batch.windows.stop)):
                h = levels(batch, row)[:, batch.mask[row]].double()  # [level, pos, d_model]
                if window in show:
                    places[window] = ((h - mean) @ plane).float().numpy()
                h = h[:, self.skip :]
                moved, norm = h.diff(dim=0), h.norm(dim=-1)
                length = moved.norm(dim=-1)
                sums["step"].append(length.sum(-1).numpy())
                sums["norm"].append(norm.sum(-1).numpy())
                sums["in plane"].append((moved @ plane).square().sum((-2, -1)).numpy())
                sums["squared"].append(length.square().sum(-1).numpy())
                counts.append(h.shape[1])
        stacked = {name: np.stack(parts) for name, parts in sums.items()}

        def estimate(name: str, weights: Any, unit: str, chance: float | None = None) -> wl.Estimate:
            of = specimen.evidence
            about: dict[str, Any] = {"unit": unit, "chance": chance, "dims": ("level",)}
            return cluster_bootstrap(stacked[name], weights, of.conversation, seed=of.seed, **about)

        return {
            "step": estimate("step", counts, "length of the stream"),
            "relative": estimate("step", stacked["norm"][:, :-1], "1"),
            "norm": estimate("norm", counts, "length of the stream"),
            "in_plane": estimate("in plane", stacked["squared"], "share of squared length", 2 / specimen.cfg.d_model),
        }, places


def _shares(
    moments: _Moments, directions: np.ndarray, eigenvalues: np.ndarray, diagonal: np.ndarray, seed: int
) -> wl.Estimate:
    """Estimate the share of the variance along each direction [dimension, component]."""
    n, kept, replicates = len(moments.count), directions.shape[1], 2000
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates).astype(np.float64)
    total = (draws @ moments.count)[:, None]
    mean = draws @ moments.sum / total
    along = draws @ np.einsum("cij,ik,jk->ck", moments.outer, directions, directions, optimize=True) / total
    everywhere = draws @ np.trace(moments.outer, axis1=1, axis2=2)[:, None] / total
    along, everywhere = along - (mean @ directions) ** 2, everywhere - (mean**2).sum(1, keepdims=True)
    low, high = np.quantile(along / everywhere, [0.025, 0.975], axis=0)
    if n == 1:  # drawn again, one conversation is itself: no interval
        low, high = np.full(kept, np.nan), np.full(kept, np.nan)
    value, chance = eigenvalues[:kept] / eigenvalues.sum(), np.sort(diagonal)[::-1][:kept] / diagonal.sum()
    return wl.Estimate(value, low, high, n=n, unit="share of variance", chance=chance, dims=("component",))


class _Moments:
    """Sums of vectors and of their outer products by cluster, from which any resampling's covariance follows."""

    def __init__(self, clusters: int, width: int) -> None:
        self.count = np.zeros(clusters)
        self.sum = np.zeros((clusters, width))
        self.outer = np.zeros((clusters, width, width))

    def add(self, cluster: int, rows: np.ndarray) -> None:
        self.count[cluster] += len(rows)
        self.sum[cluster] += rows.sum(0)
        self.outer[cluster] += rows.T @ rows

    def mean(self) -> np.ndarray:
        return np.asarray(self.sum.sum(0) / self.count.sum())

    def of(self, draw: np.ndarray) -> np.ndarray:
        """Return the covariance when each cluster counts as often as ``draw`` says."""
        total = draw @ self.count
        mean = draw @ self.sum / total
        return np.asarray(np.tensordot(draw, self.outer, 1) / total - np.outer(mean, mean))


def _signed(directions: np.ndarray) -> np.ndarray:
    """Return directions [dimension, component] with their largest entry positive: signs are arbitrary otherwise."""
    largest = np.abs(directions).argmax(0)
    return np.asarray(directions * np.sign(directions[largest, np.arange(directions.shape[1])]))
