"""How spread is each head's attention?

For each query i the entropy of its attention row, H_i = −Σ_j A_ij ln A_ij, in nats, and H_i / ln(i + 1), which is 1 for
uniform attention whatever the number of visible tokens. Row 0 sees one token, so its entropy is always 0; it is left
out. Means are over rows, the interval over conversations.

What would fool it: short inputs. Raw nats grow with the number of visible tokens (a uniform head has 1.1 nats over six
tokens and 3.9 over 128), so heads can only be compared at equal lengths, or normalised, as here. A low entropy says
that a head is focused, not on what, nor that it matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.stats import cluster_bootstrap

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth


@dataclass(frozen=True)
class AttentionEntropyResult(wl.Result):
    """Entropy of attention by head.

    Attributes:
        normalised: H / ln(visible tokens), [layer, head]; 1 is uniform.
        nats: H in nats, [layer, head].
        effective: exp H, the number of tokens attended to as if equally, [layer, head].
        spread: Standard deviation over rows of the normalised entropy, [layer, head].
        by_position: Mean normalised entropy by query position, [layer, head, pos]; NaN where no window reaches.
    """

    normalised: wl.Estimate
    nats: wl.Estimate
    effective: wl.Estimate
    spread: np.ndarray
    by_position: np.ndarray

    def summary(self) -> str:
        value = self.normalised.value
        focused = [str(Head(layer, head)) for layer, head in zip(*np.nonzero(value < 0.5), strict=True)]
        lowest = np.unravel_index(value.argmin(), value.shape)
        one = self.normalised[lowest]
        interval = f"[{float(one.low):.2f}, {float(one.high):.2f}] (n={one.n} conversations"
        lines = [
            f"{len(focused)} of {value.size} heads {'is' if len(focused) == 1 else 'are'} focused (entropy under half "
            f"of uniform attention's); the most focused is L{lowest[0]}H{lowest[1]} with {float(one.value):.2f} of it "
            f"{interval}{'' if one.trusted else ', too few to trust the interval'})."
        ]
        if focused:
            lines.append(f"Focused: {', '.join(focused)}.")
        if self.control is not None and isinstance(self.control, AttentionEntropyResult):
            lines.append(f"Before training the lowest was {self.control.normalised.value.min():.3f}.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        value = self.normalised.value
        layer, head = np.unravel_index(value.argmin(), value.shape)
        estimate = self.normalised[layer, head]
        trust = "solid" if estimate.trusted and estimate.high < 0.5 else "weak"
        text = self.summary().splitlines()[0]
        return [wl.Finding(text, "entropy-map", {"head": str(Head(layer, head))}, trust)]  # type: ignore[arg-type]

    def card(self) -> Mapping[str, wl.Estimate]:
        return {
            "Entropy, normalised": self.normalised,
            "Entropy, nats": self.nats,
            "Tokens attended to": self.effective,
        }

    def views(self) -> Sequence[wl.View]:
        layers, heads = self.nats.value.shape
        series = [
            _series("normalised", "share of ln(visible tokens)", self.normalised, [0, 1]),
            _series("nats", "nats", self.nats, [0, float(np.nanmax(self.nats.high))]),
            _series("tokens attended to", "tokens", self.effective, [0, float(np.nanmax(self.effective.high))]),
            {"name": "spread over rows", "unit": "sd", "values": self.spread},
        ]
        positions = np.arange(self.by_position.shape[-1])
        curves = [
            {"name": str(Head(layer, head)), "x": positions[1:], "y": self.by_position[layer, head, 1:]}
            for layer in range(layers)
            for head in range(heads)
        ]
        return [
            wl.View.of_data(
                "entropy-map",
                "Entropy map",
                "matrix",
                {
                    "rows": [f"L{layer}" for layer in range(layers)],
                    "columns": [f"H{head}" for head in range(heads)],
                    "links": "head",
                    "series": series,
                },
                caption="Mean entropy of attention rows, row 0 left out; 95% interval over "
                f"n={self.nats.n} conversations.",
                how_to_read="Strongly coloured heads spread their attention over many tokens, pale heads look at few. "
                "1 is uniform attention, 0 is one token. Click a head to see where it looks.",
                misleads="Low entropy says that a head is focused, not that it matters: a head that always looks at "
                "the first token may do nothing at all.",
                order=20,
            ),
            wl.View.of_data(
                "entropy-by-position",
                "Entropy by position",
                "line",
                {
                    "x": {"label": "query position", "unit": "tokens"},
                    "y": {"label": "normalised entropy"},
                    "series": curves,
                    "references": [{"name": "uniform", "y": 1.0}],
                },
                caption="Mean normalised entropy of the rows at each position, over all windows that reach it.",
                how_to_read="A flat line is a head that behaves alike anywhere in the window.",
                misleads="Few windows reach the last positions, so the right end is noisier.",
                order=25,
            ),
        ]


@dataclass(frozen=True)
class AttentionEntropy:
    """How spread is each head's attention? Normalised, in nats, and by position."""

    name: ClassVar[str] = "attention-entropy"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    groups: ClassVar[tuple[str, ...]] = ("triage",)

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.attention_entropy()

    def run(self, specimen: wl.Specimen) -> AttentionEntropyResult:
        """Compute the entropies over the specimen's evidence."""
        evidence = specimen.evidence
        sums, counts = [], []
        longest = evidence.tokens.shape[1]
        position_sum: Any = 0.0
        position_count = np.zeros(longest)
        for batch in specimen.batches():
            pattern = batch["pattern"].double()  # [layer, batch, head, query, key]
            entropy = torch.special.entr(pattern).sum(-1)  # [layer, batch, head, query]
            visible = torch.arange(1, entropy.shape[-1] + 1, dtype=torch.float64)
            normalised = entropy / visible.log().clamp(min=1e-12)
            rows = batch.mask.clone()  # [batch, query]
            rows[:, 0] = False
            kept = rows[None, :, None].double()
            measures = torch.stack([normalised, entropy, entropy.exp(), normalised**2])
            sums.append((measures * kept).sum(-1).permute(2, 0, 1, 3).numpy())  # [batch, measure, layer, head]
            counts.append(rows.sum(-1).numpy())
            padded = torch.zeros(*normalised.shape[:1], normalised.shape[2], longest, dtype=torch.float64)
            padded[..., : normalised.shape[-1]] = (normalised * kept).sum(1)
            position_sum = position_sum + padded.numpy()
            position_count[: rows.shape[1]] += rows.sum(0).numpy()
        total, rows_each = np.concatenate(sums), np.concatenate(counts)

        def estimate(index: int, unit: str, chance: Any) -> wl.Estimate:
            return cluster_bootstrap(
                total[:, index],
                rows_each,
                evidence.conversation,
                unit=unit,
                chance=chance,
                dims=("layer", "head"),
                seed=evidence.seed,
            )

        uniform = _uniform_levels(evidence.lengths)
        normalised_mean = estimate(0, "share of ln(visible tokens)", 1.0)
        second_moment = total[:, 3].sum(0) / rows_each.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            by_position = position_sum / np.where(position_count > 0, position_count, np.nan)
        return AttentionEntropyResult(
            normalised=normalised_mean,
            nats=estimate(1, "nats", uniform[0]),
            effective=estimate(2, "tokens", uniform[1]),
            spread=np.sqrt(np.maximum(second_moment - normalised_mean.value**2, 0)),
            by_position=by_position,
        )


def _uniform_levels(lengths: np.ndarray) -> tuple[float, float]:
    """Return the mean nats and effective tokens that uniform attention has over the same rows."""
    visible = np.concatenate([np.arange(2, length + 1) for length in lengths]).astype(float)
    return float(np.log(visible).mean()), float(visible.mean())


def _series(name: str, unit: str, estimate: wl.Estimate, domain: list[float]) -> dict[str, Any]:
    return {
        "name": name,
        "unit": unit,
        "values": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "chance": estimate.chance,
        "domain": domain,
    }
